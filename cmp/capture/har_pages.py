"""Which page each entry of a HAR file belongs to.

May go in here: telling a page's own document from what it loads, out of an entry's group, order, headers and answer.
May not: reading JSON (`har.py`), or the page a single request states itself (`observe.py`).

A live decision may not look at answers; this may, because where a page begins is a fact about the recording.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cmp.capture.observe import Asked
from cmp.core.exchange import Kind
from cmp.core.kinds import kind_of
from cmp.core.urls import Url, UrlError, parse_url

_HTML = ("text/html", "application/xhtml+xml")
_PAGES = (Kind.DOCUMENT, Kind.FRAME)


@dataclass(slots=True)
class Visit:
    """What an entry says that matters for its page. `group` is its `pageref`, "" for none; `word` its `_resourceType`.

    `targets` are what the answer redirects to, as written. `time` is None where the entry has none.
    """

    index: int
    group: str
    method: str
    url: Url
    asked: Asked
    status: int
    media_type: str
    targets: tuple[str, ...]
    time: float | None
    word: str


@dataclass(frozen=True, slots=True)
class Place:
    """Whether an entry is a page's own document (None: the file does not tell), and the page it belongs to."""

    top_level: bool | None = None
    page: Url | None = None


def places(visits: Sequence[Visit]) -> dict[int, Place]:
    """The place of each visit, by index. The visits come in time order.

    Entries with one `pageref` are one page: it begins with the group's document, whose redirects are followed to the
    entry that finally answers, and the rest of the group belongs to that one. `Sec-Fetch-Dest: document` always
    begins a page, also a second one in its group. Without it, the group's first entry does if it asked for HTML, or
    got HTML without saying what it asked for; so does a later one that asked for HTML and came from nowhere (other
    programs' requests stand before it in some files). Chrome's `_resourceType: document` means frames too and proves
    nothing. A group without a document was recorded after its page had loaded: its entries' headers decide.

    Entries without a `pageref` are left to their headers: they come from proxies (mitmproxy, Fiddler, Charles) that see
    any number of pages at once, and the same traffic in a flow file has to read the same. A page unknown is better
    than a page guessed, which would make first parties of everything around it.
    """
    groups: dict[str, list[Visit]] = {}
    for visit in visits:
        groups.setdefault(visit.group, []).append(visit)
    groups.pop("", None)
    found: dict[int, Place] = {}
    for group in groups.values():
        found.update(_grouped(group))
    return found


def _grouped(group: Sequence[Visit]) -> Iterable[tuple[int, Place]]:
    leads_to = _redirects(group)
    final = _final(leads_to)
    start = _start(group, final)
    found: dict[int, Place] = {}
    page: Url | None = None
    for position, visit in enumerate(group):
        if visit.index in found:
            continue
        if position == start or _destination(visit) == "document":
            page = group[final[position]].url
            link: int | None = position
            while link is not None and group[link].index not in found:
                found[group[link].index] = Place(top_level=True)
                link = leads_to[link]
        elif page is not None:
            found[visit.index] = Place(top_level=False, page=page)
    return found.items()


def _start(group: Sequence[Visit], final: Sequence[int]) -> int | None:
    """Where a group's page begins as far as Fetch Metadata does not tell, None where it alone does or nothing can.

    A page first asked for over plain HTTP has no Fetch Metadata until its redirect leads to HTTPS. Firefox asks for a
    certificate's status (OCSP) as if for a page; so one that got HTML goes before one that did not.
    """
    known = next((n for n, visit in enumerate(group) if _destination(visit) == "document"), None)
    types = [group[position].media_type for position in final]
    pages = [n for n, visit in enumerate(group[:known]) if _may_begin(visit, types[n], first=n == 0)]
    got_html = next((n for n in pages if types[n] in (*_HTML, "")), None)
    return pages[0] if got_html is None and pages and known is None else got_html


def _may_begin(visit: Visit, final_type: str, *, first: bool) -> bool:
    if _destination(visit):
        return False
    wanted = _wanted(visit)
    if wanted in _PAGES:
        return first or _from_nowhere(visit)
    return first and wanted is Kind.OTHER and final_type in _HTML


def _redirects(group: Sequence[Visit]) -> list[int | None]:
    """For each visit the position its redirect leads to: the next visit of a URL it names. None for no redirect."""
    leads_to: list[int | None] = [None] * len(group)
    later: dict[Url, int] = {}
    for position in reversed(range(len(group))):
        found = [later[target] for target in _targets(group[position]) if target in later]
        leads_to[position] = min(found, default=None)
        later[group[position].url] = position
    return leads_to


def _final(leads_to: Sequence[int | None]) -> list[int]:
    """For each position the one its redirects end at. They lead onwards only, so each has an end."""
    final = list(range(len(leads_to)))
    for position in reversed(final):
        target = leads_to[position]
        final[position] = position if target is None else final[target]
    return final


def _targets(visit: Visit) -> list[Url]:
    if not 300 <= visit.status <= 399:
        return []
    urls = []
    for target in visit.targets:
        try:
            urls.append(parse_url(target, visit.url))
        except UrlError:
            continue
    return urls


def _wanted(visit: Visit) -> Kind:
    """The kind the request asks for: FRAME for any page, as `_resourceType: document` says no more than that."""
    word = "" if visit.word == "document" else visit.word
    kind = kind_of(visit.url, accept=visit.asked.accept, word=word)
    return Kind.FRAME if kind is Kind.OTHER and visit.word == "document" else kind


def _destination(visit: Visit) -> str:
    return visit.asked.fetch_dest.lower()


def _from_nowhere(visit: Visit) -> bool:
    return visit.asked.page is None
