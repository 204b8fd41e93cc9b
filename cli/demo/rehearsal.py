"""One demo from the first grant to the last certificate: it starts the cycle, lets people act, kills the worker once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cli.demo.acting import Acts
from cli.demo.people import Deed, People
from cli.demo.progress import Progress
from cli.demo.scenario import OPERATORS, Size, World, invent
from cli.demo.watching import Seen, Watch
from domain import round as rounds
from projections.queries import Queries
from runtime.children import Child
from runtime.door import Door, system_clock
from runtime.settings import Login
from runtime.stack import Stack
from runtime.temporal import worker_there
from schemas.errors import Unavailable
from schemas.loading import Opened, open_programme
from schemas.values import format_instant

BEGINS = "2026-03-02T01:00:00+00:00"
LOOK_SECONDS = 0.3
STALLED_SECONDS = 90
SECONDS_A_DAY = 86_400


class Wishes(NamedTuple):
    """What was asked for on the command line."""

    programme: Path
    size: Size
    speed: int
    seed: int


@dataclass
class Told:
    """Everything that the demo measured beside the log."""

    wishes: Wishes
    opened: Opened
    world: World
    cycle: str
    people: People
    acts: Acts
    started: dict[str, Any]
    began: datetime
    ended: datetime
    kill: dict[str, Any] = field(default_factory=dict)


class Rehearsal:
    """Runs on a stack that is up, whose folder holds the two files that a cycle starts from and goes with it."""

    def __init__(self, stack: Stack, door: Door, wishes: Wishes, progress: Progress) -> None:
        self._stack = stack
        self._door = door
        self._wishes = wishes
        self._progress = progress
        self._opened = open_programme(wishes.programme)
        self._world = invent(self._opened.programme, self._opened.units, wishes.size, wishes.seed)
        self._acts = Acts(stack.settings, door)
        self._begun: set[str] = set()
        self._kill: dict[str, Any] = {}
        self._worker: Child | None = None

    async def run(self) -> Told:
        """Until the cycle is complete. Raises Unavailable if it stalls or an act is refused that must not be."""
        began = system_clock()
        self._worker = await self._stack.start_worker()
        # Cycle time runs from the cycle's start on, so nobody should have to wait for the worker then.
        assert self._door.client is not None
        await worker_there(
            self._door.client, self._stack.settings.task_queue, patience_seconds=STALLED_SECONDS
        )
        started = await self._start_cycle()
        cycle = started["cycle"]
        watch = Watch(self._door.store, self._world, cycle)
        people = People(self._world, cycle, self._acts, watch)
        async with asyncio.TaskGroup() as hands:
            for person in self._world.people:
                hands.create_task(people.nominate(person))
            await self._live_through(people, watch, hands)
        told = Told(
            self._wishes, self._opened, self._world, cycle, people, self._acts, started, began, system_clock()
        )
        told.kill = self._kill
        return told

    async def _start_cycle(self) -> dict[str, Any]:
        folder = self._stack.places.data
        units, grants = folder / "units.csv", folder / "grants.csv"
        self._world.write_units(units)
        self._world.write_grants(grants)
        invited = self._world.invited
        words = ["cycle", "start", str(self._wishes.programme), "--label", "demo", "--units", str(units)]
        words += ["--grants", str(grants), "--speed", str(self._wishes.speed), "--begins", BEGINS]
        words += [word for one in OPERATORS for word in ("--operator", one)]
        words += [word for one in invited for word in ("--invited", one)]
        outcome = await self._acts.must(*words)
        self._progress.say(
            f"届次 {outcome.json['cycle']} 已开启，{len(invited)} 家企业受邀",
            f"cycle {outcome.json['cycle']} is open, {len(invited)} enterprises are invited",
        )
        return dict(outcome.json)

    async def _live_through(self, people: People, watch: Watch, hands: asyncio.TaskGroup) -> None:
        position, moved_at = 0, system_clock()
        while True:
            seen = await watch.look(system_clock())
            self._progress.show(seen, self._acts)
            if seen.over:
                break
            for deed in people.awaited(seen):
                if deed.id not in self._begun:
                    self._begun.add(deed.id)
                    hands.create_task(self._do(deed))
            if not self._kill and self._is_the_moment(seen):
                hands.create_task(self._kill_the_worker(seen))
                self._kill = {"planned": True}
            await self._keep_a_worker()
            now_at = sum(state.seq for state in seen.rounds.values()) + self._acts.done
            if now_at != position:
                position, moved_at = now_at, seen.recorded
            if seen.recorded - moved_at > timedelta(seconds=STALLED_SECONDS):
                raise self._stalled(seen)
            await asyncio.sleep(LOOK_SECONDS)
        await self._settle(watch)

    async def _settle(self, watch: Watch) -> None:
        """Every nomination has been told its end, and the order and the views have everything that is written."""
        async with asyncio.timeout(STALLED_SECONDS):
            while not all(one.over for one in (await watch.look(system_clock())).nominations.values()):  # noqa: ASYNC110 -- of a table
                await asyncio.sleep(LOOK_SECONDS)
            store = self._door.store
            while await store.overdue(system_clock()):  # noqa: ASYNC110 -- of a table
                await asyncio.sleep(LOOK_SECONDS)
            async with Queries(store, self._stack.settings.dsn(Login.APP)) as queries:
                await queries.wait_for(await store.last_position(), STALLED_SECONDS)

    async def _do(self, deed: Deed) -> None:
        answer = await deed.do()
        if getattr(answer, "failed", False):  # somebody was faster: look again
            self._begun.discard(deed.id)

    def _is_the_moment(self, seen: Seen) -> bool:
        """Midway: the level in the middle is at work, with commands under way."""
        ranks = self._world.programme.routes[0].ranks
        at_work = [
            one
            for one in seen.rounds.values()
            if one.opened and one.opened.rank == ranks[len(ranks) // 2] and one.frozen and not one.over
        ]
        return len(at_work) >= 3 or (bool(at_work) and len(seen.rounds) < 20)

    async def _keep_a_worker(self) -> None:
        """One that somebody else killed is replaced; ours is by the one who kills it."""
        assert self._worker is not None
        if not self._worker.running and "planned" not in self._kill:
            self._progress.say("工作进程意外停止，换一个接着办", "the worker is gone, another takes over")
            self._worker = await self._stack.start_worker()

    async def _kill_the_worker(self, seen: Seen) -> None:
        assert self._worker is not None
        before = len(self._acts.acknowledged)
        self._progress.say("SIGKILL：工作进程被杀死", "SIGKILL: the worker is dead")
        killed_at = system_clock()
        await self._worker.kill()
        self._worker = await self._stack.start_worker()
        self._kill = {
            "signal": "SIGKILL",
            "killed_at": format_instant(killed_at),
            "cycle_time": format_instant(seen.at),
            "acknowledged_before": before,
            "restarted_at": format_instant(system_clock()),
        }
        self._progress.say("新的工作进程接着办", "another worker has taken over")

    def _stalled(self, seen: Seen) -> Unavailable:
        waits = [
            f"{stream}:{state.current or ('gather' if not state.frozen else '-')}{rounds.run_of(state, state.current).held}"
            for stream, state in seen.rounds.items()
            if not state.over
        ]
        worker = self._worker.last_words() if self._worker else ""
        facts = {"seconds": STALLED_SECONDS, "waits": "; ".join(waits[-8:]), "last": worker}
        return Unavailable("DEMO_STALLED", **facts)
