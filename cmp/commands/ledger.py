"""`consentry ledger`: looking after the records of consent, and proving what is in them."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp.commands.arguments import FOUND, OK, UsageError, add_format
from cmp.seal.keys import KeysError, SigningKeys, read_public_keys, read_signing_keys
from cmp.terminal import one_line, printable

if TYPE_CHECKING:
    from cmp.ledger.contents import Contents
    from cmp.ledger.verify import Fault

_WHERE = "a ledger (a path, sqlite:PATH or postgresql://...)"
_EITHER = f"{_WHERE}, or an export of one"
# Seconds between two lines of progress on a terminal.
_PROGRESS = 0.5


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "ledger",
        help="verify, prove, export, erase: the records of consent",
        description="Look after the records of consent (docs/ledger.md). verify, show, prove, stats and head read an "
        "export as well as a ledger, and need nothing else.",
        epilog="example: consentry ledger verify consentry-ledger.db --witness heads.jsonl",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (add, about, example) in _COMMANDS.items():
        one = commands.add_parser(
            name, help=about[0].lower() + about[1:].partition(".")[0], description=about, epilog=f"example: {example}"
        )
        one.set_defaults(run=_wrapped(add(one)))


Run = Callable[[argparse.Namespace], int]


class _wrapped:  # noqa: N801 - used as a function
    """Runs a command and turns what is wrong with a ledger into one line for people."""

    def __init__(self, command: Run) -> None:
        self._command = command

    def __call__(self, arguments: argparse.Namespace) -> int:
        from cmp.ledger.errors import LedgerError

        try:
            return self._command(arguments)
        except (LedgerError, KeysError) as error:
            raise UsageError(str(error)) from error


# ------------------------------------------------------------------------------------------- verify


def _add_verify(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("ledger", metavar="LEDGER|EXPORT", nargs="?", help=_EITHER)
    _add_keys(parser, "whose signatures are believed (default: those of the keys the ledger itself knows)")
    help_ = "heads that somebody else kept (consentry ledger head --append)"
    parser.add_argument("--witness", type=Path, action="append", default=[], metavar="FILE", help=help_)
    help_ = "roots of the time stamp authority: checks the time stamps of --witness too"
    parser.add_argument("--tsa-certificates", type=Path, metavar="FILE", help=help_)
    parser.add_argument("--proof", type=Path, metavar="FILE", help="check a proof instead; needs --keys and no ledger")
    add_format(parser)
    return _verify


def _verify(arguments: argparse.Namespace) -> int:
    from cmp.ledger.opening import contents_of
    from cmp.ledger.verify import Fault, verify
    from cmp.ledger.witness import read_witnessed

    keys = None if arguments.keys is None else _public(arguments.keys)
    if arguments.proof is not None:
        return _check_proof(arguments, keys)
    if arguments.ledger is None:
        raise UsageError("name a ledger, an export, or a --proof")
    witnessed = [(file, one) for file in arguments.witness for one in read_witnessed(file)]
    faults: list[Fault] = []
    stamps = []
    for file, one in witnessed:
        if one.timestamp is None or arguments.tsa_certificates is None:
            continue
        from cmp.ledger.timestamp import stamped_at

        try:
            at = stamped_at(one.timestamp, one.head.head, arguments.tsa_certificates)
        except ValueError as error:
            remedy = "ask the authority, and keep both for inspection"
            faults.append(Fault(None, "timestamp", f"{file}, line {one.line}: {error}", remedy))
        else:
            stamps.append({"size": one.head.head.size, "at": at.isoformat()})
    with contents_of(arguments.ledger) as contents:
        state = contents.state()
        signed = max((head.head.size for head in contents.heads()), default=None)
        heads = [one.head for _, one in witnessed]
        with _progress("verified") as told:
            faults += verify(_given(contents), heads, keys=keys, told=told)
    told_of = {"records": state.size, "signed": signed, "witnessed": [head.head.size for head in heads]}
    _tell_verified(arguments, faults, {**told_of, "timestamps": stamps})
    return FOUND if faults else OK


def _tell_verified(arguments: argparse.Namespace, faults: "list[Fault]", found: Mapping[str, Any]) -> None:
    """`found`: how many records, up to where a head is signed, sizes of heads kept outside, time stamps."""
    size, signed, witnessed = found["records"], found["signed"], found["witnessed"]
    if arguments.format == "json":
        print(json.dumps({"whole": not faults, **found, "faults": [asdict(fault) for fault in faults]}, indent=2))
        return
    for fault in faults:
        print(printable(str(fault)))
    if faults:
        print(f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'} in {size} records")
        return
    print(f"whole: {size} records")
    whose = "" if arguments.keys else ", by keys the ledger itself names: --keys FILE checks against yours"
    print("  signed: no head" if signed is None else f"  signed: the first {signed}{whose}")
    if witnessed:
        print(f"  kept outside: {len(witnessed)} heads, the largest of {max(witnessed)} records")
    else:
        print("  kept outside: no head was given, so a tree written and signed anew by who has the keys would not show")
    for stamp in found["timestamps"]:
        print(f"  time stamp: {stamp['size']} records were there at {stamp['at']}")


def _check_proof(arguments: argparse.Namespace, keys: Mapping[str, bytes] | None) -> int:
    from cmp.ledger.proving import InclusionProof, read_proof

    if keys is None:
        raise UsageError("--proof needs --keys FILE: the public keys of who keeps the ledger")
    document = _read_json(arguments.proof)
    try:
        proof = read_proof(document)
    except ValueError as error:
        raise UsageError(f"{arguments.proof}: is no proof: {error}") from error
    leaf = document.get("leaf")
    if isinstance(proof, InclusionProof):
        fault = proof.fault(keys, leaf.encode() if isinstance(leaf, str) else None)
        told = f"record {proof.index} is in the tree of {proof.head.head.size} records"
    else:
        fault = proof.fault(keys)
        told = f"the tree of {proof.first.head.size} records is the beginning of that of {proof.second.head.size}"
    if arguments.format == "json":
        print(json.dumps({"holds": not fault, "fault": fault or None}, indent=2))
    else:
        print(one_line(f"{arguments.proof}: {fault}" if fault else told))
    return FOUND if fault else OK


# ------------------------------------------------------------------------------------------- reading


def _add_show(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("ledger", metavar="LEDGER|EXPORT", help=_EITHER)
    parser.add_argument("--person", metavar="ID", help="one person's records alone")
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="N", help="from this record on")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="at most so many (default: 100)")
    add_format(parser)
    return _show


def _show(arguments: argparse.Namespace) -> int:
    from cmp.ledger import sealing
    from cmp.ledger.leaves import content_of
    from cmp.ledger.opening import contents_of

    shown = 0
    with contents_of(arguments.ledger) as contents:
        for leaf in contents.leaves():
            if shown >= arguments.limit:
                break
            owner = leaf.visitor.hex() if isinstance(leaf.visitor, bytes) else None
            if leaf.number < arguments.first or (arguments.person is not None and owner != arguments.person):
                continue
            shown += 1
            told: dict[str, Any] = {"index": leaf.number, **content_of(bytes(leaf.body))}  # type: ignore[call-overload]
            if isinstance(leaf.key, bytes) and isinstance(leaf.visitor, bytes) and isinstance(leaf.sealed, bytes):
                told["payload"] = sealing.unseal(leaf.key, leaf.visitor, leaf.sealed)
            _tell_record(arguments, told)
    return OK


def _tell_record(arguments: argparse.Namespace, told: Mapping[str, Any]) -> None:
    if arguments.format == "json":
        print(json.dumps(told, ensure_ascii=False))
        return
    rest = dict(told.get("payload") or {}) if isinstance(told.get("payload"), dict) else {}
    content = {**told, **rest}
    when = datetime.fromtimestamp(content["at"] / 1000 if "at" in content else content["hour"], UTC)
    named = [f"{name}: {', '.join(content[name])}" for name in ("granted", "refused") if content.get(name)]
    who = f"person {rest['person']}" if rest else ""
    line = [str(told["index"]), when.strftime("%Y-%m-%dT%H:%M:%SZ"), content["kind"], who, *named]
    print(one_line("  ".join(part for part in line if part)))


def _add_stats(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("ledger", metavar="LEDGER", help=_WHERE)
    add_format(parser)
    return _stats


def _stats(arguments: argparse.Namespace) -> int:
    from cmp.ledger.statistics import statistics_of

    found = statistics_of(arguments.ledger)
    if arguments.format == "json":
        print(json.dumps({"choices": found.choices, "counted": found.counted}, indent=2))
        return OK
    for title, days in (("choices", found.choices), ("counted", found.counted)):
        for day, kinds in days.items():
            print(one_line(f"{day}  {title}: " + ", ".join(f"{name} {n}" for name, n in kinds.items())))
    return OK


# ------------------------------------------------------------------------------------------- proving


def _add_prove(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("ledger", metavar="LEDGER|EXPORT", help=_EITHER)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--record", type=int, metavar="N", help="that record N is in the tree")
    help_ = "that the tree of the last head in FILE (consentry ledger head) is the beginning of today's"
    what.add_argument("--since", type=Path, metavar="FILE", help=help_)
    return _prove


def _prove(arguments: argparse.Namespace) -> int:
    from cmp.ledger.opening import contents_of
    from cmp.ledger.proving import prove, prove_consistency
    from cmp.ledger.witness import read_witnessed

    with contents_of(arguments.ledger) as contents:
        try:
            if arguments.record is not None:
                document = prove(contents, arguments.record).document
            else:
                heads = read_witnessed(arguments.since)
                if not heads:
                    raise UsageError(f"{arguments.since}: holds no head")
                document = prove_consistency(contents, heads[-1].head).document
        except ValueError as error:
            raise UsageError(f"{_named(arguments.ledger)}: {error}") from error
    print(json.dumps(document, indent=2))
    return OK


def _add_head(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("ledger", metavar="LEDGER|EXPORT", help=_EITHER)
    help_ = "add it to this file of a witness's, once the heads in it fit"
    parser.add_argument("--append", type=Path, metavar="FILE", help=help_)
    help_ = "have a time stamp authority (RFC 3161) say when it was there; needs --append"
    parser.add_argument("--tsa", metavar="URL", help=help_)
    return _head


def _head(arguments: argparse.Namespace) -> int:
    from cmp.ledger.opening import contents_of
    from cmp.ledger.proving import newest_head
    from cmp.ledger.witness import append_witnessed, contradiction, read_witnessed

    if arguments.tsa and not arguments.append:
        raise UsageError("--tsa needs --append FILE")
    kept = read_witnessed(arguments.append) if arguments.append and arguments.append.exists() else []
    with contents_of(arguments.ledger) as contents:
        try:
            head = newest_head(contents)
            against = contradiction(contents, kept[-1].head) if kept else ""
        except ValueError as error:
            raise UsageError(f"{_named(arguments.ledger)}: {error}") from error
    if against:
        print(one_line(f"{arguments.append}, line {kept[-1].line}: {against}; nothing was added"), file=sys.stderr)
        return FOUND
    if arguments.append:
        stamp = None
        if arguments.tsa:
            from cmp.ledger.timestamp import ask

            stamp = ask(arguments.tsa, head.head)
        append_witnessed(arguments.append, head, stamp)
    print(json.dumps(head.document))
    return OK


# ------------------------------------------------------------------------------------------- copying


def _add_export(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("ledger", metavar="LEDGER|EXPORT", help=_EITHER)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a file that is not there yet")
    help_ = "people's keys as well: whoever has the file can read everybody's choices"
    parser.add_argument("--with-keys", action="store_true", help=help_)
    return _export


def _export(arguments: argparse.Namespace) -> int:
    from cmp.ledger.export import write_export
    from cmp.ledger.opening import contents_of

    with contents_of(arguments.ledger) as contents:
        if arguments.with_keys and not contents.keyed:
            raise UsageError(f"{_named(arguments.ledger)}: holds no keys")
        size = contents.state().size
        write_export(contents, arguments.output, with_keys=arguments.with_keys)
    print(one_line(f"{arguments.output}: {size} records{', with keys' if arguments.with_keys else ''}"))
    return OK


def _add_import(parser: argparse.ArgumentParser) -> Run:
    help_ = "an export with keys, or another ledger"
    parser.add_argument("source", metavar="EXPORT|LEDGER", help=help_)
    parser.add_argument("ledger", metavar="LEDGER", help="a ledger that is not there yet, or empty")
    return _import


def _import(arguments: argparse.Namespace) -> int:
    return _copied(arguments.source, arguments.ledger)


def _add_backup(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("ledger", metavar="LEDGER", help=_WHERE)
    parser.add_argument("file", type=Path, metavar="FILE", help="a file that is not there yet")
    return _backup


def _backup(arguments: argparse.Namespace) -> int:
    if arguments.file.exists():
        raise UsageError(f"{arguments.file}: is there already: name a file that is not")
    return _copied(arguments.ledger, arguments.file)


def _copied(source: str, target: str | Path) -> int:
    from cmp.ledger.copying import copy
    from cmp.ledger.opening import contents_of
    from cmp.ledger.verify import verify

    with contents_of(source) as contents, _progress("copied") as told:
        size = copy(contents, target, told=told)
    with _progress("verified") as told:
        faults = verify(target, told=told)
    for fault in faults:
        print(printable(str(fault)))
    print(one_line(f"{_named(target)}: {size} records{'' if faults else ', verified'}"))
    return FOUND if faults else OK


# ------------------------------------------------------------------------------------------- changing


def _add_erase(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("ledger", metavar="LEDGER", help=_WHERE)
    parser.add_argument("--person", metavar="ID", required=True, help="the id of the person's records")
    _add_keys(parser, "signs the tree's new head (default: left to the server's next commit)")
    return _erase


def _erase(arguments: argparse.Namespace) -> int:
    from cmp.ledger.ledger import Ledger

    _must_be(arguments.ledger)
    with Ledger(arguments.ledger, signer=_signing(arguments)) as ledger:
        erased = asyncio.run(ledger.erase(arguments.person))
    print("erased: nobody can read these records any more" if erased else "nobody with this id has a key")
    return OK if erased else FOUND


def _add_tidy(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("ledger", metavar="LEDGER", help=_WHERE)
    help_ = "destroy the keys of everybody whose last record is older than so many days"
    parser.add_argument("--keep-days", type=int, metavar="N", help=help_)
    _add_keys(parser, "signs the tree's new head (default: left to the server's next commit)")
    return _tidy


def _tidy(arguments: argparse.Namespace) -> int:
    from cmp.ledger.ledger import Ledger

    _must_be(arguments.ledger)
    now = time.time()
    with Ledger(arguments.ledger, signer=_signing(arguments)) as ledger:
        expired = asyncio.run(ledger.expire(now))
        keep = arguments.keep_days
        forgotten = 0 if keep is None else asyncio.run(ledger.forget_before(now - keep * 86_400))
    print(f"expired: {expired}, forgotten: {forgotten}")
    return OK


def _add_upgrade(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("ledger", metavar="LEDGER", help=_WHERE)
    return _upgrade


def _upgrade(arguments: argparse.Namespace) -> int:
    from cmp.ledger.ledger import Ledger
    from cmp.ledger.reading import head_of

    _must_be(arguments.ledger)
    Ledger(arguments.ledger).close()
    print(one_line(f"{_named(arguments.ledger)}: {head_of(arguments.ledger).size} records, of this version"))
    return OK


_COMMANDS: Mapping[str, tuple[Callable[[argparse.ArgumentParser], Run], str, str]] = {
    "verify": (
        _add_verify,
        "Check that a ledger is whole. Reads everything, and names each record that is not as it was stored. Exit "
        "status 1 where it found something.",
        "consentry ledger verify consentry-ledger.db --keys consentry-keys.json.pub --witness heads.jsonl",
    ),
    "show": (_add_show, "Show records.", "consentry ledger show consentry-ledger.db --from 200 --limit 20"),
    "prove": (
        _add_prove,
        "Prove that a record is in the tree, or that an earlier tree is its beginning (RFC 9162). Prints JSON; "
        "verify --proof checks it.",
        "consentry ledger prove consentry-ledger.db --record 17 > proof.json",
    ),
    "head": (
        _add_head,
        "The tree's newest signed head. With --append it goes into a file that another party keeps, and shows later "
        "what was cut off or written anew.",
        "consentry ledger head consentry-ledger.db --append heads.jsonl --tsa https://tsa.example/",
    ),
    "stats": (_add_stats, "Count choices and events by day.", "consentry ledger stats consentry-ledger.db"),
    "export": (
        _add_export,
        "Write everything to a file of JSON lines. Without --with-keys it proves, and nobody can read whose it is.",
        "consentry ledger export consentry-ledger.db -o records.jsonl",
    ),
    "import": (
        _add_import,
        "Fill a new ledger from an export or another ledger, and verify it: restoring, or moving to another database.",
        "consentry ledger import backup.db postgresql://consentry@db.example/consentry",
    ),
    "backup": (
        _add_backup,
        "Copy a ledger, in use or not, to a file that is a ledger itself, and verify the copy.",
        "consentry ledger backup postgresql://consentry@db.example/consentry backup.db",
    ),
    "erase": (
        _add_erase,
        "Destroy one person's key. Nobody can read their records any more, and the tree verifies. An SQLite ledger "
        "must not be open in a server.",
        "consentry ledger erase consentry-ledger.db --person 0123456789abcdef0123456789abcdef",
    ),
    "tidy": (
        _add_tidy,
        "Note which grants have run out, and forget who is kept too long: what a running server does by itself.",
        "consentry ledger tidy consentry-ledger.db --keep-days 730",
    ),
    "upgrade": (
        _add_upgrade,
        "Bring a ledger of an earlier version to this one; a server does so when it starts.",
        "consentry ledger upgrade consentry-ledger.db",
    ),
}

# ------------------------------------------------------------------------------------------- shared


def _add_keys(parser: argparse.ArgumentParser, use: str) -> None:
    parser.add_argument("--keys", type=Path, metavar="FILE", help=f"keys of the server: {use}")


def _public(file: Path) -> Mapping[str, bytes]:
    return {id_: key.public_bytes_raw() for id_, key in read_public_keys(file).keys.items()}


def _signing(arguments: argparse.Namespace) -> SigningKeys | None:
    return None if arguments.keys is None else read_signing_keys(arguments.keys)


@contextmanager
def _given(contents: "Contents") -> "Iterator[Contents]":
    yield contents


def _must_be(address: str) -> None:
    """A mistyped name must not make a new ledger. Raises LedgerError."""
    from cmp.ledger.errors import LedgerError, Reason
    from cmp.store.address import place_of

    place = place_of(address, LedgerError, "ledger")
    if isinstance(place, Path) and not place.is_file():
        raise LedgerError(Reason.MISSING, place, "no such file", "name the file that --ledger names")


def _named(address: str | Path) -> str:
    from cmp.store.address import without_password

    text = str(address)
    return without_password(text) if "://" in text else text


def _read_json(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from error
    return document if isinstance(document, dict) else {}


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A line that is written anew on a terminal; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    last = time.monotonic()

    def tell(done: int, all_: int) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= _PROGRESS:
            last = now
            print(f"\r{what} {done} of {all_}", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
