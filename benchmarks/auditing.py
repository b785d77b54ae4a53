"""Auditing captures with every detector and EasyList and EasyPrivacy, beside json.loads and one adblock look-up each;
and how long the command takes for one capture of 5 MB without a policy.

May go in here: timing an audit. May not: deciding. The lists and captures are read from the folder of reference data
(`benchmarks/reference.py`), and without that nothing is timed.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.reference import SHARED, SKIPPED, peer_of_lists, source_of_lists
from cmp.capture.capture import CaptureError

# So many of the largest captures; the last of several rounds is with everything compiled.
_CAPTURES, _ROUNDS = 12, 3
_AIM = 0.4
# Bytes of a capture that somebody wants to know one thing about, and the seconds they wait for it.
_ALONE, _ALONE_AIM = 5 * 10**6, 5


def run() -> Iterator[str]:
    from cmp.audit.audit import Examination
    from cmp.capture.reading import read_capture
    from cmp.policy.load import default_policy

    if not SHARED.is_dir():
        yield SKIPPED
        return
    engine = peer_of_lists()
    examination = Examination(replace(default_policy(), lists=(source_of_lists(),)), baseline=True)

    def ours(file: Path) -> int:
        return examination.of(read_capture(file)).entries

    def peer(file: Path) -> int:
        entries: list[Any] = json.loads(file.read_bytes().decode("utf-8-sig"))["log"]["entries"]
        for entry in entries:
            engine.check_network_urls(entry["request"]["url"], "https://www.example.com/", "script")
        return len(entries)

    files = sorted(_readable(), key=lambda file: -file.stat().st_size)[:_CAPTURES]
    rates = {name: _rate(work, files) for name, work in (("audit", ours), ("json.loads and adblock", peer))}
    for name, rate in rates.items():
        yield f"{name:23} {rate:9.0f} entries/s"
    yield f"{'ratio':23} {rates['audit'] / rates['json.loads and adblock']:9.2f} (aim {_AIM})"
    yield f"{'one capture of 5 MB':23} {_alone(files[0]):9.2f} s of processor time (aim {_ALONE_AIM})"


def _readable() -> Iterator[Path]:
    from cmp.capture.reading import read_capture

    for file in sorted((SHARED / "captures/har").iterdir()):
        try:
            json.loads(file.read_bytes().decode("utf-8-sig"))
            read_capture(file)
        except (ValueError, CaptureError):
            continue
        yield file


def _rate(work: Callable[[Path], int], files: list[Path]) -> float:
    """Entries a second of processor time, the fastest round."""
    best = 0.0
    for _ in range(_ROUNDS):
        start = time.process_time()
        entries = sum(map(work, files))
        best = max(best, entries / (time.process_time() - start))
    return best


def _alone(file: Path) -> float:
    """Seconds of processor time of `consentry audit FILE`, the fastest run; the entries of `file` are repeated until
    there are enough."""
    whole = json.loads(file.read_bytes().decode("utf-8-sig"))
    made: list[Any] = []
    size = 0
    for entry in cycle(whole["log"]["entries"]):
        made.append(entry)
        size += len(json.dumps(entry))
        if size >= _ALONE:
            break
    whole["log"]["entries"] = made
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder, "alone.har")
        capture.write_text(json.dumps(whole))
        return min(_command("audit", str(capture), "--fail-on", "never") for _ in range(_ROUNDS))


def _command(*arguments: str) -> float:
    before = _of_children()
    start = [sys.executable, "-c", "import sys; from cmp.cli import main; sys.exit(main(sys.argv[1:]))"]
    subprocess.run([*start, *arguments], check=True, stdout=subprocess.DEVNULL)
    return _of_children() - before


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
