"""Style sheets and modules of the site, where unknown hosts pass and no CSP holds what they ask for."""

import gzip
from collections.abc import Iterator

import pytest

from cmp.live.enforcement import Enforcement, Mode
from tests.addons.test_enforce import SITE, TRACKER, shop_policy
from tests.live import Arrived, Got, Upstream, reverse, running_proxy, running_upstream, send

REPORT = {"host": "report", "cookie": "report"}
STYLE = (("Host", SITE), ("Sec-Fetch-Dest", "style"), ("Sec-Fetch-Mode", "no-cors"))
MODULE = (("Host", SITE), ("Sec-Fetch-Dest", "script"), ("Sec-Fetch-Mode", "cors"))
CSS, CODE = "text/css", "text/javascript"

# Path: media type, what the site sends, what the visitor gets.
HELD: dict[str, tuple[str, str, str]] = {
    "sheet": (CSS, f"p {{ background: url(http://{TRACKER}/p.gif) }}", "p { background: url(data:,) }"),
    "import": (CSS, f'@import "//{TRACKER}/p.css" layer(a);', '@import "data:," layer(a);'),
    "escaped": (CSS, f"a {{ src: url(\\68 ttp://{TRACKER}/a.woff2) }}", "a { src: url(data:,) }"),
    "static": (CODE, f'import a from "http://{TRACKER}/a.js";', 'import a from "data:text/javascript,";'),
    "from": (CODE, f"export * from\n'//{TRACKER}/a.js'", "export * from\n'data:text/javascript,'"),
    "called": (CODE, f"await import(`http://{TRACKER}/a.js`)", "await import(`data:text/javascript,`)"),
    "spelled": (CODE, f'import("\\x68ttp:\\u002f\\/{TRACKER}/a.js")', 'import("data:text/javascript,")'),
}
ALIKE: dict[str, tuple[str, str]] = {
    "own-sheet": (CSS, f"@import url(/a.css); p {{ background: url(http://{SITE}/p.gif) }}"),
    "unknown": (CSS, "p { background: url(//nobody.test/p.gif) }"),
    "said": (CSS, f"p::before {{ content: 'http://{TRACKER}/' }} /* url(http://{TRACKER}/) */"),
    "own-module": (CODE, 'import "./a.js"; import("/b.js"); export const a = 1;'),
    "no-import": (CODE, f'const from = "http://{TRACKER}/"; Array.from("http://{TRACKER}/")'),
}


def files(request: Arrived) -> bytes:
    name, _, how = request.target.strip("/").partition("?")
    type_, text = (HELD[name][:2] if name in HELD else ALIKE[name]) if name in {**HELD, **ALIKE} else (CSS, "p {}")
    body = text.encode()
    lines = [f"Content-Type: {type_}", 'ETag: "1"', "Cache-Control: max-age=60"]
    if how == "gzip":
        body, lines = gzip.compress(body), [*lines, "Content-Encoding: gzip"]
    if how == "utf-16":
        body, lines[0] = text.encode("utf-16-le"), f"Content-Type: {type_}; charset=utf-16le"
    head = ["HTTP/1.1 206 Partial Content" if how == "part" else "HTTP/1.1 200 OK", *lines]
    return "\r\n".join([*head, f"Content-Length: {len(body)}"]).encode() + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(files) as found:
        yield found


def in_front(mode: Mode, **changes: object) -> Enforcement:
    return Enforcement(shop_policy(sites=["shop.test"], **changes), mode, None)


# One proxy at a time: mitmproxy's `ctx` is global, so the hooks of all go to the one that was started last.
@pytest.fixture(scope="class")
def lenient(upstream: Upstream) -> Iterator[int]:
    with running_proxy(in_front(Mode.ENFORCE, unknown=REPORT), reverse(upstream)) as proxy:
        yield proxy.port


@pytest.fixture(scope="class")
def strict(upstream: Upstream) -> Iterator[int]:
    with running_proxy(in_front(Mode.ENFORCE), reverse(upstream)) as proxy:
        yield proxy.port


@pytest.fixture(scope="class")
def observed(upstream: Upstream) -> Iterator[int]:
    with running_proxy(in_front(Mode.OBSERVE, unknown=REPORT), reverse(upstream)) as proxy:
        yield proxy.port


def get(port: int, target: str, *more: tuple[str, str]) -> Got:
    name = target.partition("?")[0]
    type_ = HELD[name][0] if name in HELD else ALIKE[name][0]
    return send(port, f"/{target}", *(STYLE if type_ == CSS else MODULE), *more)


class TestWhereTheUnknownPasses:
    @pytest.mark.parametrize("name", HELD)
    def test_what_is_denied_in_it_is_nowhere(self, lenient: int, name: str) -> None:
        assert get(lenient, name).body.decode() == HELD[name][2]

    @pytest.mark.parametrize("name", HELD)
    def test_it_is_this_visitors_alone(self, lenient: int, name: str) -> None:
        got = get(lenient, name)
        assert (got.values("Cache-Control"), got.values("ETag")) == (["private, no-cache"], [])

    @pytest.mark.parametrize("name", ALIKE)
    def test_what_is_the_same_for_everybody_is_kept_as_the_site_says(self, lenient: int, name: str) -> None:
        got = get(lenient, name)
        assert got.body.decode() == ALIKE[name][1]
        assert (got.values("Cache-Control"), got.values("ETag")) == (["max-age=60"], ['"1"'])

    def test_packed_it_is_read_too(self, lenient: int) -> None:
        got = get(lenient, "sheet?gzip")
        assert (got.body.decode(), got.values("Content-Encoding")) == (HELD["sheet"][2], [])

    def test_what_is_packed_and_the_same_for_everybody_stays_packed(self, lenient: int, upstream: Upstream) -> None:
        got = get(lenient, "unknown?gzip")
        assert (got.body, got.values("Content-Encoding")) == (gzip.compress(ALIKE["unknown"][1].encode()), ["gzip"])

    def test_it_stays_in_its_coding(self, lenient: int) -> None:
        assert get(lenient, "sheet?utf-16").body == HELD["sheet"][2].encode("utf-16-le")

    def test_a_part_of_one_passes(self, lenient: int) -> None:
        assert get(lenient, "sheet?part").body.decode() == HELD["sheet"][1]

    def test_no_coding_is_asked_for_that_nobody_here_reads(self, lenient: int, upstream: Upstream) -> None:
        upstream.arrived.clear()
        get(lenient, "sheet", ("Accept-Encoding", "gzip, br"), ("If-None-Match", '"1"'))
        (arrived,) = upstream.arrived
        assert (arrived.values("Accept-Encoding"), arrived.values("If-None-Match")) == (["gzip"], ['"1"'])


class TestWhereTheUnknownIsDenied:
    @pytest.mark.parametrize("name", HELD)
    def test_the_csp_of_the_page_holds_it(self, strict: int, name: str) -> None:
        got = get(strict, name)
        assert (got.body.decode(), got.values("ETag")) == (HELD[name][1], ['"1"'])


class TestObserved:
    @pytest.mark.parametrize("name", HELD)
    def test_observing_changes_no_byte(self, observed: int, name: str) -> None:
        got = get(observed, name)
        assert (got.body.decode(), got.values("ETag")) == (HELD[name][1], ['"1"'])
