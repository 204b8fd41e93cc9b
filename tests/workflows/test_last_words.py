"""A round whose workflow has ended asks a department again: its answer ran out before the last word above, a conferral
or a report.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain import conduct
from domain import round as rounds
from runtime.door import Door
from schemas import names
from schemas.commands import Confer, PauseCycle, ReplyClearance, RequestClearance, ResumeCycle
from schemas.errors import Refused
from schemas.ledger import Actor
from schemas.programme import Programme
from tests.support import people

UNITS = "code,parent,name,rank\nP,,测试省,province\nC,P,测试县,county\n"
PROGRAMME = """
programme: test-lighthouse
edition: 1
title: {zh: 测试灯塔工匠}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, province]}]
facts: {enterprise_head: {type: boolean, label: {zh: 负责人}, required: true}}
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
SHOWN = "      - {id: shown, type: publicity, period: {days: 5, unit: natural_day}}\n"
RECOMMENDS = """
      - {id: look, type: clearance, departments: [tax], applies_when: {id: heads, fact: enterprise_head, op: "==", value: true}, period: {days: 5, unit: natural_day}}
"""
CLERK = Actor(id="d-tax", role="department:tax")
OPERATOR = Actor(id="op-1", role="operator")


async def nominated(door: Door, folder: Path, text: str) -> tuple[Programme, str, str, str, str]:
    """The programme, its running cycle, the rounds of the county and the province, and the one who was nominated."""
    programme, cycle = await people.open_cycle(door, people.written(folder, UNITS, text), ("C",))
    county = names.round_stream(cycle, "territorial", "C")
    summit = names.round_stream(cycle, names.ROOT_ROUTE, "P")
    return programme, cycle, county, summit, await people.nominate(door, cycle, programme, "C", 1)


async def test_a_round_whose_workflow_has_ended_asks_again_for_the_conferral_above_dr_11(
    door: Door, tmp_path: Path
) -> None:
    programme, cycle, county, summit, nomination = await nominated(door, tmp_path, PROGRAMME)
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
    await door.send(county, again, OPERATOR)
    await door.send(county, clear, CLERK)
    await people.act_until(door, cycle, programme, lambda: people.completed(door, cycle))
    types = [event.type for event in await door.store.load(county)]
    assert types[types.index("RoundReported") + 1 :] == ["ClearanceRequested", "ClearanceReplied"]
    [state] = await people.until_over(door, cycle, [nomination])
    assert state.titles == ("gold",)


async def test_a_report_waits_in_peace_for_silence_below_to_become_consent_dr_11(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below, summit_s, _ = PROGRAMME.replace("days: 60", "days: 3").partition("  province:\n    steps:\n")
    below = below.replace("edition: 1", "edition: 2").replace("[tax],", "[tax], silence: consent,")
    _, cycle, county, summit, nomination = await nominated(
        door, tmp_path, below + SHOWN + summit_s + RECOMMENDS.lstrip("\n")
    )

    async def held() -> bool:
        return (
            rounds.run_of((await door.decider.rounds.get(summit)).state, "look").held == "CLEARANCE_EXPIRED"
        )

    await people.until(held)
    for body in (PauseCycle(reason="r"), ResumeCycle()):
        await door.send(names.cycle_stream(cycle), body, OPERATOR)
    tried: list[object] = []
    decide = conduct.decide

    def counted(*said: Any) -> Any:
        tried.append(said)
        return decide(*said)

    monkeypatch.setattr(conduct, "decide", counted)
    await asyncio.sleep(1)
    assert len(tried) < 5
    again = RequestClearance(step="asked", nominations=(nomination,))
    await door.send(county, again, OPERATOR)
    await people.until(lambda: people.completed(door, cycle))
    reported = (await door.decider.rounds.get(summit)).state.reported
    assert reported is not None
    assert reported.recommended == (nomination,)
