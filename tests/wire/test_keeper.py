"""What stands behind the guard's element, and where nothing may stand there."""

import re

import pytest

from cmp.core.urls import parse_url
from cmp.wire.keeper import guard_elements
from tests.core.examples import compiled

HOME = parse_url("https://www.shop.test/")
GUARD = '<script src="/.consent/guard.js"></script>'


def elements(*csp: str, nonce: str = "", **changes: object) -> str:
    return guard_elements(compiled(**changes), HOME, "de", reserved="/.consent/", csp=csp, nonce=nonce)


@pytest.mark.parametrize(
    "csp",
    [
        pytest.param((), id="none"),
        pytest.param(("frame-ancestors 'self'",), id="not about scripts"),
        pytest.param(("default-src 'self' 'unsafe-inline'",), id="inline by default"),
        pytest.param(("default-src 'none'; script-src 'UNSAFE-INLINE'",), id="inline for scripts"),
        pytest.param(("script-src 'none'; script-src-elem 'unsafe-inline'",), id="inline for script elements"),
    ],
)
def test_where_inline_scripts_run_the_keeper_stands_behind_the_guard(csp: tuple[str, ...]) -> None:
    assert elements(*csp).startswith(f"{GUARD}<script>(function keeper(")


@pytest.mark.parametrize(
    "csp",
    [
        pytest.param(("default-src 'self'",), id="files only"),
        pytest.param(("script-src 'self' 'unsafe-inline' 'sha256-abc'",), id="inline undone by a hash"),
        pytest.param(("script-src 'unsafe-inline' 'strict-dynamic'",), id="inline undone by strict-dynamic"),
        pytest.param(("script-src 'self'; script-src 'unsafe-inline'",), id="the first of two counts"),
        pytest.param(("img-src *", "script-src 'self'"), id="in the second of two fields"),
        pytest.param(("img-src *, script-src 'self'",), id="in the second of two in a field"),
    ],
)
def test_where_none_runs_the_guard_stands_alone(csp: tuple[str, ...]) -> None:
    assert elements(*csp) == GUARD


def test_with_the_sites_nonce_it_runs_whatever_else_is_forbidden() -> None:
    found = elements("script-src 'nonce-abc'", nonce=' nonce="abc"')
    assert found.startswith('<script src="/.consent/guard.js" nonce="abc"></script><script nonce="abc">(function')


def test_it_can_stand_in_html_in_xhtml_and_in_any_charset() -> None:
    found = elements(nonce=' nonce="abc"', onError="block")
    script = re.sub(r"^.*?<script nonce=\"abc\">|</script>$", "", found)
    assert not set(script) & set("<&")
    assert found.isascii()
    assert "w\\u00e4hlen" not in script
    assert "Datenschutz-Auswahl" in script


def test_what_it_may_reach_without_a_guard_is_the_site_alone() -> None:
    assert (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob: shop.test *.shop.test; object-src" in elements()
    )
    assert "default-src" not in elements(onError="block")
