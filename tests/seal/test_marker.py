"""The marker cookie: only what this proxy sealed for this site is believed."""

import base64
import json
import stat
from pathlib import Path

import pytest

from cmp.core.cookies import RequestCookie, read_set_cookie
from cmp.seal.keys import KeysError, make_keys, marker_file, marker_secret, public_file, read_marker_secret
from cmp.seal.marker import marker_line, marker_name, read_marker, write_marker
from cmp.seal.site import ConsentSite, Scope

SECRET, OTHER = b"s" * 32, b"o" * 32
SITE = ConsentSite("https://www.shop.test")
NAME = marker_name(SITE)
EVENTS = frozenset({"chat-message", "signed-in"})


def read(*values: str, secret: bytes = SECRET, audience: str = SITE.audience) -> frozenset[str]:
    return read_marker(secret, audience, NAME, [RequestCookie(NAME, value) for value in values])


def test_what_was_sealed_is_read() -> None:
    assert read(write_marker(SECRET, SITE.audience, EVENTS)) == EVENTS


def test_the_same_events_make_the_same_marker_for_everybody() -> None:
    backwards = sorted(EVENTS, reverse=True)
    assert write_marker(SECRET, SITE.audience, backwards) == write_marker(SECRET, SITE.audience, EVENTS)


def test_no_marker_tells_of_nothing() -> None:
    assert read() == frozenset()


def test_of_two_markers_none_counts() -> None:
    good = write_marker(SECRET, SITE.audience, EVENTS)
    assert read(good, good) == frozenset()


def test_a_marker_of_another_name_is_none() -> None:
    good = write_marker(SECRET, SITE.audience, EVENTS)
    assert read_marker(SECRET, SITE.audience, NAME, [RequestCookie("consent-events", good)]) == frozenset()


def _payload(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


GOOD = write_marker(SECRET, SITE.audience, ["chat-message"])


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(write_marker(OTHER, SITE.audience, EVENTS), id="sealed by somebody else"),
        pytest.param(write_marker(SECRET, "www.other.test", EVENTS), id="made out to another site"),
        pytest.param(f"1.{_payload(['signed-in'])}.{GOOD.rpartition('.')[2]}", id="other events under the old seal"),
        pytest.param(f"2{GOOD[1:]}", id="another version"),
        pytest.param(GOOD[:-1], id="seal cut short"),
        pytest.param(f"{GOOD}=", id="seal with something behind"),
        pytest.param(GOOD.rpartition(".")[0], id="no seal"),
        pytest.param(f"{GOOD.rpartition('.')[0]}.", id="empty seal"),
        pytest.param("", id="empty"),
        pytest.param("1..", id="dots"),
        pytest.param("\u00e9" * 10, id="no ASCII"),
        pytest.param(GOOD + "x" * 3_000, id="overlong"),
    ],
)
def test_a_forged_or_foreign_marker_is_none(forged: str) -> None:
    assert read(forged) == frozenset()


@pytest.mark.parametrize(
    "payload, expected",
    [
        pytest.param({"events": ["x"]}, frozenset(), id="no list"),
        pytest.param(["x", 1, None], frozenset({"x"}), id="members that are no ids"),
        pytest.param("x", frozenset(), id="a text"),
    ],
)
def test_what_we_sealed_in_another_form_breaks_nothing(
    payload: object, expected: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cmp.seal.marker.sorted", lambda _events: payload, raising=False)
    assert read(write_marker(SECRET, SITE.audience, ())) == expected


@pytest.mark.parametrize(
    "site, name, attributes",
    [
        pytest.param(
            SITE, "__Host-consent-events", "Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax", id="one host"
        ),
        pytest.param(
            ConsentSite("https://www.shop.test", Scope.SITE, "shop.test"),
            "__Secure-consent-events",
            "Path=/; Max-Age=60; HttpOnly; Domain=shop.test; Secure; SameSite=Lax",
            id="all hosts of the site",
        ),
        pytest.param(
            ConsentSite("http://www.shop.test"),
            "consent-events",
            "Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
            id="plain HTTP",
        ),
    ],
)
def test_the_cookie_is_set_like_the_consent_cookie(site: ConsentSite, name: str, attributes: str) -> None:
    assert marker_line(site, "v", 60) == f"{name}=v; {attributes}"


def test_it_may_end_with_the_browser() -> None:
    assert read_set_cookie(marker_line(SITE, "v", None)).lifetime(0) is None


def test_inside_another_sites_page_it_is_one_that_browsers_take() -> None:
    cookie = read_set_cookie(marker_line(SITE, "v", 60, embedded=True))
    assert (cookie.same_site, cookie.secure, cookie.partitioned) == ("none", True, True)


class TestSecret:
    def test_keys_are_made_with_a_secret_for_their_owner_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "keys.json"
        make_keys(file)
        assert stat.S_IMODE(marker_file(file).stat().st_mode) == 0o600
        secret = read_marker_secret(file)
        assert secret is not None
        assert len(secret) == 32

    def test_the_public_half_leads_to_the_same_secret(self, tmp_path: Path) -> None:
        file = tmp_path / "keys.json"
        make_keys(file)
        assert read_marker_secret(public_file(file)) == read_marker_secret(file)

    def test_older_keys_have_none_until_one_is_made(self, tmp_path: Path) -> None:
        file = tmp_path / "keys.json"
        assert read_marker_secret(file) is None
        made = marker_secret(file)
        assert marker_secret(file) == read_marker_secret(file) == made

    def test_it_is_in_neither_half_of_the_keys(self, tmp_path: Path) -> None:
        file = tmp_path / "keys.json"
        make_keys(file)
        text = json.loads(marker_file(file).read_text())["marker_secret"]
        assert text not in file.read_text() + public_file(file).read_text()

    def test_one_that_others_may_read_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "keys.json"
        make_keys(file)
        marker_file(file).chmod(0o644)
        with pytest.raises(KeysError, match="chmod 600"):
            read_marker_secret(file)

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("", id="empty"),
            pytest.param('{"form": 1}', id="no secret"),
            pytest.param('{"form": 1, "marker_secret": "?"}', id="no base64"),
            pytest.param('{"form": 1, "marker_secret": "c2hvcnQ="}', id="too short"),
        ],
    )
    def test_what_is_none_is_named(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "keys.json"
        marker_file(file).write_text(text)
        marker_file(file).chmod(0o600)
        with pytest.raises(KeysError, match=r"keys\.json\.marker"):
            read_marker_secret(file)
