"""A ballot box on a real server, with the gates that let papers in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pytest

from schemas.errors import EngineError, Refused
from schemas.ledger import Gate, GateStatus, SetGate
from schemas.programme import VoterLimits
from store.ballots import BallotBox, Paper, PaperReceipt, token
from store.postgres import PostgresEventStore
from tests.store.commands import EVENING, NOON, command, gate

CANDIDATES = ("nomination-1", "nomination-2", "nomination-3", "nomination-4")
THREE_A_DAY = VoterLimits(per_day=3, choices_max=3)


@dataclass(frozen=True)
class Polls:
    """A box and its gates: the ballot `id` in a cycle of the same name."""

    box: BallotBox
    store: PostgresEventStore
    id: str

    async def begin(
        self, limits: VoterLimits = THREE_A_DAY, channels: tuple[str, ...] = (), closes_at: datetime = EVENING
    ) -> None:
        """Open the ballot, its cycle's gate and its own."""
        await self.set_gate(gate(f"cycle/{self.id}", cycle=self.id))
        await self.set_gate(gate(self.id, cycle=self.id, closes_at=closes_at))
        await self.box.open(self.id, limits, CANDIDATES, channels)

    async def set_gate(self, new: Gate) -> None:
        head = (await self.store.heads([self.id]))[self.id]
        await self.store.append(command(self.id, f"gate-{head.seq}", head, effects=(SetGate(gate=new),)))

    async def close(self) -> None:
        await self.set_gate(gate(self.id, GateStatus.CLOSED, cycle=self.id))

    def paper(
        self, voter: str, paper: str, *choices: str, at: datetime = NOON, channel: str = "web"
    ) -> Paper:
        places = tuple(CANDIDATES.index(one) if one in CANDIDATES else 99 for one in choices)
        return Paper(self.id, token(voter), token(paper), places, channel, at)

    async def cast(
        self, voter: str, paper: str, *choices: str, at: datetime = NOON, channel: str = "web"
    ) -> PaperReceipt:
        return await self.box.submit(self.paper(voter, paper, *choices, at=at, channel=channel))

    async def refusal(
        self, voter: str, paper: str, *choices: str, at: datetime = NOON, channel: str = "web"
    ) -> str:
        """The code with which a paper is refused."""
        with pytest.raises(Refused) as caught:
            await self.cast(voter, paper, *choices, at=at, channel=channel)
        assert "<" not in str(caught.value), "every fact of the sentence is given"
        return caught.value.code


def code(outcome: PaperReceipt | BaseException) -> str:
    """`ok` for a receipt, `again` for a repeated one, and the code of a refusal; anything else is raised."""
    if isinstance(outcome, PaperReceipt):
        return "again" if outcome.repeated else "ok"
    if isinstance(outcome, EngineError):
        return outcome.code
    raise outcome


def codes(outcomes: Iterable[PaperReceipt | BaseException]) -> Counter[str]:
    """How often each code came back."""
    return Counter(map(code, outcomes))
