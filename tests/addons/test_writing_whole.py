"""A recording on a disk that has no room now and then: every flow is in it whole or not at all."""

import errno
import io
import logging
from pathlib import Path

import pytest

from addons.recording import Record, WholeWrites
from cmp.capture.reading import read_capture
from tests.addons.test_enforce import SITE, from_upstream, shop_policy
from tests.live import reverse, running_proxy, running_upstream, send, wait_for


class Disk(io.RawIOBase):
    """A file of at most so many bytes, of which it takes a few at a time, as system calls may."""

    def __init__(self, room: int) -> None:
        self.data, self.room = io.BytesIO(), room

    def write(self, data: object) -> int:
        piece = bytes(data)[:7]  # type: ignore[call-overload]
        if self.data.tell() + len(piece) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.data.write(piece)

    def tell(self) -> int:
        return self.data.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.data.seek(offset, whence)

    def truncate(self, size: int | None = None) -> int:
        return self.data.truncate(size)


def test_a_piece_that_finds_no_room_leaves_nothing_behind() -> None:
    disk = Disk(room=30)
    file = WholeWrites(disk)
    file.write(b"first piece;")
    with pytest.raises(OSError, match="No space"):
        file.write(b"a second piece that is too long;")
    disk.room = 100
    file.write(b"third;")
    assert disk.data.getvalue() == b"first piece;third;"


def test_a_flow_that_found_room_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.ERROR),
        running_upstream(from_upstream) as upstream,
        running_proxy(shop_policy(), reverse(upstream, tmp_path / "visit.flow")) as proxy,
    ):
        for _ in range(3):
            send(proxy.port, "/a", ("Host", SITE))
    assert [said.getMessage() for said in caplog.records if said.name == "mitmproxy.addonmanager"] == []
    assert len(read_capture(tmp_path / "visit.flow").entries) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_under_a_recording_ends_no_traffic() -> None:
    with running_upstream(from_upstream) as upstream:
        settings = reverse(upstream, Path("/dev/full"))
        with running_proxy(shop_policy(), settings) as proxy:
            answers = [send(proxy.port, "/a", ("Host", SITE)).status for _ in range(3)]
            record = proxy.master.addons.get("save")
            assert isinstance(record, Record)
            assert wait_for(lambda: record.lost == 3)
    assert answers == [200] * 3
