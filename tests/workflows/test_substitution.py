"""A seat given up after a round has reported is filled from its reserve, while the parent still waits for others."""

from __future__ import annotations

import asyncio
from pathlib import Path

from domain import round as rounds
from runtime.door import Door
from schemas import names
from schemas.commands import Withdraw
from schemas.ledger import Actor
from tests.support import people

UNITS = "code,parent,name,rank\nP,,测试省,province\nC,P,测试县,county\nD,P,测试二县,county\n"
PROGRAMME = """
programme: test-ferry
edition: 1
title: {zh: 测试渡口工匠}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, province]}]
facts: {years: {type: integer, label: {zh: 年数}}}
titles: [{id: gold, label: {zh: 金}}]
stages:
  county:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 40, unit: natural_day}}
      - {id: word, type: endorsement, ranked: true, period: {days: 90, unit: natural_day}}
      - {id: choice, type: selection, seats: 1, weights: [{component: recommendation, share: "100%"}], reserve: 1}
      - {id: notice, type: publicity, period: {days: 3, unit: natural_day}}
  province:
    steps:
      - {id: honour, type: conferral, body: b, grades: [{title: gold}], period: {days: 60, unit: work_day}}
"""


async def test_a_substitute_joins_a_reported_list_before_the_parent_s_cut_off_dr_31(
    door: Door, tmp_path: Path
) -> None:
    programme, cycle = await people.open_cycle(door, people.written(tmp_path, UNITS, PROGRAMME), ("C", "D"))
    county = names.round_stream(cycle, "territorial", "C")
    first, second = [await people.nominate(door, cycle, programme, "C", n) for n in (1, 2)]
    await people.nominate(door, cycle, programme, "D", 1)
    await people.close_intake(door, cycle)

    async def state() -> rounds.State:
        return (await door.decider.rounds.get(county)).state

    async with asyncio.timeout(60):
        while not (now := await state()).over:
            await people.act(door, programme, now)
            await asyncio.sleep(0.2)
        left, substitute = (first, second) if first in now.members else (second, first)
        withdraw = Withdraw(reason="ill")
        await door.send(
            names.nomination_stream(cycle, left), withdraw, Actor(id="of-C", role="officer", unit="C")
        )
        while (report := (await state()).reported) is None or substitute not in report.recommended:  # noqa: ASYNC110 -- of the log
            await asyncio.sleep(0.2)
    types = [event.type for event in await door.store.load(county)]
    after = types[types.index("RoundReported") + 1 :]
    assert after == ["Substituted", "ListPublished", "RecommendationAmended"]

    await people.act_until(door, cycle, programme, lambda: people.completed(door, cycle))
    conferred = (await door.decider.nominations.get(names.nomination_stream(cycle, substitute))).state
    assert conferred.titles == ("gold",)
