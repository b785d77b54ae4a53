"""Key files: made once, read by their owner alone, replaced without losing what was signed."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from cmp.seal.keys import KeysError, make_keys, public_file, read_public_keys, read_signing_keys


def signs_for(path: Path, public: Path) -> bool:
    id_, signature = read_signing_keys(path).sign(b"data")
    return read_public_keys(public).verifies(id_, signature, b"data")


def test_new_keys_are_for_their_owner_alone_and_the_public_half_is_not(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "keys.json"
    made = make_keys(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "private" not in public_file(file).read_text()
    assert signs_for(file, public_file(file))
    assert signs_for(file, file)
    assert read_signing_keys(file).form_secret == made.form_secret


def test_what_many_get_word_for_word_is_signed_as_everything_is(tmp_path: Path) -> None:
    keys, others = (make_keys(tmp_path / name / "keys.json") for name in ("ours", "others"))
    for data in (b"data", b"other data"):
        # The second time it is remembered.
        assert [keys.sign_same(data), keys.sign_same(data)] == [keys.sign(data)] * 2
        assert others.sign_same(data) == others.sign(data)


def test_existing_keys_are_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    make_keys(file)
    before = file.read_bytes()
    with pytest.raises(KeysError, match="cannot be written"):
        make_keys(file)
    assert file.read_bytes() == before


def test_keys_that_others_may_read_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    make_keys(file)
    file.chmod(0o640)
    with pytest.raises(KeysError, match="chmod 600"):
        read_signing_keys(file)
    with pytest.raises(KeysError, match="chmod 600"):
        read_public_keys(file)


def test_a_rotated_file_signs_with_the_first_key_and_knows_both(tmp_path: Path) -> None:
    old, new, both = tmp_path / "old", tmp_path / "new", tmp_path / "both"
    make_keys(old)
    make_keys(new)
    documents: list[dict[str, Any]] = [json.loads(file.read_text()) for file in (new, old)]
    both.write_text(json.dumps({**documents[0], "keys": documents[0]["keys"] + documents[1]["keys"]}))
    both.chmod(0o600)
    assert signs_for(both, public_file(new))
    assert signs_for(old, both)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"form": 2, "keys": []}',
        '{"form": 1}',
        '{"form": 1, "keys": [], "form_secret": "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"}',
        '{"form": 1, "keys": [{"id": "a", "private": "AAAA"}], "form_secret": "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"}',
        '{"form": 1, "keys": 5, "form_secret": 5}',
    ],
)
def test_a_file_without_keys_is_an_error_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(KeysError) as caught:
        read_signing_keys(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="cannot be read"):
        read_public_keys(tmp_path / "none")
