"""A migrated database for a test alone, copied from a template in some tens of milliseconds."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from runtime.embedded_postgres import PostgresServer
from store.migrations import RoleDsns, RolePasswords, migrate, role_dsns

PASSWORDS = RolePasswords.all_alike("only for tests")
TEMPLATE = "xuanshu_template"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """`owner_dsn` is the superuser's; `dsns` has each role's: migrator, app, sequencer, auditor, vault."""

    name: str
    owner_dsn: str
    dsns: RoleDsns


async def make_template(server: PostgresServer) -> str:
    """Migrate an empty database once; every test's own is a copy of it."""
    await server.ensure_database(TEMPLATE)
    migrate(server.dsn(TEMPLATE), PASSWORDS)
    return TEMPLATE


@asynccontextmanager
async def fresh_database(server: PostgresServer, template: str) -> AsyncIterator[Database]:
    """A database copied from `template`, dropped at the end even while somebody is still connected."""
    name = f"test_{next(_numbers)}"
    await _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    dsn = server.dsn(name)
    yield Database(name=name, owner_dsn=dsn, dsns=role_dsns(dsn, PASSWORDS))
    await _administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _administer(server: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
