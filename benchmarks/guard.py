"""The client guard and the banner's files: bytes as they are sent, and the main thread's time in a page.

May go in here: measuring, side by side with the limits that were set. May not: what either does.
"""

import gzip
import os
import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path

from cmp.core.consent import supposed_visitor
from cmp.core.signals import NO_SIGNALS
from cmp.core.urls import parse_url
from cmp.policy.load import load_policy
from cmp.resources import policies, static
from cmp.wire.guard import guard_script
from cmp.wire.shorten import shorter_script, shorter_style
from demo.__main__ import POLICY

# Bytes and milliseconds.
_MOST_BYTES, _MOST_TIME = 10_000, 20.0
_ROUNDS = 15


def run() -> Iterator[str]:
    page = parse_url("https://www.shop.example/")
    forms = (("banner.js", shorter_script), ("banner.css", shorter_style))
    files = sum(_packed(shorter((static() / name).read_text("utf-8")).encode()) for name, shorter in forms)
    scripts: dict[str, str] = {}
    for path in (POLICY, policies() / "strict.json", policies() / "default.json"):
        policy = load_policy(Path(path))
        scripts[policy.id] = guard_script(policy, supposed_visitor(policy, "refuse"), NO_SIGNALS, page)
        size = _packed(scripts[policy.id].encode())
        together = f"with the banner's files {size + files:,} ({_MOST_BYTES:,})"
        yield f"guard under {policy.id}: {size:,} bytes packed; {together}"
    browser = shutil.which(os.environ.get("CHROMIUM") or "chromium")
    if browser is None:
        yield "no Chromium here: time in a page not measured"
        return
    for name, times in _times(browser, scripts):
        # The least is what the script takes; the rest is what else ran on the machine.
        least, median = min(times), statistics.median(times)
        yield f"guard under {name}: {least:.1f} ms of the main thread, median {median:.1f} ({_MOST_TIME:.0f})"


def _packed(data: bytes) -> int:
    return len(gzip.compress(data, mtime=0))


def _times(browser: str, scripts: dict[str, str]) -> Iterator[tuple[str, list[float]]]:
    from playwright.sync_api import sync_playwright

    timed = "(code) => { const from = performance.now(); (0, eval)(code); return performance.now() - from; }"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser, headless=True, args=["--no-sandbox"])
        for name, script in scripts.items():
            times: list[float] = []
            for _ in range(_ROUNDS):
                page = running.new_page()
                page.set_content("<!doctype html><p>a")
                times.append(float(page.evaluate(timed, script)))
                page.close()
            yield name, times
        running.close()
