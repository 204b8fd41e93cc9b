"""Fresh migrated databases, and each event store behind one face."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from store.contract import EventStore
from store.memory import MemoryEventStore
from store.migrations import migrate, role_dsns
from store.postgres import PostgresEventStore
from store.sequencer import Sequencer
from tests.support.databases import PASSWORDS, Database

# Read before any test runs, as tests see no setting of the person who runs them.
NAMED_SERVER = os.environ.get("XUANSHU_TEST_POSTGRES_DSN", "")


@dataclass(frozen=True)
class Ledger:
    """A store, and how to make its sequencer catch up."""

    store: EventStore
    settle: Callable[[], Awaitable[None]]


@pytest.fixture(scope="session")
def empty_database(postgres: str) -> Callable[..., str]:
    """Make a database that nothing has migrated; returns the superuser's DSN."""

    def make(server: str = postgres) -> str:
        name = f"empty_{uuid4().hex}"
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))

    return make


@pytest_asyncio.fixture(scope="module", params=["embedded", *(["named"] if NAMED_SERVER else [])])
async def ballot_database(
    request: pytest.FixtureRequest, empty_database: Callable[..., str], module_database: Database
) -> Database:
    """Where the contract of the ballot box is tried: the embedded server, and the one of XUANSHU_TEST_POSTGRES_DSN."""
    if request.param == "embedded":
        return module_database
    dsn = empty_database(NAMED_SERVER)
    migrate(dsn, PASSWORDS)
    return Database(name=dsn.rsplit("/", 1)[-1], owner_dsn=dsn, dsns=role_dsns(dsn, PASSWORDS))


@pytest.fixture
async def postgres_ledger(module_database: Database) -> AsyncIterator[Ledger]:
    sequencer = Sequencer(module_database.dsns.sequencer)

    async def settle() -> None:
        while await sequencer.step():
            pass

    async with PostgresEventStore(module_database.dsns.app) as store:
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
