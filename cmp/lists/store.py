"""The folder that lists are kept in: each list's bytes as they came, and an index.

May go in here: adding, refreshing, removing and reading back, so that a crash or a bad update leaves what was there.
May not: which lists a policy uses (`resolve.py`), printing.
"""

import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cmp.lists.content import Content, FormatError, ListError
from cmp.lists.fetch import fetch, is_url
from cmp.lists.formats import READERS, TITLES, WITH_CATEGORIES, format_of, read_list

FOLDER = "consentry-lists"
# An update with fewer of the rules than this is more likely an accident than news.
SHRUNKEN = 0.8
_INDEX = "index.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
# Files of ours, the only ones that are ever deleted: the folder may be one that holds others.
_OURS = re.compile(r"[a-z0-9][a-z0-9-]*-[0-9a-f]{16}\.(?:list|second)|\.consentry-\w+\.new")


@dataclass(frozen=True, slots=True)
class Entry:
    """One list in the store.

    `sha256` (hex) is of the bytes; with a companion file of both digests, joined. `fetched` is when these bytes came
    (UTC, "2026-11-22T05:00:00Z"). `category` is "" where the list's own categories count, which `own` counts.
    """

    name: str
    format: str
    category: str
    source: str
    sha256: str
    fetched: str
    rules: int
    malformed: int
    own: Mapping[str, int]
    file: str
    companion_source: str = ""
    companion_file: str = ""


@dataclass(frozen=True, slots=True)
class _Fetched:
    """What came from the sources of a list, read."""

    data: bytes
    companion: bytes
    content: Content

    @property
    def sha256(self) -> str:
        return digest_of(self.data, self.companion)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What refreshing one list came to: "unchanged", "updated", or "kept" with the reason why the old one stays."""

    name: str
    outcome: str
    why: str
    before: Entry
    after: Entry


class Store:
    """A folder of lists. Nothing is written but by `add`, `refresh` and `remove`; one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def index(self) -> Path:
        return self.folder / _INDEX

    def entries(self) -> dict[str, Entry]:
        """Every list by name; none where there is no folder. Raises ListError for an index that cannot be read."""
        try:
            document = json.loads(self.index.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise ListError(f"{self.index}: cannot be read: {error}") from error
        try:
            return {name: Entry(name=name, **entry) for name, entry in document["lists"].items()}
        except (TypeError, KeyError, AttributeError) as error:
            raise ListError(f"{self.index}: is no index of lists: {error}") from error

    def entry(self, name: str) -> Entry:
        """One list. Raises ListError where there is none of that name."""
        entries = self.entries()
        if name not in entries:
            known = f"it has {', '.join(sorted(entries))}" if entries else "it is empty"
            raise ListError(f"{self.folder}: has no list called {name}; {known} (consentry lists add)")
        return entries[name]

    def content(self, entry: Entry, *, counted: bool = False) -> Content:
        """A list, read from the store; with `counted` malformed lines are found once more, which may take seconds.

        Raises ListError, also for bytes that are not those that were stored.
        """
        data, companion = self._bytes(entry.file), self._bytes(entry.companion_file)
        if digest_of(data, companion) != entry.sha256:
            raise ListError(f"{self.folder / entry.file}: was changed after it was stored (consentry lists refresh)")
        return _read(entry.format, data, companion, str(self.folder / entry.file), again=not counted)

    def _bytes(self, file: str) -> bytes:
        if not file:
            return b""
        try:
            return (self.folder / Path(file).name).read_bytes()
        except OSError as error:
            raise ListError(f"{self.folder / file}: cannot be read: {error.strerror}") from error

    def add(
        self, source: str, *, category: str = "", name: str = "", format_: str = "", companion_source: str = ""
    ) -> tuple[Entry, Content]:
        """Fetch a list and keep it, in place of an older one of that name. Raises ListError."""
        data, companion = fetch(source), fetch(companion_source) if companion_source else b""
        try:
            format_ = format_ or format_of(data)
        except FormatError as error:
            raise ListError(f"{source}: {error}; say which with --format {'|'.join(READERS)}") from error
        if not category and format_ not in WITH_CATEGORIES:
            raise ListError(f"{source}: {TITLES[format_]} has no categories of its own: say which with --category")
        name = name or name_of(source)
        if not _NAME.fullmatch(name):
            raise ListError(f"{name}: is no name for a list: write small letters, digits and hyphens, at most 40")
        content = _read(format_, data, companion, source)
        sources = (_lasting(source), _lasting(companion_source) if companion_source else "")
        with self._locked():
            entry = self._keep(name, format_, category, sources, _Fetched(data, companion, content))
        return entry, content

    def refresh(self, name: str, *, force: bool = False) -> Refreshed:
        """Fetch a list anew. What cannot be had or read, or has shrunk, leaves the old one; `force` takes a shrunken
        one. Raises ListError where there is no such list or the store cannot be written."""
        old = self.entry(name)
        try:
            data = fetch(old.source)
            companion = fetch(old.companion_source) if old.companion_source else b""
            if digest_of(data, companion) == old.sha256:
                return Refreshed(name, "unchanged", "", old, old)
            content = _read(old.format, data, companion, old.source)
        except ListError as error:
            return Refreshed(name, "kept", str(error), old, old)
        if content.rules < SHRUNKEN * old.rules and not force:
            why = f"{old.source}: has only {content.rules} rules where there were {old.rules}; --force takes it"
            return Refreshed(name, "kept", why, old, old)
        with self._locked():
            sources = (old.source, old.companion_source)
            new = self._keep(name, old.format, old.category, sources, _Fetched(data, companion, content))
        return Refreshed(name, "updated", "", old, new)

    def remove(self, name: str) -> Entry:
        """Forget a list. Raises ListError where there is none of that name."""
        with self._locked():
            gone = self.entry(name)
            entries = self.entries()
            del entries[name]
            self._write_index(entries)
        return gone

    def _keep(self, name: str, format_: str, category: str, sources: tuple[str, str], fetched: _Fetched) -> Entry:
        digest = fetched.sha256
        # A new name for new bytes: until the index is replaced, it names the old ones, and they are still there.
        file = f"{name}-{digest[:16]}.list"
        companion_file = f"{name}-{digest[:16]}.second" if fetched.companion else ""
        self._write(file, fetched.data)
        if fetched.companion:
            self._write(companion_file, fetched.companion)
        entry = Entry(
            name=name,
            format=format_,
            category=category,
            source=sources[0],
            sha256=digest,
            fetched=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            rules=fetched.content.rules,
            malformed=fetched.content.malformed,
            own=dict(fetched.content.own),
            file=file,
            companion_source=sources[1],
            companion_file=companion_file,
        )
        self._write_index({**self.entries(), name: entry})
        return entry

    def _write_index(self, entries: Mapping[str, Entry]) -> None:
        forms = {name: _form(entry) for name, entry in sorted(entries.items())}
        self._write(_INDEX, (json.dumps({"lists": forms}, indent=2) + "\n").encode())
        named = {file for entry in entries.values() for file in (entry.file, entry.companion_file)}
        for path in self.folder.iterdir():
            if _OURS.fullmatch(path.name) and path.name not in named:
                path.unlink(missing_ok=True)

    def _write(self, file: str, data: bytes) -> None:
        """Write a file whole or not at all."""
        try:
            with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".consentry-", suffix=".new", delete=False) as new:
                new.write(data)
                new.flush()
                os.fsync(new.fileno())
            Path(new.name).chmod(0o644)
            Path(new.name).replace(self.folder / file)
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise ListError(f"{self.folder / file}: cannot be written: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        except OSError as error:
            raise ListError(f"{self.folder}: cannot be written: {error.strerror}") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def digest_of(data: bytes, companion: bytes = b"") -> str:
    """SHA-256 (hex) of a list; of one with a companion, of the two digests, joined."""
    first = hashlib.sha256(data).hexdigest()
    if not companion:
        return first
    return hashlib.sha256(f"{first}{hashlib.sha256(companion).hexdigest()}".encode()).hexdigest()


def name_of(source: str) -> str:
    """A name for a list, from where it comes from: "https://lists.example/EasyList_v2.txt" is easylist-v2."""
    last = source.partition("?")[0].partition("#")[0].rstrip("/").rpartition("/")[2]
    stem = re.sub(r"\.(?:txt|json|csv|list|hosts)$", "", last, flags=re.IGNORECASE).lower()
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:40].strip("-")


def _form(entry: Entry) -> dict[str, Any]:
    form = asdict(entry)
    del form["name"]
    return form


def _lasting(source: str) -> str:
    """Where to refresh from: a file by its whole path, so that it is found from anywhere."""
    return source if is_url(source) else str(Path(source).resolve())


def _read(format_: str, data: bytes, companion: bytes, source: str, *, again: bool = False) -> Content:
    try:
        return read_list(format_, data, companion, again=again)
    except FormatError as error:
        raise ListError(f"{source}: {error} (read as {TITLES.get(format_, format_)})") from error
    except KeyError as error:
        raise ListError(f"{source}: is of the unknown format {format_}") from error
