"""Migrations: from nothing, again, several at once, and after one that was killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from store import migrations
from store.migrations import LEDGER_SCHEMAS, MIGRATIONS, VAULT_SCHEMAS, migrate, role_dsns
from tests.support.databases import PASSWORDS

SCHEMAS = (*LEDGER_SCHEMAS, *VAULT_SCHEMAS)


def applied(owner_dsn: str) -> dict[str, int]:
    """Number of migrations noted as applied, by schema."""
    with psycopg.connect(owner_dsn) as connection:
        return {
            schema: connection.execute(f"SELECT count(*) FROM {schema}._yoyo_migration").fetchall()[0][0]
            for schema in SCHEMAS
        }


def written() -> dict[str, int]:
    """Number of migration files, by schema."""
    return {schema: len(list(Path(MIGRATIONS / schema).glob("*.sql"))) for schema in SCHEMAS}


def test_an_empty_database_is_migrated_and_again_is_no_change(empty_database: Callable[[], str]) -> None:
    owner = empty_database()
    for _ in range(2):
        migrate(owner, PASSWORDS)
        assert applied(owner) == written()


async def test_several_that_start_at_once_migrate_once(empty_database: Callable[[], str]) -> None:
    owner = empty_database()
    await asyncio.gather(*(asyncio.to_thread(migrate, owner, PASSWORDS) for _ in range(4)))
    assert applied(owner) == written()


def test_a_lock_left_by_a_killed_migration_holds_up_nobody(empty_database: Callable[[], str]) -> None:
    owner = empty_database()
    migrate(owner, PASSWORDS)
    with psycopg.connect(owner) as connection:
        for schema in SCHEMAS:
            connection.execute(f"INSERT INTO {schema}.yoyo_lock (locked, ctime, pid) VALUES (1, now(), 1)")
    migrate(owner, PASSWORDS)
    assert applied(owner) == written()


def test_a_migration_that_fails_leaves_its_schema_as_it_was(
    empty_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = empty_database()
    migrate(owner, PASSWORDS)
    for schema in SCHEMAS:
        (tmp_path / schema).symlink_to(MIGRATIONS / schema)
    (tmp_path / "ledger").unlink()
    (tmp_path / "ledger").mkdir()
    for kept in (MIGRATIONS / "ledger").glob("*.sql"):
        (tmp_path / "ledger" / kept.name).symlink_to(kept)
    (tmp_path / "ledger" / "9999.broken.sql").write_text("CREATE TABLE half (one int);\nSELECT 1 / 0;\n")
    monkeypatch.setattr(migrations, "MIGRATIONS", tmp_path)
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(owner, PASSWORDS)
    assert applied(owner) == written()
    with psycopg.connect(owner) as connection:
        assert connection.execute("SELECT to_regclass('ledger.half')").fetchall() == [(None,)]


def test_what_is_made_belongs_to_a_role_that_cannot_log_in(empty_database: Callable[[], str]) -> None:
    owner = empty_database()
    migrate(owner, PASSWORDS)
    with psycopg.connect(owner) as connection:
        owners = connection.execute(
            "SELECT DISTINCT rolname, rolcanlogin, rolsuper FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner"
            " WHERE relnamespace::regnamespace::text = ANY (%s)",
            [list(SCHEMAS)],
        ).fetchall()
        assert owners == [("xuanshu_owner", False, False)]
        logins = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'xuanshu%' AND (rolsuper OR rolcreaterole OR rolcreatedb)"
        ).fetchall()
        assert logins == []


def test_role_dsns_keep_the_place_and_change_the_person() -> None:
    passwords = PASSWORDS.model_copy(update={"app": "p@ss/word"})
    dsns = role_dsns("postgresql://boss:secret@db.example:5433/awards?sslmode=require", passwords)
    assert dsns.app == "postgresql://xuanshu_app:p%40ss%2Fword@db.example:5433/awards?sslmode=require"
    assert role_dsns("postgresql:///awards?host=/run/pg", passwords).app == (
        "postgresql://xuanshu_app:p%40ss%2Fword@/awards?host=/run/pg"
    )
    assert "p@ss" not in repr(passwords) + repr(dsns)
