"""A programme that the code has never seen, with everything that people do to a cycle while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path

import pytest

from domain import round as rounds
from runtime.door import Door
from schemas import names
from schemas.commands import (
    CancelCycle,
    CloseIntakeEarly,
    Command,
    Endorse,
    ExtendIntake,
    PauseCycle,
    Reject,
    ResumeCycle,
    RuleOnObjection,
)
from schemas.errors import Refused
from schemas.ledger import Actor, Receipt
from schemas.loading import load_programme
from schemas.messages import SignalOutcome
from schemas.programme import Programme
from tests.support import people
from tests.support.people import at_step, until

UNITS = """code,parent,name,rank
P,,测试省,province
A,P,测试州,prefecture
C,A,测试县,county
D,A,测试二县,county
"""
PROGRAMME = """
programme: test-harbour
edition: 7
title: {zh: 测试港口工匠}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, prefecture, province]}]
facts: {years: {type: integer, label: {zh: 年数}}}
titles: [{id: gold, label: {zh: 金}}, {id: silver, label: {zh: 银}}]
stages:
  county:
    steps:
      - {id: intake, type: intake, channels: [unit, self], period: {days: 5, unit: natural_day}}
      - {id: word, type: endorsement, period: {days: 30, unit: natural_day}}
  prefecture:
    steps:
      - {id: vote, type: public_vote, period: {days: 4, unit: natural_day}, limits: {per_day: 2, choices_max: 2}}
      - id: panel
        type: expert_review
        mode: score
        panel_size: 3
        quorum: "2/3"
        scale: {minimum: 0, maximum: 100, step: 1}
        period: {days: 30, unit: natural_day}
      - id: choice
        type: selection
        seats: 3
        weights: [{component: public, share: "40%"}, {component: expert, share: "60%"}]
        ties: [expert]
        reserve: 1
      - {id: notice, type: publicity, period: {days: 6, unit: work_day}}
  province:
    steps:
      - {id: sealed, type: decision, body: leading_group, period: {days: 30, unit: work_day}}
      - id: honour
        type: conferral
        body: leading_group
        grades: [{title: gold, also: true}, {title: silver}]
        period: {days: 30, unit: work_day}
"""
OPERATORS = (Actor(id="op-1", role="operator"), Actor(id="op-2", role="operator"))
HANDLERS = (Actor(id="h-1", role="handler"), Actor(id="h-2", role="handler"))


@pytest.fixture
def programme_file(tmp_path: Path) -> Path:
    (tmp_path / "units.csv").write_text(UNITS, "utf-8")
    file = tmp_path / "7.yaml"
    file.write_text(PROGRAMME, "utf-8")
    return file


async def _round(door: Door, stream: str) -> rounds.State:
    return (await door.decider.rounds.get(stream)).state


async def _refused(attempt: Awaitable[object]) -> str:
    with pytest.raises(Refused) as refusal:
        await attempt
    return refusal.value.code


async def test_an_unseen_programme_runs_to_its_conferral_whatever_people_do(
    door: Door, programme_file: Path
) -> None:
    programme = load_programme(programme_file)
    cycle = names.cycle_id(programme.programme, programme.edition)
    county = names.round_stream(cycle, "territorial", "C")
    prefecture = names.round_stream(cycle, "territorial", "A")
    first = await _start(door, programme, programme_file)
    assert (await _start(door, programme, programme_file)).repeated
    assert first.events[0].type == "CycleOpened"

    nominations = [await people.nominate(door, cycle, programme, "C", n) for n in range(5)]
    await _time_stands_still_while_paused(door, cycle, programme)
    await _an_extension_takes_two_people(door, cycle)
    await _and_so_does_an_early_end(door, cycle)

    await _an_approval_may_come_too_early_and_again_in_time(door, county, nominations[0])
    await until(lambda: at_step(door, county, "word"))
    await _endorse_all(door, county, nominations)

    await until(lambda: at_step(door, prefecture, "vote"))
    await _vote(door, cycle, prefecture, nominations)

    await people.act_until(door, cycle, programme, lambda: at_step(door, prefecture, "notice"))
    await _an_upheld_objection_brings_the_reserve(door, cycle, prefecture)
    await people.act_until(door, cycle, programme, lambda: people.completed(door, cycle))
    await _titles_are_gap_free(door, cycle)
    late = Reject(round=county, reason="too late")
    officer = Actor(id="of-C", role="officer", unit="C")
    code = await _refused(door.send(names.nomination_stream(cycle, nominations[0]), late, officer))
    assert code in ("NOMINATION_OVER", "STAGE_CLOSED")


async def _start(door: Door, programme: Programme, file: Path, label: str = "") -> Receipt:
    return await door.start_cycle(
        file,
        label=label,
        operators=("op-1", "op-2"),
        grants=people.grants(programme, "P", ("C", "D", "A")),
        invited=("C", "D"),
        pace=people.fast(days_a_second=1),
    )


async def _time_stands_still_while_paused(door: Door, cycle: str, programme: Programme) -> None:
    stream = names.cycle_stream(cycle)
    before = (await door.decider.cycles.get(stream)).state.intakes["county"].window.closes_at
    await door.send(stream, PauseCycle(reason="flood"), OPERATORS[0])
    assert await _refused(people.nominate(door, cycle, programme, "C", 99)) == "CYCLE_PAUSED"
    await asyncio.sleep(2)
    await door.send(stream, ResumeCycle(), OPERATORS[0])
    after = (await door.decider.cycles.get(stream)).state.intakes["county"].window.closes_at
    assert after - before >= timedelta(days=2)


async def _an_extension_takes_two_people(door: Door, cycle: str) -> None:
    stream = names.cycle_stream(cycle)
    was = (await door.decider.cycles.get(stream)).state.intakes["county"].window.closes_at
    extension = ExtendIntake(rank="county", closes_at=was + timedelta(days=1), reason="mail is late")
    assert (await door.send(stream, extension, OPERATORS[0])).events[0].type == "ActProposed"
    assert await _refused(door.send(stream, extension, OPERATORS[0])) == "SECOND_PERSON_REQUIRED"
    assert (await door.send(stream, extension, OPERATORS[1])).events[-1].type == "IntakeExtended"


async def _and_so_does_an_early_end(door: Door, cycle: str) -> None:
    stream = names.cycle_stream(cycle)
    was = (await door.decider.cycles.get(stream)).state.intakes["county"].window.closes_at
    early = CloseIntakeEarly(rank="county", closes_at=was - timedelta(hours=12), reason="all are in")
    assert (await door.send(stream, early, OPERATORS[0])).events[0].type == "ActProposed"
    assert (await door.send(stream, early, OPERATORS[1])).events[-1].type == "IntakeShortened"


async def _an_approval_may_come_too_early_and_again_in_time(door: Door, county: str, nomination: str) -> None:
    """The same words, and so the same key, as `_endorse_all` uses afterwards: a refusal is not for ever."""
    officer = Actor(id="of-C", role="officer", unit="C")
    stream = names.nomination_stream(names.cycle_of(county), nomination)
    assert await _refused(door.send(stream, Endorse(round=county), officer)) == "STAGE_MISMATCH"


async def _endorse_all(door: Door, county: str, nominations: list[str]) -> None:
    cycle = names.cycle_of(county)
    streams = [names.nomination_stream(cycle, id) for id in nominations]
    stranger = Actor(id="of-D", role="officer", unit="D")
    officer = Actor(id="of-C", role="officer", unit="C")
    endorse = Endorse(round=county)
    assert await _refused(door.send(streams[0], endorse, stranger)) == "NOT_AUTHORISED"
    once, twice = [await door.send(streams[0], endorse, officer) for _ in range(2)]
    assert (once.head, once.repeated, twice.repeated) == (twice.head, False, True)
    again = await door.send(streams[0], endorse, officer, key="another-key")
    assert (again.head, again.repeated) == (once.head, True)
    await _by_signal(door, streams[1], endorse, officer)
    for stream in streams[2:]:
        await door.send(stream, endorse, officer)
    programme = await door.decider.programme((await door.decider.cycles.get(names.cycle_stream(cycle))).rules)
    await people.act(door, programme, await _round(door, county))


async def _by_signal(door: Door, stream: str, endorse: Endorse, officer: Actor) -> None:
    assert door.client is not None
    command = Command(
        id="by-signal",
        stream=stream,
        actor=officer,
        received_at=await door.now(names.cycle_of(stream)),
        body=endorse,
    )
    handle = door.client.get_workflow_handle(stream)
    await handle.signal(names.COMMAND_SIGNAL, command)

    async def answered() -> bool:
        return await handle.query("outcome_of", "by-signal", result_type=SignalOutcome) is not None

    await until(answered)
    outcome = await handle.query("outcome_of", "by-signal", result_type=SignalOutcome)
    assert outcome.receipt is not None
    assert outcome.receipt.events[0].type == "NominationEndorsed"


async def _vote(door: Door, cycle: str, prefecture: str, nominations: list[str]) -> None:
    ballot = names.step_gate(prefecture, "vote")
    for voter in range(6):
        choices = (nominations[0], nominations[1 + voter % 4])
        await door.cast_vote(cycle, ballot, f"voter-{voter}", choices, f"paper-{voter}")
    first = await door.cast_vote(cycle, ballot, "voter-0", (nominations[0], nominations[1]), "paper-0")
    assert first.repeated
    stranger = door.cast_vote(cycle, ballot, "voter-9", ("nobody",), "paper-9")
    assert await _refused(stranger) == "NOT_A_CANDIDATE"

    async def sealed() -> bool:
        return "public" in (await _round(door, prefecture)).components

    await until(sealed)
    late = door.cast_vote(cycle, ballot, "voter-7", (nominations[0],), "paper-7")
    assert await _refused(late) == "BALLOT_CLOSED"
    tally = next(event for event in await door.store.load(prefecture) if event.type == "TallySealed")
    recount = await door.ballots.recount(ballot)
    assert (tally.data["papers"], tally.data["root"]) == (6, recount.root)


async def _an_upheld_objection_brings_the_reserve(door: Door, cycle: str, prefecture: str) -> None:
    state = await _round(door, prefecture)
    target, substitute = next(iter(state.members)), next(iter(state.standby))
    citizen = Actor(id="citizen-1", role="public")
    objection, _ = await door.object_to(
        cycle, target, "TEST-OBJECTOR", {"name": "测试·乙"}, "deeds are not true", citizen
    )
    stream = names.nomination_stream(cycle, target)
    ruling = RuleOnObjection(objection=objection, outcome="upheld", reason="checked")
    await door.send(stream, ruling, HANDLERS[0])
    await door.send(stream, ruling, HANDLERS[1])

    async def substituted() -> bool:
        return substitute in (await _round(door, prefecture)).members

    await until(substituted)
    lists = [event for event in await door.store.load(prefecture) if event.type == "ListPublished"]
    assert lists[1].data["nominations"] == [substitute]
    assert lists[1].data["window"]["closes_at"] >= lists[0].data["window"]["closes_at"]


async def _titles_are_gap_free(door: Door, cycle: str) -> None:
    summit = names.round_stream(cycle, names.ROOT_ROUTE, "P")
    conferred = next(event for event in await door.store.load(summit) if event.type == "TitlesConferred")
    numbers = [one["certificate"][-4:] for one in conferred.data["conferred"]]
    assert numbers == ["0001", "0002", "0003", "0004", "0005", "0006"]
    assert [one["title"] for one in conferred.data["conferred"]] == ["gold"] * 3 + ["silver"] * 3


async def test_a_cancelled_cycle_ends_its_rounds_and_tells_their_members(
    door: Door, programme_file: Path
) -> None:
    programme = load_programme(programme_file)
    cycle = names.cycle_id(programme.programme, programme.edition, "cancelled")
    county = names.round_stream(cycle, "territorial", "C")
    await _start(door, programme, programme_file, label="cancelled")
    nomination = await people.nominate(door, cycle, programme, "C", 1)
    await until(lambda: at_step(door, county, "word"))
    for operator in OPERATORS:
        await door.send(names.cycle_stream(cycle), CancelCycle(reason="flood"), operator)

    async def told() -> bool:
        state = (await door.decider.nominations.get(names.nomination_stream(cycle, nomination))).state
        return state.status == "eliminated"

    await until(told)
    assert (await _round(door, county)).lapsed
    assert door.client is not None
    view = await door.client.get_workflow_handle(names.cycle_stream(cycle)).result()
    assert view["status"] == "cancelled"
