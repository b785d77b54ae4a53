"""Whose choice a socket is held to that opens when the choice has changed already."""

import pytest
from mitmproxy.test import tflow

from cmp.live.sockets import Socket, Sockets


@pytest.mark.parametrize("seconds, taken", [(599.0, "refused"), (601.0, None)], ids=["while it may be", "later"])
def test_a_choice_is_remembered_as_long_as_a_handshake_can_be_under_way(seconds: float, taken: str | None) -> None:
    now = [1_000.0]
    sockets = Sockets(clock=lambda: now[0])
    sockets.note("consent-1", "accepted")
    sockets.note("consent-1", "refused")
    now[0] += seconds
    socket = Socket(tflow.tflow(), record="consent-1")
    sockets.add(socket)
    assert socket.cookie == taken


def test_no_choice_is_remembered_for_who_had_given_no_consent() -> None:
    sockets = Sockets()
    sockets.note("", "refused")
    socket = Socket(tflow.tflow())
    sockets.add(socket)
    assert socket.cookie is None
