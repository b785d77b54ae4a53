"""Heads kept outside, and time stamps on them by an authority of ours on loopback."""

import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cmp.ledger.contents import Stored
from cmp.ledger.database import database_of
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.heads import SignedHead, read_head
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

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            told = [
                "-queryfile",
                str(folder / "query"),
                "-config",
                str(folder / "tsa.cnf"),
                "-out",
                str(folder / "reply"),
            ]
            openssl("ts", "-reply", *told)
            body = b"busy" if self.path == "/broken" else (folder / "reply").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


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


@pytest.mark.parametrize(
    "path, reason", [("/broken", Reason.UNREACHABLE), ("file:///etc/passwd", Reason.ADDRESS)], ids=["no answer", "file"]
)
def test_an_authority_that_is_none_is_an_error_that_names_it(
    authority: tuple[str, Path], tmp_path: Path, keys: SigningKeys, path: str, reason: Reason
) -> None:
    filled(tmp_path / "l.db", [given("ads")], signer=keys)
    url = path if "://" in path else authority[0] + path
    with pytest.raises(LedgerError) as caught:
        ask(url, newest(tmp_path / "l.db").head)
    assert caught.value.reason is reason
    assert url in str(caught.value)
