"""One edition of a programme: it opens, takes nominations in, runs the rounds from the bottom up, and completes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ChildWorkflowError

with workflow.unsafe.imports_passed_through():
    from activities.engine import Engine
    from schemas import names
    from schemas.commands import Body, CloseIntake, Command, CompleteCycle, lapse_command
    from schemas.ledger import Head, Receipt
    from schemas.messages import (
        CycleAnswer,
        CycleOrder,
        CycleView,
        FeedOrder,
        Order,
        RoundOrder,
        RoundReport,
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
    from workflows.round import RoundWorkflow

ENDED = ("cancelled", "completed")


@workflow.defn(name="Cycle")
class CycleWorkflow(HearsPeople):
    """The root of the tree of rounds; also the door to the cycle's grants."""

    @workflow.init
    def __init__(self, order: CycleOrder) -> None:
        self._order = order
        self._stream = names.cycle_stream(order.cycle)
        super().__init__(self._stream, names.authority_stream(order.cycle))
        self._view = CycleView()
        self._known: Head | None = None
        self._refused = False
        self._root: workflow.ChildWorkflowHandle[RoundWorkflow, RoundReport] | None = None
        self._lock = asyncio.Lock()

    @workflow.run
    async def run(self, order: CycleOrder) -> CycleView:
        """Wait until it is opened, until intake is over, until the rounds have reported; then complete."""
        if order.opening is not None:
            async with self._lock:
                await self._act(order.opening)
        await workflow.wait_condition(lambda: self._view.root is not None or self._refused)
        if not self._refused:
            await self._intake()
        if self._runs() and self._view.fed:
            await self._nominate_winners()
        if self._runs():
            report = await self._rounds()
            if report and not report.lapsed and self._runs():
                await self._conduct(CompleteCycle(conferred=report.conferred))
        if self._view.status == "cancelled" and workflow.patched("cancelled-lapses-rounds"):
            await self._lapse_rounds()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._view

    def _runs(self) -> bool:
        return not self._refused and self._view.status not in ENDED

    async def _intake(self) -> None:
        """Nominations come in by themselves; here only the end of the last window is awaited."""
        while self._runs() and not self._view.intake_closed:
            wakes_at = self._view.wakes_at
            try:
                await workflow.wait_condition(
                    lambda wakes_at=wakes_at: self._view.wakes_at != wakes_at or not self._runs(),  # type: ignore[misc]
                    timeout=until(self._order.pace, wakes_at),
                    timeout_summary="intake closes",
                )
            except TimeoutError:
                await self._conduct(CloseIntake())

    async def _nominate_winners(self) -> None:
        """Those whom feeders gave enter before the rounds begin; while the cycle is paused, that waits."""
        while self._runs():
            await workflow.wait_condition(lambda: self._view.status != "paused")
            order = FeedOrder(
                cycle=self._order.cycle, received_at=self._order.pace.cycle_time(workflow.now())
            )
            try:
                await act_long(Engine.nominate_winners, order)
            except ApplicationError as refusal:
                if refusal.type not in ("CYCLE_PAUSED", "CYCLE_NOT_OPEN", "STAGE_CLOSED"):
                    raise
                await workflow.sleep(timedelta(seconds=1))  # the pause, or the end, is still on its way here
                continue
            return

    async def _rounds(self) -> RoundReport | None:
        """The root's round starts all others, and is begun again if it breaks off; None if the cycle was cancelled."""
        for pause in growing_pauses():
            self._root = await once_free(self._start_root)
            await workflow.wait_condition(lambda: self._root_is_done() or not self._runs())
            if not self._runs():
                self._root.cancel()
                await workflow.wait_condition(self._root_is_done)
                return None
            try:
                return await self._root
            except ChildWorkflowError as ending:
                workflow.logger.warning(
                    "the root's round ended without a report", extra={"fault": str(ending)}
                )
            await workflow.sleep(pause)
        raise AssertionError("pauses never end")

    async def _lapse_rounds(self) -> None:
        """Rounds that never began lapse too, and so tell those who entered there; the others have done so themselves."""
        for stream in await act_long(Engine.rounds_left, self._order):
            command = lapse_command(stream, self._order.pace.cycle_time(workflow.now()))
            await act_short(Engine.decide_round, Order(command=command))

    async def _start_root(self) -> workflow.ChildWorkflowHandle[RoundWorkflow, RoundReport]:
        root = self._view.root
        assert root is not None
        return await workflow.start_child_workflow(
            RoundWorkflow.run,
            RoundOrder(
                stream=root.stream,
                pace=self._order.pace,
                programme=self._view.programme,
                unit=root.name,
                rank=root.rank,
            ),
            id=root.stream,
            parent_close_policy=workflow.ParentClosePolicy.TERMINATE,
            search_attributes=round_attributes(self._view.programme, root.stream, root.unit, root.rank),
            static_summary=f"{root.name} · {root.rank}",
        )

    def _root_is_done(self) -> bool:
        return self._root is not None and self._root.done()

    # ---- messages ----

    @workflow.query
    def view(self) -> CycleView:
        """Where the cycle stands."""
        return self._view

    async def _decide(self, command: Command) -> Receipt:
        try:
            async with self._lock:
                was = self._view.status
                answer = await self._act(command)
        except ApplicationError:
            self._refused = self._known is None
            raise
        if was == "paused" and answer.view.status == "open" and self._root and not self._root.done():
            await self._root.signal(names.RESUMED_SIGNAL, answer.view.paused_seconds)
        return answer.receipt

    async def _conduct(self, body: Body) -> None:
        async with self._lock:
            await self._act(
                engine_command(self._stream, f"{body.kind}@{self._view.seq}", body, self._order.pace)
            )

    async def _act(self, command: Command) -> CycleAnswer:
        known = self._known if command.stream == self._stream else None
        answer = await act_short(Engine.decide_cycle, Order(command=command, known=known))
        self._view = answer.view
        if command.stream == self._stream and (known is None or answer.receipt.head.seq > known.seq):
            self._known = answer.receipt.head
        return answer
