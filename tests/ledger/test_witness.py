"""Heads kept outside, and time stamps on them by an authority of ours on loopback."""

import contextlib
import hashlib
import http.server
import json
import random
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cmp.cli import main
from cmp.ledger.contents import Stored
from cmp.ledger.database import database_of
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.heads import Head, SignedHead, read_head
from cmp.ledger.proving import newest_head, prove, prove_consistency, read_proof
from cmp.ledger.timestamp import ask, stamped_at
from cmp.ledger.verify import verify
from cmp.ledger.witness import append_witnessed, contradiction, read_witnessed
from cmp.seal.keys import SigningKeys, rotate_keys
from tests.ledger.records import filled, given, signer, tamper


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    return signer(tmp_path)


def newest(address: str | Path) -> SignedHead:
    with database_of(address).reading() as connection:
        return newest_head(Stored(connection))


def test_every_commit_signs_the_tree_it_leaves(place: str, keys: SigningKeys) -> None:
    for size in (1, 2, 3):
        filled(place, [given("ads")], signer=keys)
        head = newest(place)
        assert head.head.size == size
        assert head.holds(keys.public_bytes())
        assert head.head.hour % 3600 == 0
    assert verify(place, keys=keys.public_bytes()) == []


def test_heads_signed_before_a_rotation_hold_after_it(tmp_path: Path, keys: SigningKeys) -> None:
    from cmp.seal.keys import read_signing_keys

    file, kept = tmp_path / "l.db", []
    filled(file, [given("ads")], signer=keys)
    kept.append(newest(file))
    rotate_keys(tmp_path / "keys.json")
    after = read_signing_keys(tmp_path / "keys.json")
    filled(file, [given("ads")], signer=after)
    kept.append(newest(file))
    assert kept[0].key != kept[1].key
    # By the keys in the ledger, and by those of the new keys file.
    assert verify(file, kept) == verify(file, kept, keys=after.public_bytes()) == []


def test_a_head_is_read_back_as_it_was_written(tmp_path: Path, keys: SigningKeys) -> None:
    filled(tmp_path / "l.db", [given("ads")], signer=keys)
    head = newest(tmp_path / "l.db")
    append_witnessed(tmp_path / "heads.jsonl", head)
    append_witnessed(tmp_path / "heads.jsonl", head, b"stamp")
    assert [(one.line, one.head, one.timestamp) for one in read_witnessed(tmp_path / "heads.jsonl")] == [
        (1, head, None),
        (2, head, b"stamp"),
    ]


@pytest.mark.parametrize("line", ["{}", "[]", "no", '{"head":{}}', '{"head":7}', "7"])
def test_a_line_that_is_no_head_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "heads.jsonl").write_text(f"{line}\n")
    with pytest.raises(LedgerError, match="line 1 is no tree head") as caught:
        read_witnessed(tmp_path / "heads.jsonl")
    assert caught.value.reason is Reason.CORRUPT


CHANGES = [{"size": -1}, {"size": True}, {"root": "00"}, {"signature": "x"}, {"ledger": 7}]


@pytest.mark.parametrize("change", CHANGES)
def test_a_document_that_can_be_no_head_is_refused(
    tmp_path: Path, keys: SigningKeys, change: dict[str, object]
) -> None:
    filled(tmp_path / "l.db", [given("ads")], signer=keys)
    with pytest.raises(ValueError, match=r"no tree head|base64|padding|hex"):
        read_head({**newest(tmp_path / "l.db").document, **change})


def test_a_witness_takes_no_head_that_contradicts_the_one_before(place: str, keys: SigningKeys, tmp_path: Path) -> None:
    filled(place, [given("ads")] * 3, signer=keys)
    kept = newest(place)
    filled(place, [given("ads")] * 3, signer=keys)
    with database_of(place).reading() as connection:
        assert contradiction(Stored(connection), kept) == ""
    tamper(place, "UPDATE ledger_leaf SET hash = placed WHERE idx = 1")
    with database_of(place).reading() as connection:
        assert "the first 3 records are not those of the head" in contradiction(Stored(connection), kept)
    other = tmp_path / "other.db"
    filled(other, [given("ads")], signer=keys)
    with database_of(other).reading() as connection:
        assert "of another ledger" in contradiction(Stored(connection), kept)


def test_proofs_are_read_back_hold_and_do_not_hold_of_anything_else(place: str, keys: SigningKeys) -> None:
    filled(place, [given("ads")] * 5, signer=keys)
    first = newest(place)
    filled(place, [given("ads")] * 6, signer=keys)
    with database_of(place).reading() as connection:
        contents = Stored(connection)
        inclusion, consistency = prove(contents, 3), prove_consistency(contents, first)
        leaf = next(bytes(found.body) for found in contents.leaves() if found.number == 3)  # type: ignore[call-overload]
    for proof in (inclusion, consistency):
        again = read_proof(json.loads(json.dumps(proof.document)))
        assert again == proof
        assert again.fault(keys.public_bytes()) == ""
        assert "not among those given" in again.fault({})
    assert inclusion.fault(keys.public_bytes(), leaf) == ""
    assert "of another record" in inclusion.fault(keys.public_bytes(), leaf + b" ")
    for member, value in (("index", 4), ("leaf_hash", "00" * 32), ("path", [])):
        wrong = read_proof({**inclusion.document, member: value})
        assert "does not lead" in wrong.fault(keys.public_bytes())
    swapped = read_proof({**consistency.document, "second": consistency.document["first"]})
    assert swapped.fault(keys.public_bytes())


@pytest.mark.parametrize(
    "document", [[], {}, {"proof": "x", "path": []}, {"proof": "x", "path": ["00"]}, {"path": "x"}]
)
def test_what_is_no_proof_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match=r"proof|lacks|hash|kind"):
        read_proof(document)


# ------------------------------------------------------------------------------------------- time stamps

_CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
"""


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def certificates(folder: Path, name: str) -> None:
    """A root, and a certificate for time stamping alone that it signed."""
    root, own = str(folder / f"{name}.pem"), folder / "ext"
    subject = ["-subj", f"/CN={name}", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    openssl("req", "-x509", *subject, "-keyout", str(folder / f"{name}.key"), "-out", root, "-days", "30")
    if name != "root":
        return
    own.write_text("extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature")
    openssl("req", "-new", *subject, "-keyout", str(folder / "tsa.key"), "-out", str(folder / "tsa.csr"))
    signed = ["-CA", root, "-CAkey", str(folder / "root.key"), "-CAcreateserial", "-days", "30", "-extfile", str(own)]
    openssl("x509", "-req", "-in", str(folder / "tsa.csr"), *signed, "-out", str(folder / "tsa.pem"))
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A time stamp authority on loopback: OpenSSL's own, behind a plain HTTP server."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    pytest.importorskip("rfc3161_client", reason="rfc3161-client is not installed")
    folder = tmp_path_factory.mktemp("tsa")
    for name in ("root", "stranger"):
        certificates(folder, name)

    released = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            answer = WRONG[self.path](folder, asked) if self.path in WRONG else Answer(stamp(folder, asked))
            if answer.raw:
                self.wfile.write(answer.raw)
            else:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.type)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
            if answer.slow:
                self.wfile.flush()
                # A byte now and then, so that no single wait is long.
                with contextlib.suppress(OSError):
                    while not released.wait(0.05):
                        self.wfile.write(b"x")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        released.set()
        server.shutdown()
        thread.join()


def stamp(folder: Path, query: bytes) -> bytes:
    (folder / "query").write_bytes(query)
    told = ["-queryfile", str(folder / "query"), "-config", str(folder / "tsa.cnf"), "-out", str(folder / "reply")]
    openssl("ts", "-reply", *told)
    return (folder / "reply").read_bytes()


@dataclass(frozen=True)
class Answer:
    """What an authority that answers wrongly sends: a body with its status and type, or `raw` bytes instead of HTTP."""

    body: bytes = b""
    status: int = 200
    type: str = "application/timestamp-reply"
    raw: bytes = b""
    slow: bool = False


_SHA256, _SHA384 = (bytes.fromhex(f"06096086480165030402{n:02x}") for n in (1, 2))


def der(tag: int, *content: bytes) -> bytes:
    """A short element."""
    joined = b"".join(content)
    assert len(joined) < 128
    return bytes([tag, len(joined)]) + joined


def question(
    asked: bytes, *, algorithm: bytes = b"", digest: bytes = b"", nonce: bool = True, certificate: bool = True
) -> bytes:
    """Another question than the one asked (RFC 3161, section 2.4.1), with what is not named as it was."""
    before, _, rest = asked.partition(b"\x04\x40")
    own, rest = rest[:64], rest[64:]
    named = before[before.index(b"\x06\x09") :]
    length = 2 + rest[1]
    assert rest[:1] == b"\x02"
    assert rest[length:] == b"\x01\x01\xff"
    return der(
        0x30,
        der(0x02, b"\x01"),
        der(0x30, der(0x30, algorithm or named), der(0x04, digest or own)),
        rest[:length] if nonce else b"",
        rest[length:] if certificate else b"",
    )


def granted_otherwise(folder: Path, asked: bytes) -> Answer:
    # PKIStatusInfo stands first.
    reply = stamp(folder, asked)
    assert reply.count(b"\x30\x03\x02\x01\x00") == 1
    return Answer(reply.replace(b"\x30\x03\x02\x01\x00", b"\x30\x03\x02\x01\x01"))


def replayed(folder: Path, asked: bytes) -> Answer:
    """The first answer to any question about the same head, again and again."""
    file = folder / hashlib.sha256(question(asked, nonce=False)).hexdigest()
    if not file.exists():
        file.write_bytes(stamp(folder, asked))
    return Answer(file.read_bytes())


WRONG: dict[str, Callable[[Path, bytes], Answer]] = {
    "/imprint": lambda folder, asked: Answer(stamp(folder, question(asked, digest=bytes(64)))),
    "/algorithm": lambda folder, asked: Answer(stamp(folder, question(asked, algorithm=_SHA256, digest=bytes(32)))),
    "/nonce": replayed,
    "/no-nonce": lambda folder, asked: Answer(stamp(folder, question(asked, nonce=False))),
    "/no-certificate": lambda folder, asked: Answer(stamp(folder, question(asked, certificate=False))),
    # Not among the digests of this authority.
    "/rejected": lambda folder, asked: Answer(stamp(folder, question(asked, algorithm=_SHA384, digest=bytes(48)))),
    "/with-changes": granted_otherwise,
    "/garbage": lambda _folder, _asked: Answer(b"busy"),
    "/empty": lambda _folder, _asked: Answer(),
    "/no-token": lambda _folder, _asked: Answer(der(0x30, der(0x30, der(0x02, b"\x00")))),
    "/cut": lambda folder, asked: Answer(stamp(folder, asked)[:-9]),
    "/longer": lambda folder, asked: Answer(stamp(folder, asked) + b"x"),
    "/type": lambda folder, asked: Answer(stamp(folder, asked), type="text/html"),
    "/status": lambda folder, asked: Answer(stamp(folder, asked), status=503),
    "/huge": lambda _folder, _asked: Answer(bytes(300 * 1024)),
    "/no-http": lambda _folder, _asked: Answer(raw=b"\x00\x01\x02 nothing\r\n\r\n"),
    "/slow": lambda _folder, _asked: Answer(raw=b"HTTP/1.1 200 OK\r\nX-Slow: ", slow=True),
    "/slow-body": lambda _folder, _asked: Answer(raw=b"HTTP/1.0 200 OK\r\n\r\n", slow=True),
}


def test_a_time_stamp_says_when_a_head_was_there(
    authority: tuple[str, Path], tmp_path: Path, keys: SigningKeys
) -> None:
    url, folder = authority
    filled(tmp_path / "l.db", [given("ads")], signer=keys)
    head = newest(tmp_path / "l.db").head
    answer = ask(url, head)
    assert abs(stamped_at(answer, head, folder / "root.pem") - datetime.now(UTC)) < timedelta(minutes=2)
    filled(tmp_path / "l.db", [given("ads")], signer=keys)
    with pytest.raises(ValueError, match="does not verify"):
        stamped_at(answer, newest(tmp_path / "l.db").head, folder / "root.pem")
    with pytest.raises(ValueError, match="does not verify"):
        stamped_at(answer, head, folder / "stranger.pem")


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Head:
    folder = tmp_path_factory.mktemp("stamped")
    filled(folder / "l.db", [given("ads")], signer=signer(folder))
    return newest(folder / "l.db").head


@pytest.mark.parametrize(
    "path, told",
    [
        ("/imprint", "about something else"),
        ("/algorithm", "another hash algorithm than it was asked with (2.16.840.1.101.3.4.2.1)"),
        ("/nonce", "the number of this question"),
        ("/no-nonce", "the number of this question"),
        ("/no-certificate", "left out the certificate"),
        ("/rejected", "refused (status 2: rejected"),
        ("/with-changes", "refused (status 1: granted something else"),
    ],
)
def test_a_time_stamp_for_another_question_is_not_kept(
    authority: tuple[str, Path], head: Head, path: str, told: str
) -> None:
    url = authority[0] + path
    if path == "/nonce":
        ask(url, head)
    with pytest.raises(LedgerError) as caught:
        ask(url, head)
    assert caught.value.reason is Reason.FAILED
    assert url in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "path, told",
    [
        ("/garbage", "does not answer as one"),
        ("/empty", "does not answer as one"),
        ("/no-token", "does not answer as one"),
        ("/cut", "does not answer as one"),
        ("/longer", "does not answer as one"),
        ("/type", "of the type text/html, not application/timestamp-reply"),
        ("/status", "503"),
        ("/huge", "more than 256 kB"),
        ("/no-http", "does not answer as one"),
        ("/slow", "does not answer within 0.3 seconds"),
        ("/slow-body", "does not answer within 0.3 seconds"),
    ],
)
def test_what_answers_otherwise_than_an_authority_is_an_error_that_names_it(
    authority: tuple[str, Path], head: Head, path: str, told: str
) -> None:
    url = authority[0] + path
    with pytest.raises(LedgerError) as caught:
        ask(url, head, wait=0.3 if path.startswith("/slow") else 60)
    assert caught.value.reason is Reason.UNREACHABLE
    assert url in str(caught.value)
    assert told in str(caught.value)


def test_what_is_no_address_of_an_authority_is_not_asked(head: Head) -> None:
    with pytest.raises(LedgerError, match="is no address of a time stamp authority") as caught:
        ask("file:///etc/passwd", head)
    assert caught.value.reason is Reason.ADDRESS


def test_a_kept_time_stamp_that_was_changed_anywhere_does_not_verify_or_says_the_same(
    authority: tuple[str, Path], head: Head
) -> None:
    url, folder = authority
    answer = ask(url, head)
    right, drawn = stamped_at(answer, head, folder / "root.pem"), random.Random(3161)
    for place in [0, 6, *drawn.sample(range(len(answer)), 60)]:
        changed = answer[:place] + bytes([answer[place] ^ 1 << drawn.randrange(8)]) + answer[place + 1 :]
        # The identifiers of algorithms outside of what is signed may be written in two ways.
        with contextlib.suppress(ValueError):
            assert stamped_at(changed, head, folder / "root.pem") == right
    for damaged in (
        b"",
        b"busy",
        answer[:-1],
        answer + b"x",
        granted_otherwise(folder, folder.joinpath("query").read_bytes()).body,
    ):
        with pytest.raises(ValueError, match="does not verify"):
            stamped_at(damaged, head, folder / "root.pem")


def test_time_stamps_beside_heads_are_verified_and_one_of_another_head_is_named(
    authority: tuple[str, Path], tmp_path: Path, keys: SigningKeys, capsys: pytest.CaptureFixture[str]
) -> None:
    (url, folder), ledger, heads = authority, tmp_path / "l.db", tmp_path / "heads.jsonl"
    head, verify_them = ["ledger", "head", str(ledger), "--append", str(heads), "--tsa"], ["ledger", "verify"]
    verify_them += [str(ledger), "--witness", str(heads), "--tsa-certificates", str(folder / "root.pem")]
    for _ in range(2):
        filled(ledger, [given("ads")], signer=keys)
        assert main([*head, url]) == 0
    assert main([*head, f"{url}/imprint"]) == 2
    assert "about something else" in capsys.readouterr().err
    assert main(verify_them) == 0
    assert capsys.readouterr().out.count("time stamp: ") == 2
    lines = [json.loads(line) for line in heads.read_text().splitlines()]
    lines[1]["timestamp"] = lines[0]["timestamp"]
    heads.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert main(verify_them) == 1
    assert f"{heads}, line 2: the time stamp does not verify" in capsys.readouterr().out
