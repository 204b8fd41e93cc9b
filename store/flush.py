"""Concurrent appends of one process go to Postgres together, in one transaction; each command stands or falls alone.

A flush takes what is waiting, the next one starts as soon as it returns, and no timer is involved. A request joins a
flush only if it neither reads nor writes what another one of the flush writes, so any order inside it is right; the
others wait for the next flush and are judged there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any

import asyncpg
import orjson

from schemas.canonical import Sealed, instant, plain
from schemas.errors import Conflict, EngineError, Integrity, Refused
from schemas.ledger import (
    Append,
    Claim,
    Effect,
    GateOpen,
    Head,
    Post,
    Receipt,
    Release,
    Reserve,
    SetGate,
    Unclaim,
)
from store.statements import away, server_is_away, statement

Connect = Callable[[], Awaitable[asyncpg.Connection]]
Key = tuple[str, ...]
_asked = itemgetter("stream", "expected", "known", "provenance", "guards", "effects")
_columns = itemgetter("ordinal", "type", "prev", "hash")

REQUESTS_MAX = 1024
RETRY_SECONDS = (0.02, 0.1, 0.3, 0.6, 1.0, 2.0)
_SEPARATOR = "\x1f"
_JOINT = _SEPARATOR.encode()
_LOST_A_RACE = ("40001", "40P01")


class Repeated(Exception):
    """The command id is in the log; its receipt is to be read."""


class Waiting:
    """A request in the queue, with what it reads and writes, and the promise of its answer.

    What a flush needs is taken out of the request at once, while it is at hand: among a thousand others it is far away
    by then. `receipt` is the answer if this is written.
    """

    __slots__ = (
        "answer",
        "behind",
        "command_id",
        "effects",
        "events",
        "gates",
        "heads",
        "is_known",
        "prev",
        "reads",
        "receipt",
        "request",
        "seq",
        "stream",
        "writes",
    )

    def __init__(self, request: Append, sealed: tuple[Sealed, ...], answer: asyncio.Future[Receipt]) -> None:
        self.request = request
        self.answer = answer
        self.stream, expected, known, provenance, guards, self.effects = _asked(vars(request))
        self.command_id = provenance.command_id
        self.seq, self.prev = seq, prev = expected.seq, expected.hash
        self.is_known = known is not None and (known.seq, known.hash) == (seq, prev)
        self.behind = None if self.is_known or known is None or not known.seq else known
        # Ordinal, type, previous hash, hash, body.
        self.events = [(*_columns(vars(event)), body) for event, body in sealed]
        self.gates: list[tuple[str, str]] = []
        self.heads: list[tuple[str, int]] = []
        self.reads: list[Key] = []
        for guard in guards:
            if isinstance(guard, GateOpen):
                self.gates.append((guard.gate, instant(guard.received_at)))
                self.reads.append(("gate", guard.gate))
            else:
                self.heads.append((guard.stream, guard.seq))
                self.reads.append(("stream", guard.stream))
        self.writes: list[Key] = [("stream", self.stream)]
        if self.effects:
            self.writes += filter(None, map(_write_key, self.effects))
        after = {"seq": seq + len(sealed), "hash": sealed[-1].event.hash if sealed else prev}
        self.receipt = Receipt.trusted(
            {
                "stream": self.stream,
                "command_id": self.command_id,
                "head": Head.trusted(after),
                "events": tuple([item.event for item in sealed]),
                "repeated": False,
            }
        )


class Flusher:
    """The queue of one process and the few connections on which it is flushed."""

    def __init__(self, connect: Connect, lanes: int = 1) -> None:
        self._queue: deque[Waiting] = deque()
        self._idle = [_Lane(connect) for _ in range(lanes)]
        self._starting = 0
        self._running: set[asyncio.Task[None]] = set()

    def submit(self, request: Append, sealed: tuple[Sealed, ...]) -> asyncio.Future[Receipt]:
        """Queue a request; its answer to come raises what `append` promises, and `Repeated`."""
        answer: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        waiting = Waiting(request, sealed, answer)
        self._queue.append(waiting)
        if self._idle:
            self._starting += 1
            task = asyncio.create_task(self._run(self._idle.pop()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return answer

    async def close(self) -> None:
        """Let the queue run dry, then let the connections go."""
        while self._running:
            await asyncio.wait(self._running)
        for lane in self._idle:
            await lane.close()

    async def _run(self, lane: _Lane) -> None:
        """Flush until nothing waits; what waits is shared out among the lanes that are about to take from it."""
        self._starting -= 1
        try:
            while self._queue:
                share = -(-len(self._queue) // (self._starting + 1))
                await lane.flush(take_batch(self._queue, min(share, REQUESTS_MAX)))
        finally:
            # At once, not when the task is seen to be done: what is submitted in between needs a lane.
            self._idle.append(lane)


class _Lane:
    """One connection, one flush at a time."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def flush(self, batch: list[Waiting]) -> None:
        """Write a batch and answer everyone in it."""
        try:
            accepted, refused = await self._patiently(batch)
        except (asyncpg.PostgresError, ValueError) as fault:
            await self._alone(batch, fault)
        except Exception as fault:  # noqa: BLE001 -- whatever it is belongs to the callers who wait, not to this task
            for waiting in batch:
                _fail(waiting, fault)
        else:
            _answer(batch, accepted, refused)

    async def _alone(self, batch: list[Waiting], fault: Exception) -> None:
        """Something in the batch cannot be written: find the command that is to blame by taking them one by one."""
        if len(batch) == 1:
            _fail(batch[0], fault)
            return
        for waiting in batch:
            await self.flush([waiting])

    async def _patiently(self, batch: list[Waiting]) -> tuple[list[bool], list[dict[str, Any]]]:
        """Write the batch, again if the outcome is unknown: each command id is looked up first, so never twice."""
        arguments = _arguments(batch)
        for pause in (*RETRY_SECONDS, None):
            try:
                return await self._write(arguments)
            except Exception as fault:
                lost_a_race = getattr(fault, "sqlstate", None) in _LOST_A_RACE
                if not lost_a_race and not server_is_away(fault):
                    raise
                if not lost_a_race:
                    self._drop_connection()
                if pause is None:
                    raise away(fault) from fault
                await asyncio.sleep(pause)
        raise AssertionError("the last pause is None")

    async def _write(self, arguments: list[str | bytes | None]) -> tuple[list[bool], list[dict[str, Any]]]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        (row,) = await self._connection.fetch(statement("append_as_expected"), *arguments)
        return row["accepted"], orjson.loads(row["refused"])

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def take_batch(queue: deque[Waiting], limit: int) -> list[Waiting]:
    """Take from the queue, in its order, the requests that do not touch each other; the others stay in front."""
    batch: list[Waiting] = []
    reads: set[Key] = set()
    writes: set[Key] = set()
    deferred: list[Waiting] = []
    while queue and len(batch) < limit:
        waiting = queue.popleft()
        touched = (
            not writes.isdisjoint(waiting.writes)
            or not writes.isdisjoint(waiting.reads)
            or not reads.isdisjoint(waiting.writes)
        )
        (deferred if touched else batch).append(waiting)
        # What waits is not overtaken by what touches it.
        reads.update(waiting.reads)
        writes.update(waiting.writes)
    queue.extendleft(reversed(deferred))
    batch.sort(key=attrgetter("stream"))  # code points, as `COLLATE "C"` sorts UTF-8
    return batch


def _answer(batch: list[Waiting], accepted: list[bool], refused: list[dict[str, Any]]) -> None:
    for waiting, written in zip(batch, accepted, strict=True):
        if written and not waiting.answer.done():
            waiting.answer.set_result(waiting.receipt)
    for facts in refused:
        waiting = batch[facts["request"] - 1]
        _fail(waiting, _error(waiting.request, facts))


def _fail(waiting: Waiting, fault: BaseException) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(fault)


def _error(request: Append, facts: dict[str, Any]) -> EngineError | Repeated:
    step = facts.get("step", "")
    match facts["reason"]:
        case "repeated":
            fault: EngineError | Repeated = Repeated()
        case "behind":
            fault = Integrity(
                "LOG_BEHIND", stream=request.stream, seq=request.known.seq if request.known else 0
            )
        case "moved":
            fault = Conflict("WRONG_EXPECTED_HEAD", stream=facts.get("stream", request.stream))
        case "reserved":
            fault = Refused("DUPLICATE_NOMINATION", existing=facts["existing"])
        case "paused":
            fault = Refused("CYCLE_PAUSED", step=step)
        case "round_paused":
            fault = Refused("ROUND_PAUSED", round=step)
        case "not_open":
            fault = Refused("STAGE_NOT_OPEN", step=step, opens_at=_moment(facts["opens_at"]))
        case "closed":
            fault = Refused("STAGE_CLOSED", step=step, closed_at=_moment(facts["closed_at"]))
        case _:
            raise AssertionError(f"append_batch gave an unknown reason: {facts}")
    return fault


def _moment(text: str | None) -> datetime | str:
    return datetime.fromisoformat(text) if text else ""


def _write_key(effect: Effect) -> Key | None:
    match effect:
        case SetGate():
            return ("gate", effect.gate.id)
        case Reserve() | Release():
            return ("reservation", effect.cycle, effect.subject)
        case Claim() | Unclaim():
            return ("claim", effect.cycle, effect.scope, str(effect.number))
        case Post():
            return None


def _arguments(batch: list[Waiting]) -> list[str | bytes | None]:
    """The arguments of `append_as_expected.sql`, in its order."""
    return [
        _names([waiting.stream for waiting in batch]),
        _names([waiting.command_id for waiting in batch]),
        _numbers([waiting.seq for waiting in batch]),
        _hashes([waiting.prev for waiting in batch]),
        _numbers([len(waiting.events) for waiting in batch]),
        "{" + ",".join(["t" if waiting.is_known else "f" for waiting in batch]) + "}",
        *_known_arguments(batch),
        *_event_arguments(batch),
        *_guard_arguments(batch),
        _effects(batch),
    ]


def _known_arguments(batch: list[Waiting]) -> list[str]:
    """Known heads further back than the expected ones, which alone need a look at the log."""
    knowns = [(n, waiting.behind) for n, waiting in enumerate(batch, start=1) if waiting.behind is not None]
    return [
        _numbers([number for number, _ in knowns]),
        _numbers([known.seq for _, known in knowns]),
        _hashes([known.hash for _, known in knowns]),
    ]


def _event_arguments(batch: list[Waiting]) -> list[str | bytes]:
    """What the requests themselves say of their events is left out where each has one."""
    if all(len(waiting.events) == 1 for waiting in batch):
        _, types, _, hashes, bodies = zip(*[waiting.events[0] for waiting in batch], strict=True)
        return ["{}", "{}", "", "", _names(types), _JOINT.join(bodies), "{}", _hashes(hashes)]
    owners = [(n, waiting) for n, waiting in enumerate(batch, start=1) for _ in waiting.events]
    events = [event for waiting in batch for event in waiting.events]
    ordinals, types, prevs, hashes, bodies = zip(*events, strict=True) if events else ((),) * 5
    return [
        _numbers([number for number, _ in owners]),
        _numbers(ordinals),
        _names([waiting.stream for _, waiting in owners]),
        _names([waiting.command_id for _, waiting in owners]),
        _names(types),
        _JOINT.join(bodies),
        _hashes(prevs),
        _hashes(hashes),
    ]


def _guard_arguments(batch: list[Waiting]) -> list[str]:
    gates = [(n, gate, at) for n, waiting in enumerate(batch, start=1) for gate, at in waiting.gates]
    heads = [(n, stream, seq) for n, waiting in enumerate(batch, start=1) for stream, seq in waiting.heads]
    return [
        _numbers([number for number, _, _ in gates]),
        _names([gate for _, gate, _ in gates]),
        "{" + ",".join([received_at for _, _, received_at in gates]) + "}",
        _numbers([number for number, _, _ in heads]),
        _names([stream for _, stream, _ in heads]),
        _numbers([seq for _, _, seq in heads]),
    ]


def _names(names: Sequence[str]) -> str:
    joined = _SEPARATOR.join(names)
    if "" in names or joined.count(_SEPARATOR) != max(len(names) - 1, 0):
        raise ValueError("a stream, a command id, a type or a gate is empty or holds U+001F")
    return joined


def _numbers(numbers: Sequence[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


def _hashes(hashes: Sequence[str]) -> str:
    return '{"\\\\x' + '","\\\\x'.join(hashes) + '"}' if hashes else "{}"


def _effects(batch: list[Waiting]) -> str | None:
    """Effects by table, as JSON; None if there are none, so that their statements are not run."""
    tables: dict[str, dict[Key, dict[str, Any]]] = {}
    for number, waiting in enumerate(batch, start=1):
        for n, effect in enumerate(waiting.effects):
            table, key, row = _effect_row(effect)
            tables.setdefault(table, {})[str(number), *key] = row | {"request": number, "n": n}
    if not tables:
        return None
    return orjson.dumps({table: list(rows.values()) for table, rows in tables.items()}).decode()


def _effect_row(effect: Effect) -> tuple[str, Key, dict[str, Any]]:
    """The table, the key (the last effect on one row counts), and the row."""
    match effect:
        case SetGate():
            return "gates", (effect.gate.id,), effect.gate.model_dump()
        case Reserve():
            return "reserve", (effect.cycle, effect.subject), effect.model_dump()
        case Release():
            return "release", (effect.cycle, effect.subject), effect.model_dump()
        case Claim() | Unclaim():
            return effect.kind, (effect.cycle, effect.scope, str(effect.number)), effect.model_dump()
        case Post():
            return "posts", (effect.id,), effect.model_dump() | {"payload": plain(effect.payload)}
