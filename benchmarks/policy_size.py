"""Loading a policy of 5,000 vendors and 20,000 cookie rules, and deciding under it, beside a small one.

May go in here: making such policies, timing them. May not: limits; a test holds those (`tests/policy/test_size.py`).
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cmp.capture.observe import observe_request, with_answer
from cmp.core.consent import supposed_visitor
from cmp.core.decide import decide
from cmp.core.exchange import Exchange
from cmp.core.policy import Policy
from cmp.core.urls import parse_url
from cmp.policy.compile import compile_policy
from cmp.policy.document import read_document
from cmp.policy.load import find_faults, load_policy

SMALL, LARGE = (50, 200), (5_000, 20_000)
_SITE = "https://www.shop.test/"


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.json"
        path.write_text(json.dumps(document(*LARGE)), "utf-8")
        yield f"{LARGE[0]} vendors, {LARGE[1]} cookie rules, {path.stat().st_size // 1000} kB"
        whole = read_document(path)
        peer = fastest(lambda: json.loads(path.read_bytes()))
        for name, work in (
            ("json.loads", lambda: json.loads(path.read_bytes())),
            ("read", lambda: read_document(path)),
            ("check", lambda: find_faults(whole)),
            ("compile", lambda: compile_policy(whole)),
            ("load: all", lambda: load_policy(path)),
        ):
            seconds = fastest(work)
            yield f"{name:10} {seconds * 1000:7.0f} ms, ratio to json.loads {seconds / peer:6.1f}"
    small, large = compile_policy(document(*SMALL)), compile_policy(whole)
    for name, exchange in exchanges().items():
        first, second = deciding(small, exchange), deciding(large, exchange)
        yield f"decide, {name:22} {first:6.1f} us small, {second:6.1f} us large, ratio {second / first:.2f}"


def document(vendors: int, cookies: int) -> dict[str, Any]:
    """A policy of that size; half of its cookies are the vendors', and every fourth of the others is a pattern."""
    each = max(cookies // 2 // vendors, 1)
    return {
        "consentry": 1,
        "id": "sized",
        "version": "1",
        "title": {"en": "Sized"},
        "sites": ["shop.test"],
        "categories": {
            "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
            **{f"purpose-{n}": {"basis": "consent", "title": {"en": f"Purpose {n}"}} for n in range(8)},
        },
        "vendors": [
            {
                "id": f"vendor-{n}",
                "name": f"Vendor {n}",
                "company": f"Company {n} Ltd",
                "country": "US",
                "category": f"purpose-{n % 8}",
                "techniques": ["pixel", "cookie"],
                "hosts": [f"vendor-{n}.example", f"cdn-{n}.test"],
                "signatures": [{"host": f"shared-{n % (vendors // 10)}.test", "path": f"/v{n}/*", "query": ["tid"]}],
                "cookies": [{"name": f"_v{n}_{m}", "lifetime": "13 months"} for m in range(each)],
            }
            for n in range(vendors)
        ],
        "cookies": [
            {"name": f"ck{n}" if n % 4 else f"ck{n}_*", "category": f"purpose-{n % 8}", "lifetime": "1 year"}
            for n in range(cookies // 2)
        ],
    }


def exchanges() -> dict[str, Exchange]:
    """What is decided on, by what it is."""
    page = parse_url(_SITE)

    def asked(url: str, cookie: str = "") -> Exchange:
        headers = [("cookie", cookie)] if cookie else []
        return observe_request("GET", parse_url(url), headers, time=0.0, word="image", top_level=False, page=page)

    sent = asked(f"{_SITE}a.png", "ck1=1; ck4_x=2; ck7=3; ckz_unknown=4; _v3_1=5")
    return {
        "a vendor": asked("https://px.vendor-7.example/p?id=1"),
        "a shared host": asked("https://shared-2.test/v2/p?tid=1"),
        "an unknown host": asked("https://a.b.unknown.example/p"),
        "five cookies": sent,
        "three Set-Cookies": with_answer(
            sent, [("set-cookie", f"{name}=1; Max-Age=9") for name in ("ck5", "ck8_", "z")]
        ),
    }


def deciding(policy: Policy, exchange: Exchange) -> float:
    """Microseconds for one decision: the fastest of several rounds."""
    visitor = supposed_visitor(policy, "accept")
    rounds = []
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(300):
            decide(policy, visitor, exchange)
        rounds.append((time.perf_counter() - start) / 300 * 1e6)
    return min(rounds)


def fastest(work: Callable[[], object]) -> float:
    """Seconds, the fastest of several rounds: others share the machine."""
    times = []
    for _ in range(4):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    for line in run():
        print(line)
