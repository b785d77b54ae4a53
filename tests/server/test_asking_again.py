"""When a visitor is asked again: after a time that depends on the place, and when what they agreed to has changed."""

from pathlib import Path
from typing import Any

import pytest

from cmp.core.policy import Policy
from cmp.ledger.record import Record
from cmp.ledger.store import Acknowledgement
from cmp.policy.compose import compose
from cmp.policy.in_force import Announced, InForce
from cmp.server.recording import notice_of
from tests.core.examples import compiled, shop
from tests.server.site import NOW, OPTIONAL, Running, running, shop_policy

DAY = 86_400
MONTH = 31 * DAY


def with_vendor(id_: str, category: str, **changes: Any) -> Policy:
    """The shop with one more company."""
    more = {"id": id_, "name": id_.title(), "category": category, "hosts": [f"{id_}.test"]}
    return shop_policy(version="2", vendors=[*shop()["vendors"], more], **changes)


# -------------------------------------------------------------------------------------------------- a new policy


def test_a_policy_swapped_while_the_server_runs_counts_at_once(server: Running) -> None:
    guard = server.get("guard.js").body
    new = shop_policy(title={"en": "New words", "de": "Neue Worte"}, vendors=shop()["vendors"][:2])
    server.policies.swap(InForce(new))
    assert server.get("state").json["policy"]["fingerprint"] == new.fingerprint
    assert "New words" in server.get().text
    assert server.get("embed/chat").status == 404
    assert server.get("guard.js").body != guard
    assert server.post_json("choice", {"vendors": {"granted": ["chat"]}}).code == "unknown-vendor"
    assert server.post_json("choice", {"choice": "accept"}).json["policy"]["fingerprint"] == new.fingerprint


def test_a_policy_no_choice_could_be_kept_under_is_not_taken(server: Running) -> None:
    long = {f"a{n}{'-long' * 12}": {"basis": "consent", "title": {"en": "x"}} for n in range(60)}
    necessary = {"necessary": {"basis": "necessary", "title": {"en": "Necessary"}}}
    wide = compiled(categories={**necessary, **long}, vendors=None, cookies=None, signals=None)
    with pytest.raises(ValueError, match="60 categories"):
        server.policies.swap(InForce(wide))
    assert server.policies.now is server.policy
    assert server.get("state").json["policy"]["fingerprint"] == server.policy.fingerprint


def test_with_other_words_nobody_is_asked_again(server: Running) -> None:
    chosen = server.post_json("choice", {"choice": "accept"})
    server.policies.swap(InForce(shop_policy(version="2", title={"en": "T", "de": "T"})))
    state = server.get("state", Cookie=chosen.consent).json
    assert (state["decided"], state["granted"]) == (True, sorted(OPTIONAL))


def test_with_other_terms_only_what_they_are_about_is_asked_again(server: Running) -> None:
    chosen = server.post_json("choice", {"granted": ["analytics", "comfort"]})
    server.policies.swap(InForce(with_vendor("heat", "analytics")))
    state = server.get("state", Cookie=chosen.consent).json
    assert (state["decided"], state["granted"]) == (False, ["comfort"])
    assert state["refused"] == ["advertising", "research"]
    page = server.get(Cookie=chosen.consent).text
    assert "What changed since your choice" in page
    assert "Analytics: Heat (country not known) now takes part." in page
    assert "we ask you again: Analytics." in page
    again = server.post_json("choice", {"choice": "accept"}, Cookie=chosen.consent)
    assert "What changed" not in server.get(Cookie=again.consent).text


def test_a_refusal_outlives_every_change(server: Running) -> None:
    chosen = server.post_json("choice", {"choice": "refuse"})
    server.policies.swap(InForce(with_vendor("heat", "analytics")))
    state = server.get("state", Cookie=chosen.consent).json
    assert (state["decided"], state["refused"]) == (True, sorted(OPTIONAL))


def test_what_the_operator_says_of_it_is_shown_with_the_day(server: Running) -> None:
    chosen = server.post_json("choice", {"choice": "accept"})
    said = {"version": "2", "date": "2026-12-24", "text": {"en": "More measuring", "de": "Mehr Messung"}}
    server.policies.swap(InForce(with_vendor("heat", "analytics", changes=[said])))
    server.now[0] += 120 * DAY
    text = server.get(Cookie=chosen.consent, Accept_Language="de").text
    assert "24. Dezember 2026: Mehr Messung" in text
    assert "More measuring" not in text


def test_a_policy_the_server_never_had_is_told_by_category(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    with running(tmp_path / "old") as old:
        chosen = old.post_json("choice", {"choice": "accept"})
    with running(tmp_path / "new", policy=with_vendor("heat", "analytics"), keys=old.keys) as server:
        page = server.get(Cookie=chosen.consent).text
    assert "we ask you again: Analytics." in page
    assert "now takes part" not in page


def test_what_is_announced_can_be_read_before_it_holds(server: Running) -> None:
    coming = with_vendor("heat", "analytics", effective="2026-12-01")
    assert coming.effective is not None
    server.policies.swap(InForce(server.policy, (Announced(coming, coming.effective),)))
    page = server.get().text
    assert "What changes on 1 December 2026" in page
    assert "Heat (country not known) now takes part." in page
    assert server.get("state").json["policy"]["fingerprint"] == server.policy.fingerprint


def test_the_texts_shown_have_a_name_of_their_own_for_each_policy(server: Running) -> None:
    new = with_vendor("heat", "analytics")
    assert notice_of(server.policy, "/.consent/") != notice_of(new, "/.consent/")


# -------------------------------------------------------------------------------------------------- by place

REGIONS: dict[str, Any] = {
    "source": {"header": "x-place"},
    "defined": [
        {"id": "california", "places": ["US-CA"], "askAgain": "12 months", "defaults": {"analytics": "allow"}},
        {"id": "spain", "places": ["ES"], "askAgain": "3 months"},
    ],
}


def by_place(**changes: Any) -> Policy:
    return shop_policy(regions=REGIONS, consent={"askAgain": "6 months"}, **changes)


def nothing_by_default() -> Policy:
    categories = shop()["categories"]
    regions = {**REGIONS, "defined": [{**one, "defaults": {}} for one in REGIONS["defined"]]}
    named = {id_: {**one, "default": "deny"} if id_ == "research" else one for id_, one in categories.items()}
    return shop_policy(regions=regions, consent={"askAgain": "6 months"}, categories=named, languages=["en"])


@pytest.mark.parametrize(
    "place, choice, months",
    [
        ("US-CA", "accept", 12),
        ("US-CA", "refuse", 12),
        ("DE", "accept", 6),
        ("ES", "refuse", 3),
        ("", "accept", 3),
        ("", "refuse", 12),
    ],
)
def test_the_cookie_lives_as_long_as_the_choice_holds_there(
    tmp_path: Path, place: str, choice: str, months: int
) -> None:
    with running(tmp_path, policy=nothing_by_default()) as server:
        place_field = {"X_Place": place} if place else {}
        chosen = server.post_json("choice", {"choice": choice}, **place_field)
        assert f"; Max-Age={months * MONTH};" in chosen.set_cookies[0]
        server.now[0] += months * MONTH - DAY
        assert server.get("state", Cookie=chosen.consent, **place_field).json["decided"] is True
        server.now[0] += 3 * DAY
        assert server.get("state", Cookie=chosen.consent, **place_field).json["decided"] is False


def test_an_opt_out_goes_on_after_the_time_to_ask_again(tmp_path: Path) -> None:
    with running(tmp_path, policy=by_place()) as server:
        chosen = server.post_json("choice", {"choice": "refuse"}, X_Place="US-CA")
        assert f"; Max-Age={400 * DAY};" in chosen.set_cookies[0]
        for days in (10, 380, 900):
            server.now[0] = NOW + days * DAY
            state = server.get("state", X_Place="US-CA", Cookie=chosen.consent).json
            by_id = {category["id"]: category["allowed"] for category in state["categories"]}
            assert (by_id["research"], by_id["analytics"]) == (False, False)
        assert state["decided"] is False


@pytest.mark.parametrize("name", ["", "guard.js"])
def test_who_keeps_coming_keeps_their_opt_out(server: Running, name: str) -> None:
    chosen = server.post_json("choice", {"choice": "refuse"})
    server.now[0] += 390 * DAY
    again = server.get(name, Cookie=chosen.consent)
    assert again.consent == chosen.consent
    assert f"; Max-Age={400 * DAY};" in again.set_cookies[0]
    assert server.get(name).set_cookies == []


def test_a_cookie_with_a_grant_is_not_set_again(server: Running) -> None:
    # The answer could overtake that to a withdrawal.
    chosen = server.post_json("choice", {"granted": ["analytics"]})
    assert [server.get(name, Cookie=chosen.consent).set_cookies for name in ("", "guard.js")] == [[], []]


def test_a_place_decides_what_holds_before_any_choice(tmp_path: Path) -> None:
    def reason(server: Running, **fields: str) -> str:
        found = server.get("state", **fields).json["categories"]
        return str(next(category["reason"] for category in found if category["id"] == "analytics"))

    with running(tmp_path, policy=by_place()) as server:
        assert reason(server, X_Place="US-CA") == "region-allowed"
        assert reason(server, X_Place="DE") == "default-denied"
        assert reason(server) == "region-denied"


def test_a_place_is_believed_from_the_proxy_alone(tmp_path: Path) -> None:
    with running(tmp_path, policy=by_place(), trusted_proxies=["192.0.2.1"]) as server:
        found = server.get("state", X_Place="US-CA").json["categories"]
        assert {category["reason"] for category in found if category["id"] == "analytics"} == {"region-denied"}


def test_the_page_says_how_long(tmp_path: Path) -> None:
    with running(tmp_path, policy=by_place()) as server:
        assert "Your choice holds for 12 months" in server.get(X_Place="US-CA").text
        assert "What you accept holds for 3 months, what you refuse for 12 months" in server.get().text


# -------------------------------------------------------------------------------------------------- composed


def test_a_choice_under_composed_policies_is_about_the_union(tmp_path: Path) -> None:
    theirs = compiled(
        id="client",
        categories={
            "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
            "panel": {"basis": "consent", "title": {"en": "Panel"}},
        },
        vendors=None,
        cookies=None,
        signals=None,
    )
    with running(tmp_path, policy=compose([shop_policy(), theirs])) as server:
        accepted = server.post_json("choice", {"choice": "accept"})
        assert accepted.json["granted"] == sorted([*OPTIONAL, "panel"])
        assert server.post_json("choice", {"granted": ["panel"]}).json["refused"] == sorted(OPTIONAL)
        assert server.get("state", Cookie=accepted.consent).json["decided"] is True


def test_one_request_sees_one_policy(tmp_path: Path) -> None:
    # The page is counted after the visitor was read and before it is written: a reload in between.
    old, new = shop_policy(), shop_policy(title={"en": "New words", "de": "Neue Worte"}, vendors=None)

    class Reloading:
        def count(self, _event: str, _at: float) -> None:
            server.policies.swap(InForce(new))

        async def append(self, record: Record) -> Acknowledgement:
            raise AssertionError(record)

    with running(tmp_path, policy=old, ledger=Reloading()) as server:
        first, second = server.get().text, server.get().text
    assert "Privacy at the shop" in first
    assert "Stats" in first
    assert "New words" in second
    assert "Stats" not in second
