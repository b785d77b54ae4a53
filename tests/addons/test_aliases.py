"""A vendor behind a name of the site's own: stopped like the vendor, live and in replay."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cmp.capture.reading import read_capture
from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from cmp.live import aliases as lookup
from tests.addons.test_enforce import TRACKER, shop_policy
from tests.core.examples import compiled, exchange
from tests.live import Upstream, regular, running_proxy, running_upstream, send
from tests.name_server import NameServer, running_name_server

SITE, CLOAKED, OWN = "www.shop.test", "metrics.shop.test", "img.shop.test"
FROM_PAGE = (("Referer", f"http://{SITE}/"), ("Sec-Fetch-Dest", "image"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream() as found:
        yield found


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    aliases = {
        CLOAKED: "shop.data.tracker.test",
        OWN: "lb.shop.test",
        SITE: "x.tracker.test",
        "cdn.shop.test": "lib.test",
    }
    with running_name_server(aliases) as running:
        yield running


def test_on_the_wire_and_in_replay(
    upstream: Upstream, names: NameServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The name server is a thread of a machine that may be busy.
    monkeypatch.setattr(lookup, "PATIENCE", 60.0)
    policy, record = shop_policy(), tmp_path / "visit.flow"
    settings = replace(regular(upstream, record), name_server=("127.0.0.1", names.port))
    with running_proxy(policy, settings) as proxy:
        for host in (CLOAKED, OWN, "cdn.shop.test", SITE, TRACKER):
            send(proxy.port, f"http://{host}/p.gif", *FROM_PAGE)
    assert [request.host for request in upstream.arrived] == [OWN, "cdn.shop.test", SITE]
    # Neither the page's own host nor another site's was asked about.
    assert names.asked == [CLOAKED, OWN, "cdn.shop.test"]
    entries = read_capture(record).entries
    assert [entry.asked.aliases for entry in entries] == [("shop.data.tracker.test",), (), ("lib.test",), (), ()]
    for entry in entries:
        assert entry.recorded is not None
        assert entry.visitor is not None
        assert decision_form(decide(policy, entry.visitor, entry.asked)) == entry.recorded.decision
    first = entries[0].recorded
    assert first is not None
    assert (first.decision["vendor"], first.decision["action"]) == ("tracker", "block")


def test_without_a_name_server_nothing_is_known_of_it(upstream: Upstream) -> None:
    upstream.arrived.clear()
    with running_proxy(shop_policy(), regular(upstream)) as proxy:
        send(proxy.port, f"http://{CLOAKED}/p.gif", *FROM_PAGE)
    assert [request.host for request in upstream.arrived] == [CLOAKED]


@pytest.mark.parametrize(
    "aliases, visitor, vendor, allowed",
    [
        pytest.param(("ads.test",), NO_CHOICE, "ads", False, id="a vendor"),
        pytest.param(("eu.ads.test",), NO_CHOICE, "ads", False, id="a host below a vendor's"),
        pytest.param(("hop.test", "ads.test"), NO_CHOICE, "ads", False, id="by way of another"),
        pytest.param(("ads.test",), Visitor(granted=frozenset({"advertising"})), "ads", True, id="a permitted one"),
        pytest.param(("pay.test",), NO_CHOICE, "pay", True, id="a necessary one"),
        pytest.param(("hosting.test",), NO_CHOICE, None, True, id="nobody the policy knows: the site's own"),
        pytest.param((), NO_CHOICE, None, True, id="none"),
    ],
)
@pytest.mark.parametrize("sites", [None, ["shop.test"]], ids=["each page's site", "the sites of the policy"])
def test_the_rule_of_the_name_it_leads_to_counts(
    aliases: tuple[str, ...], visitor: Visitor, vendor: str | None, allowed: bool, sites: list[str] | None
) -> None:
    seen = replace(exchange(f"https://{CLOAKED}/p"), aliases=aliases)
    # Twice, and in between as if nothing were known: no ruling is kept for another.
    policy = compiled(sites=sites)
    for _ in range(2):
        ruling = decide(policy, visitor, seen).ruling
        assert (ruling.vendor, ruling.allowed) == (vendor, allowed)
        assert decide(policy, visitor, replace(seen, aliases=())).ruling.allowed
