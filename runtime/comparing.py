"""Temporal's histories held against the log: what they show is in it, and each event in it has what made it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterable, Iterator
from datetime import datetime
from enum import StrEnum
from sys import intern
from typing import Any, NamedTuple

from temporalio.converter import DataConverter

from domain.audit.timing import CLOCKS_APART
from runtime.histories import Run, events_in, orders, results, values
from schemas import names
from schemas.ledger import Frozen, RecordedEvent
from schemas.messages import FeedOrder, OutcomeSignal

WITH_WORKFLOW = ("cycle", "authority", "round", "nomination")
_FROM_THE_LOG = ("cycle", "authority", "round")
"""Streams whose commands are decided from the log where their workflow has ended; a nomination's is begun again."""


class Origin(StrEnum):
    """How an event came into the log, as far as a history can tell."""

    RECEIPT = "receipt"  # a history holds the receipt with this very event
    COMMAND = "command"  # a history holds the command; the receipt is not in it
    FED = "fed"  # nominated by the activity that takes feeders' winners in
    DIRECT = "direct"  # a stream that no workflow serves, or a cycle's first grants
    AFTER_END = "after_end"  # decided from the log, as no run of its workflow was open then
    YOUNG = "young"  # written a moment ago: its history may not have it yet


class Finding(Frozen):
    """Something that does not agree. `what`: `missing` and `differs` from the log, `no_command`, `no_history`."""

    what: str
    stream: str
    seq: int
    type: str
    command_id: str
    workflow: str = ""
    run: str = ""


class Compared(Frozen):
    """How many runs and events were held against each other, where the events came from, and what does not agree."""

    runs: int
    shown: int  # events that histories hold whole
    events: int
    origins: dict[Origin, int]
    unseen: tuple[Finding, ...] = ()  # those of `direct` and `after_end`: no history can vouch for them
    findings: tuple[Finding, ...] = ()


class Logged(NamedTuple):
    """An event of the log as far as it is compared."""

    stream: str
    seq: int
    type: str
    command_id: str
    subject: str
    hash: str
    recorded: datetime

    @classmethod
    def of(cls, event: RecordedEvent) -> Logged:
        return cls(*(getattr(event, name) for name in cls._fields))


class _Place(NamedTuple):
    stream: str
    seq: int


class _Shown(NamedTuple):
    """An event of a history, as far as it is told of where the log has another or none."""

    hash: str
    type: str
    command_id: str
    workflow: str
    run: str

    def finding(self, what: str, place: _Place) -> Finding:
        told = self._asdict() | place._asdict() | {"what": what}
        return Finding(**{name: told[name] for name in Finding.model_fields})


class Comparison:
    """Takes runs in, one after another, and keeps of them what the log is to be held against."""

    def __init__(self, converter: DataConverter) -> None:
        self._converter = converter
        self._runs = 0
        self._shown: dict[_Place, tuple[_Shown, ...]] = {}  # one in each place, if nobody lies
        self._answered: set[tuple[str, str]] = set()  # (stream, command id) whose receipt is shown
        self._asked: set[tuple[str, str]] = set()
        self._fed: set[str] = set()
        self._spans: defaultdict[str, list[tuple[datetime, datetime | None]]] = defaultdict(list)

    async def take(self, run: Run) -> None:
        """Reads one run."""
        self._runs += 1
        self._spans[run.workflow].append((run.started, run.closed))
        for event in run.events:
            for value in await values(self._converter, results(event)):
                for recorded in events_in(value):
                    self._show(recorded, run)
            for value in await values(self._converter, orders(event)):
                self._hear(run.workflow, value)

    def _show(self, event: RecordedEvent, run: Run) -> None:
        place = _Place(intern(event.stream), event.seq)
        shown = self._shown.get(place, ())
        if all(one.hash != event.hash for one in shown):
            told = _Shown(event.hash, intern(event.type), intern(event.command_id), run.workflow, run.run)
            self._shown[place] = (*shown, told)
            self._answered.add((place.stream, told.command_id))

    def _hear(self, workflow: str, value: Any) -> None:
        keys = value.keys() if isinstance(value, dict) else set()
        if keys == set(OutcomeSignal.model_fields):
            self._asked.add((workflow, value["id"]))
        elif keys == set(FeedOrder.model_fields):
            self._fed.add(value["cycle"])
        for command in _commands_in(value):
            self._asked.add((command["stream"], command["id"]))

    async def against(self, log: AsyncIterable[Logged], settled: datetime | None = None) -> Compared:
        """The log's events of the same cycle, or all, each once; none of them is kept.

        Those recorded since `settled` may be on their way to a history.
        """
        count, shown = 0, sum(map(len, self._shown.values()))
        origins: Counter[Origin] = Counter()
        unseen, differing, unmade = list[Finding](), list[Finding](), list[Finding]()
        async for event in log:
            count += 1
            place = _Place(event.stream, event.seq)
            there = self._shown.pop(place, ())
            others = [one for one in there if one.hash != event.hash]
            differing += [one.finding("differs", place) for one in others]
            origin = Origin.RECEIPT if len(others) < len(there) else self._origin(event)
            origin = origin or self._young(event, settled)
            if origin is None:
                began = event.stream in self._spans or _workflow_of(event.stream) in self._spans
                unmade.append(_finding("no_command" if began else "no_history", event))
                continue
            origins[origin] += 1
            if origin in (Origin.DIRECT, Origin.AFTER_END):
                unseen.append(_finding(origin, event))
        missing = [one.finding("missing", place) for place, there in self._shown.items() for one in there]
        return Compared(
            runs=self._runs,
            shown=shown,
            events=count,
            origins=dict(origins),
            unseen=tuple(unseen),
            findings=(*missing, *differing, *unmade),
        )

    def _origin(self, event: Logged) -> Origin | None:
        stream, command = event.stream, event.command_id
        if names.kind_of(stream) not in WITH_WORKFLOW or _founds(event):
            return Origin.DIRECT
        if (stream, command) in self._answered:
            return None  # the receipt of its command is known, and it is not in it
        if (stream, command) in self._asked:
            return Origin.COMMAND
        if self._was_fed(event):
            return Origin.FED
        return Origin.AFTER_END if self._was_over(event) else None

    def _young(self, event: Logged, settled: datetime | None) -> Origin | None:
        """Of a workflow that has ended nothing is still on its way."""
        spans = self._spans.get(_workflow_of(event.stream))
        running = spans is None or any(ended is None for _, ended in spans)
        return Origin.YOUNG if settled is not None and event.recorded >= settled and running else None

    def _was_fed(self, event: Logged) -> bool:
        cycle = names.cycle_of(event.stream)
        return cycle in self._fed and event.command_id == names.feed_command(cycle, event.subject)

    def _was_over(self, event: Logged) -> bool:
        """Whether its workflow had run, and no run of it was open when the event was recorded."""
        spans = self._spans.get(_workflow_of(event.stream), [])
        return (
            names.kind_of(event.stream) in _FROM_THE_LOG
            and any(began < event.recorded for began, _ in spans)
            and not any(
                began + CLOCKS_APART <= event.recorded
                and (ended is None or event.recorded <= ended - CLOCKS_APART)
                for began, ended in spans
            )
        )


def _founds(event: Logged) -> bool:
    """The first grants, which nobody's workflow could have allowed."""
    cycle = names.cycle_of(event.stream)
    return (event.stream, event.command_id) == (names.authority_stream(cycle), names.founding_command(cycle))


def _workflow_of(stream: str) -> str:
    """Whose workflow hears the commands of a stream."""
    return names.cycle_stream(names.cycle_of(stream)) if names.kind_of(stream) == "authority" else stream


def _commands_in(value: Any) -> Iterator[dict[str, Any]]:
    """A command as it was sent, or within an order."""
    if not isinstance(value, dict):
        return
    if {"id", "stream", "actor", "body"} <= value.keys():
        yield value
    else:
        for inner in value.values():
            yield from _commands_in(inner)


def _finding(what: str, event: Logged) -> Finding:
    return Finding(
        what=what, stream=event.stream, seq=event.seq, type=event.type, command_id=event.command_id
    )
