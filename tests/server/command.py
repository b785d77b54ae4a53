"""The real `consentry serve` as a process.

May go in here: starting it and reading where it listens. May not: assertions.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.core.examples import shop

ROOT = Path(__file__).resolve().parents[2]


def write_policy(folder: Path) -> Path:
    file = folder / "shop.json"
    file.write_text(json.dumps(shop()))
    return file


def arguments(folder: Path, *more: str) -> list[str]:
    policy = write_policy(folder)
    start = ["serve", "--policy", str(policy), "--keys", str(folder / "keys.json")]
    return [*start, "--ledger", f"sqlite:{folder / 'ledger.db'}", *more]


@contextmanager
def serving(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process and the port it listens on; killed at the end if it still runs."""
    command = [sys.executable, "-m", "cmp", *arguments(folder, "--port", "0", *more)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://\S+?:(\d+)/", line)
            if found is None:
                process.kill()
                raise RuntimeError(f"it does not say where it listens: {line!r} {process.communicate()}")
            yield process, int(found[1])
        finally:
            process.kill()
