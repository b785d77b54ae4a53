"""From header lists to an exchange: the one reading that live traffic, captures and the command line share.

May go in here: taking page, kind, signals and cookies from a request's and an answer's headers. May not: formats of
files and flows. What differs between two sources is passed in; nothing is guessed twice.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from cmp.core.answers import ACTED_ON
from cmp.core.cookies import RequestCookie, read_cookie_date, read_cookie_header, read_set_cookie, set_cookies_in
from cmp.core.exchange import Exchange, Kind, Named, Phase, Unseen
from cmp.core.kinds import kind_of
from cmp.core.references import NAMING, read_references
from cmp.core.signals import Signals, read_dnt, read_gpc
from cmp.core.urls import Url, UrlError, parse_url
from cmp.sites import registrable_domain

Headers = Sequence[tuple[str, str]]
# The values of the field lines of each name (lower case), in order.
Lines = Mapping[str, Sequence[str]]

# RFC 9110, sections 8.3.1 and 5.6.2.
_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")


def field_lines(headers: Headers, name: str) -> list[str]:
    """The values of every field line called `name` (lower case), in order."""
    length = len(name)
    # Most names differ in length, and a capture asks this some ten times of each message.
    return [value for key, value in headers if len(key) == length and key.lower() == name]


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
    lines = _by_name(headers)
    fetch_dest = _last(lines, "sec-fetch-dest")
    body_type = _content_type(lines)
    # Over plain HTTP only the handshake itself tells a WebSocket, and mitmproxy calls its scheme http(s).
    handshake = _last(lines, "upgrade").lower() == "websocket"
    kind = kind_of(
        url,
        fetch_dest=fetch_dest,
        fetch_mode="websocket" if handshake else _last(lines, "sec-fetch-mode"),
        accept=_last(lines, "accept"),
        word=word,
        content_type=body_type,
    )
    missing = set(unseen)
    stated = _page_of(lines)
    if top_level is not None:
        if top_level:
            kind = Kind.DOCUMENT
        elif kind is Kind.DOCUMENT:
            kind = Kind.FRAME
    elif not fetch_dest:
        # Plain HTTP carries no Fetch Metadata. A page asked for from nowhere is most likely typed in or bookmarked.
        missing.add(Unseen.KIND)
        if kind is Kind.FRAME and page is None and stated is None:
            kind = Kind.DOCUMENT
    if kind is Kind.DOCUMENT:
        page = url
    elif page is None:
        page = stated
        if page is None:
            missing.add(Unseen.PAGE)
    return Exchange(
        method=method,
        url=url,
        host_site=registrable_domain(url.host),
        page=page,
        page_site=registrable_domain(page.host) if page is not None else "",
        kind=kind,
        time=time,
        signals=Signals(
            gpc=read_gpc(lines.get("sec-gpc", ())),
            dnt=read_dnt(lines.get("dnt", ())),
        ),
        cookies=_cookies(lines),
        unseen=frozenset(missing),
        referrer=_last(lines, "referer"),
        header_names=_same_names(frozenset(lines)),
        content_type=body_type,
        fetch_site=_fetch_site(lines, url),
    )


@lru_cache(maxsize=512)
def _same_names(names: frozenset[str]) -> frozenset[str]:
    """The set that was met before, where it was: the requests of a page send the same fields, and sets are large."""
    return names


def _by_name(headers: Headers) -> Lines:
    lines: dict[str, list[str]] = {}
    for name, value in headers:
        lines.setdefault(name.lower(), []).append(value)
    return lines


def _fetch_site(lines: Lines, url: Url) -> str:
    """Sec-Fetch-Site; from a browser without it what its Origin shows."""
    stated = _last(lines, "sec-fetch-site").lower()
    if stated:
        return stated
    for line in lines.get("origin", ()):
        try:
            origin = parse_url(line)
        except UrlError:
            return "cross-site"
        return "same-site" if registrable_domain(origin.host) == registrable_domain(url.host) else "cross-site"
    return ""


def with_answer(exchange: Exchange, headers: Headers, status: int = 0) -> Exchange:
    """The same exchange with what its answer sets, and what else a browser does on its word."""
    acted_on = [(key, value) for name, value in headers if (key := name.lower()) in ACTED_ON]
    return replace(
        exchange,
        phase=Phase.RESPONSE,
        status=status,
        set_cookies=tuple(read_set_cookie(line) for line in set_cookie_lines(headers)),
        told=frozenset(name for name, _ in acted_on),
        named=tuple(_named(exchange.url, acted_on)) if acted_on else (),
    )


def _named(base: Url, fields: Headers) -> Iterator[Named]:
    """The addresses in the fields of an answer that came from `base`. What is no address is none to a browser."""
    counts: Counter[str] = Counter()
    for field, value in fields:
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

    Fetch standard, section 2.2.2 ("extract a MIME type"); a comma in a quoted parameter counts as one between types.
    """
    return _content_type({"content-type": field_lines(headers, "content-type")})


def _content_type(lines: Lines) -> str:
    stated = [media_type(part) for line in lines.get("content-type", ()) for part in line.split(",")]
    return next((found for found in reversed(stated) if _MEDIA_TYPE.fullmatch(found) and found != "*/*"), "")


def page_of(headers: Headers) -> Url | None:
    """The page a request says it was made for: Origin, then Referer; None for a missing or opaque one ("null")."""
    return _page_of(_by_name(headers))


def _page_of(lines: Lines) -> Url | None:
    for name in ("origin", "referer"):
        for line in lines.get(name, ()):
            try:
                page = parse_url(line)
            except UrlError:
                continue
            if page.is_network:
                return page
    return None


def _last(lines: Lines, name: str) -> str:
    found = lines.get(name)
    return found[-1].strip() if found else ""
