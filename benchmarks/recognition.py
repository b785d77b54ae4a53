"""What the catalogue alone recognises: requests beside filter lists and tracker data, cookies beside labels.

May go in here: counting. May not: timing, data of others: it is read from the folder of reference data beside the
checkout (or where CONSENTRY_SHARED says), and without that nothing is counted.

Halves are chosen by the hash of the file, or of the page's site: what the catalogue misses, takes for more than it is
or files otherwise than its label is looked up in the tuned half only. The first catalogue was written with all captures
and cookies in view, and the misses that were most frequent in both halves of the real requests were seen once: the
untuned figures are the better guess, not a blind test. Later the mistakes of the untuned half were counted once by
category, without names, and hosts of players' files were filed anew after that; cookie names were added from the tuned
half.
"""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator

from benchmarks.reference import SHARED, SKIPPED, source_of_lists
from cmp.capture.capture import CaptureError
from cmp.capture.observe import observe_request
from cmp.capture.reading import read_capture
from cmp.core.classify import Party, host_suffixes
from cmp.core.exchange import Exchange, Kind
from cmp.core.policy import Policy
from cmp.core.urls import UrlError, parse_host, parse_url
from cmp.lists.disconnect import read_disconnect
from cmp.lists.duckduckgo import read_ddg
from cmp.policy.load import default_policy
from cmp.sites import registrable_domain

LISTS = SHARED / "lists"
# What the labels of the crawl mean (CookieBlock): necessary, functional, analytics, advertising.
_LABELS = {0: "necessary", 1: "functional", 2: "analytics", 3: "advertising"}
# Categories of the policy that a label has no word for: what is social is labelled as advertising.
_SAME = {"social": "advertising"}


def run() -> Iterator[str]:
    if not LISTS.is_dir():
        yield SKIPPED
        return
    policy, known = default_policy(), _Known()
    yield "third-party requests: known to EasyList or EasyPrivacy and in a category that needs consent (aim 85 %),"
    yield "and unknown to EasyList, EasyPrivacy, DuckDuckGo and Disconnect but in such a category (aim 1 %);"
    yield "in brackets without what the catalogue itself calls advertising or analytics: no list confirms that"
    for name, exchanges in (("captures", _captures()), ("real requests", _requests())):
        halves: dict[str, Counter[str]] = {"tuned": Counter(), "untuned": Counter()}
        for half, exchange in exchanges:
            _count(halves[half], policy, known, exchange)
        for half, count in halves.items():
            yield (
                f"  {name + ',':14} {half:8} {_share(count['found'], count['matched'])} of {count['matched']:5} known, "
                f"{_share(count['false'], count['unknown'])} ({_share(count['widgets'], count['unknown']).strip()}) "
                f"of {count['unknown']:5} unknown"
            )
    yield from _cookies(policy)


class _Known:
    """What the lists say of one request."""

    def __init__(self) -> None:
        self.abp = source_of_lists()
        self.trackers = frozenset(read_ddg((LISTS / "duckduckgo__extension-tds.json").read_bytes()).trackers)
        self.services = frozenset(read_disconnect((LISTS / "disconnectme__services.json").read_bytes()).places)

    def matches(self, exchange: Exchange) -> bool:
        found = self.abp.request(exchange.url, exchange.page, exchange.kind, third_party=True)
        return any(not one.exception for one in found)

    def has_host(self, host: str) -> bool:
        return any(suffix in self.trackers or suffix in self.services for suffix in host_suffixes(host))


def _count(count: Counter[str], policy: Policy, known: _Known, exchange: Exchange) -> None:
    if exchange.kind is Kind.DOCUMENT or exchange.page is None or exchange.same_site:
        return
    rule = policy.requests.find(exchange.url, exchange.page)
    needs = rule is not None and not policy.categories[rule.category].necessary
    if known.matches(exchange):
        count["matched"] += 1
        count["found"] += needs
    elif not known.has_host(exchange.url.host):
        count["unknown"] += 1
        count["false"] += needs
        count["widgets"] += needs and rule is not None and rule.category not in ("advertising", "analytics")


def _captures() -> Iterator[tuple[str, Exchange]]:
    for file in sorted((SHARED / "captures/har").iterdir()):
        try:
            capture = read_capture(file)
        except CaptureError:
            continue
        half = _half(file.read_bytes())
        yield from ((half, entry.asked) for entry in capture.entries)


def _requests() -> Iterator[tuple[str, Exchange]]:
    with gzip.open(SHARED / "reference-tests/adguard__requests.json.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            found = json.loads(line)
            if not found.get("frameUrl"):
                continue
            word = found.get("cpt", "")
            try:
                url, page = parse_url(found["url"]), parse_url(found["frameUrl"])
            except UrlError:
                continue
            exchange = observe_request("GET", url, [], time=0.0, word=word, top_level=word == "document", page=page)
            yield _half(exchange.page_site.encode()), exchange


def _half(data: bytes) -> str:
    return "tuned" if hashlib.sha256(data).digest()[0] % 2 == 0 else "untuned"


def _cookies(policy: Policy) -> Iterator[str]:
    document = json.loads((SHARED / "labelled-cookies/dibollinger__example_crawl_20210213_153228.json").read_bytes())
    halves: dict[str, Counter[str]] = {"tuned": Counter(), "untuned": Counter()}
    for cookie in document.values():
        try:
            host = parse_host(cookie["domain"].removeprefix("."))
            page = parse_url(cookie["first_party_domain"])
        except UrlError:
            continue
        site = registrable_domain(page.host)
        count = halves[_half((site or page.host).encode())]
        count["all"] += 1
        party = Party.FIRST if registrable_domain(host) == site else Party.THIRD
        rule = policy.cookies.find(cookie["name"], host, party, cookie["path"])
        if rule is not None:
            count["known"] += 1
            count["agree"] += _SAME.get(rule.category, rule.category) == _LABELS[cookie["label"]]
    yield "labelled cookies: known (aim 50 %), and of those under the category of their label (aim 85 %)"
    for half, count in {**halves, "all": halves["tuned"] + halves["untuned"]}.items():
        agree = _share(count["agree"], count["known"])
        yield f"  {half:8} {_share(count['known'], count['all'])} of {count['all']} known, {agree} of these agree"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:5.1f} %" if whole else "    - "
