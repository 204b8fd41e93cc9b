"""A worker and a door on real servers, for each test module."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest_asyncio
from pydantic import SecretStr

from runtime.door import Door
from runtime.settings import Settings
from worker import serve


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine_settings(module_database, temporal_server, tmp_path_factory) -> Settings:
    dsns = module_database.dsns
    return Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        postgres_app_dsn=dsns.app,
        postgres_sequencer_dsn=dsns.sequencer,
        postgres_auditor_dsn=dsns.auditor,
        postgres_vault_dsn=dsns.vault,
        vault_kek=SecretStr("ab" * 32),
        payload_keys=None if os.environ.get("RECORD_HISTORIES") else SecretStr("cd" * 32),
        temporal_address=temporal_server.address,
        workflow_sandbox=True,
        task_queue=tmp_path_factory.mktemp("queue").name,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(engine_settings: Settings) -> AsyncIterator[Door]:
    """A door with a worker behind it."""
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(engine_settings, stop))
    async with Door.open(engine_settings) as opened:
        yield opened
    stop.set()
    await serving
