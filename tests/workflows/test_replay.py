"""Histories of a real cycle replay under today's code; an incompatible change is found."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from runtime.payloads import PLAIN
from workflows.registry import WORKFLOWS

RECORDED = Path(__file__).parent / "histories"


def _recorded() -> list[WorkflowHistory]:
    return [
        WorkflowHistory.from_json(file.stem.replace("~", "/"), file.read_text("utf-8"))
        for file in sorted(RECORDED.glob("*.json"))
    ]


async def test_recorded_histories_of_each_workflow_replay() -> None:
    histories = _recorded()
    kinds = {h.events[0].workflow_execution_started_event_attributes.workflow_type.name for h in histories}
    assert kinds == {"Cycle", "Round", "Nomination"}
    replayer = Replayer(workflows=WORKFLOWS, data_converter=PLAIN)
    for history in histories:
        await replayer.replay_workflow(history)


@workflow.defn(name="Nomination", sandboxed=False)
class _Changed:
    """What a careless deployment would look like: a timer before the first decision."""

    @workflow.run
    async def run(self, order: dict[str, object]) -> None:
        await workflow.sleep(timedelta(days=1))

    @workflow.update(name="execute")
    async def execute(self, command: dict[str, object]) -> None: ...

    @workflow.signal(name="take_outcome")
    async def take_outcome(self, signal: dict[str, object]) -> None: ...


async def test_a_planted_incompatible_change_is_found() -> None:
    nomination = next(
        h
        for h in _recorded()
        if h.events[0].workflow_execution_started_event_attributes.workflow_type.name == "Nomination"
    )
    replayer = Replayer(workflows=[_Changed], data_converter=PLAIN)
    with pytest.raises(workflow.NondeterminismError):
        await replayer.replay_workflow(nomination)
