"""Flow files of mitmproxy, also old, damaged and crafted ones.

May go in here: finding the flows in a file's bytes and turning them into entries. May not: the encoding
(`tnetstring.py`), and what one flow says as an exchange (`flow_exchange.py`).

mitmproxy's own reader stops at the first damage, and raises whatever the damaged flow makes it raise. Here a flow that
cannot be read costs that flow alone, and what was lost is said.
"""

import hashlib
import math
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from mitmproxy import flow, http, version
from mitmproxy.io import compat
from mitmproxy.proxy.mode_specs import ReverseMode

from cmp.capture.bodies import is_tracking_resource, must_have_body, tracking_status, without_coding
from cmp.capture.capture import (
    BODY_LIMIT,
    Answer,
    Capture,
    CaptureError,
    Entry,
    Note,
    Recorded,
    Skipped,
    bodies_unseen,
    in_time_order,
    unseen_everywhere,
)
from cmp.capture.flow_exchange import VISIT, Mark, header_list, observe_flow, read_mark
from cmp.capture.observe import Headers, content_type, field_lines, server_clock
from cmp.capture.tnetstring import Data, TnetstringError, frame, read_value
from cmp.core.exchange import Exchange, Unseen
from cmp.core.urls import UrlError

State = dict[Any, Any]
# After so many bytes of a large file its pages are given back.
_PASSED = 64 * 1024**2


def read_flows(data: Data, file: str) -> Capture:
    """The capture in the bytes of a flow file; `file` is its name in errors and findings.

    Damaged stretches are skipped up to the next whole flow, with a note that says how much was lost. Raises
    CaptureError where no flow is found, or none in a format version that this mitmproxy can read.
    """
    if not data:
        raise CaptureError(file, "the file is empty", "record it again")
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    notes: list[Note] = []
    refused: list[str] = []
    for index, piece in enumerate(_pieces(data)):
        if isinstance(piece, _Lost):
            skipped.append(Skipped(index, piece.text))
            notes.append(Note("damaged", piece.text))
            continue
        if why := _unreadable_version(piece):
            skipped.append(Skipped(index, why))
            refused.append(why)
            continue
        read = _entry(index, piece)
        if isinstance(read, Entry):
            entries.append(read)
        else:
            skipped.append(Skipped(index, read))
    if not entries and refused:
        raise CaptureError(file, refused[0], "open and save it with a mitmproxy that reads it, or record it again")
    if not entries and len(notes) == len(skipped):
        raise CaptureError(file, f"no mitmproxy flow in it ({notes[0].text})", "record it again")
    ordered = in_time_order(entries, lambda entry: entry.asked.time or None)
    return Capture(
        file=file,
        sha256=_digest(data),
        form="flows",
        creator="mitmproxy",
        entries=tuple(ordered),
        skipped=tuple(skipped),
        notes=tuple(notes),
        unseen=unseen_everywhere([entry.asked for entry in ordered]) | bodies_unseen(ordered),
    )


def _digest(data: Data) -> str:
    found = hashlib.sha256()
    for start in range(0, len(data), _PASSED):
        found.update(data[start : start + _PASSED])
    return found.hexdigest()


# ------------------------------------------------------------------------------------------- bytes to flow states


@dataclass(frozen=True, slots=True)
class _Lost:
    start: int
    end: int
    why: str

    @property
    def text(self) -> str:
        return f"{self.end - self.start} bytes from offset {self.start} are damaged ({self.why})"


def _pieces(data: Data) -> Iterator[State | _Lost]:
    """The flow states of the file in order, and the stretches between them that are none, each as long as possible."""
    search = _Search(data)
    lost: _Lost | None = None
    position = passed = 0
    while position < len(data):
        if isinstance(data, mmap.mmap) and position - passed >= _PASSED:
            # What was read stays in memory until somebody else needs it, unless it is given back.
            data.madvise(mmap.MADV_DONTNEED)
            passed = position
        try:
            value, end = read_value(data, position)
        except TnetstringError as error:
            end = search.next_flow(position + 1)
            value, why = None, error.why if not search.gave_up else f"{error.why}; gave up looking for more"
        else:
            why = "no flow"
        if isinstance(value, dict) and _is_state(value):
            if lost:
                yield lost
            lost = None
            yield value
        else:
            lost = _Lost(lost.start, end, why if search.gave_up else lost.why) if lost else _Lost(position, end, why)
        position = end
    if lost:
        yield lost


def _is_state(value: State) -> bool:
    # The type came with format 0.11; older states are known by their request, so as to be refused by version.
    return _get(value, "version") is not None and any(_get(value, key) is not None for key in ("type", "request"))


def _get(state: State, key: str) -> Any:
    """A field of a state; mitmproxy on Python 2 wrote bytes for keys."""
    return state.get(key, state.get(key.encode()))


# A flow begins with its length, and goes on with the length and name of its first field. Nothing is consumed, so that
# a digit of the garbage in front of a length does not hide it.
_FLOW = re.compile(rb"(?=[0-9]{1,12}:[0-9]{1,3}:[a-z_]{1,40}[;,])")
# What stands before the original that an edited flow carries: that is no flow of its own.
_BACKUP = (b"6:backup;", b"6:backup,")


class _Search:
    """Looks for the next whole flow after damage. The work over the whole file is bounded by its size.

    Crafted bytes may hold a candidate that is nearly as long as the file at every few bytes, hence the bound. Real
    damage stays far below it: a flow nests a few levels of dictionaries, and each byte is read once for each level.
    """

    def __init__(self, data: Data) -> None:
        self._data = data
        self._budget = 6 * len(data) + 65_536

    @property
    def gave_up(self) -> bool:
        return self._budget <= 0

    def next_flow(self, start: int) -> int:
        """Where the next flow begins, the end of the file where there is none."""
        data = self._data
        for found in _FLOW.finditer(data, start):
            at = found.start()
            try:
                _, end = frame(data, at, len(data))
            except TnetstringError:
                continue
            if data[end] != ord("}") or data[max(at - 9, 0) : at].endswith(_BACKUP):
                continue
            try:
                value, reached = read_value(data, at)
            except TnetstringError as error:
                value, reached = None, error.offset
            if isinstance(value, dict) and _is_state(value):
                return at
            # Reading on costs more by far than the copy of a long text that then turns out to be none.
            self._budget -= reached - at + (end - at) // 256 + 64
            if self.gave_up:
                break
        return len(data)


# ------------------------------------------------------------------------------------------- states to entries


def _unreadable_version(state: State) -> str:
    """Why this mitmproxy cannot read the state's format version, "" where it can."""
    found = _get(state, "version")
    # Up to 0.19 the version was that of mitmproxy, in two numbers or three.
    number = tuple(found[:2]) if isinstance(found, list) else (found,)
    if not number or not all(isinstance(part, int) for part in number):
        return "a flow format version that is no number"
    if number == (version.FLOW_FORMAT_VERSION,) or (number if len(number) > 1 else number[0]) in compat.converters:
        return ""
    text, reader = ".".join(map(str, number)), version.MITMPROXY
    if number < (0, 11):
        return f"flow format version {text} is too old for {reader}"
    return f"flow format version {text} is not known to {reader}, which reads 0.11 to {version.FLOW_FORMAT_VERSION}"


def _entry(index: int, state: State) -> Entry | str:
    """The entry of a flow state, or why there is none."""
    try:
        views = _views(state)
        return views if isinstance(views, str) else _read(index, *views)
    except UrlError as error:
        return f"the request's target is no URL ({error.why})"
    except Exception as error:  # noqa: BLE001 - a crafted state makes mitmproxy raise anything; its text may be private
        return f"a damaged flow ({type(error).__name__})"


def _views(state: State) -> tuple[http.HTTPFlow, http.HTTPFlow] | str:
    """The flow as it was recorded and the original, with the notes of the recorded; or why there is none."""
    state = _migrated(state)
    if state["type"] != "http":
        return f"{state['type']} flow, not HTTP" if state["type"] in _OTHER else "a flow of no known type"
    backup = state.get("backup")
    state["backup"] = None
    recorded = cast(http.HTTPFlow, flow.Flow.from_state(state))
    original = recorded
    if isinstance(backup, dict):
        # What `recorded.revert()` would restore, had the file's version been the present one all along.
        original = cast(http.HTTPFlow, flow.Flow.from_state(_migrated(backup)))
        if read_mark(recorded) is not None:
            # Reverting took the notes away; how visitors reach the site holds for the original as well.
            original.metadata.update(recorded.metadata)
    if recorded.request.method.upper() == "CONNECT":
        return "a tunnel, its requests stand on their own"
    return recorded, original


def read_originals(data: bytes) -> Iterator[tuple[http.HTTPFlow, bool]]:
    """The flows of a file as browsers asked for them, with the notes of our proxy, and whether something else than that
    was recorded. What cannot be read is left out."""
    for piece in _pieces(data):
        if isinstance(piece, _Lost) or _unreadable_version(piece):
            continue
        try:
            views = _views(piece)
        except Exception:  # noqa: BLE001, S112 - as above; `read_flows` says of the same file what was left out
            continue
        if not isinstance(views, str):
            yield views[1], views[0] is not views[1]


_OTHER = ("tcp", "udp", "dns")


def _migrated(state: State) -> State:
    return cast(State, compat.migrate_flow(state))


def _read(index: int, recorded: http.HTTPFlow, original: http.HTTPFlow) -> Entry:
    """The two views of one flow: the original as the browser asked it, the recorded as it went over the wire.

    They are one for flows that our proxy left no mark in: who changed those, and whether before or after they went
    out, nobody knows. The answer to a request that our proxy blocked is its own, not the server's, and no evidence.
    """
    mark = read_mark(recorded)
    if mark is None:
        asked = _observed(original, reverse=isinstance(original.client_conn.proxy_mode, ReverseMode))
        return _with_body(
            Entry(
                index=index,
                asked=asked,
                delivered=asked,
                answer=_answer(asked.url.path, original.response),
                ended=_ended(original.response),
            ),
            original,
        )
    blocked = mark.blocked
    if blocked:
        original.response = None
    asked = _marked(original, mark)
    entry = Entry(
        index=index,
        asked=asked,
        delivered=None if blocked else _marked(recorded, mark),
        answer=None if blocked else _answer(asked.url.path, recorded.response),
        visitor=mark.visitor,
        recorded=Recorded(mark.policy, mark.decision, mark.tags, str(recorded.metadata.get(VISIT, "")), mark.enforced),
        ended=None if blocked else _ended(recorded.response),
    )
    return entry if blocked else _with_body(entry, recorded)


def _marked(http_flow: http.HTTPFlow, mark: Mark) -> Exchange:
    """The exchange with what our proxy alone could tell of it: that it is for our own path, and what it carries."""
    exchange = _observed(http_flow, reverse=mark.reverse, endpoint=mark.endpoint)
    return replace(exchange, carries=mark.carries) if mark.carries else exchange


def _with_body(entry: Entry, flow: http.HTTPFlow) -> Entry:
    """The entry with the body that went out. One that was streamed through was not recorded."""
    request = flow.request
    headers = header_list(request.headers)
    entry = replace(entry, validator=next(iter(field_lines(headers, "if-none-match")), ""))
    if request.raw_content is None:
        return replace(entry, body_missing=must_have_body(request.method, headers))
    body = _plain(request.raw_content, headers) or _sent_through(flow)
    return replace(entry, body=body, body_type=next(iter(field_lines(headers, "content-type")), "") if body else "")


def _sent_through(flow: http.HTTPFlow) -> bytes:
    """The text messages that a browser sent through a WebSocket, a line each."""
    messages = flow.websocket.messages if flow.websocket is not None else []
    sent = [_as_bytes(message.content) for message in messages if message.from_client and message.is_text]
    return b"\n".join(sent)[:BODY_LIMIT]


def _as_bytes(content: object) -> bytes:
    # In files of mitmproxy before version 7 a text message is a text, and stays one when they are migrated.
    return content if isinstance(content, bytes) else str(content).encode("utf-8", "replace")


def _observed(http_flow: http.HTTPFlow, *, reverse: bool, endpoint: bool = False) -> Exchange:
    exchange = observe_flow(http_flow, reverse=reverse, endpoint=endpoint)
    if math.isfinite(exchange.time) and exchange.time > 0:
        return exchange
    return replace(exchange, time=0.0, unseen=exchange.unseen | {Unseen.TIME})


def _answer(path: str, response: http.Response | None) -> Answer | None:
    """What came back. The size is the body's as it was sent; a body that was streamed through was not recorded."""
    if response is None:
        return None
    body, headers = response.raw_content, header_list(response.headers)
    return Answer(
        response.status_code,
        content_type(headers),
        None if body is None else len(body),
        location=next(iter(field_lines(headers, "location")), ""),
        tracking=tracking_status(headers, _plain(body or b"", headers) if is_tracking_resource(path) else None),
        clock=server_clock(headers),
        etag=next(iter(field_lines(headers, "etag")), ""),
    )


def _ended(response: http.Response | None) -> float | None:
    at = None if response is None else response.timestamp_end
    return at if at is not None and math.isfinite(at) and at > 0 else None


def _plain(body: bytes, headers: Headers) -> bytes:
    return without_coding(body, next(iter(field_lines(headers, "content-encoding")), ""))
