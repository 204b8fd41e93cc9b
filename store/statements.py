"""The SQL of this package, one file a statement, found by name; and which errors leave an outcome unknown."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import asyncpg

SQL = Path(__file__).parent / "sql"

# SQLSTATE classes and codes that speak of the connection or the server, not of the statement.
_AWAY = ("08", "57P0", "53")


@cache
def statement(name: str) -> str:
    """The text of `store/sql/<name>.sql`."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def server_is_away(fault: BaseException) -> bool:
    """Whether a failed call may or may not have had its effect: it has no SQLSTATE, or one of a lost server."""
    sqlstate = getattr(fault, "sqlstate", None)
    if sqlstate is None:
        return isinstance(
            fault, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError
        )
    return str(sqlstate).startswith(_AWAY)
