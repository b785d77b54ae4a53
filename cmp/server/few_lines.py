"""How often one kind of log line is written: what anybody can cause at will must not fill a disk.

May go in here: the bound, and counting what it left out. May not: what a line says.
"""

import logging
import threading
from collections import Counter

_MINUTE = 60
# Lines of one kind in a minute. What happens more often than that, nobody reads one by one.
MOST = 10


class FewLines(logging.Filter):
    """Lets `MOST` lines of a kind through in a minute (by its text before anything is put in), and counts all.

    The first line after some were left out says how many. The kinds are ours, so their number is bounded.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._minute: dict[str, int] = {}
        self._lines: Counter[str] = Counter()
        self._missing: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._left_out = 0

    def seen(self, kind: str) -> int:
        """How many lines of a kind there would have been since the process began."""
        return self._seen[kind]

    @property
    def left_out(self) -> int:
        """How many lines of all kinds were not written since the process began."""
        return self._left_out

    def filter(self, record: logging.LogRecord) -> bool:
        kind, minute = str(record.msg), int(record.created // _MINUTE)
        with self._lock:
            self._seen[kind] += 1
            if self._minute.get(kind) != minute:
                self._minute[kind], self._lines[kind] = minute, 0
            if self._lines[kind] >= MOST:
                self._missing[kind] += 1
                self._left_out += 1
                return False
            self._lines[kind] += 1
            missing = self._missing.pop(kind, 0)
        if missing:
            record.msg, record.args = "%s (%d such lines were left out before)", (record.getMessage(), missing)
        return True
