"""A process that appends and says so on its output, to be killed, traced or cramped by a test.

    python -m tests.ledger.child stream ADDRESS FIRST  appends without end, many at a time; a line for each acknowledged
    python -m tests.ledger.child few FILE COUNT        one after the other
    python -m tests.ledger.child file-limit FILE       until no file may grow; then that limit is lifted
    python -m tests.ledger.child small-disk FILE       until the disk (a small one) is full; then space is freed
    python -m tests.ledger.child denied FILE           as a user who may only read

May go in here: what has to happen in a process of its own. May not: assertions.
"""

import asyncio
import itertools
import os
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from cmp.ledger.errors import LedgerError
from cmp.ledger.ledger import Ledger
from tests.ledger.records import given, numbered

NOBODY = 65534


def say(line: str) -> None:
    # One write each, unbuffered: a killed process has said all that it was told.
    os.write(1, f"{line}\n".encode())


async def stream(ledger: Ledger, numbers: Iterator[int]) -> None:
    async def append() -> None:
        for number in numbers:
            await ledger.append(numbered(number))
            say(str(number))

    await asyncio.gather(*(append() for _ in range(16)))


async def few(ledger: Ledger, count: int) -> None:
    for number in range(count):
        await ledger.append(numbered(number))
        say(f"acknowledged {number}")


async def until_refused(ledger: Ledger, relieve: Callable[[], None]) -> None:
    """Appends until an error, relieves the cause, appends twice more."""
    relieved = False
    for number in itertools.count():
        try:
            await ledger.append(given(f"n{number}"))
        except LedgerError as error:
            say(f"error {error.reason} {error}")
            if relieved:
                return
            relieve()
            relieved = True
            await ledger.append(given(f"n{number + 1}"))
            say(str(number + 1))
            await ledger.append(given(f"n{number + 2}"))
            say(str(number + 2))
            return
        say(str(number))


def file_limit(file: Path) -> None:
    limit = 400_000
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Ledger(file) as ledger:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited[1]))
        asyncio.run(until_refused(ledger, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)))


def small_disk(file: Path) -> None:
    filler = file.with_name("filler")
    filler.write_bytes(bytes(200_000))
    with Ledger(file) as ledger:
        asyncio.run(until_refused(ledger, filler.unlink))
    say(f"size {file.stat().st_size}")


def denied(file: Path) -> None:
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        Ledger(file).close()
    except LedgerError as error:
        say(f"error {error.reason} {error}")


def main(mode: str, address: str, number: str = "0") -> None:
    file = Path(address)
    if mode == "stream":
        asyncio.run(stream(Ledger(address), itertools.count(int(number))))
    elif mode == "few":
        with Ledger(file) as ledger:
            asyncio.run(few(ledger, int(number)))
    else:
        {"file-limit": file_limit, "small-disk": small_disk, "denied": denied}[mode](file)


if __name__ == "__main__":
    main(sys.argv[1], *sys.argv[2:])
