"""Batched appends when something goes wrong: a poisoned command, a lost connection, a server that is away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

import asyncpg
import pytest

from schemas.canonical import seal
from schemas.errors import Unavailable
from schemas.ledger import Append, GateOpen, Head, HeadIs, Receipt, Reserve, SetGate
from store import flush
from store.flush import Waiting, take_batch
from store.postgres import PostgresEventStore
from tests.store.commands import NOON, command, gate
from tests.store.conftest import Ledger
from tests.support.databases import Database


async def batches_of(requests: Iterable[Append]) -> list[list[str]]:
    """The streams of each flush into which the requests are shared out."""
    loop = asyncio.get_running_loop()
    queue = deque(Waiting(request, seal(request), loop.create_future()) for request in requests)
    batches = []
    while queue:
        batches.append([waiting.request.stream for waiting in take_batch(queue, 100)])
    return batches


async def test_requests_that_do_not_touch_each_other_go_together_sorted_by_stream() -> None:
    guard = (GateOpen(gate="g", received_at=NOON),)
    requests = [command(stream, "one", guards=guard) for stream in ("b", "a", "B", "é", "z")]
    assert await batches_of(requests) == [["B", "a", "b", "z", "é"]]


async def test_a_second_command_on_a_stream_waits_for_the_next_flush() -> None:
    assert await batches_of([command("a", "1"), command("a", "2"), command("b", "1")]) == [["a", "b"], ["a"]]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (command("a", "1"), command("b", "1", guards=(HeadIs(stream="a", seq=0),))),
        (command("b", "1", guards=(HeadIs(stream="a", seq=0),)), command("a", "1")),
        (
            command("a", "1", effects=(SetGate(gate=gate("g")),)),
            command("b", "1", guards=(GateOpen(gate="g", received_at=NOON),)),
        ),
        (
            command(
                "a", "1", effects=(Reserve(cycle="c", subject="s", nomination="a", unit="u", route="r"),)
            ),
            command(
                "b", "1", effects=(Reserve(cycle="c", subject="s", nomination="b", unit="u", route="r"),)
            ),
        ),
    ],
    ids=["written then guarded", "guarded then written", "gate", "reservation"],
)
async def test_what_one_writes_and_another_touches_are_apart_in_the_order_they_came(
    first: Append, second: Append
) -> None:
    assert await batches_of([first, second]) == [[first.stream], [second.stream]]


async def test_nobody_overtakes_whom_they_would_hold_up() -> None:
    guarded = command("b", "1", guards=(HeadIs(stream="a", seq=0),))
    assert await batches_of([command("a", "1"), guarded, command("b", "2")]) == [["a"], ["b"], ["b"]]


@pytest.mark.parametrize("poison", ["\0", "\x1f", ""], ids=["nul", "separator", "empty"])
async def test_a_command_that_cannot_be_written_fails_alone(
    postgres_ledger: Ledger, name: str, poison: str
) -> None:
    requests = [command(f"{name}/{n}", "one") for n in range(5)]
    requests.insert(2, command(f"{name}/bad", poison))
    answers = await asyncio.gather(*map(postgres_ledger.store.append, requests), return_exceptions=True)
    assert [isinstance(answer, Receipt) for answer in answers] == [True, True, False, True, True, True]
    assert len(await postgres_ledger.store.streams(f"{name}/")) == 5


async def test_lost_connections_cost_nobody_a_command(
    postgres_ledger: Ledger, module_database: Database, name: str
) -> None:
    admin = await asyncpg.connect(module_database.owner_dsn)
    acknowledged: list[str] = []
    writing = [
        asyncio.create_task(append_each(postgres_ledger, f"{name}/{n}", 30, acknowledged)) for n in range(20)
    ]
    lost = 0
    for least in range(0, 600, 20):  # only after progress, so that no command is out of patience by design
        while len(acknowledged) < least:
            await asyncio.wait(writing, timeout=0.005)
        lost += await admin.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE usename = 'xuanshu_app' AND datname = current_database() AND query ~ 'append_as_expected'"
        )
    await asyncio.gather(*writing)
    await admin.close()
    assert lost > 0
    for n in range(20):
        events = await postgres_ledger.store.load(f"{name}/{n}")
        assert [event.command_id for event in events] == [f"c{i}" for i in range(30)]


async def append_each(ledger: Ledger, stream: str, count: int, acknowledged: list[str]) -> None:
    head = Head()
    for n in range(count):
        head = (await ledger.store.append(command(stream, f"c{n}", head))).head
        acknowledged.append(stream)


async def test_a_server_that_stays_away_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flush, "RETRY_SECONDS", (0.01, 0.01))
    async with PostgresEventStore("postgresql://nobody@127.0.0.1:1/nowhere") as store:
        with pytest.raises(Unavailable, match="STORE_UNAVAILABLE"):
            await store.append(command("s", "one"))
        with pytest.raises(Unavailable, match="STORE_UNAVAILABLE"):
            await store.load("s")


async def test_a_caller_who_gave_up_holds_up_nobody(postgres_ledger: Ledger, name: str) -> None:
    gone = asyncio.create_task(postgres_ledger.store.append(command(f"{name}/gone", "one")))
    stays = asyncio.create_task(postgres_ledger.store.append(command(f"{name}/stays", "one")))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays).head.seq == 1
