"""Every decision of rehearsed cycles taken again, beside reading the same rows: of one cycle, and of ten."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from statistics import median

import asyncpg

from activities.retaking import Retaker, Tally
from bench.appends import COLUMNS
from bench.figures import Figure, compared
from bench.verifying import drain
from cli.audit.reading import in_order
from cli.rehearse.conductor import BEGINS, Conductor
from cli.rehearse.family import turns
from cli.rehearse.party import invent
from runtime.settings import CHECKOUT
from schemas.canonical import seal
from schemas.ledger import Append, Receipt
from store.memory import MemoryEventStore
from store.postgres import PostgresEventStore

PROGRAMME = CHECKOUT / "programmes" / "sichuan-craftsman" / "1.yaml"
CYCLES = (1, 10)
ROUNDS = 3
DRAIN = "draining the same rows with asyncpg in pages"


class _Remembering(MemoryEventStore):
    """Keeps the rows of what is appended, in their order, and the documents, to be copied elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[object, ...]] = []
        self.documents: list[tuple[bytes, str, bytes]] = []

    async def append(self, request: Append) -> Receipt:
        receipt = await super().append(request)
        if not receipt.repeated:
            for item in seal(request):
                event = item.event
                hashes = bytes.fromhex(event.prev), bytes.fromhex(event.hash)
                place = (event.seq, event.ordinal, event.stream, event.command_id, event.type)
                self.rows.append((*place, item.body, *hashes))
        return receipt

    async def put_document(self, kind: str, content: bytes) -> str:
        pinned = await super().put_document(kind, content)
        self.documents.append((bytes.fromhex(pinned), kind, content))
        return pinned


async def figures(owners: Sequence[str], auditors: Sequence[str]) -> list[Figure]:
    """One cycle and ten, each in an empty migrated database."""
    rates: list[tuple[list[float], list[float]]] = []
    counts: list[Tally] = []
    for cycles, owner, auditor in zip(CYCLES, owners, auditors, strict=True):
        await _copy(owner, await _rehearsed(cycles))
        taken, drained = [], []
        for _ in range(ROUNDS):
            drained.append(await _drained(auditor))
            rate, tally = await _retaken(auditor)
            taken.append(rate)
        rates.append((taken, drained))
        counts.append(tally)
    small, large = rates
    seconds = [tally.events / median(rate[0]) for tally, rate in zip(counts, rates, strict=True)]
    decisions = sum(counts[1].retaken.values())
    return [
        compared("audit_replay", f"events/s, {decisions} decisions", large[0], DRAIN, large[1]),
        compared("audit_replay_tenth", "events/s", small[0], DRAIN, small[1]),
        Figure(
            "audit_replay_growth",
            round(seconds[1], 2),
            f"s for {counts[1].events} events",
            f"{counts[0].events} events in {seconds[0]:.2f} s",
            round(seconds[0], 2),
            round(seconds[1] / seconds[0], 2),
        ),
    ]


async def _rehearsed(cycles: int) -> _Remembering:
    """Cycles of one programme one after the other, with other people's luck in each."""
    store = _Remembering()
    (turn,) = turns(PROGRAMME, BEGINS)
    programme, units = turn.opened.programme, turn.opened.units
    for n in range(1, cycles + 1):
        party = invent(programme, units, units=12, nominations=48, seed=n)
        await Conductor(store, party, f"{BEGINS.year - 1}-{n:02}").run()
    return store


async def _copy(owner: str, store: _Remembering) -> None:
    connection = await asyncpg.connect(owner)
    copy = connection.copy_records_to_table
    await copy("event", schema_name="ledger", columns=COLUMNS, records=store.rows)
    leaves = [(n, row[2], row[0]) for n, row in enumerate(store.rows)]
    await copy("leaf", schema_name="ledger", records=leaves)
    await copy("document", schema_name="ledger", records=dict.fromkeys(store.documents))
    await connection.execute(
        "INSERT INTO ledger.stream_head SELECT DISTINCT ON (stream) stream, seq, hash FROM ledger.event"
        " ORDER BY stream, seq DESC"
    )
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def _retaken(dsn: str) -> tuple[float, Tally]:
    """Events a second through all decisions, none of which may differ; and how many there were."""
    tally = Tally()
    async with PostgresEventStore(dsn) as store:
        gc.collect()
        began = time.perf_counter()
        async for taken in Retaker(store).run(in_order(store)):
            assert taken.difference is None, taken.difference
            tally.add(taken)
        seconds = time.perf_counter() - began
    return tally.events / seconds, tally


async def _drained(dsn: str) -> float:
    connection = await asyncpg.connect(dsn)
    began = time.perf_counter()
    events = await drain(connection)
    seconds = time.perf_counter() - began
    await connection.close()
    return events / seconds
