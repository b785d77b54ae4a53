"""One request and its answer, as far as a proxy can see them, normalised once.

May go in here: the value `Exchange` and the vocabulary of its fields. May not: reading a flow or a capture entry into
one (`cmp.capture`), judging it (`decide.py`).
"""

from dataclasses import dataclass, field
from enum import StrEnum

from cmp.core.cookies import RequestCookie, SetCookie
from cmp.core.signals import NO_SIGNALS, Signals
from cmp.core.urls import Url


class Kind(StrEnum):
    """What the browser wants the resource for.

    `DOCUMENT` is a top-level navigation, `FRAME` a nested one. `PING` is hyperlink auditing (`<a ping>`, HTML standard,
    section 4.6.8), which says where a visitor leaves to. `CONSENT` is a request to our own reserved path on the
    operator's site: only the proxy in front of it can tell, so only the edge of that proxy says so.
    """

    DOCUMENT = "document"
    FRAME = "frame"
    SCRIPT = "script"
    STYLE = "style"
    IMAGE = "image"
    FONT = "font"
    MEDIA = "media"
    FETCH = "fetch"
    BEACON = "beacon"
    PING = "ping"
    WEBSOCKET = "websocket"
    OBJECT = "object"
    WORKER = "worker"
    MANIFEST = "manifest"
    CONSENT = "consent"
    OTHER = "other"

    # What was decided is kept by kind; Enum would have each look-up go through Python code.
    __hash__ = str.__hash__


class Phase(StrEnum):
    """How much of the exchange there is: the request alone, or the answer's headers too."""

    REQUEST = "request"
    RESPONSE = "response"


class Unseen(StrEnum):
    """Parts that the source of an exchange could not show: a missing cookie is no proof that there was none."""

    COOKIES = "cookies"
    SET_COOKIES = "set-cookies"
    KIND = "kind"
    PAGE = "page"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Named:
    """An address that a header field of the answer names, the `index`th of the fields of that name (from 0).

    `field` is lower case; `site` the registrable domain of the host; `kind` what a browser wants from there; `group`
    the name that reports go to it under. A field that names a group alone has no URL.
    """

    field: str
    index: int
    url: Url | None
    site: str
    kind: Kind
    group: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The input of a decision.

    `page` is the page the request was made for, None where nobody can tell; `host_site` and `page_site` are the
    registrable domains (public suffix list, private suffixes included) of the two, looked up where the exchange is
    read. `time` is when the request started, Unix seconds, 0 where `unseen` says so. Cookies keep order and duplicates.

    `referrer` is the Referer as sent; `header_names` are the request's, lower case; `content_type` is the media type of
    its body, "" without one. `carries` names what was found in URL and body: kinds of data ("card-number", see
    `sensitive.py`), "cookie:NAME" for the value of another host's confined cookie, "body:RULE" for a body of the form
    that a rule is about. `fetch_site` is what the browser
    says of who asks: "same-origin", "same-site", "cross-site" or "none" (the person), "" where it says nothing.
    `aliases` are the names on other sites that the host is another name for (CNAME), as far as somebody looked them up.
    `status` is the answer's, 0 before there is one and where the source does not say. `told` are the names of the
    answer's fields that a browser acts on by itself (`answers.py`), lower case; `named` the addresses in them.

    `same_site` follows: whether the request stays on the site of its page; a top-level navigation is its own page.
    """

    method: str
    url: Url
    host_site: str
    page: Url | None = None
    page_site: str = ""
    kind: Kind = Kind.OTHER
    phase: Phase = Phase.REQUEST
    time: float = 0.0
    signals: Signals = NO_SIGNALS
    cookies: tuple[RequestCookie, ...] = ()
    set_cookies: tuple[SetCookie, ...] = ()
    unseen: frozenset[Unseen] = frozenset()
    referrer: str = ""
    header_names: frozenset[str] = frozenset()
    content_type: str = ""
    carries: frozenset[str] = frozenset()
    fetch_site: str = ""
    status: int = 0
    aliases: tuple[str, ...] = ()
    told: frozenset[str] = frozenset()
    named: tuple[Named, ...] = ()

    same_site: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        on_its_site = self.page is not None and bool(self.host_site) and self.page_site == self.host_site
        object.__setattr__(self, "same_site", on_its_site or self.kind is Kind.DOCUMENT)

    @property
    def may_be_on_its_own(self) -> bool:
        """Whether a person may go to this page and see it alone. On plain HTTP nobody can tell that from a frame; a
        frame that is known as one shows what its page says."""
        return self.kind is Kind.DOCUMENT or (self.kind is Kind.FRAME and Unseen.KIND in self.unseen)
