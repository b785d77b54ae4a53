"""The demo site behind `consentry up`, as a real browser sees it.

May go in here: starting it all, visiting, choosing. May not: what should come of it.
"""

import contextlib
import ssl
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import trustme
from playwright.sync_api import Browser, BrowserContext, Page, expect

from demo.__main__ import POLICY, port_of
from demo.names import SITE
from demo.site import Site, running_site
from tests.browser.chromium import running_chromium
from tests.live import running_command

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


def see(page: Page, world: World, path: str = "/", *, awaiting: Collection[str] = ()) -> dict[str, int]:
    """Visit a page until it is quiet; the third parties that were reached. Those in `awaiting` get a minute to be."""
    world.site.hits.clear()
    response = page.goto(world.origin + path, wait_until="load")
    assert response is not None
    assert response.status == 200
    page.wait_for_timeout(800)
    for _ in range(600):
        if world.site.reached().keys() >= set(awaiting):
            break
        page.wait_for_timeout(100)
    return world.site.reached()


def jar(context: BrowserContext) -> set[str]:
    for page in context.pages:
        # Chromium does a little later what scripts do to cookies; who reads as a script does waits for that.
        page.evaluate("document.cookie")
    return {str(cookie.get("name")) for cookie in context.cookies()}


def choose(page: Page, world: World, button: str, *, javascript: bool = True) -> None:
    """Press a button of the banner, or of the preferences page where the banner is gone, and see it through."""
    in_banner = page.locator("section.consentry button", has_text=button).count() > 0
    if not in_banner:
        page.goto(f"{world.origin}/.consent/?back=/")
    with page.expect_response(lambda response: "/.consent/choice" in response.url) as answered:
        page.get_by_role("button", name=button).first.click()
    assert answered.value.status in (200, 303)
    if not in_banner:
        # The answer leads back to the page.
        expect(page).to_have_url(f"{world.origin}/")
    if not in_banner or javascript:
        expect(page.locator("section.consentry-decided")).to_be_visible()
    else:
        # Without JavaScript the page stays, and the small frame says what became of it.
        expect(page.frame_locator("iframe.consentry-answer").locator("body")).not_to_be_empty()
