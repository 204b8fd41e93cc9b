"""The same keys on every line, whoever wrote it."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

from runtime.logging import KEYS, configure_logging
from runtime.settings import LogFormat, Settings


@activity.defn
async def speak() -> None:
    activity.logger.info("an activity speaks")


@workflow.defn(sandboxed=False)
class Speaking:
    @workflow.run
    async def run(self) -> None:
        workflow.logger.info("a workflow speaks")
        await workflow.execute_activity(speak, start_to_close_timeout=timedelta(seconds=10))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A file that gets every line as JSON, until the test is over."""
    file = tmp_path / "lines.json"
    configure_logging(Settings(log_format=LogFormat.JSON), file=file)
    return file


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_our_lines_and_the_standard_library_s_have_the_same_keys(log: Path) -> None:
    structlog.get_logger().info("推荐", stream="round/1", command_id="c-1")
    logging.getLogger("other").info("推荐", extra={"stream": "round/1", "command_id": "c-1"})
    ours, theirs = lines(log)
    assert list(ours) == list(theirs) == ["timestamp", "level", "event", "stream", "command_id"]
    assert ours["event"] == theirs["event"] == "推荐"


def test_a_second_configuration_does_not_double_the_lines(log: Path) -> None:
    configure_logging(Settings(log_format=LogFormat.JSON), file=log)
    structlog.get_logger().info("once")
    assert [line["event"] for line in lines(log)] == ["once"]


def test_bound_keys_come_before_the_others(log: Path) -> None:
    structlog.get_logger().info("appended", votes=3, stream="round/1", a=1)
    assert list(lines(log)[0]) == ["timestamp", "level", "event", "stream", "a", "votes"]


async def test_lines_of_workflows_and_activities_name_their_execution(log: Path, temporal: Client) -> None:
    async with Worker(temporal, task_queue="speaking", workflows=[Speaking], activities=[speak]):
        await temporal.execute_workflow(Speaking.run, id="speaking-1", task_queue="speaking")
    said = {line["event"]: line for line in lines(log)}
    for event in ("a workflow speaks", "an activity speaks"):
        assert said[event]["workflow_id"] == "speaking-1"
        assert said[event]["run_id"]
        assert set(said[event]) & set(KEYS) >= {"timestamp", "level", "event", "workflow_type", "attempt"}
    assert said["an activity speaks"]["activity_type"] == "speak"
