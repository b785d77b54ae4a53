"""Bodies that are of the wrong kind, too large, too slow or broken; and methods."""

import socket
import threading

import pytest
from aiohttp import StreamReader

from cmp.server import bodies
from tests.server.site import ORIGIN, Running


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "multipart/form-data; boundary=x", "application/jsonx", "application/csp-report", "text/html", "x"],
)
def test_neither_json_nor_a_form_is_refused(server: Running, media_type: str) -> None:
    answer = server.post("choice", b'{"choice":"accept"}', media_type)
    assert (answer.status, answer.code) == (415, "media-type")


def test_no_media_type_at_all_is_refused(server: Running) -> None:
    answer = server.post("choice", b'{"choice":"accept"}', "")
    assert (answer.status, answer.code) == (415, "media-type")


def test_parameters_of_a_media_type_and_its_case_do_not_matter(server: Running) -> None:
    assert server.post("choice", b'{"choice":"accept"}', "Application/JSON; charset=utf-8").status == 200


def test_two_media_types_are_refused(server: Running) -> None:
    fields = [("Sec-Fetch-Site", "same-origin"), ("Content-Type", "application/json"), ("Content-Type", "text/plain")]
    assert server.ask("POST", "/.consent/choice", fields, b'{"choice":"accept"}').status in (400, 415)


def test_a_compressed_body_is_refused_unread(server: Running) -> None:
    answer = server.post("choice", b"\x1f\x8b", "application/json", Content_Encoding="gzip")
    assert (answer.status, answer.code) == (415, "media-type")


def test_sixteen_kilobytes_are_enough(server: Running) -> None:
    fits = b'{"choice":"accept"}'.ljust(bodies.LIMIT)
    assert server.post("choice", fits, "application/json").status == 200
    answer = server.post("choice", fits + b" ", "application/json")
    assert (answer.status, answer.code) == (413, "too-large")
    form = server.post("choice", b"choice=accept&x=" + b"x" * bodies.LIMIT, "application/x-www-form-urlencoded")
    assert (form.status, form.value("Content-Type")) == (413, "text/html; charset=utf-8")


def open_request(server: Running, *fields: str, body: bytes = b"") -> socket.socket:
    """A request whose head, and `body` in the same packet, have been sent."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    head = ["POST /.consent/choice HTTP/1.1", "Host: www.shop.test", "Content-Type: application/json", *fields]
    connection.sendall("\r\n".join([*head, f"Origin: {ORIGIN}", "", ""]).encode() + body)
    return connection


def test_chunks_without_end_are_cut_off(server: Running) -> None:
    with open_request(server, "Transfer-Encoding: chunked") as connection:
        connection.sendall((b"1000\r\n" + b" " * 4096 + b"\r\n") * 8)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_does_not_come_is_not_waited_for(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.3)
    with open_request(server, "Content-Length: 50") as connection:
        connection.sendall(b'{"choice"')
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert server.get("health").status == 200


def test_a_body_that_breaks_off_stores_nothing(server: Running) -> None:
    with open_request(server, "Transfer-Encoding: chunked", body=b"zz\r\n") as connection:
        assert b" 400 " in connection.recv(4096).partition(b"\r\n")[0]
    with open_request(server, "Content-Length: 50") as connection:
        connection.sendall(b'{"choice":"accept"}')
    assert server.get("health").status == 200


def test_a_bad_chunk_that_comes_late_ends_by_patience(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    # aiohttp does not wake a handler that already waits for the body.
    monkeypatch.setattr(bodies, "PATIENCE", 1.0)
    waits, readany = threading.Event(), StreamReader.readany

    async def told(body: StreamReader) -> bytes:
        waits.set()
        return await readany(body)

    monkeypatch.setattr(StreamReader, "readany", told)
    with open_request(server, "Transfer-Encoding: chunked") as connection:
        assert waits.wait(60)
        connection.sendall(b"zz\r\n")
        assert b" 408 " in connection.recv(4096).partition(b"\r\n")[0]
    assert server.get("health").status == 200


@pytest.mark.parametrize(
    "name, allowed",
    [
        ("", "GET, HEAD"),
        ("state", "GET, HEAD"),
        ("embed/chat", "GET, POST, HEAD"),
        ("guard.js", "GET, HEAD"),
        ("banner.js", "GET, HEAD"),
        ("banner.css", "GET, HEAD"),
        ("health", "GET, HEAD"),
        ("choice", "POST"),
        ("withdraw", "POST"),
        ("report", "POST"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_methods(server: Running, name: str, allowed: str, method: str) -> None:
    if method in allowed:
        return
    answer = server.ask(method, f"/.consent/{name}", {"Sec-Fetch-Site": "same-origin"})
    assert (answer.status, answer.code) == (405, "method")
    assert answer.value("Allow") == allowed


def test_head_is_get_without_the_body(server: Running) -> None:
    head, get = server.ask("HEAD", "/.consent/banner.css"), server.ask("GET", "/.consent/banner.css")
    assert (head.status, head.body) == (200, b"")
    assert head.value("Content-Length") == str(len(get.body))
    assert head.value("ETag") == get.value("ETag")
