"""What was lost is begun again or given back: workflows from the log, and the log's tail from Temporal's histories."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Literal

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
)
from temporalio.common import (
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.deciding import Decider
from activities.folding import fold_round
from activities.opening import search_attributes
from domain import nomination as nominations
from domain import rebuilding
from domain import round as rounds
from domain.conferral import begin_title
from domain.steps import tell
from runtime.restoring import Restored, Restorer
from schemas import names
from schemas.commands import ENGINE, Command, OpenCycle, ReportRound, TakeOutcome, lapse_command
from schemas.errors import Refused, Unavailable
from schemas.events import CycleOpened, TitlesConferred, read
from schemas.ledger import Append, Frozen, Post, Provenance
from schemas.messages import CycleOrder
from schemas.units import UnitTree

Restart = Literal["restarted", "running", "ended"]
ENDED = ("cancelled", "completed")


class Recovered(Frozen):
    """What a recovery did to a cycle."""

    cycle: str
    workflow: Restart
    restored: Restored
    lapsed: tuple[str, ...] = ()  # rounds that nobody waits for any more
    messages: int = 0  # outcomes that are told again


class Recovery:
    """Begins a cycle's workflows again from its log."""

    def __init__(self, decider: Decider, client: Client, queue: str) -> None:
        self._decider = decider
        self._client = client
        self._queue = queue

    async def recover(self, cycle: str, restorer: Restorer) -> Recovered:
        """Everything that a loss may have left undone; again does nothing more.

        Nominations need no restart: the next command or message begins theirs. Raises as `restart` and `restore` do.
        """
        restored = await restorer.restore(cycle)
        workflow = await self.restart(cycle, anew=bool(restored.given_back))
        lapsed = await self._lapse_forsaken(cycle) if workflow != "running" else ()
        messages = await self._tell_again(cycle)
        return Recovered(cycle=cycle, workflow=workflow, restored=restored, lapsed=lapsed, messages=messages)

    async def restart(self, cycle: str, anew: bool = False) -> Restart:
        """Begins the cycle's workflow, and that its rounds, unless it runs or the cycle is over; needs no worker.

        `anew`: one that runs is ended first, with its rounds, as what it holds may be of another log than this.
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
            if not anew and await self._runs(stream):
                return "running"
            await self._client.start_workflow(
                "Cycle",
                order,
                id=stream,
                task_queue=self._queue,
                id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING
                if anew
                else WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                search_attributes=search_attributes(state.opened.programme, cycle, root, "cycle"),
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
        """Rounds that were to lapse, as their cycle or parent was cancelled or its pool frozen without them, do."""
        state = (await self._decider.cycles.get(names.cycle_stream(cycle))).state
        assert state.opened is not None
        cancelled = state.status == "cancelled"
        forsaken = await (self._decider.rounds_left(cycle) if cancelled else self._cut_off(cycle))
        now = state.opened.pace.cycle_time(self._decider.clock())
        for stream in forsaken:
            await self._decider.execute(lapse_command(stream, now))
        return forsaken

    async def _cut_off(self, cycle: str) -> tuple[str, ...]:
        folded = await self._decider.rounds.get_many(await self._decider.store.streams(f"round/{cycle}/"))
        return tuple(sorted(_forsaken({stream: one.state for stream, one in folded.items()})))

    async def _tell_again(self, cycle: str) -> int:
        """Outcomes in the rounds' streams that those they are for have not taken, though they would."""
        store = self._decider.store
        told = (*await store.streams(f"nomination/{cycle}/"), *await store.streams(f"title/{cycle}/"))
        heard = {
            (stream, event.command_id)
            for stream, events in (await store.load_many(told)).items()
            for event in events
        }
        count = 0
        for stream in await store.streams(f"round/{cycle}/"):
            posts = [
                post
                for post in await self._posts(stream)
                if (post.workflow, post.id) not in heard and await self._would_take(post)
            ]
            if posts:
                await self._post(stream, posts)
            count += len(posts)
        return count

    async def _posts(self, stream: str) -> list[Post]:
        folded = await self._decider.rounds.get(stream)
        programme = await self._decider.programme(folded.rules)
        tree, cycle = await self._tree(stream), names.cycle_of(stream)
        route, unit = stream.split("/")[2:]
        entered, _ = await self._decider.work(cycle, route, unit, programme, tree)
        below = folded.state.opened.children if folded.state.opened else ()
        children = {child: one.state for child, one in (await self._decider.rounds.get_many(below)).items()}
        posts: list[Post] = []
        state = rounds.State(stream=stream)
        for _, group in groupby(await self._decider.store.load(stream), key=lambda event: event.command_id):
            recorded = tuple(group)
            events = [read(event) for event in recorded]
            command = _engines(recorded[0].command_id, stream, recorded[0].at)
            told = rebuilding.told(state, events, programme.summit, entered, children)
            posts += [tell(command, id, outcome) for id, outcome in told]
            for event in events:
                if isinstance(event, TitlesConferred):
                    posts += [begin_title(state, command, event, one) for one in event.conferred]
            for one in recorded:
                state = fold_round(state, one)
        return posts

    async def _tree(self, stream: str) -> UnitTree:
        cycle = await self._decider.cycles.get(names.cycle_stream(names.cycle_of(stream)))
        assert cycle.state.opened is not None
        return await self._decider.tree(cycle.state.opened.units)

    async def _would_take(self, post: Post) -> bool:
        if names.kind_of(post.workflow) == "title":
            return True
        state = (await self._decider.nominations.get(post.workflow)).state
        outcome = TakeOutcome.model_validate(post.payload["body"])
        return bool(nominations.take_outcome(state, outcome).events)

    async def _post(self, stream: str, posts: list[Post]) -> None:
        """Into the outbox: rows that are there wait once more, rows that were lost are written again."""
        folded = await self._decider.rounds.get(stream)
        provenance = Provenance(
            log=names.log_origin(names.cycle_of(stream)),
            command_id=f"recover/{folded.head.hash}",
            payload_hash="",
            actor=ENGINE,
            occurred_at=self._decider.clock(),
            recorded_at=self._decider.clock(),
            rules=folded.rules,
        )
        await self._decider.store.append(
            Append(
                stream=stream,
                expected=folded.head,
                provenance=provenance,
                events=(),
                effects=tuple(posts),
            )
        )
        await self._decider.store.redeliver([post.id for post in posts])


def _forsaken(rounds: dict[str, rounds.State]) -> set[str]:
    """Those below a round that goes no further or has frozen its pool, and those below them, if they are not over."""
    found: set[str] = set()
    ahead = [one for one in rounds.values() if one.frozen or one.lapsed]
    while ahead:
        opened = ahead.pop().opened
        for child in opened.children if opened else ():
            if child in rounds and child not in found and not rounds[child].over:
                found.add(child)
                ahead.append(rounds[child])
    return found


def _engines(id: str, stream: str, at: datetime) -> Command:
    """A command of the engine as far as its messages need it: the id and the stream."""
    return Command(id=id, stream=stream, actor=ENGINE, received_at=at, body=ReportRound())
