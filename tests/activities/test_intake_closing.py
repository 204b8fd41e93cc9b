"""A nomination that is written while intake is being closed is counted, and its unit is not called silent (DR-06)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cli.rehearse.conductor import Conductor
from cli.rehearse.party import invent
from schemas import names
from schemas.commands import CloseIntake
from schemas.errors import Refused
from schemas.events import IntakeClosed
from schemas.loading import open_programme
from store.memory import MemoryEventStore

PROGRAMME = Path(__file__).parents[2] / "programmes/sichuan-craftsman/1.yaml"


class Meanwhile(MemoryEventStore):
    """Somebody writes at the moment after the places were read."""

    write: Callable[[], Awaitable[None]] | None = None

    async def units_with_reservations(self, cycle: str) -> dict[str, int]:
        read = await super().units_with_reservations(cycle)
        write, self.write = self.write, None
        if write is not None:
            await write()
        return read


async def test_who_is_put_forward_while_intake_is_closed_is_counted_or_refused_but_never_forgotten() -> None:
    opened = open_programme(PROGRAMME)
    party = invent(opened.programme, opened.units, units=6, nominations=8)
    store = Meanwhile()
    conductor = Conductor(store, party)
    await conductor._open()
    *first, late, later = party.entrants
    for entrant in first:
        await conductor._submit(entrant)
    in_time = conductor._now
    refused: list[str] = []

    async def write() -> None:
        closing, conductor._now = conductor._now, in_time
        for entrant in (late, later):
            try:
                await conductor._submit(entrant)
            except Refused as refusal:
                refused.append(refusal.code)
        conductor._now = closing

    store.write = write
    stream = names.cycle_stream(conductor.cycle)
    cycle = (await conductor.decider.cycles.get(stream)).state
    conductor._now = max(intake.window.closes_at for intake in cycle.intakes.values())
    await conductor._do(stream, CloseIntake())
    closed = [event for event in await store.load(stream) if event.type == IntakeClosed.__name__]
    there = await store.reservations(conductor.cycle)
    assert [event.data["nominations"] for event in closed] == [len(there)]
    assert len(there) + len(refused) == len(party.entrants)
    assert set(refused) <= {"STAGE_CLOSED"}


async def test_who_is_put_forward_after_the_cycle_hears_that_it_is_over() -> None:
    opened = open_programme(PROGRAMME)
    party = invent(opened.programme, opened.units, units=6, nominations=8)
    conductor = Conductor(MemoryEventStore(), party)
    await conductor.run()
    with pytest.raises(Refused) as refusal:
        await conductor._submit(party.entrants[-1]._replace(number=99))
    assert (refusal.value.code, refusal.value.facts) == ("CYCLE_NOT_OPEN", {"status": "completed"})
