"""Where something is kept, as operators write it: `sqlite:PATH`, `sqlite:///PATH`, a plain path, `postgresql://...`.

May go in here: reading addresses, showing them without their password. May not: opening what they name.
"""

import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from cmp.store.errors import Reason, StoreError

# RFC 3986, section 3.1.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_SERVERS = frozenset({"postgresql", "postgres"})


def sqlite_file(address: str | Path, kind: type[StoreError], noun: str) -> Path:
    """The absolute path of the SQLite file an address names. Raises `kind` for any other address."""
    found = place_of(address, kind, noun)
    if isinstance(found, Path):
        return found
    raise _unknown("postgresql", kind, noun)


def place_of(address: str | Path, kind: type[StoreError], noun: str) -> Path | str:
    """The absolute path of an SQLite file, or a URL that begins with "postgresql://". Raises `kind`.

    As in SQLAlchemy's URLs three slashes begin a path relative to the current folder and four an absolute one.
    """
    if isinstance(address, Path):
        return address.absolute()
    scheme, path = "sqlite", address
    if match := _SCHEME.fullmatch(address):
        scheme, path = match[1].lower(), match[2]
    if scheme in _SERVERS and path.startswith("//"):
        return f"postgresql:{path}"
    if scheme != "sqlite":
        raise _unknown(scheme, kind, noun)
    if match and path.startswith("///"):
        path = unquote(path[3:])
    if path.startswith("//"):
        # Libraries disagree on how many slashes make such a path absolute.
        raise kind(
            Reason.ADDRESS,
            address,
            "two readings of this path are in use",
            "write sqlite:/absolute/path or sqlite:////absolute/path",
        )
    if not path or path == ":memory:" or "\0" in path:
        raise kind(Reason.ADDRESS, repr(address), "names no file", "write sqlite:PATH or a path")
    return Path(path).absolute()


def without_password(url: str) -> str:
    """A database server's address as it may stand in a log: no password, no options."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return SplitResult(parts.scheme, f"{user.partition(':')[0]}{at}{host}", parts.path, "", "").geturl()


def _unknown(scheme: str, kind: type[StoreError], noun: str) -> StoreError:
    # Not the address itself: one of another database may hold a password.
    return kind(
        Reason.ADDRESS,
        f"{scheme}:...",
        f"no {noun} of this kind is known",
        f"write sqlite:PATH, or ./{scheme}:... for a file of that name",
    )
