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
from schemas.canonical import canonical_bytes
from schemas.commands import (
    CloseIntake,
    Endorse,
    FreezePool,
    GiveGrants,
    OpenCycle,
    OpenRound,
    OpenStep,
    SubmitNomination,
    Withdraw,
)
from schemas.events import GrantTerms
from schemas.loading import open_programme
from schemas.programme import Channel
from schemas.values import Pace
from store.postgres import PostgresEventStore
from tests.activities.test_races import OFFICER, Race
from tests.support import people
from tests.support.databases import Database

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
    (folder / "units.csv").write_text("code,parent,name,rank\nP,,测试省,province\n", "utf-8")
    (folder / "1.yaml").write_text(PROGRAMME.format(quota=quota), "utf-8")
    opened, store = open_programme(folder / "1.yaml"), race.decider.store
    rules = await store.put_document("programme", canonical_bytes(opened.programme))
    units = await store.put_document("units", canonical_bytes(opened.units))
    pace = Pace(real_epoch=people.SPRING, cycle_epoch=people.SPRING)
    await race.do(names.cycle_stream(CYCLE), OpenCycle(cycle=CYCLE, rules=rules, units=units, pace=pace))
    grant = GrantTerms(id="g", person="officer", role="officer", unit="P")
    await race.do(names.authority_stream(CYCLE), GiveGrants(grants=(grant,)))


def _nomination(n: int) -> str:
    return names.nomination_stream(CYCLE, str(n))


def _submission(n: int) -> SubmitNomination:
    return SubmitNomination(
        nomination=str(n),
        cycle=CYCLE,
        unit="P",
        route="territorial",
        channel=Channel.UNIT,
        subject=f"s-{n}",
        entry="e",
        commitment="0" * 64,
    )


async def test_fifty_who_submit_at_once_fill_a_quota_of_three_exactly_dr_06(
    race: Race, tmp_path: Path
) -> None:
    await _open(race, tmp_path, quota=3)
    codes = await asyncio.gather(*(race.try_to(_nomination(n), _submission(n), OFFICER) for n in range(50)))
    assert Counter(codes) == {"": 3, "QUOTA_EXCEEDED": 47}
    held = {one.nomination for one in await race.decider.store.reservations(CYCLE)}
    assert held == {str(n) for n, code in enumerate(codes) if code == ""}
    await race.do(_nomination(int(min(held))), Withdraw(reason="ill"), OFFICER)
    again = await asyncio.gather(
        *(race.try_to(_nomination(n), _submission(n), OFFICER) for n in range(50, 70))
    )
    assert Counter(again) == {"": 1, "QUOTA_EXCEEDED": 19}


async def test_twenty_endorsed_at_once_with_one_rank_leave_one_who_has_it_dr_06(
    race: Race, tmp_path: Path
) -> None:
    await _open(race, tmp_path, quota=20)
    await asyncio.gather(*(race.do(_nomination(n), _submission(n), OFFICER) for n in range(20)))
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
