"""What an answer has a browser do by itself, on the wire: who was refused is not named, every other byte arrives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.capture.reading import read_capture
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from cmp.core.policy import Policy
from tests.addons.test_enforce import SITE, TRACKER, shop_policy
from tests.addons.test_rollout import Failing
from tests.live import Arrived, Got, Upstream, answer, regular, reverse, running_proxy, running_upstream, send

NAVIGATION = (("Accept", "text/html"), ("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Mode", "navigate"))
LINK = f"</a.css>;rel=preload;as=style ,  <https://{TRACKER}/t.js>; rel=preload, </next> ; rel=next"
FIELDS = (
    ("Content-Type", "text/html"),
    ("Link", LINK),
    ("NEL", '{"report_to":"n","max_age":9}'),
    ("Report-To", f'{{"group":"n","max_age":9,"endpoints":[{{"url":"https://{TRACKER}/r"}}]}}'),
    ("Reporting-Endpoints", f'own="/r", theirs="https://{TRACKER}/r"'),
    ("Content-Security-Policy", f"img-src 'self';  report-uri /r https://{TRACKER}/r; frame-src *"),
    ("Observe-Browsing-Topics", "?1"),
    ("Alt-Svc", 'h3=":443"; ma=86400'),
    ("X-Odd", "a  b;\t c"),
)
FOLDED = b"\r\nSet-Cookie: basket=b; Max-Age=99999999;\r\n HttpOnly"


def site_answers(request: Arrived) -> bytes:
    if request.target.startswith("/folded"):
        head, blank, body = answer(b"ok", ("Content-Type", "text/plain")).partition(b"\r\n\r\n")
        return head + FOLDED + blank + body
    if request.target.startswith("/out"):
        return answer(b"", ("Location", f"https://{TRACKER}/p?u=1"), status="302 Found")
    return answer(b"<p>page", *FIELDS)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(site_answers) as found:
        yield found


def policy(**changes: object) -> Policy:
    return shop_policy(outgoing={"adFeatures": "analytics"}, **changes)


def _without_ours(got: Got) -> list[tuple[str, str]]:
    ours = {"content-length", "permissions-policy", "cache-control", "vary", "x-dns-prefetch-control"}
    return [(name, value) for name, value in got.fields if name.lower() not in ours]


EXPECTED = [
    ("Content-Type", "text/html"),
    ("Link", "</a.css>;rel=preload;as=style, </next> ; rel=next"),
    ("Reporting-Endpoints", 'own="/r"'),
    ("Content-Security-Policy", "img-src 'self';  report-uri /r; frame-src *"),
    ("X-Odd", "a  b;\t c"),
]


@pytest.fixture(scope="class")
def port(upstream: Upstream) -> Iterator[int]:
    """A browser's proxy, for as long as one class of tests: there can be one at a time."""
    with running_proxy(policy(), regular(upstream)) as proxy:
        yield proxy.port


class TestRegularMode:
    def test_who_was_refused_is_not_named_and_the_rest_arrives_as_it_was(self, port: int) -> None:
        got = send(port, f"http://{SITE}/", *NAVIGATION)
        assert _without_ours(got) == EXPECTED

    def test_a_page_may_not_use_the_browsers_advertising_functions(self, port: int) -> None:
        (value,) = send(port, f"http://{SITE}/", *NAVIGATION).values("Permissions-Policy")
        assert "browsing-topics=()" in value.split(", ")
        assert "attribution-reporting=()" in value.split(", ")

    def test_a_picture_is_not_led_to_a_tracker(self, port: int) -> None:
        part = (("Sec-Fetch-Dest", "image"), ("Referer", f"http://{SITE}/"))
        assert send(port, f"http://{SITE}/out", *part).values("Location") == []
        assert send(port, f"http://{SITE}/out", *NAVIGATION).values("Location") == [f"https://{TRACKER}/p?u=1"]

    def test_a_folded_cookie_keeps_what_stands_behind_the_fold(self, port: int) -> None:
        got = send(port, f"http://{SITE}/folded", ("Referer", f"http://{SITE}/"), ("Sec-Fetch-Dest", "empty"))
        assert got.values("Set-Cookie") == ["basket=b; HttpOnly; Max-Age=2592000"]


def test_in_front_of_a_site_too(upstream: Upstream) -> None:
    with running_proxy(policy(sites=[SITE]), reverse(upstream)) as proxy:
        got = send(proxy.port, "/", ("Host", SITE), *NAVIGATION)
    assert [field for field in _without_ours(got) if field[0] != "Content-Security-Policy"] == [
        field for field in EXPECTED if field[0] != "Content-Security-Policy"
    ]
    assert got.values("Content-Security-Policy")[0] == "img-src 'self';  report-uri /r; frame-src *"
    assert got.values("X-DNS-Prefetch-Control") == ["off"]


def test_where_deciding_fails_nobody_is_named_whom_no_csp_holds_back(upstream: Upstream) -> None:
    with running_proxy(policy(sites=[SITE]), reverse(upstream), change=Failing("_decide_answer")) as proxy:
        got = send(proxy.port, "/", ("Host", SITE), *NAVIGATION)
    assert got.body == b"<p>page"
    for name in ("Link", "NEL", "Report-To", "Reporting-Endpoints", "Observe-Browsing-Topics", "Alt-Svc"):
        assert got.values(name) == []
    assert got.values("X-Odd") == ["a  b;\t c"]


def test_where_we_only_observe_everything_arrives(upstream: Upstream) -> None:
    with running_proxy(policy(mode="observe"), regular(upstream)) as proxy:
        got = send(proxy.port, f"http://{SITE}/", *NAVIGATION)
    assert _without_ours(got) == [field for field in FIELDS if field[0] != "Alt-Svc"]


def test_what_is_recorded_replays_to_the_same_decisions(upstream: Upstream, tmp_path: Path) -> None:
    enforced, record = policy(), tmp_path / "visit.flow"
    with running_proxy(enforced, regular(upstream, record)) as proxy:
        send(proxy.port, f"http://{SITE}/", *NAVIGATION)
        send(proxy.port, f"http://{SITE}/out", ("Sec-Fetch-Dest", "image"), ("Referer", f"http://{SITE}/"))
    entries = read_capture(record).entries
    assert len(entries) == 2
    for entry in entries:
        assert entry.recorded is not None
        assert entry.visitor is not None
        assert decision_form(decide(enforced, entry.visitor, entry.asked)) == entry.recorded.decision
        assert any(edit["edit"] == "strip-from-answer-header" for edit in entry.recorded.decision["edits"])
        assert entry.delivered is not None
        assert all(named.url is None or named.url.host != TRACKER for named in entry.delivered.named)


class TestSignals:
    @pytest.mark.parametrize(
        "insert, sent, arrives",
        [
            pytest.param("always", [], ["1"], id="declared: said once"),
            pytest.param("always", [("Sec-GPC", "0")], ["1"], id="in place of what means nothing"),
            pytest.param("always", [("Sec-GPC", "1")], ["1"], id="sent already"),
            pytest.param("never", [], [], id="not declared: nothing is said"),
            pytest.param("never", [("Sec-GPC", "1")], ["1"], id="never taken away"),
        ],
    )
    def test_gpc(self, upstream: Upstream, insert: str, sent: list[tuple[str, str]], arrives: list[str]) -> None:
        upstream.arrived.clear()
        said = shop_policy(
            signals={"gpc": {"denies": ["analytics"], "insert": insert}}, outgoing={"drop": ["sec-*", "dnt*"]}
        )
        with running_proxy(said, regular(upstream)) as proxy:
            send(proxy.port, "http://cdn.lib.test/a.js", ("Referer", f"http://{SITE}/"), ("DNT", "0"), *sent)
        (arrived,) = upstream.arrived
        assert (arrived.values("Sec-GPC"), arrived.values("DNT")) == (arrives, ["0"])
