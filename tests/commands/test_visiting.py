"""A short visit to a site, with bounds."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from cmp.commands import visiting
from cmp.commands.visiting import Visit, visit
from cmp.core.urls import parse_url
from tests.commands.small_site import HTML, Reply, nobody, small_site

PUBLIC = parse_url("http://www.shop.test/")


def visited(replies: Mapping[str, Reply]) -> tuple[Visit, list[tuple[str, str]]]:
    with small_site(replies) as site:
        return asyncio.run(visit(parse_url(site.url), PUBLIC)), site.asked


def moved(to: str, *fields: tuple[str, str]) -> Reply:
    return Reply(status=302, fields=(("Location", to), *fields))


def test_the_start_page_and_pages_it_links_to_are_read_under_the_public_name() -> None:
    start = Reply(b"".join(b'<a href="/%d">x</a>' % n for n in range(20)))
    found, asked = visited({"/": start, "/0": Reply(b"zero"), "/1": Reply(b"one", (HTML, ("Set-Cookie", "a=1")))})
    assert asked == [("www.shop.test", path) for path in ("/", "/0", "/1", "/2", "/3")]
    assert [(str(page.url), page.html, page.set_cookies) for page in found.pages[1:3]] == [
        ("http://www.shop.test/0", "zero", ()),
        ("http://www.shop.test/1", "one", ("a=1",)),
    ]
    assert found.problem == ""


def test_redirects_on_the_site_are_followed_and_their_cookies_seen() -> None:
    found, asked = visited({"/": moved("/en/", ("Set-Cookie", "lang=en")), "/en/": Reply(b"home")})
    assert [path for _, path in asked] == ["/", "/en/"]
    assert [(page.html, page.set_cookies) for page in found.pages] == [("", ("lang=en",)), ("home", ())]


@pytest.mark.parametrize(
    "replies, problem",
    [
        pytest.param(
            {"/": moved("https://elsewhere.test/")}, "https://elsewhere.test, another site", id="another site"
        ),
        pytest.param({"/": moved("file:///etc/passwd")}, "another site", id="no web address"),
        pytest.param({"/": moved("/")}, "redirects without end", id="round in circles"),
        pytest.param({"/": moved("http://[")}, "[", id="unreadable"),
        pytest.param({}, "it answered 404", id="no such page"),
    ],
)
def test_where_it_cannot_go_on_it_says_so(replies: Mapping[str, Reply], problem: str) -> None:
    found, _ = visited(replies)
    assert problem in found.problem
    assert not any(page.html for page in found.pages)


def test_nobody_answers() -> None:
    with nobody() as url:
        assert "onnect" in asyncio.run(visit(parse_url(url), PUBLIC)).problem


def test_a_large_page_is_read_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visiting, "_SIZE", 1000)
    found, _ = visited({"/": Reply(b"x" * 100_000)})
    assert len(found.pages[0].html) == 1000


def test_a_page_without_end_costs_some_seconds_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visiting, "_EACH", 0.5)
    found, _ = visited({"/": Reply(b"begin", drips=True)})
    assert (found.problem, found.pages) == ("it answered too slowly", [])


def test_what_is_no_page_is_not_read() -> None:
    found, _ = visited({"/": Reply(b"<img>", (("Content-Type", "text/plain"), ("Set-Cookie", "a=1")))})
    assert [(page.html, page.set_cookies) for page in found.pages] == [("", ("a=1",))]


@pytest.mark.parametrize("text", [pytest.param(None, id="not there"), pytest.param("no authority", id="no authority")])
def test_authorities_that_cannot_be_read_are_refused(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "ca.pem"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=r"ca\.pem: "):
        asyncio.run(visit(PUBLIC, PUBLIC, file))
