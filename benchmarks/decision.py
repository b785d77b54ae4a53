"""One decision under strict.json, beside splitting the same URL with the standard library.

May go in here: timing `decide`. May not: reading captures.

Every request is asked about once, in order, with a URL of its own, right after it was read, as on the wire. Cold is a
policy just loaded, by which nothing was decided yet; warm is the same policy after it has seen the day's hosts.
"""

import gzip
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from cmp import resources
from cmp.capture.observe import observe_request
from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.decide import decide
from cmp.core.exchange import Exchange
from cmp.core.policy import Policy
from cmp.core.urls import UrlError, parse_url
from cmp.policy.load import load_policy

# Real requests, one JSON object a line, where the folder of reference data is beside the checkout.
REQUESTS = Path(__file__).resolve().parent.parent.parent / "shared/reference-tests/adguard__requests.json.gz"
_WARM_ROUNDS = 3


def run() -> Iterator[str]:
    policy = load_policy(resources.policies() / "strict.json")
    visitor = supposed_visitor(policy, "refuse")
    requests = list(_requests())
    cold, _ = _round(_unasked(policy), visitor, requests)
    rounds = [_round(policy, visitor, requests) for _ in range(1 + _WARM_ROUNDS)][1:]
    warm, peer = ([min(times) for times in zip(*each, strict=True)] for each in zip(*rounds, strict=True))
    yield f"{len(cold)} requests, {'real' if REQUESTS.exists() else 'made up: ../shared is not there'}"
    for name, times in (("decide, cold", cold), ("decide, warm", warm), ("urlsplit", peer)):
        p99 = statistics.quantiles(times, n=100)[98]
        yield f"{name:12} median {statistics.median(times):6.2f} us, p99 {p99:6.2f} us"
    yield f"ratio, warm  {statistics.median(warm) / statistics.median(peer):.2f}"


def _unasked(policy: Policy) -> Policy:
    """The policy with nothing remembered of any host."""
    requests, cookies = policy.requests, policy.cookies
    return replace(policy, requests=replace(requests), cookies=replace(cookies))


def _round(policy: Policy, visitor: Visitor, requests: list[tuple[str, str, str]]) -> tuple[list[float], list[float]]:
    """Microseconds for each request: our decision, and the peer's work."""
    ours, peer = [], []
    for text, page, kind in requests:
        try:
            exchange = _read(text, page, kind)
        except UrlError:
            continue
        start = time.perf_counter_ns()
        decide(policy, visitor, exchange)
        between = time.perf_counter_ns()
        urlsplit(text)
        end = time.perf_counter_ns()
        ours.append((between - start) / 1000)
        peer.append((end - between) / 1000)
    return ours, peer


def _read(text: str, page: str, kind: str) -> Exchange:
    return observe_request("GET", parse_url(text), [], time=0.0, word=kind, top_level=False, page=parse_url(page))


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
