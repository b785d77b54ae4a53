"""Everything a ledger holds, as it is read through: from a database, or from an export (`export.py`).

May go in here: the rows as they are found, and reading them from a database. May not: judging them (`verify.py`).
Damage can put anything into any field of what is found, but for numbers that order it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, case, func, select, text

from cmp.ledger import schema
from cmp.ledger.heads import Head, SignedHead
from cmp.ledger.lasting import is_last
from cmp.ledger.record import Kind
from cmp.ledger.tree import Range, root_of

_FETCHED = 1000
_NODES = 256


class LeafFound(NamedTuple):
    """A leaf, and the person it belongs to. The last five are None where only the leaf itself is kept.

    `until_hour` is the end of that person's grants as it is listed, given with their last leaf alone.
    """

    number: int
    body: object
    hash: object
    sealed: object
    visitor: object
    key: object
    part: object = None
    kind: object = None
    hour: object = None
    placed: object = None
    until_hour: object = None


class PersonFound(NamedTuple):
    visitor: bytes
    key: bytes
    last_hour: int
    until_hour: int


class WaitingFound(NamedTuple):
    """A refusal that waits for its hour to end, and how often it was made."""

    body: bytes
    hash: bytes
    hour: int
    kind: str
    n: int


@dataclass(frozen=True, slots=True)
class StateFound:
    """What is said of the whole: its id (hexadecimal), its size, its peaks, the hour refusals were last merged in."""

    ledger: str
    size: int
    peaks: bytes
    merged_hour: int


class Contents(Protocol):
    """What a ledger holds. `keyed`: whether people's keys are among it."""

    keyed: bool

    def state(self) -> StateFound: ...

    def leaves(self) -> Iterator[LeafFound]:
        """In the order of their numbers."""

    def heads(self) -> Iterable[SignedHead]:
        """The signed heads, one an hour, the smallest tree first."""

    def signers(self) -> Mapping[str, bytes]: ...

    def persons(self) -> Iterator[PersonFound]: ...

    def waiting(self) -> Iterator[WaitingFound]: ...

    def counted(self) -> Iterator[tuple[str, int, int]]:
        """Event, hour, how often."""

    def roots(self, ranges: Sequence[Range]) -> list[bytes]:
        """The roots over ranges of leaves, as `tree.inclusion_ranges` and `tree.consistency_ranges` ask for them."""

    def node(self, level: int, index: int) -> object:
        """A kept node of the tree; None where none is kept. Raises LookupError where nodes are not kept at all."""

    def stray(self) -> Iterator[tuple[int, str]]:
        """Leaves whose owner does not fit, and how. An export leaves it to the database that it is brought into."""

    def damage(self) -> Iterator[str]:
        """What the database itself finds damaged."""


class Stored:
    """A ledger in a database, by a connection that sees one moment of it."""

    keyed = True

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # Of each level the nodes found last: the first number asked for, and hashes by number.
        self._nodes: dict[int, tuple[int, dict[int, object]]] = {}

    def state(self) -> StateFound:
        state = schema.state.c
        query = select(state.ledger, state.size, state.peaks, state.merged_hour)
        ledger, size, peaks, merged_hour = _sound(self._connection.execute(query).one(), bytes, int, bytes, int)
        return StateFound(ledger.hex(), size, peaks, merged_hour)

    def leaves(self) -> Iterator[LeafFound]:
        leaf, person = schema.leaf.c, schema.person.c
        query = (
            select(
                *(leaf.idx, leaf.body, leaf.hash, leaf.sealed, schema.owner.c.visitor, person.key),
                *(leaf.part, leaf.kind, leaf.hour, leaf.placed),
                case((is_last(), person.until_hour)),
            )
            .select_from(
                schema.leaf.outerjoin(schema.owner, schema.owner.c.idx == leaf.idx).outerjoin(
                    schema.person, person.visitor == schema.owner.c.visitor
                )
            )
            .order_by(leaf.idx)
        )
        return map(LeafFound._make, self._stream(query))

    def heads(self) -> Iterable[SignedHead]:
        ledger = self.state().ledger
        head = schema.head.c
        query = select(head.size, head.root, head.hour, head.signer, head.signature).order_by(head.size, head.hour)
        for row in self._connection.execute(query):
            size, root, hour, signer, signature = _sound(row, int, bytes, int, str, bytes)
            yield SignedHead(Head(ledger, size, root, hour), signer, signature)

    def signers(self) -> Mapping[str, bytes]:
        query = select(schema.signer.c.id, schema.signer.c.public)
        rows = (_sound(row, str, bytes) for row in self._connection.execute(query))
        return {id_: public for id_, public in rows}  # noqa: C416 - of no known length, for the type checker

    def persons(self) -> Iterator[PersonFound]:
        person = schema.person.c
        query = select(person.visitor, person.key, person.last_hour, person.until_hour).order_by(person.visitor)
        for row in self._stream(query):
            yield PersonFound(*_sound(row, bytes, bytes, int, int))

    def waiting(self) -> Iterator[WaitingFound]:
        pending = schema.pending.c
        query = select(pending.body, pending.hash, pending.hour, pending.kind, pending.n)
        for row in self._stream(query.order_by(pending.hash)):
            yield WaitingFound(*_sound(row, bytes, bytes, int, str, int))

    def counted(self) -> Iterator[tuple[str, int, int]]:
        counter = schema.counter.c
        for row in self._stream(select(counter.event, counter.hour, counter.n).order_by(counter.event, counter.hour)):
            yield row[0], row[1], row[2]

    def roots(self, ranges: Sequence[Range]) -> list[bytes]:
        return [root_of(self._kept, leaves) for leaves in ranges]

    def _kept(self, level: int, start: int, end: int) -> list[bytes]:
        if level:
            node = schema.node.c
            query = select(node.hash).where(node.level == level, node.idx >= start, node.idx < end).order_by(node.idx)
        else:
            leaf = schema.leaf.c
            query = select(leaf.hash).where(leaf.idx >= start, leaf.idx < end).order_by(leaf.idx)
        found = [bytes(hashed) for hashed in self._connection.scalars(query)]
        if len(found) != end - start:
            raise ValueError("hashes of the tree are missing: verify the ledger")
        return found

    def node(self, level: int, index: int) -> object:
        """Asked for in their order, as who reads through does, one statement finds many."""
        start = index // _NODES * _NODES
        if self._nodes.get(level, (-1, {}))[0] != start:
            node = schema.node.c
            query = select(node.idx, node.hash).where(node.level == level, node.idx >= start, node.idx < start + _NODES)
            self._nodes[level] = start, {row.idx: row.hash for row in self._connection.execute(query)}
        return self._nodes[level][1].get(index)

    def stray(self) -> Iterator[tuple[int, str]]:
        owner, leaf, person = schema.owner.c, schema.leaf.c, schema.person.c
        query = (
            select(owner.idx, leaf.idx, person.visitor)
            .select_from(
                schema.owner.outerjoin(schema.leaf, leaf.idx == owner.idx).outerjoin(
                    schema.person, person.visitor == owner.visitor
                )
            )
            .where(leaf.idx.is_(None) | person.visitor.is_(None))
            .order_by(owner.idx)
        )
        for index, there, _ in self._stream(query):
            yield index, "has an owner, but is not there" if there is None else "belongs to a person without a key"
        # When somebody was last heard of decides when their key is destroyed.
        last, hour = func.max(owner.idx), func.max(leaf.hour)
        seen = (
            select(last, hour, person.last_hour)
            .select_from(
                schema.leaf.join(schema.owner, owner.idx == leaf.idx).join(
                    schema.person, person.visitor == owner.visitor
                )
            )
            .where(leaf.kind != Kind.EXPIRED.value)
            .group_by(person.visitor, person.last_hour)
            .having(hour != person.last_hour)
            .order_by(last)
        )
        for index, there, listed in self._stream(seen):
            yield index, f"belongs to a person whose last record is of the hour {there}, and is listed under {listed}"

    def damage(self) -> Iterator[str]:
        if self._connection.dialect.name != "sqlite":
            # PostgreSQL has no such check without an extension; reading every row found what there is to find.
            return
        for (told,) in self._connection.execute(text("PRAGMA integrity_check(20)")).all():
            if told != "ok":
                yield told

    def node_count(self) -> int:
        return int(self._connection.scalar(select(func.count()).select_from(schema.node)) or 0)

    def _stream(self, query: Any) -> Iterator[Any]:
        return iter(self._connection.execute(query, execution_options={"yield_per": _FETCHED}))


def _sound(row: Sequence[Any], *types: type) -> Sequence[Any]:
    """The row, where each value is of the type that its column has. Raises UnicodeError, as of damage that a database
    finds itself: SQLite keeps types with values, and one flipped byte makes another one of any."""
    if not all(isinstance(value, type_) for value, type_ in zip(row, types, strict=True)):
        raise UnicodeError("a value is not of the type that its column has")
    return row
