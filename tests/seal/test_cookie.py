"""What a consent cookie says, and everything that is none."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.cookies import RequestCookie, read_cookie_header
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.seal.cookie import LIMIT, NOBODY, Remembered, read_cookie, write_cookie
from cmp.seal.holding import terms_of
from cmp.seal.keys import PublicKeys, SigningKeys, make_keys
from cmp.seal.site import ConsentSite, Scope
from tests.core.examples import compiled

DAY = 86_400
NOW = 1_791_376_496.0
POLICY = compiled()
OTHER = compiled(title={"en": "Only the wording differs"})
HOST = ConsentSite("https://www.shop.test")
GRANT = Visitor(
    granted=frozenset({"analytics"}),
    refused=frozenset({"advertising"}),
    decided_at=NOW,
    policy=POLICY.fingerprint,
    shown_with=Signals(gpc=True, dnt=False),
)
REFUSAL = Visitor(refused=frozenset({"analytics", "advertising"}), decided_at=NOW, policy=POLICY.fingerprint)
RECORD = "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SigningKeys:
    return make_keys(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="module")
def public(keys: SigningKeys) -> PublicKeys:
    return keys.public


def read(
    public: PublicKeys, *values: str, now: float = NOW, site: ConsentSite = HOST, policy: Policy = POLICY
) -> Remembered:
    cookies = [RequestCookie("other", "1"), *(RequestCookie(site.cookie_name, value) for value in values)]
    return read_cookie(public, site, cookies, now, policy)


def test_what_was_written_is_read(keys: SigningKeys, public: PublicKeys) -> None:
    assert read(public, write_cookie(keys, HOST, GRANT, RECORD)) == Remembered(
        replace(GRANT, decided_at=float(NOW // DAY * DAY)), RECORD
    )


def test_who_refused_the_same_on_the_same_day_gets_the_same_cookie(keys: SigningKeys, public: PublicKeys) -> None:
    midnight = NOW // DAY * DAY
    first, second = (write_cookie(keys, HOST, replace(REFUSAL, decided_at=midnight + at)) for at in (60, 7200))
    assert first == second
    assert read(public, second) == Remembered(replace(REFUSAL, decided_at=midnight))


def test_the_next_day_and_another_refusal_are_written_anew(keys: SigningKeys, public: PublicKeys) -> None:
    for changed in (replace(REFUSAL, decided_at=NOW - DAY), replace(REFUSAL, refused=frozenset({"analytics"}))):
        value = write_cookie(keys, HOST, changed)
        assert value != write_cookie(keys, HOST, REFUSAL)
        assert read(public, value).visitor.refused == changed.refused


def test_it_comes_through_a_cookie_header_unchanged(keys: SigningKeys, public: PublicKeys) -> None:
    header = HOST.set_cookie(write_cookie(keys, HOST, GRANT, RECORD), 9).partition(";")[0]
    assert read_cookie(public, HOST, read_cookie_header(f"a=1; {header}; b=2"), NOW, POLICY).record == RECORD


def test_no_cookie_is_nobody(public: PublicKeys) -> None:
    assert read(public) == NOBODY
    assert NOBODY.visitor == NO_CHOICE


def test_two_cookies_are_nobody_even_when_alike(keys: SigningKeys, public: PublicKeys) -> None:
    value = write_cookie(keys, HOST, GRANT)
    assert read(public, value, value) == NOBODY
    assert read(public, value, "planted") == NOBODY


def test_one_signed_with_somebody_elses_key_is_nobody(keys: SigningKeys, public: PublicKeys, tmp_path: Path) -> None:
    others = make_keys(tmp_path / "others.json")
    assert read(public, write_cookie(others, HOST, GRANT)) == NOBODY
    # The same with our key's id on it.
    disguised = SigningKeys(dict(zip(keys.keys, others.keys.values(), strict=True)), others.form_secret)
    assert read(public, write_cookie(disguised, HOST, GRANT)) == NOBODY


def test_any_changed_character_is_nobody(keys: SigningKeys, public: PublicKeys) -> None:
    value = write_cookie(keys, HOST, GRANT, RECORD)
    signature = value.rpartition(".")[2]
    for place in range(len(value) - len(signature)):
        changed = "A" if value[place] != "A" else "B"
        assert read(public, value[:place] + changed + value[place + 1 :]) == NOBODY, place


def test_choices_exchanged_under_the_old_signature_are_nobody(keys: SigningKeys, public: PublicKeys) -> None:
    version, payload, key, signature = write_cookie(keys, HOST, REFUSAL).split(".")
    document = json.loads(base64.urlsafe_b64decode(payload + "=="))
    document.update(g=document["r"], r=[])
    granted = base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
    assert read(public, f"{version}.{granted}.{key}.{signature}") == NOBODY


@pytest.mark.parametrize(
    "text",
    ["", ".", "...", "1...", "1.e30.k.AA", "2.e30.k.AA", "a" * 3_999, "é.é.é.é", "\udc80", "1.{}.k.\x00", "." * 3_000],
)
def test_what_is_no_cookie_of_ours_is_nobody(public: PublicKeys, text: str) -> None:
    assert read(public, text) == NOBODY


def test_an_overlong_one_is_nobody(keys: SigningKeys, public: PublicKeys) -> None:
    wide = replace(REFUSAL, refused=frozenset(f"category-{n}" for n in range(400)))
    assert read(public, write_cookie(keys, HOST, wide)) == NOBODY


def test_an_expired_one_is_nobody(keys: SigningKeys, public: PublicKeys) -> None:
    value = write_cookie(keys, HOST, GRANT)
    assert read(public, value, now=NOW + POLICY.ask_again).visitor.decided
    assert read(public, value, now=NOW + POLICY.ask_again + 2 * DAY) == NOBODY


def test_one_from_the_future_is_nobody(keys: SigningKeys, public: PublicKeys) -> None:
    value = write_cookie(keys, HOST, replace(GRANT, decided_at=NOW + 3 * DAY))
    assert read(public, value) == NOBODY


def test_a_clock_an_hour_behind_is_no_future(keys: SigningKeys, public: PublicKeys) -> None:
    midnight = NOW // DAY * DAY
    value = write_cookie(keys, HOST, replace(GRANT, decided_at=midnight + 60))
    assert read(public, value, now=midnight - 3600).visitor.decided


@pytest.mark.parametrize(
    "other",
    [
        ConsentSite("https://shop.test"),
        ConsentSite("https://www.shop.test:8443"),
        ConsentSite("https://www.shop.test.evil.test"),
        ConsentSite("https://www.shop.test", Scope.SITE, "shop.test"),
    ],
)
def test_one_made_out_to_somebody_else_is_nobody(keys: SigningKeys, public: PublicKeys, other: ConsentSite) -> None:
    assert read(public, write_cookie(keys, other, GRANT)) == NOBODY


def test_without_terms_a_grant_ends_with_its_policy_and_a_refusal_does_not(
    keys: SigningKeys, public: PublicKeys
) -> None:
    # Cookies of the first form: nobody can tell under which terms they were given.
    found = read(public, write_cookie(keys, HOST, GRANT, RECORD), policy=OTHER)
    assert found.visitor.granted == frozenset()
    assert found.visitor.refused == GRANT.refused
    assert found.lapsed == frozenset()
    assert found.record == RECORD


def test_with_its_terms_a_grant_outlives_its_policy(keys: SigningKeys, public: PublicKeys) -> None:
    value = write_cookie(keys, HOST, GRANT, RECORD, terms_of(POLICY, GRANT.granted))
    assert read(public, value, policy=OTHER).visitor.granted == GRANT.granted


def test_a_grant_whose_terms_changed_is_named(keys: SigningKeys, public: PublicKeys) -> None:
    value = write_cookie(keys, HOST, GRANT, RECORD, terms_of(POLICY, GRANT.granted))
    categories = {id_: {"basis": "consent", "title": {"en": id_}} for id_ in ("analytics", "advertising", "comfort")}
    necessary = {"necessary": {"basis": "necessary", "title": {"en": "Necessary"}}}
    changed = compiled(
        categories={**necessary, **categories},
        vendors=[{"id": "other", "name": "Other", "category": "analytics", "hosts": ["other.test"]}],
        signals=None,
        cookies=None,
    )
    found = read(public, value, policy=changed)
    assert (found.visitor.granted, found.lapsed) == (frozenset(), frozenset({"analytics"}))
    assert found.visitor.refused == GRANT.refused
    assert found.written is not None
    assert found.written.visitor.granted == GRANT.granted


def test_the_place_is_where_the_visitor_is_now(keys: SigningKeys, public: PublicKeys) -> None:
    cookies = [RequestCookie(HOST.cookie_name, write_cookie(keys, HOST, GRANT))]
    assert read_cookie(public, HOST, cookies, NOW, POLICY, place="DE").visitor.place == "DE"
    assert read_cookie(public, HOST, [], NOW, POLICY, place="DE") == Remembered(replace(NO_CHOICE, place="DE"))


def test_who_only_wants_to_be_told_has_chosen_nothing(keys: SigningKeys, public: PublicKeys) -> None:
    value = write_cookie(keys, HOST, Visitor(decided_at=NOW, tell_me=True))
    for policy in (POLICY, OTHER):
        assert read(public, value, policy=policy).visitor == Visitor(tell_me=True)
    assert read(public, value, now=NOW + POLICY.ask_again + 2 * DAY) == NOBODY


def test_being_told_goes_with_a_choice(keys: SigningKeys, public: PublicKeys) -> None:
    value = write_cookie(keys, HOST, replace(GRANT, tell_me=True), RECORD)
    found = read(public, value)
    assert found.visitor.tell_me
    assert found.visitor.granted == GRANT.granted


def test_forty_categories_fit(keys: SigningKeys, public: PublicKeys) -> None:
    granted = frozenset(f"a-category-with-quite-a-long-name-{n:03}" for n in range(40))
    many = replace(GRANT, granted=granted, refused=frozenset(), tell_me=True)
    value = write_cookie(keys, HOST, many, RECORD, dict.fromkeys(granted, "0123abcd"))
    assert len(HOST.cookie_name) + 1 + len(value) < 4_000
    assert len(value) <= LIMIT
    assert read(public, value).written is not None
    assert read(public, value).visitor.granted == granted


def test_after_rotation_old_cookies_hold_and_new_ones_are_signed_with_the_new_key(
    keys: SigningKeys, tmp_path: Path
) -> None:
    new = make_keys(tmp_path / "new.json")
    both = SigningKeys({**new.keys, **keys.keys}, new.form_secret)
    public = both.public
    assert read(public, write_cookie(keys, HOST, GRANT)).visitor.decided
    fresh = write_cookie(both, HOST, GRANT)
    assert fresh.split(".")[2] == next(iter(new.keys))
    assert read(public, fresh).visitor.decided


def test_a_retired_key_counts_no_more(keys: SigningKeys, tmp_path: Path) -> None:
    new = make_keys(tmp_path / "new.json").public
    assert read(new, write_cookie(keys, HOST, GRANT)) == NOBODY


def test_a_refusal_never_carries_an_id(keys: SigningKeys, public: PublicKeys) -> None:
    value = write_cookie(keys, HOST, REFUSAL, RECORD)
    assert value == write_cookie(keys, HOST, replace(REFUSAL, decided_at=NOW + 60))
    assert read(public, value).record == ""


def test_equal_choices_of_one_day_are_equal_bytes(keys: SigningKeys) -> None:
    assert write_cookie(keys, HOST, replace(GRANT, decided_at=NOW // DAY * DAY)) == write_cookie(keys, HOST, GRANT)
