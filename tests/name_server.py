"""A name server of ours on loopback, for tests: it answers from a table and remembers what it was asked.

May go in here: answering, badly too, and remembering. May not: assertions.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


def packed(name: str) -> bytes:
    """A name as it stands in messages (RFC 1035, section 3.1)."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def reply(question: bytes, *aliases: tuple[str, str], seconds: int = 300, number: int | None = None) -> bytes:
    """An answer that says of each first name that it is another one for the second."""
    end = question.index(b"\0", 12) + 5
    head = struct.pack("!6H", int.from_bytes(question[:2]) if number is None else number, 0x8180, 1, len(aliases), 0, 0)
    records = b"".join(
        packed(owner) + struct.pack("!HHIH", 5, 1, seconds, len(packed(to))) + packed(to) for owner, to in aliases
    )
    return head + question[12:end] + records


def asked_name(question: bytes) -> str:
    labels, at = [], 12
    while size := question[at]:
        labels.append(question[at + 1 : at + 1 + size].decode())
        at += 1 + size
    return ".".join(labels)


@dataclass
class NameServer:
    """`aliases` from name to name; `answering` makes the datagrams that go back, none for silence."""

    aliases: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0
    answering: Callable[[bytes], list[bytes]] | None = None

    def answer(self, question: bytes) -> list[bytes]:
        if self.answering is not None:
            return self.answering(question)
        chain, name = [], asked_name(question)
        while name in self.aliases:
            chain.append((name, self.aliases[name]))
            name = self.aliases[name]
        return [reply(question, *chain)]


@contextlib.contextmanager
def running_name_server(aliases: Mapping[str, str] | None = None) -> Iterator[NameServer]:
    server = NameServer(aliases or {})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        server.port = listening.getsockname()[1]

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    question, client = listening.recvfrom(4_096)
                    if not question:
                        return
                    server.asked.append(asked_name(question))
                    for data in server.answer(question):
                        listening.sendto(data, client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            # An empty datagram ends it.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
                ending.sendto(b"", ("127.0.0.1", server.port))
            thread.join(60)
