"""One decision with EasyList and EasyPrivacy, beside one look-up in a merged `adblock` engine.

May go in here: timing `decide` with lists. May not: the lists: they are read from the folder of reference data
(`benchmarks/reference.py`), and without that nothing is timed.
"""

import gzip
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from benchmarks.reference import SHARED, SKIPPED, peer_of_lists, source_of_lists
from cmp.capture.capture import CaptureError
from cmp.capture.observe import observe_request
from cmp.capture.reading import read_capture
from cmp.core.consent import supposed_visitor
from cmp.core.decide import decide
from cmp.core.exchange import Exchange, Kind
from cmp.core.urls import UrlError, parse_url
from cmp.policy.load import default_policy

_WORDS = {Kind.STYLE: "stylesheet", Kind.FETCH: "xmlhttprequest", Kind.FRAME: "subdocument", Kind.BEACON: "ping"}


def run() -> Iterator[str]:
    if not SHARED.is_dir():
        yield SKIPPED
        return
    engine = peer_of_lists()
    plain = default_policy()
    policy = replace(plain, lists=(source_of_lists(),))
    visitor = supposed_visitor(policy, "refuse")
    for what, exchanges in (("captures", list(_captures())), ("real requests", list(_requests()))):
        asked = sum(plain.requests.find(one.url, one.page) is None for one in exchanges)
        yield f"{len(exchanges)} requests ({what}), {asked} of them not in the catalogue"
        ours, peer = _each(
            exchanges,
            lambda exchange: decide(policy, visitor, exchange),
            lambda exchange: engine.check_network_urls(
                str(exchange.url), str(exchange.page or ""), _WORDS.get(exchange.kind, exchange.kind.value)
            ),
        )
        for name, times in (("decide", ours), ("adblock", peer)):
            yield f"  {name:8} median {statistics.median(times):6.2f} us, p99 {_p99(times):6.2f} us"
        yield (
            f"  ratio    median {statistics.median(ours) / statistics.median(peer):6.2f} (aim 1.5), "
            f"p99 {_p99(ours) / _p99(peer):6.2f} (aim 2)"
        )


def _p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def _each(exchanges: list[Exchange], *works: Callable[[Exchange], object]) -> list[list[float]]:
    """Microseconds for each exchange and work, the fastest of three rounds, the works in turn.

    The first round also makes the engines compile the regular expressions of their rules.
    """
    best = [[float("inf")] * len(exchanges) for _ in works]
    for _ in range(3):
        for times, work in zip(best, works, strict=True):
            for n, exchange in enumerate(exchanges):
                start = time.perf_counter_ns()
                work(exchange)
                times[n] = min(times[n], (time.perf_counter_ns() - start) / 1000)
    return best


def _captures() -> Iterator[Exchange]:
    for file in sorted((SHARED / "captures/har").iterdir()):
        try:
            capture = read_capture(file)
        except CaptureError:
            continue
        # Cookies are asked about too, but the peer knows nothing of them.
        yield from (replace(entry.asked, cookies=(), set_cookies=()) for entry in capture.entries)


def _requests() -> Iterator[Exchange]:
    with gzip.open(SHARED / "reference-tests/adguard__requests.json.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            found = json.loads(line)
            if found.get("frameUrl"):
                word = found.get("cpt", "")
                try:
                    url, page = parse_url(found["url"]), parse_url(found["frameUrl"])
                except UrlError:
                    continue
                yield observe_request("GET", url, [], time=0.0, word=word, top_level=word == "document", page=page)
