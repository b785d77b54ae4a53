"""From captures to what is known of a site and what has to be decided, with its evidence."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cmp.audit.learning import Coverage, Learned, coverage, draft_of, learn
from cmp.capture.capture import Capture, Recorded
from cmp.core.consent import NO_CHOICE, supposed_visitor
from cmp.core.decide import decide
from cmp.core.exchange import Kind
from cmp.policy.lints import Level, advice_of, subject_of
from cmp.policy.load import find_faults, policy_of
from tests.audit import hars
from tests.audit.hars import SITE, Json, captured, request

ID = "7f3a9c21be44d0"
YEAR = "Max-Age=31536000"
NOW = 1_790_812_800.0


def document(url: str = SITE, **more: Any) -> Json:
    """The entry of a page that is visited, with a cookie that the catalogue does not know."""
    return hars.document(url, **{"cookie": "visit=1", **more})


def learned(*entries: Json, sites: Sequence[str] = ()) -> Learned:
    return learn([captured(document(), *entries)], sites)


def drafted(*entries: Json) -> dict[str, Any]:
    found = draft_of(learned(*entries), "eu", ("en",))
    assert find_faults(found) == []
    return found


def evidence(*entries: Json) -> dict[str, dict[str, Any]]:
    """By the site of each undecided vendor."""
    return {one.site: dict(one.evidence) for one in learned(*entries).left_open.vendors}


def image(url: str, **more: Any) -> Json:
    entry = request(url, "image", **more)
    entry["response"]["content"] = {"mimeType": "image/gif", "size": 43}
    return entry


# ------------------------------------------------------------------------------------------- what is known

ANALYTICS = request("https://www.google-analytics.com/g/collect?v=2", "empty")
FONT = request("https://cdnjs.cloudflare.com/ajax/libs/x.js")


def test_a_vendor_of_the_catalogue_is_placed_with_its_requests_and_hosts() -> None:
    (one,) = learned(ANALYTICS, ANALYTICS).placed
    assert (one.vendor, one.category, one.requests) == ("google-analytics", "analytics", 2)
    assert one.hosts == ("www.google-analytics.com",)


def test_a_vendor_is_told_by_its_cookie_on_the_site_itself() -> None:
    (one,) = learned(document(cookie="_ga=GA1.2.1234567890.1600000000")).placed
    assert (one.vendor, one.requests) == ("google-analytics", 0)


def test_the_kinds_in_use_take_in_the_whole_catalogue_and_of_others_all_is_recognised_and_stopped() -> None:
    found = drafted(ANALYTICS, FONT)
    assert list(found["categories"]) == ["necessary", "analytics", "undecided"]
    assert found["catalogue"]["adopt"] == ["*"]
    policy = policy_of(found, "draft.json")
    assert policy.vendors["matomo"].category == "analytics"
    assert policy.vendors["criteo"].category == "undecided"
    # What was seen at work is necessary; another service of the kind is not for that.
    assert policy.vendors["cdnjs"].category == "necessary"
    assert policy.vendors["jsdelivr"].category == "undecided"


def test_services_that_were_not_seen_go_where_a_visitor_decides_on_them() -> None:
    policy = policy_of(drafted(request("https://widget.intercom.io/x.js")), "draft.json")
    assert policy.vendors["jsdelivr"].category == "functional"


# ------------------------------------------------------------------------------------------- what is not

PIXEL = image(f"https://a.cnt.test/p.gif?uid={ID}", set_cookie=[f"seen={ID}; {YEAR}"])


def test_an_unknown_third_party_is_marked_with_what_was_seen_of_it() -> None:
    assert evidence(PIXEL, PIXEL, request("https://b.cnt.test/s.js", cookie="other=1")) == {
        "cnt.test": {
            "requests": 3,
            "pages": 1,
            "kinds": ["image", "script"],
            "cookies": ["other", "seen"],
            "identifiers": ["seen", "uid"],
            "looksLike": ["id-cookie", "identifier-passed-on", "pixel"],
            "example": "https://a.cnt.test/p.gif",
        }
    }


PATHS = [
    pytest.param("/a/p.gif?x=1", "/a/p.gif", id="without-the-query"),
    pytest.param(f"/u/{ID}/p.gif", "/u/…/p.gif", id="an-identifier"),
    pytest.param("/u/ann%40mail.test/p.gif", "/u/…/p.gif", id="a-mail-address"),
    pytest.param("/2026-01-01/v1.2/p.gif", "/2026-01-01/v1.2/p.gif", id="dates-and-versions-stay"),
]


@pytest.mark.parametrize("path, shown", PATHS)
def test_an_example_is_an_address_without_what_may_be_personal(path: str, shown: str) -> None:
    (found,) = evidence(request(f"https://cnt.test{path}")).values()
    assert found["example"] == f"https://cnt.test{shown}"


def test_no_value_gets_into_a_draft() -> None:
    visit = [PIXEL, document(f"{SITE}u/{ID}?sid={ID}", cookie=f"own={ID}"), request(f"https://cnt.test/{ID}")]
    assert ID not in json.dumps(drafted(*visit))


def test_a_site_called_like_the_visited_one_is_said_to_be() -> None:
    entries = [request("https://shopping.test/a.js"), request("https://shop-cdn.test/a.js")]
    found = learn([captured(document(), *entries)], ["shop.example"]).left_open.vendors
    assert {one.site: one.evidence.get("looksLike") for one in found} == {
        "shopping.test": ["own-domain"],
        "shop-cdn.test": ["own-domain"],
    }


def test_where_redirects_lead_and_frames_are_counts_though_the_capture_lacks_it() -> None:
    found = evidence(
        request("https://a.cnt.test/r", status=302, answers=[("Location", "https://next.test/x?u=1")]),
        request("https://a.cnt.test/b.js", Referer="https://frame.test/ad?x=1"),
    )
    assert {site: one["requests"] for site, one in found.items()} == {"cnt.test": 2, "frame.test": 0, "next.test": 0}


STORAGE = "https://s3-eu-west-1.amazonaws.com"


def test_on_a_host_that_is_everybody_s_a_folder_is_named() -> None:
    found = drafted(request(f"{STORAGE}/bucket/a.js"), request(f"{STORAGE}/bucket/b/c.js"))
    (one,) = found["vendors"]
    assert (one["name"], one["undecided"]["requests"]) == ("s3-eu-west-1.amazonaws.com/bucket", 2)
    assert one["signatures"] == [{"host": "s3-eu-west-1.amazonaws.com", "path": "/bucket/*"}]
    policy = policy_of(found, "draft.json")
    other_tenant = request(f"{STORAGE}/other/a.js")
    assert coverage(policy, [captured(request(f"{STORAGE}/bucket/new.js"))]).unknown == ()
    assert coverage(policy, [captured(other_tenant)]).unknown == ("s3-eu-west-1.amazonaws.com",)


def test_a_host_that_no_policy_can_name_is_told_apart() -> None:
    one = learned(request(f"{STORAGE}/a.js"), request("https://x.cloudfront.net/a.js"))
    assert one.unnameable == ("s3-eu-west-1.amazonaws.com",)
    assert [vendor.site for vendor in one.left_open.vendors] == ["x.cloudfront.net"]


# ------------------------------------------------------------------------------------------- cookies

COOKIES = [
    pytest.param("sid=1; HttpOnly", ("sid", "necessary", "session", "first", ["http-only-session"]), id="sign-in"),
    pytest.param("theme=dark; Max-Age=2592000", ("theme", "undecided", "30 days", "first", None), id="unknown"),
    pytest.param(f"v={ID}; {YEAR}", ("v", "undecided", "365 days", "first", ["id-cookie"]), id="identifies"),
    pytest.param("ab_123456=1; HttpOnly; Max-Age=60", ("ab_*", "undecided", "1 minute", "first", None), id="a-number"),
]


@pytest.mark.parametrize("line, expected", COOKIES)
def test_an_unknown_cookie_of_the_site_is_declared_for_a_decision(line: str, expected: tuple[Any, ...]) -> None:
    found = [one for one in drafted(document(set_cookie=[line]))["cookies"] if one["name"] != "visit"]
    names = ("name", "category", "lifetime", "party")
    assert [(*(one[name] for name in names), one["undecided"].get("looksLike")) for one in found] == [expected]


def test_a_cookie_that_was_only_sent_names_no_lifetime() -> None:
    found = {one["name"]: one for one in drafted(document(cookie="a=1; b=2"))["cookies"]}
    assert "lifetime" not in found["a"]
    assert found["a"]["undecided"] == {"requests": 1, "pages": 1}


def test_cookies_of_strangers_stand_with_them_and_those_on_a_needed_host_on_their_own() -> None:
    needed = request("https://cdnjs.cloudflare.com/a.js", set_cookie=["odd=1"])
    found = drafted(request("https://cnt.test/a.js", set_cookie=["theirs=1"]), needed)
    (one,) = [cookie for cookie in found["cookies"] if cookie["party"] == "third"]
    assert (one["name"], one["hosts"], one["category"]) == ("odd", ["cloudflare.com"], "undecided")
    assert next(v for v in found["vendors"] if v["id"] == "cnt-test")["undecided"]["cookies"] == ["theirs"]


@pytest.mark.parametrize("name", ["__Host-consent", "consent-events", "w\u00e4hrung", "*"])
def test_our_own_cookies_and_names_that_no_policy_can_hold_are_left_out(name: str) -> None:
    found = drafted(document(set_cookie=[f"{name}=1"]))
    assert name not in [one["name"] for one in found.get("cookies", [])]


# ------------------------------------------------------------------------------------------- which site

OTHER = "https://other.example/"


def test_the_site_visited_most_is_the_policy_s_and_pages_of_others_are_left_out() -> None:
    elsewhere = [document(OTHER, page="2"), request("https://only-there.test/a.js", page="2")]
    found = learned(request("https://cnt.test/a.js"), request("https://cnt.test/b.js"), *elsewhere)
    assert (found.sites, found.elsewhere) == (("shop.example",), ("other.example",))
    assert [one.site for one in found.left_open.vendors] == ["cnt.test"]


def test_sites_that_are_named_are_one() -> None:
    elsewhere = [document(OTHER, page="2"), request("https://only-there.test/a.js", page="2")]
    found = learned(*elsewhere, sites=["shop.example", "other.example"])
    assert (found.sites, found.elsewhere) == (("other.example", "shop.example"), ())
    assert [one.site for one in found.left_open.vendors] == ["only-there.test"]


def test_traffic_without_any_page_makes_a_draft_too() -> None:
    found = learn([captured(request("https://api.cnt.test/a", page=""))])
    assert found.sites == ()
    assert [one.site for one in found.left_open.vendors] == ["cnt.test"]
    assert find_faults(draft_of(found, "eu", ("en",))) == []


# ------------------------------------------------------------------------------------------- the draft

VISIT = (ANALYTICS, FONT, PIXEL, request("https://cnt.test/a.js"), document(set_cookie=["sid=1; HttpOnly", f"v={ID}"]))


def test_it_begins_by_looking_on_and_stops_what_is_undecided_whatever_is_chosen() -> None:
    policy = policy_of(drafted(*VISIT), "draft.json")
    assert (policy.mode, policy.unknown_host, policy.unknown_cookie) == ("observe", "deny", "deny")
    stranger = next(entry.asked for entry in captured(PIXEL).entries)
    for visitor in (NO_CHOICE, supposed_visitor(policy, "accept")):
        ruling = decide(policy, visitor, stranger).ruling
        assert (ruling.allowed, ruling.category, ruling.vendor) == (False, "undecided", "cnt-test")
    assert "undecided" not in policy.optional_categories


def test_check_warns_of_what_is_to_be_decided_and_finds_no_error() -> None:
    found = drafted(*VISIT)
    advice = advice_of(subject_of(found, policy_of(found, "draft.json"), NOW))
    assert [one for one in advice if one.level is Level.ERROR] == []
    marked = [entry for list_ in ("vendors", "cookies") for entry in found[list_] if "undecided" in entry]
    assert len([one for one in advice if one.code == "undecided"]) == len(marked) == 4


def test_evidence_is_no_part_of_what_a_policy_decides() -> None:
    found = drafted(*VISIT)
    bare = json.loads(json.dumps(found))
    for entry in (*bare["vendors"], *bare["cookies"]):
        entry.pop("undecided", None)
    assert policy_of(found, "a").fingerprint == policy_of(bare, "b").fingerprint


def test_the_order_of_captures_and_of_what_is_in_them_changes_no_byte() -> None:
    first, second = captured(document(), *VISIT), captured(document(f"{SITE}b"), *reversed(VISIT))
    drafts = {json.dumps(draft_of(learn(order), "eu", ("en",))) for order in ([first, second], [second, first])}
    again = captured(document(), *VISIT[::-1])
    assert len(drafts) == 1
    assert draft_of(learn([again]), "eu", ("en",)) == draft_of(learn([first]), "eu", ("en",))


# ------------------------------------------------------------------------------------------- recordings of our own


def recorded(capture: Capture, *tags: dict[str, str]) -> Capture:
    """The capture with its first entry as our proxy in front of the site records a page."""
    first, *others = capture.entries
    page = replace(first, recorded=Recorded("p", {"action": "allow"}, tags))
    return replace(capture, entries=(page, *others))


def test_what_our_proxy_would_have_stopped_in_a_page_is_learnt() -> None:
    tags = ({"url": "https://cnt.test/a.js", "kind": "script"}, {"url": "fbq('init')", "kind": "script"})
    (one,) = learn([recorded(captured(document()), *tags)]).left_open.vendors
    assert (one.site, one.evidence["requests"], one.evidence["kinds"]) == ("cnt.test", 1, ["script"])


def test_what_browsers_report_of_our_csp_is_learnt() -> None:
    report = {"csp-report": {"effective-directive": "img-src", "blocked-uri": "https://cnt.test/p.gif?u=1"}}
    sent = request(f"{SITE}.consent/report", "report", body=json.dumps(report), body_type="application/csp-report")
    capture = captured(document(), sent)
    page, told = capture.entries
    asked = replace(told.asked, kind=Kind.CONSENT)
    capture = replace(capture, entries=(page, replace(told, asked=asked, delivered=asked)))
    (one,) = learn([capture]).left_open.vendors
    assert (one.site, one.evidence["kinds"], one.evidence["example"]) == (
        "cnt.test",
        ["image"],
        "https://cnt.test/p.gif",
    )


def test_what_our_proxy_stopped_has_to_be_decided_on_as_well() -> None:
    capture = captured(document(), request("https://cnt.test/a.js"))
    page, stopped = capture.entries
    capture = replace(capture, entries=(page, replace(stopped, delivered=None, answer=None)))
    assert [one.site for one in learn([capture]).left_open.vendors] == ["cnt.test"]


# ------------------------------------------------------------------------------------------- coverage


def test_hosts_are_counted_once_and_pages_and_the_site_itself_not_at_all() -> None:
    policy = policy_of(drafted(request("https://a.cnt.test/a.js")), "draft.json")
    held_back = [
        *(document(), document("https://elsewhere.test/"), request(f"{SITE}a.js"), request("https://b.cnt.test/a.js")),
        *(request("https://new.test/a.js"), request("https://new.test/b.js"), ANALYTICS),
    ]
    found = coverage(policy, [captured(*held_back)])
    assert found == Coverage(3, ("new.test",))
    assert found.share == pytest.approx(1 / 3)
    assert coverage(policy, [captured(document())]).share == 0.0


def test_captures_are_not_changed_by_learning() -> None:
    capture = captured(document(), PIXEL)
    before = repr(capture)
    learn([capture])
    assert repr(capture) == before
