"""Evidence in the layout of the EDPS website evidence collector, its `inspection.json`, read as a capture.

May go in here: the layout (versions 0.2 to 2) into the values of `capture.py`. May not: writing it
(`cmp.audit.inspection`), the JSON around it (`har_text.py`).

The layout is a summary. It gives pages, tracking requests and sockets with their addresses, cookies with the address
that set them, and of everything else the host alone; what was sent along, and what came back, is not in it. So every
entry says that cookies sent are unseen, the capture as a whole that bodies and details are, and nothing is made up for
them. A host that nothing else shows is an entry for the root of that host.

Source: github.com/EU-EDPS/website-evidence-collector (collector/, inspector/).
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any

from cmp.capture.capture import Capture, CaptureError, Entry, Gap, Note, Skipped, in_time_order, unseen_everywhere
from cmp.capture.har_text import read_members
from cmp.capture.observe import observe_request, with_answer
from cmp.capture.times import read_moment
from cmp.core.cookies import SetCookie
from cmp.core.exchange import Exchange, Unseen
from cmp.core.urls import Url, UrlError, parse_url

_AGAIN = "collect it again with the website evidence collector, or give the requests.har beside it"
# What only this layout has, and what it begins a file with that is a HAR file for sure.
_MEMBER = b'"uri_ins"'
_HAR = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"log"\s*:')


def is_har(start: bytes) -> bool:
    """Whether a file begins as nothing but a HAR file does."""
    return _HAR.match(start) is not None


def is_inspection(data: Any) -> bool:
    """Whether JSON (bytes, or a mapped file) is in this layout."""
    return not is_har(data[:512]) and data.find(_MEMBER) >= 0


def read_inspection(opened: IO[bytes], file: str) -> Capture:
    """The capture in an `inspection.json`; `file` is its name in errors and findings.

    Raises CaptureError for what is no JSON object or names no page that was visited. Entries are counted from 0: pages,
    beacons, sockets, what set cookies, hosts. What cannot be used is skipped, with the reason.
    """
    members, sha256, notes = read_members(opened, file, _AGAIN)
    pages = _addresses([members.get("uri_ins"), *_list(members.get("uri_redirects")), members.get("uri_dest")])
    if not pages:
        raise CaptureError(file, "no address of a visited page in uri_ins", _AGAIN)
    visit = _Visit(pages[-1], read_moment(members.get("start_time")))
    for page in pages:
        visit.request(page, answered=True, top=True)
    # Pages of the list may have been skipped, if not the first.
    for page in _addresses(_list(members.get("browsing_history"))):
        visit.request(page, top=True)
    for beacon in _objects(members.get("beacons")):
        visit.named(beacon.get("url"), "beacon", time=read_moment(_map(beacon.get("log")).get("timestamp")))
    for socket in _map(members.get("websocketLog")).values():
        visit.named(_map(socket).get("url"), "socket", time=read_moment(_map(socket).get("timestamp")))
    hosts = _hosts(members)
    _cookies(visit, members, hosts)
    for host in hosts:
        visit.host(host)
    entries = _entries(visit, members)
    return Capture(
        file=file,
        sha256=sha256,
        form="inspection",
        creator=_creator(members),
        entries=tuple(in_time_order(entries, _time_of)),
        skipped=tuple(Skipped(len(entries) + n, why) for n, why in enumerate(visit.skipped)),
        notes=(*notes, *_notes(members)),
        unseen=unseen_everywhere([entry.asked for entry in entries]) | {Gap.BODIES, Gap.DETAILS},
    )


# ------------------------------------------------------------------------------------------------- what was asked


@dataclass(slots=True)
class _Asked:
    """A request as far as the layout tells of it."""

    url: Url
    time: float | None
    answered: bool = False
    top: bool = False
    word: str = ""
    cookies: list[SetCookie] = field(default_factory=list)


@dataclass(slots=True)
class _Visit:
    page: Url
    start: float | None
    asked: dict[str, _Asked] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def request(
        self, url: Url, *, time: float | None = None, answered: bool = False, top: bool = False, word: str = ""
    ) -> _Asked:
        """The request for an address; one that was met before is the same."""
        found = self.asked.get(str(url))
        if found is None:
            found = self.asked[str(url)] = _Asked(url, self.start if top else time, answered, top, word)
        found.answered |= answered
        return found

    def named(self, value: object, what: str, *, time: float | None = None) -> None:
        url = _address(value)
        if url is None:
            self.skipped.append(f"a {what} without an address on the network")
        else:
            self.request(url, time=time)

    def host(self, host: str) -> None:
        if any(asked.url.host == host for asked in self.asked.values()):
            return
        url = _address(f"https://{host}/")
        if url is None or url.host != host:
            self.skipped.append("a host whose name is none")
        else:
            self.request(url)


def _hosts(members: Mapping[str, Any]) -> list[str]:
    requests = _map(_map(members.get("hosts")).get("requests"))
    named = [host for party in ("firstParty", "thirdParty") for host in _list(requests.get(party))]
    # A request whose address has no host is written as null.
    return list(dict.fromkeys(host.strip().lower() for host in named if isinstance(host, str) and host.strip()))


# ------------------------------------------------------------------------------------------------- cookies


def _cookies(visit: _Visit, members: Mapping[str, Any], hosts: list[str]) -> None:
    before = _preset(_map(members.get("browser")).get("preset_cookies"))
    for cookie in _objects(members.get("cookies")):
        name, log = cookie.get("name"), _map(cookie.get("log"))
        if not isinstance(name, str):
            visit.skipped.append("a cookie without a name")
        elif name in before and not log:
            visit.skipped.append("a cookie that was in the browser before the visit")
        elif (setter := _setter(visit, cookie, log, hosts)) is None:
            visit.skipped.append("a cookie whose host is none")
        else:
            setter.cookies.append(_cookie(name, cookie, setter.url))


def _setter(visit: _Visit, cookie: Mapping[str, Any], log: Mapping[str, Any], hosts: list[str]) -> _Asked | None:
    """What a cookie was set by: the answer or the script's document that the log names, else a host of its domain."""
    domain = _text(cookie.get("domain")).lstrip(".").lower()
    time = read_moment(log.get("timestamp"))
    by_script = log.get("type") != "Cookie.HTTP"
    stack = _objects(log.get("stack"))
    url = _address(log.get("location")) if by_script else _address(stack[0].get("fileName") if stack else None)
    if url is not None and _covers(domain, url.host):
        return visit.request(url, time=time, answered=True, word="subdocument" if by_script else "")
    if _covers(domain, visit.page.host):
        return visit.request(visit.page, answered=True)
    host = next((host for host in hosts if _covers(domain, host)), domain)
    url = _address(f"https://{host}/")
    return None if url is None else visit.request(url, time=time or visit.start, answered=True)


def _covers(domain: str, host: str) -> bool:
    return not domain or host == domain or host.endswith(f".{domain}")


def _cookie(name: str, cookie: Mapping[str, Any], url: Url) -> SetCookie:
    domain = _text(cookie.get("domain")).lstrip(".").lower()
    return SetCookie(
        name=name,
        value=_text(cookie.get("value")),
        expires=_expires(cookie.get("expires")),
        domain="" if domain == url.host else domain,
        path=_text(cookie.get("path")),
        # What is not said is no fault.
        secure=cookie.get("secure") is not False,
        http_only=cookie.get("httpOnly") is not False,
        same_site=_text(cookie.get("sameSite")).lower(),
        partitioned=bool(cookie.get("partitionKey")),
    )


def _expires(value: object) -> float | None:
    """Unix seconds, -1 for the end of the session; or, of a cookie that is in the log alone, a moment."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return read_moment(value)
    return float(value) if 0 < value < math.inf else None


def _preset(value: object) -> frozenset[str]:
    """Names of cookies that the collector was told to begin with: an object, or a list as browsers export it."""
    if isinstance(value, Mapping):
        return frozenset(value)
    return frozenset(name for one in _objects(value) if isinstance(name := one.get("name"), str))


# ------------------------------------------------------------------------------------------------- entries


def _entries(visit: _Visit, members: Mapping[str, Any]) -> list[Entry]:
    unseen = {Unseen.COOKIES} | ({Unseen.SET_COOKIES} if not isinstance(members.get("cookies"), list) else set())
    extra = _map(_map(members.get("browser")).get("extra_headers"))
    sent = [(key.lower(), str(v)) for key, v in extra.items() if key.lower() in ("dnt", "sec-gpc") and v in (1, "1")]
    made: list[Entry] = []
    for index, asked in enumerate(visit.asked.values()):
        exchange = _exchange(asked, visit.page, unseen, sent)
        made.append(Entry(index=index, asked=exchange, delivered=exchange))
    return made


def _exchange(asked: _Asked, page: Url, unseen: set[Unseen], sent: list[tuple[str, str]]) -> Exchange:
    exchange = observe_request(
        "GET",
        asked.url,
        sent,
        time=asked.time or 0.0,
        word=asked.word,
        # What is named besides the pages is none.
        top_level=asked.top,
        page=page,
        unseen=unseen | ({Unseen.TIME} if asked.time is None else set()),
    )
    if not asked.top and not asked.word:
        exchange = replace(exchange, unseen=exchange.unseen | {Unseen.KIND})
    if not asked.answered:
        return exchange
    return replace(with_answer(exchange, ()), set_cookies=tuple(asked.cookies))


def _time_of(entry: Entry) -> float | None:
    return None if Unseen.TIME in entry.asked.unseen else entry.asked.time


def _creator(members: Mapping[str, Any]) -> str:
    version = _map(_map(members.get("script")).get("version"))
    if ours := _text(version.get("consentry")):
        return f"consentry {ours}"
    return f"website-evidence-collector {_text(version.get('npm'))}".strip()


def _notes(members: Mapping[str, Any]) -> Iterator[Note]:
    yield Note(
        "summary",
        "a summary of a visit: what is named once may have been asked often; of most hosts neither addresses nor "
        "moments are known, so rules about paths say nothing of them; the requests.har beside it shows more",
    )
    stored = [_map(items) for items in _map(members.get("localStorage")).values()]
    if count := sum(map(len, stored)):
        yield Note("local-storage", f"{count} items in local storage, which no detector looks at")


# ------------------------------------------------------------------------------------------------- JSON


def _address(value: object) -> Url | None:
    try:
        url = parse_url(value) if isinstance(value, str) else None
    except UrlError:
        return None
    return url if url is not None and url.is_network else None


def _addresses(values: list[Any]) -> list[Url]:
    found = [url for value in values if (url := _address(value)) is not None]
    return list({str(url): url for url in found}.values())


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in _list(value) if isinstance(one, Mapping)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
