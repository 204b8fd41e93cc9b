"""Titles on real servers: paid once, revoked by two, recovered, and remembered by the next edition."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.app import run
from domain.title import Status
from runtime.door import Door, NominationForm, system_clock
from runtime.settings import Settings
from schemas import names
from schemas.commands import (
    DecideRevocation,
    HearHolder,
    PayReward,
    ProposeRevocation,
    RecordHonour,
    RecoverRewards,
)
from schemas.errors import Refused
from schemas.events import EligibilityChecked, read
from schemas.ledger import Actor, Receipt
from schemas.loading import load_programme
from schemas.programme import Channel
from schemas.values import Pace
from tests.support import people

UNITS = "code,parent,name,rank\nP,,测试省,province\n"
FIRST = """
programme: test-pilots
edition: 1
title: {zh: 测试领航员}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [province]}]
facts: {years: {type: integer, label: {zh: 年数}}}
titles:
  - {id: pilot, label: {zh: 领航员}, bar_years: 3}
  - {id: gold, label: {zh: 金牌}, requires: {title: pilot, mode: strict}, bar_years: 3}
rewards: [{title: pilot, type: cash, amount_fen: 2000000, label: {zh: 奖金}}]
stages:
  province:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 4, unit: natural_day}}
      - {id: honour, type: conferral, body: office, grades: [{title: pilot}], period: {days: 90, unit: natural_day}}
"""
SECOND = """
extends: test-pilots@1
edition: 2
rewards: ~
stages:
  province:
    steps:
      - id: check
        type: eligibility
        predicates:
          - id: proven
            any_of:
              - {id: twice, history: {kind: count, titles: [pilot], number: 2}}
              - {id: both, all_of: [{id: once, history: {kind: holds, titles: [pilot], active: true}},
                                    {id: placed, history: {kind: best_rank, titles: [contest], number: 3}}]}
        correction: {days: 2, unit: natural_day}
      - {id: honour, grades: [{title: gold}]}
"""
OPERATOR, OPERATOR_2 = Actor(id="op-1", role="operator"), Actor(id="op-2", role="operator")
HANDLER, OFFICER = Actor(id="h-1", role="handler"), Actor(id="of-P", role="officer", unit="P")
OFFICE = tuple(Actor(id=person, role="body:office") for person in people.BODIES)
PAPER = "ab" * 32


async def _nominate(door: Door, cycle: str, who: str) -> str:
    form = NominationForm(
        cycle=cycle,
        unit="P",
        route="territorial",
        channel=Channel.UNIT,
        identity=who,
        fields={"name": "测试·甲"},
    )
    return (await door.nominate(form, OFFICER, key=f"{cycle}-{who}"))[0]


async def _open(door: Door, folder: Path, edition: int, days_on: int) -> str:
    """A rehearsal whose time begins so many days on."""
    file = folder / f"{edition}.yaml"
    programme = load_programme(file)
    pace = Pace(real_epoch=system_clock(), cycle_epoch=people.SPRING + timedelta(days=days_on), speed=86_400)
    operators, grants = (OPERATOR.id, OPERATOR_2.id), people.grants(programme, "P", ("P",))
    await door.start_cycle(file, operators=operators, grants=grants, pace=pace)
    return names.cycle_id(programme.programme, edition)


async def _conferred(door: Door, folder: Path, cycle: str, edition: int, streams: list[str]) -> None:
    """Everybody acts until the cycle is complete and the titles' streams have begun."""

    async def done() -> bool:
        states = [(await door.decider.titles.get(stream)).state for stream in streams]
        return await people.completed(door, cycle) and all(state.conferred for state in states)

    await people.act_until(door, cycle, load_programme(folder / f"{edition}.yaml"), done)


async def _revoke(door: Door, stream: str) -> Receipt:
    proposed = ProposeRevocation(ground="fraud", document=PAPER, reason="测试")
    await door.send(stream, proposed, HANDLER)
    await door.send(stream, HearHolder(attended=True, reason="测试"), HANDLER)
    decided = DecideRevocation(outcome="revoked", reason="测试")
    await door.send(stream, decided, OFFICE[0])
    with pytest.raises(Refused, match="SECOND_PERSON_REQUIRED"):
        await door.send(stream, decided, OFFICE[0])
    return await door.send(stream, decided, OFFICE[1])


async def _types(door: Door, stream: str) -> list[str]:
    return [event.type for event in await door.store.load(stream)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "test-pilots"
    home.mkdir()
    for name, text in {"units.csv": UNITS, "1.yaml": FIRST, "2.yaml": SECOND}.items():
        (home / name).write_text(text, "utf-8")
    return home


async def test_a_title_is_paid_once_revoked_by_two_recovered_and_bars_the_next_edition_dr_33_to_dr_36(
    door: Door, folder: Path, engine_settings: Settings
) -> None:
    first = await _open(door, folder, 1, 0)
    nominations = {who: await _nominate(door, first, who) for who in ("TEST-1", "TEST-2", "TEST-3")}
    title = {who: names.title_stream(first, id, "pilot") for who, id in nominations.items()}
    await _conferred(door, folder, first, 1, list(title.values()))

    pay = PayReward(item="cash", period="1", reference="T-1")
    clicks = await asyncio.gather(
        *(door.send(title["TEST-1"], pay, one) for one in (OPERATOR, OPERATOR, OPERATOR_2))
    )
    assert len({click.head.hash for click in clicks}) == 1
    assert await _types(door, title["TEST-1"]) == ["TitleConferred", "RewardPaid"]

    await _revoke(door, title["TEST-1"])
    for one in (OPERATOR, OPERATOR_2):
        await door.send(title["TEST-1"], RecoverRewards(reference="R-1"), one)
    entries = [event.data.get("amount_fen", 0) for event in await door.store.load(title["TEST-1"])]
    assert sorted(filter(None, entries)) == [-2_000_000, 2_000_000]

    listed = await run(["title", "list", first, "--json"], engine_settings, door)
    status = {one["stream"]: one["status"] for one in listed.json["titles"]}
    assert status == {title["TEST-1"]: "revoked", title["TEST-2"]: "active", title["TEST-3"]: "active"}
    owed = await run(["reward", "due", first, "--json"], engine_settings, door)
    assert {one["title"] for one in owed.json["due"]} == {title["TEST-2"], title["TEST-3"]}

    await _the_next_edition_remembers(door, folder, title)


async def _the_next_edition_remembers(door: Door, folder: Path, title: dict[str, str]) -> None:
    second = await _open(door, folder, 2, 150)
    with pytest.raises(Refused, match="BARRED"):
        await _nominate(door, second, "TEST-1")
    proven, unproven = [await _nominate(door, second, who) for who in ("TEST-2", "TEST-3")]
    honour: dict[str, Any] = {"title": "contest", "conferred_on": "2025-10-01", "place": 2, "document": PAPER}
    record = RecordHonour.model_validate(honour | {"source": "测试·公报"})
    receipts = [await door.record_honour(second, proven, record, HANDLER) for _ in range(2)]
    assert [receipt.repeated for receipt in receipts] == [False, True]
    gold = names.title_stream(second, proven, "gold")
    await _conferred(door, folder, second, 2, [gold])

    [checked] = [
        event
        for recorded in await door.store.load(names.round_stream(second, "all", "P"))
        if isinstance(event := read(recorded), EligibilityChecked)
    ]
    results = {one.nomination: one for one in checked.results}
    assert {one.stream for one in results[proven].held} == {title["TEST-2"], receipts[0].stream}
    assert results[unproven].failed == ("proven",)
    assert (await door.decider.titles.get(gold)).state.status == Status.ACTIVE
