"""The flow file of `--record`: mitmproxy's, but a full disk ends the recording of a flow and not the proxy.

May go in here: writing whole flows or none, counting what was lost. May not: what is in a flow.
"""

import contextlib
import io
import logging
from typing import BinaryIO, cast

from mitmproxy import flow
from mitmproxy.addons.save import Save

logger = logging.getLogger(__name__)


class WholeWrites:
    """A file that holds each piece whole or not at all, so that what comes behind a failed one can be read."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw

    def write(self, data: bytes) -> int:
        at, left = self._raw.tell(), memoryview(data)
        try:
            while left:
                left = left[self._raw.write(left) or 0 :]
        except OSError:
            # Not every file can be cut; a pipe has no room to run out of.
            with contextlib.suppress(OSError):
                self._raw.truncate(at)
                self._raw.seek(at)
            raise
        return len(data)

    def flush(self) -> None:
        """mitmproxy 12 asks for it behind each flow. Nothing waits here."""

    def close(self) -> None:
        self._raw.close()


class Record(Save):
    """`lost` counts the flows there was no room for."""

    # What other addons look for.
    name = "save"

    def __init__(self) -> None:
        super().__init__()
        self.lost = 0
        self._failing = False

    def maybe_rotate_to_new_file(self) -> None:
        super().maybe_rotate_to_new_file()
        if self.stream is not None and isinstance(self.stream.fo, io.BufferedWriter):
            # What waits in a buffer would fail at some later flow.
            self.stream.fo = cast(BinaryIO, WholeWrites(self.stream.fo.detach()))

    def save_flow(self, flow: flow.Flow) -> None:
        if not self.stream:
            return
        self.active_flows.discard(flow)
        try:
            self.maybe_rotate_to_new_file()
            self.stream.add(flow)
        except OSError as error:
            self.lost += 1
            if not self._failing:
                why = error.strerror
                logger.error("%s: cannot be written (%s); the proxy goes on without recording", self.current_path, why)  # noqa: TRY400
            self._failing = True
            return
        if self._failing:
            logger.warning("%s: is written again; %d flows were lost so far", self.current_path, self.lost)
        self._failing = False

    def done(self) -> None:
        for left in list(self.active_flows):
            self.save_flow(left)
        super().done()
