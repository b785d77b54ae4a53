"""Captures in archives and compressed files."""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from cmp.audit.manifest import manifest_file
from cmp.capture.capture import Capture, CaptureError
from cmp.capture.reading import read_capture, read_captures
from cmp.cli import main
from tests.capture.test_har import entry, har

FILES = {"b/second.har": har(entry("https://b.test/")), "a/first.HAR": har(entry()), "a/readme.txt": b"no capture"}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


ARCHIVES = [
    pytest.param(zipped, id="zip"),
    pytest.param(tarred, id="tar"),
    pytest.param(lambda files: gzip.compress(tarred(files)), id="tar.gz"),
]


def written(folder: Path, data: bytes) -> Path:
    path = folder / "visits"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("pack", ARCHIVES)
def test_every_capture_of_an_archive_is_read_and_named_by_both(
    tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    path = written(tmp_path, pack(FILES))
    read = [one for one in read_captures(path) if isinstance(one, Capture)]
    assert [one.file for one in read] == [f"{path}/a/first.HAR", f"{path}/b/second.har"]
    assert [one.entries[0].asked.url.host for one in read] == ["site.test", "b.test"]


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "zhar"])
def test_a_compressed_capture(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert len(read_capture(written(tmp_path, pack(har(entry())))).entries) == 1


def test_one_bad_file_of_an_archive_does_not_hide_the_others(tmp_path: Path) -> None:
    path = written(tmp_path, zipped({**FILES, "a/broken.har": b"{"}))
    assert [type(one) for one in read_captures(path)] == [CaptureError, Capture, Capture]


def test_bodies_that_playwright_keeps_beside_the_har(tmp_path: Path) -> None:
    request = {"method": "POST", "url": "https://x.test/", "headers": []}
    more = {"request": {**request, "postData": {"mimeType": "application/json", "params": [], "_file": "f.json"}}}
    path = written(tmp_path, zipped({"in/har.har": har(entry(more=more)), "in/f.json": b'{"a": 1}', "f.json": b"no"}))
    (one,) = read_capture(path).entries
    assert (one.body, one.body_type, one.body_missing) == (b'{"a": 1}', "application/json", False)


@pytest.mark.parametrize(
    "pack, why",
    [
        pytest.param(lambda: b"PK\x03\x04rest", "zip archive that cannot be read", id="damaged zip"),
        pytest.param(lambda: b"\x1f\x8brest", "damaged where it is compressed", id="damaged gzip"),
        pytest.param(lambda: gzip.compress(har(entry()))[:-20], "damaged where it is compressed", id="gzip cut off"),
        pytest.param(lambda: b"\x78\x9c\xff\xff\xffrest", "damaged where it is compressed", id="damaged zlib"),
        pytest.param(lambda: zlib.compress(har(entry()))[:-20], "cut off", id="zlib cut off"),
        pytest.param(lambda: zipped({"readme.txt": b"x"}), "no capture in it", id="nothing in it"),
        pytest.param(lambda: gzip.compress(bytes(32 * 1024**2)), "unpack to more than", id="a gzip bomb"),
        pytest.param(lambda: zipped({"x.har": bytes(32 * 1024**2)}), "unpack to more than", id="a zip bomb"),
        pytest.param(lambda: zlib.compress(bytes(32 * 1024**2)), "unpack to more than", id="a zlib bomb"),
    ],
)
def test_what_cannot_be_unpacked_is_said_in_one_line(tmp_path: Path, pack: Callable[[], bytes], why: str) -> None:
    with pytest.raises(CaptureError, match=why) as told:
        read_capture(written(tmp_path, pack()))
    assert "\n" not in str(told.value)


def test_a_bad_archive_in_a_folder_does_not_hide_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.zip").write_bytes(zipped(FILES))
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04rest")
    assert main(["audit", str(tmp_path), "--fail-on", "never"]) == 2
    told = capsys.readouterr()
    assert len(told.err.splitlines()) == 1
    assert "Captures  2" in told.out


def test_a_report_on_an_archive_is_held_against_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("v.zip").write_bytes(zipped(FILES))
    main(["audit", "v.zip", "-o", "report.txt", "--fail-on", "never"])
    assert manifest_file(Path("report.txt")).is_file()
    assert main(["audit", "--verify", "report.txt"]) == 0
    Path("v.zip").write_bytes(zipped({**FILES, "b/second.har": har(entry("https://c.test/"))}))
    capsys.readouterr()
    assert main(["audit", "--verify", "report.txt"]) == 1
    assert "differs    capture v.zip/b/second.har" in capsys.readouterr().out
