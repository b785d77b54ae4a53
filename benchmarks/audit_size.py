"""The memory of `consentry audit`: one large capture, and many small ones; and what a second worker gives.

May go in here: writing synthetic HAR files into a temporary folder, running the real command on them. May not:
deciding.

`python -m benchmarks.audit_size --size 5000 --captures 10000` measures a capture of 5,000 MB and 10,000 captures.
`--format html` tells the memory of another report than JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# What `make bench` measures: a capture of so many million bytes, and so many captures.
_SIZE, _CAPTURES = 60, 200
# Of each small capture, so many entries; of each entry of a large one, so many characters of content on average.
_ENTRIES, _CONTENT = 20, 100_000
_WORK, _TURNS = 48, 3
_PEAK_AIM, _WORKERS_AIM = 500, 1.7
# The command itself, and the most memory it had: the kernel's count for a process begins anew with its program.
_COMMAND = """
import sys
from cmp.cli import main
try:
    status = main(sys.argv[1:])
finally:
    with open("/proc/self/status") as lines:
        print(next(line.split()[1] for line in lines if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(status)
"""


class _Run(NamedTuple):
    """Seconds on the clock, and the most memory of the first process, in million bytes."""

    seconds: float
    peak: float


def run(size: int = _SIZE, captures: int = _CAPTURES, form: str = "json") -> Iterator[str]:
    if not Path("/proc/self/status").exists():
        yield "skipped: the memory of a process is read from /proc"
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        large = folder / "large.har"
        entries = _write(large, size * 10**6, _CONTENT)
        done = _audit(large, "--format", form)
        large.unlink()
        yield f"one capture of {size} MB, {entries} entries: {done.seconds:.0f} s"
        yield f"  peak {done.peak:.0f} MB (aim {_PEAK_AIM})"
        few = _folder(folder / "few", max(captures // 10, 1))
        many = _folder(folder / "many", captures)
        for name in (few, many):
            found = _audit(name, "--format", form)
            yield f"{len(list(name.iterdir()))} captures: {found.seconds:.0f} s, peak {found.peak:.0f} MB"
        yield from _workers(_folder(folder / "work", _WORK, 20 * _ENTRIES))


def _workers(folder: Path) -> Iterator[str]:
    """In turns, the fastest of each: what else the machine does then meets both."""
    one, two = [], []
    for _ in range(_TURNS):
        one.append(_audit(folder).seconds)
        two.append(_audit(folder, "--workers", "2").seconds)
    # Starting takes as long with any number of workers.
    begun = min(_audit(next(folder.iterdir())).seconds for _ in range(_TURNS))
    ratio = (min(one) - begun) / (min(two) - begun)
    yield f"one worker {min(one):.1f} s, two {min(two):.1f} s, {begun:.1f} s of both to start"
    yield f"  two workers {ratio:.2f} times one (aim {_WORKERS_AIM})"


def _audit(captures: Path, *options: str) -> _Run:
    command = [sys.executable, "-c", _COMMAND, "audit", str(captures), "--format", "json", "--fail-on", "never"]
    start = time.perf_counter()
    done = subprocess.run([*command, *options, "-o", os.devnull], check=True, capture_output=True, text=True)
    return _Run(time.perf_counter() - start, int(done.stderr.split()[-1]) * 1024 / 10**6)


def _folder(folder: Path, captures: int, entries: int = _ENTRIES) -> Path:
    folder.mkdir()
    for number in range(captures):
        _write(folder / f"{number:05}.har", 0, 200, at_least=entries, site=number)
    return folder


def _write(file: Path, size: int, content: int, *, at_least: int = 0, site: int = 0) -> int:
    """A capture of at least so many bytes and entries; how many it has."""
    page = f"https://www.shop{site % 100}.example/"
    filler = "<p>Nothing to see in this part of the answer.</p>" * (2 * content // 48 + 1)
    with file.open("w") as out:
        out.write('{"log": {"version": "1.2", "creator": {"name": "made", "version": "1"}, "entries": [\n')
        count, written = 0, 0
        while written < size or count < at_least:
            # From a twentieth of the average to nearly twice that.
            length = content * (1 + count * 7 % 38) // 20
            written += out.write((",\n" if count else "") + json.dumps(_entry(count, page, filler[:length])))
            count += 1
        out.write("]}}\n")
    return count


_HOSTS = ("www.google-analytics.com", "connect.facebook.net", "cdn.shop.example", "px.tracker.example")


def _entry(number: int, page: str, text: str) -> dict[str, object]:
    url = (
        page if number == 0 else f"https://{_HOSTS[number % 4]}/path/{number}?cid=91c0ffee27aa{number % 50}&n={number}"
    )
    return {
        "pageref": "p",
        "startedDateTime": f"2026-01-{number // 86_400 % 28 + 1:02}T{number // 3_600 % 24:02}:{number // 60 % 60:02}"
        f":{number % 60:02}.000Z",
        "time": 12,
        "request": {
            "method": "GET",
            "url": url,
            "headers": [
                {"name": "Accept", "value": "text/html" if number == 0 else "*/*"},
                {
                    "name": "User-Agent",
                    "value": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
                },
                {"name": "Referer", "value": page},
                {
                    "name": "Cookie",
                    "value": f"session=1; uid=91c0ffee27aa{number % 50}; _gid=GA1.2.1234567890.{number % 50}",
                },
            ],
        },
        "response": {
            "status": 200,
            "headers": [
                {"name": "Content-Type", "value": "text/html"},
                {"name": "Cache-Control", "value": "private, max-age=0"},
                {"name": "Set-Cookie", "value": f"uid=91c0ffee27aa{number % 50}; Max-Age=31536000; Path=/"},
            ],
            "content": {"size": len(text), "mimeType": "text/html", "text": text},
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--size", type=int, default=_SIZE, metavar="MB", help=f"of the large capture (default: {_SIZE})"
    )
    parser.add_argument("--captures", type=int, default=_CAPTURES, help=f"small captures (default: {_CAPTURES})")
    parser.add_argument("--format", default="json", help="of the report (default: json)")
    arguments = parser.parse_args()
    for line in run(arguments.size, arguments.captures, arguments.format):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
