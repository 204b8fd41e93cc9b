"""The activities: each decides one command and answers with the receipt and where its stream now stands."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity

from activities.deciding import Decider
from activities.errors import translated
from activities.screening import Screener, frozen_candidates
from activities.views import cycle_view, nomination_view, round_view
from domain import cycle as cycles
from domain import feeding
from domain import round as rounds
from domain.adjudication import uncounted
from schemas import names
from schemas.commands import ENGINE, Command, OpenStep, SealTally
from schemas.errors import Refused
from schemas.events import BallotOpened, Count
from schemas.messages import CycleAnswer, CycleOrder, FeedOrder, NominationAnswer, Order, RoundAnswer
from schemas.programme import PublicVote, Stage, Step
from schemas.units import UnitTree
from schemas.values import format_instant
from store.ballots import BallotBox
from store.screening import Traces

BEAT_SECONDS = 2


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Heartbeats while the work goes on, so that Temporal notices a dead worker."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT_SECONDS)

    beats = asyncio.create_task(beat())
    try:
        yield
    finally:
        beats.cancel()


class Engine:
    """Built with what it depends on: the decider, the ballot box, and what is known of papers for a while."""

    def __init__(self, decider: Decider, ballots: BallotBox, traces: Traces) -> None:
        self._decider = decider
        self._ballots = ballots
        self._traces = traces
        self._screener = Screener(decider, traces)

    @activity.defn
    async def decide_cycle(self, order: Order) -> CycleAnswer:
        """A command to a cycle, or to its authority."""
        with translated():
            receipt = await self._decider.execute(order.command, order.known)
            stream = names.cycle_stream(names.cycle_of(order.command.stream))
            (folded,) = await self._decider.read_after(receipt, stream)
            opened = folded.state.opened
            programme = await self._decider.programme(folded.rules) if opened else None
            tree = await self._decider.tree(opened.units) if opened else None
            view = cycle_view(folded.state, folded.head.seq, programme, tree, order.command.received_at)
            return CycleAnswer(receipt=receipt, view=view)

    @activity.defn
    async def decide_nomination(self, order: Order) -> NominationAnswer:
        """A command to a nomination."""
        with translated():
            receipt = await self._decider.execute(order.command, order.known)
            (folded,) = await self._decider.read_after(receipt, order.command.stream)
            return NominationAnswer(receipt=receipt, view=nomination_view(folded.state))

    @activity.defn
    async def nominate_winners(self, order: FeedOrder) -> int:
        """Nominates each winner whom the cycle's feeders gave; who is nominated already stays as they are."""
        async with beating():
            with translated():
                return await self._nominate_winners(order)

    async def _nominate_winners(self, order: FeedOrder) -> int:
        cycle = await self._decider.cycles.get(names.cycle_stream(order.cycle))
        entered = 0
        for command in feeding.nominations(order.cycle, cycle.state.fed.values(), order.received_at):
            try:
                await self._decider.execute(command)
                entered += 1
            except Refused as refusal:
                if refusal.code != "DUPLICATE_NOMINATION":
                    raise
        return entered

    @activity.defn
    async def rounds_left(self, order: CycleOrder) -> tuple[str, ...]:
        """The rounds of the cycle that are not over, also those that never began though somebody entered there."""
        async with beating():
            with translated():
                return await self._decider.rounds_left(order.cycle)

    @activity.defn
    async def decide_round(self, order: Order) -> RoundAnswer:
        """A command to a round; where it opens a public vote, the ballot box is made ready too."""
        async with beating():
            return await self._decide_round(order)

    async def _decide_round(self, order: Order) -> RoundAnswer:
        with translated():
            body: Any = order.command.body
            receipt = await self._decider.execute(order.command, order.known)
            opened = any(one.type == BallotOpened.__name__ for one in receipt.events)
            if opened or isinstance(body, OpenStep):
                await self._open_ballot(order.command.stream, body.step)
            return await self._round_answer(order.command, receipt)

    @activity.defn
    async def publish_counts(self, order: Order) -> RoundAnswer:
        """Provisional counts, when the programme shows them."""
        async with beating():
            with translated():
                return await self._publish_counts(order.command)

    async def _publish_counts(self, command: Command) -> RoundAnswer:
        body: Any = command.body
        counted: Counter[str] = Counter()
        for channel in await self._ballots.live_counts(names.step_gate(command.stream, body.step)):
            counted.update({one.nomination: one.votes for one in channel.counts})
        counts = tuple(Count(nomination=id, votes=votes) for id, votes in counted.items())
        id = f"{command.stream}/{body.step}/counts/{format_instant(body.at)}/{counted.total()}"
        shown = body.model_copy(update={"counts": counts})
        receipt = await self._decider.execute(command.model_copy(update={"id": id, "body": shown}))
        return await self._round_answer(command, receipt)

    @activity.defn
    async def screen_ballot(self, order: Order) -> RoundAnswer:
        """Runs the rules against stuffing over a ballot's papers and holds what they find."""
        async with beating():
            with translated():
                return await self._screen_ballot(order)

    async def _screen_ballot(self, order: Order) -> RoundAnswer:
        body: Any = order.command.body
        _, step = await self._step(order.command.stream, body.step)
        assert isinstance(step, PublicVote)
        receipt = await self._screener.screen(order.command, step)
        return await self._round_answer(order.command, receipt)

    @activity.defn
    async def seal_ballot(self, order: Order) -> RoundAnswer:
        """Counts a closed ballot and writes its sealed tally; again gives the same."""
        async with beating():
            return await self._seal_ballot(order)

    async def _seal_ballot(self, order: Order) -> RoundAnswer:
        with translated():
            body: Any = order.command.body
            receipt = await self._decider.execute(order.command, order.known)  # closes the adjudication
            run = rounds.run_of((await self._decider.rounds.get(order.command.stream)).state, body.step)
            if run.seals_at and not run.adjudicated:
                return await self._round_answer(order.command, receipt)
            ballot = names.step_gate(order.command.stream, body.step)
            tally = await self._ballots.seal(ballot, run.invalid, uncounted(run))
            sealed = SealTally(
                step=body.step,
                ballot=tally.ballot,
                papers=tally.papers,
                refused=tally.refused,
                root=tally.root,
                uncounted_root=tally.uncounted_root,
                rules_hash=tally.rules_hash,
                counts=tally.counts,
                channels=tally.channels,
                valid=tally.valid,
            )
            command = order.command.model_copy(
                update={"id": f"{order.command.stream}/{body.step}/seal", "body": sealed, "actor": ENGINE}
            )
            receipt = await self._decider.execute(command, order.known)
            return await self._round_answer(command, receipt)

    async def _open_ballot(self, stream: str, step_id: str) -> None:
        state, step = await self._step(stream, step_id)
        run = state.steps.get(step_id)
        if isinstance(step, PublicVote) and run and run.window and run.closed_at is None:
            ballot = names.step_gate(stream, step_id)
            if step.stuffing is not None:
                await self._traces.begin(ballot)
            channels = tuple(one.channel for one in step.channels)
            candidates = await frozen_candidates(self._decider, stream, step_id)
            await self._ballots.open(ballot, step.limits, candidates, channels)

    async def _round_answer(self, command: Command, receipt: Any) -> RoundAnswer:
        folded, cycle = await self._decider.read_after(
            receipt, command.stream, names.cycle_stream(names.cycle_of(command.stream))
        )
        stage, tree = await self._stage(command.stream, cycle.rules, cycle.state)
        view = round_view(folded.state, stage, tree, command.received_at, cycle.state)
        return RoundAnswer(receipt=receipt, view=view)

    async def _step(self, stream: str, step_id: str) -> tuple[rounds.State, Step]:
        """The round, and a step as the rules of its last event have it."""
        folded, cycle = await self._decider.read(stream, names.cycle_stream(names.cycle_of(stream)))
        stage, _ = await self._stage(stream, folded.rules, cycle.state)
        return folded.state, stage.step(step_id)

    async def _stage(self, stream: str, rules: str, cycle: cycles.State) -> tuple[Stage, UnitTree]:
        """What the programme of those rules says of the rank of the round's unit, and the units."""
        assert cycle.opened is not None
        programme, tree = await self._decider.programme(rules), await self._decider.tree(cycle.opened.units)
        return programme.stages[tree.by_code[stream.rsplit("/", 1)[-1]].rank], tree

    def activities(self) -> list[Any]:
        """What the worker registers."""
        return [
            self.decide_cycle,
            self.decide_nomination,
            self.nominate_winners,
            self.rounds_left,
            self.decide_round,
            self.publish_counts,
            self.screen_ballot,
            self.seal_ballot,
        ]
