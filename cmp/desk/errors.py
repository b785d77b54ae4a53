"""What goes wrong with the desk's file.

May go in here: the error's name. May not: what database errors mean (`cmp.store.errors`).
"""

from cmp.store.errors import Reason, StoreError

__all__ = ["DeskError", "Reason"]


class DeskError(StoreError):
    """Something of the desk was not stored, or could not be read."""
