"""Papers handed in at the same time go to Postgres together, one transaction a ballot and day; each stands by itself.

A flush takes what is waiting, at most one paper a voter, and the next one starts as soon as it returns.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from operator import attrgetter
from typing import Any

import asyncpg
import msgspec
import orjson
from asyncpg.pgproto.pgproto import UUID  # asyncpg's own takes half the time of the standard library's

from schemas.errors import Conflict, EngineError, Refused, Unavailable
from schemas.traces import NO_TRACE, PaperTrace, Traced, milliseconds, packed
from store.ballots.lane import Connect, Lane
from store.ballots.paper import (
    PaperReceipt,
    Place,
    candidates_of,
    channel_of,
    day_begin,
    day_date,
    leaf_head,
    receipt_id,
    split_row,
)
from store.ballots.rules import Opened
from store.statements import statement

PAPERS_MAX = 5000
UNDER_WAY_MAX = timedelta(minutes=2)
"""Longer than a paper may be on its way into the box: until then nobody can say that one is not in it."""
_HOPE_AFTER = 8
_SLOTS = [slot.to_bytes(1, "big").hex() for slot in range(256)]

Outcome = PaperReceipt | EngineError


class Answers:
    """The outcomes of papers that were handed in together, and the promise of all of them."""

    __slots__ = ("missing", "outcomes", "whole")

    def __init__(self, outcomes: list[Outcome | None], missing: int, loop: asyncio.AbstractEventLoop) -> None:
        self.outcomes = outcomes
        self.missing = missing
        self.whole: asyncio.Future[None] = loop.create_future()

    def give(self, number: int, outcome: Outcome) -> None:
        """Keep one outcome; the last one keeps the promise."""
        self.outcomes[number] = outcome
        self.missing -= 1
        if not self.missing and not self.whole.done():
            self.whole.set_result(None)


class Waiting(msgspec.Struct, gc=False):
    """A paper in the queue as its record, and where its outcome goes: to a future of its own, or to one place of many.

    The record is voter (16 bytes), paper (18), number of choices (1), and choices, filled up.
    """

    record: bytes
    received_at: datetime
    answers: Answers | asyncio.Future[Outcome]
    number: int = 0
    trace: PaperTrace = NO_TRACE

    def give(self, outcome: Outcome) -> None:
        """Tell the outcome, unless it has been told or whoever waited for it has left."""
        answers = self.answers
        if isinstance(answers, Answers):
            if answers.outcomes[self.number] is None:
                answers.give(self.number, outcome)
        elif not answers.done():
            answers.set_result(outcome)

    @property
    def voter(self) -> bytes:
        return self.record[:16]

    @property
    def paper(self) -> bytes:
        return self.record[16:34]

    @property
    def choices(self) -> bytes:
        record = self.record
        return record[35 : 35 + 2 * record[34]]


class Sheet:
    """The papers that wait for one ballot and day; `number` is None until a flush has asked for it.

    On a sheet that is `over` papers are looked for, and none is taken.
    """

    def __init__(self, ballot: Opened, day: int, *, over: bool = False) -> None:
        self.ballot = ballot
        self.day = day
        self.over = over
        self.queue: deque[Waiting] = deque()
        self.fresh_in_a_row = _HOPE_AFTER  # flushes of first papers only
        self._name = ballot.rules.ballot
        self._head = leaf_head(ballot.rules_hash, day)
        self.find()

    def find(self) -> None:
        """Take over the day's number, if the ballot knows it; every receipt of the day begins with it."""
        self.number = self.ballot.sheets.get(self.day)
        self._number = "" if self.number is None else self.number.to_bytes(2, "big").hex()

    def take(self) -> list[Waiting]:
        """The next batch in the order in which it came, one paper a voter; a voter's others wait for the next."""
        queue = self.queue
        if len({waiting.record[:16] for waiting in islice(queue, PAPERS_MAX)}) == len(queue):
            self.queue = deque()
            return list(queue)
        batch: dict[bytes, Waiting] = {}
        later: list[Waiting] = []
        while queue and len(batch) < PAPERS_MAX:
            waiting = queue.popleft()
            if batch.setdefault(waiting.record[:16], waiting) is not waiting:
                later.append(waiting)
        queue.extendleft(reversed(later))
        return list(batch.values())

    def receipt(self, waiting: Waiting, slot: int) -> PaperReceipt:
        """The receipt of a paper that has just been put into the box."""
        record = waiting.record
        leaf = sha256(self._head + record[:34] + record[35 : 35 + 2 * record[34]]).hexdigest()
        return PaperReceipt(self._name, self._number + record[:16].hex() + _SLOTS[slot], leaf)


class Flusher:
    """The queues of one process and the few connections on which they are flushed."""

    def __init__(self, connect: Connect, lanes: int) -> None:
        self.refused: Counter[tuple[str, str]] = Counter()
        self._idle = [Lane(connect) for _ in range(lanes)]
        self._waiting: deque[Sheet] = deque()
        self._running: set[asyncio.Task[None]] = set()

    def add(self, sheet: Sheet, papers: Sequence[Waiting]) -> None:
        """Queue papers of one sheet; their answers come by themselves."""
        if not sheet.queue:
            self._waiting.append(sheet)
        sheet.queue.extend(papers)
        self._wake()

    async def settle(self) -> None:
        """Let the queues run dry and write down how many papers were refused."""
        self._wake()
        while self._running:
            await asyncio.wait(self._running)

    async def close(self) -> None:
        """Settle, then let the connections go."""
        await self.settle()
        for lane in self._idle:
            await lane.close()

    def _wake(self) -> None:
        if self._idle and (self._waiting or self.refused):
            task = asyncio.create_task(self._run(self._idle.pop()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, lane: Lane) -> None:
        try:
            while self._waiting or self.refused:
                while self._waiting:
                    sheet = self._waiting.popleft()
                    batch = sheet.take()
                    if sheet.queue:
                        self._waiting.append(sheet)
                    await _flush(self, lane, sheet, batch)
                await self._count_refused(lane)
        finally:
            # At once, not when the task is seen to be done: what is added in between needs a lane.
            self._idle.append(lane)

    async def _count_refused(self, lane: Lane) -> None:
        counted, self.refused = self.refused, Counter()
        for (ballot, code), number in counted.items():
            with suppress(Unavailable, asyncpg.PostgresError):  # a count, and no paper waits for it
                await lane.ask(statement("count_refusals"), ballot, [code], [number])


async def _flush(flusher: Flusher, lane: Lane, sheet: Sheet, batch: list[Waiting]) -> None:
    """Write a batch and answer everyone in it."""
    try:
        if sheet.number is None:
            await find_sheet(lane, sheet)
        if sheet.over:
            await _refuse(flusher, lane, sheet, batch, "NOT_THE_DAY", {"day": day_date(sheet.day)})
        else:
            await _judge(flusher, lane, sheet, batch)
    except Exception as fault:  # noqa: BLE001 -- whatever it is belongs to those who wait, not to this task
        known = fault if isinstance(fault, EngineError) else Unavailable("STORE_UNAVAILABLE", fault=fault)
        for waiting in batch:
            waiting.give(known)


async def find_sheet(lane: Lane, sheet: Sheet) -> None:
    """Ask for the day's sheet, which is made within the window."""
    sheets = sheet.ballot.sheets
    if sheet.day not in sheets:
        ((number,),) = await lane.ask(statement("open_sheet"), sheet.ballot.rules.ballot, day_date(sheet.day))
        if number is not None:
            sheets[sheet.day] = number
    sheet.find()


async def _judge(flusher: Flusher, lane: Lane, sheet: Sheet, batch: list[Waiting]) -> None:
    received = [waiting.received_at for waiting in batch]
    (row,) = await lane.ask(
        statement("cast_traced" if sheet.ballot.traced else "cast_papers"),
        sheet.ballot.rules.ballot,
        sheet.number,
        min(received),
        max(received),
        b"".join(sorted([waiting.record for waiting in batch])),  # whose first bytes are their voters
        sheet.fresh_in_a_row >= _HOPE_AFTER,
        *(_traces(sheet.ballot, batch) if sheet.ballot.traced else ()),
    )
    match row["outcome"]:
        case "FRESH":
            sheet.fresh_in_a_row += 1
            for waiting in batch:
                waiting.give(sheet.receipt(waiting, 0))
        case "JUDGED":
            sheet.fresh_in_a_row = 0
            takers = row["takers"]
            slots = {takers[at : at + 16]: takers[at + 16] for at in range(0, len(takers), 17)}
            for waiting in batch:
                if (slot := slots.get(waiting.voter)) is not None:
                    waiting.give(sheet.receipt(waiting, slot))
            if left := [one for one in batch if one.voter not in slots]:
                await _refuse(flusher, lane, sheet, left, "", {})
        case "WINDOW":
            for part in _cut(batch, orjson.loads(row["facts"])):
                await _judge(flusher, lane, sheet, part)
        case "NO_SHEET":
            raise Unavailable("STORE_UNAVAILABLE", fault="the ballot's window has just been moved")
        case code:
            await _refuse(flusher, lane, sheet, batch, code, orjson.loads(row["facts"]))


def _traces(ballot: Opened, batch: list[Waiting]) -> tuple[int, int, bytes]:
    """The first paper's milliseconds, how many papers there are, and their traces."""
    channels = ballot.rules.channels or ("",)
    traces = [
        Traced(
            received=milliseconds(waiting.received_at),
            voter=waiting.voter,
            paper=waiting.paper[:16],
            network=waiting.trace.network,
            device=waiting.trace.device,
            channel=channels[channel_of(waiting.choices)],
            choices=tuple(dict.fromkeys(candidates_of(waiting.choices))),
        )
        for waiting in sorted(batch, key=attrgetter("record"))
    ]
    return min(one.received for one in traces), len(traces), packed(traces)


def _cut(batch: list[Waiting], facts: dict[str, Any]) -> list[list[Waiting]]:
    """The batch reaches over the window's ends: its papers before, within and after it."""
    opens_at = datetime.fromisoformat(facts["opens_at"])
    closes_at = datetime.fromisoformat(facts["closes_at"]) if facts["closes_at"] else None
    parts: list[list[Waiting]] = [[], [], []]
    for waiting in batch:
        late = closes_at is not None and waiting.received_at >= closes_at
        parts[2 if late else waiting.received_at >= opens_at].append(waiting)
    return [part for part in parts if part]


async def _refuse(
    flusher: Flusher, lane: Lane, sheet: Sheet, batch: list[Waiting], code: str, facts: dict[str, Any]
) -> None:
    """Refuse papers with `code`, or for the limit that they would pass; but a paper that is there has its receipt."""
    ballot = sheet.ballot
    rows = await lane.ask(
        statement("held_papers"),
        ballot.rules.ballot,
        list(ballot.sheets.values()) if code and not sheet.over else [sheet.number],
        [UUID(waiting.voter) for waiting in batch],
    )
    held: dict[bytes, dict[int | None, asyncpg.Record]] = {}
    for row in rows:
        held.setdefault(row["voter"].bytes, {})[row["sheet"]] = row
    for waiting in batch:
        days = held.get(waiting.voter, {})
        total = days.pop(None)["choices"] if None in days else b""
        outcome = kept(ballot, waiting, days)
        if outcome is None:
            today = days[sheet.number]["choices"] if sheet.number in days else b""
            if sheet.over and timedelta() <= waiting.received_at - day_begin(sheet.day + 1) < UNDER_WAY_MAX:
                waiting.give(Unavailable("DAY_ENDING", day=day_date(sheet.day)))
                continue
            reason = code or ballot.over_a_limit(today, total, waiting.choices)
            flusher.refused[ballot.rules.ballot, reason] += 1
            outcome = Refused(reason, **ballot.facts | facts)
        waiting.give(outcome)


def kept(ballot: Opened, waiting: Waiting, days: Mapping[int | None, asyncpg.Record]) -> Outcome | None:
    """From the voter's rows by sheet, the outcome of a paper whose id is in the box already."""
    for day, number in ballot.sheets.items():
        if number in days:
            row = days[number]
            for slot, (paper, choices) in enumerate(split_row(row["papers"], row["choices"])):
                if paper[:16] == waiting.paper[:16]:
                    if choices != waiting.choices:
                        return Conflict("KEY_REUSED", command_id=paper[:16].hex())
                    head = leaf_head(ballot.rules_hash, day)
                    leaf = sha256(head + waiting.voter + paper + choices).hexdigest()
                    place = Place(number, waiting.voter, slot)
                    return PaperReceipt(ballot.rules.ballot, receipt_id(place), leaf, repeated=True)
    return None
