"""A running round paused, resumed and cancelled, and steps closed early, by people through real workflows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path

import pytest

from cli.app import run
from cli.output import Outcome
from domain import round as rounds
from domain.calendar import local_date
from runtime.door import Door
from schemas import names
from schemas.commands import (
    Body,
    CancelRound,
    CloseStepEarly,
    Endorse,
    FormPanel,
    HandInSheet,
    PauseRound,
    ResumeRound,
    RuleOnObjection,
    WrittenMark,
)
from schemas.errors import Refused
from schemas.ledger import Actor
from tests.support import people
from tests.support.people import at_step, until

UNITS = """code,parent,name,rank
P,,测试省,province
C,P,测试县,county
D,P,测试二县,county
"""
PROGRAMME = """
programme: test-lock
edition: 1
title: {zh: 测试船闸工匠}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, province]}]
titles: [{id: gold, label: {zh: 金}}]
stages:
  county:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 3, unit: natural_day}}
      - {id: word, type: endorsement, period: {days: 30, unit: natural_day}}
  province:
    reports_within: {days: 60, unit: natural_day}
    steps:
      - id: panel
        type: expert_review
        mode: score
        panel_size: 3
        quorum: "2/3"
        scale: {minimum: 0, maximum: 100, step: 1}
        period: {days: 60, unit: natural_day}
      - {id: choice, type: selection, seats: 2, weights: [{component: expert, share: "100%"}]}
      - id: notice
        type: publicity
        period: {days: 60, unit: natural_day}
        minimum: {days: 3, unit: natural_day}
        by_post: {days: 900, unit: natural_day}
      - {id: honour, type: conferral, body: council, grades: [{title: gold}], period: {days: 30, unit: natural_day}}
"""
OPERATOR, OPERATOR_2 = Actor(id="op-1", role="operator"), Actor(id="op-2", role="operator")
OFFICER = Actor(id="of-C", role="officer", unit="C")


async def _refused(attempt: Awaitable[object]) -> str:
    with pytest.raises(Refused) as refusal:
        await attempt
    return refusal.value.code


async def _state(door: Door, stream: str) -> rounds.State:
    return (await door.decider.rounds.get(stream)).state


async def _by_two(door: Door, stream: str, body: Body) -> None:
    for operator in (OPERATOR, OPERATOR_2):
        await door.send(stream, body, operator)


async def test_rounds_are_paused_cancelled_and_hurried_and_the_cycle_ends_all_the_same(
    door: Door, tmp_path: Path
) -> None:
    programme, cycle = await people.open_cycle(door, people.written(tmp_path, UNITS, PROGRAMME), ("C", "D"))
    county, other = (names.round_stream(cycle, "territorial", unit) for unit in "CD")
    summit = names.round_stream(cycle, names.ROOT_ROUTE, "P")
    mine = [await people.nominate(door, cycle, programme, "C", n) for n in range(2)]
    [theirs] = [await people.nominate(door, cycle, programme, "D", n) for n in range(1)]
    await until(lambda: at_step(door, county, "word"))
    await until(lambda: at_step(door, other, "word"))

    await _a_pause_stops_one_round_alone(door, county, mine)
    await _a_rank_is_changed_and_changed_back(door, county, mine[0])
    await _by_two(door, other, CancelRound(reason="no longer taking part"))
    await until(lambda: _is_out(door, names.nomination_stream(cycle, theirs)))
    await door.send(county, CloseStepEarly(step="word", reason="all have spoken"), OFFICER)

    await until(lambda: at_step(door, summit, "panel"))
    assert list((await _state(door, summit)).members) == sorted(mine)
    await _a_review_with_its_quorum_is_closed_early(door, summit)
    await until(lambda: at_step(door, summit, "notice"))
    await _an_objection_is_filed_once(door, cycle, mine[0])
    await _the_minimum_of_publicity_is_kept(door, summit)
    await _a_letter_counts_by_its_postmark(door, summit, mine[1])
    await people.act_until(door, cycle, programme, lambda: people.completed(door, cycle))
    state = await _state(door, summit)
    assert sorted(state.conferred) == sorted(mine)
    assert state.reports is not None
    assert await door.now(cycle) < state.reports.closes_at
    await _a_late_objection_is_kept(door, cycle, mine[0])
    letter = await _a_letter(door, summit, mine[0], "forgery")
    assert (letter.exit_code, letter.json["refused"]["code"]) == (1, "DECIDED_OBJECTION")


async def _is_out(door: Door, stream: str) -> bool:
    state = (await door.decider.nominations.get(stream)).state
    return (state.status, state.reason) == ("eliminated", "ROUND_LAPSED")


async def _a_pause_stops_one_round_alone(door: Door, county: str, nominations: list[str]) -> None:
    cycle = names.cycle_of(county)
    first, second = (names.nomination_stream(cycle, id) for id in nominations)
    before = rounds.run_of(await _state(door, county), "word").window
    await door.send(county, PauseRound(reason="a complaint"), OPERATOR)
    assert await _refused(door.send(first, Endorse(round=county), OFFICER)) == "ROUND_PAUSED"
    early = CloseStepEarly(step="word", reason="r")
    assert await _refused(door.send(county, early, OFFICER)) == "ROUND_PAUSED"
    await asyncio.sleep(1)
    await door.send(county, ResumeRound(), OPERATOR)
    after = rounds.run_of(await _state(door, county), "word").window
    assert before is not None
    assert after is not None
    assert after.closes_at > before.closes_at
    for stream in (first, second):
        await door.send(stream, Endorse(round=county), OFFICER)


async def _a_rank_is_changed_and_changed_back(door: Door, county: str, nomination: str) -> None:
    stream = names.nomination_stream(names.cycle_of(county), nomination)
    repeated = []
    for rank in (1, 2, 2, 1):
        receipt = await door.send(stream, Endorse(round=county, recommendation_rank=rank), OFFICER)
        repeated.append(receipt.repeated)
    assert repeated == [False, False, True, False]
    state = (await door.decider.nominations.get(stream)).state
    assert [given.rank for given in state.endorsed.values()] == [1]


async def _a_review_with_its_quorum_is_closed_early(door: Door, summit: str) -> None:
    judges = [Actor(id=f"j-{n}", role="judge") for n in (1, 2, 3)]
    await door.send(summit, FormPanel(step="panel", judges=tuple(one.id for one in judges)), OPERATOR)
    marks = tuple(WrittenMark(nomination=id, score="80") for id in (await _state(door, summit)).members)
    early = CloseStepEarly(step="panel", reason="one judge is away")
    await door.send(summit, HandInSheet(step="panel", marks=marks), judges[0])
    assert await _refused(door.send(summit, early, OPERATOR)) == "QUORUM_UNMET"
    await door.send(summit, HandInSheet(step="panel", marks=marks), judges[1])
    await door.send(summit, early, OPERATOR)


async def _objecting(door: Door, cycle: str, nomination: str, ground: str) -> Outcome:
    person = ("--identity", "TEST-OBJECTOR", "--field", "name=测试·异议人")
    words = (
        "object",
        f"{cycle}/{nomination}",
        "--ground",
        ground,
        *person,
        "--as",
        "x-1",
        "--role",
        "citizen",
    )
    return await run(words, door.settings, door)


async def _an_objection_is_filed_once(door: Door, cycle: str, nomination: str) -> None:
    filed = await _objecting(door, cycle, nomination, "false_record")
    assert filed.exit_code == 0
    again = await _objecting(door, cycle, nomination, "false_record")
    assert (again.exit_code, again.json["error"]["code"]) == (1, "OBJECTION_EXISTS")
    assert again.json["error"]["facts"]["objection"] == filed.json["objection"]
    ruling = RuleOnObjection(objection=filed.json["objection"], outcome="dismissed", reason="r")
    await door.send(names.nomination_stream(cycle, nomination), ruling, Actor(id="h-1", role="handler"))


async def _a_late_objection_is_kept(door: Door, cycle: str, nomination: str) -> None:
    late = await _objecting(door, cycle, nomination, "plagiarism")
    assert (late.exit_code, late.json["refused"]["code"]) == (1, "LATE_OBJECTION")
    assert [event["type"] for event in late.json["events"]] == ["ObjectionRefused"]


async def _a_letter(door: Door, summit: str, nomination: str, ground: str) -> Outcome:
    """Entered by an operator; it was posted on the first day of the period."""
    day = local_date(rounds.period_of(await _state(door, summit), nomination).opens_at)
    words = ("object", f"{names.cycle_of(summit)}/{nomination}", "--ground", ground)
    by = (
        "--identity",
        "TEST-WRITER",
        "--field",
        "name=测试·来信人",
        "--as",
        OPERATOR.id,
        "--role",
        "operator",
    )
    return await run((*words, "--postmark", day.isoformat(), *by), door.settings, door)


async def _a_letter_counts_by_its_postmark(door: Door, summit: str, nomination: str) -> None:
    filed = await _a_letter(door, summit, nomination, "false_record")
    assert [event["type"] for event in filed.json["events"]] == ["ObjectionFiled"]
    stream = names.nomination_stream(names.cycle_of(summit), nomination)
    assert (await door.decider.nominations.get(stream)).state.open_objections() == (filed.json["objection"],)
    ruling = RuleOnObjection(objection=filed.json["objection"], outcome="dismissed", reason="r")
    await door.send(stream, ruling, Actor(id="h-1", role="handler"))


async def _the_minimum_of_publicity_is_kept(door: Door, summit: str) -> None:
    early = CloseStepEarly(step="notice", reason="nobody objects")
    assert await _refused(door.send(summit, early, OPERATOR)) == "PUBLICITY_NEVER_SHORTENED"

    async def closed() -> bool:
        try:
            await door.send(summit, early, OPERATOR)
        except Refused:
            return False
        return True

    await until(closed)
    closing = [event for event in await door.store.load(summit) if event.type == "StepClosed"]
    ends = {event.data["step"]: (event.data["how"], event.data.get("reason", "")) for event in closing}
    assert ends["panel"] == ("early", "one judge is away")
    assert ends["notice"] == ("early", "nobody objects")


ADJUDICATED = """
programme: test-weir
edition: 1
title: {zh: 测试水坝工匠}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [province]}]
titles: [{id: gold, label: {zh: 金}}]
stages:
  province:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 3, unit: natural_day}}
      - id: vote
        type: public_vote
        period: {days: 2, unit: natural_day}
        adjudication: {days: 5, unit: natural_day}
        limits: {per_day: 5, choices_min: 1, choices_max: 5}
      - {id: choice, type: selection, seats: 1, weights: [{component: public, share: "100%"}]}
      - {id: honour, type: conferral, body: council, grades: [{title: gold}], period: {days: 30, unit: natural_day}}
"""


async def test_an_adjudication_paused_twice_waits_quietly_and_gets_its_days_back_dr_23(
    door: Door, tmp_path: Path
) -> None:
    programme, cycle = await people.open_cycle(door, people.written(tmp_path, UNITS, ADJUDICATED), ("P",))
    stream = names.round_stream(cycle, names.ROOT_ROUTE, "P")
    await people.nominate(door, cycle, programme, "P", 0)

    async def run() -> rounds.StepRun:
        return rounds.run_of(await _state(door, stream), "vote")

    async def over(instant: datetime | None) -> bool:
        return instant is not None and await door.now(cycle) > instant

    async def sealed() -> bool:
        return "public" in (await _state(door, stream)).components

    async def counting_waits() -> bool:
        return (await run()).seals_at is not None

    await until(counting_waits)
    for body in (PauseRound(reason="r"), ResumeRound(), PauseRound(reason="again")):
        await door.send(stream, body, OPERATOR)
    was = (await run()).seals_at
    await until(lambda: over(was))
    assert door.client is not None
    workflow = door.client.get_workflow_handle(stream)
    before = (await workflow.describe()).history_length
    await asyncio.sleep(3)
    assert (await workflow.describe()).history_length - before < 40
    assert not await sealed()
    await door.send(stream, ResumeRound(), OPERATOR)
    await until(sealed)
    after = (await run()).seals_at
    assert was is not None
    assert after is not None
    assert after > was
