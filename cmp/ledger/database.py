"""Where a ledger lives: a file of SQLite, or a database of PostgreSQL that many servers share.

May go in here: connections for writing and reading, the checks made when one is opened, what each of the two needs done
around a commit. May not: what is in the tables. Nobody else asks which of the two it is.

SQLite admits one writing process (`cmp.store.sqlite` says why). In PostgreSQL any number may write; they take turns at
the row of `ledger_state` (`store.py`).
"""

import contextlib
import hashlib
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from cmp.ledger import schema
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.migrations import migrate
from cmp.store.address import place_of, without_password
from cmp.store.errors import from_postgres, from_sqlite
from cmp.store.sqlite import FAILURES as SQLITE_FAILURES
from cmp.store.sqlite import Identity, SqliteFile, empty_log, give_back, shut

FAILURES = (SQLAlchemyError, *SQLITE_FAILURES)
"""What a database raises that is damaged, gone or full."""

# Beyond this the write-ahead log is cut back. 64 MB.
_WAL_LIMIT = 64 * 1024 * 1024
# Seconds to wait for a connection to a server, and for another node's turn to end.
_CONNECT_WAIT = 5
_TURN_WAIT = 10.0
# One migration at a time. Any number will do that nobody else in the database uses.
_MIGRATING = int.from_bytes(hashlib.sha256(b"consentry ledger").digest()[:8], "big", signed=True)


class Database(ABC):
    """What the ledger needs of a database. `told` is its place for people, `file` its path where it is one."""

    told: str
    file: Path | None = None

    @abstractmethod
    def claim(self) -> None:
        """Takes the writer's place, where there is only one. Raises LedgerError."""

    @abstractmethod
    def release(self) -> None:
        """Gives it back."""

    @abstractmethod
    def make(self) -> None:
        """Makes a ledger where there is none, or brings one to this version. Raises LedgerError.

        Once, when it is opened: one that vanishes later is not to be replaced by an empty one.
        """

    @abstractmethod
    def connect(self) -> Connection:
        """A connection that writes. Raises LedgerError."""

    @abstractmethod
    def before_commit(self) -> None:
        """Raises LedgerError where what is about to be committed would go astray."""

    @abstractmethod
    def shut(self, connection: Connection) -> None:
        """Closes a writing connection, whatever state it is in."""

    @abstractmethod
    def wipe(self, connection: Connection) -> None:
        """Takes what was deleted out of logs and dead rows too, as far as the database can. Raises what it raises."""

    @abstractmethod
    def reading(self) -> contextlib.AbstractContextManager[Connection]:
        """A connection that cannot change anything and sees one moment. Raises LedgerError.

        Also for what the caller's own statements raise.
        """

    @abstractmethod
    def error(self, error: Exception) -> LedgerError:
        """What went wrong, for the operator. Raise it `from` the original."""

    def check(self, connection: Connection, *, may_migrate: bool) -> str | None:
        """The revision found, None for none. Raises LedgerError for one that this program cannot use."""
        try:
            found = schema.version_of(connection)
        except ValueError as error:
            raise self._other_version(str(error)) from error
        if found is None or (found < schema.REVISION and may_migrate):
            return found
        if found < schema.REVISION:
            raise LedgerError(
                Reason.SCHEMA,
                self.told,
                f"is of an earlier version ({found}; this is {schema.REVISION})",
                "run `consentry ledger upgrade` on it, or start the server with it",
            )
        if found != schema.REVISION:
            raise self._other_version(found)
        if differing := schema.differences(connection):
            raise LedgerError(
                Reason.CORRUPT,
                self.told,
                f"its tables are not defined as a ledger's are ({', '.join(differing[:3])})",
                LedgerError.restore,
            )
        return found

    def _other_version(self, found: str) -> LedgerError:
        return LedgerError(
            Reason.SCHEMA,
            self.told,
            f"has schema version {found}, this program knows version {schema.REVISION}",
            "use the version of consentry that wrote it, or a newer one",
        )

    def bring_on(self, connection: Connection) -> None:
        """Makes the tables, or brings them to this version; in a transaction of its own. Raises LedgerError."""
        with connection.begin():
            self.take_migrating_turn(connection)
            found = self.check(connection, may_migrate=True)
            if found == schema.REVISION:
                return
            try:
                migrate(connection, found)
            except ValueError as error:
                raise LedgerError(
                    Reason.CORRUPT,
                    self.told,
                    f"is of an earlier version and cannot be brought to this one: {error}",
                    LedgerError.restore,
                ) from error

    def take_migrating_turn(self, connection: Connection) -> None:  # noqa: B027 - most need no turn
        """Waits until nobody else migrates."""


def database_of(address: str | Path, lock_wait: float = 2.0) -> Database:
    """The database an address names, not opened yet; `lock_wait` in seconds. Raises LedgerError."""
    place = place_of(address, LedgerError, "ledger")
    return SqliteDatabase(place, lock_wait) if isinstance(place, Path) else PostgresDatabase(place, lock_wait)


class SqliteDatabase(Database):
    """A file; `claim` keeps out every other process that writes."""

    def __init__(self, file: Path, lock_wait: float) -> None:
        self.file, self.told = file, str(file)
        self._store = SqliteFile(file, LedgerError, "ledger", _WAL_LIMIT)
        self._lock_wait = lock_wait
        self._place: int | None = None
        self._identity: Identity = ()
        self._raw: sqlite3.Connection | None = None

    def claim(self) -> None:
        self._place = self._store.claim()

    def release(self) -> None:
        if self._place is not None:
            give_back(self._place)
            self._place = None

    def make(self) -> None:
        self._store.make(self._fill)
        connection = self._open(may_migrate=True)
        try:
            self.bring_on(connection)
        except (*FAILURES, LedgerError) as error:
            raise self.error(error) from error
        finally:
            self.shut(connection)

    def connect(self) -> Connection:
        connection = self._open(may_migrate=False)
        try:
            self._identity = self._store.identity()
        except LedgerError:
            self.shut(connection)
            raise
        return connection

    def _open(self, *, may_migrate: bool) -> Connection:
        def check(raw: sqlite3.Connection) -> None:
            self._check_application(raw)
            with _over(raw, "BEGIN").connect() as connection:
                self._check_there(connection, may_migrate=may_migrate)

        try:
            self._raw = self._store.open_writer(check, self._lock_wait)
        except FAILURES as error:
            raise self.error(error) from error
        return _over(self._raw, "BEGIN IMMEDIATE").connect()

    def before_commit(self) -> None:
        self._store.same_as(self._identity)

    def shut(self, connection: Connection) -> None:
        with contextlib.suppress(*FAILURES):
            connection.close()
        if self._raw is not None:
            shut(self._raw)
            self._raw = None

    def wipe(self, connection: Connection) -> None:  # noqa: ARG002 - the log is emptied outside of any transaction
        if self._raw is not None:
            empty_log(self._raw)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A file that no server has open is read as it lies; a server that starts meanwhile is an error."""
        if not self._store.path.is_file():
            raise LedgerError(Reason.MISSING, self.told, "no such file", "name the file that --ledger names")
        at_rest = self._store.at_rest()
        try:
            raw = self._store.open_reader(at_rest, max(self._lock_wait, 5.0))
            try:
                self._check_application(raw)
                with _over(raw, "BEGIN").connect() as connection:
                    self._check_there(connection, may_migrate=False)
                    yield connection
            finally:
                shut(raw)
        except FAILURES as error:
            raise self._store.disturbed(at_rest) or self.error(error) from error
        if disturbed := self._store.disturbed(at_rest):
            raise disturbed

    def error(self, error: Exception) -> LedgerError:
        if isinstance(error, LedgerError):
            return error
        return from_sqlite(LedgerError, self.told, _original(error))

    def _fill(self, raw: sqlite3.Connection) -> None:
        try:
            with _over(raw, "BEGIN IMMEDIATE").connect() as connection:
                self.bring_on(connection)
            raw.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        except DBAPIError as error:
            raise self.error(error) from error

    def _check_there(self, connection: Connection, *, may_migrate: bool) -> None:
        if self.check(connection, may_migrate=may_migrate) is None:
            raise LedgerError(
                Reason.CORRUPT, self.told, "its tables are not defined as a ledger's are", LedgerError.restore
            )

    def _check_application(self, raw: sqlite3.Connection) -> None:
        (application,) = raw.execute("PRAGMA application_id").fetchone()
        if application == 0 and raw.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            raise LedgerError(
                Reason.CORRUPT,
                self.told,
                "is empty, which a ledger never is",
                "restore it from a backup; if it never was a ledger, delete it, and a new one is made",
            )
        if application != schema.APPLICATION_ID:
            raise LedgerError(
                Reason.FOREIGN,
                self.told,
                "is a database, but no ledger",
                "name another path; a new ledger is made where no file is",
            )


class PostgresDatabase(Database):
    """A database of PostgreSQL, by a URL that begins with "postgresql://"."""

    def __init__(self, url: str, lock_wait: float) -> None:
        self.told = without_password(url)
        self._lock_wait = max(lock_wait, _TURN_WAIT)
        try:
            self._engine = create_engine(
                make_url(url).set(drivername="postgresql+psycopg"),
                poolclass=NullPool,
                isolation_level="READ COMMITTED",
                connect_args={"connect_timeout": _CONNECT_WAIT, "application_name": "consentry"},
            )
        except ModuleNotFoundError as error:
            raise LedgerError(
                Reason.ADDRESS,
                self.told,
                "the driver for PostgreSQL is not installed",
                'pip install "consentry[postgresql]"',
            ) from error
        except (SQLAlchemyError, ValueError) as error:
            raise LedgerError(
                Reason.ADDRESS, "postgresql:...", "is no address", "write postgresql://user:password@host:5432/database"
            ) from error

    def claim(self) -> None:
        """Nothing: any number may write."""

    def release(self) -> None:
        """Nothing was taken."""

    def make(self) -> None:
        try:
            with self._engine.connect() as connection:
                self._check_server(connection)
                self.bring_on(connection)
        except FAILURES as error:
            raise self.error(error) from error

    def connect(self) -> Connection:
        connection = None
        try:
            connection = self._engine.connect()
            self._check_server(connection)
            self._check_there(connection)
            wait = text("SELECT set_config('lock_timeout', :wait, false)")
            connection.execute(wait, {"wait": f"{self._lock_wait * 1000:.0f}ms"})
            # Another node waits while ours is silent within its turn.
            connection.execute(text("SELECT set_config('idle_in_transaction_session_timeout', '60s', false)"))
            connection.commit()
        except (*FAILURES, LedgerError) as error:
            if connection is not None:
                self.shut(connection)
            raise self.error(error) from error
        return connection

    def before_commit(self) -> None:
        """Nothing: a connection to a server that went away fails by itself."""

    def shut(self, connection: Connection) -> None:
        with contextlib.suppress(*FAILURES):
            connection.invalidate()
            connection.close()

    def wipe(self, connection: Connection) -> None:
        for table in (schema.person, schema.owner):
            with connection.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as alone:
                # Not waiting for who vacuums it already.
                alone.execute(text(f"VACUUM (SKIP_LOCKED) {table.name}"))

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            ) as connection:
                self._check_there(connection)
                yield connection
        except FAILURES as error:
            raise self.error(error) from error

    def error(self, error: Exception) -> LedgerError:
        if isinstance(error, LedgerError):
            return error
        return from_postgres(LedgerError, self.told, _original(error))

    def take_migrating_turn(self, connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})

    def _check_there(self, connection: Connection) -> None:
        if self.check(connection, may_migrate=False) is None:
            raise LedgerError(Reason.MISSING, self.told, "holds no ledger", "name the database that --ledger names")

    def _check_server(self, connection: Connection) -> None:
        """A commit that returned must have reached the disk, whatever this user's or the database's settings say."""
        if connection.scalar(text("SHOW fsync")) != "on":
            raise LedgerError(
                Reason.FAILED,
                self.told,
                "this database server does not sync what it writes (fsync = off)",
                "switch fsync on: without it a crash loses what was acknowledged",
            )
        # Stronger settings (remote_apply) stay as they are.
        connection.execute(
            text(
                "SELECT set_config('synchronous_commit', 'on', false)"
                " WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')"
            )
        )
        connection.commit()


def _original(error: Exception) -> Exception:
    """What the driver raised."""
    within = error.orig if isinstance(error, DBAPIError) else None
    return within if isinstance(within, Exception) else error


def _over(raw: sqlite3.Connection, begin: str) -> Engine:
    """An engine that has this one connection, and begins transactions as told."""
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    event.listen(engine, "begin", _beginning(begin))
    return engine


def _beginning(statement: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin
