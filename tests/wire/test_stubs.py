"""What a browser gets in place of a blocked answer."""

import pytest

from cmp.core.exchange import Kind
from cmp.wire.stubs import stub_for


@pytest.mark.parametrize(
    "kind, status, media_type",
    [
        (Kind.IMAGE, 200, "image/gif"),
        (Kind.SCRIPT, 200, "text/javascript"),
        (Kind.STYLE, 200, "text/css"),
        (Kind.FRAME, 200, "text/html; charset=utf-8"),
        (Kind.BEACON, 204, "text/plain"),
        pytest.param(Kind.FETCH, 403, "text/plain; charset=utf-8", id="a page may notice that a call failed"),
        pytest.param(Kind.WEBSOCKET, 403, "text/plain; charset=utf-8", id="nor is a WebSocket opened"),
    ],
)
def test_a_stub_is_of_the_kind_asked_for(kind: Kind, status: int, media_type: str) -> None:
    stub = stub_for(kind)
    assert (stub.status, stub.media_type) == (status, media_type)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_one_and_none_asks_for_anything_else(kind: Kind) -> None:
    stub = stub_for(kind)
    assert b"http" not in stub.body
    assert b"src=" not in stub.body


def test_the_pixel_is_a_gif() -> None:
    assert stub_for(Kind.IMAGE).body.startswith(b"GIF89a")
    assert stub_for(Kind.IMAGE).body.endswith(b";")


def test_an_answer_without_content_has_no_body() -> None:
    assert stub_for(Kind.BEACON).body == b""
