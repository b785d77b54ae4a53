"""Two chains of records, as versions before 0.2 made them in SQLite.

Files of that time have these tables already; a new ledger has them for a moment.
"""

from alembic import op

revision = "0001"
down_revision = None

_BYTES = {"sqlite": "BLOB", "postgresql": "BYTEA"}


def upgrade() -> None:
    blob = _BYTES[op.get_bind().dialect.name]
    record = f"kind TEXT NOT NULL, hour INTEGER NOT NULL, leaf {blob} NOT NULL, leaf_hash {blob} NOT NULL"
    for statement in (
        "CREATE TABLE ledger_schema (version INTEGER NOT NULL)",
        f"CREATE TABLE personal (seq INTEGER PRIMARY KEY, {record}, chain_hash {blob} NOT NULL,"
        f" payload {blob} NOT NULL)",
        f"CREATE TABLE unlinkable (seq INTEGER PRIMARY KEY, {record}, chain_hash {blob} NOT NULL)",
        f"CREATE TABLE visitor_key (visitor {blob} PRIMARY KEY, key {blob} NOT NULL)",
        f"CREATE TABLE owner (seq INTEGER PRIMARY KEY, visitor {blob} NOT NULL)",
        "CREATE TABLE counter (event TEXT, hour INTEGER, n INTEGER NOT NULL, PRIMARY KEY (event, hour))",
    ):
        op.execute(statement)
