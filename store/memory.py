"""The event store in memory, for tests and rehearsals without a database; one event loop, nothing durable."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import assert_never

from schemas import names
from schemas.canonical import Sealed, digest, seal
from schemas.errors import Conflict, EngineError, Integrity, Refused, Unavailable
from schemas.ledger import (
    Append,
    Claim,
    Effect,
    Gate,
    GateOpen,
    GateStatus,
    Head,
    HeadIs,
    Post,
    Receipt,
    RecordedEvent,
    Release,
    Reservation,
    Reserve,
    SetGate,
    Unclaim,
)
from store.chain import KeptEvent, as_receipt, open_chain, open_kept
from store.contract import NOTHING_KNOWN


class MemoryEventStore:
    """Lists and dicts behind the contract; appends are whole because nothing in them waits."""

    def __init__(self) -> None:
        self._kept: defaultdict[str, list[KeptEvent]] = defaultdict(list)
        self._commands: defaultdict[tuple[str, str], list[KeptEvent]] = defaultdict(list)
        self._order: list[KeptEvent] = []
        self._gates: dict[str, Gate] = {}
        self._reservations: defaultdict[str, dict[str, Reservation]] = defaultdict(dict)  # cycle → subject
        # The same by cycle and unit.
        self._in_unit: defaultdict[tuple[str, str], dict[str, Reservation]] = defaultdict(dict)
        self._claims: defaultdict[tuple[str, str], dict[int, str]] = defaultdict(
            dict
        )  # cycle, scope → number
        self._documents: dict[str, tuple[str, bytes]] = {}
        self._posts: dict[str, Post] = {}
        self._waiting: dict[str, Post] = {}  # of these, what is not delivered

    async def append(self, request: Append) -> Receipt:
        said = request.provenance
        if repeated := self._receipt(request.stream, said.command_id, said.payload_hash):
            return repeated
        sealed = seal(request)
        if fault := self._fault(request):
            raise fault
        self._write(request.stream, said.command_id, sealed)
        for effect in request.effects:
            self._apply(effect)
        events = tuple(item.event for item in sealed)
        head = Head(seq=events[-1].seq, hash=events[-1].hash) if events else request.expected
        return Receipt(stream=request.stream, command_id=said.command_id, head=head, events=events)

    async def receipt(self, stream: str, command_id: str, payload_hash: str) -> Receipt | None:
        return self._receipt(stream, command_id, payload_hash)

    async def load(self, stream: str, after: int = 0) -> tuple[RecordedEvent, ...]:
        return self._load(stream, after)

    async def load_many(
        self, streams: Sequence[str], known: Mapping[str, Head] = NOTHING_KNOWN
    ) -> dict[str, tuple[RecordedEvent, ...]]:
        return {stream: self._after(stream, known.get(stream, Head())) for stream in streams}

    async def heads(self, streams: Sequence[str]) -> dict[str, Head]:
        return {stream: self._head(stream) for stream in streams}

    async def streams(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(name for name, kept in self._kept.items() if kept and name.startswith(prefix)))

    async def gate(self, gate_id: str) -> Gate | None:
        return self._gates.get(gate_id)

    async def gates(self, cycle: str) -> tuple[Gate, ...]:
        return tuple(gate for _, gate in sorted(self._gates.items()) if gate.cycle == cycle)

    async def read_all(self, after_position: int, limit: int) -> tuple[RecordedEvent, ...]:
        page = self._order[after_position : after_position + limit]
        return tuple(open_kept(kept, after_position + n) for n, kept in enumerate(page, start=1))

    async def last_position(self) -> int:
        return len(self._order)

    async def wait_sequenced(self, stream: str, seq: int, timeout_seconds: float) -> int:
        for position, kept in enumerate(self._order, start=1):
            if (kept.stream, kept.seq) == (stream, seq):
                return position
        fault = f"{stream}@{seq} is not in the global order after {timeout_seconds} s"
        raise Unavailable("STORE_UNAVAILABLE", fault=fault)

    async def overdue(self, before: datetime) -> tuple[RecordedEvent, ...]:  # noqa: ARG002 -- the contract's
        return ()  # an append is in the order at once

    async def reservations(self, cycle: str, units: Sequence[str] | None = None) -> tuple[Reservation, ...]:
        held = (
            [self._reservations[cycle]]
            if units is None
            else [self._in_unit[cycle, unit] for unit in set(units) if (cycle, unit) in self._in_unit]
        )
        rows = (row for some in held for row in some.values())
        return tuple(sorted(rows, key=lambda row: row.nomination))

    async def title_streams(self, subjects: Sequence[str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for cycle, places in self._reservations.items():
            for subject in places.keys() & set(subjects):
                titles = await self.streams(names.title_stream(cycle, places[subject].nomination, ""))
                found.setdefault(subject, []).extend(titles)
        return {subject: tuple(sorted(streams)) for subject, streams in found.items() if streams}

    async def units_with_reservations(self, cycle: str) -> dict[str, int]:
        return dict(Counter(row.unit for row in await self.reservations(cycle)))

    async def claims(self, cycle: str, scope: str) -> dict[int, str]:
        return dict(sorted(self._claims[cycle, scope].items()))

    async def put_document(self, kind: str, content: bytes) -> str:
        content_hash = digest(content)
        self._documents.setdefault(content_hash, (kind, content))
        return content_hash

    async def document(self, content_hash: str) -> bytes:
        if content_hash not in self._documents:
            raise Refused("NOT_FOUND", what=f"document {content_hash}")
        return self._documents[content_hash][1]

    async def undelivered(self, cycle: str = "", sender: str = "", limit: int = 100) -> tuple[Post, ...]:
        waiting = [
            post
            for post in self._waiting.values()
            if cycle in ("", post.cycle) and sender in ("", post.sender)
        ]
        return tuple(waiting[:limit])

    async def mark_delivered(self, ids: Sequence[str]) -> None:
        for id in ids:
            self._waiting.pop(id, None)

    async def redeliver(self, ids: Sequence[str]) -> None:
        again = self._waiting.keys() | set(ids)
        self._waiting = {id: post for id, post in self._posts.items() if id in again}

    def _receipt(self, stream: str, command_id: str, payload_hash: str) -> Receipt | None:
        rows = self._commands.get((stream, command_id), [])
        return as_receipt(tuple(open_kept(kept) for kept in rows), payload_hash)

    def _load(self, stream: str, after: int) -> tuple[RecordedEvent, ...]:
        return tuple(event for event in self._after(stream, Head()) if event.seq > after)

    def _after(self, stream: str, known: Head) -> tuple[RecordedEvent, ...]:
        rows = self._kept.get(stream, [])[known.seq :]
        return open_chain(stream, known.seq, known.hash, rows, self._head(stream))

    def _head(self, stream: str) -> Head:
        kept = self._kept.get(stream)
        return Head(seq=kept[-1].seq, hash=kept[-1].hash) if kept else Head()

    def _fault(self, request: Append) -> EngineError | None:
        return (
            self._behind(request.stream, request.known)
            or self._moved(request.stream, request.expected)
            or next(filter(None, (self._gate_fault(guard) for guard in request.guards)), None)
            or next(filter(None, (self._head_fault(guard) for guard in request.guards)), None)
            or next(filter(None, (self._claim_fault(request.stream, one) for one in request.effects)), None)
            or next(filter(None, (self._reserve_fault(effect) for effect in request.effects)), None)
        )

    def _behind(self, stream: str, known: Head | None) -> Integrity | None:
        if known is None or known.seq == 0:
            return None
        kept = self._kept.get(stream, [])
        if known.seq <= len(kept) and kept[known.seq - 1].hash == known.hash:
            return None
        return Integrity("LOG_BEHIND", stream=stream, seq=known.seq)

    def _moved(self, stream: str, expected: Head) -> Conflict | None:
        return None if self._head(stream) == expected else Conflict("WRONG_EXPECTED_HEAD", stream=stream)

    def _head_fault(self, guard: GateOpen | HeadIs) -> Conflict | None:
        if isinstance(guard, GateOpen) or self._head(guard.stream).seq == guard.seq:
            return None
        return Conflict("WRONG_EXPECTED_HEAD", stream=guard.stream)

    def _gate_fault(self, guard: GateOpen | HeadIs) -> Refused | None:
        if isinstance(guard, HeadIs):
            return None
        gate = self._gates.get(guard.gate)
        if gate is None or gate.status is GateStatus.CLOSED:
            return Refused("STAGE_CLOSED", step=guard.gate, closed_at=(gate and gate.closes_at) or "")
        if self._paused(gate):
            return Refused("CYCLE_PAUSED", step=guard.gate)
        if gate.status is GateStatus.PAUSED:
            return Refused("ROUND_PAUSED", round=guard.gate)
        if gate.closes_at is not None and guard.received_at >= gate.closes_at:
            return Refused("STAGE_CLOSED", step=guard.gate, closed_at=gate.closes_at)
        if guard.received_at < gate.opens_at:
            return Refused("STAGE_NOT_OPEN", step=guard.gate, opens_at=gate.opens_at)
        return None

    def _paused(self, gate: Gate) -> bool:
        cycle = self._gates.get(f"cycle/{gate.cycle}")
        return cycle is not None and (cycle.status is GateStatus.PAUSED or gate.epoch < cycle.epoch)

    def _claim_fault(self, stream: str, effect: Effect) -> Conflict | None:
        if not isinstance(effect, Claim):
            return None
        holder = self._claims[effect.cycle, effect.scope].get(effect.number, effect.holder)
        return None if holder == effect.holder else Conflict("WRONG_EXPECTED_HEAD", stream=stream)

    def _reserve_fault(self, effect: Effect) -> Refused | None:
        if not isinstance(effect, Reserve):
            return None
        held = self._reservations[effect.cycle].get(effect.subject)
        if held is None or held.nomination == effect.nomination:
            return None
        return Refused("DUPLICATE_NOMINATION", existing=held.nomination)

    def _write(self, stream: str, command_id: str, sealed: tuple[Sealed, ...]) -> None:
        rows = [
            KeptEvent(stream, item.event.seq, item.body, item.event.prev, item.event.hash) for item in sealed
        ]
        self._kept[stream] += rows
        self._commands[stream, command_id] += rows
        self._order += rows

    def _apply(self, effect: Effect) -> None:
        match effect:
            case SetGate():
                self._gates[effect.gate.id] = effect.gate
            case Reserve():
                held = Reservation(
                    nomination=effect.nomination, subject=effect.subject, unit=effect.unit, route=effect.route
                )
                held = self._reservations[effect.cycle].setdefault(effect.subject, held)
                self._in_unit[effect.cycle, held.unit][effect.subject] = held
            case Release():
                if released := self._reservations[effect.cycle].pop(effect.subject, None):
                    del self._in_unit[effect.cycle, released.unit][effect.subject]
            case Claim():
                self._claims[effect.cycle, effect.scope][effect.number] = effect.holder
            case Unclaim():
                if self._claims[effect.cycle, effect.scope].get(effect.number) == effect.holder:
                    del self._claims[effect.cycle, effect.scope][effect.number]
            case Post():
                if effect.id not in self._posts:
                    self._posts[effect.id] = self._waiting[effect.id] = effect
            case _:
                assert_never(effect)
