"""A number in a streamed body never reaches the server: a real Master between a raw client and a raw server."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from mitmproxy import http
from mitmproxy.master import Master

from cmp.capture.carrying import Carrying
from cmp.capture.flow_exchange import observe_flow
from cmp.core.consent import NO_CHOICE
from cmp.core.policy import Policy, SensitiveRule, Unknown
from cmp.live.bodies import HELD, end_exchange, scan
from tests.core.examples import compiled
from tests.live import Upstream, regular, running_proxy, wait_for

CARD = b"4539578763621486"
HOST = "collector.test"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@dataclass
class Server:
    """Keeps every byte that comes, and whether the connection ended; answers what `until` says is a whole request."""

    until: bytes = b"\r\n0\r\n\r\n"
    port: int = 0
    received: bytearray = field(default_factory=bytearray)
    ended: threading.Event = field(default_factory=threading.Event)

    def serve(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError):
                    while part := connection.recv(65_536):
                        self.received += part
                        if self.received.endswith(self.until):
                            connection.sendall(ANSWER)
                            break
                self.ended.set()


@pytest.fixture
def server() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Server(port=listening.getsockname()[1])
        threading.Thread(target=found.serve, args=(listening,), daemon=True).start()
        yield found


class Scanning:
    """What the enforcing addon does with a body that is to be scanned."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.carrying = policy, Carrying(policy)
        self.found: list[frozenset[str]] = []
        self.errors: list[str] = []

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        exchange = observe_flow(flow, reverse=False)

        def stop(carried: frozenset[str]) -> None:
            self.found.append(carried)
            end_exchange(flow)

        flow.request.stream = scan(self.policy, NO_CHOICE, exchange, self.carrying, flow.request, stop=stop)

    def error(self, flow: http.HTTPFlow) -> None:
        self.errors.append(flow.id)


def guarded_policy() -> Policy:
    rule = SensitiveRule("sensitive:card-number", own=True, vendors=frozenset({"pay"}))
    return replace(compiled(), unknown_host=Unknown.ALLOW, sensitive={"card-number": rule})


@pytest.fixture
def scanning(server: Server) -> Iterator[tuple[Scanning, int]]:
    addon = Scanning(guarded_policy())

    def add(master: Master) -> None:
        master.addons.add(addon)

    with running_proxy(replace(addon.policy, sensitive={}), regular(Upstream(port=server.port)), change=add) as proxy:
        yield addon, proxy.port


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def head(*fields: str) -> bytes:
    lines = [f"POST http://{HOST}/collect HTTP/1.1", f"Host: {HOST}", "Origin: https://www.shop.test", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def all_of(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65_536):
            received += part
    return received


FILLER = b'{"event":"input","text":"' + b"lorem ipsum " * 1_000


def test_a_number_split_over_two_chunks_never_reaches_the_server(
    server: Server, scanning: tuple[Scanning, int]
) -> None:
    addon, port = scanning
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(head("Transfer-Encoding: chunked") + chunk(FILLER + CARD[:7]))
        # The server has the beginning before the second half of the number is sent.
        assert wait_for(lambda: b"lorem ipsum" in server.received)
        with contextlib.suppress(ConnectionError):
            client.sendall(chunk(CARD[7:] + b'"}' + b" " * HELD) + chunk(b"more") + b"0\r\n\r\n")
        answered = all_of(client)
    assert answered == b""
    assert addon.found == [frozenset({"card-number"})]
    assert server.ended.wait(60)
    # Not the number, not its first half, and not the end of a request: the server knows that it was broken off.
    assert CARD[:7] not in server.received
    assert b"0\r\n\r\n" not in server.received
    assert wait_for(lambda: len(addon.errors) == 1)


def test_a_number_in_the_last_bytes_of_a_body_never_reaches_the_server(
    server: Server, scanning: tuple[Scanning, int]
) -> None:
    addon, port = scanning
    body = FILLER + CARD + b'"}'
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(head(f"Content-Length: {len(body)}") + body[:-20])
        assert wait_for(lambda: b"lorem ipsum" in server.received)
        with contextlib.suppress(ConnectionError):
            client.sendall(body[-20:])
        assert all_of(client) == b""
    assert addon.found == [frozenset({"card-number"})]
    assert server.ended.wait(60)
    assert CARD[:4] not in server.received
    assert len(server.received.partition(b"\r\n\r\n")[2]) < len(body)


@pytest.mark.parametrize("size", [1, 50, 5_000, 100_000], ids="{} bytes a chunk".format)
def test_a_body_with_nothing_in_it_arrives_byte_for_byte(
    server: Server, scanning: tuple[Scanning, int], size: int
) -> None:
    addon, port = scanning
    body = (FILLER + b'"}')[: 3_000 if size == 1 else None]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(head("Transfer-Encoding: chunked"))
        client.sendall(b"".join(chunk(body[at : at + size]) for at in range(0, len(body), size)) + b"0\r\n\r\n")
        assert all_of(client).endswith(b"ok")
    received, arrived = bytes(server.received).partition(b"\r\n\r\n")[2], b""
    while (length := int(received.partition(b"\r\n")[0], 16)) > 0:
        start = received.index(b"\r\n") + 2
        arrived, received = arrived + received[start : start + length], received[start + length + 2 :]
    assert arrived == body
    assert addon.found == []
