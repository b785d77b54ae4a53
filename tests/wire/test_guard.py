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
from tests.core.examples import compiled, shop


def test_the_script_is_small_and_has_one_place_for_its_table() -> None:
    # As it is sent (`cmp/server/assets.py`).
    assert len(gzip.compress(_source().encode())) < 6_000
    assert _source().count(_PLACE) == 1
    assert "//" not in _source().replace('"//"', "").replace("://", "")


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
    assert json.loads(script[script.rindex("})(") + 3 : script.rindex(");")])["t"][0]["c"]["p"][0][0] == odd + "*"


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


def test_taking_spaces_out_changes_no_text_of_the_script() -> None:
    text = (resources.static() / "guard.js").read_text("utf-8")
    code = "\n".join(line for line in text.split("\n") if not line.strip().startswith("//"))
    literals = re.findall(r'"(?:[^"\\\n]|\\.)*"|(?<=[(,=:!&] )/(?:[^/\\\n]|\\.)+/|(?<=\()/(?:[^/\\\n]|\\.)+/', code)
    assert len(literals) > 50
    assert [literal for literal in literals if literal not in _source()] == []
