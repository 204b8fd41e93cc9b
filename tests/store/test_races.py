"""Two who act at once on the same thing, 200 rounds each, from two processes' worth of connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from schemas.errors import Conflict, EngineError, Refused
from schemas.ledger import Append, GateOpen, GateStatus, HeadIs, Receipt, Reserve, SetGate
from store.postgres import PostgresEventStore
from tests.store.commands import NOON, command, gate
from tests.support.databases import Database

ROUNDS = 200
Stores = tuple[PostgresEventStore, PostgresEventStore]


@pytest.fixture
async def stores(database: Database) -> AsyncIterator[Stores]:
    """Two stores that share no connection and no queue."""
    async with PostgresEventStore(database.dsns.app) as one, PostgresEventStore(database.dsns.app) as other:
        yield one, other


async def at_once(
    stores: Stores, first: Append, second: Append, round_number: int
) -> list[Receipt | EngineError]:
    """Send both, each by its own store, in alternating order; the answers in the order of the arguments."""
    calls = [stores[0].append(first), stores[1].append(second)]
    if round_number % 2:
        answers = await asyncio.gather(*reversed(calls), return_exceptions=True)
        answers.reverse()
    else:
        answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if not isinstance(answer, Receipt | EngineError):
            raise answer
    return [answer for answer in answers if isinstance(answer, Receipt | EngineError)]


async def test_a_withdrawal_and_a_selection_never_both_stand_on_the_old_state(stores: Stores) -> None:
    selected = withdrawn = 0
    for n in range(ROUNDS):
        member, chooser = f"nomination/{n}", f"round/{n}"
        head = (await stores[0].append(command(member, "submit"))).head
        select = command(chooser, "select", guards=(HeadIs(stream=member, seq=head.seq),))
        withdraw = command(member, "withdraw", head, guards=(HeadIs(stream=chooser, seq=0),))
        answers = await at_once(stores, select, withdraw, n)
        written = [isinstance(answer, Receipt) for answer in answers]
        assert sum(written) == 1, "one of the two, and never neither"
        (loser,) = [answer for answer in answers if isinstance(answer, EngineError)]
        assert isinstance(loser, Conflict)
        assert loser.code == "WRONG_EXPECTED_HEAD"
        selected, withdrawn = selected + written[0], withdrawn + written[1]
    assert selected + withdrawn == ROUNDS


async def test_what_gets_through_a_closing_gate_is_seen_by_whoever_closed_it(stores: Stores) -> None:
    through = 0
    for n in range(ROUNDS):
        window = f"publicity/{n}"
        opened = await stores[0].append(command(window, "open", effects=(SetGate(gate=gate(window)),)))
        shut = SetGate(gate=gate(window, GateStatus.CLOSED))
        object_ = command(f"objection/{n}", "object", guards=(GateOpen(gate=window, received_at=NOON),))

        async def close_and_look(close: Append, objection: str) -> tuple[Receipt, int]:
            receipt = await stores[1].append(close)
            return receipt, len(await stores[1].load(objection))

        close = command(window, "close", opened.head, effects=(shut,))
        answer, (_, seen) = await asyncio.gather(
            refusal_of(stores[0], object_), close_and_look(close, object_.stream)
        )
        accepted = answer == ""
        assert answer in ("", "STAGE_CLOSED")
        assert seen == accepted, "counted at the closing, all of them and no other"
        through += accepted
    assert len(await stores[0].streams("objection/")) == through


async def refusal_of(store: PostgresEventStore, request: Append) -> str:
    """The code with which a command is refused; empty if it is not."""
    try:
        await store.append(request)
    except Refused as refused:
        return refused.code
    return ""


async def test_of_two_nominations_of_a_subject_one_is_written(stores: Stores) -> None:
    for n in range(ROUNDS):
        reserves = [
            Reserve(cycle="c1", subject=f"s{n}", nomination=f"{side}{n}", unit="u", route="territory")
            for side in ("a", "b")
        ]
        first, second = (command(f"n/{held.nomination}", "one", effects=(held,)) for held in reserves)
        answers = await at_once(stores, first, second, n)
        (loser,) = [answer for answer in answers if isinstance(answer, EngineError)]
        (winner,) = [answer for answer in answers if isinstance(answer, Receipt)]
        assert loser.code == "DUPLICATE_NOMINATION"
        assert winner.stream == f"n/{loser.facts['existing']}"
    assert len(await stores[0].reservations("c1")) == ROUNDS


async def test_rounds_that_guard_each_others_streams_do_not_deadlock(stores: Stores) -> None:
    names = [f"stream/{n}" for n in range(6)]
    for n in range(ROUNDS // 10):
        heads = await stores[0].heads(names)
        requests = [
            command(
                stream,
                f"{stream}/{n}",
                heads[stream],
                guards=tuple(
                    HeadIs(stream=other, seq=heads[other].seq) for other in names if other != stream
                ),
            )
            for stream in names
        ]
        calls = [stores[i % 2].append(request) for i, request in enumerate(requests)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(answer, Receipt) for answer in answers].count(True) == 1
        assert all(isinstance(answer, Receipt | Conflict) for answer in answers)
