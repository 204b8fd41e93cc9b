"""The vote intake as a process of its own over a real database, with a ballot that is opened by hand."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runtime.children import Child, Command
from runtime.ports import free_port
from runtime.settings import CHECKOUT, child_environment
from schemas.ledger import Gate, GateStatus, SetGate
from schemas.programme import VoterLimits
from store.ballots import BallotBox
from store.postgres import PostgresEventStore
from tests.store.commands import command
from tests.support.databases import Database
from tests.web.caller import Caller, Reply
from web.identity import Identity
from web.identity.signed_link import sign_link

KEK = bytes(range(32))
SEED = bytes(range(1, 33))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
CANDIDATES = tuple(f"nomination-{n}" for n in range(1, 9))
ONE, TWO, THREE, FOUR, *_ = CANDIDATES


@dataclass
class Ballot:
    """A ballot in a cycle of its own, its gates in the tests' hands."""

    id: str
    box: BallotBox
    store: PostgresEventStore

    @property
    def path(self) -> str:
        return f"/ballots/{self.id}"

    @property
    def cycle(self) -> str:
        return self.id.split("/")[1]

    async def begin(self, limits: VoterLimits, **gate: datetime) -> None:
        await self.set_gate(f"cycle/{self.cycle}", GateStatus.OPEN)
        await self.set_gate(self.id, GateStatus.OPEN, **gate)
        await self.box.open(self.id, limits, CANDIDATES)

    async def set_gate(self, id: str, status: GateStatus, **window: datetime) -> None:
        now = datetime.now(UTC)
        times = {"opens_at": now - timedelta(days=1), "closes_at": now + timedelta(days=2)} | window
        head = (await self.store.heads([id]))[id]
        gate = Gate(id=id, cycle=self.cycle, status=status, **times)  # type: ignore[arg-type]
        await self.store.append(command(id, f"gate-{head.seq}", head, effects=(SetGate(gate=gate),)))

    async def close(self) -> None:
        await self.set_gate(self.id, GateStatus.CLOSED)


@dataclass
class Service:
    """A running intake: its process and its port."""

    child: Child
    port: int

    def caller(self) -> Caller:
        return Caller(self.port)

    async def stop(self) -> int:
        self.child.process.send_signal(signal.SIGTERM)
        return await self.child.process.wait()


Serve = Callable[..., Awaitable[Service]]


@dataclass
class Voters:
    """Hands passes out, by signed links as a register of voters would."""

    ballot: Ballot
    caller: Caller
    passes: dict[str, str] = field(default_factory=dict)

    def link(self, name: str, **changes: object) -> dict[str, object]:
        given = {
            "ballot": self.ballot.id,
            "until": datetime.now(UTC) + timedelta(hours=1),
            "seed": SEED,
        } | changes
        signed = sign_link(given["seed"], given["ballot"], Identity("member", name), given["until"])  # type: ignore[arg-type]
        return {"by": "signed_link", "proof": {"link": signed}}

    async def pass_of(self, name: str) -> str:
        if name not in self.passes:
            reply = await self.caller.post(f"{self.ballot.path}/voters", self.link(name))
            assert reply.status == 201, reply.raw
            self.passes[name] = reply.body["voter"]
        return self.passes[name]

    async def vote(self, name: str, *choices: str, paper: str = "") -> Reply:
        body = {"paper": paper or str(uuid4()), "voter": await self.pass_of(name), "choices": choices}
        return await self.caller.post(f"{self.ballot.path}/papers", body)


@pytest.fixture
async def ballot(module_database: Database) -> AsyncIterator[Ballot]:
    dsn = module_database.dsns.app
    async with PostgresEventStore(dsn) as store, BallotBox(dsn) as box:
        yield Ballot(f"round/{uuid4().hex}/all/51/public_vote", box, store)


@pytest.fixture
async def serve(module_database: Database, tmp_path: Path) -> AsyncIterator[Serve]:
    """Start a process of the intake; settings by their names. All are stopped at the end."""
    started: list[Service] = []

    async def start(**settings: str) -> Service:
        port = free_port()
        given = {
            "postgres_web_dsn": module_database.dsns.web,
            "ballot_kek": KEK.hex(),
            "web_address": f"127.0.0.1:{port}",
            "web_link_key": PUBLIC.hex(),
            **settings,
        }
        variables = {f"XUANSHU_{name.upper()}": value for name, value in given.items()}
        child = await Child.start(
            Command(
                name="intake",
                arguments=(sys.executable, "-m", "web"),
                environment=child_environment(tmp_path) | variables,
                folder=CHECKOUT,
                log=tmp_path / "intake.log",
            )
        )
        started.append(Service(child, port))
        await answers(started[-1])
        return started[-1]

    yield start
    await asyncio.gather(*(one.child.stop() for one in started))


async def answers(service: Service) -> None:
    async with service.caller() as caller:
        for _ in range(600):
            try:
                if (await caller.get("/healthz")).status == 200:
                    return
            except OSError:
                assert service.child.running, service.child.last_words()
                await asyncio.sleep(0.05)
    raise AssertionError(service.child.last_words())


@pytest.fixture
async def rows(module_database: Database) -> AsyncIterator[asyncpg.Connection]:
    """What Postgres holds, looked at by its owner."""
    connection = await asyncpg.connect(module_database.owner_dsn)
    yield connection
    await connection.close()
