"""A whole cycle at its true pace, months long, on a Temporal whose clock jumps over waiting."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.deciding import Decider
from activities.engine import Engine
from activities.outbox import Outbox
from runtime.door import Door
from runtime.settings import Settings
from schemas import names
from schemas.loading import load_programme
from schemas.values import Pace
from store.ballots import BallotBox
from store.postgres import PostgresEventStore
from store.screening import Traces
from store.vault import Vault
from tests.support import people
from tests.support.databases import Database
from workflows.registry import WORKFLOWS

PROGRAMME = Path("programmes/qingzhou-double-three/1.yaml")
QUEUE = "time-skipped"


@dataclasses.dataclass
class SkippedClock:
    """The test server's time, read after each jump."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    async def jump(self, environment: WorkflowEnvironment, by: timedelta) -> None:
        await environment.sleep(by)
        self.now = (await environment.get_current_time()).astimezone(UTC)


async def test_deadlines_fall_on_the_calendars_days_at_the_true_pace(
    time_skipping: WorkflowEnvironment, database: Database, tmp_path: Path
) -> None:
    programme = load_programme(PROGRAMME)
    town, root = "370781001", "370781"
    cycle = names.cycle_id(programme.programme, programme.edition)
    clock = SkippedClock((await time_skipping.get_current_time()).astimezone(UTC))
    pace = Pace(real_epoch=clock.now, cycle_epoch=people.SPRING)
    settings = Settings(data_dir=tmp_path, task_queue=QUEUE)
    async with (
        PostgresEventStore(database.dsns.app) as store,
        BallotBox(database.dsns.app) as ballots,
        Traces(database.dsns.app) as traces,
        Vault(database.dsns.vault, b"k" * 32) as vault,
    ):
        decider = Decider(store, clock)
        door = Door(settings, store, vault, ballots, time_skipping.client, clock)
        outbox = Outbox(decider, time_skipping.client, QUEUE, door.recovery().restart)
        worker = Worker(
            time_skipping.client,
            task_queue=QUEUE,
            workflows=WORKFLOWS,
            activities=Engine(decider, ballots, traces).activities(),
        )
        async with worker, asyncio.timeout(100):
            await door.start_cycle(
                PROGRAMME,
                operators=("op-1",),
                units=(people.enterprises(tmp_path / "enterprises.csv", town, 1),),
                grants=people.grants(programme, root, ("E1", town, root)),
                pace=pace,
            )
            for n in range(2):
                await people.nominate(door, cycle, programme, "E1", n)
            while not await people.completed(door, cycle):
                for stream in await store.streams(f"round/{cycle}/"):
                    await people.act(door, programme, (await door.decider.rounds.get(stream)).state)
                await outbox.step()
                await clock.jump(time_skipping, timedelta(hours=12))

        enterprise = names.round_stream(cycle, "territorial", "E1")
        published = next(e for e in await store.load(enterprise) if e.type == "ListPublished")
        closed = next(
            e
            for e in await store.load(enterprise)
            if e.type == "StepClosed" and e.data["step"] == "publicity"
        )
        window = published.data["window"]
        assert closed.at >= datetime.fromisoformat(window["closes_at"])
        assert closed.at - datetime.fromisoformat(window["closes_at"]) < timedelta(minutes=1)
        assert datetime.fromisoformat(window["closes_at"]) - published.at >= timedelta(days=5)
