"""The worker is killed again and again; every acknowledged command is in the log exactly once and the cycle ends."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from runtime.door import Door
from runtime.settings import Settings
from schemas import names
from schemas.commands import Body
from schemas.errors import Unavailable
from schemas.ledger import Actor, Receipt
from schemas.loading import load_programme
from tests.support import people
from tests.support.workers import worker_environment
from worker import READY

PROGRAMME = Path("programmes/qingzhou-double-three/1.yaml")
WORKERS = 2
KILLS = 25
"""Of each worker."""


class Killer:
    """Keeps one of two workers running, and kills it at moments drawn from a seed."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._environment = worker_environment(settings)
        self._dice = random.Random(seed)
        self.kills = 0

    async def run(self, done: asyncio.Event) -> None:
        while not done.is_set():
            worker = await asyncio.create_subprocess_exec(
                sys.executable, "worker.py", env=self._environment, stderr=asyncio.subprocess.PIPE
            )
            assert worker.stderr
            said = aiter(worker.stderr)
            async for line in said:  # its life is counted from here: how long a start takes is the machine's
                if READY.encode() in line:
                    break
            lives = 0.5 + self._dice.random() * 2 if self.kills < KILLS else 3600
            heard = asyncio.create_task(_hear(said))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), lives)
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
            await heard
            self.kills += 1


async def _hear(lines: AsyncIterator[bytes]) -> None:
    """So that a full pipe never holds the worker up."""
    async for _ in lines:
        pass


@contextlib.asynccontextmanager
async def _killed_workers(settings: Settings) -> AsyncIterator[list[Killer]]:
    done = asyncio.Event()
    killers = [Killer(settings, seed=20260302 + n) for n in range(WORKERS)]
    running = [asyncio.create_task(killer.run(done)) for killer in killers]
    try:
        yield killers
    finally:
        done.set()
        await asyncio.gather(*running)


class Insistent(Door):
    """A door whose people ask again, with the same key, until there is an answer; it keeps what was acknowledged."""

    acknowledged: set[tuple[str, str]]

    def __init__(self, door: Door) -> None:
        self.__dict__ = door.__dict__ | {"acknowledged": set()}

    async def send(self, stream: str, body: Body, actor: Actor, key: str = "") -> Receipt:
        key = key or await self._key(stream, body, actor)
        while True:
            try:
                async with asyncio.timeout(20):
                    receipt = await super().send(stream, body, actor, key)
            except (Unavailable, TimeoutError):
                await asyncio.sleep(0.1)
                continue
            self.acknowledged.add((receipt.stream, receipt.command_id))
            return receipt


async def test_fifty_kills_lose_nothing_and_do_nothing_twice(
    engine_settings: Settings, tmp_path: Path
) -> None:
    programme = load_programme(PROGRAMME)
    town, root = "370781001", "370781"
    cycle = names.cycle_id(programme.programme, programme.edition, "kills")
    units = people.enterprises(tmp_path / "enterprises.csv", town, 1)
    async with Door.open(engine_settings) as opened, _killed_workers(engine_settings) as killers:
        door = Insistent(opened)
        await door.start_cycle(
            PROGRAMME,
            label="kills",
            operators=("op-1", "op-2"),
            units=(units,),
            grants=people.grants(programme, root, ("E1", town, root)),
            pace=people.at_speed(86_400 // 6),
        )
        for n in range(4):
            await people.nominate(door, cycle, programme, "E1", n)

        async def done() -> bool:
            return all(killer.kills >= KILLS for killer in killers) and await people.completed(door, cycle)

        await people.act_until(door, cycle, programme, done, seconds=400)

        assert sum(killer.kills for killer in killers) >= 50
        for stream, command_id in door.acknowledged:
            events = [event for event in await door.store.load(stream) if event.command_id == command_id]
            assert [event.ordinal for event in events] == list(range(len(events)))
            assert events, (stream, command_id)
        for stream in await door.store.streams(f"nomination/{cycle}/"):
            kinds = Counter(event.type for event in await door.store.load(stream))
            assert kinds["NominationSubmitted"] == 1
            assert kinds["NominationAdvanced"] <= len(programme.routes[0].ranks)
