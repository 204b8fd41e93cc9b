"""The vote intake under more than it can take, killed, stopped, and beside another of its kind."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import psutil

from cli.output import UNAVAILABLE
from runtime.settings import CHECKOUT, child_environment
from schemas.programme import VoterLimits
from store.ballots import day_and_minute
from store.polling_place import PollingPlace
from store.voter_keys import Voter, VoterKey
from tests.support.databases import Database
from tests.web.caller import Caller, Reply
from tests.web.conftest import CANDIDATES, KEK, ONE, Ballot, Serve, Service

ONCE = VoterLimits(per_day=1)


@dataclass
class Crowd:
    """Many voters with passes, whose papers and receipts are kept to be looked at afterwards."""

    ballot: Ballot
    key: VoterKey
    papers: list[dict[str, Any]] = field(default_factory=list)
    receipts: dict[str, str] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    shed: list[Reply] = field(default_factory=list)

    @classmethod
    async def of(cls, ballot: Ballot, database: Database) -> Crowd:
        async with PollingPlace(database.dsns.web, KEK) as place:
            return cls(ballot, await place.key_of(ballot.id))

    def paper(self, voter: int, choice: str = ONE) -> dict[str, Any]:
        """A new paper of a voter, remembered."""
        today, _ = day_and_minute(datetime.now(UTC))
        shown = self.key.voter_pass(Voter(self.key.token("member", str(voter)), "web", today))
        made = {"paper": str(uuid4()), "voter": shown, "choices": [choice]}
        self.papers.append(made)
        return made

    async def hand_in(self, caller: Caller, paper: dict[str, Any]) -> None:
        """Send one paper and note what came of it."""
        try:
            reply = await caller.post(f"{self.ballot.path}/papers", paper)
        except OSError:
            self.statuses["cut"] += 1
            return
        if reply.status in (200, 201):
            self.statuses[str(reply.status)] += 1
            receipt = reply.body["receipt"]
            assert self.receipts.setdefault(paper["paper"], receipt) == receipt
        else:
            self.statuses[f"{reply.status} {reply.code}"] += 1
            self.shed.append(reply)

    async def all_at_once(self, service: Service, papers: list[dict[str, Any]], callers: int) -> None:
        """So many connections, each sending one paper after the other."""
        waiting = iter(papers)

        async def one() -> None:
            async with service.caller() as caller:
                for paper in waiting:
                    await self.hand_in(caller, paper)

        await asyncio.gather(*(one() for _ in range(callers)))

    async def sealed_papers(self) -> int:
        await self.ballot.close()
        return (await self.ballot.box.seal(self.ballot.id)).papers


async def kill(service: Service) -> None:
    """Every process of it, as the kernel would."""
    first = psutil.Process(service.child.process.pid)
    for process in [*first.children(recursive=True), first]:
        process.send_signal(signal.SIGKILL)
    await service.child.process.wait()


async def test_a_flood_is_shed_early_and_what_was_accepted_is_stored(
    ballot: Ballot, serve: Serve, module_database: Database
) -> None:
    await ballot.begin(ONCE)
    service = await serve(web_inside_max="8")
    crowd = await Crowd.of(ballot, module_database)
    await crowd.all_at_once(service, [crowd.paper(n) for n in range(2000)], callers=80)
    assert set(crowd.statuses) == {"201", "503 OVERLOADED"}
    assert all(int(reply.headers["retry-after"]) > 0 for reply in crowd.shed)
    async with service.caller() as caller:
        assert (await caller.get("/healthz")).body == {"status": "ok", "inside": 0}
    shed = [paper for paper in crowd.papers if paper["paper"] not in crowd.receipts]
    accepted = len(crowd.receipts)
    while shed:
        await crowd.all_at_once(service, shed, callers=4)
        shed = [paper for paper in shed if paper["paper"] not in crowd.receipts]
    assert crowd.statuses["200"] == 0, "a paper that was shed had not been taken"
    assert accepted < await crowd.sealed_papers() == len(crowd.papers)


async def test_what_a_killed_intake_acknowledged_is_stored_and_nothing_counts_twice(
    ballot: Ballot, serve: Serve, module_database: Database
) -> None:
    await ballot.begin(ONCE)
    service = await serve()
    crowd = await Crowd.of(ballot, module_database)
    papers = [crowd.paper(n) for n in range(1500)]
    load = asyncio.create_task(crowd.all_at_once(service, papers, callers=40))
    while len(crowd.receipts) < 200:  # noqa: ASYNC110 -- the crowd is many tasks, none of which knows of the others
        await asyncio.sleep(0)
    await kill(service)
    await load
    assert crowd.statuses["cut"] > 0, "it was killed under load"
    acknowledged = dict(crowd.receipts)
    next_service = await serve()
    crowd.statuses.clear()
    await crowd.all_at_once(next_service, papers, callers=40)
    assert set(crowd.statuses) <= {"200", "201"}
    assert crowd.statuses["200"] >= len(acknowledged)
    assert len(crowd.receipts) == len(set(crowd.receipts.values())) == len(papers)
    assert await crowd.sealed_papers() == len(papers)


async def test_two_processes_beside_one_another_hold_the_limits(
    ballot: Ballot, serve: Serve, module_database: Database
) -> None:
    await ballot.begin(VoterLimits(per_day=2))
    services = await asyncio.gather(serve(), serve(web_workers="2"))
    crowd = await Crowd.of(ballot, module_database)
    papers = [crowd.paper(voter, choice) for voter in range(60) for choice in CANDIDATES[:6]]
    await asyncio.gather(
        crowd.all_at_once(services[0], papers[::2], callers=20),
        crowd.all_at_once(services[1], papers[1::2], callers=20),
    )
    assert crowd.statuses == {"201": 120, "409 LIMIT_REACHED": 240}
    assert await crowd.sealed_papers() == 120


async def test_a_graceful_stop_finishes_what_is_inside(
    ballot: Ballot, serve: Serve, module_database: Database, rows: asyncpg.Connection
) -> None:
    await ballot.begin(ONCE)
    service = await serve()
    crowd = await Crowd.of(ballot, module_database)
    async with service.caller() as caller, service.caller() as looking:
        await crowd.hand_in(caller, crowd.paper(0))
        async with rows.transaction():
            await rows.execute("SELECT FROM ledger.gate WHERE id = $1 FOR UPDATE", ballot.id)
            inside = asyncio.create_task(crowd.hand_in(caller, crowd.paper(1)))
            while (await looking.get("/healthz")).body["inside"] < 1:  # noqa: ASYNC110 -- another process
                await asyncio.sleep(0.01)
            stopping = asyncio.create_task(service.stop())
            await asyncio.sleep(0.5)
            assert not stopping.done()
        await inside
        assert await stopping == 0
    assert crowd.statuses == {"201": 2}


async def test_papers_wait_for_a_database_that_comes_back(
    ballot: Ballot, serve: Serve, module_database: Database, rows: asyncpg.Connection
) -> None:
    """Its connections are cut under load, as a restart would: what is acknowledged is there, nothing is there twice."""
    await ballot.begin(ONCE)
    service = await serve()
    crowd = await Crowd.of(ballot, module_database)
    papers = [crowd.paper(n) for n in range(600)]
    load = asyncio.create_task(crowd.all_at_once(service, papers, callers=20))
    while not load.done():
        await rows.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'xuanshu_web' AND datname = current_database()"
        )
        await asyncio.sleep(0.02)
    assert set(crowd.statuses) <= {"200", "201", "503 STORE_UNAVAILABLE"}
    assert all(reply.headers["retry-after"] for reply in crowd.shed)
    acknowledged = len(crowd.receipts)
    assert acknowledged <= await crowd.sealed_papers() <= len(papers)


async def test_an_address_that_cannot_be_had_ends_it_with_a_code(
    module_database: Database, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        given = child_environment(tmp_path) | {
            "XUANSHU_POSTGRES_WEB_DSN": module_database.dsns.web,
            "XUANSHU_BALLOT_KEK": KEK.hex(),
            "LC_ALL": "zh_CN.UTF-8",
        }
        for address, said in (
            ("8090", "SETTING_WRONG: 设置有误：XUANSHU_WEB_ADDRESS"),
            ("127.0.0.1:70000", "SETTING_WRONG: "),
            (f"127.0.0.1:{taken.getsockname()[1]}", "ADDRESS_UNUSABLE: 无法在"),
        ):
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "web"),
                env=given | {"XUANSHU_WEB_ADDRESS": address},
                cwd=CHECKOUT,
                stderr=asyncio.subprocess.PIPE,
            )
            _, printed = await child.communicate()
            assert child.returncode == UNAVAILABLE
            assert printed.decode().startswith(said)
