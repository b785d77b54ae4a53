"""What a database's result codes mean to an operator."""

import sqlite3

import pytest

from cmp.store.errors import Reason, StoreError, from_os, from_postgres, from_sqlite


class ServerError(Exception):
    """An error as psycopg raises it: a code, and a message that may quote anything."""

    def __init__(self, sqlstate: str | None, message: str = "secret row") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    "sqlstate, message, reason",
    [
        ("53100", "", Reason.FULL),
        ("53300", "", Reason.FULL),
        ("25006", "", Reason.READ_ONLY),
        ("42501", "", Reason.READ_ONLY),
        ("28P01", "", Reason.READ_ONLY),
        ("3D000", "", Reason.MISSING),
        ("55P03", "", Reason.LOCKED),
        ("40P01", "", Reason.LOCKED),
        ("57P01", "", Reason.UNREACHABLE),
        ("57014", "", Reason.LOCKED),
        ("08006", "", Reason.UNREACHABLE),
        ("58030", "", Reason.FAILED),
        ("XX001", "", Reason.CORRUPT),
        ("XX002", "", Reason.CORRUPT),
        ("42P01", "", Reason.FAILED),
        (None, "server closed the connection", Reason.UNREACHABLE),
        (None, 'FATAL:  database "x" does not exist', Reason.MISSING),
        (None, 'FATAL:  password authentication failed for user "x"', Reason.READ_ONLY),
        (None, "FATAL:  sorry, too many clients already", Reason.FULL),
    ],
)
def test_an_error_of_postgresql_has_a_reason_a_next_step_and_nothing_of_a_row(
    sqlstate: str | None, message: str, reason: Reason
) -> None:
    told = from_postgres(StoreError, "postgresql://db.test/x", ServerError(sqlstate, message or "secret row"))
    assert told.reason is reason
    assert told.remedy
    assert str(told).startswith("postgresql://db.test/x: ")
    assert "secret" not in str(told)


@pytest.mark.parametrize(
    "code, reason",
    [
        (sqlite3.SQLITE_FULL, Reason.FULL),
        (sqlite3.SQLITE_READONLY, Reason.READ_ONLY),
        (sqlite3.SQLITE_BUSY, Reason.LOCKED),
        (sqlite3.SQLITE_CORRUPT | (1 << 8), Reason.CORRUPT),
        (sqlite3.SQLITE_NOTADB, Reason.CORRUPT),
        (sqlite3.SQLITE_IOERR | (4 << 8), Reason.FAILED),
        (sqlite3.SQLITE_MISUSE, Reason.FAILED),
    ],
)
def test_an_error_of_sqlite_has_a_reason_by_its_primary_code(code: int, reason: Reason) -> None:
    error = sqlite3.OperationalError("secret row")
    error.sqlite_errorcode = code
    told = from_sqlite(StoreError, "/l.db", error)
    assert told.reason is reason
    assert told.remedy
    assert "secret" not in str(told)


def test_text_that_is_no_text_is_damage() -> None:
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid")
    assert from_sqlite(StoreError, "/l.db", error).reason is Reason.CORRUPT


@pytest.mark.parametrize(
    "error, reason", [(PermissionError(13, "x"), Reason.READ_ONLY), (OSError(5, "x"), Reason.FAILED)]
)
def test_an_error_of_the_system_has_a_reason(error: OSError, reason: Reason) -> None:
    assert from_os(StoreError, "/l.db", error).reason is reason
