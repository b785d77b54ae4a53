"""What a page may not do, said in its header: location, referrers, tracking status; and to whom it is said."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.policy import Policy
from cmp.live.enforcement import ConsentServer, Enforcement, Mode
from cmp.seal.cookie import write_cookie
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import SITE, shop_policy
from tests.live import Arrived, Got, Upstream, answer, regular, reverse, running_proxy, running_upstream, send

NOW = 1_800_000_000.0
SITE_OF_OURS = ConsentSite(f"http://{SITE}")
HTML = ("Content-Type", "text/html")
OWN = [("Permissions-Policy", "geolocation=(self), camera=()"), ("Referrer-Policy", "unsafe-url"), ("Tk", "N")]
PAGE = (("Accept", "text/html"), ("Sec-Fetch-Dest", "document"))
LIMITED = ("Permissions-Policy", "Referrer-Policy", "Tk")


def policy(**changes: object) -> Policy:
    categories = {
        "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
        "analytics": {"basis": "consent", "title": {"en": "Analytics"}},
        "location": {"basis": "consent", "title": {"en": "Location"}},
    }
    defaults = {
        "categories": categories,
        "location": {"category": "location", "to": ["own"]},
        "outgoing": {"referrer": "origin"},
        "signals": {"dnt": {"denies": [], "status": "D", "statement": {"en": "Not answered at present"}}},
    }
    return shop_policy(**{**defaults, **changes})


def site_answers(request: Arrived) -> bytes:
    if request.target.startswith("/own"):
        return answer(b"<p>page", HTML, *OWN)
    if request.target.startswith("/data"):
        return answer(b"{}", ("Content-Type", "application/json"))
    return answer(b"<p>page", HTML)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(site_answers) as found:
        yield found


@dataclass
class Shop:
    port: int
    cookie: dict[str, str]

    def get(self, target: str, choice: str = "", *fields: tuple[str, str]) -> Got:
        chosen = [("Cookie", f"consent={self.cookie[choice]}")] if choice else []
        return send(self.port, target, ("Host", SITE), *chosen, *(fields or PAGE))


@contextlib.contextmanager
def shop(upstream: Upstream, folder: Path, declared: Policy, mode: Mode | None = None) -> Iterator[Shop]:
    keys = make_keys(folder / "keys")
    consent = ConsentServer(SITE_OF_OURS, keys.public, "127.0.0.1", 9)
    cookies = {}
    for choice in ("accept", "refuse"):
        supposed = supposed_visitor(declared, choice)
        visitor = Visitor(supposed.granted, supposed.refused, NOW, declared.fingerprint)
        cookies[choice] = write_cookie(keys, SITE_OF_OURS, visitor)
    with running_proxy(Enforcement(declared, mode, consent, clock=lambda: NOW), reverse(upstream)) as proxy:
        yield Shop(proxy.port, cookies)


class TestSite:
    @pytest.fixture
    def site(self, upstream: Upstream, tmp_path: Path) -> Iterator[Shop]:
        with shop(upstream, tmp_path, policy()) as found:
            yield found

    @pytest.mark.parametrize("choice, denied", [("", True), ("refuse", True), ("accept", False)])
    def test_hc_9_a_page_may_ask_for_the_place_only_with_consent(self, site: Shop, choice: str, denied: bool) -> None:
        assert site.get("/", choice).values("Permissions-Policy") == (["geolocation=()"] if denied else [])

    def test_the_sites_own_fields_stay_and_ours_counts(self, site: Shop) -> None:
        got = site.get("/own")
        assert got.values("Permissions-Policy") == ["geolocation=(self), camera=()", "geolocation=()"]
        assert got.values("Referrer-Policy") == ["unsafe-url", "strict-origin-when-cross-origin"]

    def test_hc_22_links_tell_other_sites_the_origin_alone(self, site: Shop) -> None:
        assert site.get("/", "accept").values("Referrer-Policy") == ["strict-origin-when-cross-origin"]

    def test_cu_19_the_page_states_what_the_policy_declares(self, site: Shop) -> None:
        assert site.get("/own").values("Tk") == ["D"]

    def test_what_is_no_page_gets_none_of_it(self, site: Shop) -> None:
        got = site.get("/data", "", ("Accept", "*/*"), ("Sec-Fetch-Dest", "empty"))
        assert [got.values(name) for name in LIMITED] == [[], [], []]


def test_with_none_links_tell_other_sites_nothing(upstream: Upstream, tmp_path: Path) -> None:
    with shop(upstream, tmp_path, policy(outgoing={"referrer": "none"})) as site:
        assert site.get("/").values("Referrer-Policy") == ["same-origin"]


def test_a_policy_that_says_nothing_of_it_adds_nothing(upstream: Upstream, tmp_path: Path) -> None:
    with shop(upstream, tmp_path, shop_policy()) as site:
        got = site.get("/own")
    assert [got.values(name) for name in LIMITED] == [[value] for _, value in OWN]


def test_observing_adds_nothing(upstream: Upstream, tmp_path: Path) -> None:
    with shop(upstream, tmp_path, policy(), Mode.OBSERVE) as site:
        got = site.get("/own")
    assert [got.values(name) for name in LIMITED] == [[value] for _, value in OWN]


def test_an_excluded_path_passes_untouched(upstream: Upstream, tmp_path: Path) -> None:
    declared = policy(sites=["shop.test"], exclude=[{"host": "shop.test", "paths": ["/own*"]}])
    with shop(upstream, tmp_path, declared) as site:
        excluded, other = site.get("/own", "", *PAGE, ("Cookie", "_track=1")), site.get("/")
    assert [excluded.values(name) for name in LIMITED] == [[value] for _, value in OWN]
    assert (excluded.body, excluded.values("Content-Security-Policy")) == (b"<p>page", [])
    assert other.values("Content-Security-Policy")


def test_a_browsers_proxy_says_it_to_every_page(upstream: Upstream) -> None:
    with running_proxy(policy(), regular(upstream)) as proxy:
        got = send(proxy.port, f"http://{SITE}/own", *PAGE)
    assert got.values("Permissions-Policy")[-1] == "geolocation=()"
    assert got.values("Referrer-Policy")[-1] == "strict-origin-when-cross-origin"
    # It is the site's to say, and this is not ours.
    assert got.values("Tk") == ["N"]


REGIONS = {
    "source": {"header": "CF-IPCountry"},
    "defined": [{"id": "abroad", "places": ["US"], "defaults": {"location": "allow"}}],
}


class TestPlace:
    """Where a visitor is, is believed of the operator's own edge."""

    @pytest.mark.parametrize(
        "fields, denied",
        [
            pytest.param([("CF-IPCountry", "US")], False, id="allowed there"),
            pytest.param([("CF-IPCountry", "DE")], True, id="not there"),
            pytest.param([], True, id="unknown: the strictest"),
            pytest.param([("CF-IPCountry", "US"), ("CF-IPCountry", "US")], True, id="stated twice"),
            pytest.param([("CF-IPCountry", "nowhere")], True, id="no place"),
        ],
    )
    def test_the_region_decides_before_any_choice(
        self, upstream: Upstream, tmp_path: Path, fields: list[tuple[str, str]], denied: bool
    ) -> None:
        with shop(upstream, tmp_path, policy(regions=REGIONS)) as site:
            got = site.get("/", "", *PAGE, *fields)
        assert got.values("Permissions-Policy") == (["geolocation=()"] if denied else [])

    def test_a_browsers_proxy_believes_no_header(self, upstream: Upstream) -> None:
        with running_proxy(policy(regions=REGIONS), regular(upstream)) as proxy:
            got = send(proxy.port, f"http://{SITE}/", *PAGE, ("CF-IPCountry", "US"))
        assert got.values("Permissions-Policy") == ["geolocation=()"]

    def test_a_fixed_place_holds_for_everybody(self, upstream: Upstream) -> None:
        regions = {**REGIONS, "source": {"fixed": "US"}}
        with running_proxy(policy(regions=regions), regular(upstream)) as proxy:
            got = send(proxy.port, f"http://{SITE}/", *PAGE, ("CF-IPCountry", "DE"))
        assert got.values("Permissions-Policy") == []
