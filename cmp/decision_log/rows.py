"""One decision as the log keeps it, and what of it is the same for everybody.

May go in here: from what the proxy decided on one exchange to rows without a person. May not: counting them
(`round.py`), writing them (`folder.py`).

A row has no time and no place in an order. What a visitor chose is one of four words: more would tell few people apart
from many.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cmp.core.consent import Visitor
from cmp.core.decision import EditKind, Reason
from cmp.decision_log.naming import place_digest, shortened
from cmp.sites import registrable_domain

# So many different changes to one message are written; the others are counted.
_MOST_CHANGES = 32
# A policy's own words can be this long in a row.
_LONGEST = 200


class Choice(StrEnum):
    """What a visitor chose: nothing yet, no to everything, yes to some, yes to everything."""

    NONE = "none"
    REFUSED = "refused"
    SOME = "some"
    ACCEPTED = "accepted"


def choice_of(visitor: Visitor) -> Choice:
    if not visitor.decided:
        return Choice.NONE
    if not visitor.granted:
        return Choice.REFUSED
    return Choice.SOME if visitor.refused else Choice.ACCEPTED


@dataclass(frozen=True, slots=True)
class Taken:
    """What the proxy decided on one exchange, as it is handed over.

    `decision` is the form of `cmp.core.forms.decision_form`, `tags` the forms of what was stopped inside a page, with
    "url" and "kind". `host` and `path` are what was asked for. `stopped`: not forwarded though the decision lets it
    pass. `aliased`: the host is a site's own name for somebody else's (CNAME), and says whose site it is.

    `visit` is the id of an audit visit that asked to be linked, and `at` its time (Unix seconds); "" for everybody
    else.
    """

    decision: Mapping[str, Any]
    choice: Choice
    policy: str
    enforced: bool
    kind: str
    host: str
    path: str
    stopped: bool = False
    tags: Sequence[Mapping[str, Any]] = ()
    visit: str = ""
    at: float = 0.0
    aliased: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One kind of change to a message. `name` is what it was done to: a cookie, a member of the query, a field."""

    edit: str
    name: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """Everything about a decision that may be written, the same for everybody to whom the same happened.

    `where`: "wire" for a request, "page" for something inside a page. `site` is the registrable domain of a vendor's
    host, else None. `place` is the digest of host and path. `more` are changes that did not fit.
    """

    choice: str
    policy: str
    mode: str
    where: str
    action: str
    stopped: bool
    reason: str
    rule: str
    category: str | None
    vendor: str | None
    kind: str
    site: str | None
    place: str
    changes: tuple[Change, ...] = ()
    more: int = 0

    def form(self) -> dict[str, Any]:
        """The row as JSON values. What is usual is left out: `stopped` false, no changes, none too many."""
        form: dict[str, Any] = {
            "choice": self.choice,
            "policy": self.policy,
            "mode": self.mode,
            "where": self.where,
            "action": self.action,
            "reason": self.reason,
            "rule": self.rule,
            "category": self.category,
            "vendor": self.vendor,
            "kind": self.kind,
            "site": self.site,
            "place": self.place,
        }
        if self.stopped:
            form["stopped"] = True
        if self.changes:
            form["changes"] = [
                {"edit": one.edit, "name": one.name, "rule": one.rule, "reason": one.reason} for one in self.changes
            ]
        if self.more:
            form["more"] = self.more
        return form


@dataclass(frozen=True, slots=True)
class Stranger:
    """A host that no rule knows, for the list an operator works through: its registrable domain and what it was for."""

    site: str
    kind: str


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one exchange: its own first, then those of what was stopped inside its page."""

    own: Row
    inside: tuple[Row, ...] = ()
    stranger: Stranger | None = None


def rows_of(taken: Taken, key: bytes) -> Rows:
    """The rows of one exchange. `key` is for the digests of places."""
    own = _row(taken, taken.decision, where="wire", host=taken.host, place=place_digest(key, taken.host, taken.path))
    inside = tuple(_inside(taken, key))
    return Rows(own, inside, _stranger(taken))


def _row(taken: Taken, ruling: Mapping[str, Any], *, where: str, host: str, place: str, kind: str = "") -> Row:
    changes, more = _changes(ruling.get("edits", ()))
    rule, vendor, aliased = _rule(ruling), ruling["vendor"], taken.aliased and where == "wire"
    return Row(
        choice=taken.choice.value,
        policy=taken.policy,
        mode="enforce" if taken.enforced else "observe",
        where=where,
        action=ruling.get("action", "block"),
        stopped=taken.stopped and where == "wire",
        reason=ruling["reason"],
        rule=rule,
        category=ruling["category"],
        vendor=vendor,
        kind=kind or taken.kind or "other",
        site=registrable_domain(host) if vendor is not None and _by_host(rule) and not aliased else None,
        place=place,
        changes=changes,
        more=more,
    )


def _inside(taken: Taken, key: bytes) -> Iterator[Row]:
    for tag in taken.tags:
        host, path = _split(tag["url"])
        yield _row(taken, tag, where="page", host=host, place=place_digest(key, host, path), kind=tag["kind"])


def _split(url: str) -> tuple[str, str]:
    """Host and path of a URL that was written by us."""
    rest = url.partition("://")[2]
    host, slash, path = rest.partition("/")
    return host.rpartition("@")[2].partition(":")[0], slash + path


def _rule(ruling: Mapping[str, Any]) -> str:
    rule: str = ruling["rule"]
    if ruling["reason"] == Reason.CONFINED:
        # The one rule whose id holds a name as the visitor's browser sent it.
        return f"cookie:{shortened(rule.removeprefix('cookie:'))}"
    return rule[:_LONGEST]


def _by_host(rule: str) -> bool:
    """Whether a vendor's rule goes by the vendor's host. One that goes by a path alone is on any site's own host."""
    return rule.startswith("vendor:") and rule.partition("#")[2][:1] not in ("/", "?") and not rule.endswith("#")


# What their names can be is written in the policy or in our own tables. Of a request's header a pattern may take out
# fields with any name, so those are shortened like the rest.
_OURS = frozenset(
    {
        *(EditKind.TRIM_REFERRER, EditKind.SHORTEN_ADDRESS, EditKind.MARK_EVENT, EditKind.ADD_SIGNAL),
        *(EditKind.STRIP_ANSWER_HEADER, EditKind.STRIP_FROM_ANSWER_HEADER),
    }
)


def _changes(edits: Sequence[Mapping[str, Any]]) -> tuple[tuple[Change, ...], int]:
    found = {Change(edit["edit"], _name(edit), _rule(edit), edit["reason"]) for edit in edits[: 4 * _MOST_CHANGES]}
    kept = sorted(found)[:_MOST_CHANGES]
    return tuple(kept), len(found) - len(kept) + max(len(edits) - 4 * _MOST_CHANGES, 0)


def _name(edit: Mapping[str, Any]) -> str:
    name: str = edit["name"]
    if edit["edit"] == EditKind.REDUCE_BODY:
        # The type of a body is the sender's to choose.
        return ""
    return name[:_LONGEST] if edit["edit"] in _OURS or declared(name, edit["rule"]) else shortened(name)


def from_browser(edit: str) -> bool:
    """Whether the name in such a change is one that a visitor's browser sent, or a server set."""
    return edit not in _OURS and edit != EditKind.REDUCE_BODY


def declared(name: str, rule: str) -> bool:
    """Whether a cookie's name is one that the policy itself writes out."""
    return rule.startswith("cookie:") and (rule == f"cookie:{name}" or rule.endswith(f"/{name}"))


def _stranger(taken: Taken) -> Stranger | None:
    if not taken.decision["rule"].startswith("unknown.host") or not taken.host:
        return None
    return Stranger(registrable_domain(taken.host), taken.kind or "other")
