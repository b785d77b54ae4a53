"""Collection on the site's own server: told by path, query and body, and stopped like the vendor it is for."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.capture.reading import read_capture
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from cmp.core.policy import Policy
from tests.addons.test_enforce import SITE, shop_policy
from tests.live import Upstream, regular, reverse, running_proxy, running_upstream, send

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
CATEGORIES = {
    "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
    "analytics": {"basis": "consent", "title": {"en": "Analytics"}},
    "trends": {"basis": "consent", "title": {"en": "Trends"}, "treatment": "reduce"},
}
VENDORS = [
    {
        "id": "stats",
        "name": "Stats",
        "category": "analytics",
        "signatures": [
            {"path": "/g/collect", "query": ["tid=G-*", "v=2"]},
            {"path": "/api/*", "body": ["client_id", "events"]},
            {"path": "/api/*", "body": ["en=page_view"]},
            {"path": "/api/*", "body": ["survey"], "category": "trends"},
        ],
    }
]


def policy(**changes: object) -> Policy:
    return shop_policy(categories=CATEGORIES, vendors=VENDORS, sites=[SITE], **changes)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream() as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()


@pytest.fixture(scope="class")
def port(upstream: Upstream) -> Iterator[int]:
    with running_proxy(policy(), reverse(upstream)) as proxy:
        yield proxy.port


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


HIT = json.dumps({"client_id": "1.2", "events": [{"name": "page_view", "params": {"x": 1}}]}).encode()
STOPPED = [
    pytest.param("/g/collect?v=2&tid=G-1&cid=7", (), b"", id="path and query"),
    pytest.param("/api/t", (("Content-Type", JSON),), HIT, id="JSON"),
    pytest.param("/api/t", (("Content-Type", "text/plain"),), HIT, id="JSON under another type"),
    pytest.param("/api/t", (("Content-Type", FORM),), b"client_id=1&events=x", id="form"),
    pytest.param("/api/t", (("Content-Type", FORM),), b"a=1&en=page_view", id="a value"),
    pytest.param("/api/t", (("Content-Type", JSON),), b'{"hits": [{"x": {"en": "page_view"}}]}', id="deep down"),
    pytest.param("/%61pi/t", (("Content-Type", JSON),), HIT, id="the path spelt otherwise"),
    pytest.param("/api/t", (("Content-Type", JSON), ("Content-Encoding", "br")), b"\x0b\x02", id="packed, unreadable"),
    pytest.param("/api/t", (("Transfer-Encoding", "chunked"),), chunked(HIT), id="in chunks"),
    pytest.param("/api/t", (("Content-Type", JSON),), HIT + b" " * 70_000, id="padded behind"),
    pytest.param("/api/t", (("Content-Type", JSON),), b" " * 70_000 + HIT, id="padded before"),
]
PASSING = [
    pytest.param("/g/collect?v=1&tid=G-1", (), b"", id="another query"),
    pytest.param("/api/t", (("Content-Type", JSON),), b'{"client_id": 1}', id="one of two"),
    pytest.param("/api/t", (("Content-Type", FORM),), b"en=purchase", id="another value"),
    pytest.param("/other", (("Content-Type", JSON),), HIT, id="another path"),
    pytest.param("/api/t", (), b"", id="no body"),
    pytest.param("/api/t", (("Transfer-Encoding", "chunked"),), chunked(b'{"order": 7}'), id="an order, in chunks"),
]


class TestInFrontOfASite:
    @pytest.mark.parametrize("target, fields, body", STOPPED)
    def test_what_collects_does_not_arrive(
        self, port: int, upstream: Upstream, target: str, fields: tuple[tuple[str, str], ...], body: bytes
    ) -> None:
        send(port, target, ("Host", SITE), *fields, method="POST" if body else "GET", body=body)
        assert [request for request in upstream.arrived if request.body or "collect" in request.target] == []

    @pytest.mark.parametrize("target, fields, body", PASSING)
    def test_what_does_not_collect_arrives(
        self, port: int, upstream: Upstream, target: str, fields: tuple[tuple[str, str], ...], body: bytes
    ) -> None:
        got = send(port, target, ("Host", SITE), *fields, method="POST" if body else "GET", body=body)
        assert got.status == 200
        assert len(upstream.arrived) == 1

    def test_what_may_go_without_identifiers_loses_them(self, port: int, upstream: Upstream) -> None:
        body = b"survey=1&score=5&email=j%40x.test"
        send(port, "/api/t", ("Host", SITE), ("Content-Type", FORM), ("Cookie", "session=1"), method="POST", body=body)
        (arrived,) = upstream.arrived
        assert (arrived.body, arrived.values("Cookie")) == (b"survey=1&score=5", [])


def test_what_was_stopped_replays_to_the_same_decision(upstream: Upstream, tmp_path: Path) -> None:
    record, ruled = tmp_path / "visit.flow", policy()
    with running_proxy(ruled, regular(upstream, record)) as proxy:
        fields = (("Referer", f"http://{SITE}/"), ("Content-Type", JSON))
        send(proxy.port, f"http://{SITE}/api/t", *fields, method="POST", body=HIT)
        send(proxy.port, f"http://{SITE}/api/t", *fields, method="POST", body=b'{"order": 7}')
    collecting, order = read_capture(record).entries
    for entry in (collecting, order):
        assert entry.recorded is not None
        assert entry.visitor is not None
        assert decision_form(decide(ruled, entry.visitor, entry.asked)) == entry.recorded.decision
    assert collecting.recorded is not None
    assert collecting.recorded.decision["vendor"] == "stats"
    assert "client_id" in collecting.recorded.decision["rule"]
    assert order.delivered is not None
