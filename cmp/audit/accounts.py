"""The accounts of many captures, kept so that only one of them is in memory at a time.

May go in here: keeping them, and going through them and their findings. May not: what an account says (`account.py`).

An audit of ten thousand captures keeps as many accounts, and a report goes through them more than once. They lie one
after the other in a temporary file without a name, which stays in memory as long as it is small.
"""

import pickle
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import overload

from cmp.audit.account import Account
from cmp.audit.finding import Finding

# Bytes in memory before there is a file on the disk; an account of a page of twenty requests takes about 6,000.
_IN_MEMORY = 16 * 1024**2


class AccountsError(Exception):
    """The temporary file cannot be written or read. Says in one line where it is, what is wrong and what to do next."""


class Accounts(Sequence[Account]):
    """Accounts in the order they are added. Taking one out makes it anew, so two of them are equal and not the same.

    Adding one and taking one out raise AccountsError.
    """

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed with its last user
        self._starts, self._end = array("Q"), 0
        self._findings = 0
        for account in accounts:
            self.add(account)

    def add(self, account: Account) -> None:
        with _on_the_disk():
            self._file.seek(self._end)
            self._file.write(pickle.dumps(account, pickle.HIGHEST_PROTOCOL))
        self._starts.append(self._end)
        self._end = self._file.tell()
        self._findings += len(account.findings)

    @property
    def findings(self) -> int:
        """How many findings all of them have."""
        return self._findings

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[Account]:
        return map(self._at, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Account: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Account]: ...
    def __getitem__(self, index: int | slice) -> Account | Sequence[Account]:
        places = range(len(self))[index]
        return self._at(places) if isinstance(places, int) else [self._at(place) for place in places]

    def _at(self, place: int) -> Account:
        with _on_the_disk():
            self._file.seek(self._starts[place])
            account: Account = pickle.load(self._file)  # noqa: S301 - what `add` wrote to a file that has no name
        return account


@contextmanager
def _on_the_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        try:
            place = tempfile.gettempdir()
        except OSError:
            place = "the folder for temporary files"
        what = f"what was found so far cannot be kept there ({error.strerror or error})"
        raise AccountsError(f"{place}: {what}; make room, or name another folder in TMPDIR") from error


class Findings(Sequence[Finding]):
    """The findings of accounts, capture after capture, then `more` of them."""

    def __init__(self, accounts: Accounts, more: Sequence[Finding] = ()) -> None:
        self._accounts, self._more = accounts, more

    def __len__(self) -> int:
        return self._accounts.findings + len(self._more)

    def __iter__(self) -> Iterator[Finding]:
        for account in self._accounts:
            yield from account.findings
        yield from self._more

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Finding]: ...
    def __getitem__(self, index: int | slice) -> Finding | Sequence[Finding]:
        places = range(len(self))[index]
        if isinstance(places, int):
            return next(islice(self, places, None))
        found = list(self)
        return [found[place] for place in places]
