"""One unit's round: its children report, the pool is frozen, the steps are taken in order, the round reports upward."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ChildWorkflowError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.engine import Engine
    from schemas import names
    from schemas.commands import (
        AmendRecommendation,
        Body,
        CloseStep,
        Command,
        FreezePool,
        OpenRound,
        OpenStep,
        PublishCounts,
        RearmStep,
        ReportRound,
        ScreenVotes,
        lapse_command,
    )
    from schemas.ledger import Head, Receipt
    from schemas.messages import (
        ChildRef,
        Order,
        RoundAnswer,
        RoundOrder,
        RoundReport,
        RoundView,
        StepRef,
    )
    from workflows.acting import (
        act_long,
        act_short,
        engine_command,
        growing_pauses,
        once_free,
        round_attributes,
        until,
    )
    from workflows.hearing import HearsPeople

QUIET = ("hand_in_sheet", "enter_sheet", "recuse", "form_panel", "draw_panel")
"""Commands after which the step is looked at again only if it is ripe."""
PAUSED = ("CYCLE_PAUSED", "ROUND_PAUSED")

Child = workflow.ChildWorkflowHandle["RoundWorkflow", RoundReport]


@workflow.defn(name="Round")
class RoundWorkflow(HearsPeople):
    """Holds only what activities returned; deadlines are rows in the store, the timer only wakes."""

    @workflow.init
    def __init__(self, order: RoundOrder) -> None:
        super().__init__(order.stream)
        self._order = order
        self._view = RoundView()
        self._known: Head | None = None
        self._stirred = False
        self._resumed = False
        self._paused_for = timedelta()
        self._awaited: list[asyncio.Task[None]] = []
        self._children: dict[str, Child] = {}
        self._amended: dict[str, int] = {}  # reported children: how far their streams are known
        self._amends_at: dict[str, datetime] = {}
        self._lock = asyncio.Lock()

    @workflow.run
    async def run(self, order: RoundOrder) -> RoundReport:  # noqa: ARG002 -- Temporal hands it to both
        """Open, gather what the child rounds recommend, freeze the pool, take the steps in order, report."""
        try:
            await self._conduct(OpenRound())
            if not (self._view.reported or self._view.lapsed):
                await self._hold()
        except BaseException as ending:
            if is_cancelled_exception(ending):
                await asyncio.shield(self._end_below())
                await asyncio.shield(self._lapse())
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        recommended = self._view.members if self._view.reported else 0
        return RoundReport(
            stream=self._order.stream,
            recommended=recommended,
            conferred=self._view.conferred,
            lapsed=self._view.lapsed,
        )

    async def _hold(self) -> None:
        """What the log has already is passed over, so a round that was begun again goes on where it was."""
        if not self._view.frozen:
            await self._gather()
        await self._conduct(FreezePool())
        for step in self._view.steps:
            if not self._view.lapsed:
                await self._take(step)
        await self._report()

    # ---- the children ----

    async def _gather(self) -> None:
        """The children's reports, or the cut-off: whoever has not reported by then, or by a cancelling, lapses."""
        for child in self._view.children:
            self._children[child.stream] = await once_free(partial(self._start, child))
        tasks = [asyncio.create_task(self._until_reported(child)) for child in self._view.children]
        self._awaited = tasks
        while not all(task.done() for task in tasks):
            await self._until_cut_off(tasks)
            if self._view.lapsed or until(self._order.pace, self._due()) == timedelta():
                await self._end_below()
            elif self._stirred or self._ends(self._amends_at.values()) == timedelta():
                self._stirred = False
                await self._amend_lists()

    async def _end_below(self) -> None:
        """Children that have not reported are cancelled, and lapse, before this round ends."""
        for task in self._awaited:
            task.cancel()
        await workflow.wait_condition(lambda: all(task.done() for task in self._awaited))

    async def _until_cut_off(self, tasks: list[asyncio.Task[None]]) -> None:
        """Or until all have reported, a list is to be amended, or the round has lapsed."""
        due = self._due()
        ends = (*self._amends_at.values(), *([due] if due else []))
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: (
                    all(task.done() for task in tasks)
                    or self._stirred
                    or self._due() != due
                    or self._view.lapsed
                ),
                timeout=self._ends(ends),
            )

    def _ends(self, instants: Iterable[datetime]) -> timedelta | None:
        """How long until the first of these, in reality; None for none."""
        return until(self._order.pace, min(instants, default=None))

    async def _amend_lists(self) -> None:
        """Seats that were given up in lists already reported go to their reserves, until the pool is frozen."""
        for child in self._view.children:
            await self._amend(child.stream)

    async def _amend(self, child: str) -> None:
        """An id that an earlier run of this round used meets its receipt: then it is asked again from there."""
        repeated, body = True, AmendRecommendation()
        while repeated:
            self._amends_at.pop(child, None)
            transition = f"{body.kind}@{self._amended.get(child, 0)}"
            command = engine_command(child, transition, body, self._order.pace)
            try:
                answer = await act_short(Engine.decide_round, Order(command=command))
            except ApplicationError as refusal:  # paused, or not opened yet: asked again when something stirs
                workflow.logger.info("list not amended", extra={"child": child, "code": refusal.type})
                return
            self._amended[child] = answer.view.seq
            if answer.view.amends_at:
                self._amends_at[child] = answer.view.amends_at
            repeated = answer.receipt.repeated

    async def _until_reported(self, child: ChildRef) -> None:
        """A child that broke off is begun again from its log, unless it was too late."""
        for pause in growing_pauses():
            try:
                await self._children[child.stream]
                return
            except ChildWorkflowError as ending:
                if is_cancelled_exception(ending):
                    return
                workflow.logger.warning("a child round ended without a report", extra={"child": child.stream})
            await workflow.sleep(pause)
            self._children[child.stream] = await once_free(partial(self._start, child))

    def _due(self) -> datetime | None:
        """The cut-off; none while the round is paused, and those of the cycle's pauses that it has not counted yet."""
        due = self._view.reports_due
        return due + self._paused_for if due and not self._view.paused else None

    async def _start(self, child: ChildRef) -> Child:
        order = RoundOrder(
            stream=child.stream,
            pace=self._order.pace,
            programme=self._order.programme,
            unit=child.name,
            rank=child.rank,
        )
        return await workflow.start_child_workflow(
            RoundWorkflow.run,
            order,
            id=child.stream,
            parent_close_policy=workflow.ParentClosePolicy.TERMINATE,
            search_attributes=round_attributes(order.programme, child.stream, child.unit, child.rank),
            static_summary=f"{child.name} · {child.rank}",
        )

    # ---- the steps ----

    async def _take(self, step: StepRef) -> None:
        """Open the step, wait until it is ripe, close it; a closed public vote is sealed."""
        await self._conduct(OpenStep(step=step.id), long=step.type == "selection")
        while step.id not in self._view.closed and not self._view.lapsed:
            await self._until_stirred()
            await self._screen(step)
            if self._view.shows:
                shown = PublishCounts(step=step.id, at=self._view.shows)
                await self._conduct(shown, activity=Engine.publish_counts)
            if self._resumed:
                self._resumed = False
                await self._conduct(RearmStep(step=step.id))
            await self._conduct(CloseStep(step=step.id), long=step.type == "selection")
        while not (self._view.sealed or self._view.lapsed):
            await self._screen(step)
            await self._adjudicated()
            await self._conduct(CloseStep(step=step.id), activity=Engine.seal_ballot)

    async def _adjudicated(self) -> None:
        """Until the time in which papers of a closed vote may be looked into is over, or they are to be screened."""
        left = until(self._order.pace, self._view.seals_at)
        if left:
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self._view.lapsed or self._view.screens,
                    timeout=left,
                    timeout_summary="adjudication ends",
                )

    async def _screen(self, step: StepRef) -> None:
        """The rules against stuffing are run: when an operator asks, and over all papers once the vote is closed.

        It may take hours at scale, in which people's commands are heard.
        """
        while self._view.screens and not self._view.lapsed:
            resumed, self._resumed = self._resumed, False
            command = engine_command(
                self._order.stream,
                f"screen/{step.id}@{self._view.seq}",
                ScreenVotes(step=step.id),
                self._order.pace,
            )
            try:
                self._took(await act_long(Engine.screen_ballot, Order(command=command, known=self._known)))
            except ApplicationError as refusal:
                if refusal.type not in PAUSED:
                    raise
                await workflow.wait_condition(lambda: self._resumed or self._view.lapsed)
            self._resumed |= resumed

    async def _until_stirred(self) -> None:
        """Until the window's end by the clock, or until somebody did something that may end the step sooner."""
        wakes_at = self._view.wakes_at
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._stirred or self._resumed or self._view.wakes_at != wakes_at or self._due_now(),
                timeout=until(self._order.pace, wakes_at),
                timeout_summary=f"{self._view.current} closes",
            )
        self._stirred = False

    def _due_now(self) -> bool:
        """Whether papers are to be screened, or counts shown."""
        return self._view.screens or self._view.shows is not None

    async def _report(self) -> None:
        """A list that cannot go on waits for two people, or for departments."""
        await self._conduct(ReportRound())
        while not (self._view.reported or self._view.lapsed):
            await self._until_stirred()
            self._resumed = False  # no window is left here that could be given its days back
            await self._conduct(ReportRound())

    # ---- messages ----

    @workflow.signal(name=names.NUDGE_SIGNAL)
    def nudge(self) -> None:
        """Something changed in a member's own stream; look again."""
        self._stirred = True

    @workflow.signal(name=names.RESUMED_SIGNAL)
    async def resumed(self, paused_seconds: int) -> None:
        """The cycle runs again: windows are given back what they had left, here and in every round below."""
        self._paused_for += timedelta(seconds=paused_seconds)
        self._resumed = self._stirred = True
        for child in self._children.values():
            if not child.done():
                await child.signal(names.RESUMED_SIGNAL, paused_seconds)

    @workflow.query
    def view(self) -> RoundView:
        """Where the round stands."""
        return self._view

    # ---- deciding ----

    async def _decide(self, command: Command) -> Receipt:
        async with self._lock:
            paused = self._view.paused
            answer = await act_short(Engine.decide_round, Order(command=command, known=self._known))
            self._took(answer)
            self._resumed = self._resumed or (paused and not self._view.paused)
        if command.body.kind not in QUIET or self._view.ripe:
            self._stirred = True
        return answer.receipt

    async def _conduct(self, body: Body, long: bool = False, activity: object = Engine.decide_round) -> None:
        """One transition of the round itself; while the round or its cycle is paused it waits for a later resuming."""
        while True:
            try:
                async with self._lock:
                    resumed, self._resumed = self._resumed, False
                    await self._transit(body, long, activity)
                    self._resumed |= resumed
                return
            except ApplicationError as refusal:
                if refusal.type not in PAUSED:
                    raise
                await workflow.wait_condition(lambda: self._resumed or self._view.lapsed)
                self._resumed = isinstance(body, CloseStep)
                if isinstance(body, CloseStep):
                    return

    async def _transit(self, body: Body, long: bool, activity: object) -> None:
        step = getattr(body, "step", "")
        transition = f"{body.kind}/{step}@{self._view.seq}"
        command = engine_command(self._order.stream, transition, body, self._order.pace)
        act = act_long if long or activity is not Engine.decide_round else act_short
        answer: RoundAnswer = await act(activity, Order(command=command, known=self._known))  # type: ignore[arg-type]
        self._took(answer)
        if (
            isinstance(body, OpenRound) and answer.receipt.repeated
        ):  # begun again: look at what came meanwhile
            self._stirred = True
            self._paused_for = timedelta(seconds=self._view.paused_seconds)

    def _took(self, answer: RoundAnswer) -> None:
        if answer.view.reports_due != self._view.reports_due:
            self._paused_for = timedelta()
        if answer.view.seq >= self._view.seq:  # a long activity may answer after a later command
            self._view = answer.view
        if self._known is None or answer.receipt.head.seq > self._known.seq:
            self._known = answer.receipt.head

    async def _lapse(self) -> None:
        command = lapse_command(self._order.stream, self._order.pace.cycle_time(workflow.now()))
        await act_long(Engine.decide_round, Order(command=command, known=self._known))
