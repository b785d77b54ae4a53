"""What goes wrong with a ledger.

May go in here: the error's name, and where it sends an operator. May not: what database errors mean
(`cmp.store.errors`).
"""

from cmp.store.errors import Reason, StoreError

__all__ = ["LedgerError", "Reason"]


class LedgerError(StoreError):
    """Something was not stored, or could not be read. The message never holds anything of a record."""

    restore = "keep it for inspection and restore the last backup that `consentry ledger verify` passes"
    look = "run `consentry ledger verify` on it and look at the system log"
