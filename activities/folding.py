"""Streams folded into states, and kept folded: only what is new is read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from domain import authority, nomination, person, points, register, title
from domain import cycle as cycles
from domain import round as rounds
from schemas.errors import Integrity
from schemas.events import read
from schemas.ledger import Head, RecordedEvent
from store.contract import EventStore

S = TypeVar("S")
Fold = Callable[[S, RecordedEvent], S]


def fold_cycle(state: cycles.State, recorded: RecordedEvent) -> cycles.State:
    return cycles.evolve(state, read(recorded), recorded.at, recorded.actor.id)


def fold_authority(state: authority.State, recorded: RecordedEvent) -> authority.State:
    return authority.evolve(state, read(recorded))


def fold_nomination(state: nomination.State, recorded: RecordedEvent) -> nomination.State:
    return nomination.evolve(state, read(recorded), recorded.actor.id, recorded.subject, recorded.command_id)


def fold_title(state: title.State, recorded: RecordedEvent) -> title.State:
    return title.evolve(state, read(recorded), recorded.actor.id, recorded.subject, recorded.command_id)


def fold_round(state: rounds.State, recorded: RecordedEvent) -> rounds.State:
    return rounds.evolve(state, read(recorded), recorded.at, recorded.actor.id, recorded.stream)


def fold_points(state: points.State, recorded: RecordedEvent) -> points.State:
    return points.evolve(state, read(recorded))


def fold_register(state: register.State, recorded: RecordedEvent) -> register.State:
    return register.evolve(state, read(recorded), recorded.subject)


def fold_person(state: person.State, recorded: RecordedEvent) -> person.State:
    return person.evolve(state, read(recorded), recorded.actor.id, recorded.command_id)


@dataclass(frozen=True, slots=True)
class Folded(Generic[S]):
    """A state, the head that it was folded up to, and the rules in force after its last event."""

    state: S
    head: Head = field(default_factory=Head)
    rules: str = ""

    def add(self, fold: Fold[S], events: Iterable[RecordedEvent]) -> Folded[S]:
        folded = self
        for event in events:
            state = fold(folded.state, event)
            rules = getattr(state, "rules", "") or event.rules
            folded = Folded(state, Head.trusted({"seq": event.seq, "hash": event.hash}), rules)
        return folded


class States(Generic[S]):
    """The states of one kind of stream. A stream that lost its tail is noticed by the append's guard: `forget` it."""

    def __init__(self, store: EventStore, fold: Fold[S], initial: S, keep: int = 2000) -> None:
        self._store = store
        self._fold = fold
        self._unread = Folded(initial)
        self._keep = keep
        self._kept: dict[str, Folded[S]] = {}

    async def get(self, stream: str) -> Folded[S]:
        """The stream as the log has it now."""
        return (await self.get_many([stream]))[stream]

    async def get_many(self, streams: Sequence[str]) -> dict[str, Folded[S]]:
        """These streams as of one moment; only what is new is read."""
        return await together(self._store, dict.fromkeys(streams, self)) if streams else {}

    def add(self, stream: str, kept: Folded[S], events: Sequence[RecordedEvent]) -> Folded[S]:
        """Keep what a stream is with these events, which follow on what was kept of it."""
        return self._keep_one(stream, kept.add(self._fold, events) if events else kept)

    def put(self, stream: str, events: Sequence[RecordedEvent]) -> None:
        """After an append: what was just written is folded without reading it back, if nothing lies between."""
        kept = self.kept(stream)
        fresh = [event for event in events if event.seq > kept.head.seq]
        if fresh and fresh[0].seq == kept.head.seq + 1:
            self.add(stream, kept, fresh)

    def kept(self, stream: str) -> Folded[S]:
        """The stream as far as it is folded here, without asking the store."""
        return self._kept.get(stream, self._unread)

    def put_back(self, stream: str, folded: Folded[S]) -> None:
        """The stream as it was folded at another time."""
        self._keep_one(stream, folded)

    def forget(self, stream: str) -> None:
        self._kept.pop(stream, None)

    def _keep_one(self, stream: str, folded: Folded[S]) -> Folded[S]:
        self._kept.pop(stream, None)  # the latest used are the last to go
        self._kept[stream] = folded
        while len(self._kept) > self._keep:
            self._kept.pop(next(iter(self._kept)))
        return folded


async def together(store: EventStore, wanted: Mapping[str, States[Any]]) -> dict[str, Folded[Any]]:
    """Streams of any kinds as of one moment, by one question to the log; Integrity LOG_BROKEN."""
    kept = {stream: states.kept(stream) for stream, states in wanted.items()}
    try:
        fresh = await store.load_many(list(kept), {stream: folded.head for stream, folded in kept.items()})
    except Integrity:  # the log lost a tail that is folded here and went on from before it; or it is broken
        for stream, states in wanted.items():
            states.forget(stream)
            kept[stream] = states.kept(stream)
        fresh = await store.load_many(list(kept))
    return {stream: states.add(stream, kept[stream], fresh[stream]) for stream, states in wanted.items()}
