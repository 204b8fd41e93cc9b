"""A cycle that two people cancel while its intake is open: everybody in it is told, and whoever comes later hears why not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest

from cli import app
from cli.output import OK
from domain.nomination import Status
from runtime.door import Door
from schemas import names
from schemas.commands import CancelCycle, Endorse, PauseRound, Withdraw
from schemas.errors import Refused
from schemas.ledger import Actor
from schemas.messages import NominationView
from schemas.programme import Programme
from tests.support import people
from tests.support.people import OPERATORS

UNITS = """code,parent,name,rank
P,,测试省,province
C,P,测试县,county
D,P,测试二县,county
"""
PROGRAMME = """
programme: test-quay
edition: 1
title: {zh: 测试码头工匠}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, province]}]
titles: [{id: gold, label: {zh: 金}}]
stages:
  county:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 60, unit: natural_day}, quota: 2}
      - {id: word, type: endorsement, period: {days: 30, unit: natural_day}}
  province:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 60, unit: natural_day}}
      - {id: honour, type: conferral, body: council, grades: [{title: gold}], period: {days: 30, unit: natural_day}}
"""
OFFICER = Actor(id="of-C", role="officer", unit="C")


@pytest.fixture
def programme_file(tmp_path: Path) -> Path:
    return people.written(tmp_path, UNITS, PROGRAMME)


async def _begin(door: Door, file: Path, label: str) -> tuple[Programme, str, list[str]]:
    """Open, with two of a county that has no place left, one of another, and one of the province itself."""
    programme, cycle = await people.open_cycle(door, file, ("C", "D", "P"), label)
    put_forward = (("C", 0), ("C", 1), ("D", 0), ("P", 0))
    nominations = [await people.nominate(door, cycle, programme, unit, n) for unit, n in put_forward]
    return programme, cycle, nominations


async def _cancel(door: Door, cycle: str) -> None:
    for operator in OPERATORS:
        await door.send(names.cycle_stream(cycle), CancelCycle(reason="flood"), operator)


async def _refused(attempt: Awaitable[object]) -> tuple[str, str]:
    with pytest.raises(Refused) as refusal:
        await attempt
    return refusal.value.code, str(refusal.value.facts.get("status"))


async def test_all_who_were_put_forward_are_told_though_no_round_had_begun(
    door: Door, programme_file: Path
) -> None:
    _, cycle, put_forward = await _begin(door, programme_file, "told")
    first = names.nomination_stream(cycle, put_forward[0])
    await door.send(first, Withdraw(reason="prefers not to"), OFFICER)
    await _cancel(door, cycle)

    states = await people.until_over(door, cycle, put_forward, seconds=20)
    assert states[0].status == Status.WITHDRAWN
    told = [(one.status, one.reason) for one in states[1:]]
    assert told == [(Status.ELIMINATED, "ROUND_LAPSED")] * 3
    assert door.client is not None
    async with asyncio.timeout(20):
        for id in put_forward:
            stream = names.nomination_stream(cycle, id)
            view = await door.client.get_workflow_handle(stream, result_type=NominationView).result()
            assert view.over or stream == first
        ended = await door.client.get_workflow_handle(names.cycle_stream(cycle)).result()
    assert ended["status"] == "cancelled"
    await _the_record_is_whole(door, cycle)


async def _the_record_is_whole(door: Door, cycle: str) -> None:
    """The decisions can be taken again, the histories agree with the log, and what shows the cycle shows it."""
    for stream in await door.store.streams(f"round/{cycle}/"):
        await door.store.wait_sequenced(stream, 1, timeout_seconds=60)
    replayed = await app.run(["audit", "replay", cycle], door.settings)
    assert (replayed.exit_code, replayed.json["retaken"]["untimely"]) == (OK, 0)
    compared = await app.run(["audit", "compare", "--cycle", cycle], door.settings)
    assert (compared.exit_code, compared.json["findings"]) == (OK, [])
    page = str(door.settings.data_dir / "timeline.html")
    shown = (
        ["cycle", "status", cycle],
        ["cycle", "result", cycle],
        ["audit", "timeline", cycle, "--html", page],
    )
    for words in shown:
        assert (await app.run(words, door.settings)).exit_code == OK


async def test_who_comes_after_is_told_that_the_cycle_is_cancelled(door: Door, programme_file: Path) -> None:
    programme, cycle, put_forward = await _begin(door, programme_file, "later")
    await _cancel(door, cycle)
    county = names.round_stream(cycle, "territorial", "C")
    first = names.nomination_stream(cycle, put_forward[0])
    cancelled = ("CYCLE_NOT_OPEN", "cancelled")
    for _ in range(2):  # before and after it has heard itself
        assert await _refused(door.send(first, Withdraw(reason="r"), OFFICER)) == cancelled
        assert await _refused(door.send(first, Endorse(round=county), OFFICER)) == cancelled
        assert await _refused(people.nominate(door, cycle, programme, "C", 7)) == cancelled
        assert await _refused(people.nominate(door, cycle, programme, "D", 7)) == cancelled
        assert await _refused(door.send(county, PauseRound(reason="r"), OPERATORS[0])) == cancelled
        await people.until_over(door, cycle, put_forward, seconds=20)
    stranger = Actor(id="stranger", role="officer", unit="C")
    assert (await _refused(door.send(first, Withdraw(reason="r"), stranger)))[0] == "NOT_AUTHORISED"
