"""Look-ups by key are planned once, on the first day, when tables are empty."""

from __future__ import annotations

import psycopg
import pytest

from schemas.errors import Unavailable
from store.pool import open_pool
from store.statements import lost_server_is_unavailable, statement
from tests.support.databases import Database

BY_KEY = (
    "load",
    "receipt",
    "read_all",
    "position",
    "heads",
    "gates",
    "reservations",
    "reservations_of_units",
    "claims",
    "mark_delivered",
    "redeliver",
    "document",
    "streams",
    "title_streams",
)


@pytest.mark.parametrize("name", BY_KEY)
def test_no_plan_of_the_first_day_reads_a_whole_table(module_database: Database, name: str) -> None:
    with psycopg.connect(module_database.dsns.app) as connection:
        connection.execute(statement("lookups").encode())
        plan = connection.execute(f"EXPLAIN (GENERIC_PLAN) {statement(name)}".encode()).fetchall()
    told = "\n".join(line for (line,) in plan)
    assert "Index Cond" in told
    assert "Seq Scan" not in told


async def test_only_a_pool_for_lookups_plans_once(module_database: Database) -> None:
    for lookups, mode in ((True, "force_generic_plan"), (False, "auto")):
        async with await open_pool(module_database.dsns.app, 1, lookups=lookups) as pool:
            assert await pool.fetchval("SHOW plan_cache_mode") == mode


def test_a_call_that_took_too_long_is_named_though_its_fault_has_no_words() -> None:
    with pytest.raises(Unavailable, match="away: TimeoutError"), lost_server_is_unavailable():
        raise TimeoutError
