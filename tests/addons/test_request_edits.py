"""What requests to others are relieved of, on the wire: referrers, headers, addresses, identifiers; and what is not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.capture.flow_exchange import MARK
from cmp.capture.reading import read_capture
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from cmp.core.policy import Policy
from tests.addons.test_enforce import SITE, shop_policy
from tests.addons.test_rollout import Failing
from tests.live import Arrived, Upstream, answer, regular, reverse, running_proxy, running_upstream, send

STATS, LIBRARY = "stats.test", "cdn.lib.test"
FORM = "application/x-www-form-urlencoded"
PAGE = f"http://{SITE}/account/42?token=secret"
FROM_PAGE = (("Referer", PAGE), ("Accept", "*/*"))

CATEGORIES = {
    "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
    "analytics": {"basis": "consent", "title": {"en": "Analytics"}},
    "trends": {"basis": "consent", "title": {"en": "Trends"}, "treatment": "reduce"},
}
VENDORS = [
    {"id": "library", "name": "Library", "category": "necessary", "hosts": ["lib.test"]},
    {
        "id": "stats",
        "name": "Stats",
        "category": "trends",
        "hosts": [STATS],
        "cookies": [{"name": "visitor"}],
    },
]


def policy_with(**changes: object) -> Policy:
    return shop_policy(categories=CATEGORIES, vendors=VENDORS, **changes)


def upstream_answers(request: Arrived) -> bytes:
    return answer(b"from upstream", ("Set-Cookie", "visitor=v; Max-Age=9999; Path=/"), ("ETag", '"for-you-alone"'))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(upstream_answers) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()


@pytest.fixture(scope="class")
def proxy(upstream: Upstream, request: pytest.FixtureRequest) -> Iterator[int]:
    """A browser's proxy under the policy of the test's class."""
    with running_proxy(request.cls.POLICY, regular(upstream)) as running:
        yield running.port


class TestOutgoing:
    POLICY = policy_with(outgoing={"referrer": "origin", "drop": ["X-Client-Data"], "forwardedFor": "shorten"})

    def test_others_learn_the_site_and_not_the_page(self, proxy: int, upstream: Upstream) -> None:
        send(proxy, f"http://{LIBRARY}/a.js", *FROM_PAGE)
        assert upstream.arrived[0].values("Referer") == [f"http://{SITE}/"]

    def test_the_site_itself_learns_the_page(self, proxy: int, upstream: Upstream) -> None:
        send(proxy, f"http://{SITE}/a.js", *FROM_PAGE)
        assert upstream.arrived[0].values("Referer") == [PAGE]

    def test_a_declared_header_goes_to_nobody_else(self, proxy: int, upstream: Upstream) -> None:
        for host in (LIBRARY, SITE):
            send(proxy, f"http://{host}/a.js", *FROM_PAGE, ("x-client-data", "CIe2yQE="))
        assert [request.values("x-client-data") for request in upstream.arrived] == [[], ["CIe2yQE="]]

    @pytest.mark.parametrize(
        "name, sent, arrives",
        [
            pytest.param("X-Forwarded-For", "203.0.113.77, 198.51.100.9", "203.0.113.0, 198.51.100.0", id="list"),
            pytest.param("X-Real-IP", "2001:db8:1:2:3:4:5:6", "2001:db8:1::", id="IPv6"),
            pytest.param("Forwarded", "for=203.0.113.77;proto=https", "for=203.0.113.0;proto=https", id="RFC 7239"),
        ],
    )
    def test_addresses_are_shortened_for_the_site_too(
        self, proxy: int, upstream: Upstream, name: str, sent: str, arrives: str
    ) -> None:
        send(proxy, f"http://{SITE}/a.js", *FROM_PAGE, (name, sent))
        assert upstream.arrived[0].values(name) == [arrives]

    def test_bytes_that_are_not_meant_stay_as_they_are(self, proxy: int, upstream: Upstream) -> None:
        odd = (("X-Odd", "a  b;\t c"), ("Cookie", 'session="a b";  basket=x=y '), ("x-ODD", "again"))
        send(proxy, f"http://{LIBRARY}/a%2Fb/..%2f?x=%41&&uid=1&y", *FROM_PAGE, *odd)
        (arrived,) = upstream.arrived
        assert arrived.target == "/a%2Fb/..%2f?x=%41&&uid=1&y"
        kept = [(name, value) for name, value in arrived.fields if name in ("X-Odd", "x-ODD", "Cookie")]
        assert kept == [("X-Odd", "a  b;\t c"), ("Cookie", 'session="a b";  basket=x=y'), ("x-ODD", "again")]


def test_with_none_others_learn_nothing_of_the_page(upstream: Upstream) -> None:
    with running_proxy(policy_with(outgoing={"referrer": "none"}), regular(upstream)) as proxy:
        send(proxy.port, f"http://{LIBRARY}/a.js", *FROM_PAGE)
    assert upstream.arrived[0].values("Referer") == []


@pytest.mark.parametrize("change", [None, Failing("_decide_request")], ids=["decided", "deciding failed"])
def test_what_stands_behind_a_hash_is_not_forwarded(upstream: Upstream, change: Failing | None) -> None:
    with running_proxy(policy_with(), reverse(upstream), change=change) as proxy:
        send(proxy.port, "/b?a=1#?card=4539578763621486", ("Host", SITE))
        send(proxy.port, "/b%23c", ("Host", SITE))
    assert [request.target for request in upstream.arrived] == ["/b?a=1", "/b%23c"]


def test_dropped_addresses_do_not_arrive_behind_a_site_either(upstream: Upstream) -> None:
    with running_proxy(policy_with(outgoing={"forwardedFor": "drop"}), reverse(upstream)) as proxy:
        send(proxy.port, "/", ("Host", SITE), ("X-Forwarded-For", "203.0.113.7"), ("Forwarded", "for=203.0.113.7"))
    assert (upstream.arrived[0].values("X-Forwarded-For"), upstream.arrived[0].values("Forwarded")) == ([], [])


class TestReduced:
    """Passed on without what identifies, because its category is not permitted and its treatment is "reduce"."""

    POLICY = policy_with(identifiers=["respondent*"])

    def test_nothing_in_the_request_identifies(self, proxy: int, upstream: Upstream) -> None:
        target = f"http://{STATS}/hit?page=home&uid=17&respondent_no=4&score=5"
        personal = (
            *(("Cookie", "visitor=v1; other=2"), ("X-Forwarded-For", "203.0.113.7"), ("Authorization", "Basic dTpw")),
            *(("If-None-Match", '"for-you-alone"'), ("If-Modified-Since", "Wed, 21 Oct 2015 07:28:00 GMT")),
        )
        got = send(proxy, target, *FROM_PAGE, *personal)
        (arrived,) = upstream.arrived
        assert arrived.target == "/hit?page=home&score=5"
        assert arrived.values("Referer") == [f"http://{SITE}/"]
        assert {name: arrived.values(name) for name, _ in personal} == {name: [] for name, _ in personal}
        assert got.body == b"from upstream"

    def test_the_answer_sets_nothing(self, proxy: int) -> None:
        assert send(proxy, f"http://{STATS}/hit", *FROM_PAGE).values("Set-Cookie") == []

    @pytest.mark.parametrize(
        "content_type, sent, arrives",
        [
            pytest.param(FORM, "score=5&uid=17&text=a+b", "score=5&text=a+b", id="form"),
            pytest.param(
                "application/json", '{"score": 5, "user": {"email": "j@x.test"}}', '{"score":5,"user":{}}', id="json"
            ),
            pytest.param("application/json", '{"respondentId": 9}', "{}", id="name of the policy"),
        ],
    )
    def test_a_body_loses_what_identifies(
        self, proxy: int, upstream: Upstream, content_type: str, sent: str, arrives: str
    ) -> None:
        send(
            proxy, f"http://{STATS}/hit", *FROM_PAGE, ("Content-Type", content_type), method="POST", body=sent.encode()
        )
        (arrived,) = upstream.arrived
        assert arrived.body.decode() == arrives
        assert arrived.values("Content-Length") == [str(len(arrives))]

    @pytest.mark.parametrize(
        "fields, body",
        [
            pytest.param([("Content-Type", "application/json")], b"{not json", id="broken"),
            pytest.param([("Content-Type", "multipart/form-data; boundary=x")], b"--x--", id="another type"),
            pytest.param([("Content-Type", FORM)], b"a=" + b"x" * 70_000, id="too large to wait for"),
            pytest.param([], b"\x00\x01\x02", id="no type"),
            pytest.param([("Content-Type", FORM), ("Content-Encoding", "br")], b"\x0b\x02\x80", id="packed unknown"),
        ],
    )
    def test_a_body_that_cannot_be_reduced_does_not_leave(
        self, proxy: int, upstream: Upstream, fields: list[tuple[str, str]], body: bytes
    ) -> None:
        got = send(proxy, f"http://{STATS}/hit", *FROM_PAGE, *fields, method="POST", body=body)
        assert got.values("X-Consentry") == ["blocked"]
        assert upstream.arrived == []

    def test_a_chunked_body_does_not_leave(self, proxy: int, upstream: Upstream) -> None:
        fields = (("Content-Type", FORM), ("Transfer-Encoding", "chunked"))
        send(proxy, f"http://{STATS}/hit", *FROM_PAGE, *fields, method="POST", body=b"3\r\na=1\r\n0\r\n\r\n")
        assert upstream.arrived == []

    def test_a_websocket_does_not_open(self, proxy: int, upstream: Upstream) -> None:
        fields = (("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
        send(proxy, f"http://{STATS}/live", ("Origin", f"http://{SITE}"), *fields)
        assert upstream.arrived == []


def test_what_is_recorded_of_edited_requests_replays_to_the_same_decisions(upstream: Upstream, tmp_path: Path) -> None:
    policy = policy_with(outgoing={"referrer": "origin", "drop": ["x-client-data"], "forwardedFor": "drop"})
    record = tmp_path / "visit.flow"
    with running_proxy(policy, regular(upstream, record)) as proxy:
        send(proxy.port, f"http://{STATS}/hit?uid=1&score=5", *FROM_PAGE, ("Cookie", "visitor=1"))
        form = ("Content-Type", FORM)
        send(proxy.port, f"http://{STATS}/hit", *FROM_PAGE, form, method="POST", body=b"uid=1&score=5")
        send(proxy.port, f"http://{STATS}/hit", *FROM_PAGE, form, method="POST", body=b"x" * 70_000)
        send(
            proxy.port, f"http://{LIBRARY}/a.js", *FROM_PAGE, ("X-Client-Data", "x"), ("X-Forwarded-For", "203.0.113.7")
        )
    entries = read_capture(record).entries
    assert [entry.delivered is None for entry in entries] == [False, False, True, False]
    for entry in entries:
        assert entry.recorded is not None
        assert entry.visitor is not None
        assert decision_form(decide(policy, entry.visitor, entry.asked)) == entry.recorded.decision
    first, second, *_ = entries
    assert (first.asked.url.query, first.asked.referrer) == ("uid=1&score=5", PAGE)
    assert first.delivered is not None
    assert (first.delivered.url.query, first.delivered.cookies) == ("score=5", ())
    assert second.body == b"score=5"


def test_the_mark_names_no_value_of_what_was_taken_out(upstream: Upstream, tmp_path: Path) -> None:
    from mitmproxy.io import FlowReader

    record = tmp_path / "visit.flow"
    with running_proxy(policy_with(), regular(upstream, record)) as proxy:
        send(proxy.port, f"http://{STATS}/hit?uid=jane-4711", *FROM_PAGE, ("Cookie", "visitor=jane-4712"))
    with record.open("rb") as file:
        (flow,) = FlowReader(file).stream()
    form = json.loads(flow.metadata[MARK])
    assert {edit["edit"] for edit in form["decision"]["edits"]} >= {"strip-query", "strip-cookie"}
    assert "jane" not in flow.metadata[MARK]
