"""What the demo's people see: the rounds and nominations of their cycle, folded from the log as it is now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from activities.folding import States, fold_cycle, fold_nomination, fold_round
from cli.demo.scenario import Person, World
from domain import cycle as cycles
from domain import round as rounds
from domain.nomination import State as NominationState
from domain.nomination import initial as no_nomination
from schemas import names
from schemas.programme import Rank, Step
from store.contract import EventStore


@dataclass(frozen=True)
class Seen:
    """One look: the cycle, and by stream its rounds that have opened and its nominations."""

    at: datetime
    recorded: datetime
    cycle: cycles.State
    rounds: dict[str, rounds.State] = field(default_factory=dict)
    nominations: dict[str, NominationState] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return self.cycle.status in (cycles.Status.COMPLETED, cycles.Status.CANCELLED)

    def standing(self, cycle: str, nomination: str) -> NominationState:
        return self.nominations[names.nomination_stream(cycle, nomination)]


class Watch:
    """Looks at the streams of one cycle; only what is new is read."""

    def __init__(self, store: EventStore, world: World, cycle: str) -> None:
        self._world = world
        self._cycle = cycle
        self._cycles = States(store, fold_cycle, cycles.initial)
        self._rounds = States(store, fold_round, rounds.initial, keep=20_000)
        self._nominations = States(store, fold_nomination, no_nomination, keep=20_000)
        self.people: dict[str, Person] = {}  # by nomination

    async def look(self, now: datetime) -> Seen:
        """Now, in real time, which the cycle's pace turns into cycle time."""
        cycle = (await self._cycles.get(names.cycle_stream(self._cycle))).state
        assert cycle.opened is not None
        streams = [names.nomination_stream(self._cycle, one) for one in self.people]
        opened = await self._rounds.get_many(sorted(set(self._round_streams())))
        known = await self._nominations.get_many(streams)
        return Seen(
            at=cycle.opened.pace.cycle_time(now),
            recorded=now,
            cycle=cycle,
            rounds={stream: one.state for stream, one in opened.items() if one.state.opened},
            nominations={stream: one.state for stream, one in known.items()},
        )

    def _round_streams(self) -> Iterator[str]:
        for person in self.people.values():
            *below, root = self._world.path(person)
            for unit in below:
                yield names.round_stream(self._cycle, person.route, unit)
            yield names.round_stream(self._cycle, names.ROOT_ROUTE, root)


def current_step(world: World, state: rounds.State) -> Step | None:
    """The step that the round is in and has not closed."""
    if state.over or not state.current or rounds.run_of(state, state.current).closed_at is not None:
        return None
    return rounds.step_of(state, world.programme, state.current)


def rounds_by_rank(seen: Seen) -> dict[str, Counter[str]]:
    """By rank, bottom up: how many rounds are open, held, reported or lapsed, and how many members they have."""
    counted: dict[str, Counter[str]] = {}
    for state in seen.rounds.values():
        assert state.opened is not None
        count = counted.setdefault(state.opened.rank, Counter())
        count[_status(state)] += 1
        count["members"] += len(state.members)
        if not state.over and state.current:
            count[f"step {state.current}"] += 1
    ladder = list(Rank)
    return dict(sorted(counted.items(), key=lambda one: ladder.index(Rank(one[0]))))


def _status(state: rounds.State) -> str:
    if state.lapsed:
        return "lapsed"
    if state.reported:
        return "reported"
    return "held" if rounds.run_of(state, state.current).held else "open"
