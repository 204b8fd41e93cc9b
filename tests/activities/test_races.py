"""Two hundred times each: a person's command against the round's, on a real store; whoever is first, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from activities.deciding import Decider
from domain import round as rounds
from runtime.door import system_clock
from schemas import names
from schemas.commands import (
    AmendRecommendation,
    CloseIntake,
    CloseStep,
    Endorse,
    FileObjection,
    FreezePool,
    OpenRound,
    OpenStep,
    ReportRound,
    Withdraw,
)
from schemas.ledger import Actor
from store.postgres import PostgresEventStore
from tests.support.databases import Database
from tests.support.races import OFFICER, Race, submission

ROUNDS = 200
CYCLE = "race.1"
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


async def round_state(race: Race, n: int) -> rounds.State:
    return (await race.decider.rounds.get(round_of(n))).state


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
    async with PostgresEventStore(database.dsns.app) as store:
        race = Race(Decider(store, system_clock))
        await race.open(CYCLE, programme)
        await asyncio.gather(*(_submit(race, n, which) for n in range(ROUNDS) for which in "ab"))
        race.now += timedelta(days=10)
        await race.do(names.cycle_stream(CYCLE), CloseIntake())
        await asyncio.gather(*(_endorsed(race, n) for n in range(ROUNDS)))
        yield race


async def _submit(race: Race, n: int, which: str) -> None:
    body = submission(CYCLE, f"{which}{n}", unit=f"C{n}")
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
        state = await round_state(race, n)
        chosen = list(state.members)
        first["withdrawal" if chosen == [f"b{n}"] else "selection"] += 1
        await race.do(round_of(n), OpenStep(step="notice"))
        state = await round_state(race, n)
        assert list(state.members) == [f"b{n}"]
        assert f"a{n}" in state.out
    assert sum(first.values()) == ROUNDS
    assert min(first.values()) > 0, first


async def test_an_objection_against_the_close_is_filed_or_kept_as_late_never_lost(race: Race) -> None:
    filed = 0
    for n in range(ROUNDS):
        await race.do(round_of(n), OpenStep(step="choice"))
        await race.do(round_of(n), OpenStep(step="notice"))
        window = (await round_state(race, n)).published[f"a{n}"].window
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
        state = await round_state(race, n)
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
    ends = (await round_state(race, n)).published[f"a{n}"].window.closes_at
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
        own = (await round_state(family, n)).published[f"b{n}"].window.closes_at
        both = [
            family.do(round_of(n), amend, at=own),
            family.do(parent_of(n), FreezePool(), at=own),
            family.do(round_of(n), amend, at=own),
        ]
        await asyncio.gather(*(both if n % 2 else reversed(both)))
        child, parent = (
            await round_state(family, n),
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
