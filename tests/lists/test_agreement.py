"""With EasyList and EasyPrivacy added, labelled requests are decided at least as well as by `adblock` alone.

A label is what the rules say that a request was recorded with: it is to be stopped if one of them stops it and none
excepts it. The rules are some years older than the lists, so nobody agrees with all of them.
"""

import json
from dataclasses import replace
from functools import cache

import adblock

from cmp.capture.observe import observe_request
from cmp.core.consent import supposed_visitor
from cmp.core.decide import decide
from cmp.core.exchange import Exchange
from cmp.core.policy import Policy
from cmp.core.urls import Url, UrlError, parse_url
from cmp.lists.abp import AbpSource, read_abp
from cmp.lists.content import Filing
from cmp.policy.load import default_policy
from tests.lists.world import policy_with
from tests.shared import needs_shared, shared

pytestmark = needs_shared

CATEGORIES = {"easylist": "advertising", "easyprivacy": "analytics"}


def text(name: str) -> bytes:
    return shared(f"lists/uBlockOrigin__{name}.txt").read_bytes()


@cache
def requests() -> list[tuple[dict[str, str], Exchange, bool]]:
    """Each request as it was recorded, as an exchange, and whether it is to be stopped; without those to no host."""
    found = []
    for one in json.loads(shared("reference-tests/brave__matching-test-requests.json").read_bytes()):
        url = parsed(one["url"])
        if url is not None:
            stops = [not rule.startswith("@@") for rule in one["filters"]]
            page = parsed(one["sourceUrl"])
            exchange = observe_request("GET", url, [], time=0.0, word=one["type"], top_level=False, page=page)
            found.append((one, exchange, bool(stops) and all(stops)))
    return found


def parsed(text: str) -> Url | None:
    try:
        return parse_url(text)
    except UrlError:
        return None


@cache
def source() -> AbpSource:
    filed = CATEGORIES.items()
    return AbpSource([(read_abp(text(name), again=True), Filing(name, "0" * 64, category)) for name, category in filed])


def agreeing(policy: Policy) -> int:
    visitor = supposed_visitor(policy, "refuse")
    return sum(decide(policy, visitor, exchange).blocked == label for _, exchange, label in requests())


@cache
def agreement_of_adblock() -> int:
    filters = adblock.FilterSet()
    for name in CATEGORIES:
        filters.add_filter_list(text(name).decode())
    engine = adblock.Engine(filters)
    return sum(
        engine.check_network_urls(one["url"], one["sourceUrl"], one["type"]).matched == label
        for one, _, label in requests()
    )


def test_figures_of_the_peer() -> None:
    assert (len(requests()), agreement_of_adblock()) == (8222, 5778)


def test_the_lists_alone_agree_as_often_as_adblock() -> None:
    assert agreeing(policy_with(source())) >= agreement_of_adblock()


def test_with_the_catalogue_before_them_more_agree() -> None:
    assert agreeing(replace(default_policy(), lists=(source(),))) >= agreement_of_adblock()
