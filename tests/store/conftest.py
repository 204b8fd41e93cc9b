"""Fresh migrated databases, and each event store behind one face."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from store.contract import EventStore
from store.memory import MemoryEventStore
from store.migrations import RoleDsns, RolePasswords, migrate, role_dsns
from store.postgres import PostgresEventStore
from store.sequencer import Sequencer

PASSWORDS = RolePasswords.all_alike("only for tests")


@pytest.fixture(scope="session")
def postgres() -> str:
    return "postgresql://postgres@127.0.0.1:5999/postgres"


@dataclass(frozen=True)
class Database:
    """A migrated database: the superuser's DSN and the roles'."""

    owner: str
    roles: RoleDsns


@dataclass(frozen=True)
class Ledger:
    """A store, and how to make its sequencer catch up."""

    store: EventStore
    settle: Callable[[], Awaitable[None]]


@pytest.fixture(scope="session")
def empty_database(postgres: str) -> Callable[[], str]:
    """Make a database that nothing has migrated; returns the superuser's DSN."""

    def make() -> str:
        name = f"t_{uuid4().hex}"
        with psycopg.connect(postgres, autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return postgres.rpartition("/")[0] + "/" + name

    return make


@pytest.fixture(scope="module")
def database(empty_database: Callable[[], str]) -> Database:
    """One migrated database a module."""
    owner = empty_database()
    migrate(owner, PASSWORDS)
    return Database(owner, role_dsns(owner, PASSWORDS))


@pytest.fixture
async def postgres_ledger(database: Database) -> AsyncIterator[Ledger]:
    sequencer = Sequencer(database.roles.sequencer)

    async def settle() -> None:
        while await sequencer.step():
            pass

    async with PostgresEventStore(database.roles.app) as store:
        yield Ledger(store, settle)
    await sequencer.close()


@pytest.fixture
async def memory_ledger() -> Ledger:
    async def settle() -> None:
        """An append in memory is in the order at once."""

    return Ledger(MemoryEventStore(), settle)


@pytest.fixture(params=["memory", "postgres"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """Each store in turn."""
    made: Ledger = request.getfixturevalue(f"{request.param}_ledger")
    return made


@pytest.fixture
def name() -> str:
    """A name that no other test uses, for streams, cycles and gates."""
    return uuid4().hex
