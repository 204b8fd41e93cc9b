"""A cycle that stands still into a year whose work days nobody knew goes on once two people have added the year (DR-27)."""

from __future__ import annotations

from datetime import date, datetime
from itertools import count

import pytest

from activities.deciding import Decider
from activities.retaking import Retaker
from cli.audit.reading import in_order
from domain.calendar import declared_year, local_date
from runtime.door import system_clock
from schemas import names
from schemas.canonical import canonical_bytes
from schemas.commands import (
    ENGINE,
    Body,
    Command,
    ExtendCalendar,
    GiveGrants,
    OpenCycle,
    PauseCycle,
    ResumeCycle,
)
from schemas.errors import Refused
from schemas.events import CalendarExtended, GrantTerms, IntakeExtended, read
from schemas.ledger import Actor
from schemas.values import Pace
from store.memory import MemoryEventStore
from tests.domain.specification import INTAKE, LADDER, at, declared, province_of, step

CYCLE = "harbour.1"
STREAM = names.cycle_stream(CYCLE)
DECEMBER, PAUSED, RESUMED = at("2026-12-14 09:00"), at("2026-12-17 09:00"), at("2027-01-11 09:00")
OPERATORS = tuple(Actor(id=f"o-{n}", role="operator", unit="9") for n in (1, 2))
IDS = count()


async def test_a_pause_into_an_unknown_year_ends_once_the_year_is_added_dr_27() -> None:
    store = MemoryEventStore()
    decider = Decider(store, system_clock)

    async def do(body: Body, by: Actor = ENGINE, when: datetime = DECEMBER, stream: str = STREAM) -> None:
        command = Command(id=f"c-{next(IDS)}", stream=stream, actor=by, received_at=when, body=body)
        await decider.execute(command)

    decision = step("decision", body="council", period={"days": 2, "unit": "natural_day"})
    levels = {"county": {"steps": [INTAKE]}, "province": {"steps": [decision]}}
    opens = OpenCycle(
        cycle=CYCLE,
        rules=await store.put_document("programme", canonical_bytes(declared(LADDER, levels))),
        units=await store.put_document("units", canonical_bytes(province_of("901"))),
        overrides=await decider.pin_calendar(),
        pace=Pace(real_epoch=DECEMBER, cycle_epoch=DECEMBER),
    )
    await do(opens)
    grants = tuple(GrantTerms(id=by.id, person=by.id, role=by.role, unit="9") for by in OPERATORS)
    await do(GiveGrants(grants=grants), stream=names.authority_stream(CYCLE))
    await do(PauseCycle(reason="系统检修"), OPERATORS[0], PAUSED)
    with pytest.raises(Refused, match="CALENDAR_YEAR_MISSING"):
        await do(ResumeCycle(), OPERATORS[0], RESUMED)

    days = declared_year(2027, holidays=[date(2027, 1, 1)])
    listed = [{"day": day.isoformat(), "worked": worked} for day, worked in days.items()]
    added = await store.put_document("calendar", canonical_bytes(listed))
    longer = ExtendCalendar(
        overrides=await decider.pin_calendar(opens.overrides, added), reason="国务院办公厅通知"
    )
    for by in OPERATORS:
        await do(longer, by, RESUMED)
    await do(ResumeCycle(), OPERATORS[0], RESUMED)

    told = [read(event) for event in await store.load(STREAM)]
    assert [event.years for event in told if isinstance(event, CalendarExtended)] == [(2027,)]
    [moved] = [event for event in told if isinstance(event, IntakeExtended)]
    assert local_date(moved.closes_at) > local_date(RESUMED)
    taken = [one async for one in Retaker(store).run(in_order(store))]
    assert [one.difference for one in taken if one.difference] == []
    assert "extend_calendar" in {one.kind for one in taken if one.command}
