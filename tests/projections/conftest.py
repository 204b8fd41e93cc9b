"""A log in memory and the views of a real database beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from projections.projector import Projector
from projections.queries import Queries
from store.memory import MemoryEventStore
from tests.projections.story import open_cycle
from tests.support.databases import Database


@pytest.fixture
async def log() -> MemoryEventStore:
    """A log with the test's cycle just opened."""
    store = MemoryEventStore()
    await open_cycle(store)
    return store


@pytest.fixture
async def projector(log: MemoryEventStore, database: Database) -> AsyncIterator[Projector]:
    made = Projector(log, database.dsns.app)
    yield made
    await made.close()


@pytest.fixture
async def queries(log: MemoryEventStore, database: Database) -> AsyncIterator[Queries]:
    async with Queries(log, database.dsns.auditor) as made:
        yield made
