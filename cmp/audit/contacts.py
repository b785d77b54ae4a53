"""Who was contacted in captures, with which cookies, and what becomes of it under the policy.

May go in here: grouping decisions by company, by unknown site, and the visited site itself. May not: findings, layout.
It looks at what was asked, so it tells what would have happened; findings tell what did.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from cmp.audit.evidence import deletes
from cmp.audit.replay import Replay, Step
from cmp.core.classify import Party
from cmp.core.decide import party_of
from cmp.core.decision import EditKind, Reason
from cmp.core.exchange import Kind
from cmp.core.policy import Policy


@dataclass(slots=True)
class Contact:
    """One company, or one registrable domain that no vendor names (`known` false; the site's own: `own` true).

    `sent` and `set` are names of cookies in order of appearance, `stripped` those taken out of requests that pass, in
    either direction. `why` counts the reasons of all requests' rulings, `why_stopped` of those that were stopped.
    """

    name: str
    country: str = ""
    known: bool = False
    own: bool = False
    requests: int = 0
    stopped: int = 0
    categories: dict[str, None] = field(default_factory=dict)
    sent: dict[str, None] = field(default_factory=dict)
    set: dict[str, None] = field(default_factory=dict)
    stripped: dict[str, Reason] = field(default_factory=dict)
    why: Counter[Reason] = field(default_factory=Counter)
    why_stopped: Counter[Reason] = field(default_factory=Counter)

    @property
    def reason(self) -> Reason:
        """The commonest reason why requests were stopped; where none was, why they passed."""
        return (self.why_stopped or self.why).most_common(1)[0][0]

    def take_in(self, other: "Contact") -> None:
        """Add what another capture shows of the same one."""
        self.requests += other.requests
        self.stopped += other.stopped
        self.categories |= other.categories
        self.sent |= other.sent
        self.set |= other.set
        for name, why in other.stripped.items():
            self.stripped.setdefault(name, why)
        self.why += other.why
        self.why_stopped += other.why_stopped


def contacts_of(done: Replay) -> Iterable[Contact]:
    """Everybody whom one capture shows to be asked for something, in the order of their first requests."""
    found: dict[tuple[str, str], Contact] = {}
    for step in done.steps:
        _add(found, done.policy, step)
    return found.values()


def contacts(captures: Iterable[Iterable[Contact]]) -> list[Contact]:
    """Everybody who was asked for something in any capture, the most often first; names decide between equals."""
    found: dict[tuple[bool, bool, str], Contact] = {}
    for contact in (contact for capture in captures for contact in capture):
        found.setdefault((contact.known, contact.own, contact.name), Contact(*_who(contact))).take_in(contact)
    return sorted(found.values(), key=lambda contact: (-contact.requests, contact.name.casefold(), contact.name))


def _who(contact: Contact) -> tuple[str, str, bool, bool]:
    return contact.name, contact.country, contact.known, contact.own


def _add(found: dict[tuple[str, str], Contact], policy: Policy, step: Step) -> None:
    exchange, decision = step.entry.asked, step.decision
    ruling = decision.ruling
    if ruling.vendor is not None:
        vendor = policy.vendors[ruling.vendor]
        contact = found.setdefault(
            ("company", vendor.company), Contact(vendor.company, vendor.country.replace("ZZ", ""), known=True)
        )
    else:
        own = party_of(policy, exchange) is Party.FIRST or exchange.kind is Kind.DOCUMENT
        contact = found.setdefault(("own" if own else "site", exchange.host_site), Contact(exchange.host_site, own=own))
    contact.requests += 1
    contact.stopped += decision.blocked
    contact.why[ruling.reason] += 1
    if decision.blocked:
        contact.why_stopped[ruling.reason] += 1
    if ruling.category is not None:
        contact.categories.setdefault(ruling.category)
    for pair in exchange.cookies:
        contact.sent.setdefault(pair.name)
    for cookie in exchange.set_cookies:
        if not deletes(cookie, exchange):
            contact.set.setdefault(cookie.name)
    for edit in decision.edits:
        if edit.kind in (EditKind.STRIP_COOKIE, EditKind.STRIP_SET_COOKIE):
            contact.stripped.setdefault(edit.name, edit.ruling.reason)
