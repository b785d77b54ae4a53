"""Rows: everything one transaction of the writer does.

May go in here: SQL that writes, and finds what to write about. May not: beginning and ending transactions, threads
(`writer.py`), which refusals go into the tree when (`merging.py`).

A record gets its place in the tree in the transaction that stores it, and so is never acknowledged without one: a
receipt can prove it at once, and there is no state "stored, but nobody vouches for it" as between a log's promise and
its merge in Certificate Transparency. The price is that nodes which share a database take turns: each locks the row of
`ledger_state`, reads the right edge of the tree, adds its whole batch, and lets go with its commit. Group commit shares
that price, and the sync, between up to 512 choices.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, bindparam, select

from cmp.ledger import leaves, schema, sealing
from cmp.ledger.heads import Head, SignedHead, Signs, sign_head
from cmp.ledger.lasting import hours_told, is_last, until_in
from cmp.ledger.leaves import Part
from cmp.ledger.record import GRANTING, Kind, Record, hour_after, hour_of
from cmp.ledger.rows import LeafRow, insert, insert_leaves, insert_nodes
from cmp.ledger.tree import Frontier, Node, leaf_hash

# Persons asked about in one statement.
_AT_ONCE = 500
# Statements of every commit, put together once.
_TURN = select(schema.state).with_for_update()
_END = schema.state.update().values({name: bindparam(name) for name in ("size", "peaks", "merged_hour")})
_HEAD = ("size", "root", "signer", "signature")
_SEEN_AGAIN = (
    schema.person.update()
    .where(schema.person.c.visitor == bindparam("of"))
    .values(last_hour=bindparam("last"), until_hour=bindparam("until"))
)
_SET_HEAD = schema.head.update().where(schema.head.c.hour == bindparam("of")).values({n: bindparam(n) for n in _HEAD})


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Whose keys are to be destroyed: all of them, or (`unless_since`, an hour) who has no record from then on."""

    persons: tuple[bytes, ...]
    unless_since: int | None = None


@dataclass(frozen=True, slots=True)
class Expiring:
    """Up to `most` of those whose grants have run out get a record that says so. `at` is Unix seconds."""

    at: float
    most: int


@dataclass(frozen=True, slots=True)
class Noting:
    """A public leaf to be added as it is; with `unless_last`, not if the last one of its kind says the same."""

    body: bytes
    unless_last: bool = False


Task = Record | Forgetting | Expiring | Noting


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the caller of a stored record learns.

    `person` is the random id of who consented, `index` the leaf's number in the tree (from 0), `leaf_hash` what a proof
    is about. All three are None for a record that must not be linked to anybody: there is nothing to keep or to log.
    """

    person: str | None = None
    index: int | None = None
    leaf_hash: bytes | None = None


@dataclass(slots=True)
class _Person:
    key: bytes
    last_hour: int
    until_hour: int


@dataclass(slots=True)
class Batch:
    """What is added in one transaction. `now` is Unix seconds."""

    connection: Connection
    now: float
    ledger: bytes
    frontier: Frontier
    merged_hour: int
    _rows: list[LeafRow] = field(default_factory=list)
    _nodes: list[Node] = field(default_factory=list)
    _owners: list[tuple[int, bytes]] = field(default_factory=list)
    _persons: dict[bytes, _Person | None] = field(default_factory=dict)
    _new: set[bytes] = field(default_factory=set)
    _touched: set[bytes] = field(default_factory=set)
    _refusals: dict[bytes, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def begin(cls, connection: Connection, now: float) -> "Batch":
        """Waits for its turn, and reads where the tree ends. Read anew each time: right also after a failure."""
        row = connection.execute(_TURN).one()
        try:
            frontier = Frontier.of(row.size, bytes(row.peaks))
        except ValueError as error:
            # As a database says it of damage it finds itself.
            raise UnicodeError(str(error)) from error
        return cls(connection, now, bytes(row.ledger), frontier, row.merged_hour)

    # --------------------------------------------------------------------------------- tasks

    def load(self, tasks: Iterable[Task]) -> None:
        """Reads whoever the tasks are about, all at once."""
        wanted = {bytes.fromhex(task.person) for task in tasks if isinstance(task, Record) and task.person}
        names = sorted(wanted - self._persons.keys())
        self._persons |= dict.fromkeys(names)
        for start in range(0, len(names), _AT_ONCE):
            query = select(schema.person).where(schema.person.c.visitor.in_(names[start : start + _AT_ONCE]))
            for row in self.connection.execute(query):
                self._persons[bytes(row.visitor)] = _Person(bytes(row.key), row.last_hour, row.until_hour)

    def carry_out(self, task: Task) -> Acknowledgement | int:
        match task:
            case Record():
                return self._append(task)
            case Forgetting():
                return self._forget(task)
            case Expiring():
                return self._expire(task)
            case Noting():
                return self._note(task)

    def add(self, part: Part, body: bytes) -> None:
        """The next leaf of the tree, one of nobody."""
        self._grow(LeafRow.of(self.frontier.size, part, body))

    def _grow(self, row: LeafRow) -> None:
        self._rows.append(row)
        self._nodes += self.frontier.append(row.hash)

    def _append(self, record: Record) -> Acknowledgement:
        found = self._owner(record)
        if found is None:
            body = leaves.unlinkable_leaf(record)
            hashed = leaf_hash(body)
            values = {"hash": hashed, "hour": record.hour, "kind": record.kind.value, "body": body, "n": 0}
            self._refusals.setdefault(hashed, values)["n"] += 1
            return Acknowledgement()
        visitor, person, kind = found
        sealed = sealing.seal(person.key, visitor, leaves.payload(record, kind, visitor.hex()))
        row = self._add_personal(visitor, kind, record.hour, record.policy, sealed)
        person.last_hour = max(person.last_hour, record.hour)
        person.until_hour = hour_after(record.until) if kind in GRANTING else 0
        return Acknowledgement(visitor.hex(), row.index, row.hash)

    def _owner(self, record: Record) -> tuple[bytes, _Person, Kind] | None:
        """Who a record belongs to, and what kind it is for them; None for a record that belongs to nobody.

        An id that is not known (erased, or of another ledger) opens nothing and is not taken up again: a consent then
        gets a new one, a withdrawal is kept as one of nobody. Neither fails: taking back must always work.
        """
        visitor = bytes.fromhex(record.person)
        person = self._persons.get(visitor)
        if person is not None:
            return visitor, person, Kind.CHANGED if record.kind in GRANTING else record.kind
        if record.kind not in GRANTING and not record.receipt:
            return None
        visitor, person = sealing.new_id(), _Person(sealing.new_key(), record.hour, 0)
        self._persons[visitor] = person
        self._new.add(visitor)
        return visitor, person, Kind.GIVEN if record.kind in GRANTING else record.kind

    def _add_personal(self, visitor: bytes, kind: Kind, hour: int, policy: str, sealed: bytes) -> LeafRow:
        row = LeafRow.personal(self.frontier.size, kind, hour, policy, sealed)
        self._grow(row)
        self._owners.append((row.index, visitor))
        self._touched.add(visitor)
        return row

    def _forget(self, task: Forgetting) -> int:
        """Destroys keys, and notes of how many records; how many keys there were."""
        self.flush()
        person, owner = schema.person.c, schema.owner.c
        # Looked at again now that their turn has come: a person may have been back since.
        query = select(person.visitor).where(person.visitor.in_(task.persons))
        if task.unless_since is not None:
            # By their records too: what is listed in no tree, and was damaged, destroys no key.
            leaf = schema.leaf.c
            later = (
                select(owner.idx)
                .select_from(schema.owner.join(schema.leaf, leaf.idx == owner.idx))
                .where(owner.visitor == person.visitor, leaf.hour >= task.unless_since, leaf.kind != Kind.EXPIRED.value)
                .correlate(schema.person)
            )
            query = query.where(person.last_hour < task.unless_since, ~later.exists())
        gone = [bytes(visitor) for visitor in self.connection.scalars(query)]
        if not gone:
            return 0
        records = self.connection.execute(schema.owner.delete().where(owner.visitor.in_(gone))).rowcount
        self.connection.execute(schema.person.delete().where(person.visitor.in_(gone)))
        self._persons |= dict.fromkeys(gone)
        why = "asked" if task.unless_since is None else "retention"
        self.add(Part.PUBLIC, leaves.erased_leaf(hour_of(self.now), records, why))
        return len(gone)

    def _expire(self, task: Expiring) -> int:
        """Notes for each whose grants have run out that they have; how many."""
        self.flush()
        person = schema.person.c
        query = select(schema.person).where(person.until_hour > 0, person.until_hour <= hour_of(task.at))
        noted, after = 0, b""
        while not noted:
            beyond = query.where(person.visitor > after).order_by(person.visitor).limit(task.most)
            rows = self.connection.execute(beyond).all()
            if not rows:
                break
            listed_wrongly = self._not_over({bytes(row.visitor) for row in rows}, hour_of(task.at))
            for row in rows:
                if bytes(row.visitor) not in listed_wrongly:
                    self._note_end(row, task.at)
                    noted += 1
            after = bytes(rows[-1].visitor)
        return noted

    def _not_over(self, visitors: Collection[bytes], hour: int) -> set[bytes]:
        """Whose grants have no end by then in their own last record: what is in no tree, and was damaged, ends none."""
        leaf, person, owner = schema.leaf.c, schema.person.c, schema.owner.c
        query = (
            select(leaf.kind, leaf.sealed, person.visitor, person.key)
            .select_from(
                schema.owner.join(schema.leaf, leaf.idx == owner.idx).join(
                    schema.person, person.visitor == owner.visitor
                )
            )
            .where(owner.visitor.in_(visitors), is_last())
        )
        found = set()
        for last in self.connection.execute(query):
            told = sealing.opened(bytes(last.key), bytes(last.visitor), bytes(last.sealed))
            if told is not None and not 0 < hours_told(last.kind, until_in(told))[0] <= hour:
                found.add(bytes(last.visitor))
        return found

    def _note_end(self, row: Any, at: float) -> None:
        visitor = bytes(row.visitor)
        found = self._persons[visitor] = _Person(bytes(row.key), row.last_hour, 0)
        sealed = sealing.seal(found.key, visitor, leaves.expired_payload(visitor.hex(), at))
        self._add_personal(visitor, Kind.EXPIRED, hour_of(at), "", sealed)

    def _note(self, task: Noting) -> int:
        if task.unless_last:
            self.flush()
            leaf, content = schema.leaf.c, leaves.content_of(task.body)
            query = select(leaf.body).where(leaf.kind == content["kind"]).order_by(leaf.idx.desc()).limit(1)
            last = leaves.content_of(bytes(self.connection.scalar(query) or b""))
            if {**last, "hour": None} == {**content, "hour": None}:
                return 0
        self.add(Part.PUBLIC, task.body)
        return 1

    # --------------------------------------------------------------------------------- writing it

    def flush(self) -> None:
        """Writes what has been gathered."""
        insert_leaves(self.connection, self._rows)
        insert_nodes(self.connection, self._nodes)
        insert(self.connection, schema.owner, ("idx", "visitor"), self._owners)
        self._write_persons()
        _add(self.connection, schema.pending, ("hash",), list(self._refusals.values()))
        for gathered in (self._rows, self._nodes, self._owners, self._new, self._touched, self._refusals):
            gathered.clear()

    def _write_persons(self) -> None:
        new = [(visitor, self._known(visitor)) for visitor in sorted(self._new)]
        rows = [(visitor, person.key, person.last_hour, person.until_hour) for visitor, person in new]
        insert(self.connection, schema.person, ("visitor", "key", "last_hour", "until_hour"), rows)
        again = [(visitor, self._known(visitor)) for visitor in sorted(self._touched - self._new)]
        if again:
            self.connection.execute(
                _SEEN_AGAIN,
                [{"of": visitor, "last": each.last_hour, "until": each.until_hour} for visitor, each in again],
            )

    def _known(self, visitor: bytes) -> _Person:
        person = self._persons[visitor]
        if person is None:
            raise LookupError("a person who was forgotten is written")
        return person

    def count(self, counts: Mapping[tuple[str, int], int]) -> None:
        """Adds to the counters, by event and hour."""
        rows = [{"event": event, "hour": hour, "n": n} for (event, hour), n in counts.items()]
        _add(self.connection, schema.counter, ("event", "hour"), rows)

    def end(self, signer: Signs | None) -> SignedHead | None:
        """Writes the rest, the new end of the tree, and its head, signed where there is a key to sign it."""
        self.flush()
        state = {"size": self.frontier.size, "peaks": self.frontier.packed, "merged_hour": self.merged_hour}
        self.connection.execute(_END, state)
        if signer is None:
            return None
        # To the hour: a head would otherwise keep the moment of a record that was erased.
        head = Head(self.ledger.hex(), self.frontier.size, self.frontier.root, hour_of(self.now))
        signed = sign_head(signer, head)
        put_head(self.connection, signed)
        return signed


def put_head(connection: Connection, signed: SignedHead) -> None:
    """Keeps a head as the latest of its hour."""
    values = (signed.head.size, signed.head.root, signed.key, signed.signature)
    hour = signed.head.hour
    if not connection.execute(_SET_HEAD, {"of": hour, **dict(zip(_HEAD, values, strict=True))}).rowcount:
        insert(connection, schema.head, ("hour", *_HEAD), [(hour, *values)])


def know_signers(connection: Connection, keys: Mapping[str, bytes]) -> None:
    """Keeps public keys that are not known yet: heads outlive the keys they were signed with."""
    known = set(connection.scalars(select(schema.signer.c.id)))
    if new := [{"id": id_, "public": public} for id_, public in keys.items() if id_ not in known]:
        connection.execute(schema.signer.insert(), new)


def last_seen_before(connection: Connection, hour: int) -> Sequence[bytes]:
    """Everybody with a key whose last record is of an earlier hour."""
    person = schema.person.c
    return [bytes(visitor) for visitor in connection.scalars(select(person.visitor).where(person.last_hour < hour))]


def _add(connection: Connection, table: Table, key: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds each row's `n` to the row with its key, or makes it. Nobody else writes: the state row is locked."""
    first, columns = table.c[key[0]], [table.c[name] for name in key]
    there: set[tuple[Any, ...]] = set()
    for start in range(0, len(rows), _AT_ONCE):
        wanted = {row[key[0]] for row in rows[start : start + _AT_ONCE]}
        there |= {tuple(found) for found in connection.execute(select(*columns).where(first.in_(wanted)))}
    known: list[Mapping[str, Any]] = []
    new: list[Mapping[str, Any]] = []
    for row in sorted(rows, key=lambda row: tuple(row[name] for name in key)):
        (known if tuple(row[name] for name in key) in there else new).append(row)
    if known:
        update = table.update().values(n=table.c.n + bindparam("its_n"))
        for name in key:
            update = update.where(table.c[name] == bindparam(f"its_{name}"))
        connection.execute(update, [{f"its_{name}": row[name] for name in ("n", *key)} for row in known])
    if new:
        connection.execute(table.insert(), new)
