"""The strange promises on the wire: a real proxy under a shipped policy, a browser's requests, a recording upstream.

May go in here: promises that depend on more than one request, on who hosts what, or on two policies at once; the id
stands in the name. May not: what `decide` alone shows (the files beside this one).
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cmp.core.cookies import SetCookie, read_cookie_header, read_set_cookie
from cmp.live.enforcement import ConsentServer, Enforcement
from cmp.seal.cookie import write_cookie
from cmp.seal.keys import SigningKeys, make_keys, read_marker_secret
from cmp.seal.site import ConsentSite
from tests.live import Arrived, Got, Upstream, answer, regular, reverse, running_proxy, running_upstream, send
from tests.promises.world import DAY, MINUTE, MONTH, NOW, YEAR, World

FORM = ("Content-Type", "application/x-www-form-urlencoded")
ADVERTISER, RECORDER = "https://s2.adform.net/banners/scripts/st/trackpoint.js", "https://static.hotjar.com/c/h.js"
COOKIES = (
    f"customerly_jwt=a81f22d09c4e7b; Max-Age={2 * YEAR}",
    f"survey_session_7=1; Max-Age={YEAR}",
    f"survey_seen=1; Max-Age={2 * YEAR}",
    f"_fbp=fb.1.2; Max-Age={YEAR}",
    f"something=1; Max-Age={YEAR}",
)
PAGE = f"""<!doctype html><html><head><title>Site</title></head><body>
<script src="{ADVERTISER}"></script><script src="{RECORDER}"></script><p>Text</p></body></html>""".encode()


def site_answers(_request: Arrived) -> bytes:
    return answer(PAGE, ("Content-Type", "text/html"), *(("Set-Cookie", line) for line in COOKIES))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(site_answers) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()


@dataclass
class Browser:
    """A browser at the operator's site, with the cookies it was given there."""

    world: World
    port: int
    keys: SigningKeys
    site: ConsentSite
    jar: dict[str, str] = field(default_factory=dict)
    given: dict[str, SetCookie] = field(default_factory=dict)

    def chooses(self, choice: str) -> None:
        """The visitor answers the banner; the consent server would hand out this cookie."""
        visitor = self.world.visitor(choice, at=NOW)
        self.jar[self.site.cookie_name] = write_cookie(self.keys, self.site, visitor)

    def visit(self, path: str, *, method: str = "GET", host: str = "www", cookies: str = "", body: bytes = b"") -> Got:
        sent = "; ".join([*(f"{name}={value}" for name, value in self.jar.items()), *([cookies] if cookies else [])])
        # What is posted is posted by a script of the page.
        kind = "document" if method == "GET" else "empty"
        fields = [("Host", f"{host}.{self.world.home}"), ("Sec-Fetch-Dest", kind)]
        fields += [("Referer", f"http://{host}.{self.world.home}/")] if method != "GET" else []
        fields += [("Cookie", sent)] if sent else []
        got = send(self.port, path, *fields, *([FORM] if body else []), method=method, body=body)
        self.given = {cookie.name: cookie for cookie in map(read_set_cookie, got.values("Set-Cookie"))}
        self.jar |= {name: cookie.value for name, cookie in self.given.items() if name.startswith("consent")}
        return got

    def lives(self, name: str) -> float | str | None:
        """How long the last answer lets a cookie live: seconds, None for the browser session, "dropped"."""
        given = self.given.get(name)
        return "dropped" if given is None or given.deletes(NOW) else given.lifetime(NOW)


def cookies_of(arrived: Arrived) -> list[str]:
    """The names of the site's cookies that came with a request; our own, which says what was chosen, is none."""
    found = [pair.name for line in arrived.values("Cookie") for pair in read_cookie_header(line)]
    return [name for name in found if not name.startswith("consent")]


@contextlib.contextmanager
def in_front(name: str, upstream: Upstream, folder: Path) -> Iterator[Browser]:
    """The proxy in front of a policy's site (reverse mode)."""
    world, file = World.of(name), folder / "keys.json"
    keys, site = make_keys(file), ConsentSite(f"http://www.{World.of(name).home}")
    consent = ConsentServer(site, keys.public, "127.0.0.1", 9, read_marker_secret(file))
    with running_proxy(Enforcement(world.policy, None, consent, clock=lambda: NOW), reverse(upstream)) as proxy:
        yield Browser(world, proxy.port, keys, site)


def test_cu_12_half_an_hour_until_a_message_then_twelve_months_anew_with_each_visit(
    upstream: Upstream, tmp_path: Path
) -> None:
    with in_front("customerly", upstream, tmp_path) as browser:
        browser.visit("/")
        assert browser.lives("customerly_jwt") == "dropped"
        browser.visit("/chat/open", method="POST")
        browser.visit("/")
        assert browser.lives("customerly_jwt") == 30 * MINUTE
        browser.visit("/chat/messages", method="POST", body=b"text=hello")
        assert browser.lives("customerly_jwt") == 12 * MONTH
        browser.visit("/", cookies="customerly_jwt=a81f22d09c4e7b")
        assert browser.lives("customerly_jwt") == 12 * MONTH


def test_cs_8_and_cs_9_a_survey_cookie_ends_with_the_browser_and_one_stays_once_it_is_done(
    upstream: Upstream, tmp_path: Path
) -> None:
    with in_front("customersat", upstream, tmp_path) as browser:
        browser.visit("/survey/7")
        assert browser.lives("survey_session_7") is None
        assert browser.lives("survey_seen") == "dropped"
        browser.visit("/survey/7/done", method="POST", body=b"closed=1")
        browser.visit("/")
        assert browser.lives("survey_seen") == 90 * DAY
        assert browser.lives("something") == "dropped"


def test_cs_1_of_two_policies_the_stricter_counts(upstream: Upstream, tmp_path: Path) -> None:
    with in_front("customersat", upstream, tmp_path) as browser:
        browser.chooses("accept")
        page = browser.visit("/").body.decode()
        assert browser.lives("survey_seen") == 90 * DAY
        assert f'data-consent-src="{RECORDER}"' in page


def test_hc_7_one_label_two_purposes_by_path_and_host(upstream: Upstream, tmp_path: Path) -> None:
    sent = "hc_visitor=1; hc_respondent_1=2; hc_session=3"
    with in_front("hellocustomer", upstream, tmp_path) as browser:
        browser.chooses("survey")
        for host, path in (("www", "/survey/7"), ("www", "/blog"), ("opinions", "/")):
            browser.visit(path, host=host, cookies=sent)
    assert [cookies_of(arrived) for arrived in upstream.arrived] == [
        ["hc_visitor", "hc_session"],
        ["hc_session"],
        ["hc_respondent_1", "hc_session"],
    ]


def test_hc_9_and_hc_28_a_place_is_asked_for_and_sent_only_with_consent(upstream: Upstream, tmp_path: Path) -> None:
    place = b"latitude=51.0543422&longitude=3.7174243"
    with in_front("hellocustomer", upstream, tmp_path) as browser:
        assert browser.visit("/", host="opinions").values("Permissions-Policy") == ["geolocation=()"]
        browser.visit("/near", host="opinions", method="POST", body=place)
        assert [arrived.target for arrived in upstream.arrived] == ["/"]
        browser.chooses("location")
        assert browser.visit("/", host="opinions").values("Permissions-Policy") == []
        browser.visit("/near", host="opinions", method="POST", body=place)
    assert [arrived.target for arrived in upstream.arrived] == ["/", "/", "/near"]


def test_hc_6_a_card_number_in_a_beacon_does_not_leave(upstream: Upstream) -> None:
    page = (("Referer", "http://opinions.hellocustomer.com/survey/7"), ("Sec-Fetch-Dest", "empty"), FORM)
    with running_proxy(World.of("hellocustomer").policy, regular(upstream)) as proxy:
        for body in (b"answer=12", b"answer=4111111111111111"):
            send(proxy.port, "http://api.friendlycaptcha.eu/beacon", *page, method="POST", body=body)
    assert [arrived.body for arrived in upstream.to("api.friendlycaptcha.eu")] == [b"answer=12"]


def test_cu_8_accepting_everything_switches_no_campaign_on(upstream: Upstream, tmp_path: Path) -> None:
    with in_front("customerly", upstream, tmp_path) as browser:
        browser.chooses("accept")
        got = browser.visit("/", cookies="_fbp=fb.1.2; app_session=1")
        assert f'data-consent-src="{ADVERTISER}"' in got.body.decode()
        assert "adform" not in " ".join(got.values("Content-Security-Policy"))
        assert browser.lives("_fbp") == "dropped"
    assert cookies_of(upstream.arrived[0]) == ["app_session"]


def test_cu_16_the_american_payment_provider_is_reached_from_the_bill_and_cu_1_keeps_all_others_out(
    upstream: Upstream,
) -> None:
    with running_proxy(World.of("customerly").policy, regular(upstream)) as proxy:
        for page in ("/billing", "/pricing"):
            for host in ("js.stripe.com", "www.recaptcha.net", "api.friendlycaptcha.eu"):
                fields = (("Referer", f"http://www.customerly.io{page}"), ("Sec-Fetch-Dest", "script"))
                send(proxy.port, f"http://{host}{page}", *fields)
    assert [(arrived.host, arrived.target) for arrived in upstream.arrived] == [
        ("js.stripe.com", "/billing"),
        ("api.friendlycaptcha.eu", "/billing"),
        ("api.friendlycaptcha.eu", "/pricing"),
    ]


@pytest.mark.parametrize("name", ["stellaservice", "stella-connect"])
def test_ss_8_who_refuses_everything_gets_the_page_with_nothing_of_others_in_it(
    name: str, upstream: Upstream, tmp_path: Path
) -> None:
    with in_front(name, upstream, tmp_path) as browser:
        browser.chooses("refuse")
        got = browser.visit("/feedback", cookies="stella_session=1; _ga=2; something=3")
        assert got.status == 200
        assert b"<p>Text</p>" in got.body
        assert got.body.count(b"data-consent-src") == 2
        # What was refused is taken away, and nothing new is set.
        assert [cookie.name for cookie in browser.given.values() if not cookie.deletes(NOW)] == []
    assert cookies_of(upstream.arrived[0]) == ["stella_session"]


def test_sc_1_what_stands_first_in_every_page_is_german(upstream: Upstream, tmp_path: Path) -> None:
    with in_front("stella-connect", upstream, tmp_path) as browser:
        page = browser.visit("/").body.decode()
    banner = page[page.index('<section class="consentry') : page.index("</section>")]
    assert ' lang="de"' in banner
    assert ">Alle ablehnen</button>" in banner
