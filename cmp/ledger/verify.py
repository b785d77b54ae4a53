"""Checking that a ledger is whole: every record as it was stored, none missing, none moved, the tree that was signed.

May go in here: the checks, and what they found as data. May not: mending anything; how rows are read (`contents.py`).
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from cmp.ledger import sealing
from cmp.ledger.chains import CHAINS, chain_hash, chain_origin
from cmp.ledger.contents import Contents, LeafFound
from cmp.ledger.database import FAILURES
from cmp.ledger.heads import Head, SignedHead
from cmp.ledger.lasting import hours_told, until_in
from cmp.ledger.leaves import Part, content_of, part_of
from cmp.ledger.opening import contents_of
from cmp.ledger.record import Kind
from cmp.ledger.rows import place_of_leaf
from cmp.ledger.tree import Frontier, Node, leaf_hash

_RESTORE = "compare with the last backup that verifies; what came after it cannot be relied on"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: at which record (its number in the tree; None: the whole), and what to do.

    `code` is one of: gap, order, form, leaf, payload, key, owner, column, tree, cut, head, signature, erasure, chain,
    waiting, unreadable.
    """

    index: int | None
    code: str
    what: str
    remedy: str = _RESTORE

    def __str__(self) -> str:
        place = "ledger" if self.index is None else f"record {self.index}"
        return f"{place}: {self.what} ({self.code})\n    {self.remedy}"


def verify(
    source: str | Path | AbstractContextManager[Contents],
    heads: Iterable[Head | SignedHead] = (),
    *,
    keys: Mapping[str, bytes] | None = None,
    limit: int = 1000,
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Fault]:
    """Reads a whole ledger, in use or not, or an export; what is wrong with it, in the order of its records.

    `heads` were kept outside the ledger: against these shows what was cut off or written anew, and signed anew, by
    somebody who had the keys. `keys` are public keys by id from outside; without them the ledger's own are believed.
    At most `limit` faults are listed. `told` hears how many records of how many were read. Memory does not grow with
    the records. Raises LedgerError when it is no ledger or cannot be opened.
    """
    with contents_of(source) if isinstance(source, str | Path) else source as contents:
        return list(islice(_Check(contents, list(heads), keys, told).faults(), limit))


@dataclass(slots=True)
class _Check:
    """One reading through."""

    contents: Contents
    outside: list[Head | SignedHead]
    keys: Mapping[str, bytes] | None
    told: Callable[[int, int], None]
    frontier: Frontier = field(default_factory=Frontier)
    # Whether the frontier still is what the records up to here make: not after a gap.
    known: bool = True
    records: Counter[str] = field(default_factory=Counter)
    # The chains that leaves of format 1 were once linked in, as far as they were read: size and last hash.
    chains: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def faults(self) -> Iterator[Fault]:
        try:
            state = self.contents.state()
            inside = list(self.contents.heads())
            yield from self._signatures(inside)
            yield from self._elsewhere(state.ledger, inside)
            yield from self._leaves(state.size, inside)
            if state.size != self.frontier.size:
                told = f"it ends after {self.frontier.size} records, and says it has {state.size}"
                yield Fault(self.frontier.size, "cut", told)
            elif self.known and state.peaks != self.frontier.packed:
                yield Fault(None, "tree", "the tree over its records is not the one that was built")
            for index, what in self.contents.stray():
                yield Fault(index, "owner", what)
            yield from self._erasures()
            yield from self._waiting()
            for told in self.contents.damage():
                yield Fault(None, "unreadable", f"the database is damaged: {told}")
        except FAILURES as error:
            place = self.frontier.size if self.frontier.size else None
            yield Fault(place, "unreadable", f"the database is damaged from here on ({type(error).__name__})")

    # --------------------------------------------------------------------------------- heads

    def _signatures(self, inside: Iterable[SignedHead]) -> Iterator[Fault]:
        keys = self.contents.signers() if self.keys is None else self.keys
        for signed in [*inside, *(head for head in self.outside if isinstance(head, SignedHead))]:
            if signed.key not in keys:
                what = f"the head of {signed.head.size} records is signed with a key that is not known: {signed.key}"
                yield Fault(None, "signature", what, "name the keys file of that time with --keys")
            elif not signed.holds(keys):
                yield Fault(None, "signature", f"the head of {signed.head.size} records has a signature that is wrong")

    def _elsewhere(self, ledger: str, inside: Iterable[SignedHead]) -> Iterator[Fault]:
        for head in map(_plain, self.outside):
            if head.ledger and head.ledger != ledger:
                what = f"the head of {head.size} records kept outside is of another ledger ({head.ledger[:8]})"
                yield Fault(None, "head", what, "name the ledger that it was taken from")
        # An export says whose it is in one line, and in each head.
        if other := next((signed.head for signed in inside if signed.head.ledger != ledger), None):
            yield Fault(None, "head", f"its head of {other.size} records is of another ledger ({other.ledger[:8]})")

    def _leaves(self, size: int, inside: Iterable[SignedHead]) -> Iterator[Fault]:
        awaited: defaultdict[int, list[tuple[bytes, str]]] = defaultdict(list)
        for signed in inside:
            awaited[signed.head.size].append((signed.head.root, "signed"))
        for head in map(_plain, self.outside):
            awaited[head.size].append((head.root, "kept outside"))
        # One rewritten record makes every later head a wrong one: the first of each sort is named.
        wrong: set[str] = set()
        yield from self._heads_here(awaited, wrong)
        for leaf in self.contents.leaves():
            if leaf.number != self.frontier.size:
                yield self._gap(leaf.number)
            yield from self._leaf(leaf)
            # Asked of every record: what is rarely so is asked before anything is called for it.
            if self.frontier.size in awaited:
                yield from self._heads_here(awaited, wrong)
            if not self.frontier.size % 1000:
                self.told(self.frontier.size, size)
        for beyond in sorted(awaited):
            for _, which in awaited[beyond]:
                if which not in wrong:
                    wrong.add(which)
                    told = f"it ends after {self.frontier.size} records, and a head {which} says there were {beyond}"
                    yield Fault(self.frontier.size, "cut", told)

    def _heads_here(self, awaited: dict[int, list[tuple[bytes, str]]], wrong: set[str]) -> Iterator[Fault]:
        for root, which in awaited.pop(self.frontier.size, ()):
            if self.known and which not in wrong and root != self.frontier.root:
                wrong.add(which)
                at = self.frontier.size
                told = f"the first {at} records are not those of the head {which}"
                yield Fault(at - 1 if at else None, "head", told)

    # --------------------------------------------------------------------------------- records

    def _gap(self, index: int) -> Fault:
        """Named by the first record that is missing."""
        first, many = self.frontier.size, index - self.frontier.size
        self.frontier, self.known = Frontier(index, [b""] * index.bit_count()), False
        what = f"records {first} to {index - 1} are missing" if many > 1 else f"record {first} is missing"
        return Fault(first, "gap", what)

    def _leaf(self, leaf: LeafFound) -> Iterator[Fault]:
        index, body, hashed = leaf.number, leaf.body, leaf.hash
        if not (isinstance(body, bytes) and isinstance(hashed, bytes)):
            self._grow(hashed if isinstance(hashed, bytes) else b"")
            yield Fault(index, "form", "holds something else than a record")
            return
        # From what the row says, so that one altered record is one fault, not one for every head that follows.
        if completed := self._grow(hashed):
            yield from self._nodes(completed)
        if leaf.placed is not None and leaf.placed != place_of_leaf(index, hashed):
            yield Fault(index, "order", "is not the record that was stored at this place")
        if leaf_hash(body) != hashed:
            yield Fault(index, "leaf", "its content is not what was hashed")
            return
        content = content_of(body)
        part = part_of(content)
        if part is None:
            yield Fault(index, "form", "is of no form or kind that belongs into a ledger")
            return
        if leaf.part is not None and (part, content["kind"], content.get("hour")) != (leaf.part, leaf.kind, leaf.hour):
            yield Fault(index, "column", "is listed under another part, kind or hour than its content says")
        if (told := self._person(leaf, part, content)) is not None:
            yield told
        if part is Part.PERSONAL and leaf.key is None:
            self.records["unreadable"] += 1
        if part is Part.PUBLIC or content["format"] == 1:
            yield from self._counted(index, hashed, part, content)

    def _grow(self, hashed: bytes) -> list[Node]:
        completed = self.frontier.append(hashed)
        return completed if self.known else []

    def _nodes(self, completed: Iterable[Node]) -> Iterator[Fault]:
        for node in completed:
            try:
                kept = self.contents.node(node.level, node.index)
            except LookupError:
                return
            if kept != node.hash:
                first, last = node.index << node.level, ((node.index + 1) << node.level) - 1
                yield Fault(first, "tree", f"records {first} to {last} are not those that the tree was built over")

    def _person(self, leaf: LeafFound, part: Part, content: Mapping[str, object]) -> Fault | None:
        if part is not Part.PERSONAL:
            if leaf.visitor is not None or leaf.sealed is not None:
                return Fault(leaf.number, "owner", "belongs to nobody, and has an owner or an encrypted part")
        elif not isinstance(leaf.sealed, bytes) or hashlib.sha256(leaf.sealed).hexdigest() != content.get("payload"):
            return Fault(leaf.number, "payload", "its encrypted part is not what was stored")
        elif leaf.key is not None:
            payload = None
            if isinstance(leaf.key, bytes) and isinstance(leaf.visitor, bytes):
                payload = sealing.opened(leaf.key, leaf.visitor, leaf.sealed)
            if payload is None:
                return Fault(leaf.number, "key", "its person's key does not open it")
            if leaf.until_hour is not None:
                told = hours_told(content["kind"], until_in(payload))
                if leaf.until_hour not in told:
                    what = f"belongs to a person whose grants end with the hour {told[-1]}, and is listed under"
                    return Fault(leaf.number, "owner", f"{what} {leaf.until_hour}")
        return None

    def _counted(self, index: int, hashed: bytes, part: Part, content: Mapping[str, object]) -> Iterator[Fault]:
        """Adds up what the check of erasures needs, and what the leaf says that came with the migration of chains."""
        if content["format"] == 1:
            size, last = self.chains.get(part, (0, chain_origin(part)))
            self.chains[part.value] = size + 1, chain_hash(last, hashed)
        if part is Part.PUBLIC and content["kind"] == Kind.ERASED:
            self.records["erased"] += _number(content.get("records"))
        if content["kind"] == "migrated":
            self.records["erased"] += _number(content.get("erased"))
            chains = {str(chain): {"size": 0, "head": chain_origin(chain).hex()} for chain in CHAINS}
            chains |= {chain: {"size": size, "head": last.hex()} for chain, (size, last) in self.chains.items()}
            if self.known and content.get("chains") != chains:
                yield Fault(index, "chain", "the records before it are not those of the chains it says they come from")

    # --------------------------------------------------------------------------------- what is in no tree

    def _erasures(self) -> Iterator[Fault]:
        if not (self.contents.keyed and self.known):
            return
        unreadable, erased = self.records["unreadable"], self.records["erased"]
        if unreadable > erased:
            what = f"{unreadable} records have no key, and {erased} were erased: keys were lost, or destroyed unasked"
            yield Fault(None, "erasure", what, "restore the keys of the missing people from the last backup")
        elif unreadable < erased:
            what = f"{erased} records were erased, and {unreadable} have no key: keys of erased people are back"
            yield Fault(None, "erasure", what, "erase these people again: a backup brought them back")

    def _waiting(self) -> Iterator[Fault]:
        for found in self.contents.waiting():
            content = content_of(found.body)
            if (
                leaf_hash(found.body) != found.hash
                or part_of(content) is not Part.UNLINKABLE
                or (content["kind"], content.get("hour")) != (found.kind, found.hour)
                or found.n < 1
            ):
                yield Fault(None, "waiting", "a refusal that waits for its hour to end is not what was stored")


def _plain(head: Head | SignedHead) -> Head:
    return head.head if isinstance(head, SignedHead) else head


def _number(value: object) -> int:
    return value if type(value) is int else 0
