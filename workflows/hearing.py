"""How a workflow hears people: a command by Update, answered when it is durable, or the same by Signal, asked for later."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from schemas import names
    from schemas.commands import Command
    from schemas.ledger import Receipt
    from schemas.messages import SignalOutcome

OUTCOMES_KEPT = 50


class HearsPeople:
    """What the three workflows have in common; each says which streams are its own and how it decides."""

    def __init__(self, *streams: str) -> None:
        self._streams = streams
        self._signalled: dict[str, SignalOutcome] = {}

    async def _decide(self, command: Command) -> Receipt:
        raise NotImplementedError

    @workflow.update(name=names.COMMAND_UPDATE)
    async def execute(self, command: Command) -> Receipt:
        """A person's command: answered once the event is durable; the same id again gets the first receipt."""
        return await self._decide(command)

    @execute.validator
    def _addressed_here(self, command: Command) -> None:
        if command.stream not in self._streams:
            raise ApplicationError(f"{command.stream} is not {self._streams[0]}", type="WRONG_ADDRESS")

    @workflow.signal(name=names.COMMAND_SIGNAL)
    async def command(self, command: Command) -> None:
        """The same by signal; what became of it can be asked with `outcome_of`."""
        try:
            outcome = SignalOutcome(receipt=await self._decide(command))
        except ApplicationError as refusal:
            outcome = SignalOutcome(code=refusal.type or "", message=refusal.message)
        self._signalled[command.id] = outcome
        while len(self._signalled) > OUTCOMES_KEPT:
            self._signalled.pop(next(iter(self._signalled)))

    @workflow.query
    def outcome_of(self, command_id: str) -> SignalOutcome | None:
        """What became of a command that came by signal; None while it is under way or unknown."""
        return self._signalled.get(command_id)
