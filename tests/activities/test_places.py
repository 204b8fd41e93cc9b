"""Many at once for places that one may hold (DR-06): the unit's quota and the recommendation ranks, on a real store.

Places that two operators move meanwhile are nobody's twice, and a replay moves them again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from activities.deciding import Decider
from activities.retaking import Retaker
from runtime.door import system_clock
from schemas import names
from schemas.commands import (
    CloseIntake,
    Endorse,
    FreezePool,
    OpenRound,
    OpenStep,
    RedistributeQuota,
    Withdraw,
)
from schemas.events import GivenPlaces, GrantTerms
from schemas.ledger import Actor, RecordedEvent
from store.memory import MemoryEventStore
from store.postgres import PostgresEventStore
from tests.support.databases import Database
from tests.support.races import OFFICER, Race, province_alone, submission

CYCLE = "places.1"
OPERATORS = (Actor(id="op-1", role="operator"), Actor(id="op-2", role="operator"))
MOVE = RedistributeQuota(unit="C", to=(GivenPlaces(unit="D", places=4),), reason="名额调剂")
ROUND = names.round_stream(CYCLE, names.ROOT_ROUTE, "P")
PROGRAMME = """
programme: places
edition: 1
title: {{zh: 名额}}
subject: person
units: {{file: units.csv, root: P}}
routes: [{{id: territorial, ranks: [province]}}]
titles: [{{id: t, label: {{zh: 称号}}}}]
stages:
  province:
    steps:
      - {{id: intake, type: intake, channels: [unit], period: {{days: 5, unit: natural_day}}, quota: {quota}}}
      - {{id: word, type: endorsement, ranked: true, period: {{days: 5, unit: natural_day}}}}
      - {{id: honour, type: conferral, body: b, grades: [{{title: t}}], period: {{days: 5, unit: natural_day}}}}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def race(database: Database) -> AsyncIterator[Race]:
    async with PostgresEventStore(database.dsns.app) as store:
        yield Race(Decider(store, system_clock))


async def _open(race: Race, folder: Path, quota: int) -> None:
    await race.open(CYCLE, province_alone(folder, PROGRAMME.format(quota=quota)))


def _nomination(n: int) -> str:
    return names.nomination_stream(CYCLE, str(n))


async def test_fifty_who_submit_at_once_fill_a_quota_of_three_exactly_dr_06(
    race: Race, tmp_path: Path
) -> None:
    await _open(race, tmp_path, quota=3)
    codes = await asyncio.gather(
        *(race.try_to(_nomination(n), submission(CYCLE, str(n)), OFFICER) for n in range(50))
    )
    assert Counter(codes) == {"": 3, "QUOTA_EXCEEDED": 47}
    held = {one.nomination for one in await race.decider.store.reservations(CYCLE)}
    assert held == {str(n) for n, code in enumerate(codes) if code == ""}
    await race.do(_nomination(int(min(held))), Withdraw(reason="ill"), OFFICER)
    again = await asyncio.gather(
        *(race.try_to(_nomination(n), submission(CYCLE, str(n)), OFFICER) for n in range(50, 70))
    )
    assert Counter(again) == {"": 1, "QUOTA_EXCEEDED": 19}


COUNTIES = (
    PROGRAMME.replace("ranks: [province]", "ranks: [county, province]")
    .replace("  province:\n    steps:\n", "  county:\n    steps:\n")
    .replace(
        "      - {{id: honour",
        "  province:\n    steps:\n      - {{id: honour",
    )
)


async def _open_counties(race: Race, folder: Path, cycle: str) -> None:
    file = province_alone(folder, COUNTIES.format(quota=10))
    with (folder / "units.csv").open("a", encoding="utf-8") as units:
        units.write("C,P,测试县丙,county\nD,P,测试县丁,county\n")
    operators = (GrantTerms(id=by.id, person=by.id, role=by.role, unit="P") for by in OPERATORS)
    await race.open(cycle, file, *operators)


async def _race_for(race: Race, cycle: str, unit: str, ids: Iterable[str]) -> int:
    """How many of them got a place at the unit."""
    codes = await asyncio.gather(
        *(race.try_to(names.nomination_stream(cycle, id), submission(cycle, id, unit), OFFICER) for id in ids)
    )
    assert set(codes) <= {"", "QUOTA_EXCEEDED"}
    return codes.count("")


async def test_places_moved_while_thirty_submit_are_used_by_one_unit_or_the_other_dr_06(
    race: Race, tmp_path: Path
) -> None:
    for n, early in enumerate((0, 3, 6, 9)):
        cycle = f"places.1.{n}"
        await _open_counties(race, tmp_path, cycle)
        assert await _race_for(race, cycle, "C", (f"e{n}" for n in range(early))) == early
        stream = names.cycle_stream(cycle)
        assert await race.try_to(stream, MOVE, OPERATORS[0]) in ("", "QUOTA_IN_USE")
        code, taken = await asyncio.gather(
            race.try_to(stream, MOVE, OPERATORS[1]),
            _race_for(race, cycle, "C", (f"c{n}" for n in range(30))),
        )
        there = (await race.decider.cycles.get(stream)).state.received.get("D", 0)
        assert (code, there) in (("", 4), ("QUOTA_IN_USE", 0))
        assert early + taken == 10 - there
        assert await _race_for(race, cycle, "D", (f"d{n}" for n in range(30))) == 10 + there


async def test_places_that_were_moved_are_moved_again_by_a_replay_dr_06_dr_45(tmp_path: Path) -> None:
    store = MemoryEventStore()
    race = Race(Decider(store, system_clock))
    await _open_counties(race, tmp_path, CYCLE)
    assert await _race_for(race, CYCLE, "C", ("c1",)) == 1
    for by in OPERATORS:
        await race.do(names.cycle_stream(CYCLE), MOVE, by)
    assert await _race_for(race, CYCLE, "C", map(str, range(9))) == 5
    assert await _race_for(race, CYCLE, "D", map(str, range(10, 30))) == 14
    race.now += timedelta(days=10)
    await race.do(names.cycle_stream(CYCLE), CloseIntake())
    log = await store.read_all(0, 1000)

    async def pages() -> AsyncIterator[Sequence[RecordedEvent]]:
        yield log

    taken = [one async for one in Retaker(store).run(pages())]
    assert [one.difference for one in taken if one.difference] == []
    assert "redistribute_quota" in {one.kind for one in taken if one.command}
    assert sum(len(one.events) for one in taken) == len(log)


async def test_twenty_endorsed_at_once_with_one_rank_leave_one_who_has_it_dr_06(
    race: Race, tmp_path: Path
) -> None:
    await _open(race, tmp_path, quota=20)
    await asyncio.gather(*(race.do(_nomination(n), submission(CYCLE, str(n)), OFFICER) for n in range(20)))
    race.now += timedelta(days=10)
    await race.do(names.cycle_stream(CYCLE), CloseIntake())
    for body in (OpenRound(), FreezePool(), OpenStep(step="intake"), OpenStep(step="word")):
        await race.do(ROUND, body)
    first = Endorse(round=ROUND, recommendation_rank=1)
    codes = await asyncio.gather(*(race.try_to(_nomination(n), first, OFFICER) for n in range(20)))
    assert Counter(codes) == {"": 1, "RANK_TAKEN": 19}
    holder = str(codes.index(""))
    assert await race.decider.store.claims(CYCLE, names.rank_scope(ROUND)) == {1: holder}
    later = Endorse(round=ROUND, recommendation_rank=2)
    assert await race.try_to(_nomination(int(holder)), later, OFFICER) == ""
    assert sorted(
        await asyncio.gather(
            *(race.try_to(_nomination(n), first, OFFICER) for n in range(20) if str(n) != holder)
        )
    ) == ["", *["RANK_TAKEN"] * 18]
