"""Verifying and replaying a log beside reading it, and what its proof costs those who append: `make -s bench-audit`.

The large log is a million events (ARGS="--events 200000" for fewer) in streams of fifty, the small one a tenth of it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from statistics import median
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg
import orjson
import uvloop

from bench import replaying
from bench.appends import COLUMNS, EVENT, _open_gate, _provenance, _through_the_store
from bench.figures import Figure, compared, show
from bench.verifying import drain, verify
from proof.note import SigningKey
from runtime.garbage import collect_seldom
from runtime.settings import Settings
from runtime.stack import Stack, embedded_stack
from schemas.canonical import seal
from schemas.ledger import GENESIS, Append, Head
from store.checkpoints import SIGN_EVERY_SECONDS, CheckpointSigner
from store.migrations import RoleDsns, RolePasswords, migrate, role_dsns
from store.pausing import pause
from store.postgres import PostgresEventStore
from store.sequencer import Sequencer

EVENTS = 1_000_000
EACH = 50  # events a stream
CHECKPOINTS = 20
ROUNDS = 3
APPEND_ROUNDS = 15
PASSWORDS = RolePasswords.all_alike(uuid4().hex)  # roles are the server's, not a database's
KEY = SigningKey("bench.example/log", bytes(32))
DRAIN = "draining the same rows with asyncpg in pages"
PARTS = ("verify", "replay", "append")


class Log(NamedTuple):
    """A database with so many events in their order, signed."""

    owner: str
    dsns: RoleDsns
    events: int


async def measure(only: str, events: int) -> AsyncIterator[list[Figure]]:
    """One part, or all, on servers of its own."""
    async with embedded_stack(Settings(), ephemeral=True) as stack:
        if only in ("", "append"):
            yield await _appends(await _empty(stack, "appends"))
        if only in ("", "replay"):
            small, large = await _empty(stack, "replayed"), await _empty(stack, "replayed_more")
            yield await replaying.figures(
                (small.owner, large.owner), (small.dsns.auditor, large.dsns.auditor)
            )
        if only in ("", "verify"):
            yield await _verifying(stack, events)


# ---- logs ----


async def _empty(stack: Stack, name: str) -> Log:
    await stack.postgres.ensure_database(f"measured_{name}")
    dsn = stack.postgres.dsn(f"measured_{name}")
    await asyncio.to_thread(migrate, dsn, PASSWORDS)
    return Log(dsn, role_dsns(dsn, PASSWORDS), 0)


async def _filled(log: Log, events: int) -> Log:
    """Events by COPY in the order of their positions, streams in turn; a checkpoint at every twentieth of them."""
    connection = await asyncpg.connect(log.owner)
    signer = CheckpointSigner(log.dsns.sequencer, KEY)
    leaves: list[tuple[int, str, int]] = []
    for first in range(0, events, events // CHECKPOINTS):
        rows = list(_rows(first, events // CHECKPOINTS))
        await connection.copy_records_to_table("event", schema_name="ledger", columns=COLUMNS, records=rows)
        leaves = [(first + n, row[2], row[0]) for n, row in enumerate(rows)]
        await connection.copy_records_to_table("leaf", schema_name="ledger", records=leaves)
        await signer.step()
    await signer.close()
    await connection.execute(
        "INSERT INTO ledger.stream_head SELECT DISTINCT ON (stream) stream, seq, hash FROM ledger.event"
        " ORDER BY stream, seq DESC"
    )
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    return log._replace(events=events)


def _rows(first: int, count: int) -> Iterator[tuple[Any, ...]]:
    """Rows of events like those that the appends are measured with, made quickly; each block has streams of its own."""
    (item,) = seal(
        Append(stream="nomination/x", expected=Head(), provenance=_provenance("x"), events=(EVENT,))
    )
    body = orjson.loads(item.body)
    heads = {f"nomination/bench.1/{first + n:08}": bytes.fromhex(GENESIS) for n in range(count // EACH)}
    for seq in range(1, EACH + 1):
        for stream, prev in heads.items():
            command = f"{stream}/{seq}"
            placed = body | {"stream": stream, "seq": seq, "cmd": command, "prev": prev.hex()}
            kept = orjson.dumps(placed, option=orjson.OPT_SORT_KEYS)
            heads[stream] = sha256(b"\x00" + kept).digest()
            yield (seq, 0, stream, command, EVENT.type, kept, prev, heads[stream])


# ---- verifying ----


async def _verifying(stack: Stack, events: int) -> list[Figure]:
    """Both sizes: rates beside the drain, seconds beside each other, memory of processes of their own."""
    small = await _filled(await _empty(stack, "small"), events // 10)
    large = await _filled(await _empty(stack, "large"), events)
    runs = {log.events: await _runs(log) for log in (small, large)}
    found = [
        compared(
            f"audit_verify{suffix}",
            "events/s",
            [log.events / run.seconds for run in runs[log.events][0]],
            DRAIN,
            [log.events / run.seconds for run in runs[log.events][1]],
        )
        for log, suffix in ((large, ""), (small, "_tenth"))
    ]
    worked = [median(run.worked for run in runs[log.events][0]) for log in (large, small)]
    found.append(_beside("audit_verify_growth", worked, f"s of processor time, {large.events} events", small))
    peaks = [await _peak_mb(log) for log in (large, small)]
    found.append(_beside("verify_rss_mb", peaks, f"MB at most, {large.events} events", small))
    return found


def _beside(figure: str, values: Sequence[float], unit: str, small: Log) -> Figure:
    """The large log's value beside the small one's."""
    value, beside = values
    ratio = round(value / beside, 2)
    return Figure(figure, round(value, 2), unit, f"{small.events} events", round(beside, 2), ratio)


class _Run(NamedTuple):
    """How long it took, and how much of that this process worked, in seconds."""

    seconds: float
    worked: float


async def _runs(log: Log) -> tuple[list[_Run], list[_Run]]:
    """Verified and only read, in turn."""
    verified, drained = [], []
    for _ in range(ROUNDS):
        drained.append(await _run(log, drain))
        verified.append(await _run(log, partial(verify, key=KEY.verifier)))
    return verified, drained


async def _run(log: Log, work: Callable[[asyncpg.Connection], Awaitable[int]]) -> _Run:
    connection = await asyncpg.connect(log.dsns.auditor)
    gc.collect()
    began, worked = time.perf_counter(), time.process_time()
    done = await work(connection)
    run = _Run(time.perf_counter() - began, time.process_time() - worked)
    await connection.close()
    assert done == log.events, (done, log.events)
    return run


async def _peak_mb(log: Log) -> int:
    """The most memory that a process of its own took to verify that log."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.verifying",
        log.dsns.auditor,
        str(KEY.verifier),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    return int(json.loads(said)["peak_mb"])


# ---- appending ----


async def _appends(log: Log) -> list[Figure]:
    """64 callers, with one sequencer and one signer in the same process as in a worker, and with neither."""
    proven, plain = [], []
    sequencer, signer = Sequencer(log.dsns.sequencer), CheckpointSigner(log.dsns.sequencer, KEY)
    async with PostgresEventStore(log.dsns.app) as store:
        await _open_gate(store)
        await _through_the_store(store, callers=64, each=50)
        await _caught_up(sequencer, signer)
        for _ in range(APPEND_ROUNDS):
            plain.append(await _through_the_store(store, callers=64, each=400))
            await _caught_up(sequencer, signer)
            stop = asyncio.Event()
            tasks = [asyncio.create_task(one) for one in (sequencer.run(stop), _signing(signer, stop))]
            proven.append(await _through_the_store(store, callers=64, each=400))
            stop.set()
            await asyncio.gather(*tasks)
            await _caught_up(sequencer, signer)
    await sequencer.close()
    await signer.close()
    beside = "the same with no sequencer and no signer; events are hashed and chained in both"
    return [compared("append_proof_cost", "appends/s", proven, beside, plain)]


async def _signing(signer: CheckpointSigner, stop: asyncio.Event) -> None:
    """Five times as often as a worker does, or a round of a second or two would end before anything is signed."""
    while not stop.is_set():
        await signer.step()
        await pause(stop, SIGN_EVERY_SECONDS / 5)


async def _caught_up(sequencer: Sequencer, signer: CheckpointSigner) -> None:
    while await sequencer.step():
        pass
    await signer.step()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.audit", description=__doc__)
    parser.add_argument("--only", choices=PARTS, default="", help="one part instead of all")
    parser.add_argument("--events", type=int, default=EVENTS, help="of the large log; a multiple of 10,000")
    options = parser.parse_args()
    collect_seldom()  # as the program does
    uvloop.run(show(measure(options.only, options.events)))


if __name__ == "__main__":
    main()
