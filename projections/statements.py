"""The SQL of this package, one file a statement, found by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

SQL = Path(__file__).parent / "sql"


@cache
def statement(name: str) -> str:
    """The text of `projections/sql/<name>.sql`."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")
