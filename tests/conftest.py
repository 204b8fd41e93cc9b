"""Real servers for tests: one Postgres and one Temporal a session, a database and a skipping clock a test."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import structlog
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from runtime.dev_server import DevServer, DevServerOptions, start_dev_server
from runtime.embedded_postgres import PostgresServer, start_postgres
from runtime.places import Places, held_ephemeral_folder, places_for, server_account
from runtime.settings import Settings, child_environment
from runtime.stack import remove_abandoned
from runtime.temporal import connect
from tests.support.databases import Database, fresh_database, make_template
from tests.support.time_skipping import skipping_environment

_LONGEST = ("e2e", "workflows", "store")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits longest for windows to end comes first, so that nothing else waits for it at the end."""
    folders = [*_LONGEST, ""]
    items.sort(
        key=lambda item: next(n for n, one in enumerate(folders) if one in ("", item.path.parent.name))
    )


@pytest.fixture(scope="session", autouse=True)
def _no_server_of_the_person_who_runs_this(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No setting of theirs leads a test to a server of theirs, nor does a stack that runs in this checkout.

    What Python compiles for the processes that tests start is kept, as on a person's machine.
    """
    wanted = child_environment(tmp_path_factory.mktemp("no-stack"))
    if sys.dont_write_bytecode:
        compiled = str(tmp_path_factory.mktemp("compiled"))
        wanted |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": compiled}
    with pytest.MonkeyPatch.context() as environment:
        for name in os.environ.keys() - wanted.keys():
            environment.delenv(name)
        for name, value in wanted.items():
            environment.setenv(name, value)
        yield


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """What configures logging, as every command does, does so for its own test alone."""
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [one for one in root.handlers if one.name == "xuanshu"]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def places() -> Iterator[Places]:
    """A folder for this session's servers."""
    remove_abandoned()
    with held_ephemeral_folder(server_account(Settings())) as folder:
        yield places_for(Settings(data_dir=folder))


@pytest_asyncio.fixture(scope="session")
async def postgres_server(places: Places) -> AsyncIterator[PostgresServer]:
    """A Postgres server of this session."""
    server = await start_postgres(places, "for-tests-only")
    yield server
    await server.child.stop()


@pytest.fixture(scope="session")
def postgres(postgres_server: PostgresServer) -> str:
    """The superuser's DSN."""
    return postgres_server.dsn("postgres")


@pytest_asyncio.fixture(scope="session")
async def template_database(postgres_server: PostgresServer) -> str:
    return await make_template(postgres_server)


@pytest_asyncio.fixture
async def database(postgres_server: PostgresServer, template_database: str) -> AsyncIterator[Database]:
    """A migrated database for this test alone."""
    async with fresh_database(postgres_server, template_database) as fresh:
        yield fresh


@pytest_asyncio.fixture(scope="module")
async def module_database(postgres_server: PostgresServer, template_database: str) -> AsyncIterator[Database]:
    """A migrated database that the tests of one module share."""
    async with fresh_database(postgres_server, template_database) as fresh:
        yield fresh


@pytest_asyncio.fixture(scope="session")
async def temporal_server(places: Places) -> AsyncIterator[DevServer]:
    """Temporal's dev server in memory, without its UI; `temporal_server.address` is host:port."""
    server = await start_dev_server(places, DevServerOptions())
    yield server
    await server.child.stop()


@pytest_asyncio.fixture(scope="session")
async def temporal(temporal_server: DevServer) -> Client:
    """A client of the dev server, with our converter."""
    return await connect(Settings(temporal_address=temporal_server.address))


@pytest_asyncio.fixture
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal of this test alone whose clock jumps over waiting."""
    async with skipping_environment() as environment:
        yield environment
