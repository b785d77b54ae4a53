"""What a policy offers at the desk, read out of its complete document.

May go in here: plain values made of a checked document. May not: checking it (`cmp.policy`), keeping it: a policy can
change while the server runs, so an `Offer` is made anew for each request.

What a document does not name is not offered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from cmp.core.lifetimes import read_lifetime

Texts = Mapping[str, str]

OWN = ""
"""The operator's own, where an id of a client could stand."""


@dataclass(frozen=True, slots=True)
class OptOutList:
    """A list people can be taken off. With `per_client` each client has its own, otherwise all share one."""

    id: str
    titles: Texts
    per_client: bool = False
    due_business_days: int = 10
    one_click: bool = True
    export: bool = True

    def client(self, client: str) -> str:
        """Whose list it is when `client` sends."""
        return client if self.per_client else OWN


@dataclass(frozen=True, slots=True)
class Rights:
    """`per_day` is how many requests one person may make in a day, None for any number; `limit` the reason given."""

    offered: tuple[str, ...]
    contact: str = ""
    authority: Texts = field(default_factory=dict)
    deadline_days: int = 30
    identity_check: bool = False
    refers: bool = False
    free: bool = True
    per_day: int | None = None
    limit: Texts = field(default_factory=dict)
    purge: bool = False


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose off the web. With basis "consent" it is carried out only after a yes; with another, until a no."""

    id: str
    titles: Texts
    reasons: Texts
    basis: str
    can_stop: bool
    retention: Texts


@dataclass(frozen=True, slots=True)
class Notice:
    """An announcement, shown from the day `since` on; on the day `until` no longer (None: no end). Days of UTC."""

    id: str
    kind: str
    since: date | None
    until: date | None
    texts: Texts

    def in_force(self, now: float) -> bool:
        today = datetime.fromtimestamp(now, UTC).date()
        return (self.since is None or self.since <= today) and (self.until is None or today < self.until)


@dataclass(frozen=True, slots=True)
class Offer:
    """Everything of the desk that one policy offers. None, empty or False is what it does not."""

    opt_outs: Mapping[str, OptOutList]
    rights: Rights | None
    purposes: Mapping[str, Purpose]
    subjects: Mapping[str, Texts]
    notices: tuple[Notice, ...] | None
    clients: Mapping[str, str]
    record_source: bool
    disclosures: bool
    smallest_group: int | None
    access_log: bool
    minimum_age: int | None
    keep_records: int | None
    """Seconds that records are kept, None where nothing is said."""

    @property
    def anything(self) -> bool:
        """Whether a desk is needed at all."""
        return bool(
            self.opt_outs
            or self.rights
            or self.purposes
            or self.record_source
            or self.disclosures
            or self.smallest_group
            or self.access_log
        )


def offer_of(document: Mapping[str, Any]) -> Offer:
    """What a complete policy document offers. Raises ValueError or TypeError for one that was not checked."""
    desk, consent = _object(document, "desk"), _object(document, "consent")
    notices = document.get("notices")
    return Offer(
        opt_outs={item["id"]: _opt_out(item) for item in document.get("optOuts") or ()},
        rights=_rights(document["rights"]) if document.get("rights") else None,
        purposes={item["id"]: _purpose(item) for item in document.get("purposes") or ()},
        subjects={item["id"]: item.get("title", {}) for item in document.get("dataSubjects") or ()},
        notices=None if notices is None else tuple(_notice(item) for item in notices),
        clients={item["id"]: item.get("name", item["id"]) for item in desk.get("clients") or ()},
        record_source=bool(desk.get("recordSource")),
        disclosures=bool(desk.get("disclosures")),
        smallest_group=desk.get("smallestGroup"),
        access_log=bool(desk.get("accessLog")),
        minimum_age=consent.get("minimumAge"),
        keep_records=_seconds(consent.get("keepRecords")),
    )


def _opt_out(item: Mapping[str, Any]) -> OptOutList:
    return OptOutList(
        id=item["id"],
        titles=item.get("title", {}),
        per_client=bool(item.get("perClient", False)),
        due_business_days=item.get("dueBusinessDays", 10),
        one_click=bool(item.get("oneClick", True)),
        export=bool(item.get("export", True)),
    )


def _rights(item: Mapping[str, Any]) -> Rights:
    limit = item.get("limit") or {}
    return Rights(
        offered=tuple(item.get("offered") or ()),
        contact=item.get("contact", ""),
        authority=item.get("authority") or {},
        deadline_days=item.get("deadlineDays", 30),
        identity_check=bool(item.get("identityCheck", False)),
        refers=bool(item.get("referTo")),
        free=bool(item.get("free", True)),
        per_day=limit.get("perDay"),
        limit=limit.get("text") or {},
        purge=bool(item.get("purge", False)),
    )


def _purpose(item: Mapping[str, Any]) -> Purpose:
    return Purpose(
        id=item["id"],
        titles=item.get("title", {}),
        reasons=item.get("reason") or {},
        basis=item["basis"],
        can_stop=bool(item.get("canStop", True)),
        retention=item.get("retention") or {},
    )


def _notice(item: Mapping[str, Any]) -> Notice:
    return Notice(
        item["id"], item.get("kind", "other"), _date(item.get("from")), _date(item.get("until")), item.get("text", {})
    )


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text[:10])


def _seconds(text: str | None) -> int | None:
    return None if text is None else read_lifetime(text).seconds


def _object(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document.get(key) or {}
    return found
