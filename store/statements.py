"""The SQL of this package, one file a statement, found by name; and which errors leave an outcome unknown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import asyncpg

from schemas.errors import Unavailable

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


def away(fault: Exception) -> Unavailable:
    """The refusal, with the fault's words, or its kind where it has none, as a call that took too long."""
    return Unavailable("STORE_UNAVAILABLE", fault=str(fault) or type(fault).__name__)


@contextmanager
def lost_server_is_unavailable() -> Iterator[None]:
    """Raises Unavailable `STORE_UNAVAILABLE` for what a lost server or connection raised inside."""
    try:
        yield
    except Exception as fault:
        if server_is_away(fault):
            raise away(fault) from fault
        raise
