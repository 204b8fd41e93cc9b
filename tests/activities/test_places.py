"""Many at once for places that one may hold (DR-06): the unit's quota and the recommendation ranks, on a real store."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from activities.deciding import Decider
from runtime.door import system_clock
from schemas import names
from schemas.commands import (
    CloseIntake,
    Endorse,
    FreezePool,
    OpenRound,
    OpenStep,
    Withdraw,
)
from store.postgres import PostgresEventStore
from tests.support.databases import Database
from tests.support.races import OFFICER, Race, province_alone, submission

CYCLE = "places.1"
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
