"""A log told again, event by event: heads and the rows beside events as they stood at every place; writes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from schemas import names
from schemas.errors import EngineError
from schemas.ledger import Effect, Guard, Head, Post, RecordedEvent, Release, Reserve
from store.contract import NOTHING_KNOWN, EventStore
from store.memory import MemoryEventStore

_NO_HEAD = Head()


class Retelling(MemoryEventStore):
    """The store that a decider reads while a log is told again: all that was told so far, and no more.

    Events themselves stay in `source`, and are read there if they are asked for again.
    """

    def __init__(self, source: EventStore) -> None:
        super().__init__()
        self._source = source
        self._heads: dict[str, Head] = {}
        self._titles: defaultdict[str, list[str]] = defaultdict(list)  # by the nomination's stream
        self._places: defaultdict[str, dict[str, str]] = defaultdict(dict)  # subject → cycle → nomination

    def tell(self, events: Sequence[RecordedEvent], effects: Iterable[Effect]) -> None:
        """One command's events are in the log, with what was written beside them."""
        last = events[-1]
        if last.stream not in self._heads and names.kind_of(last.stream) == "title":
            self._titles[last.stream.rpartition("/")[0]].append(last.stream)
        self._heads[last.stream] = Head.trusted({"seq": last.seq, "hash": last.hash})
        for effect in effects:
            self._apply(effect)

    def stand(self, stream: str, head: Head) -> None:
        """As if the stream had got no further than this head."""
        self._heads[stream] = head

    def fault(self, stream: str, guards: Iterable[Guard], effects: Iterable[Effect]) -> EngineError | None:
        """The first guard or place that would have kept a decision from being written here."""
        for guard in guards:
            if fault := self._gate_fault(guard) or self._head_fault(guard):
                return fault
        for effect in effects:
            if refused := self._claim_fault(stream, effect) or self._reserve_fault(effect):
                return refused
        return None

    def post(self, id: str) -> Post | None:
        """A message that a decision sent."""
        return self._posts.get(id)

    async def load(self, stream: str, after: int = 0) -> tuple[RecordedEvent, ...]:
        head = self._head(stream)
        if head.seq <= after:
            return ()
        return tuple(event for event in await self._source.load(stream, after) if event.seq <= head.seq)

    async def load_many(
        self, streams: Sequence[str], known: Mapping[str, Head] = NOTHING_KNOWN
    ) -> dict[str, tuple[RecordedEvent, ...]]:
        after = {stream: known.get(stream, _NO_HEAD).seq for stream in streams}
        return {
            stream: await self.load(stream, seq) if self._head(stream).seq > seq else ()
            for stream, seq in after.items()
        }

    async def streams(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(name for name in self._heads if name.startswith(prefix)))

    async def document(self, content_hash: str) -> bytes:
        return await self._source.document(content_hash)

    async def title_streams(self, subjects: Sequence[str]) -> dict[str, tuple[str, ...]]:
        found = {
            subject: sorted(
                stream
                for cycle, nomination in self._places.get(subject, {}).items()
                for stream in self._titles.get(names.title_stream(cycle, nomination, "")[:-1], ())
            )
            for subject in subjects
        }
        return {subject: tuple(streams) for subject, streams in found.items() if streams}

    def _head(self, stream: str) -> Head:
        return self._heads.get(stream, _NO_HEAD)

    def _apply(self, effect: Effect) -> None:
        super()._apply(effect)
        if isinstance(effect, Reserve):
            self._places[effect.subject].setdefault(effect.cycle, effect.nomination)
        elif isinstance(effect, Release):
            self._places[effect.subject].pop(effect.cycle, None)
