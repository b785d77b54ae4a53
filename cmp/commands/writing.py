"""Files that commands write: where one may be put, and writing it as a whole.

May go in here: that. May not: what stands in a file.
"""

import os
import tempfile
from pathlib import Path

from cmp.commands.arguments import UsageError


class UnwritableError(UsageError, ValueError):
    """Ends the command where the file was given as an argument, and is asked again where it was an answer."""


def writable(text: str, *, force: bool) -> Path:
    """The path, once a file can be written there. Raises UnwritableError."""
    path = Path(text)
    if not path.parent.is_dir():
        raise UnwritableError(f"{path}: there is no folder {path.parent}")
    if path.is_dir():
        raise UnwritableError(f"{path} is a folder: name a file in it")
    if path.exists() and not force:
        raise UnwritableError(f"{path} is there already: --force overwrites it")
    return path


def write_whole(path: Path, text: str) -> None:
    """All of it or nothing, whatever happens meanwhile. Raises UsageError."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
