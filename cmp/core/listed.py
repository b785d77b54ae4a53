"""What a list of others says of a request or a cookie.

May go in here: the shape of such a list, as decisions ask it, and of its answers. May not: reading lists (`cmp.lists`),
what follows from an answer (`on_lists.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cmp.core.classify import Party
from cmp.core.exchange import Kind
from cmp.core.urls import Url


@dataclass(frozen=True, slots=True)
class Found:
    """One answer of a list.

    `rule` is the id that stands in the decision: "list:NAME@DIGEST:TEXT", DIGEST being the first eight hex digits of
    the list's SHA-256 and TEXT the rule as the list has it, cut where it is long. `category` is one of the policy's.
    `vendor` is whom the list names, in the list's own words. `exception`: the rule takes the request out of the list,
    so the list says nothing of it; it is there for people to see.
    """

    rule: str
    category: str
    vendor: str | None = None
    exception: bool = False


class Source(Protocol):
    """A list, or several that are looked up as one, filed under the categories of one policy.

    The same question always gets the same answer. `id` is what people call it, `digest` the SHA-256 (hex) of what it
    was read from, `categories` every category an answer can name.
    """

    @property
    def id(self) -> str: ...

    @property
    def digest(self) -> str: ...

    @property
    def categories(self) -> frozenset[str]: ...

    def request(self, url: Url, page: Url | None, kind: Kind, *, third_party: bool) -> Iterable[Found]:
        """What it says of a request for `url` by `page` (None where nobody can tell); nothing where it says nothing.

        Who has heard enough need not ask for the rest.
        """
        ...

    def cookie(self, name: str, url: Url, page: Url | None, party: Party) -> tuple[Found, ...]:
        """What it says of a cookie called `name` sent to or set by `url`; () where it says nothing."""
        ...
