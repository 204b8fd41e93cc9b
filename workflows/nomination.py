"""One nomination: people and rounds decide, it waits; it begins anew at each level and ends when it is over."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.engine import Engine
    from schemas import names
    from schemas.commands import Command, TakeOutcome
    from schemas.ledger import Head, Receipt
    from schemas.messages import (
        NominationOrder,
        NominationView,
        Order,
        OutcomeSignal,
    )
    from workflows.acting import act_short, engine_command
    from workflows.hearing import HearsPeople


@workflow.defn(name="Nomination")
class NominationWorkflow(HearsPeople):
    """Small on purpose: no timers, no children; its state is in the log."""

    @workflow.init
    def __init__(self, order: NominationOrder) -> None:
        super().__init__(order.stream)
        self._order = order
        self._known: Head | None = order.known
        self._view = NominationView(level=order.level)
        self._unheard_of = False
        self._lock = asyncio.Lock()

    @workflow.run
    async def run(self, order: NominationOrder) -> NominationView:
        """Waits for what people and rounds decide, until the next level or the end."""
        await workflow.wait_condition(
            lambda: (self._is_over() or self._view.level > order.level) and workflow.all_handlers_finished()
        )
        if not self._is_over():
            workflow.continue_as_new(
                order.model_copy(update={"known": self._known, "level": self._view.level})
            )
        return self._view

    def _is_over(self) -> bool:
        return self._view.over or self._unheard_of

    @workflow.signal(name=names.OUTCOME_SIGNAL)
    async def take_outcome(self, signal: OutcomeSignal) -> None:
        """What a round decided about this nomination; its id is the outbox row's."""
        body = TakeOutcome.model_validate(signal.body)
        command = engine_command(self._order.stream, "outcome", body, self._order.pace)
        try:
            await self._decide(command.model_copy(update={"id": signal.id}))
        except ApplicationError as refusal:
            workflow.logger.warning("outcome refused", extra={"code": refusal.type})

    @workflow.query
    def view(self) -> NominationView:
        """Where the nomination stands."""
        return self._view

    async def _decide(self, command: Command) -> Receipt:
        async with self._lock:
            try:
                answer = await act_short(Engine.decide_nomination, Order(command=command, known=self._known))
            except ApplicationError as refusal:
                self._unheard_of = self._known is None or refusal.type == "NOMINATION_OVER"
                raise
            self._view = answer.view
            if self._known is None or answer.receipt.head.seq > self._known.seq:
                self._known = answer.receipt.head
            self._unheard_of = False
            return answer.receipt
