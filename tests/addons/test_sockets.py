"""WebSockets through the proxy: untouched while they may be, and at an end as soon as the choice has changed."""

import contextlib
import socket
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from mitmproxy.master import Master

from addons.enforce import Enforce
from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.policy import Policy
from cmp.live.enforcement import ConsentServer, Enforcement, Mode
from cmp.live.sockets import AGAIN, Socket
from cmp.seal.cookie import write_cookie
from cmp.seal.keys import SigningKeys, make_keys
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import SITE, TRACKER, shop_policy
from tests.live import Arrived, Upstream, answer, regular, reverse, running_proxy, running_upstream, send, wait_for

NOW = 1_800_000_000.0
ORIGIN = f"http://{SITE}"
# The example of RFC 6455, section 1.3.
HANDSHAKE = (
    *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
SWITCH = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
ACCEPT = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
# What a policy calls collection, on the site's own host.
COLLECT = "/g/collect?tid=1"
POLICY_VIOLATION = b"\x88\x02\x03\xf0"


@dataclass
class Echo:
    """Speaks to each client: shakes hands with the lines of `switch`, then sends back every byte."""

    switch: tuple[str, ...] = (*SWITCH, ACCEPT)
    port: int = 0
    heard: bytearray = field(default_factory=bytearray)
    heads: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    def speak(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(65_536)
                if not part:
                    return
                head += part
            self.heads.append(head)
            self.may_answer.wait(60)
            connection.sendall("\r\n".join([*self.switch, "", ""]).encode())
            while part := connection.recv(65_536):
                self.heard += part
                connection.sendall(part)
        self.over.set()


@contextlib.contextmanager
def echoing(echo: Echo) -> Iterator[Echo]:
    listener = socket.create_server(("127.0.0.1", 0))
    echo.port = listener.getsockname()[1]

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=echo.speak, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield echo
    finally:
        listener.close()


@contextlib.contextmanager
def opened(port: int, target: str, *lines: str) -> Iterator[tuple[socket.socket, bytes]]:
    """A connection on which a handshake was sent, and the head of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        host = target.split("/")[2] if target.startswith("http") else SITE
        head = "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {host}", *HANDSHAKE, *lines, "", ""])
        connection.sendall(head.encode())
        received = b""
        while b"\r\n\r\n" not in received and (part := connection.recv(1)):
            received += part
        yield connection, received


def echoed(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return exactly(connection, len(data))


def exactly(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length and (part := connection.recv(length - len(received))):
        received += part
    return received


def rest(connection: socket.socket) -> bytes:
    """What still comes, up to the end."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65_536):
            received += part
    return received


def enforcing(master: Master) -> Enforce:
    found = master.addons.get("enforce")
    assert isinstance(found, Enforce)
    return found


def masked(opcode: int, payload: bytes, *, end: bool = True, reserved: int = 0) -> bytes:
    """A client's frame (RFC 6455, section 5.2), masked with zeros."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2)
    return bytes([(0x80 if end else 0) | reserved | opcode]) + size + b"\0\0\0\0" + payload


_packer = zlib.compressobj(wbits=-15)
CHATS = [
    pytest.param(masked(1, "Gr\u00fc\u00dfe".encode()), id="text"),
    pytest.param(masked(2, bytes(range(256)) * 40), id="binary"),
    pytest.param(masked(1, b"in ", end=False) + masked(9, b"?") + masked(0, b"two"), id="fragments-around-a-ping"),
    pytest.param(masked(10, b""), id="unasked-pong"),
    pytest.param(masked(1, _packer.compress(b"x" * 99) + _packer.flush(zlib.Z_SYNC_FLUSH), reserved=0x40), id="packed"),
    pytest.param(masked(1, b"x", reserved=0x30), id="extension-nobody-knows"),
    pytest.param(masked(1, b"\xff\xfe"), id="no-utf-8"),
]


@pytest.fixture(scope="class")
def echo() -> Iterator[Echo]:
    with echoing(Echo()) as found:
        yield found


@pytest.fixture(scope="class", params=Mode)
def chat(request: pytest.FixtureRequest, echo: Echo) -> Iterator[int]:
    with running_proxy(Enforcement(shop_policy(), request.param), reverse(Upstream(port=echo.port))) as proxy:
        yield proxy.port


class TestChat:
    @pytest.mark.parametrize("frames", CHATS)
    def test_frames_pass_as_they_are(self, chat: int, frames: bytes) -> None:
        with opened(chat, "/chat") as (connection, head):
            assert head.startswith(b"HTTP/1.1 101 ")
            assert echoed(connection, frames) == frames

    def test_extensions_are_between_the_two_sides(self, chat: int, echo: Echo) -> None:
        extension = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-odd"
        with opened(chat, "/chat", extension):
            assert extension.encode() in echo.heads[-1]

    def test_the_end_of_one_side_is_the_end_of_the_other(self, chat: int, echo: Echo) -> None:
        echo.over.clear()
        with opened(chat, "/chat") as (connection, _):
            echoed(connection, masked(1, b"hello"))
        assert echo.over.wait(60)


def test_nothing_of_what_passes_is_kept() -> None:
    kept: list[int] = []

    class Keeping:
        def socket_done(self, socket: Socket) -> None:
            kept.append(len(socket.flow.get_state().__repr__()))

    with (
        echoing(Echo()) as echo,
        running_proxy(
            shop_policy(), reverse(Upstream(port=echo.port)), change=lambda m: m.addons.add(Keeping())
        ) as proxy,
        opened(proxy.port, "/chat") as (connection, _),
    ):
        # One message that never ends, in fragments that unpack to a thousand times their length.
        packed = zlib.compress(b"\0" * 60_000_000, 9)[:60_000]
        frame = masked(2, packed, end=False, reserved=0x40)
        assert all(echoed(connection, frame) == frame for _ in range(20))
        connection.close()
        assert wait_for(lambda: bool(kept))
    assert kept[0] < 20_000


ODD_SWITCHES = [
    pytest.param((*SWITCH,), id="no-accept"),
    pytest.param((*SWITCH, "Sec-WebSocket-Accept: other"), id="wrong-accept"),
    pytest.param(
        ("HTTP/1.1 101 Switching Protocols", "Upgrade: other", "Connection: Upgrade", ACCEPT), id="no-websocket"
    ),
]


@pytest.mark.parametrize("switch", ODD_SWITCHES)
def test_another_switch_of_protocols_does_not_pass(switch: tuple[str, ...]) -> None:
    with (
        echoing(Echo(switch)) as echo,
        running_proxy(shop_policy(), reverse(Upstream(port=echo.port))) as proxy,
        opened(proxy.port, "/chat") as (_, head),
    ):
        assert head == b""


class TestRegularMode:
    def test_a_handshake_is_decided_like_any_request(self) -> None:
        with echoing(Echo()) as echo, running_proxy(shop_policy(), regular(Upstream(port=echo.port))) as proxy:
            with opened(proxy.port, f"http://{TRACKER}/live", f"Origin: {ORIGIN}") as (_, head):
                assert b"X-Consentry: blocked" in head
            with opened(proxy.port, f"http://{SITE}/chat", f"Origin: {ORIGIN}") as (connection, head):
                assert head.startswith(b"HTTP/1.1 101 ")
                assert echoed(connection, b"hello") == b"hello"
            assert len(echo.heads) == 1

    def test_no_frame_passes_once_the_policy_shuts_the_vendor(self) -> None:
        open_policy = shop_policy(unknown={"host": "allow", "cookie": "allow"}, vendors=[])
        with echoing(Echo()) as echo, running_proxy(open_policy, regular(Upstream(port=echo.port))) as proxy:
            addon = enforcing(proxy.master)
            with (
                opened(proxy.port, f"http://{TRACKER}/live", f"Origin: {ORIGIN}") as (tracking, _),
                opened(proxy.port, f"http://{SITE}/chat", f"Origin: {ORIGIN}") as (chatting, _),
            ):
                assert echoed(tracking, b"before") == b"before"
                assert addon.enforcement is not None
                addon.enforcement = replace(addon.enforcement, policy=shop_policy())
                tracking.sendall(b"after")
                assert rest(tracking) == POLICY_VIOLATION
                assert echoed(chatting, b"and on") == b"and on"
        assert bytes(echo.heard) == b"beforeand on"


@dataclass
class Shop:
    port: int
    addon: Enforce
    policy: Policy
    keys: SigningKeys
    echo: Echo
    answers: list[str]

    def cookie(self, choice: str, record: str = "") -> str:
        supposed = supposed_visitor(self.policy, choice)
        visitor = Visitor(supposed.granted, supposed.refused, NOW, self.policy.fingerprint)
        return "consent=" + write_cookie(self.keys, ConsentSite(ORIGIN), visitor, record)

    def choose(self, old: str, new: str) -> None:
        """What the banner does: a choice goes to the consent server, whose answer sets the new cookie."""
        self.answers[:] = [f"{new}; Path=/; HttpOnly"]
        fields = (("Host", SITE), ("Cookie", old), ("Origin", ORIGIN), ("Sec-Fetch-Site", "same-origin"))
        assert send(self.port, "/.consent/choice", *fields, method="POST", body=b"choice=x").status == 200


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    keys, policy, answers = make_keys(tmp_path / "keys.json"), shop_policy(sites=["shop.test"]), list[str]()

    def consent_server(_request: Arrived) -> bytes:
        return answer(b"{}", *(("Set-Cookie", line) for line in answers))

    with echoing(Echo()) as echo, running_upstream(consent_server) as server:
        consent = ConsentServer(ConsentSite(ORIGIN), keys.public, "127.0.0.1", server.port)
        enforcement = Enforcement(policy, Mode.ENFORCE, consent, clock=lambda: NOW)
        with running_proxy(enforcement, reverse(Upstream(port=echo.port))) as proxy:
            yield Shop(proxy.port, enforcing(proxy.master), policy, keys, echo, answers)


class TestWithdrawal:
    """In front of a site."""

    def test_a_socket_nobody_agreed_to_does_not_open(self, shop: Shop) -> None:
        with opened(shop.port, COLLECT, f"Cookie: {shop.cookie('refuse')}") as (_, head):
            assert b"X-Consentry: blocked" in head

    def test_a_withdrawal_ends_the_socket_at_once(self, shop: Shop) -> None:
        granted = shop.cookie("accept", "record-1")
        with opened(shop.port, COLLECT, f"Cookie: {granted}") as (connection, _):
            assert echoed(connection, b"tracked") == b"tracked"
            shop.choose(granted, shop.cookie("refuse"))
            assert rest(connection) == POLICY_VIOLATION
        assert shop.echo.over.wait(60)
        assert bytes(shop.echo.heard) == b"tracked"

    def test_it_ends_nobody_elses_and_no_necessary_one(self, shop: Shop) -> None:
        mine, yours = shop.cookie("accept", "record-1"), shop.cookie("accept", "record-2")
        with (
            opened(shop.port, COLLECT, f"Cookie: {yours}") as (other, _),
            opened(shop.port, "/chat", f"Cookie: {mine}") as (chat, _),
        ):
            shop.choose(mine, shop.cookie("refuse"))
            assert echoed(other, b"still") == b"still"
            assert echoed(chat, b"chatting") == b"chatting"

    def test_a_choice_that_grants_it_still_leaves_it_open_and_the_next_ends_it(self, shop: Shop) -> None:
        first, second = shop.cookie("accept", "record-1"), shop.cookie("accept", "record-2")
        with opened(shop.port, COLLECT, f"Cookie: {first}") as (connection, _):
            shop.choose(first, second)
            assert echoed(connection, b"still") == b"still"
            shop.choose(second, "consent=; Max-Age=0")
            assert rest(connection) == POLICY_VIOLATION

    def test_a_choice_that_lapsed_ends_it_within_a_minute(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        granted = shop.cookie("accept", "record-1")
        with opened(shop.port, COLLECT, f"Cookie: {granted}") as (connection, _):
            assert echoed(connection, b"tracked") == b"tracked"
            now = shop.addon.enforcement
            assert now is not None
            (socket_found,) = shop.addon.sockets
            # Two years later, and no new policy in between.
            object.__setattr__(now, "clock", lambda: NOW + 2 * 366 * 86_400)
            socket_found._decided_at -= AGAIN + 1
            connection.sendall(b"after")
            assert rest(connection) == POLICY_VIOLATION

    def test_a_socket_on_which_deciding_fails_ends(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        granted = shop.cookie("accept", "record-1")
        with opened(shop.port, COLLECT, f"Cookie: {granted}") as (connection, _):
            now = shop.addon.enforcement
            assert now is not None
            monkeypatch.setattr(shop.addon, "_now", lambda: 1 / 0)
            shop.addon.enforcement = replace(now)
            connection.sendall(b"after")
            assert rest(connection) == POLICY_VIOLATION
        assert bytes(shop.echo.heard) == b""

    def test_a_withdrawal_while_the_server_has_not_answered_yet_counts(self, shop: Shop) -> None:
        granted = shop.cookie("accept", "record-1")
        shop.echo.may_answer.clear()
        with socket.create_connection(("127.0.0.1", shop.port), timeout=60) as connection:
            head = [f"GET {COLLECT} HTTP/1.1", f"Host: {SITE}", *HANDSHAKE, f"Cookie: {granted}", "", ""]
            connection.sendall("\r\n".join(head).encode())
            assert wait_for(lambda: bool(shop.echo.heads))
            shop.choose(granted, shop.cookie("refuse"))
            shop.echo.may_answer.set()
            assert b"101 Switching" in rest(connection)
        assert shop.echo.over.wait(60)
