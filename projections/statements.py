"""The SQL of this package, one file a statement, found by name; and a lost server told from a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from schemas.errors import Unavailable
from store.statements import server_is_away

SQL = Path(__file__).parent / "sql"


@cache
def statement(name: str) -> str:
    """The text of `projections/sql/<name>.sql`."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


@contextmanager
def lost_server_is_unavailable() -> Iterator[None]:
    """Raises Unavailable `STORE_UNAVAILABLE` for what a lost server or connection raised inside."""
    try:
        yield
    except Exception as fault:
        if server_is_away(fault):
            raise Unavailable("STORE_UNAVAILABLE", fault=fault) from fault
        raise
