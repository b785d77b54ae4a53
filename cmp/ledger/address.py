"""Where a ledger lives, as operators write it: `sqlite:PATH` or a plain path.

May go in here: reading the address. May not: opening what it names (`database.py`).
"""

import re
from pathlib import Path

from cmp.ledger.errors import LedgerError, Reason

# RFC 3986, section 3.1.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)


def ledger_file(address: str | Path) -> Path:
    """The absolute path of the SQLite file an address names. Raises LedgerError for any other address."""
    if isinstance(address, Path):
        return address.absolute()
    scheme, path = "sqlite", address
    if match := _SCHEME.fullmatch(address):
        scheme, path = match[1].lower(), match[2]
    if scheme != "sqlite":
        raise LedgerError(
            Reason.ADDRESS,
            # Not the address itself: one of another database may hold a password.
            f"{scheme}:...",
            "no ledger of this kind is known",
            f"write sqlite:PATH, or ./{scheme}:... for a file of that name",
        )
    if path.startswith("//"):
        # Libraries disagree on how many slashes make such a path absolute.
        raise LedgerError(
            Reason.ADDRESS, address, "two readings of this path are in use", "write sqlite:/absolute/path"
        )
    if not path or path == ":memory:" or "\0" in path:
        raise LedgerError(Reason.ADDRESS, repr(address), "names no file", "write sqlite:PATH or a path")
    return Path(path).absolute()
