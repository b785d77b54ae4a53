"""Header fields that limit a page: ours holds whatever the site's own says, and the site's own is kept."""

import pytest

from cmp.wire.page_headers import (
    with_referrer_policy,
    with_tracking_status,
    without_features,
    without_prefetched_names,
    without_refresh_to_text,
)

OURS = (b"Permissions-Policy", b"geolocation=()")


def permissions(*values: bytes) -> list[bytes]:
    fields = without_features([(b"permissions-policy", value) for value in values], ["geolocation"])
    return [value for name, value in fields if name.lower() == b"permissions-policy"]


def test_location_is_denied_where_the_site_says_nothing() -> None:
    assert without_features([(b"Content-Type", b"text/html")], ["geolocation"]) == (
        (b"Content-Type", b"text/html"),
        OURS,
    )


@pytest.mark.parametrize(
    "own",
    [
        pytest.param(b"camera=()", id="another feature"),
        pytest.param(b'geolocation=(self "https://map.test"), camera=*', id="the same feature: the last counts"),
        pytest.param(b"", id="empty line"),
        pytest.param(b"a;p=1, b=?0, c=:aGk=:, d=1.5, e=tok", id="all forms of a member"),
        pytest.param(b'a=( self  "x" );p', id="spaces in an inner list"),
    ],
)
def test_the_sites_own_line_stays_before_ours(own: bytes) -> None:
    assert permissions(own) == [own, b"geolocation=()"]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"camera=(),", id="comma at the end"),
        pytest.param(b"geolocation=(self", id="list without an end"),
        pytest.param(b"Geolocation=()", id="capital in a key"),
        pytest.param(b'a="\xff"', id="no ASCII"),
        pytest.param(b"a='x'", id="quotes of another kind"),
        pytest.param(b"a=()b", id="two members without a comma"),
    ],
)
def test_a_line_that_would_spoil_the_whole_field_goes(broken: bytes) -> None:
    assert permissions(b"camera=()", broken) == [b"camera=()", b"geolocation=()"]


def test_a_long_line_is_read_in_good_time() -> None:
    assert permissions(b"a=(" + b"b " * 20_000) == [b"geolocation=()"]


ORIGIN, NONE = "strict-origin-when-cross-origin", "same-origin"


@pytest.mark.parametrize(
    "wanted, own, expected",
    [
        pytest.param(ORIGIN, [], [ORIGIN], id="nothing said"),
        pytest.param(ORIGIN, ["unsafe-url"], ["unsafe-url", ORIGIN], id="laxer"),
        pytest.param(ORIGIN, ["origin"], ["origin", ORIGIN], id="origin to plain HTTP as well"),
        pytest.param(ORIGIN, [ORIGIN], [ORIGIN], id="the same"),
        pytest.param(ORIGIN, ["strict-origin"], ["strict-origin"], id="as strict"),
        pytest.param(ORIGIN, ["No-Referrer"], ["No-Referrer"], id="stricter"),
        pytest.param(ORIGIN, ["same-origin"], ["same-origin"], id="nothing to others"),
        pytest.param(ORIGIN, ["no-referrer, unsafe-url"], ["no-referrer, unsafe-url", ORIGIN], id="last"),
        pytest.param(ORIGIN, ["no-referrer, never-heard"], ["no-referrer, never-heard"], id="last that is known"),
        pytest.param(ORIGIN, ["unsafe-url", "no-referrer"], ["unsafe-url", "no-referrer"], id="over two lines"),
        pytest.param(NONE, ["strict-origin"], ["strict-origin", NONE], id="not strict enough"),
        pytest.param(NONE, [ORIGIN], [ORIGIN, NONE], id="what the other wants is not strict enough"),
        pytest.param(NONE, ["no-referrer"], ["no-referrer"], id="nothing to anybody"),
        pytest.param(NONE, ["same-origin"], ["same-origin"], id="nothing to others is enough"),
    ],
)
def test_the_referrer_policy_is_ours_unless_the_sites_is_as_strict(
    wanted: str, own: list[str], expected: list[str]
) -> None:
    fields = with_referrer_policy([(b"Referrer-Policy", value.encode()) for value in own], wanted)
    assert [value.decode() for _, value in fields] == expected


def test_the_declared_tracking_status_is_the_only_one() -> None:
    assert with_tracking_status([(b"tk", b"N"), (b"TK", b"!"), (b"X", b"y")], "D") == ((b"X", b"y"), (b"Tk", b"D"))


def test_several_features_are_denied_in_one_line_after_the_sites_own() -> None:
    fields = without_features([(b"Permissions-Policy", b"browsing-topics=*")], ["geolocation", "browsing-topics"])
    assert [value for _, value in fields] == [b"browsing-topics=*", b"geolocation=(), browsing-topics=()"]


def test_names_are_not_looked_up_beforehand_whatever_the_site_says() -> None:
    fields = without_prefetched_names([(b"x-dns-prefetch-control", b"on"), (b"Content-Type", b"text/html")])
    assert fields == ((b"Content-Type", b"text/html"), (b"X-DNS-Prefetch-Control", b"off"))


@pytest.mark.parametrize(
    "value, kept",
    [(b"0;url=data:text/html,a", False), (b"0, ' JavaScript:a()'", False), (b"0;url=/data:", True), (b"5", True)],
    ids=["a page", "code", "a path", "the page itself"],
)
def test_a_refresh_leads_to_no_page_in_an_address(value: bytes, kept: bool) -> None:
    assert bool(without_refresh_to_text([(b"Refresh", value)])) is kept
