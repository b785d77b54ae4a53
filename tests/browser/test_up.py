"""`consentry up` in front of the demo site, in real Chromium: what the visitor chose is what happens."""

import contextlib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from playwright.sync_api import Browser, BrowserContext, Page

from demo.__main__ import POLICY, port_of
from demo.names import SITE
from demo.site import Site, running_site
from tests.browser.chromium import needs_chromium, running_chromium
from tests.live import running_command

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.xdist_group("chromium")]

# What needs no consent, by demo/policy.json.
NECESSARY_HOSTS = {"cdn.libshare.test"}
NECESSARY_COOKIES = {"brightloop_session", "csrf", "consent", "__Host-consent", "__Secure-consent"}
TRACKERS = {"stats.clickmeter.test", "tag.adsphere.test", "px.adsphere.test", "audience.socialnet.test"}


@dataclass
class World:
    """The site behind `consentry up`, and a browser that finds every host of it on loopback."""

    site: Site
    browser: Browser
    origin: str
    folder: Path

    def visitor(self, *, javascript: bool = True) -> BrowserContext:
        return self.browser.new_context(ignore_https_errors=True, java_script_enabled=javascript, locale="en-GB")


@contextlib.contextmanager
def world(folder: Path, *arguments: str, tls: bool = False) -> Iterator[World]:
    origin = f"{'https' if tls else 'http'}://{SITE}"
    context: ssl.SSLContext | None = None
    more: list[str] = []
    if tls:
        authority = trustme.CA()
        certificate = authority.issue_cert(SITE, "*.test")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        pem = folder / "site.pem"
        pem.write_bytes(
            certificate.private_key_pem.bytes() + b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
        )
        more = ["--certificate", str(pem)]
    with running_site(context) as site:
        command = ["-m", "cmp", "up", "--upstream", f"http://127.0.0.1:{site.port}", "--policy", str(POLICY)]
        command += ["--public-origin", origin, "--port", "0", "--keys", str(folder / "keys.json")]
        command += ["--ledger", f"sqlite:{folder / 'ledger.db'}", "--confdir", str(folder / "authority")]
        with running_command([*command, *more, *arguments], ready="consentry up:") as (_, line):
            port = 443 if tls else 80
            rules = f"--host-resolver-rules=MAP {SITE}:{port} 127.0.0.1:{port_of(line)}, {site.resolver_rules}"
            with running_chromium(None, rules) as browser:
                yield World(site, browser, origin, folder)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("up")) as found:
        yield found


def see(page: Page, world: World, path: str = "/") -> dict[str, int]:
    """Visit a page until it is quiet; the third parties that were reached."""
    world.site.hits.clear()
    response = page.goto(world.origin + path, wait_until="load")
    assert response is not None
    assert response.status == 200
    page.wait_for_timeout(800)
    return world.site.reached()


def jar(context: BrowserContext) -> set[str]:
    return {str(cookie.get("name")) for cookie in context.cookies()}


def choose(page: Page, world: World, button: str) -> None:
    """Press a button of the banner, or of the preferences page where the banner is gone, and wait for the reload."""
    if page.locator("section.consentry button", has_text=button).count() == 0:
        page.goto(f"{world.origin}/.consent/?back=/")
    with page.expect_response(lambda response: "/.consent/choice" in response.url) as answered:
        page.get_by_role("button", name=button).first.click()
    assert answered.value.status in (200, 303)
    page.wait_for_load_state("load")


@pytest.mark.parametrize("javascript", [pytest.param(True, id="with-javascript"), pytest.param(False, id="without")])
def test_every_step_of_a_choice_holds(plain: World, javascript: bool) -> None:
    with contextlib.closing(plain.visitor(javascript=javascript)) as visitor:
        page = visitor.new_page()

        assert set(see(page, plain)) <= NECESSARY_HOSTS, "no choice"
        assert jar(visitor) <= NECESSARY_COOKIES

        choose(page, plain, "Refuse all")
        assert set(see(page, plain)) <= NECESSARY_HOSTS, "refused"
        assert jar(visitor) <= NECESSARY_COOKIES
        assert "consent" in jar(visitor)

        choose(page, plain, "Accept all")
        accepted = set(see(page, plain))
        assert accepted >= (TRACKERS if javascript else {"px.adsphere.test"}), "accepted"
        assert "beacon.unlisted.test" not in accepted, "never declared, so never accepted"
        if javascript:
            assert {"_bl_stats", "bl_visitor"} <= jar(visitor)

        choose(page, plain, "Refuse all")
        assert set(see(page, plain)) <= NECESSARY_HOSTS, "withdrawn"
        assert jar(visitor) <= NECESSARY_COOKIES


@pytest.mark.parametrize("javascript", [pytest.param(True, id="with-javascript"), pytest.param(False, id="without")])
@pytest.mark.parametrize("button", ["Refuse all", "Accept all"])
def test_a_half_filled_form_survives_a_choice(plain: World, javascript: bool, button: str) -> None:
    with contextlib.closing(plain.visitor(javascript=javascript)) as visitor:
        page = visitor.new_page()
        see(page, plain, "/demo-request")
        field = page.locator(
            "form:not([action^='/.consent']) input[type=text], form:not([action^='/.consent']) input:not([type])"
        ).first
        field.fill("half a name")
        choose(page, plain, button)
        page.wait_for_timeout(500)
        assert field.input_value() == "half a name"


def test_the_form_still_works_after_a_refusal(plain: World) -> None:
    with contextlib.closing(plain.visitor()) as visitor:
        page = visitor.new_page()
        see(page, plain)
        choose(page, plain, "Refuse all")
        see(page, plain, "/survey")
        before = len(plain.site.origin.survey_answers)
        page.locator(
            "form[action='/survey/answers'] button, form[action='/survey/answers'] input[type=submit]"
        ).last.click()
        page.wait_for_load_state("load")
        assert len(plain.site.origin.survey_answers) == before + 1


def test_over_https_the_cookie_has_the_host_prefix(tmp_path: Path) -> None:
    with world(tmp_path, tls=True) as secure, contextlib.closing(secure.visitor()) as visitor:
        page = visitor.new_page()
        assert set(see(page, secure)) <= NECESSARY_HOSTS
        choose(page, secure, "Accept all")
        assert set(see(page, secure)) >= TRACKERS
        found = {str(cookie.get("name")): cookie for cookie in visitor.cookies()}
        assert found["__Host-consent"].get("secure") is True
        assert found["__Host-consent"].get("httpOnly") is True
        choose(page, secure, "Refuse all")
        assert set(see(page, secure)) <= NECESSARY_HOSTS


def test_with_scope_site_the_choice_holds_for_the_domain(tmp_path: Path) -> None:
    with world(tmp_path, "--scope", "site", tls=True) as wide, contextlib.closing(wide.visitor()) as visitor:
        page = visitor.new_page()
        see(page, wide)
        choose(page, wide, "Refuse all")
        assert set(see(page, wide)) <= NECESSARY_HOSTS
        found = {str(cookie.get("name")): cookie for cookie in visitor.cookies()}
        assert str(found["__Secure-consent"].get("domain")).lstrip(".") == "brightloop.test"


def _first_lines(texts: Sequence[str]) -> list[str]:
    return [text.strip().splitlines()[0] for text in texts if text.strip()]


def test_the_banner_weighs_both_answers_alike(plain: World) -> None:
    with contextlib.closing(plain.visitor()) as visitor:
        page = visitor.new_page()
        see(page, plain)
        banner = page.get_by_role("region").first
        accept, refuse = (banner.get_by_role("button", name=name) for name in ("Accept all", "Refuse all"))
        first, second = accept.bounding_box(), refuse.bounding_box()
        assert first is not None
        assert second is not None
        assert abs(first["height"] - second["height"]) < 1
        assert min(first["height"], second["height"]) >= 44
        styles = [
            button.evaluate("e => { const s = getComputedStyle(e); return [s.color, s.backgroundColor, s.fontSize] }")
            for button in (accept, refuse)
        ]
        assert styles[0] == styles[1]
