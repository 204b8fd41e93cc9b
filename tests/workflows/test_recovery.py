"""One of the two stores is lost in the middle of a cycle: the other brings it back, and the cycle ends the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.service import RPCError

from cli.app import run
from runtime.door import Door
from schemas import names
from schemas.commands import CancelCycle, CancelRound, Endorse, PauseCycle, ResumeCycle
from schemas.ledger import Actor, RecordedEvent
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
programme: test-flood
edition: 1
title: {zh: 测试汛期工匠}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, prefecture, province]}]
facts: {years: {type: integer, label: {zh: 年数}}}
titles: [{id: gold, label: {zh: 金}}, {id: silver, label: {zh: 银}}]
stages:
  county:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 40, unit: natural_day}}
      - {id: word, type: endorsement, period: {days: 60, unit: natural_day}}
  prefecture:
    steps:
      - {id: vote, type: public_vote, period: {days: 10, unit: natural_day}, limits: {per_day: 2, choices_max: 2}}
      - id: choice
        type: selection
        seats: 3
        weights: [{component: public, share: "100%"}]
        reserve: 1
      - {id: notice, type: publicity, period: {days: 5, unit: work_day}}
  province:
    steps:
      - id: honour
        type: conferral
        body: leading_group
        grades: [{title: gold, also: true}, {title: silver}]
        period: {days: 60, unit: work_day}
"""
OPERATORS = (Actor(id="op-1", role="operator"), Actor(id="op-2", role="operator"))
OFFICER = Actor(id="of-C", role="officer", unit="C")


@pytest.fixture
def programme_file(tmp_path: Path) -> Path:
    return people.written(tmp_path, UNITS, PROGRAMME)


async def begin(door: Door, file: Path, label: str) -> tuple[Programme, str, list[str]]:
    programme, cycle = await people.open_cycle(door, file, ("C", "D", "A"), label)
    nominations = [await people.nominate(door, cycle, programme, "C", n) for n in range(5)]
    return programme, cycle, nominations


async def vote_is_open(door: Door, programme: Programme, cycle: str) -> None:
    prefecture = names.round_stream(cycle, "territorial", "A")
    await people.act_until(door, cycle, programme, lambda: at_step(door, prefecture, "vote"))


async def act_to_the_end(door: Door, programme: Programme, cycle: str, nominations: list[str]) -> None:
    """Until the cycle is complete and every nomination has heard so."""
    await people.act_until(door, cycle, programme, lambda: people.completed(door, cycle))
    await until_heard(door, cycle, nominations)


async def until_heard(door: Door, cycle: str, nominations: list[str]) -> None:
    """Until every nomination is over and no message waits."""
    streams = [names.nomination_stream(cycle, id) for id in nominations]

    async def heard() -> bool:
        over = [(await door.decider.nominations.get(stream)).state.over for stream in streams]
        return all(over) and not await door.store.undelivered(cycle)

    await until(heard)


async def vote(door: Door, cycle: str, nominations: list[str]) -> None:
    ballot = names.step_gate(names.round_stream(cycle, "territorial", "A"), "vote")
    for n, favourite in enumerate(nominations):
        for voter in range(5 - n):
            await door.cast_vote(cycle, ballot, f"v-{n}-{voter}", (favourite,), f"p-{n}-{voter}")


async def _streams(door: Door, cycle: str) -> list[str]:
    prefixes = (f"round/{cycle}/", f"nomination/{cycle}/")
    found = [stream for prefix in prefixes for stream in await door.store.streams(prefix)]
    return [names.cycle_stream(cycle), names.authority_stream(cycle), *found]


async def _log(door: Door, cycle: str) -> dict[str, tuple[RecordedEvent, ...]]:
    return await door.store.load_many(await _streams(door, cycle))


async def lose_temporal(door: Door, cycle: str) -> None:
    """As if it had been lost: whatever runs for this cycle is gone at once."""
    assert door.client is not None
    for stream in await _streams(door, cycle):
        try:
            await door.client.get_workflow_handle(stream).terminate("lost")
        except RPCError as gone:
            assert gone.status.name == "NOT_FOUND"  # noqa: PT017 -- it had ended, or never began


def _told(log: dict[str, tuple[RecordedEvent, ...]]) -> list[tuple[str, str, str]]:
    """What happened once and can happen only once, without ids that differ from cycle to cycle."""
    return sorted(
        (stream.split("/")[0] + stream.rsplit("/", 1)[1] * stream.startswith("round"), event.type, step)
        for stream, events in log.items()
        for event in events
        for step in [str(event.data.get("step", ""))]
        if event.type != "StepHeld"
    )


async def honours(door: Door, cycle: str, nominations: list[str]) -> list[tuple[str, ...]]:
    streams = [names.nomination_stream(cycle, id) for id in nominations]
    states = [(await door.decider.nominations.get(stream)).state for stream in streams]
    return [(state.status, *state.titles) for state in states]


async def test_a_cycle_whose_workflows_are_all_lost_goes_on_from_the_log_and_ends_the_same(
    door: Door, programme_file: Path
) -> None:
    programme, spared, unharmed = await begin(door, programme_file, "spared")
    _, cycle, nominations = await begin(door, programme_file, "lost")
    for one, named in ((spared, unharmed), (cycle, nominations)):
        await people.close_intake(door, one)
        await vote_is_open(door, programme, one)
        await vote(door, one, named)
    await lose_temporal(door, cycle)
    before = await _log(door, cycle)

    outcome = await run(["recover", cycle, "--json"], door.settings, door)
    assert outcome.json["workflow"] == "restarted"
    assert (await run(["recover", cycle], door.settings, door)).json["workflow"] == "running"

    await act_to_the_end(door, programme, spared, unharmed)
    await act_to_the_end(door, programme, cycle, nominations)
    after = await _log(door, cycle)
    assert {stream: events[: len(before.get(stream, ()))] for stream, events in after.items()} == {
        stream: before.get(stream, ()) for stream in after
    }
    assert _told(after) == _told(await _log(door, spared))
    assert await honours(door, cycle, nominations) == await honours(door, spared, unharmed)
    outcome = await run(["recover", cycle], door.settings, door)
    assert (outcome.json["workflow"], outcome.json["messages"]) == ("ended", 0)


async def test_starting_a_cycle_again_whose_workflows_are_lost_begins_them_again(
    door: Door, programme_file: Path
) -> None:
    programme, cycle, _ = await begin(door, programme_file, "again")
    await lose_temporal(door, cycle)
    await begin(door, programme_file, "again")
    await people.close_intake(door, cycle)
    county = names.round_stream(cycle, "territorial", "C")
    await until(lambda: at_step(door, county, "word"))
    assert [event.type for event in (await _log(door, cycle))[names.cycle_stream(cycle)]] == [
        "CycleOpened",
        "ActProposed",
        "ActSeconded",
        "IntakeShortened",
        "IntakeClosed",
    ]
    assert programme.edition == 1


async def test_a_command_to_a_cycle_whose_workflows_are_lost_is_recorded_and_begins_them_again(
    door: Door, programme_file: Path
) -> None:
    _, cycle, _ = await begin(door, programme_file, "knock")
    stream = names.cycle_stream(cycle)
    await lose_temporal(door, cycle)
    receipt = await door.send(stream, PauseCycle(reason="flood"), OPERATORS[0])
    assert [event.type for event in receipt.events] == ["CyclePaused"]
    await door.send(stream, ResumeCycle(), OPERATORS[0])
    await people.close_intake(door, cycle)
    await until(lambda: at_step(door, names.round_stream(cycle, "territorial", "C"), "word"))


async def test_a_round_that_alone_was_terminated_is_begun_again_by_its_parent(
    door: Door, programme_file: Path
) -> None:
    programme, cycle, nominations = await begin(door, programme_file, "one")
    await people.close_intake(door, cycle)
    county = names.round_stream(cycle, "territorial", "C")
    await until(lambda: at_step(door, county, "word"))
    assert door.client is not None
    await door.client.get_workflow_handle(county).terminate("by mistake")
    for nomination in nominations:
        await door.send(names.nomination_stream(cycle, nomination), Endorse(round=county), OFFICER)
    await vote_is_open(door, programme, cycle)
    state = (await door.decider.rounds.get(names.round_stream(cycle, "territorial", "A"))).state
    assert sorted(state.members) == sorted(nominations)


async def cancel_in_the_log(door: Door, cycle: str) -> None:
    """By two people, while no workflow runs that could be told."""
    for n, operator in enumerate(OPERATORS):
        command = await door.command(
            names.cycle_stream(cycle), CancelCycle(reason="flood"), operator, f"c{n}"
        )
        await door.decider.execute(command)


async def test_the_rounds_of_a_cancelled_cycle_lapse_though_its_workflows_were_lost(
    door: Door, programme_file: Path
) -> None:
    _, cycle, _ = await begin(door, programme_file, "cancelled")
    await people.close_intake(door, cycle)
    county = names.round_stream(cycle, "territorial", "C")
    await until(lambda: at_step(door, county, "word"))
    await lose_temporal(door, cycle)
    await cancel_in_the_log(door, cycle)
    recovered = await door.recover(cycle)
    assert recovered.workflow == "ended"
    assert county in recovered.lapsed
    assert (await door.decider.rounds.get(county)).state.lapsed


async def test_all_in_a_cycle_cancelled_during_intake_are_told_though_its_workflows_were_lost(
    door: Door, programme_file: Path
) -> None:
    _, cycle, nominations = await begin(door, programme_file, "early")
    await lose_temporal(door, cycle)
    await cancel_in_the_log(door, cycle)
    recovered = await door.recover(cycle)
    assert recovered.lapsed == (names.round_stream(cycle, "territorial", "C"),)
    await people.until_over(door, cycle, nominations)
    assert (await door.recover(cycle)).lapsed == ()


async def test_the_rounds_below_a_cancelled_one_lapse_though_its_workflows_were_lost(
    door: Door, programme_file: Path
) -> None:
    _, cycle, nominations = await begin(door, programme_file, "lapsed")
    await people.close_intake(door, cycle)
    county = names.round_stream(cycle, "territorial", "C")
    await until(lambda: at_step(door, county, "word"))
    await lose_temporal(door, cycle)
    above = await door.decider.parent_of(county)
    for n, operator in enumerate(OPERATORS):
        await door.decider.execute(await door.command(above, CancelRound(reason="flood"), operator, f"c{n}"))
    recovered = await door.recover(cycle)
    assert county in recovered.lapsed
    assert (await door.decider.rounds.get(county)).state.lapsed
    for id in nominations:
        await until(lambda id=id: _is_out(door, names.nomination_stream(cycle, id)))  # type: ignore[misc]


async def _is_out(door: Door, nomination: str) -> bool:
    return (await door.decider.nominations.get(nomination)).state.gone
