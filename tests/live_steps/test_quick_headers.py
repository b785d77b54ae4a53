"""Quick headers give mitmproxy's answers, before and after a change."""

from collections.abc import Callable

import pytest
from mitmproxy import http

from cmp.live.quick_headers import QuickHeaders, look_up_quickly

FIELDS = ((b"Host", b"shop.test"), (b"Cookie", b"a=1"), (b"COOKIE", b"b=\xff"), (b"x-\xff", b""))
NAMES: tuple[str | bytes, ...] = ("host", "HOST", b"Host", "cookie", "Cookie", "x-\udcff", b"X-\xff", "accept", "")


def quick(fields: tuple[tuple[bytes, bytes], ...] = FIELDS) -> http.Headers:
    request = http.Request.make("GET", "http://shop.test/")
    request.headers.fields = fields
    look_up_quickly(request)
    assert isinstance(request.headers, QuickHeaders)
    return request.headers


def leave(_headers: http.Headers) -> None:
    pass


def put(headers: http.Headers) -> None:
    headers["Accept"] = "*/*"
    headers.add("cookie", "c=3")


def take(headers: http.Headers) -> None:
    del headers["cookie"]


def replace_all(headers: http.Headers) -> None:
    headers.fields = ((b"accept", b"a"), (b"Accept", b"b"))


def change_in_place(headers: http.Headers) -> None:
    # Nobody should, and then nothing may be remembered.
    headers.fields = [(b"accept", b"a")]  # type: ignore[assignment]
    assert "accept" in headers
    headers.fields.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize("change", [leave, put, take, replace_all, change_in_place])
def test_answers_are_those_of_mitmproxy(change: Callable[[http.Headers], None]) -> None:
    ours, theirs = quick(), http.Headers(FIELDS)
    for headers in (ours, theirs):
        assert "host" in headers
        change(headers)
    for name in NAMES:
        assert ours.get_all(name) == theirs.get_all(name)
        assert (name in ours) == (name in theirs)
        assert ours.get(name, "none") == theirs.get(name, "none")
    assert (bytes(ours), ours.get_state()) == (bytes(theirs), theirs.get_state())


def test_what_is_handed_out_is_nobodys_but_the_askers() -> None:
    headers = quick()
    headers.get_all("cookie").clear()
    assert len(headers.get_all("cookie")) == 2


def test_a_copy_is_one_of_its_own() -> None:
    headers = quick()
    copied = headers.copy()
    copied["host"] = "other.test"
    assert (headers["host"], copied["host"]) == ("shop.test", "other.test")
