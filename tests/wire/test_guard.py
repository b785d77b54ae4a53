"""The guard's script as text: safe to stand in a page, the same for the same visitor, its table small.

That the table says what the core decides is shown in a real browser (`tests/browser/test_guard.py`).
"""

import gzip
import json
import re

import pytest

from cmp import resources
from cmp.core.consent import NO_CHOICE, supposed_visitor
from cmp.core.signals import NO_SIGNALS, Signals
from cmp.core.urls import parse_url
from cmp.policy.load import load_policy
from cmp.wire.guard import _PLACE, _source, guard_script, guard_table
from cmp.wire.shorten import shorter_script, shorter_style
from demo.__main__ import POLICY
from tests.core.examples import compiled, shop


def test_the_script_is_small_and_has_one_place_for_its_table() -> None:
    # As it is sent (`cmp/server/assets.py`).
    assert len(gzip.compress(_source().encode())) < 7_100
    assert re.findall(rf"\W{_PLACE[1]}\W", _source()) == [f"({_PLACE[1]})"]


# Those of the site's own policy stay below ten thousand; the whole catalogue is some 4,000 names to be known by.
@pytest.mark.parametrize("policy, most", [("demo", 10_000), ("strict", 15_300), ("default", 24_700)])
def test_guard_and_banner_are_small_together(policy: str, most: int) -> None:
    loaded = load_policy(POLICY if policy == "demo" else resources.policies() / f"{policy}.json")
    script = guard_script(loaded, supposed_visitor(loaded, "refuse"), NO_SIGNALS, parse_url("https://www.shop.test/"))
    style = shorter_style((resources.static() / "banner.css").read_text("utf-8"))
    banner = shorter_script((resources.static() / "banner.js").read_text("utf-8"))
    assert sum(len(gzip.compress(text.encode())) for text in (script, banner, style)) < most


@pytest.mark.parametrize("name", ["default", "strict", "customerly", "stellaservice"])
@pytest.mark.parametrize("choice", ["none", "accept"])
def test_it_can_stand_in_a_script_element(name: str, choice: str) -> None:
    policy = load_policy(resources.policies() / f"{name}.json")
    script = guard_script(policy, supposed_visitor(policy, choice), NO_SIGNALS)
    assert script.isascii()
    assert "</script" not in script.lower()
    assert "<!--" not in script
    assert script == guard_script(policy, supposed_visitor(policy, choice), NO_SIGNALS)


def test_no_name_of_a_policy_gets_out_of_the_table() -> None:
    odd = "</script><script>alert(1)//\u2028"
    policy = compiled(cookies=[*shop()["cookies"], {"name": odd + "*", "category": "necessary"}])
    script = guard_script(policy, NO_CHOICE, NO_SIGNALS)
    assert "</script" not in script
    assert "\u2028" not in script
    assert (
        json.loads(script[script.rindex("})(") + 3 : script.rindex(");")])["t"][0]["c"]["g"][1].split(" ")[0]
        == odd + "*"
    )


@pytest.mark.parametrize(
    "changes, choice, key, expected",
    [
        pytest.param({}, "none", "a", "pay.test", id="the unknown denied: what is permitted"),
        pytest.param({}, "none", "d", "", id="and nothing denied"),
        pytest.param(
            {"unknown": {"host": "report"}}, "none", "d", "ads.test chat.test help.shop.test profiler.test stats.test",
            id="the unknown let pass: what is denied",
        ),
        pytest.param(
            {"unknown": {"host": "report"}}, "none", "a", "pay.test", id="and what an endpoint could come between"
        ),
        pytest.param(
            {"sites": ["shop.test"]}, "none", "d", "help.shop.test", id="a vendor on the site's own domain, always"
        ),
        pytest.param({}, "none", "e", [["/collect", ["tid", "v"], 0]], id="endpoints"),
        pytest.param({}, "advertising", "r", {"social.test": [["/tr*", [], 1]]}, id="rules with a path"),
        pytest.param({}, "none", "o", None, id="no sites: the page's own host"),
        pytest.param({"sites": ["shop.test"]}, "none", "o", ["shop.test"], id="sites"),
    ],
)  # fmt: skip
def test_the_table_names_exceptions(changes: dict[str, object], choice: str, key: str, expected: object) -> None:
    policy = compiled(**{"vendors": [v for v in shop()["vendors"] if v["id"] != "panel"], **changes})
    table = guard_table(policy, supposed_visitor(policy, choice), NO_SIGNALS)
    assert {**table, **table["t"][0]}[key] == expected


def test_a_page_tells_the_site_where_the_policy_does_not() -> None:
    table = guard_table(compiled(), NO_CHOICE, NO_SIGNALS, parse_url("https://a.b.shop.co.uk/"))
    assert table["o"] == ["shop.co.uk"]


def test_a_signal_counts() -> None:
    policy = compiled(unknown={"host": "report", "cookie": "report"})
    visitor = supposed_visitor(policy, "accept")
    assert "ads.test" not in guard_table(policy, visitor, NO_SIGNALS)["t"][0]["d"]
    assert "ads.test" in guard_table(policy, visitor, Signals(gpc=True))["t"][0]["d"]


def test_many_names_are_packed_and_few_are_written_out() -> None:
    many = [{"id": f"v{n}", "name": f"V {n}", "category": "advertising", "hosts": [f"host{n}.test"]} for n in range(99)]
    report = {"unknown": {"host": "report", "cookie": "report"}}
    few, whole = (compiled(vendors=vendors, **report) for vendors in (many[:50], many))
    written = guard_table(few, NO_CHOICE, NO_SIGNALS)["t"][0]
    assert (len(written["d"].split()), written["h"]) == (50, [0, 0])
    packed = guard_table(whole, NO_CHOICE, NO_SIGNALS)["t"][0]
    assert (packed["d"], packed["h"][0][2], packed["h"][1]) == ("", 99, 0)


def test_on_the_sites_own_hosts_nothing_is_left_to_chance() -> None:
    own = [
        {"id": f"v{n}", "name": f"V {n}", "category": "advertising", "hosts": [f"h{n}.shop.test"]} for n in range(99)
    ]
    policy = compiled(vendors=own, sites=["shop.test"], unknown={"host": "report", "cookie": "report"})
    table = guard_table(policy, NO_CHOICE, NO_SIGNALS)["t"][0]
    assert (len(table["d"].split()), table["h"]) == (99, [0, 0])


@pytest.mark.parametrize("changed", [{}, {"cookie": "report"}], ids=["unknown denied", "unknown let pass"])
def test_patterns_that_change_nothing_are_left_out(changed: dict[str, str]) -> None:
    cookies = [
        {"name": name, "category": category}
        for name, category in (("ab*", "necessary"), ("abc*", "analytics"), ("x*", "analytics"), ("abcd", "analytics"))
    ]
    table = guard_table(compiled(cookies=cookies, unknown={"host": "deny", **changed}), NO_CHOICE, NO_SIGNALS)
    found = table["t"][0]["c"]
    denied, permitted = found["g"]
    assert [text for text in denied.split() if text[0] in "ax"] == (["abc*", "x*"] if changed else ["abc*"])
    assert permitted.split() == ([] if changed else ["ab*"])
    assert "abcd" not in found["d"] + found["a"]
