"""From header lists to an exchange: the one reading that live traffic, captures and the command line share.

May go in here: taking page, kind, signals and cookies from a request's and an answer's headers. May not: formats of
files and flows. What differs between two sources is passed in; nothing is guessed twice.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from cmp.core.answers import ACTED_ON
from cmp.core.cookies import (
    RequestCookie,
    SetCookie,
    read_cookie_date,
    read_cookie_header,
    read_set_cookie,
    set_cookies_in,
)
from cmp.core.exchange import Exchange, Kind, Named, Phase, Unseen
from cmp.core.kept import kept_by_text
from cmp.core.kinds import kind_of
from cmp.core.references import NAMING, in_one_line, read_references
from cmp.core.signals import Signals, read_signals
from cmp.core.urls import Url, UrlError, parse_url
from cmp.sites import registrable_domain

Headers = Sequence[tuple[str, str]]
# The values of the field lines of each name (lower case), in order.
Lines = Mapping[str, Sequence[str]]

# RFC 9110, sections 8.3.1 and 5.6.2.
_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")

# Fetch standard, section 2.2.2 ("get, decode, and split"): quotes hold to the end where nothing closes them.
_TYPES = re.compile(r'(?:[^,"]++|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))+', re.DOTALL)


class Fields(list[tuple[str, str]]):
    """The field lines of one message, sorted by name once: for who asks for many names."""

    __slots__ = ("lines",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(pairs)
        self.lines: Lines = _sorted(self)

    def first(self, name: str) -> str:
        """The first field line called `name` (lower case), "" without one."""
        found = self.lines.get(name)
        return found[0] if found else ""


def field_lines(headers: Headers, name: str) -> Sequence[str]:
    """The values of every field line called `name` (lower case), in order."""
    if isinstance(headers, Fields):
        return headers.lines.get(name, ())
    length = len(name)
    # Most names differ in length.
    return [value for key, value in headers if len(key) == length and key.lower() == name]


class Asked(NamedTuple):
    """What the fields of a request say, whatever is known of its place besides. Texts are "" where nothing is said.

    `page` is the one they state (Origin, then Referer), `names` those of all the fields, lower case.
    """

    fetch_dest: str
    fetch_mode: str
    accept: str
    content_type: str
    page: Url | None
    signals: Signals
    cookies: tuple[RequestCookie, ...]
    referrer: str
    names: frozenset[str]
    fetch_site: str


class Answered(NamedTuple):
    """What the fields of an answer say, as `Exchange` has it; `any` is whether there are any fields."""

    set_cookies: tuple[SetCookie, ...]
    told: frozenset[str]
    named: tuple[Named, ...]
    any: bool


def read_asked(url: Url, headers: Headers, once: Callable[[str], str] = str) -> Asked:
    """Read the fields of a request for `url`. `once` gives the text that was met before, where it was."""
    lines = _by_name(headers)
    # Over plain HTTP only the handshake itself tells a WebSocket, and mitmproxy calls its scheme http(s).
    handshake = _last(lines, "upgrade").lower() == "websocket"
    return Asked(
        fetch_dest=_last(lines, "sec-fetch-dest"),
        fetch_mode="websocket" if handshake else _last(lines, "sec-fetch-mode"),
        accept=once(_last(lines, "accept")),
        content_type=once(_content_type(lines)),
        page=_page_of(lines),
        signals=_signals(lines),
        cookies=_cookies(lines),
        referrer=once(_last(lines, "referer")),
        names=_same_names(frozenset(lines)),
        fetch_site=_fetch_site(lines, url),
    )


def read_answered(url: Url, headers: Headers) -> Answered:
    """Read the fields of an answer that came from `url`."""
    lines = _by_name(headers)
    told = lines.keys() & ACTED_ON
    naming = told and not _NAMES.isdisjoint(told)
    return Answered(
        set_cookies=tuple(
            [read_set_cookie(one) for line in lines.get("set-cookie", ()) for one in set_cookies_in(line)]
        ),
        told=_same_names(frozenset(told)) if told else _NO_NAMES,
        named=tuple(_named(url, headers)) if naming else (),
        any=bool(headers),
    )


def observe_request(
    method: str,
    url: Url,
    headers: Headers,
    *,
    time: float,
    word: str = "",
    top_level: bool | None = None,
    page: Url | None = None,
    unseen: Iterable[Unseen] = (),
) -> Exchange:
    """The exchange of a request.

    `word` is the source's own word for the kind, `top_level` whether the source knows that this is (or is not) the
    page itself, `page` the page where the source knows it. Otherwise the page is taken from Origin, then Referer.
    """
    asked = read_asked(url, headers)
    return observe(method, url, asked, time=time, word=word, top_level=top_level, page=page, unseen=unseen)


def observe(
    method: str,
    url: Url,
    asked: Asked,
    *,
    time: float,
    word: str = "",
    top_level: bool | None = None,
    page: Url | None = None,
    unseen: Iterable[Unseen] = (),
    answered: Answered | None = None,
    status: int = 0,
) -> Exchange:
    """The same of fields that were read, and with the answer where there is one."""
    kind = kind_of(
        url,
        fetch_dest=asked.fetch_dest,
        fetch_mode=asked.fetch_mode,
        accept=asked.accept,
        word=word,
        content_type=asked.content_type,
    )
    missing = set(unseen)
    if top_level is not None:
        if top_level:
            kind = Kind.DOCUMENT
        elif kind is Kind.DOCUMENT:
            kind = Kind.FRAME
    elif not asked.fetch_dest:
        # Plain HTTP carries no Fetch Metadata. A page asked for from nowhere is most likely typed in or bookmarked.
        missing.add(Unseen.KIND)
        if kind is Kind.FRAME and page is None and asked.page is None:
            kind = Kind.DOCUMENT
    if kind is Kind.DOCUMENT:
        page = url
    elif page is None:
        page = asked.page
        if page is None:
            missing.add(Unseen.PAGE)
    return Exchange(
        method=method,
        url=url,
        host_site=registrable_domain(url.host),
        page=page,
        page_site=registrable_domain(page.host) if page is not None else "",
        kind=kind,
        phase=Phase.REQUEST if answered is None else Phase.RESPONSE,
        time=time,
        signals=asked.signals,
        cookies=asked.cookies,
        set_cookies=() if answered is None else answered.set_cookies,
        unseen=frozenset(missing),
        referrer=asked.referrer,
        header_names=asked.names,
        content_type=asked.content_type,
        fetch_site=asked.fetch_site,
        status=status,
        told=_NO_NAMES if answered is None else answered.told,
        named=() if answered is None else answered.named,
    )


_NO_NAMES: frozenset[str] = frozenset()
_NAMES = frozenset(NAMING)


@lru_cache(maxsize=512)
def _same_names(names: frozenset[str]) -> frozenset[str]:
    """The set that was met before, where it was: the requests of a page send the same fields, and sets are large."""
    return names


def _by_name(headers: Headers) -> Lines:
    return headers.lines if isinstance(headers, Fields) else _sorted(headers)


def _sorted(headers: Headers) -> Lines:
    lines = {name.lower(): [value] for name, value in headers}
    if len(lines) < len(headers):
        # Some stand there more than once.
        lines = {name: [] for name in lines}
        for name, value in headers:
            lines[name.lower()].append(value)
    return lines


def _fetch_site(lines: Lines, url: Url) -> str:
    """Sec-Fetch-Site; from a browser without it what its Origin shows."""
    stated = _last(lines, "sec-fetch-site").lower()
    if stated:
        return stated
    for line in lines.get("origin", ()):
        origin = _stated_page(line)
        if origin is None:
            return "cross-site"
        return "same-site" if registrable_domain(origin.host) == registrable_domain(url.host) else "cross-site"
    return ""


def with_answer(exchange: Exchange, headers: Headers, status: int = 0) -> Exchange:
    """The same exchange with what its answer sets, and what else a browser does on its word."""
    answered = read_answered(exchange.url, headers)
    return replace(
        exchange,
        phase=Phase.RESPONSE,
        status=status,
        set_cookies=answered.set_cookies,
        told=answered.told,
        named=answered.named,
    )


def _named(base: Url, fields: Headers) -> Iterator[Named]:
    """The addresses in the fields of an answer that came from `base`. What is no address is none to a browser."""
    counts: Counter[str] = Counter()
    for name, value in in_one_line(fields):
        field = name.lower()
        if field not in NAMING:
            continue
        for reference in read_references(field, value).references:
            index = counts[field]
            counts[field] += 1
            if not reference.address:
                yield Named(field, index, None, "", reference.kind, reference.group)
                continue
            try:
                url = parse_url(reference.address, base)
            except UrlError:
                continue
            if url.is_network:
                yield Named(field, index, url, registrable_domain(url.host), reference.kind, reference.group)


def request_cookies(headers: Headers) -> tuple[RequestCookie, ...]:
    """Every cookie sent, over all Cookie field lines, in order, duplicates kept."""
    return _cookies({"cookie": field_lines(headers, "cookie")})


def _cookies(lines: Lines) -> tuple[RequestCookie, ...]:
    return tuple(pair for line in lines.get("cookie", ()) for pair in read_cookie_header(line))


def server_clock(headers: Headers) -> float | None:
    """What the server's clock said when the answer was sent: `Date`, and `Age` for one that a cache kept (RFC 9110,
    section 6.6.1; RFC 9111, section 5.1). None where it does not say."""
    dates = field_lines(headers, "date")
    made = _read_date(dates[0]) if dates else None
    if made is None:
        return None
    ages = [age for line in field_lines(headers, "age") if (age := line.strip()).isascii() and age.isdigit()]
    return made + (min(int(ages[0][:10]), _OLDEST) if ages else 0)


# RFC 9111, section 1.2.2: a greater number means no more than "very old".
_OLDEST = 2**31
_read_date = lru_cache(maxsize=4_096)(read_cookie_date)


def set_cookie_lines(headers: Headers) -> list[str]:
    """Each Set-Cookie on its own."""
    return [cookie for line in field_lines(headers, "set-cookie") for cookie in set_cookies_in(line)]


def media_type(value: str) -> str:
    """The type a Content-Type names, lower case and without parameters."""
    return value.partition(";")[0].strip().lower()


def content_type(headers: Headers) -> str:
    """The media type the headers state, "" for none: of several the last that is one, as browsers have it.

    Fetch standard, section 2.2.2 ("extract a MIME type"); a comma in a quoted parameter divides nothing.
    """
    return _content_type({"content-type": field_lines(headers, "content-type")})


def _content_type(lines: Lines) -> str:
    if not (given := lines.get("content-type")):
        return ""
    stated = [media_type(part) for line in given for part in _TYPES.findall(line)]
    return next((found for found in reversed(stated) if _MEDIA_TYPE.fullmatch(found) and found != "*/*"), "")


def page_of(headers: Headers) -> Url | None:
    """The page a request says it was made for: Origin, then Referer; None for a missing or opaque one ("null")."""
    return _page_of(_by_name(headers))


def _page_of(lines: Lines) -> Url | None:
    for name in ("origin", "referer"):
        for line in lines.get(name, ()):
            page = _stated_page(line)
            if page is not None and page.is_network:
                return page
    return None


@kept_by_text(512)
def _stated_page(text: str) -> Url | None:
    """The URL in Origin or Referer, None for what is none: the requests of a page state the same."""
    try:
        return parse_url(text)
    except UrlError:
        return None


def _signals(lines: Lines) -> Signals:
    return read_signals(lines.get("sec-gpc", ()), lines.get("dnt", ()))


def _last(lines: Lines, name: str) -> str:
    found = lines.get(name)
    return found[-1].strip() if found else ""
