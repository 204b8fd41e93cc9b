"""A cycle driven without Temporal: every command goes straight to the decider, at a given time."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from pathlib import Path

from activities.deciding import Decider
from schemas import names
from schemas.canonical import canonical_bytes
from schemas.commands import ENGINE, Body, Command, GiveGrants, OpenCycle, SubmitNomination
from schemas.errors import Refused
from schemas.events import GrantTerms
from schemas.ledger import Actor, Receipt
from schemas.loading import open_programme
from schemas.programme import Channel, Programme
from schemas.values import Pace
from tests.support import people

OFFICER = Actor(id="officer", role="officer")


class Race:
    """One cycle, and the time at which its commands are received."""

    def __init__(self, decider: Decider) -> None:
        self.decider = decider
        self.now = people.SPRING
        self._ids = count()

    async def open(self, cycle: str, file: Path, *more: GrantTerms) -> Programme:
        """Opens the cycle by this programme, whose units have the root P, with one officer for all of them."""
        opened, store = open_programme(file), self.decider.store
        rules = await store.put_document("programme", canonical_bytes(opened.programme))
        units = await store.put_document("units", canonical_bytes(opened.units))
        pace = Pace(real_epoch=people.SPRING, cycle_epoch=people.SPRING)
        await self.do(names.cycle_stream(cycle), OpenCycle(cycle=cycle, rules=rules, units=units, pace=pace))
        grant = GrantTerms(id="g", person="officer", role="officer", unit="P")
        await self.do(names.authority_stream(cycle), GiveGrants(grants=(grant, *more)))
        return opened.programme

    async def do(self, stream: str, body: Body, actor: Actor = ENGINE, at: datetime | None = None) -> Receipt:
        command = Command(
            id=f"c-{next(self._ids)}", stream=stream, actor=actor, received_at=at or self.now, body=body
        )
        return await self.decider.execute(command)

    async def try_to(self, stream: str, body: Body, actor: Actor, at: datetime | None = None) -> str:
        """The code of the refusal, or an empty text."""
        try:
            await self.do(stream, body, actor, at)
        except Refused as refusal:
            return refusal.code
        return ""


def province_alone(folder: Path, programme: str) -> Path:
    """The file of this programme, beside units of which there is one."""
    return people.written(folder, "code,parent,name,rank\nP,,测试省,province\n", programme)


def submission(cycle: str, id: str, unit: str = "P") -> SubmitNomination:
    """An invented person, put forward by this unit."""
    return SubmitNomination(
        nomination=id,
        cycle=cycle,
        unit=unit,
        route="territorial",
        channel=Channel.UNIT,
        subject=f"s-{id}",
        entry="e",
        commitment="0" * 64,
    )
