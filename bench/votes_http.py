"""Papers a second through the intake, end to end and durable, beside its own no-op route under the same load.

`wrk` loads both in turns, over the same connections, with the same bodies; without it a small client in Python does, and
says so. Every paper that was answered 201 is looked for in the box afterwards.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_bytes
from statistics import median
from uuid import uuid4

import orjson

from bench.figures import Figure, compared
from runtime.children import Child, Command
from runtime.embedded_postgres import PostgresServer
from runtime.ports import free_port
from runtime.settings import CHECKOUT, child_environment
from schemas.ledger import Actor, Append, Gate, GateStatus, Head, Provenance, SetGate
from schemas.programme import VoterLimits
from store.ballots import BallotBox, day_and_minute
from store.migrations import RoleDsns, RolePasswords, migrate, role_dsns
from store.polling_place import PollingPlace
from store.postgres import PostgresEventStore
from store.voter_keys import Voter, VoterKey

BALLOT = "round/bench/all/51/public_vote"
CANDIDATES = tuple(f"nomination-{n}" for n in range(50))
KEK = bytes(range(32))
CONNECTIONS = 1000
SECONDS = 5
ROUNDS = 3
PAPERS_A_SECOND_MAX = 50_000
"""More than any round takes, so that no paper is sent twice."""
LUA = Path(__file__).with_suffix("").with_name("votes.lua")


@dataclass(frozen=True)
class Load:
    """What one round of load saw: requests a second, and the 99th percentile of their latency in milliseconds."""

    rate: float
    p99_ms: float
    refused: int


@dataclass(frozen=True)
class Served:
    """A running intake, the key of its ballot, and where wrk finds its papers."""

    port: int
    key: VoterKey
    file: Path
    box: BallotBox

    def papers(self) -> list[bytes]:
        """Papers that nobody has handed in, each of another voter."""
        today, _ = day_and_minute(datetime.now(UTC))
        return [
            orjson.dumps(
                {
                    "paper": str(uuid4()),
                    "voter": self.key.voter_pass(Voter(token_bytes(16), "web", today)),
                    "choices": [CANDIDATES[n % len(CANDIDATES)]],
                }
            )
            for n in range(SECONDS * PAPERS_A_SECOND_MAX)
        ]

    async def load(self, path: str, pause_ms: int = 0) -> Load:
        """One round of new papers; each connection thinks so long before its next one."""
        papers = self.papers()
        if not shutil.which("wrk"):
            return await _python(self.port, path, papers, pause_ms)
        await asyncio.to_thread(self.file.write_bytes, b"\n".join(papers))
        return await _wrk(self.port, path, self.file, pause_ms)

    async def taken(self) -> int:
        """Papers in the box."""
        return sum(channel.papers for channel in await self.box.live_counts(BALLOT))


async def figures(server: PostgresServer) -> list[Figure]:
    """`votes_http` and `votes_p99_ms`, on a database of their own."""
    async with _served(server) as served:
        await served.load(f"/ballots/{BALLOT}/papers")
        noop, papers = [], []
        for _ in range(ROUNDS):
            noop.append(await served.load("/noop"))
            papers.append(await _counted(served))
        peak = median(one.rate for one in papers)
        half = await _counted(served, round(CONNECTIONS / (peak / 2) * 1000))
    ratio = compared(
        "votes_http",
        "papers/s",
        [one.rate for one in papers],
        "the no-op route, which reads a paper and answers",
        [one.rate for one in noop],
    )
    return [ratio, Figure("votes_p99_ms", half.p99_ms, "ms", "papers/s meanwhile", round(half.rate, 1))]


async def _counted(served: Served, pause_ms: int = 0) -> Load:
    """A round of papers of which each that was answered is in the box."""
    before = await served.taken()
    load = await served.load(f"/ballots/{BALLOT}/papers", pause_ms)
    taken = await served.taken() - before
    # wrk leaves those that are under way when its time is over; they are taken all the same.
    if load.refused or not load.rate * SECONDS * 0.99 <= taken <= SECONDS * PAPERS_A_SECOND_MAX:
        raise RuntimeError(f"{load} but {taken} papers in the box")
    return load


async def _wrk(port: int, path: str, file: Path, pause_ms: int) -> Load:
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", str(LUA)]
    words += [f"http://127.0.0.1:{port}", "--", str(file), path, str(pause_ms)]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    said = (await process.communicate())[0].decode()
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0])
    ((number, unit),) = re.findall(r"99%\s+([\d.]+)(us|ms|s)\b", said)
    refused = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", said))
    return Load(rate, float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit], refused)


async def _python(port: int, path: str, papers: list[bytes], pause_ms: int) -> Load:
    """The same load by Python, which takes far more of the machine than wrk does: read the ratio, not the rate."""
    sys.stderr.write("wrk is missing (apt-get install wrk): a Python client loads instead\n")
    bodies = iter(papers)
    seconds: list[float] = []
    refused = 0
    loop = asyncio.get_running_loop()
    end = loop.time() + SECONDS

    async def one() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (begun := loop.time()) < end:
            body = next(bodies)
            head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if length := re.search(rb"content-length: (\d+)", answer):
                await reader.readexactly(int(length[1]))
            refused += not answer.startswith(b"HTTP/1.1 2")
            seconds.append(loop.time() - begun)
            await asyncio.sleep(pause_ms / 1000)
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return Load(len(seconds) / SECONDS, sorted(seconds)[len(seconds) * 99 // 100] * 1000, refused)


@asynccontextmanager
async def _served(server: PostgresServer) -> AsyncIterator[Served]:
    await server.ensure_database("votes_http")
    passwords = RolePasswords.all_alike("for-the-bench-alone")
    dsn = server.dsn("votes_http")
    await asyncio.to_thread(migrate, dsn, passwords)
    dsns = role_dsns(dsn, passwords)
    with tempfile.TemporaryDirectory() as name:
        async with BallotBox(dsns.app) as box, PollingPlace(dsns.web, KEK) as place:
            await _open(dsns, box)
            port, child = await _intake(dsns, Path(name))
            try:
                yield Served(port, await place.key_of(BALLOT), Path(name) / "papers", box)
            finally:
                await child.stop()


async def _open(dsns: RoleDsns, box: BallotBox) -> None:
    now = datetime.now(UTC)
    async with PostgresEventStore(dsns.app) as store:
        for id in ("cycle/bench", BALLOT):
            gate = Gate(
                id=id,
                cycle="bench",
                status=GateStatus.OPEN,
                opens_at=now - timedelta(days=1),
                closes_at=now + timedelta(days=1),
            )
            said = Provenance(
                log="xuanshu.bench/log/votes",
                command_id=f"open/{id}",
                payload_hash=id,
                actor=Actor(id="engine", role="engine"),
                occurred_at=now,
                recorded_at=now,
                rules="",
            )
            await store.append(
                Append(stream=id, expected=Head(), provenance=said, events=(), effects=(SetGate(gate=gate),))
            )
    await box.open(BALLOT, VoterLimits(per_day=1), CANDIDATES)


async def _intake(dsns: RoleDsns, folder: Path) -> tuple[int, Child]:
    port = free_port()
    given = {
        "XUANSHU_POSTGRES_WEB_DSN": dsns.web,
        "XUANSHU_BALLOT_KEK": KEK.hex(),
        "XUANSHU_WEB_ADDRESS": f"127.0.0.1:{port}",
    }
    child = await Child.start(
        Command(
            name="intake",
            arguments=(sys.executable, "-m", "web"),
            environment=child_environment(folder) | given,
            folder=CHECKOUT,
            log=folder / "intake.log",
        )
    )
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return port, child
        except OSError:
            await asyncio.sleep(0.05)
    raise RuntimeError(child.last_words())
