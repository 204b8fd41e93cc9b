"""What was lost is begun again or given back: workflows from the log, and the log's tail from Temporal's histories."""

from __future__ import annotations

from typing import Any, Literal

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.deciding import Decider
from activities.errors import engine_error
from runtime.temporal import AWARD_LEVEL, CYCLE, PROGRAMME, UNIT_CODE
from schemas import names
from schemas.commands import Command, OpenCycle, lapse_command
from schemas.errors import Refused, Unavailable
from schemas.events import CycleOpened
from schemas.ledger import Frozen, Receipt
from schemas.messages import CycleOrder

Restart = Literal["restarted", "running", "ended"]
ENDED = ("cancelled", "completed")


async def update_with_start(
    client: Client, command: Command, start: WithStartWorkflowOperation[Any, Any]
) -> Receipt:
    """One command to a workflow that is begun if it does not run. Raises the EngineError with which it was refused."""
    try:
        receipt: Receipt = await client.execute_update_with_start_workflow(
            names.COMMAND_UPDATE,
            command,
            start_workflow_operation=start,
            id=command.id,
            result_type=Receipt,
        )
        return receipt
    except WorkflowUpdateFailedError as failure:
        raise engine_error(failure) or failure from failure
    except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError) as fault:
        raise Unavailable("TEMPORAL_UNAVAILABLE", address="-", fault=fault) from fault


def attributes(programme: str, cycle: str, unit: str, level: str) -> TypedSearchAttributes:
    """What a workflow can be found by."""
    pairs = ((PROGRAMME, programme), (CYCLE, cycle), (UNIT_CODE, unit), (AWARD_LEVEL, level))
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in pairs])


async def begin_cycle(client: Client, queue: str, command: Command, programme: str, root: str) -> Receipt:
    """The cycle's workflow, with the command that opens the cycle. Raises what `update_with_start` does."""
    body = command.body
    assert isinstance(body, OpenCycle)
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        "Cycle",
        CycleOrder(cycle=body.cycle, pace=body.pace),
        id=command.stream,
        task_queue=queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        search_attributes=attributes(programme, body.cycle, root, "cycle"),
        static_summary=body.cycle,
    )
    return await update_with_start(client, command, start)


class Recovered(Frozen):
    """What a recovery did to a cycle."""

    cycle: str
    workflow: Restart
    lapsed: tuple[str, ...] = ()  # rounds that nobody waits for any more
    messages: int = 0  # outcomes that are carried again


class Recovery:
    """Begins a cycle's workflows again from its log."""

    def __init__(self, decider: Decider, client: Client, queue: str) -> None:
        self._decider = decider
        self._client = client
        self._queue = queue

    async def recover(self, cycle: str) -> Recovered:
        """Everything that a loss may have left undone; again does nothing more. Raises as `restart` does.

        Nominations need no restart: the next command or message begins theirs.
        """
        workflow = await self.restart(cycle)
        lapsed = await self._lapse_forsaken(cycle) if workflow != "running" else ()
        messages = await self._decider.store.redeliver(cycle, names.OUTCOME_SIGNAL)
        return Recovered(cycle=cycle, workflow=workflow, lapsed=lapsed, messages=messages)

    async def restart(self, cycle: str) -> Restart:
        """Begins the cycle's workflow, and that its rounds, unless it runs or the cycle is over; needs no worker.

        Raises Refused NOT_FOUND, Unavailable.
        """
        stream = names.cycle_stream(cycle)
        state = (await self._decider.cycles.get(stream)).state
        if state.opened is None:
            raise Refused("NOT_FOUND", what=cycle)
        if state.status in ENDED:
            return "ended"
        root = (await self._decider.tree(state.opened.units)).root
        order = CycleOrder(cycle=cycle, pace=state.opened.pace, opening=await self._as_opened(stream))
        try:
            if await self._runs(stream):
                return "running"
            await self._client.start_workflow(
                "Cycle",
                order,
                id=stream,
                task_queue=self._queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                search_attributes=attributes(state.opened.programme, cycle, root, "cycle"),
                static_summary=cycle,
            )
        except RPCError as fault:
            raise Unavailable("TEMPORAL_UNAVAILABLE", address="-", fault=fault) from fault
        return "restarted"

    async def _runs(self, workflow: str) -> bool:
        try:
            described = await self._client.get_workflow_handle(workflow).describe()
        except RPCError as fault:
            if fault.status != RPCStatusCode.NOT_FOUND:
                raise
            return False
        return described.status == WorkflowExecutionStatus.RUNNING

    async def _as_opened(self, stream: str) -> Command:
        """The command that opened the cycle, as the log holds it: the same id, actor and body."""
        first = (await self._decider.store.load(stream))[0]
        opened = CycleOpened.model_validate(first.data)
        body = OpenCycle(rules=first.rules, **opened.model_dump(include=set(OpenCycle.model_fields)))
        return Command(id=first.command_id, stream=stream, actor=first.actor, received_at=first.at, body=body)

    async def _lapse_forsaken(self, cycle: str) -> tuple[str, ...]:
        """Rounds that were to lapse, as their cycle was cancelled or their parent's pool frozen without them, do."""
        state = (await self._decider.cycles.get(names.cycle_stream(cycle))).state
        assert state.opened is not None
        folded = await self._decider.rounds.get_many(await self._decider.store.streams(f"round/{cycle}/"))
        rounds = {stream: one.state for stream, one in folded.items()}
        late = {
            child
            for parent in rounds.values()
            if parent.opened and parent.frozen
            for child in parent.opened.children
        }
        forsaken = sorted(
            stream
            for stream, round_ in rounds.items()
            if not round_.over and (state.status == "cancelled" or stream in late)
        )
        now = state.opened.pace.cycle_time(self._decider.clock())
        for stream in forsaken:
            await self._decider.execute(lapse_command(stream, now))
        return tuple(forsaken)
