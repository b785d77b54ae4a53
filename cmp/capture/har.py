"""HAR files of any tool, read entry by entry.

May go in here: the format (HAR 1.2 and what tools make of it) into the values of `capture.py`. May not: judging what
the entries show, the JSON around them (`har_text.py`), and which page an entry is of (`har_pages.py`).

mitmproxy's own HAR import is not used: one bad entry loses the whole file, and it takes the request's time for the
answer's. Here nothing in an entry raises: what cannot be used is skipped, with its index and the reason.
"""

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any

from cmp.capture.bodies import is_tracking_resource, must_have_body, posted, sent_frames, tracking_status
from cmp.capture.capture import (
    Answer,
    Capture,
    Entry,
    Gap,
    Note,
    Recorded,
    Skipped,
    bodies_unseen,
    in_time_order,
    unseen_everywhere,
)
from cmp.capture.flow_exchange import Mark, mark_of_form, observe_asked, relayed_target
from cmp.capture.har_pages import Place, Visit, places
from cmp.capture.har_text import read_log
from cmp.capture.observe import (
    Answered,
    Fields,
    content_type,
    field_lines,
    media_type,
    observe,
    read_answered,
    read_asked,
    server_clock,
    with_answer,
)
from cmp.capture.times import read_moment
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.urls import Url, UrlError, parse_url
from cmp.garbage import undisturbed

# Exports that leave cookies out unless asked not to: Chromium's developer tools (since about version 130) call
# themselves WebInspector in every version, and the tools on top of its protocol get no better data.
_SANITISING = ("webinspector", "chrome")


@undisturbed()
def read_har(data: bytes | IO[bytes], file: str, beside: Callable[[str], bytes | None] | None = None) -> Capture:
    """The capture in a HAR file, its bytes or something to read them from; `file` is its name in errors and findings.

    `beside` gives the content of a file next to it in its archive: Playwright keeps bodies there (`_file`).

    Raises CaptureError where there is no list `log.entries` to read. Cookies are read from header lines only: the
    `cookies` lists leave out many of them, and their dates, but show that headers were removed. An answer counts as
    seen where it has a status or a header line.
    """
    reader = _Reader(beside)
    log = read_log(io.BytesIO(data) if isinstance(data, bytes) else data, file, reader.entry)
    notes, creator = log.notes, _creator_name(log.members)
    entries = in_time_order((one for one in log.entries if isinstance(one, _Read)), lambda entry: entry.visit.time)
    skipped = tuple(one for one in log.entries if isinstance(one, Skipped))
    log.entries.clear()
    removed = _removed(entries, creator)
    places_of = places([entry.visit for entry in entries])
    if removed:
        notes.append(_SANITISED)
    notes.extend(_notes(entries))
    delivered = _delivered_unseen(entries)
    read: list[Entry] = []
    # From the end, so that what was made into an entry can go.
    while entries:
        one = entries.pop()
        read.append(_entry(one, places_of.get(one.visit.index, Place()), sanitised=removed))
    read.reverse()
    return Capture(
        file=file,
        sha256=log.sha256,
        form="har",
        creator=_creator(log.members),
        entries=tuple(read),
        skipped=skipped,
        notes=tuple(notes),
        unseen=unseen_everywhere([entry.asked for entry in read]) | bodies_unseen(read) | delivered,
    )


def _delivered_unseen(entries: Sequence["_Read"]) -> frozenset[Gap]:
    return frozenset({Gap.DELIVERED}) if any(e.ours is not None and e.ours.edited for e in entries) else frozenset()


# ------------------------------------------------------------------------------------------- JSON to entries


def _creator(log: Mapping[str, Any]) -> str:
    creator = log.get("creator")
    version = _word(creator.get("version")) if isinstance(creator, dict) else ""
    return f"{_creator_name(log)} {version}".strip()


def _creator_name(log: Mapping[str, Any]) -> str:
    creator = log.get("creator")
    return _word(creator.get("name")) if isinstance(creator, dict) else ""


_Beside = Callable[[str], bytes | None] | None


@dataclass(frozen=True, slots=True)
class _Ours:
    """What our own proxy knew of an entry (`har_writing.py`), with the fields it shows: `sent` and `back`. `edited`:
    something else was forwarded than it shows."""

    mark: Mark
    time: float
    relay: str
    visit: str
    aliases: str
    edited: bool
    sent: Fields
    back: Fields


@dataclass(slots=True)
class _Read:
    """What is usable of one entry. `listed` and `listed_back` tell whether its `cookies` lists name any."""

    visit: Visit
    answered: Answered | None
    answer: Answer | None
    listed: bool
    listed_back: bool
    body: bytes
    body_type: str
    body_missing: bool
    ended: float | None
    validator: str
    ours: "_Ours | None" = None

    @property
    def bare(self) -> bool:
        """Whether the fields of the request are missing."""
        return not self.visit.asked.names

    @property
    def bare_back(self) -> bool:
        """Whether there was an answer, and its fields are missing."""
        return self.answered is not None and not self.answered.any

    @property
    def has_cookie_line(self) -> bool:
        return "cookie" in self.visit.asked.names

    @property
    def has_set_cookie_line(self) -> bool:
        return self.answered is not None and bool(self.answered.set_cookies)


# A text that was met before is the same object: the fields of one page's requests repeat each other.
_REMEMBERED, _LONGEST = 20_000, 1_024


class _Reader:
    """Makes entries of JSON values, one after the other."""

    def __init__(self, beside: _Beside) -> None:
        self._beside = beside
        self._met: dict[str, str] = {}

    def entry(self, index: int, item: Any) -> "_Read | Skipped":
        request = item.get("request") if isinstance(item, dict) else None
        if not isinstance(request, dict):
            return Skipped(index, "no entry object" if not isinstance(item, dict) else "no request")
        url = _url(request.get("url"))
        if isinstance(url, str):
            return Skipped(index, url)
        return _read(index, url, item, request, beside=self._beside, once=self._once)

    def _once(self, text: str) -> str:
        met = self._met
        if (found := met.get(text)) is not None:
            return found
        if len(text) <= _LONGEST and len(met) < _REMEMBERED:
            met[text] = text
        return text


def _url(value: object) -> Url | str:
    """The request's URL, or why it is none."""
    if not isinstance(value, str) or not value.strip():
        return "no request.url"
    # Before parsing, as a data: URL may hold megabytes.
    if scheme := _NO_NETWORK.match(value):
        return f"{scheme[1].lower()}: URL, not network traffic"
    try:
        url = parse_url(value)
    except UrlError as error:
        return f"request.url is no absolute URL ({error.why})"
    return url if url.is_network else f"{url.scheme}: URL, not network traffic"


_NO_NETWORK = re.compile(
    r"\s*(data|blob|about|file|filesystem|javascript|chrome|[a-z]+(?:-[a-z]+)*-extension):", re.IGNORECASE
)


def _read(
    index: int,
    url: Url,
    item: Mapping[str, Any],
    request: Mapping[str, Any],
    *,
    beside: _Beside,
    once: Callable[[str], str],
) -> _Read:
    response = item.get("response")
    response = response if isinstance(response, dict) else {}
    content = response.get("content")
    content = content if isinstance(content, dict) else {}
    back, sent = _headers(response.get("headers")), _headers(request.get("headers"))
    asked = read_asked(url, sent, once)
    status = _status(response.get("status"))
    # "x-unknown" is what the specification has tools write for a type they do not know.
    stated = media_type(_word(content.get("mimeType")))
    kind = stated if stated and stated != "x-unknown" else content_type(back)
    method = _word(request.get("method")) or "GET"
    time = read_moment(item.get("startedDateTime"))
    targets = tuple(t for t in (_word(response.get("redirectURL")), *field_lines(back, "location")) if t)
    body, body_type = posted(request.get("postData"), beside)
    body = body or sent_frames(item.get("_webSocketMessages"))
    return _Read(
        visit=Visit(
            index=index,
            group=_group(item.get("pageref")),
            method=once(method),
            url=url,
            asked=asked,
            status=status or 0,
            media_type=once(kind),
            targets=targets,
            time=time,
            word=once(_word(item.get("_resourceType"))),
        ),
        answered=None if status is None and not back else read_answered(url, back),
        answer=None
        if status is None
        else Answer(
            status,
            once(kind),
            _size(content.get("size")),
            location=targets[0] if targets else "",
            tracking=tracking_status(back, content.get("text") if is_tracking_resource(url.path) else None),
            clock=server_clock(back),
            etag=back.first("etag"),
        ),
        listed=_lists_cookies(request.get("cookies")),
        listed_back=_lists_cookies(response.get("cookies")),
        body=body,
        body_type=once(body_type or sent.first("content-type")),
        body_missing=not body and must_have_body(method, sent, request.get("bodySize")),
        ended=_ended(time, item.get("time")),
        validator=sent.first("if-none-match"),
        ours=_ours(item.get("_consentry"), sent, back),
    )


def _ours(value: object, sent: Fields, back: Fields) -> _Ours | None:
    if not isinstance(value, dict) or value.get("form") != 1:
        return None
    mark, time, relay, visit = (
        mark_of_form(value.get("mark")),
        value.get("time"),
        value.get("relay"),
        value.get("visit"),
    )
    if mark is None or not isinstance(time, float | int) or not math.isfinite(time) or time <= 0:
        return None
    relay, visit, aliases = (_word(text) for text in (relay, visit, value.get("aliases")))
    edited = value.get("edited") is not False and not mark.blocked
    return _Ours(mark, float(time), relay, visit, aliases, edited, sent, back)


def _headers(value: object) -> Fields:
    """Header lines from [{"name", "value"}], [[name, value]] or {name: value or values}; what is none is left out."""
    if isinstance(value, dict):
        pairs = [(k, v) for k, vs in value.items() for v in (vs if isinstance(vs, list) else [vs])]
    elif isinstance(value, list):
        try:
            usual = [
                (name, text)
                for item in value
                if (name := item["name"]).__class__ is str and (text := item["value"]).__class__ is str
            ]
        except (KeyError, TypeError):
            usual = []
        if len(usual) == len(value):
            return Fields(usual)
        pairs = [pair for item in value if (pair := _pair(item))]
    else:
        return Fields()
    return Fields([(name, str(v)) for name, v in pairs if isinstance(name, str) and isinstance(v, str | int | float)])


def _pair(item: object) -> tuple[Any, Any] | None:
    if isinstance(item, dict):
        return item.get("name"), item.get("value")
    if isinstance(item, list) and len(item) == 2:
        return item[0], item[1]
    return None


def _word(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _group(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _status(value: object) -> int | None:
    """The status, None for what tools write when there was no answer: 0, -1 or nothing."""
    if isinstance(value, str) and re.fullmatch("[0-9]{3}", value):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 999 else None


def _size(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return int(value)


def _ended(time: float | None, took: object) -> float | None:
    """When an entry that took so many milliseconds was over; tools write -1 where they do not know."""
    if time is None or isinstance(took, bool) or not isinstance(took, int | float) or not 0 <= took < math.inf:
        return None
    return time + took / 1000


def _lists_cookies(value: object) -> bool:
    return isinstance(value, list | dict) and len(value) > 0


# ------------------------------------------------------------------------------------------- entries to exchanges


def _entry(read: _Read, place: Place, *, sanitised: bool) -> Entry:
    if read.ours is not None:
        return _own_entry(read, read.ours)
    exchange = _exchange(read, place, sanitised=sanitised)
    return Entry(
        index=read.visit.index,
        asked=exchange,
        delivered=exchange,
        answer=read.answer,
        body=read.body,
        body_type=read.body_type if read.body else "",
        body_missing=read.body_missing,
        ended=read.ended,
        validator=read.validator,
    )


def _own_entry(read: _Read, ours: _Ours) -> Entry:
    """An entry of our own proxy: what it saw, and no guess. What it forwarded after an edit is not in a HAR."""
    visit, mark = read.visit, ours.mark
    url = visit.url
    through = None
    if ours.relay:
        target = f"{url.path}?{url.query}" if url.query else url.path
        try:
            through = relayed_target(ours.relay, url.host, target)
        except UrlError:
            through = None
    exchange = observe_asked(visit.method, url, ours.sent, time=ours.time, reverse=mark.reverse, through=through)
    exchange = replace(exchange, carries=mark.carries, aliases=tuple(ours.aliases.split()))
    if mark.endpoint:
        exchange = replace(exchange, kind=Kind.CONSENT)
    if read.answered is not None:
        exchange = with_answer(exchange, ours.back, visit.status)
    return Entry(
        index=visit.index,
        asked=exchange,
        delivered=None if mark.blocked or ours.edited else exchange,
        answer=read.answer,
        visitor=mark.visitor,
        recorded=Recorded(mark.policy, mark.decision, mark.tags, ours.visit, mark.enforced),
        body=read.body,
        body_type=read.body_type if read.body else "",
        body_missing=read.body_missing,
        ended=read.ended,
        validator=read.validator,
    )


def _exchange(read: _Read, place: Place, *, sanitised: bool) -> Exchange:
    visit = read.visit
    unseen = set()
    if sanitised or read.bare or (read.listed and not read.has_cookie_line):
        unseen.add(Unseen.COOKIES)
    if sanitised or read.bare_back or (read.listed_back and not read.has_set_cookie_line):
        unseen.add(Unseen.SET_COOKIES)
    if visit.time is None:
        unseen.add(Unseen.TIME)
    return observe(
        visit.method,
        visit.url,
        visit.asked,
        time=visit.time or 0.0,
        # Chrome calls a frame's document "document" too; the page of a request then tells the two apart.
        word="subdocument" if visit.word == "document" else visit.word,
        top_level=place.top_level,
        page=place.page,
        unseen=unseen,
        answered=read.answered,
        status=visit.status if read.answered is not None else 0,
    )


# ------------------------------------------------------------------------------------------- what cannot be seen


_SANITISED = Note(
    "sanitised",
    "no Cookie and no Set-Cookie header in the whole capture: browsers leave them out of an ordinary export; what "
    'rests on cookies is not assessable; export again "with sensitive data"',
)


def _removed(entries: Sequence[_Read], creator: str) -> bool:
    """Whether cookie headers look removed: none anywhere, though cookies are listed or the tool removes by default.

    A site that uses no cookies looks the same in an export of Chrome. Taking it for removed is the safe side: not
    assessable, where clean would be an unfounded promise. Entries without any headers tell nothing either way.
    """
    shown = any(not entry.bare or (entry.answered is not None and entry.answered.any) for entry in entries)
    if not shown or any(entry.ours for entry in entries):
        return False
    if any(entry.has_cookie_line or entry.has_set_cookie_line for entry in entries):
        return False
    listed = any(entry.listed or entry.listed_back for entry in entries)
    return listed or creator.lower().startswith(_SANITISING)


def _notes(entries: Sequence[_Read]) -> list[Note]:
    bare = sum(e.bare or e.bare_back for e in entries)
    listed = sum((e.listed and not e.has_cookie_line) or (e.listed_back and not e.has_set_cookie_line) for e in entries)
    untimed = sum(e.visit.time is None for e in entries)
    edited = sum(e.ours is not None and e.ours.edited for e in entries)
    counted = (
        ("originals", edited, "were edited before they were forwarded: what was forwarded is in the flow file alone"),
        ("no-headers", bare, "lack the request's or the answer's headers"),
        ("cookies-not-in-headers", listed, "list cookies that no header of theirs shows"),
        ("no-times", untimed, "have no usable time and stay where they stand in the file"),
    )
    return [Note(code, f"{count} of {len(entries)} entries {what}") for code, count, what in counted if count]
