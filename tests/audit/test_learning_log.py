"""A decision log to learn from: it names vendors, strangers and cookies, and tells neither pages nor addresses."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cmp.audit.learning import Learned, draft_of, learn
from cmp.audit.logged import read_logged
from cmp.cli import main
from cmp.decision_log.rows import Taken
from cmp.policy.load import find_faults
from tests.audit.hars import captured, document, request
from tests.decision_log.examples import BLOCKED, edited, unknown, write

SITE = "shop.example"


def vendor(id_: str, host: str, *, rule: str = "") -> Taken:
    """A request to a vendor that the policy of that time knew."""
    decision = {**BLOCKED.decision, "vendor": id_, "rule": rule or f"vendor:{id_}#{host}"}
    return replace(BLOCKED, decision=decision, host=host)


def learned(tmp_path: Path, *taken: Taken) -> Learned:
    write(tmp_path / "log", *taken)
    return learn([], [SITE], [read_logged(tmp_path / "log")[0]])


def strangers(found: Learned) -> dict[str, dict[str, Any]]:
    return {one.site: dict(one.evidence) for one in found.left_open.vendors}


def test_a_vendor_of_the_catalogue_is_placed_whatever_the_policy_called_it(tmp_path: Path) -> None:
    (one,) = learned(tmp_path, *[vendor("our-counter", "www.google-analytics.com")] * 3).placed
    assert (one.vendor, one.requests, one.hosts) == ("google-analytics", 3, ("google-analytics.com",))


def test_one_that_goes_by_a_path_on_the_site_is_placed_by_its_id(tmp_path: Path) -> None:
    (one,) = learned(tmp_path, vendor("matomo", "www.shop.example", rule="vendor:matomo#/matomo.php")).placed
    assert (one.vendor, one.requests, one.hosts) == ("matomo", 1, ())


def test_a_vendor_of_the_operators_own_that_the_catalogue_lacks_is_to_be_decided_on(tmp_path: Path) -> None:
    assert strangers(learned(tmp_path, *[vendor("our-counter", "px.cnt.test")] * 2)) == {"cnt.test": {"requests": 2}}


def test_an_unknown_site_comes_with_its_kinds_and_no_pages(tmp_path: Path) -> None:
    taken = [*[unknown("a.cnt.test", "script")] * 4, *[unknown("b.cnt.test", "image")] * 3]
    assert strangers(learned(tmp_path, *taken)) == {"cnt.test": {"requests": 7, "kinds": ["image", "script"]}}


def test_an_unknown_site_that_the_catalogue_knows_by_now_is_placed(tmp_path: Path) -> None:
    (one,) = learned(tmp_path, *[unknown("www.google-analytics.com")] * 6).placed
    assert (one.vendor, one.requests) == ("google-analytics", 6)


def test_hosts_too_rare_to_be_named_are_counted_together(tmp_path: Path) -> None:
    write(tmp_path / "log", unknown("a.test"), unknown("b.test"), unknown("b.test"))
    assert read_logged(tmp_path / "log")[0].rare == 3
    assert strangers(learn([], [SITE], [read_logged(tmp_path / "log")[0]])) == {}


def test_the_sites_own_cookies_are_placed_or_to_be_decided_on(tmp_path: Path) -> None:
    found = learned(tmp_path, *[edited("_ga", "basket_view")] * 6, edited("seldom"))
    assert [one.vendor for one in found.placed] == ["google-analytics"]
    assert [(one.name, dict(one.evidence)) for one in found.left_open.cookies] == [("basket_view", {"requests": 6})]


def test_log_and_recordings_add_up(tmp_path: Path) -> None:
    write(tmp_path / "log", *[unknown("a.cnt.test", "image")] * 5)
    capture = captured(document(), request("https://b.cnt.test/a.js"))
    found = learn([capture], [SITE], [read_logged(tmp_path / "log")[0]])
    (evidence,) = strangers(found).values()
    assert (evidence["requests"], evidence["pages"], evidence["kinds"]) == (6, 1, ["image", "script"])


def test_the_draft_passes_check(tmp_path: Path) -> None:
    taken = [*[unknown("a.cnt.test")] * 5, *[edited("basket_view")] * 5, vendor("x", "www.google-analytics.com")]
    assert find_faults(draft_of(learned(tmp_path, *taken), "eu", ("en",))) == []


@pytest.mark.parametrize(
    "change, status, said",
    [
        pytest.param(lambda argv: argv, 0, "", id="whole"),
        pytest.param(lambda argv: argv[:-2], 2, "add --site HOST", id="no-site-named"),
    ],
)
def test_the_command_reads_a_log(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[list[str]], list[str]],
    status: int,
    said: str,
) -> None:
    write(tmp_path / "log", *[unknown("a.cnt.test")] * 5, unknown("rare.test"))
    argv = ["learn", "--observe-log", str(tmp_path / "log"), "-o", str(tmp_path / "draft.json"), "--site", SITE]
    assert main(change(argv)) == status
    told = capsys.readouterr()
    if status:
        assert said in told.err
    else:
        assert "too few each for the log to name them" in told.err
        assert "  a.cnt.test" not in told.out
        assert "cnt.test: 5 requests; script" in told.out
        assert json.loads((tmp_path / "draft.json").read_text())["vendors"][0]["id"] == "cnt-test"
