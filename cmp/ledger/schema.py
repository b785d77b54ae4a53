"""The tables of a ledger, and whether a database holds them as they have to be.

May go in here: table definitions for queries, telling versions apart. May not: making or changing tables
(`migrations/`), connections (`database.py`), rows (`store.py`, `reading.py`).

Mistakes of ours are stopped by triggers; others' are found by the tree. `ledger_person` and `ledger_owner` are outside
the tree, because they must be erasable; so is `ledger_pending`, where refusals wait for their hour to end
(`merging.py`). Tables with random or hashed keys are in the order of these, which tells nothing about time.
"""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    inspect,
    text,
)
from sqlalchemy.types import TypeEngine

REVISION = "0002"
VERSION_TABLE = "ledger_version"
# "CLdg", in the header of the file: tells a ledger from any other SQLite database (and `file` can show it).
APPLICATION_ID = 0x434C6467

metadata = MetaData()


def _whole() -> TypeEngine[int]:
    # In SQLite only a column of type INTEGER can be the row's own number.
    return BigInteger().with_variant(Integer(), "sqlite")


# Columns `kind`, `hour` and `part` repeat what the leaf says, for counting; `verify` compares them. `placed` ties the
# leaf to its number (`leaf_place` of `store.py`).
leaf = Table(
    "ledger_leaf",
    metadata,
    Column("idx", _whole(), primary_key=True, autoincrement=False),
    Column("part", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("hour", _whole(), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("placed", LargeBinary, nullable=False),
    Column("sealed", LargeBinary),
    Index("ledger_leaf_counted", "hour", "kind"),
)
node = Table(
    "ledger_node",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("idx", _whole(), primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
state = Table(
    "ledger_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("ledger", LargeBinary, nullable=False),
    Column("size", _whole(), nullable=False),
    Column("peaks", LargeBinary, nullable=False),
    Column("merged_hour", _whole(), nullable=False),
)
head = Table(
    "ledger_head",
    metadata,
    Column("hour", _whole(), primary_key=True, autoincrement=False),
    Column("size", _whole(), nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("signer", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
signer = Table(
    "ledger_signer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("public", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
person = Table(
    "ledger_person",
    metadata,
    Column("visitor", LargeBinary, primary_key=True),
    Column("key", LargeBinary, nullable=False),
    Column("last_hour", _whole(), nullable=False),
    Column("until_hour", _whole(), nullable=False),
    Index("ledger_person_last", "last_hour"),
    Index("ledger_person_until", "until_hour"),
    sqlite_with_rowid=False,
)
owner = Table(
    "ledger_owner",
    metadata,
    Column("idx", _whole(), primary_key=True, autoincrement=False),
    Column("visitor", LargeBinary, nullable=False),
    Index("ledger_owner_visitor", "visitor"),
)
pending = Table(
    "ledger_pending",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("hour", _whole(), nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("n", _whole(), nullable=False),
    sqlite_with_rowid=False,
)
counter = Table(
    "ledger_counter",
    metadata,
    Column("event", Text, primary_key=True),
    Column("hour", _whole(), primary_key=True, autoincrement=False),
    Column("n", _whole(), nullable=False),
    sqlite_with_rowid=False,
)

GUARDS = {"ledger_leaf_update": "UPDATE", "ledger_leaf_delete": "DELETE"}
"""Triggers that stop a change of what is only ever appended, by what they stop."""


def version_of(connection: Connection) -> str | None:
    """The revision a database holds: "0001" also for a file from before revisions were kept; None where there is none.

    Raises ValueError for a text of what it says where it says something else.
    """
    names = set(inspect(connection).get_table_names())
    if VERSION_TABLE in names:
        rows = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).all()  # noqa: S608 - a constant
        return _one(row[0] for row in rows)
    if "ledger_schema" in names:
        found = _one(str(row[0]) for row in connection.execute(text("SELECT version FROM ledger_schema")))
        if found != "1":
            raise ValueError(found)
        return "0001"
    return None


def _one(versions: Iterable[str]) -> str:
    found = list(versions)
    if len(found) != 1:
        raise ValueError(", ".join(found) or "none")
    return found[0]


def differences(connection: Connection) -> list[str]:
    """What is not defined as a ledger's tables are: names of tables, columns and triggers.

    A definition altered by one byte can make the same rows mean something else. What is there besides does no harm.
    """
    found: list[str] = []
    inspector = inspect(connection)
    there = set(inspector.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in there:
            found.append(table.name)
            continue
        columns = {column["name"]: column for column in inspector.get_columns(table.name)}
        for column in table.columns:
            is_ = columns.get(column.name)
            if is_ is None or is_["nullable"] != column.nullable or _family(is_["type"]) != _family(column.type):
                found.append(f"{table.name}.{column.name}")
        if inspector.get_pk_constraint(table.name)["constrained_columns"] != [c.name for c in table.primary_key]:
            found.append(f"{table.name}: key")
    return found + [name for name in GUARDS if name not in _triggers(connection)]


def _family(type_: TypeEngine[object]) -> str:
    """Whole number, text or bytes: widths differ by database."""
    return "int" if isinstance(type_, Integer) else str(type_.python_type.__name__)


def _triggers(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        return {name for name, sql in rows if name in GUARDS and sql == guard_sql("sqlite", name)[0]}
    query = "SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A') AND tgrelid = to_regclass('ledger_leaf')"
    rows = connection.execute(text(query)).all()
    return {name for (name,) in rows}


def guard_sql(dialect: str, name: str) -> list[str]:
    """The statements that make a trigger of `GUARDS`."""
    told = "records are only ever appended"
    if dialect == "sqlite":
        stop = f"BEGIN SELECT RAISE(ABORT, '{told}'); END"
        return [f"CREATE TRIGGER {name} BEFORE {GUARDS[name]} ON ledger_leaf {stop}"]
    return [
        "CREATE OR REPLACE FUNCTION ledger_appended_only() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{told}'; END $$",
        f"CREATE TRIGGER {name} BEFORE {GUARDS[name]} ON ledger_leaf"
        " FOR EACH ROW EXECUTE FUNCTION ledger_appended_only()",
    ]
