"""One decision under strict.json, beside splitting the same URL with the standard library.

May go in here: timing `decide`. May not: reading captures.
"""

import gzip
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cmp import resources
from cmp.capture.observe import observe_request
from cmp.core.consent import supposed_visitor
from cmp.core.decide import decide
from cmp.core.exchange import Exchange
from cmp.core.urls import UrlError, parse_url
from cmp.policy.load import load_policy

# Real requests, one JSON object a line, where the folder of reference data is beside the checkout.
REQUESTS = Path(__file__).resolve().parent.parent.parent / "shared/reference-tests/adguard__requests.json.gz"


def run() -> Iterator[str]:
    policy = load_policy(resources.policies() / "strict.json")
    visitor = supposed_visitor(policy, "refuse")
    exchanges = list(_exchanges())
    ours = _each(lambda exchange: decide(policy, visitor, exchange), exchanges)
    peer = _each(lambda exchange: urlsplit(str(exchange.url)), exchanges)
    yield f"{len(exchanges)} requests, {'real' if REQUESTS.exists() else 'made up: ../shared is not there'}"
    for name, times in (("decide", ours), ("urlsplit", peer)):
        p99 = statistics.quantiles(times, n=100)[98]
        yield f"{name:9} median {statistics.median(times):6.2f} us, p99 {p99:6.2f} us"
    yield f"ratio     {statistics.median(ours) / statistics.median(peer):.2f}"


def _each(work: Callable[[Exchange], object], exchanges: list[Exchange]) -> list[float]:
    """Microseconds for each, the faster of two rounds."""
    rounds: list[list[float]] = []
    for _ in range(2):
        times = []
        for exchange in exchanges:
            start = time.perf_counter_ns()
            work(exchange)
            times.append((time.perf_counter_ns() - start) / 1000)
        rounds.append(times)
    return [min(pair) for pair in zip(*rounds, strict=True)]


def _exchanges() -> Iterator[Exchange]:
    for url, page, kind in _requests():
        try:
            yield observe_request("GET", parse_url(url), [], time=0.0, word=kind, top_level=False, page=parse_url(page))
        except UrlError:
            continue


def _requests() -> Iterator[tuple[str, str, str]]:
    if not REQUESTS.exists():
        hosts = ("www.google-analytics.com", "cdn.jsdelivr.net", "shop.example", "px.unknown.example")
        yield from (
            (f"https://{host}/p/{n}?v={n}", "https://shop.example/", "image") for n in range(500) for host in hosts
        )
        return
    with gzip.open(REQUESTS, "rt", encoding="utf-8") as lines:
        for line in lines:
            request = json.loads(line)
            if request.get("frameUrl"):
                yield request["url"], request["frameUrl"], request.get("cpt", "")
