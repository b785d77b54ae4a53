"""A ledger to be read through, from wherever it is: its database, or an export of it.

May go in here: telling the two apart. May not: reading either.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cmp.ledger.contents import Contents, Stored
from cmp.ledger.database import database_of
from cmp.ledger.export import exported, is_export


@contextmanager
def contents_of(source: str | Path) -> Iterator[Contents]:
    """What a ledger or an export holds, as it is at this moment. Raises LedgerError."""
    if is_export(source):
        yield exported(Path(source))
    else:
        with database_of(source).reading() as connection:
            yield Stored(connection)
