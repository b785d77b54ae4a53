"""A body that is looked at while it passes, and never held: where a flow is only observed.

May go in here: handing each part on at once, and what is kept beside it. May not: what is looked for
(`cmp.capture.carrying`), holding anything back or stopping it (`bodies.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from mitmproxy import http

from cmp.live.bodies import BUFFERED, Scan
from cmp.live.failing_closed import guarded


@dataclass
class Listening:
    """For `flow.request.stream`: gives every part back as it came, before and after anything fails.

    `scan` is shown the parts, and what it gives back is not used; None for a body of stated, small length, of which
    `kept` is then the whole (at most `BUFFERED` bytes), to be read when it has ended.
    """

    flow: http.HTTPFlow
    scan: Scan | None
    kept: bytearray = field(default_factory=bytearray)

    def __call__(self, part: bytes) -> list[bytes]:
        guarded(self.flow, lambda _flow: self._take(part), self._go_deaf)
        # In chunked coding an empty part is the end of the body.
        return [part] if part else []

    def _take(self, part: bytes) -> None:
        if self.scan is not None:
            self.scan(part)
        elif len(self.kept) <= BUFFERED:
            self.kept += part

    def _go_deaf(self, _flow: http.HTTPFlow) -> None:
        # Failed once it would fail at every part, and say so in the log each time.
        self.scan, self.kept = None, bytearray()


def listen(flow: http.HTTPFlow, hear: Callable[[bytes], None], *, small: bool) -> Listening:
    """Listen to the body of a request. `hear` is shown the pieces of one that is not small."""

    def look(piece: bytes) -> bool:
        hear(piece)
        return False

    length = flow.request.headers.get("content-length", "")
    stated = int(length) if length.isdecimal() and len(length) < 18 else None
    return Listening(flow, None if small else Scan(look, lambda: None, stated))
