"""Numbers, places and confined cookies go where the policy says: not a byte of a body that holds one leaves."""

import gzip
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.io import FlowReader

from addons.connect_to import Route
from cmp.capture.flow_exchange import read_mark
from cmp.capture.reading import read_capture
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from cmp.core.policy import Policy
from cmp.live.enforcement import Enforcement, Mode
from cmp.live.listening import Listening
from cmp.proxy import ProxySettings
from tests.addons.test_enforce import SITE, shop_policy
from tests.live import Arrived, Upstream, answer, regular, reverse, running_proxy, running_upstream, send

CARD, PAY, LIBRARY = "4539578763621486", "pay.test", "cdn.lib.test"
FORM, JSON = ("Content-Type", "application/x-www-form-urlencoded"), ("Content-Type", "application/json")
FROM_SITE = (("Referer", f"http://{SITE}/checkout"), ("Accept", "*/*"))
CHAT = "c7f3a9d2e8b64c51"


def policy() -> Policy:
    return shop_policy(
        vendors=[
            {"id": "pay", "name": "Pay", "category": "necessary", "hosts": [PAY]},
            {"id": "cdn", "name": "Library", "category": "necessary", "hosts": ["lib.test"]},
        ],
        categories={
            "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
            "location": {"basis": "consent", "title": {"en": "Location"}},
        },
        cookies=[{"name": "chat", "category": "necessary", "hosts": ["shop.test"], "confined": True}],
        sensitive=[{"data": "card-number", "to": ["vendor:pay"]}],
        location={"category": "location", "to": ["own"]},
        sites=["shop.test"],
        unknown={"host": "allow", "cookie": "allow"},
    )


def upstream_answers(request: Arrived) -> bytes:
    fields = [("Set-Cookie", f"chat={CHAT}; Path=/")] if request.target == "/chat" else []
    return answer(b"from upstream", ("Content-Type", "text/plain"), *fields)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(upstream_answers) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()
    upstream.connections = 0


@pytest.fixture(scope="class")
def proxy(upstream: Upstream) -> Iterator[int]:
    with running_proxy(policy(), regular(upstream)) as running:
        yield running.port


@pytest.fixture(scope="class")
def observed(upstream: Upstream) -> Iterator[int]:
    with running_proxy(Enforcement(policy(), Mode.OBSERVE), regular(upstream)) as running:
        yield running.port


BODIES = [
    pytest.param((FORM,), f"number={CARD}&cvc=1".encode(), id="form"),
    pytest.param((JSON,), f'{{"payment": {{"card": "{CARD}"}}}}'.encode(), id="json"),
    pytest.param((FORM, ("Content-Encoding", "gzip")), gzip.compress(f"number={CARD}".encode()), id="packed"),
    pytest.param((FORM,), f"number={CARD}&pad=".encode() + b"x" * 60_000, id="as large as is waited for"),
]


class TestEnforced:
    @pytest.mark.parametrize("fields, body", BODIES)
    def test_hc_6_a_card_number_goes_to_no_host_that_does_not_take_them(
        self, proxy: int, upstream: Upstream, fields: tuple[tuple[str, str], ...], body: bytes
    ) -> None:
        got = send(proxy, f"http://{LIBRARY}/collect", *FROM_SITE, *fields, method="POST", body=body)
        assert got.values("X-Consentry") == ["blocked"]
        assert (upstream.arrived, upstream.connections) == ([], 0)

    @pytest.mark.parametrize("fields, body", BODIES)
    def test_cu_16_the_payment_provider_gets_it_byte_for_byte(
        self, proxy: int, upstream: Upstream, fields: tuple[tuple[str, str], ...], body: bytes
    ) -> None:
        send(proxy, f"http://{PAY}/charge", *FROM_SITE, *fields, method="POST", body=body)
        assert [request.body for request in upstream.arrived] == [body]

    def test_hc_6_not_in_the_query_either(self, proxy: int, upstream: Upstream) -> None:
        got = send(proxy, f"http://{LIBRARY}/x?n={CARD}", ("Sec-Fetch-Dest", "image"), *FROM_SITE)
        assert got.values("Content-Type") == ["image/gif"]
        assert upstream.connections == 0

    def test_a_body_too_large_to_wait_for_is_broken_off(self, proxy: int, upstream: Upstream) -> None:
        body = b"filler=" + b"x" * 200_000 + f"&number={CARD}&more=".encode() + b"y" * 50_000
        got = send(proxy, f"http://{LIBRARY}/x", *FROM_SITE, FORM, method="POST", body=body)
        assert got.status == 0
        assert upstream.arrived == []

    def test_a_large_body_without_one_arrives_whole(self, proxy: int, upstream: Upstream) -> None:
        body = b"filler=" + bytes(range(32, 127)) * 3_000
        send(proxy, f"http://{LIBRARY}/x", *FROM_SITE, FORM, method="POST", body=body)
        assert [request.body for request in upstream.arrived] == [body]

    def test_a_large_packed_body_does_not_leave(self, proxy: int, upstream: Upstream) -> None:
        noise = bytes((n * n * 31 + n // 7) % 251 for n in range(200_000))
        fields = (FORM, ("Content-Encoding", "br"))
        got = send(proxy, f"http://{LIBRARY}/x", *FROM_SITE, *fields, method="POST", body=noise)
        assert got.values("X-Consentry") == ["blocked"]
        assert upstream.connections == 0

    def test_hc_28_a_place_goes_to_nobody_without_permission(self, proxy: int, upstream: Upstream) -> None:
        for host in (LIBRARY, SITE):
            got = send(proxy, f"http://{host}/x?lat=52.520008&lon=13.404954", *FROM_SITE)
            assert got.values("X-Consentry") == ["blocked"]
        assert upstream.arrived == []

    def test_cu_13_the_chat_cookie_is_found_in_no_request_to_another_host(self, proxy: int, upstream: Upstream) -> None:
        send(proxy, f"http://{SITE}/chat", *FROM_SITE)
        assert send(proxy, f"http://{SITE}/x?c={CHAT}", *FROM_SITE).status == 200
        upstream.arrived.clear()
        body = f"visitor={CHAT}".encode()
        assert send(proxy, f"http://{LIBRARY}/x?c={CHAT}", *FROM_SITE).values("X-Consentry") == ["blocked"]
        posted = send(proxy, f"http://{LIBRARY}/x", *FROM_SITE, FORM, method="POST", body=body)
        assert posted.values("X-Consentry") == ["blocked"]
        assert upstream.arrived == []


class TestObserved:
    @pytest.mark.parametrize("size", [pytest.param(0, id="small"), pytest.param(200_000, id="large")])
    def test_nothing_is_held_back(self, observed: int, upstream: Upstream, size: int) -> None:
        body = f"number={CARD}&pad=".encode() + b"x" * size
        assert (
            send(observed, f"http://{LIBRARY}/x", *FROM_SITE, FORM, method="POST", body=body).body == b"from upstream"
        )
        assert [request.body for request in upstream.arrived] == [body]


@pytest.mark.parametrize(
    "framing, before, after",
    [
        pytest.param("Transfer-Encoding: chunked", b"5\r\n", b"\r\n", id="of unknown length"),
        pytest.param("Content-Length: 15", b"", b"", id="small"),
        pytest.param("Content-Length: 200000", b"", b"", id="large"),
    ],
)
@pytest.mark.parametrize("failing", [False, True], ids=["heard", "looking fails"])
def test_where_only_observed_each_part_of_an_upload_is_passed_on_as_it_comes(
    monkeypatch: pytest.MonkeyPatch, framing: str, before: bytes, after: bytes, failing: bool
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("made to fail")

    if failing:
        monkeypatch.setattr(Listening, "_take", fail)
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings = ProxySettings("regular", routes=(Route("", 0, "127.0.0.1", server.getsockname()[1]),))
        with (
            running_proxy(Enforcement(policy(), Mode.OBSERVE), settings) as proxy,
            socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as client,
        ):
            head = f"POST http://{LIBRARY}/x HTTP/1.1\r\nHost: {LIBRARY}\r\n{framing}\r\n\r\n"
            client.sendall(head.encode())
            # The proxy connects when it is to forward something.
            client.sendall(before + b"part1" + after)
            server.settimeout(60)
            with server.accept()[0] as arriving:
                arriving.settimeout(60)
                received = b""
                for part in (b"part1", b"part2"):
                    while part not in received:
                        received += arriving.recv(65_536)
                    client.sendall(before + b"part2" + after)
    assert b"part1" in received


@pytest.mark.parametrize("mode", Mode)
def test_what_is_recorded_says_what_was_carried_and_replays(upstream: Upstream, tmp_path: Path, mode: Mode) -> None:
    record, large = tmp_path / "visit.flow", b"x" * 200_000
    with running_proxy(Enforcement(policy(), mode), regular(upstream, record)) as proxy:
        for host, body in ((LIBRARY, b""), (LIBRARY, large), (PAY, b""), (LIBRARY, None)):
            sent = b"nothing=1" if body is None else f"number={CARD}&pad=".encode() + body
            send(proxy.port, f"http://{host}/x", *FROM_SITE, FORM, method="POST", body=sent)
    with record.open("rb") as file:
        marks = [read_mark(flow) for flow in FlowReader(file).stream() if isinstance(flow, http.HTTPFlow)]
    found = [(sorted(mark.carries), mark.decision["action"]) for mark in marks if mark]
    card = ["card-number"]
    assert found == [(card, "block"), (card, "block"), (card, "allow"), ([], "allow")]
    entries = read_capture(record).entries
    assert [entry.delivered is None for entry in entries] == [mode is Mode.ENFORCE] * 2 + [False] * 2
    for entry in entries:
        assert entry.recorded is not None
        assert entry.visitor is not None
        assert decision_form(decide(policy(), entry.visitor, entry.asked)) == entry.recorded.decision
    # The numbers themselves are not in the recording, and what holds none is.
    assert CARD.encode() not in record.read_bytes()
    assert entries[3].body == b"nothing=1"


def test_behind_a_site_its_own_forms_pass(upstream: Upstream) -> None:
    body = f"lat=52.520008&lon=13.404954&card={CARD}".encode()
    with running_proxy(policy(), reverse(upstream)) as proxy:
        got = send(proxy.port, "/form", ("Host", SITE), FORM, method="POST", body=b"name=Jane")
        stopped = send(proxy.port, "/form", ("Host", SITE), FORM, method="POST", body=body)
    assert (got.status, stopped.values("X-Consentry")) == (200, ["blocked"])
    assert [request.body for request in upstream.arrived] == [b"name=Jane"]
