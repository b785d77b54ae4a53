"""New keys: what earlier ones signed goes on holding, and they sign nothing any more."""

import json
import stat
from pathlib import Path

import pytest

from cmp.seal.keys import (
    KeysError,
    SigningKeys,
    announce_key,
    make_keys,
    public_file,
    read_public_keys,
    read_signing_keys,
    rotate_keys,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    make_keys(tmp_path / "keys.json")
    return tmp_path / "keys.json"


def first(keys: SigningKeys) -> str:
    return next(iter(keys.keys))


def test_what_was_signed_before_a_rotation_holds_after_it_and_after_the_next(file: Path) -> None:
    signed = [read_signing_keys(file).sign(b"0")]
    for number in (b"1", b"2"):
        rotate_keys(file)
        signed.append(read_signing_keys(file).sign(number))
    assert len({id_ for id_, _ in signed}) == 3
    for keys in (read_signing_keys(file).public, read_public_keys(public_file(file)), read_public_keys(file)):
        assert all(keys.verifies(id_, signature, b"%d" % at) for at, (id_, signature) in enumerate(signed))
        assert not keys.verifies(signed[0][0], signed[1][1], b"1")


def test_a_key_before_leaves_no_private_half_behind(file: Path) -> None:
    before = json.loads(file.read_text())["keys"][0]["private"]
    new, old = rotate_keys(file)
    keys = read_signing_keys(file)
    assert (first(keys), list(keys.keys), list(keys.retired)) == (new, [new], [old])
    assert before not in file.read_text() + public_file(file).read_text()
    assert "private" not in public_file(file).read_text()


def test_the_secrets_beside_the_keys_stay(file: Path) -> None:
    before = read_signing_keys(file)
    rotate_keys(file)
    assert read_signing_keys(file).form_secret == before.form_secret


def test_an_announced_key_is_known_before_it_signs_and_is_the_one_that_signs_next(file: Path) -> None:
    signing = first(read_signing_keys(file))
    announced = announce_key(file)
    assert announce_key(file) == announced
    assert first(read_signing_keys(file)) == signing
    # The file a proxy has read meanwhile knows what the server will sign.
    known = read_public_keys(public_file(file))
    assert rotate_keys(file) == (announced, signing)
    id_, signature = read_signing_keys(file).sign(b"x")
    assert known.verifies(id_, signature, b"x")


def test_the_files_keep_their_modes_and_leave_no_drafts(file: Path) -> None:
    announce_key(file)
    rotate_keys(file)
    modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in file.parent.iterdir()}
    assert modes == {"keys.json": "0o600", "keys.json.marker": "0o600", "keys.json.pub": "0o644"}


def test_keys_that_cannot_be_read_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    with pytest.raises(KeysError):
        rotate_keys(tmp_path / "keys.json")
    assert (tmp_path / "keys.json").read_text() == "{}"
