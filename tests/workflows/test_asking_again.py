"""A round whose workflow has ended asks a department again, because its answer ran out before the conferral above."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from domain import round as rounds
from runtime.door import Door
from schemas import names
from schemas.commands import Confer, ReplyClearance, RequestClearance
from schemas.errors import Refused
from schemas.ledger import Actor
from schemas.loading import load_programme
from tests.support import people

UNITS = "code,parent,name,rank\nP,,测试省,province\nC,P,测试县,county\n"
PROGRAMME = """
programme: test-lighthouse
edition: 1
title: {zh: 测试灯塔工匠}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, province]}]
titles: [{id: gold, label: {zh: 金}}]
stages:
  county:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 3, unit: natural_day}}
      - {id: asked, type: clearance, departments: [tax], valid_for: {days: 4, unit: natural_day}, period: {days: 60, unit: natural_day}}
  province:
    steps:
      - {id: honour, type: conferral, body: council, grades: [{title: gold}], period: {days: 90, unit: work_day}}
"""
CLERK = Actor(id="d-tax", role="department:tax")


async def test_a_round_whose_workflow_has_ended_asks_again_for_the_conferral_above_dr_11(
    door: Door, tmp_path: Path
) -> None:
    (tmp_path / "units.csv").write_text(UNITS, "utf-8")
    file = tmp_path / "1.yaml"
    file.write_text(PROGRAMME, "utf-8")
    programme = load_programme(file)
    cycle = names.cycle_id(programme.programme, programme.edition)
    county = names.round_stream(cycle, "territorial", "C")
    summit = names.round_stream(cycle, names.ROOT_ROUTE, "P")
    given = people.grants(programme, "P", ("C",))
    await door.start_cycle(file, operators=("op-1", "op-2"), grants=given, pace=people.fast(days_a_second=1))
    nomination = await people.nominate(door, cycle, programme, "C", 1)
    clear = ReplyClearance(step="asked", department="tax", nomination=nomination, outcome="clear")
    await people.until(lambda: people.at_step(door, county, "asked"))
    await door.send(county, clear, CLERK)
    await people.until(lambda: people.at_step(door, summit, "honour"))
    [replied_at] = rounds.run_of((await door.decider.rounds.get(county)).state, "asked").replied_at.values()

    async def ran_out() -> bool:
        return await door.now(cycle) > replied_at + timedelta(days=5)

    await people.until(ran_out)
    with pytest.raises(Refused) as refusal:
        await door.send(summit, Confer(step="honour"), Actor(id="b-1", role="body:council"))
    assert (refusal.value.code, refusal.value.facts["step"]) == ("CLEARANCE_EXPIRED", f"{county}/asked")
    again = RequestClearance(step="asked", nominations=(nomination,))
    await door.send(county, again, Actor(id="op-1", role="operator"))
    await door.send(county, clear, CLERK)
    await people.act_until(door, cycle, programme, lambda: people.completed(door, cycle))
    types = [event.type for event in await door.store.load(county)]
    assert types[types.index("RoundReported") + 1 :] == ["ClearanceRequested", "ClearanceReplied"]
    [state] = await people.until_over(door, cycle, [nomination])
    assert state.titles == ("gold",)
