"""Exports, imports and backups: everything is there again, on either database, and what is damaged is refused."""

import json
import re
import shutil
import stat
from pathlib import Path

import pytest

from cmp.ledger.contents import Stored
from cmp.ledger.copying import copy
from cmp.ledger.database import database_of
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.export import write_export
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.opening import contents_of
from cmp.ledger.proving import prove, prove_consistency
from cmp.ledger.reading import entries, history
from cmp.ledger.statistics import statistics_of
from cmp.ledger.verify import verify
from cmp.seal.keys import SigningKeys
from tests.ledger.records import AT, HOUR, filled, given, merge, numbered, refused, signer, tamper


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SigningKeys:
    return signer(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, keys: SigningKeys) -> Path:
    """Consents with an end, refusals in the tree and waiting, counts, heads."""
    file = tmp_path_factory.mktemp("ledger") / "whole.db"
    filled(file, map(numbered, range(20)), signer=keys)
    merge(file, keys)
    with Ledger(file, signer=keys, clock=lambda: AT + 3600) as ledger:
        ledger.count("notice.shown", HOUR)
    filled(file, [given("ads", until=AT + 86_400), refused("late", at=AT + 3600)], signer=keys, clock=lambda: AT + 3600)
    return file


def export(source: str | Path, target: Path, *, with_keys: bool) -> Path:
    with contents_of(source) as contents:
        write_export(contents, target, with_keys=with_keys)
    return target


def everything(address: str | Path) -> list[object]:
    with contents_of(address) as contents:
        found = [contents.state(), list(contents.heads()), dict(contents.signers()), list(contents.persons())]
        leaves = [leaf[:6] for leaf in contents.leaves()]
        return [*found, leaves, list(map(tuple, contents.waiting())), list(contents.counted())]


def test_a_copy_is_the_same_ledger_on_either_database(whole: Path, place: str) -> None:
    with contents_of(whole) as contents:
        assert copy(contents, place) == 21
    assert everything(place) == everything(whole)
    assert verify(place) == []
    assert statistics_of(place) == statistics_of(whole)
    # It goes on where the other one ended.
    filled(place, [given("more")])
    assert verify(place) == []


def test_an_export_with_keys_holds_everything_and_can_be_restored(whole: Path, place: str, tmp_path: Path) -> None:
    file = export(whole, tmp_path / "e.jsonl", with_keys=True)
    assert everything(file) == everything(whole)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with contents_of(file) as contents:
        copy(contents, place)
    assert everything(place) == everything(whole)
    assert verify(file) == verify(place) == []


def test_an_export_without_keys_proves_and_says_nothing_of_anybody(
    whole: Path, tmp_path: Path, keys: SigningKeys
) -> None:
    file = export(whole, tmp_path / "e.jsonl", with_keys=False)
    assert verify(file, keys=keys.public_bytes()) == []
    with contents_of(whole) as contents, contents_of(file) as exported:
        for index in (0, 7, 20):
            assert prove(exported, index) == prove(contents, index)
        heads = list(contents.heads())
        assert prove_consistency(exported, heads[0]) == prove_consistency(contents, heads[0])
        assert prove_consistency(exported, heads[0]).fault(keys.public_bytes()) == ""
    text = file.read_text()
    with database_of(whole).reading() as connection:
        for person in Stored(connection).persons():
            assert person.visitor.hex() not in text
    assert '"key":"' not in text.replace(f'"key":"{next(iter(keys.keys))}"', "")
    with pytest.raises(LedgerError, match="holds no keys"), contents_of(file) as contents:
        copy(contents, tmp_path / "l.db")
    assert not (tmp_path / "l.db").exists()


def test_every_line_of_an_export_that_was_altered_lost_or_moved_is_found(whole: Path, tmp_path: Path) -> None:
    lines = export(whole, tmp_path / "e.jsonl", with_keys=False).read_bytes().splitlines(keepends=True)
    leaves = [number for number, line in enumerate(lines) if line.startswith(b'{"leaf"')]
    assert len(leaves) == 21
    file = tmp_path / "damaged.jsonl"

    def found(changed: list[bytes]) -> bool:
        file.write_bytes(b"".join(changed))
        try:
            return bool(verify(file))
        except LedgerError as error:
            return "line " in str(error)

    for number in leaves:
        line = lines[number]
        at = line.index(b"hour") + 9
        flipped = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
        assert found([*lines[:number], flipped, *lines[number + 1 :]])
        assert found([*lines[:number], *lines[number + 1 :]])
    first = leaves[0]
    assert found([*lines[:first], lines[first + 1], lines[first], *lines[first + 2 :]])
    assert found(lines[:-1])
    assert found(lines[: leaves[-1]])
    assert found([*lines[:first], b"no line\n", *lines[first:]])
    assert not found(lines)


def found_in(file: Path) -> str:
    """The code of the one fault, or the line that cannot be read; "no ledger" for a file that is none."""
    try:
        (fault,) = verify(file)
    except LedgerError as error:
        named = re.search(r"line \d+", str(error))
        return named[0] if named else "no ledger"
    return fault.code


@pytest.mark.parametrize(
    "kind, member, value",
    [
        ("person", "person", "00"),
        ("person", "key", "zz"),
        ("person", "key", ""),
        ("person", "last_hour", -1),
        ("person", "until_hour", 2**63),
        ("person", "until_hour", "0"),
        ("waiting", "n", 10**30),
        ("waiting", "hash", 7),
        ("event", "n", None),
        ("event", "hour", 1.5),
        ("end", "end", None),
        ("end", "end", True),
        ("consentry", "merged_hour", 2**63),
    ],
)
def test_a_damaged_line_beside_the_tree_is_found_before_a_backup_is_needed(
    whole: Path, tmp_path: Path, kind: str, member: str, value: object
) -> None:
    lines = export(whole, tmp_path / "e.jsonl", with_keys=True).read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith(f'{{"{kind}"'))
    (tmp_path / "e.jsonl").write_text("".join(lines))
    assert verify(tmp_path / "e.jsonl") == []
    for changed in ({**json.loads(lines[at]), member: value}, {"a": 1}):
        file, target = tmp_path / "damaged.jsonl", tmp_path / "target.db"
        line = json.dumps(changed, separators=(",", ":"))
        file.write_text("".join([*lines[:at], f"{line}\n", *lines[at + 1 :]]))
        with pytest.raises(LedgerError), contents_of(file) as contents:
            copy(contents, target)
        assert not target.exists() or [entry for part in Part for entry in entries(target, part)] == []
        # The first line is read before anything else can be.
        assert found_in(file) in ("unreadable", f"line {at + 1}", "no ledger" if kind == "consentry" else "")


def test_an_export_that_says_it_is_of_another_ledger_than_its_heads_is_named(whole: Path, tmp_path: Path) -> None:
    file = export(whole, tmp_path / "e.jsonl", with_keys=False)
    first, rest = file.read_text().split("\n", 1)
    file.write_text(json.dumps({**json.loads(first), "ledger": "00" * 16}, separators=(",", ":")) + "\n" + rest)
    (fault,) = verify(file)
    assert (fault.code, "is of another ledger" in fault.what) == ("head", True)


@pytest.mark.parametrize(
    "statement, told",
    [
        ("DELETE FROM ledger_leaf WHERE idx = 7", "record 7 is missing"),
        (
            "UPDATE ledger_leaf SET body = CAST(replace(CAST(body AS TEXT), 'refused', 'REFUSED') AS BLOB)",
            "not what was",
        ),
        ("DELETE FROM ledger_leaf WHERE idx > 18", "the tree over its records is not"),
    ],
    ids=["dropped", "altered", "cut"],
)
def test_what_is_not_whole_is_not_copied_and_leaves_nothing_behind(
    whole: Path, tmp_path: Path, statement: str, told: str
) -> None:
    file, target = shutil.copy(whole, tmp_path / "l.db"), tmp_path / "target.db"
    tamper(file, statement)
    with pytest.raises(LedgerError, match=told) as caught, contents_of(file) as contents:
        copy(contents, target)
    assert caught.value.reason is Reason.CORRUPT
    assert [entry for part in Part for entry in entries(target, part)] == []


def test_nothing_is_copied_into_a_ledger_that_holds_something(whole: Path, place: str) -> None:
    filled(place, [refused("ads")])
    with pytest.raises(LedgerError, match="is not empty"), contents_of(whole) as contents:
        copy(contents, place)


def test_a_backup_can_be_taken_while_a_server_writes(whole: Path, tmp_path: Path) -> None:
    file, backup = Path(shutil.copy(whole, tmp_path / "l.db")), tmp_path / "backup.db"
    with Ledger(file, signer=None), contents_of(file) as contents:
        copy(contents, backup)
    assert everything(backup) == everything(whole)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_a_key_that_was_lost_comes_back_with_the_backup(tmp_path: Path) -> None:
    """Recovery as docs/ledger.md describes it: the backup, and what of it was erased since erased again."""
    file, backup = tmp_path / "l.db", tmp_path / "backup.db"
    told, other = filled(file, [given("ads"), given("chat")])
    with contents_of(file) as contents:
        copy(contents, backup)
    tamper(file, "DELETE FROM ledger_owner", "DELETE FROM ledger_person")
    assert [fault.code for fault in verify(file)] == ["erasure"]
    backup.replace(file)
    assert verify(file) == []
    assert [len(history(file, one.person or "")) for one in (told, other)] == [1, 1]


def test_an_export_is_not_written_over_anything(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text("mine")
    with pytest.raises(LedgerError, match="is there already"):
        export(whole, tmp_path / "e.jsonl", with_keys=False)
    assert (tmp_path / "e.jsonl").read_text() == "mine"


def test_every_line_of_an_export_is_json(whole: Path, tmp_path: Path) -> None:
    lines = export(whole, tmp_path / "e.jsonl", with_keys=True).read_text().splitlines()
    assert json.loads(lines[-1]) == {"end": len(lines) - 1}
