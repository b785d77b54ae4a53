"""The identifiers of a capture: parts of cookies that may tell one visitor from another, and who got them.

May go in here: collecting identifiers with their owners, and the requests that hand one to somebody else. May not:
what an identifier looks like (`identifying.py`), what of it is a breach (`detectors/`).
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cmp.audit.evidence import Evidence, Message, Sighting
from cmp.audit.identifying import SHORTEST, identifying_parts
from cmp.audit.said import Said
from cmp.audit.search import Hit, Known, Search


@dataclass(slots=True)
class _Identifier:
    """Its first owner, everybody who has it in a cookie with the place in the capture from when, and when it was set.

    `born` is None where the browser had it before the capture shows it: a script set it, or it is older.
    """

    known: Known
    owners: dict[str, int] = field(default_factory=dict)
    born: int | None = None


def handed_over(evidence: Evidence, *, own: bool) -> Iterator[tuple[Message, Hit]]:
    """Identifiers in cookies of the visited site (`own`), or of others, found in requests to somebody who has none.

    Not taken for identifiers: parts of a page's address, which everybody on the page may know, values that a request
    held before the answer that set them, which are no invention of that answer, and cookies that live a minute at most,
    which tell one page load from another. A company that the site is called after is nobody else.
    """
    return (pair for pair in evidence.once(_handed_over) if pair[1].known.own is own)


def _handed_over(evidence: Evidence) -> list[tuple[Message, Hit]]:
    found = _identifiers(evidence)
    search = Search((one.known for one in found.values()), SHORTEST)
    hits = [(message, hit) for message in evidence.messages for hit in search.hits(message.said)]
    older = {
        hit.known.value
        for message, hit in hits
        if (born := found[hit.known.value].born) is not None and message.at <= born
    }
    return [
        (message, hit)
        for message, hit in hits
        if hit.known.value not in older
        and message.seen.exchange.host_site != hit.known.site
        and not _called_after(hit.known.site, message.party)
        and found[hit.known.value].owners.get(message.party, message.at + 1) > message.at
    ]


def _called_after(site: str, company: str) -> bool:
    """Whether a site bears a company's name: github.com that of GitHub, whose statistics lie on another domain."""
    return site.partition(".")[0] == _NO_LETTER.sub("", company.lower())


_NO_LETTER = re.compile("[^a-z0-9]")


class Parts:
    """The parts of cookies of one capture that may identify.

    Several cookies of a site that begin with the same number hold a number of the site there: `__utma`, `__utmb` and
    `__utmz` of Google's older counter begin with a digest of the domain.
    """

    def __init__(self, evidence: Evidence) -> None:
        names: dict[tuple[str, str], set[str | None]] = {}
        for seen in evidence.cookies:
            if lead := _LEAD.match(seen.value):
                names.setdefault((seen.exchange.host_site, lead[1]), set()).add(seen.name)
        self._common = {key for key, found in names.items() if len(found) > 1}

    def of(self, seen: Sighting) -> tuple[str, ...]:
        lead = _LEAD.match(seen.value)
        if lead and (seen.exchange.host_site, lead[1]) in self._common:
            return identifying_parts(seen.value[lead.end() :])
        return identifying_parts(seen.value)


# Seconds.
_MINUTE = 60


def _brief(evidence: Evidence) -> frozenset[tuple[str | None, str]]:
    """Cookies, by name and site, that answers set and never for longer than a minute."""
    longest: dict[tuple[str | None, str], float] = {}
    for seen in evidence.cookies:
        if seen.set_cookie is not None:
            key = seen.name, seen.exchange.host_site
            lifetime = math.inf if seen.lifetime is None else seen.lifetime
            longest[key] = max(longest.get(key, 0), lifetime)
    return frozenset(key for key, seconds in longest.items() if seconds <= _MINUTE)


_LEAD = re.compile(r"([0-9]{6,10})(?:\.|$)")


def _identifiers(evidence: Evidence) -> dict[str, _Identifier]:
    places = {message.seen.step.entry.index: message for message in evidence.messages}
    found: dict[str, _Identifier] = {}
    parts, brief = evidence.once(Parts), _brief(evidence)
    for seen in evidence.cookies:
        if (seen.name, seen.exchange.host_site) in brief:
            continue
        message = places[seen.step.entry.index]
        for part in parts.of(seen):
            if part not in found:
                owner = Known(
                    part,
                    seen.name or "",
                    seen.exchange.host_site,
                    message.party,
                    seen.step.entry.index,
                    not message.third,
                    seen.declared,
                )
                found[part] = _Identifier(owner, born=None if seen.set_cookie is None else message.at)
            # What an answer sets was not known to its request yet.
            found[part].owners.setdefault(message.party, message.at + (seen.set_cookie is not None))
    public = Search((one.known for one in found.values()), SHORTEST)
    for page in evidence.pages:
        for hit in list(public.hits(Said(page.exchange))):
            found.pop(hit.known.value, None)
    return found
