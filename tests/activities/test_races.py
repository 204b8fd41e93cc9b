"""Two hundred times each: a person's command against the round's, on a real store; whoever is first, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest_asyncio

from activities.deciding import Decider
from runtime.door import system_clock
from schemas import names
from schemas.canonical import canonical_bytes
from schemas.commands import (
    ENGINE,
    AmendRecommendation,
    Body,
    CloseIntake,
    CloseStep,
    Command,
    Endorse,
    FileObjection,
    FreezePool,
    GiveGrants,
    OpenCycle,
    OpenRound,
    OpenStep,
    ReportRound,
    SubmitNomination,
    Withdraw,
)
from schemas.errors import Refused
from schemas.events import GrantTerms
from schemas.ledger import Actor, Receipt
from schemas.loading import open_programme
from schemas.programme import Channel
from schemas.values import Pace
from store.postgres import PostgresEventStore
from tests.support import people
from tests.support.databases import Database

ROUNDS = 200
CYCLE = "race.1"
OFFICER = Actor(id="officer", role="officer")
PROGRAMME = """
programme: race
edition: 1
title: {zh: 竞速}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, province]}]
titles: [{id: t, label: {zh: 称号}}]
stages:
  county:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 5, unit: natural_day}}
      - {id: word, type: endorsement, ranked: true, period: {days: 5, unit: natural_day}}
      - {id: choice, type: selection, seats: 1, weights: [{component: recommendation, share: "100%"}], reserve: 1}
      - {id: notice, type: publicity, period: {days: 5, unit: natural_day}}
  province:
    steps:
      - {id: honour, type: conferral, body: b, grades: [{title: t}], period: {days: 5, unit: natural_day}}
"""


class Race:
    """A cycle driven without Temporal: every command goes straight to the decider, at a given time."""

    def __init__(self, decider: Decider) -> None:
        self.decider = decider
        self.now = people.SPRING
        self._ids = count()

    async def do(self, stream: str, body: Body, actor: Actor = ENGINE, at: datetime | None = None) -> Receipt:
        command = Command(
            id=f"c-{next(self._ids)}", stream=stream, actor=actor, received_at=at or self.now, body=body
        )
        return await self.decider.execute(command)

    async def try_to(self, stream: str, body: Body, actor: Actor, at: datetime | None = None) -> str:
        """The code of the refusal, or an empty text."""
        try:
            await self.do(stream, body, actor, at)
        except Refused as refusal:
            return refusal.code
        return ""

    async def round(self, n: int):
        return (await self.decider.rounds.get(round_of(n))).state


def round_of(n: int) -> str:
    return names.round_stream(CYCLE, "territorial", f"C{n}")


def nomination_of(n: int, which: str) -> str:
    return names.nomination_stream(CYCLE, f"{which}{n}")


@pytest_asyncio.fixture(loop_scope="session")
async def race(database: Database, tmp_path: Path) -> AsyncIterator[Race]:
    counties = "".join(f"C{n},P,测试县{n},county\n" for n in range(ROUNDS))
    (tmp_path / "units.csv").write_text(f"code,parent,name,rank\nP,,测试省,province\n{counties}", "utf-8")
    (tmp_path / "1.yaml").write_text(PROGRAMME, "utf-8")
    async with _opened(tmp_path / "1.yaml", database) as race:
        yield race


@asynccontextmanager
async def _opened(programme: Path, database: Database) -> AsyncIterator[Race]:
    """Two nominations a county, endorsed in order."""
    opened = open_programme(programme)
    async with PostgresEventStore(database.dsns.app) as store:
        race = Race(Decider(store, system_clock))
        rules = await store.put_document("programme", canonical_bytes(opened.programme))
        units = await store.put_document("units", canonical_bytes(opened.units))
        pace = Pace(real_epoch=people.SPRING, cycle_epoch=people.SPRING)
        await race.do(names.cycle_stream(CYCLE), OpenCycle(cycle=CYCLE, rules=rules, units=units, pace=pace))
        grant = GrantTerms(id="g", person="officer", role="officer", unit="P")
        await race.do(names.authority_stream(CYCLE), GiveGrants(grants=(grant,)))
        await asyncio.gather(*(_submit(race, n, which) for n in range(ROUNDS) for which in "ab"))
        race.now += timedelta(days=10)
        await race.do(names.cycle_stream(CYCLE), CloseIntake())
        await asyncio.gather(*(_endorsed(race, n) for n in range(ROUNDS)))
        yield race


async def _submit(race: Race, n: int, which: str) -> None:
    body = SubmitNomination(
        nomination=f"{which}{n}",
        cycle=CYCLE,
        unit=f"C{n}",
        route="territorial",
        channel=Channel.UNIT,
        subject=f"s-{which}{n}",
        entry="e",
        commitment="0" * 64,
    )
    await race.do(nomination_of(n, which), body, OFFICER)


async def _endorsed(race: Race, n: int) -> None:
    await race.do(round_of(n), OpenRound())
    await race.do(round_of(n), FreezePool())
    await race.do(round_of(n), OpenStep(step="intake"))
    await race.do(round_of(n), OpenStep(step="word"))
    for rank, which in enumerate("ab", 1):
        await race.do(nomination_of(n, which), Endorse(round=round_of(n), recommendation_rank=rank), OFFICER)
    await race.do(round_of(n), CloseStep(step="word"), at=race.now + timedelta(days=6))


async def test_a_withdrawal_against_the_selection_is_never_lost(race: Race) -> None:
    first = {"withdrawal": 0, "selection": 0}
    for n in range(ROUNDS):
        withdraw = race.do(nomination_of(n, "a"), Withdraw(reason="ill"), OFFICER)
        select = race.do(round_of(n), OpenStep(step="choice"))
        await asyncio.gather(*((withdraw, select) if n % 2 else (select, withdraw)))
        state = await race.round(n)
        chosen = list(state.members)
        first["withdrawal" if chosen == [f"b{n}"] else "selection"] += 1
        await race.do(round_of(n), OpenStep(step="notice"))
        state = await race.round(n)
        assert list(state.members) == [f"b{n}"]
        assert f"a{n}" in state.out
    assert sum(first.values()) == ROUNDS
    assert min(first.values()) > 0, first


async def test_an_objection_against_the_close_is_filed_or_kept_as_late_never_lost(race: Race) -> None:
    filed = 0
    for n in range(ROUNDS):
        await race.do(round_of(n), OpenStep(step="choice"))
        await race.do(round_of(n), OpenStep(step="notice"))
        window = (await race.round(n)).published[f"a{n}"].window
        objection = FileObjection(
            objection=f"o{n}", round=round_of(n), entry="e", commitment="0" * 64, ground="untrue"
        )
        citizen = Actor(id="citizen", role="public")
        last = window.closes_at - timedelta(microseconds=1)
        against = race.try_to(nomination_of(n, "a"), objection, citizen, at=last)
        close = race.do(round_of(n), CloseStep(step="notice"), at=window.closes_at)
        if n % 2:
            code, _ = await asyncio.gather(against, close)
        else:
            _, code = await asyncio.gather(close, against)
        state = await race.round(n)
        assert code == ""
        told = await race.decider.store.load(nomination_of(n, "a"))
        in_time = told[-1].type == "ObjectionFiled"
        assert in_time or told[-1].type == "ObjectionRefused"
        assert state.steps["notice"].closed_at is not None
        assert state.held == ({f"a{n}": {f"o{n}"}} if in_time else {})
        filed += in_time
    assert 0 < filed < ROUNDS


SUBSTITUTION = """
programme: race
edition: 1
title: {zh: 竞速}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, prefecture, province]}]
titles: [{id: t, label: {zh: 称号}}]
stages:
  county:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 5, unit: natural_day}}
      - {id: word, type: endorsement, ranked: true, period: {days: 5, unit: natural_day}}
      - {id: choice, type: selection, seats: 1, weights: [{component: recommendation, share: "100%"}], reserve: 1}
      - {id: notice, type: publicity, period: {days: 5, unit: natural_day}}
  prefecture:
    steps:
      - {id: word, type: endorsement, period: {days: 5, unit: natural_day}}
  province:
    steps:
      - {id: honour, type: conferral, body: b, grades: [{title: t}], period: {days: 5, unit: natural_day}}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def family(database: Database, tmp_path: Path) -> AsyncIterator[Race]:
    """Each county has a prefecture of its own that waits for its list."""
    units = "".join(f"A{n},P,测试州{n},prefecture\nC{n},A{n},测试县{n},county\n" for n in range(ROUNDS))
    (tmp_path / "units.csv").write_text(f"code,parent,name,rank\nP,,测试省,province\n{units}", "utf-8")
    (tmp_path / "1.yaml").write_text(SUBSTITUTION, "utf-8")
    async with _opened(tmp_path / "1.yaml", database) as race:
        await asyncio.gather(*(race.do(parent_of(n), OpenRound()) for n in range(ROUNDS)))
        yield race


def parent_of(n: int) -> str:
    return names.round_stream(CYCLE, "territorial", f"A{n}")


async def _reported_and_left(race: Race, n: int) -> None:
    """The county reported the first; it left, and the second's own publicity period is just over."""
    start = race.now
    await race.do(round_of(n), OpenStep(step="choice"), at=start)
    await race.do(round_of(n), OpenStep(step="notice"), at=start)
    ends = (await race.round(n)).published[f"a{n}"].window.closes_at
    await race.do(round_of(n), CloseStep(step="notice"), at=ends)
    await race.do(round_of(n), ReportRound(), at=ends)
    await race.do(nomination_of(n, "a"), Withdraw(reason="ill"), OFFICER, at=ends)


async def test_a_substitution_against_the_cut_off_fills_the_seat_once_or_not_at_all(family: Race) -> None:
    """Who is second sees the first: nobody is in the parent's pool and lapsed, and no seat is filled twice."""
    joined = {True: 0, False: 0}
    for n in range(ROUNDS):
        await _reported_and_left(family, n)
        amend = AmendRecommendation()
        ends = family.now + timedelta(days=10)
        await family.do(round_of(n), amend, at=ends)
        own = (await family.round(n)).published[f"b{n}"].window.closes_at
        both = [
            family.do(round_of(n), amend, at=own),
            family.do(parent_of(n), FreezePool(), at=own),
            family.do(round_of(n), amend, at=own),
        ]
        await asyncio.gather(*(both if n % 2 else reversed(both)))
        child, parent = (
            await family.round(n),
            (await family.decider.rounds.get(parent_of(n))).state,
        )
        assert child.reported is not None
        told = {
            post.payload["body"]["outcome"]
            for sender in (round_of(n), parent_of(n))
            for post in await family.decider.store.undelivered(sender=sender)
            if post.workflow == nomination_of(n, "b") and post.name == names.OUTCOME_SIGNAL
        }
        inside = list(parent.members) == [f"b{n}"]
        assert inside or not parent.members
        assert (f"b{n}" in child.reported.recommended) is inside
        assert told == ({"advanced"} if inside else {"eliminated"})
        joined[inside] += 1
    assert min(joined.values()) > 0, joined
