"""The reserved path, in every spelling, and nothing else."""

import pytest

from cmp.server.paths import endpoint_of, path_back, path_of_referrer
from tests.server.site import ORIGIN, Running


@pytest.mark.parametrize(
    "target, endpoint",
    [
        ("/.consent/", ""),
        ("/.consent/state", "state"),
        ("/.consent/state?x=/../..", "state"),
        ("/%2econsent/state", "state"),
        ("/%2E%63onsent/%73tate", "state"),
        ("/a/../.consent/state", "state"),
        ("/.consent/./state", "state"),
        ("/.consent/%2e/state", "state"),
        ("/.consent/x/%2E%2e/state", "state"),
        ("/.consent/state/..", ""),
        ("/.consent\\state", "state"),
        ("http://anything.test/.consent/state", "state"),
        ("/.consent/%252e%252e/", "%252e%252e/"),
        ("/.consent/a%2fb", "a%2Fb"),
        ("/.consent", None),
        ("/.consent/../", None),
        ("/.consent/%2e%2e/state", None),
        ("//.consent/state", None),
        ("/x//.consent/state", None),
        ("/.Consent/state", None),
        ("/%2f.consent/state", None),
        ("/.consent%2fstate", None),
        ("/.consent;x/state", None),
        ("/.consentx/state", None),
        ("/", None),
        ("*", None),
        ("", None),
        ("/.consent/../../.consent", None),
    ],
)
def test_which_endpoint_a_target_names(target: str, endpoint: str | None) -> None:
    assert endpoint_of(target, "/.consent/") == endpoint


@pytest.mark.parametrize(
    "target, status",
    [
        ("/.consent/state", 200),
        ("/%2econsent/state", 200),
        ("/a/../.consent/state", 200),
        ("/.consent/%2e/state", 200),
        ("http://anything.test/.consent/state", 200),
        ("/.consent/../", 404),
        ("/.consent/%2e%2e/", 404),
        ("//.consent/state", 404),
        ("/.Consent/state", 404),
        ("/.consent", 404),
        ("/", 404),
        ("/index.html", 404),
        ("/.consent/State", 404),
        ("/.consent/state/", 404),
        ("/.consent/state/x", 404),
        ("/.consent//", 404),
        ("/.consent/embed", 404),
        ("/.consent/embed/", 404),
        ("/.consent/embed/nobody", 404),
        ("/.consent/embed/chat", 200),
        ("/.consent/embed/chat/", 404),
        ("/.consent/embed/../guard.js", 200),
        ("/.consent/banner.js/../../../etc/passwd", 404),
        ("/.consent/..%2f..%2fpyproject.toml", 404),
        ("/.consent/static/banner.js", 404),
        ("/.consent/%00", 404),
    ],
)
def test_what_is_answered(server: Running, target: str, status: int) -> None:
    answer = server.ask("GET", target)
    assert answer.status == status
    if status == 404:
        assert answer.json == {"ok": False, "error": {"code": "not-found", "message": "There is nothing here"}}


@pytest.mark.parametrize(
    "text, path",
    [
        ("/", "/"),
        ("/a/b?c=d&e", "/a/b?c=d&e"),
        ("/a/../b", "/b"),
        ("/a#part", "/a"),
        ("/ü?ö", "/%C3%BC?%C3%B6"),
        ("/a b\"<>'", "/a%20b\"<>'"),
        ("/%0d%0aSet-Cookie:a=1", "/%0d%0aSet-Cookie:a=1"),
        ("/\r\nSet-Cookie: a=1", "/Set-Cookie:%20a=1"),
        ("/a//b", "/a//b"),
        ("/\udc80", "/%EF%BF%BD"),
        ("", ""),
        ("a", ""),
        ("?a", ""),
        ("//evil.test", ""),
        ("/\\evil.test", ""),
        ("\\\\evil.test", ""),
        ("/\n/evil.test", ""),
        ("/.//evil.test", ""),
        ("/a/..//evil.test", ""),
        ("https://www.shop.test/", ""),
        ("https:/a", ""),
        ("javascript:alert(1)", ""),
        (" /a", ""),
        ("/" + "a" * 2_000, ""),
    ],
)
def test_where_we_send_people_back_to(text: str, path: str) -> None:
    assert path_back(text, ORIGIN) == path


def test_a_referrer_of_our_own_is_a_way_back() -> None:
    assert path_of_referrer([f"{ORIGIN}/a?b"], ORIGIN) == "/a?b"
    assert path_of_referrer(["nonsense", "https://evil.test/a"], ORIGIN) == ""
    assert path_of_referrer([], ORIGIN) == ""
