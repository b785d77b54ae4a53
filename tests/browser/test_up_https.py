"""`consentry up` over HTTPS, in real Chromium: the cookie's prefix and its scope."""

import contextlib
from pathlib import Path

import pytest

from tests.browser.chromium import needs_chromium
from tests.browser.world import NECESSARY_HOSTS, TRACKERS, choose, see, world

pytestmark = [pytest.mark.browser, needs_chromium]


def test_over_https_the_cookie_has_the_host_prefix(tmp_path: Path) -> None:
    with world(tmp_path, tls=True) as secure, contextlib.closing(secure.visitor()) as visitor:
        page = visitor.new_page()
        assert set(see(page, secure)) <= NECESSARY_HOSTS
        choose(page, secure, "Accept all")
        assert set(see(page, secure, awaiting=TRACKERS)) >= TRACKERS
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
