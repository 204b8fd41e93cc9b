"""A cycle's log as a past that can be stood in: every stream as it was just before any of its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from domain import authority, feeding, nomination
from domain import cycle as cycles
from domain import round as rounds
from domain.audit.asked import Question
from domain.decision import Calendar
from domain.steps import Inputs
from schemas import names
from schemas.events import Event, SelectionMade, read
from schemas.ledger import RecordedEvent
from schemas.programme import Programme, Selection
from schemas.units import UnitTree

S = TypeVar("S")


@dataclass(frozen=True)
class Past:
    """Events of one cycle in global order, and what they pinned: programmes by hash, units, calendar.

    A moment is an index into `events`: what was true before that event, which is all that its decision could know.
    """

    events: tuple[RecordedEvent, ...]
    programmes: Mapping[str, Programme]
    tree: UnitTree
    calendar: Calendar = field(default_factory=lambda: Calendar({}))

    @property
    def cycle(self) -> str:
        return names.cycle_of(self.events[0].stream)

    @cached_property
    def typed(self) -> tuple[Event, ...]:
        """The events, read."""
        return tuple(map(read, self.events))

    @cached_property
    def streams(self) -> dict[str, tuple[int, ...]]:
        """The moments of each stream's events."""
        found: dict[str, list[int]] = {}
        for moment, event in enumerate(self.events):
            found.setdefault(event.stream, []).append(moment)
        return {stream: tuple(moments) for stream, moments in found.items()}

    @property
    def end(self) -> int:
        """The moment after the last event."""
        return len(self.events)

    def of(self, stream: str) -> Iterable[tuple[int, RecordedEvent, Event]]:
        """A stream's events with their moments."""
        return ((one, self.events[one], self.typed[one]) for one in self.streams.get(stream, ()))

    def programme_at(self, moment: int) -> Programme:
        """The rules under which this event was written."""
        return self.programmes[self.events[moment].rules]

    def cycle_state(self, moment: int) -> cycles.State:
        stream = names.cycle_stream(self.cycle)
        return self._fold(
            stream, moment, cycles.initial, lambda s, r, e: cycles.evolve(s, e, r.at, r.actor.id)
        )

    def grants(self, moment: int) -> authority.State:
        stream = names.authority_stream(self.cycle)
        return self._fold(stream, moment, authority.initial, lambda s, _, e: authority.evolve(s, e))

    def round(self, stream: str, moment: int) -> rounds.State:
        return self._fold(
            stream, moment, rounds.initial, lambda s, r, e: rounds.evolve(s, e, r.at, r.actor.id, stream)
        )

    def nomination(self, id: str, moment: int) -> nomination.State:
        stream = names.nomination_stream(self.cycle, id)
        return self._fold(
            stream,
            moment,
            nomination.initial,
            lambda s, r, e: nomination.evolve(s, e, r.actor.id, r.subject, r.command_id),
        )

    def inputs(self, state: rounds.State, moment: int) -> Inputs:
        """What the decision written at this moment stood on beside its round's own stream; titles are left out."""
        assert state.opened is not None
        programme, cycle = self.programme_at(moment), self.cycle_state(moment)
        here = (*state.members, *state.standby)
        standings = {id: nomination.standing(self.nomination(id, moment), id) for id in here}
        return Inputs(
            programme=programme,
            tree=self.tree,
            calendar=self.calendar,
            authority=self.grants(moment),
            cycle=cycle,
            stage=rounds.stage_of(state, programme),
            standings=feeding.attested(standings, programme, cycle.attested),
        )

    def question(self, moment: int) -> Question:
        """What the selection that was made at this moment stood on."""
        made, stream = self.typed[moment], self.events[moment].stream
        assert isinstance(made, SelectionMade)
        state = self.round(stream, moment)
        inputs = self.inputs(state, moment)
        step = inputs.stage.step(made.step)
        assert isinstance(step, Selection)
        return Question(state, inputs, step, made)

    def _fold(self, stream: str, moment: int, state: S, evolve: Callable[[S, RecordedEvent, Any], S]) -> S:
        for at in self.streams.get(stream, ()):
            if at >= moment:
                break
            state = evolve(state, self.events[at], self.typed[at])
        return state


def rules_of(events: Sequence[RecordedEvent]) -> tuple[str, ...]:
    """The hashes of all programmes under which these were written."""
    return tuple(dict.fromkeys(event.rules for event in events if event.rules))
