"""Denied cookies are taken away wherever an answer can reach them, and nothing else gets into a header."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.core.cookies import read_set_cookie
from cmp.wire.expiry import MOST_LINES, expiring_set_cookies


def places(names: list[str], host: str, path: str, *, secure: bool) -> list[tuple[str, str, str, bool]]:
    read = [read_set_cookie(line) for line in expiring_set_cookies(names, host, path, secure=secure)]
    return [(cookie.name, cookie.domain, cookie.path, cookie.partitioned) for cookie in read]


@pytest.mark.parametrize(
    "host, path, secure, expected",
    [
        pytest.param("shop.test", "/", False, [("", "/"), ("shop.test", "/")], id="a site's own host"),
        pytest.param(
            "a.b.shop.test",
            "/",
            False,
            [("", "/"), ("shop.test", "/"), ("b.shop.test", "/"), ("a.b.shop.test", "/")],
            id="parents, the site first",
        ),
        pytest.param(
            "www.shop.co.uk", "/", False, [("", "/"), ("shop.co.uk", "/"), ("www.shop.co.uk", "/")], id="public suffix"
        ),
        pytest.param("me.github.io", "/", False, [("", "/"), ("me.github.io", "/")], id="private suffix"),
        pytest.param("127.0.0.1", "/", False, [("", "/")], id="an address has no domain"),
        pytest.param("[::1]", "/", False, [("", "/")], id="nor has an IPv6 one"),
        pytest.param("localhost", "/", False, [("", "/")], id="nor a single label"),
        pytest.param("co.uk", "/", False, [("", "/")], id="nor a public suffix itself"),
        pytest.param(
            "localhost",
            "/a/b/page",
            False,
            [("", "/"), ("", "/a"), ("", "/a/"), ("", "/a/b"), ("", "/a/b/"), ("", "/a/b/page")],
            id="paths above the page",
        ),
        pytest.param("localhost", "/a;b\r\nX: y", False, [("", "/")], id="a path that would break the header"),
        pytest.param("evil\r\nX: y", "/", False, [("", "/")], id="a host that would"),
    ],
)
def test_reaches_every_place(host: str, path: str, secure: bool, expected: list[tuple[str, str]]) -> None:
    assert [(domain, at) for _, domain, at, _ in places(["t"], host, path, secure=secure)] == expected


def test_over_https_the_partitioned_twin_goes_too() -> None:
    lines = expiring_set_cookies(["t"], "shop.test", "/", secure=True)
    assert lines == [
        "t=; Path=/; Max-Age=0; Secure",
        "t=; Path=/; Max-Age=0; Domain=shop.test; Secure",
        "t=; Path=/; Max-Age=0; Secure; Partitioned",
        "t=; Path=/; Max-Age=0; Domain=shop.test; Secure; Partitioned",
    ]


@pytest.mark.parametrize(
    "name, secure, expected",
    [
        ("__Host-t", True, 2),
        ("__Host-t", False, 0),
        ("__Secure-t", True, 4),
        ("__secure-t", False, 0),
        ("__Http-t", True, 4),
        ("", False, 0),
        ("a b", False, 0),
        ("a\r\nX-Evil: 1", False, 0),
        ("a;b", False, 0),
        ("a=b", False, 0),
        ("ü", False, 0),
        ("x" * 5_000, False, 0),
    ],
    ids=repr,
)
def test_only_names_that_can_be_written_are(name: str, secure: bool, expected: int) -> None:
    assert len(expiring_set_cookies([name], "shop.test", "/", secure=secure)) == expected


def test_every_name_gets_its_likeliest_place_before_any_gets_a_second() -> None:
    found = places([f"t{n}" for n in range(30)], "www.shop.test", "/a/b", secure=True)
    assert len(found) == MOST_LINES
    assert [place[1:] for place in found[:30]] == [("", "/", False)] * 30
    assert {place[1] for place in found[30:]} == {"shop.test"}


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.lists(st.text(max_size=6), max_size=60), st.text(max_size=20), st.text(max_size=20), st.booleans())
def test_lines_only_delete_and_never_break_a_header(names: list[str], host: str, path: str, secure: bool) -> None:
    lines = expiring_set_cookies(names, host, path, secure=secure)
    assert len(lines) <= MOST_LINES
    assert len(set(lines)) == len(lines)
    for line in lines:
        assert line.isascii()
        assert line.isprintable()
        cookie = read_set_cookie(line)
        assert cookie.deletes(0)
        assert cookie.name in names
