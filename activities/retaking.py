"""Every decision of a log taken again, in its global order, by the same rules on what was known then (DR-45).

Each command is told by its events, decided by the decider that decided it first, on states folded up to that place,
and what comes out is held against what was recorded. No clock, no network, and nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from activities.deciding import Decided, Decider, request_hash
from activities.folding import Folded, States
from domain.audit.asked import Question, question_of
from domain.audit.compared import Difference, difference
from domain.audit.rebuilt import LOSSY, SECONDED, bodies, is_proposal
from domain.audit.sealing import OBJECTIONS, SEALED, SHEETS
from domain.audit.timing import untimely
from domain.decision import Decision
from schemas import names
from schemas.commands import Command, ConferTitle, FamilyBody, TakeOutcome
from schemas.errors import EngineError, Integrity, Refused
from schemas.events import SelectionMade, type_of
from schemas.ledger import JsonObject, RecordedEvent
from store.contract import EventStore
from store.retelling import Retelling

Events = tuple[RecordedEvent, ...]
COMMAND = "command"
"""The field of a difference that lies in the request itself: the hash is that of no command that tells these events."""
UNGUARDED = ("authority", "cycle")
IN_FLIGHT = timedelta(seconds=10)
"""How long an append may be on its way after it was decided on what it read of these: as long as a statement may take."""
UNTIMELY_KEPT = 20
_UNFIT = (LookupError, ValueError, TypeError, AttributeError, AssertionError)
_PASSED_OVER = {"hand_in_sheet": frozenset({"refused"})}


class Taken(NamedTuple):
    """One command's events, and the decision taken again; no `command` where the events do not tell it."""

    events: Events
    command: Command | None = None
    decided: Decided | None = None
    difference: Difference | None = None
    untimely: Difference | None = (
        None  # by no clock could it be written then; what follows stands all the same
    )
    waited: timedelta = timedelta()  # from when it happened until it was written, in reality

    @property
    def kind(self) -> str:
        """The kind of command; of one that the events do not tell, the type of its first event."""
        return self.command.body.kind if self.command else self.events[0].type

    @property
    def question(self) -> Question | None:
        """What a selection was asked, if this decision made one."""
        decided = self.decided
        return question_of(decided.folded.state, decided.inputs, decided.decision) if decided else None


@dataclass
class Tally:
    """How many decisions were taken again, and how many only folded, by kind."""

    events: int = 0
    retaken: Counter[str] = field(default_factory=Counter)
    folded: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)  # events that the decisions gave again, by type
    untimely: int = 0  # commands whose times cannot be
    first_untimely: list[Difference] = field(default_factory=list)
    longest: Taken | None = None  # the one that was written the longest after it had happened

    def add(self, taken: Taken) -> None:
        self.events += len(taken.events)
        if taken.untimely is not None:
            self.untimely += 1
            self.first_untimely += [taken.untimely] if self.untimely <= UNTIMELY_KEPT else []
        if self.longest is None or taken.waited > self.longest.waited:
            self.longest = taken
        if taken.command is None:
            self.folded[taken.kind] += 1
        else:
            self.retaken[taken.kind] += 1
            self.results.update(event.type for event in taken.events)


class Before(NamedTuple):
    """A stream as it was before its last command, and when that was recorded."""

    folded: Folded[Any]
    recorded: datetime


class Retaker:
    """Takes the decisions of one log again; `decider` holds the states as of the last event that was taken."""

    def __init__(self, source: EventStore) -> None:
        self._source = source
        self._told = Retelling(source)
        self.decider = Decider(self._told, _no_clock, aside=False)
        self._before: dict[str, Before] = {}  # of streams that decisions read without a guard
        self._written: dict[str, datetime] = {}  # when each stream was written last

    async def run(self, pages: AsyncIterable[Iterable[RecordedEvent]]) -> AsyncIterator[Taken]:
        """Each command of the log once its last event was read; the first that differs is the last: all else stands on it.

        Raises Integrity EVENT_UNKNOWN, DOCUMENT_UNREADABLE, or LOG_BROKEN.
        """
        async for events in by_command(pages):
            taken = await self._followed(events)
            yield taken
            if taken.difference is not None:
                return

    async def _followed(self, events: Events) -> Taken:
        """Taken again and folded; events that nothing can have brought about, forged ones alone, differ as well."""
        for event in events:
            type_of(event)
        try:
            taken = await self._take(events)
            if taken.difference is not None:
                taken = await self._read_earlier(events) or taken
            if taken.difference is None:
                self._hear(events, taken)
                taken = self._timed(taken)
        except _UNFIT as fault:
            return Taken(events, difference=Difference(events[0], "decision", events[0].type, repr(fault)))
        return taken

    def _hear(self, events: Events, taken: Taken) -> None:
        stream, kind = events[0].stream, names.kind_of(events[0].stream)
        if kind in UNGUARDED:
            self._before[stream] = Before(self.decider.kinds[kind].kept(stream), events[0].recorded)
        self._told.tell(events, taken.decided.decision.effects if taken.decided else ())
        self.decider.heard(events)

    def _timed(self, taken: Taken) -> Taken:
        """With what its times say; a stream of a whole family tells the cycle in its command alone."""
        first, body = taken.events[0], taken.command and taken.command.body
        cycle = body.cycle if isinstance(body, FamilyBody) else names.cycle_of(first.stream)
        opened = self.decider.cycles.kept(names.cycle_stream(cycle)).state.opened
        if opened is None:
            return taken
        found = None
        for event in taken.events:
            found = found or untimely(event, opened.pace, self._written.get(event.stream))
            self._written[event.stream] = event.recorded
        return taken._replace(untimely=found, waited=first.recorded - opened.pace.real_time(first.at))

    async def _read_earlier(self, events: Events) -> Taken | None:
        """The same where grants or the cycle moved just before: it may have been decided on what was there until then."""
        cycle = names.cycle_of(events[0].stream)
        for stream in (names.authority_stream(cycle), names.cycle_stream(cycle)):
            before = self._before.get(stream)
            if (
                before is None
                or stream == events[0].stream
                or abs(events[0].recorded - before.recorded) > IN_FLIGHT
            ):
                continue
            states = self.decider.kinds[names.kind_of(stream)]
            now = states.kept(stream)
            self._stand(states, stream, before.folded)
            taken = await self._take(events)
            self._stand(states, stream, now)
            if taken.difference is None:
                return taken
        return None

    def _stand(self, states: States[Any], stream: str, folded: Folded[Any]) -> None:
        states.put_back(stream, folded)
        self._told.stand(stream, folded.head)

    async def _take(self, events: Events) -> Taken:
        if names.kind_of(events[0].stream) not in self.decider.kinds:
            return Taken(events)
        command, whole = await self._command(events)
        if command is None:
            return Taken(events)
        if not whole and command.body.kind not in LOSSY:
            asked = request_hash(command)
            return Taken(events, command, None, Difference(events[0], COMMAND, events[0].payload_hash, asked))
        try:
            decided = await self.decider.decide(command)
            rules = await self.decider.rules(command)
        except Integrity:  # what cannot be read is no other decision
            raise
        except EngineError as refusal:
            return Taken(events, command, None, _refused(events, refusal))
        decision = decided.decision
        passed_over = frozenset() if whole else _PASSED_OVER.get(command.body.kind, frozenset())
        apart = difference(_as_proved(decided, events), rules, events, passed_over)
        if apart is None and (fault := self._told.fault(command.stream, decision.guards, decision.effects)):
            apart = _refused(events, fault)
        return Taken(events, command, decided, apart)

    # ---- which command it was ----

    async def _command(self, events: Events) -> tuple[Command | None, bool]:
        """The command, and whether it is that of the request's hash to the letter; None where nothing tells it."""
        state = await self.decider.state(events[0].stream)
        command, whole = _asked(events, self._bodies(events, state))
        if whole or not is_proposal(events):
            return command, whole
        command, whole = _asked(events, await self._seconded(events[0], state))
        return (command if whole else None), whole

    def _bodies(self, events: Events, state: Any) -> Iterator[Any]:
        """What the command may have said, the likeliest first."""
        if post := self._told.post(events[0].command_id):
            kind = ConferTitle if post.name == names.TITLE_MESSAGE else TakeOutcome
            yield kind.model_validate(post.payload["body"])
        yield from bodies(events, state)

    async def _seconded(self, proposal: RecordedEvent, state: Any) -> Iterator[Any]:
        """What an act was is told in full where somebody asked for the same again, perhaps of a list that had changed."""
        later = _grouped(await self._source.load(proposal.stream, proposal.seq))
        again = [
            one for one in later if one[0].type == SECONDED and one[0].data["kind"] == proposal.data["kind"]
        ]
        return chain.from_iterable(bodies(one, state) for one in again)


async def by_command(pages: AsyncIterable[Iterable[RecordedEvent]]) -> AsyncIterator[Events]:
    """The events of each command together, in global order: an append's events stand side by side."""
    group: list[RecordedEvent] = []
    async for events in pages:
        for event in events:
            if group and (event.stream, event.command_id) != (group[0].stream, group[0].command_id):
                yield tuple(group)
                group = []
            group.append(event)
    if group:
        yield tuple(group)


def _as_proved(decided: Decided, events: Events) -> Decision:
    """The decision with the recorded certificate of its selection, if that one holds too: solvers find other prices."""
    question = question_of(decided.folded.state, decided.inputs, decided.decision)
    made = (one.data for one in events if one.type == SelectionMade.__name__)
    recorded: JsonObject = next(made, {}).get("certificate", {})
    if question is None or question.made.certificate == recorded or not question.proved_by(recorded):
        return decided.decision
    proved = question.made.model_copy(update={"certificate": recorded})
    told = tuple(proved if one is question.made else one for one in decided.decision.events)
    return replace(decided.decision, events=told)


def _asked(events: Events, told: Iterable[Any]) -> tuple[Command | None, bool]:
    """The first command that the request's hash is of, and True; where it is of none, the likeliest."""
    first, likeliest = events[0], None
    for body in told:
        said = {
            "id": first.command_id,
            "stream": first.stream,
            "actor": first.actor,
            "received_at": first.at,
            "cause": first.cause,
            "body": body,
        }
        command = Command.trusted(said)
        if request_hash(command) == first.payload_hash:
            return command, True
        likeliest = likeliest or command
    return likeliest, False


def _grouped(events: Iterable[RecordedEvent]) -> list[Events]:
    groups: list[list[RecordedEvent]] = []
    for event in events:
        if not groups or groups[-1][0].command_id != event.command_id:
            groups.append([])
        groups[-1].append(event)
    return [tuple(group) for group in groups]


def _refused(events: Events, refusal: EngineError) -> Difference:
    code = refusal.code + (f" {refusal.facts}" if isinstance(refusal, Refused) else "")
    return Difference(events[0], "decision", events[0].type, code)


def differs(apart: Difference) -> Integrity:
    """The error that names the first event whose decision is another; of what may be sealed the place alone."""
    event = apart.event
    is_sealed = event.type in SHEETS | OBJECTIONS
    return Integrity(
        "DECISION_DIFFERS",
        stream=event.stream,
        seq=event.seq,
        position=event.position or 0,
        type=event.type,
        field=apart.field,
        recorded=SEALED if is_sealed else apart.recorded,
        retaken=SEALED if is_sealed else apart.retaken,
    )


def _no_clock() -> datetime:
    """A replay has no time of its own; nothing that is taken again asks for it."""
    return datetime.min.replace(tzinfo=UTC)
