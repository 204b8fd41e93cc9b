"""A ballot that could not name all candidates is opened in the box with the event that opens its vote at last (DR-21)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.deciding import Decider
from activities.engine import Engine
from runtime.door import system_clock
from schemas import names
from schemas.canonical import canonical_bytes
from schemas.commands import (
    ENGINE,
    Body,
    CloseIntake,
    CloseStep,
    Command,
    FreezePool,
    GiveGrants,
    OpenCycle,
    OpenRound,
    OpenStep,
    SubmitNomination,
    Withdraw,
)
from schemas.events import GrantTerms
from schemas.loading import open_programme
from schemas.messages import Order, RoundAnswer
from schemas.programme import Channel
from schemas.values import Pace
from store.ballots import BallotBox
from store.postgres import PostgresEventStore
from store.screening import Traces
from tests.activities.test_races import OFFICER, Race
from tests.support import people
from tests.support.databases import Database

CYCLE = "crowd.1"
ROUND = names.round_stream(CYCLE, names.ROOT_ROUTE, "P")
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
      - {id: vote, type: public_vote, period: {days: 5, unit: natural_day}, limits: {per_day: 1}}
      - {id: honour, type: conferral, body: b, grades: [{title: t}], period: {days: 5, unit: natural_day}}
"""


async def _pooled(race: Race, folder: Path) -> None:
    """Three nominations stand in the frozen pool of the province."""
    (folder / "units.csv").write_text("code,parent,name,rank\nP,,测试省,province\n", "utf-8")
    (folder / "1.yaml").write_text(PROGRAMME, "utf-8")
    opened, store = open_programme(folder / "1.yaml"), race.decider.store
    rules = await store.put_document("programme", canonical_bytes(opened.programme))
    units = await store.put_document("units", canonical_bytes(opened.units))
    pace = Pace(real_epoch=people.SPRING, cycle_epoch=people.SPRING)
    await race.do(names.cycle_stream(CYCLE), OpenCycle(cycle=CYCLE, rules=rules, units=units, pace=pace))
    grant = GrantTerms(id="g", person="officer", role="officer", unit="P")
    await race.do(names.authority_stream(CYCLE), GiveGrants(grants=(grant,)))
    for id in "abc":
        await race.do(names.nomination_stream(CYCLE, id), _submission(id), OFFICER)
    race.now += timedelta(days=10)
    await race.do(names.cycle_stream(CYCLE), CloseIntake())
    for body in (OpenRound(), FreezePool(), OpenStep(step="intake")):
        await race.do(ROUND, body)


def _submission(id: str) -> SubmitNomination:
    return SubmitNomination(
        nomination=id,
        cycle=CYCLE,
        unit="P",
        route="territorial",
        channel=Channel.UNIT,
        subject=f"s-{id}",
        entry="e",
        commitment="0" * 64,
    )


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
            command = Command(id=body.kind, stream=ROUND, actor=ENGINE, received_at=race.now, body=body)
            return await ActivityEnvironment().run(engine.decide_round, Order(command=command))

        assert (await decided(OpenStep(step="vote"))).view.held == "TOO_MANY_CANDIDATES"
        await race.do(names.nomination_stream(CYCLE, "b"), Withdraw(reason="r"), OFFICER)
        answer = await decided(CloseStep(step="vote"))
        assert answer.view.held == ""
        assert answer.view.wakes_at is not None
        assert (await box.rules(names.step_gate(ROUND, "vote"))).candidates == ("a", "c")
