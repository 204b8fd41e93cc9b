"""A public vote between the log and the box, on a real store: opened late (DR-21), screened twice at once (DR-23)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.deciding import Decider
from activities.engine import Engine
from activities.screening import Screener
from domain.round import run_of
from proof import merkle
from runtime.door import system_clock
from schemas import names
from schemas.commands import (
    ENGINE,
    Body,
    CloseIntake,
    CloseStep,
    Command,
    FreezePool,
    HoldVotes,
    OpenRound,
    OpenStep,
    ScreenVotes,
    Withdraw,
)
from schemas.events import VotesHeld, read
from schemas.ledger import Head, Receipt
from schemas.messages import Order, RoundAnswer
from schemas.programme import PublicVote, Rank
from schemas.traces import PaperTrace
from store.ballots import BallotBox, Paper, token
from store.postgres import PostgresEventStore
from store.screening import Traces
from tests.support.databases import Database
from tests.support.races import OFFICER, Race, province_alone, submission

CYCLE = "crowd.1"
ROUND = names.round_stream(CYCLE, names.ROOT_ROUTE, "P")
BALLOT = names.step_gate(ROUND, "vote")
PROGRAMME = """
programme: crowd
edition: 1
title: {zh: 众选}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [province]}]
titles: [{id: t, label: {zh: 称号}}]
stages:
  province:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 5, unit: natural_day}}
      - id: vote
        type: public_vote
        period: {days: 5, unit: natural_day}
        limits: {per_day: 1}
        adjudication: {days: 3, unit: natural_day}
        stuffing: {rules: [{id: one_device, type: velocity, by: device, voters: 3, lead: "80%"}]}
      - {id: honour, type: conferral, body: b, grades: [{title: t}], period: {days: 5, unit: natural_day}}
"""


class Hesitant(Decider):
    """Waits with what a screening found until it is let go on."""

    def __init__(self, store: PostgresEventStore) -> None:
        super().__init__(store, system_clock)
        self.asked, self.goes_on = asyncio.Event(), asyncio.Event()

    async def execute(self, command: Command, known: Head | None = None) -> Receipt:
        if isinstance(command.body, HoldVotes):
            self.asked.set()
            await self.goes_on.wait()
        return await super().execute(command, known)


def _ordered(body: Body, at: datetime) -> Order:
    command = Command(id=f"by-order/{body.kind}", stream=ROUND, actor=ENGINE, received_at=at, body=body)
    return Order(command=command)


async def _pooled(race: Race, folder: Path) -> PublicVote:
    """Three nominations stand in the frozen pool of the province; the vote that is to come."""
    programme = await race.open(CYCLE, province_alone(folder, PROGRAMME))
    for id in "abc":
        await race.do(names.nomination_stream(CYCLE, id), submission(CYCLE, id), OFFICER)
    race.now += timedelta(days=10)
    await race.do(names.cycle_stream(CYCLE), CloseIntake())
    for body in (OpenRound(), FreezePool(), OpenStep(step="intake")):
        await race.do(ROUND, body)
    step = programme.stages[Rank.PROVINCE].step("vote")
    assert isinstance(step, PublicVote)
    return step


async def test_a_vote_held_for_its_candidates_opens_its_ballot_when_one_has_left_dr_21(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.vote.CANDIDATES_MAX", 2)
    dsn = database.dsns.app
    async with PostgresEventStore(dsn) as store, BallotBox(dsn) as box, Traces(dsn) as traces:
        race = Race(Decider(store, system_clock))
        await _pooled(race, tmp_path)
        engine = Engine(race.decider, box, traces)

        async def decided(body: Body) -> RoundAnswer:
            return await ActivityEnvironment().run(engine.decide_round, _ordered(body, race.now))

        assert (await decided(OpenStep(step="vote"))).view.held == "TOO_MANY_CANDIDATES"
        await race.do(names.nomination_stream(CYCLE, "b"), Withdraw(reason="r"), OFFICER)
        answer = await decided(CloseStep(step="vote"))
        assert answer.view.held == ""
        assert answer.view.wakes_at is not None
        assert (await box.rules(BALLOT)).candidates == ("a", "c")


async def _cast(box: BallotBox, at: datetime, voters: range, choice: int, device: bytes) -> None:
    """A paper each of invented voters, all on one device of 8 bytes."""
    for n in voters:
        trace = PaperTrace(network=b"", device=device)
        paper = Paper(BALLOT, token(f"v{n}"), token(f"p{n}"), (choice,), "web", at, trace)
        await box.submit(paper)


@pytest.mark.parametrize("first", ["the earlier", "the later"])
async def test_two_screenings_at_once_tell_each_cohort_once_and_whole_dr_23(
    database: Database, tmp_path: Path, first: str
) -> None:
    dsn = database.dsns.app
    async with PostgresEventStore(dsn) as store, BallotBox(dsn) as box, Traces(dsn) as traces:
        race = Race(Decider(store, system_clock))
        step = await _pooled(race, tmp_path)
        engine = Engine(race.decider, box, traces)
        await ActivityEnvironment().run(engine.decide_round, _ordered(OpenStep(step="vote"), race.now))
        asked = _ordered(ScreenVotes(step="vote"), race.now).command
        earlier, later = Hesitant(store), Hesitant(store)
        runs = []
        for n, decider in enumerate((earlier, later)):
            await _cast(box, race.now, range(4 * n, 4 * n + 4), n, b"device %d" % n)
            runs.append(asyncio.create_task(Screener(decider, traces).screen(asked, step)))
            await decider.asked.wait()
        order = (earlier, later) if first == "the earlier" else (later, earlier)
        for decider in order:
            decider.goes_on.set()
            await runs[(earlier, later).index(decider)]
        told = [one for one in map(read, await store.load(ROUND)) if isinstance(one, VotesHeld)]
        assert {one.cohort: one.papers for one in told} == {"1/one_device/a": 4, "2/one_device/b": 4}
        assert await traces.cohorts(BALLOT) == {one.cohort: one.papers for one in told}
        for one in told:
            rows = [paper + voter async for paper, voter in traces.marked(BALLOT, one.cohort)]
            assert merkle.root(map(merkle.leaf, rows)).hex() == one.root
        assert run_of((await race.decider.rounds.get(ROUND)).state, "vote").screened == 2
