"""Policies joined: each is asked, the stricter answer counts, and files lead to files."""

import json
from pathlib import Path
from typing import Any

import pytest

from cmp.core.consent import NO_CHOICE, supposed_visitor
from cmp.core.decide import decide
from cmp.core.decision import Action, EditKind, Reason
from cmp.core.exchange import Kind
from cmp.core.policy import Policy
from cmp.policy.compose import compose
from cmp.policy.faults import DocumentError, PolicyError
from cmp.policy.load import load_policy, load_with_files
from tests.core.examples import compiled, exchange, shop

PAGE = "https://www.shop.test/"


def category(basis: str = "consent", **more: Any) -> dict[str, Any]:
    return {"basis": basis, "title": {"en": "T"}, **more}


def client(**changes: Any) -> Policy:
    """Another policy, of somebody the shop works for."""
    document: dict[str, Any] = {
        "id": "client",
        "categories": {"necessary": category("necessary"), "analytics": category(), "extra": category()},
        "vendors": [],
        "cookies": [],
        "signals": None,
        **changes,
    }
    return compiled(**document)


def vendor(host: str, in_: str) -> dict[str, Any]:
    return {"id": host.partition(".")[0], "name": "V", "category": in_, "hosts": [host]}


@pytest.mark.parametrize(
    "vendors, choice, reason",
    [
        pytest.param([], "none", Reason.NECESSARY, id="the other does not know it"),
        pytest.param([vendor("pay.test", "necessary")], "none", Reason.NECESSARY, id="both say necessary"),
        pytest.param([vendor("pay.test", "analytics")], "none", Reason.DEFAULT_DENIED, id="one needs consent"),
        pytest.param([vendor("pay.test", "analytics")], "accept", Reason.GRANTED, id="and has it"),
        pytest.param([vendor("pay.test", "extra")], "analytics", Reason.REFUSED, id="a category of the other alone"),
    ],
)
def test_necessary_only_if_both_agree(vendors: list[dict[str, Any]], choice: str, reason: Reason) -> None:
    joint = compose([compiled(), client(vendors=vendors)])
    decision = decide(joint, supposed_visitor(joint, choice), exchange("https://pay.test/"))
    assert decision.ruling.reason is reason


def test_never_of_one_is_never_of_both() -> None:
    never = {"necessary": category("necessary"), "shared": category(never=True)}
    joint = compose([compiled(), client(categories=never, vendors=[vendor("stats.test", "shared")])])
    decision = decide(joint, supposed_visitor(joint, "accept"), exchange("https://stats.test/"))
    assert decision.ruling.reason is Reason.NEVER


@pytest.mark.parametrize(
    "ours, theirs, reason",
    [
        pytest.param("allow", "deny", Reason.UNKNOWN_DENIED, id="the stricter"),
        pytest.param("deny", "report", Reason.UNKNOWN_DENIED, id="whichever it is"),
        pytest.param("allow", "report", Reason.UNKNOWN_REPORTED, id="reported at least"),
        pytest.param("allow", "allow", Reason.UNKNOWN_ALLOWED, id="both allow it"),
    ],
)
def test_the_unknown_counts_where_neither_knows_it(ours: str, theirs: str, reason: Reason) -> None:
    joint = compose([compiled(unknown={"host": ours}), client(unknown={"host": theirs})])
    assert decide(joint, NO_CHOICE, exchange("https://nobody.test/")).ruling.reason is reason


def test_the_shorter_lifetime_counts() -> None:
    short = [{"name": "cart", "category": "necessary", "lifetime": "1 hour"}]
    joint = compose([compiled(), client(cookies=short)])
    asked = exchange(PAGE, set_cookies=["cart=1; Max-Age=9999999", "sid=1; Max-Age=60"])
    edits = [(e.kind, e.name, e.max_age) for e in decide(joint, NO_CHOICE, asked).edits]
    assert edits == [(EditKind.CAP_SET_COOKIE, "cart", 3600), (EditKind.SESSION_SET_COOKIE, "sid", None)]


def test_a_cookie_only_one_of_them_knows_is_known() -> None:
    joint = compose([compiled(), client()])
    assert decide(joint, NO_CHOICE, exchange(PAGE, cookie="sid=1; nobody=2")).action is Action.EDIT
    assert [e.name for e in decide(joint, NO_CHOICE, exchange(PAGE, cookie="sid=1; nobody=2")).edits] == ["nobody"]


def test_each_is_about_the_sites_of_all() -> None:
    joint = compose([compiled(sites=["shop.test"]), client(sites=["hotel.test"])])
    for url in ("https://www.shop.test/x", "https://hotel.test/x"):
        assert decide(joint, NO_CHOICE, exchange(url)).ruling.reason is Reason.FIRST_PARTY


def test_both_parties_categories_can_be_chosen() -> None:
    joint = compose([compiled(), client()])
    assert {"analytics", "advertising", "extra"} <= set(joint.optional_categories)


def test_a_category_is_shown_as_necessary_only_if_both_agree() -> None:
    theirs = {"necessary": category("necessary"), "payment": category()}
    joint = compose([compiled(), client(categories=theirs)])
    assert not joint.categories["payment"].necessary
    assert "payment" in joint.optional_categories


def test_the_fingerprint_covers_both() -> None:
    prints = {compose([compiled(), client(**more)]).fingerprint for more in ({}, {"unknown": {"host": "report"}})}
    assert len(prints | {compiled().fingerprint}) == 3


def test_when_deciding_fails_only_what_both_keep_passes() -> None:
    own = compiled(sites=["shop.test"])
    joint = compose([own, client(cookies=[{"name": "sid", "category": "necessary"}])])
    assert own.fallback.keeps_cookie("cart")
    assert not joint.fallback.keeps_cookie("cart")
    assert joint.fallback.keeps_cookie("sid")
    assert joint.fallback.hosts == {"shop.test"}


def test_navigation_stays_free() -> None:
    joint = compose([compiled(), client()])
    assert decide(joint, NO_CHOICE, exchange("https://pay.test/", kind=Kind.DOCUMENT)).ruling.allowed


def test_what_one_leaves_alone_the_other_still_looks_at() -> None:
    own = compiled(sites=["shop.test"], exclude=[{"paths": ["/old/*"]}])
    theirs = client(sites=["shop.test"], cookies=[{"name": "trk", "category": "analytics"}])
    asked = exchange("https://shop.test/old/x", "https://shop.test/", cookie="trk=1")
    for parts in ([own, theirs], [theirs, own]):
        assert [e.name for e in decide(compose(parts), NO_CHOICE, asked).edits] == ["trk"]


@pytest.mark.parametrize(
    "promise, reason",
    [
        pytest.param({"transfers": {"within": ["EEA"]}}, Reason.OUTSIDE_REGION, id="where data may go"),
        pytest.param({"authorisation": "listed"}, Reason.UNAUTHORISED, id="who is authorised"),
    ],
)
def test_own_promises_hold_for_a_vendor_that_only_the_client_names(promise: dict[str, Any], reason: Reason) -> None:
    theirs = client(vendors=[{**vendor("far.test", "analytics"), "country": "US"}])
    joint = compose([compiled(**promise), theirs])
    found = decide(joint, supposed_visitor(joint, "accept"), exchange("https://far.test/")).ruling
    assert (found.allowed, found.reason) == (False, reason)


def test_policies_that_agree_on_nothing_necessary_can_still_be_asked() -> None:
    mine = {"a": category("necessary"), "b": category()}
    theirs = {"a": category(), "b": category("necessary")}
    events = {"opened": {"path": "/open"}}
    parts = [
        compiled(sites=["shop.test"], categories=categories, vendors=[], cookies=[], signals=None, events=events)
        for categories in (mine, theirs)
    ]
    asked = exchange("https://shop.test/open", "https://shop.test/", set_cookies=["x=1"])
    assert decide(compose(parts), NO_CHOICE, asked).events == ("opened",)


# -- files


def write(folder: Path, name: str, **changes: Any) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(shop(**changes)), "utf-8")
    return path


PARTY = {"id": "client", "role": "client", "name": "Client", "policy": "clients/client.json"}


def test_a_party_with_a_policy_of_its_own_is_composed_with(tmp_path: Path) -> None:
    main = write(tmp_path, "shop.json", parties=[PARTY])
    other = write(tmp_path, "clients/client.json", id="client")
    policy, files = load_with_files(main)
    assert [part.id for part in policy.parts] == ["shop", "client"]
    assert files == (main, other)


def test_a_fault_in_it_names_its_file(tmp_path: Path) -> None:
    main = write(tmp_path, "shop.json", parties=[PARTY])
    write(tmp_path, "clients/client.json", id="Client!")
    with pytest.raises(PolicyError, match=r"client\.json: /id"):
        load_policy(main)


def test_one_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"client\.json: cannot be read"):
        load_policy(write(tmp_path, "shop.json", parties=[PARTY]))


def test_one_that_leads_back_is_said(tmp_path: Path) -> None:
    main = write(tmp_path, "shop.json", parties=[PARTY])
    write(tmp_path, "clients/client.json", id="client", parties=[{**PARTY, "policy": "../shop.json"}])
    with pytest.raises(PolicyError, match=r"client\.json: /parties/0/policy: .* leads back"):
        load_policy(main)


def test_a_successor_is_loaded_and_does_not_change_the_policy(tmp_path: Path) -> None:
    main = write(tmp_path, "shop.json", successor="next.json")
    write(tmp_path, "next.json", version="2", effective="2030-01-01")
    policy = load_policy(main)
    assert policy.successor is not None
    assert (policy.successor.version, policy.successor.effective) == ("2", 1893456000.0)
    assert policy.fingerprint == compiled().fingerprint


def test_a_successor_says_from_when_it_holds(tmp_path: Path) -> None:
    main = write(tmp_path, "shop.json", successor="next.json")
    write(tmp_path, "next.json", version="2")
    with pytest.raises(PolicyError, match=r"/successor: .* does not say from when"):
        load_policy(main)
