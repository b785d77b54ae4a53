"""Damaged captures and logs of every form: read or refused in one line, in bounded time and memory, and never more.

500 mutations from fixed seeds in the ordinary run, 20,000 in `make soak`.
"""

import gzip
import io
import json
import random
import resource
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cmp.audit.audit import Examination, audit_of
from cmp.audit.inspection import inspection_text
from cmp.audit.replay import replay
from cmp.audit.report_json import report
from cmp.capture.capture import CaptureError
from cmp.capture.har import read_har
from cmp.capture.reading import read_captures
from cmp.decision_log.folder import DecisionLogError
from tests.audit.hars import document, har, policy, request
from tests.capture.test_flows import made, written
from tests.decision_log.examples import BLOCKED, unknown, write

SECONDS, MEGABYTES = 10, 300

HAR = har(
    document(set_cookie=["session=1; Path=/"], answers=[("Date", "Sun, 15 Jun 2025 15:06:40 GMT"), ("Age", "3")]),
    request("https://stats.test/collect?tid=1&v=2&cid=91c0ffee27aa44", cookie="_st=91c0ffee27aa44; x"),
    request("https://ads.test/a.gif", "image", set_cookie=["uid=a81f22d09c4e7b; Max-Age=99999999"], status=302),
    request(
        "https://cdn.test/x", "fetch", body='{"email":"a@b.example","n":[1,{"x":null}]}', body_type="application/json"
    ),
    document("https://shop.example/next", cookie="session=1; CookieConsent={marketing:true,utc:1750000002000}"),
)
INSPECTION = json.dumps(
    json.loads(inspection_text(replay(policy(), read_har(HAR, "a.har")))), separators=(",", ":")
).encode()
FLOWS = written(*(made(f"{name}.test", 1_000.0 + n) for n, name in enumerate(("shop", "stats", "ads"))))


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.har", HAR)
        archive.writestr("b/c.mitm", FLOWS)
    return file.getvalue()


ODD = [
    b"",
    b"0",
    b"-1",
    b"1e999",
    b"9" * 5_000,
    b"null",
    b"[]",
    b"{}",
    b'""',
    b"\x00",
    b"\xff\xfe",
    b'"\\ud800"',
    b"[" * 3_000,
]
TOKENS = (b'"', b"{", b"}", b"[", b"]", b":", b",", b"0:", b"4294967295:", b"}" * 50, b"\n", b"https://", b";", b"=")


def damaged(data: bytes, rnd: random.Random) -> bytes:
    """One to four changes: bytes flipped, cut out, repeated, moved, put in; or a JSON value replaced."""
    for _ in range(rnd.randint(1, 4)):
        start = rnd.randrange(len(data) + 1)
        end = min(len(data), start + rnd.choice((1, 2, 8, 60, 700)))
        put_in = rnd.choice((*ODD, *TOKENS))
        data = rnd.choice(
            (
                lambda: data[:start] + bytes(byte ^ 1 << rnd.randrange(8) for byte in data[start:end]) + data[end:],  # noqa: B023 - called at once
                lambda: data[:start] + data[end:],  # noqa: B023
                lambda: data[:start],  # noqa: B023
                lambda: data[:end] + data[start:end] * rnd.choice((1, 2, 50)) + data[end:],  # noqa: B023
                lambda: data[:start] + put_in + data[start:],  # noqa: B023
                lambda: value_replaced(data, rnd),  # noqa: B023
            )
        )()
    return data


def value_replaced(data: bytes, rnd: random.Random) -> bytes:
    """A value anywhere in a JSON document, by one of another kind; other bytes as they are."""
    try:
        form = json.loads(data)
    except (ValueError, RecursionError):
        return data
    holders = []
    waiting = [form]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else list(range(len(one))) if isinstance(one, list) else []
        holders += [(one, key) for key in keys]
        waiting += [one[key] for key in keys]
    if holders:
        holder, key = rnd.choice(holders)
        odd: tuple[object, ...] = (
            None,
            True,
            -1,
            1e300,
            "",
            "\ud800",
            "x" * 5_000,
            [],
            {},
            [[]],
            {"name": 1},
            "data:,x",
            "https://[::1",
            "1e9999",
        )
        holder[key] = rnd.choice(odd)
    return json.dumps(form).encode()


FORMS: dict[str, Callable[[random.Random], bytes]] = {
    "har": lambda rnd: damaged(HAR, rnd),
    "inspection": lambda rnd: damaged(INSPECTION, rnd),
    "flows": lambda rnd: damaged(FLOWS, rnd),
    "zip": lambda rnd: damaged(zipped(), rnd),
    "gzip": lambda rnd: gzip.compress(damaged(HAR, rnd), 1, mtime=0),
}


def most_memory() -> float:
    """Megabytes this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def hold_to_bounds(work: Callable[[int], None], seeds: range) -> None:
    before = most_memory()
    for seed in seeds:
        start = time.process_time()
        work(seed)
        assert time.process_time() - start < SECONDS, seed
    assert most_memory() - before < MEGABYTES


SHORT, LONG = (
    [pytest.param(110, id="sample")],
    [pytest.param(4_400, id="full", marks=[pytest.mark.soak, pytest.mark.timeout(1_200)])],
)


@pytest.mark.parametrize("number", SHORT + LONG)
@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_capture_is_read_or_refused(form: str, number: int, tmp_path: Path) -> None:
    examination = Examination(policy(), baseline=False)
    file = tmp_path / "damaged.har"
    read = 0

    def work(seed: int) -> None:
        nonlocal read
        file.write_bytes(FORMS[form](random.Random(f"{form} {seed}")))
        try:
            found = list(read_captures(file))
        except CaptureError as error:
            found = [error]
        accounts = [examination.of(one) for one in found if not isinstance(one, CaptureError)]
        refused = [one for one in found if isinstance(one, CaptureError)]
        read += len(accounts)
        assert all("\n" not in str(error) for error in refused)
        json.loads(report(audit_of(examination, accounts), refused))

    hold_to_bounds(work, range(number))
    # With every file refused nothing would have been tried.
    assert read > number / 20


@pytest.mark.parametrize(
    "number", [pytest.param(60, id="sample"), pytest.param(2_400, id="full", marks=pytest.mark.soak)]
)
def test_a_damaged_decision_log_is_read_or_refused(number: int, tmp_path: Path) -> None:
    write(tmp_path / "whole", BLOCKED, unknown("x.test"), BLOCKED)
    examination = Examination(policy(), baseline=False, with_log=True)
    refused: list[str] = []

    def work(seed: int) -> None:
        rnd = random.Random(f"log {seed}")
        folder = Path(shutil.copytree(tmp_path / "whole", tmp_path / "log"))
        file = rnd.choice(sorted(path for path in folder.iterdir() if path.is_file()))
        file.write_bytes(damaged(file.read_bytes(), rnd))
        try:
            json.loads(report(audit_of(examination, (), folder)))
        except DecisionLogError as error:
            refused.append(str(error))
        shutil.rmtree(folder)

    hold_to_bounds(work, range(number))
    assert not any("\n" in said for said in refused)
