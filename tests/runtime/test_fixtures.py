"""The servers that every other test stands on."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from runtime.temporal import AWARD_LEVEL, SEARCH_ATTRIBUTES, register_search_attributes
from tests.support.databases import Database


@workflow.defn(sandboxed=False)
class MonthLong:
    @workflow.run
    async def run(self) -> str:
        opened = workflow.now()
        await workflow.sleep(timedelta(days=30))
        return str((workflow.now() - opened).days)


async def test_a_database_of_a_test_has_its_tables_and_nothing_in_them(database: Database) -> None:
    connection = await asyncpg.connect(database.dsns.app)
    assert await connection.fetchval("SELECT count(*) FROM ledger.event") == 0
    await connection.close()


async def test_the_app_login_may_not_change_the_log(database: Database) -> None:
    connection = await asyncpg.connect(database.dsns.app)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DELETE FROM ledger.event")
    await connection.close()


async def test_a_month_passes_at_once_and_search_attributes_are_known(
    time_skipping: WorkflowEnvironment,
) -> None:
    attributes = TypedSearchAttributes([SearchAttributePair(AWARD_LEVEL, "county")])
    async with Worker(time_skipping.client, task_queue="a-month", workflows=[MonthLong]):
        days = await time_skipping.client.execute_workflow(
            MonthLong.run, id="a-month", task_queue="a-month", search_attributes=attributes
        )
    assert days == "30"


async def test_the_dev_server_finds_workflows_by_each_of_our_attributes(temporal: Client) -> None:
    for key in SEARCH_ATTRIBUTES:
        found = await temporal.count_workflows(f"{key.name} = 'nothing'")
        assert found.count == 0


async def test_registering_attributes_twice_changes_nothing(temporal: Client) -> None:
    await register_search_attributes(temporal)
    await register_search_attributes(temporal)
