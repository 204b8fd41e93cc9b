"""A rehearsal on real servers: a worker runs the cycle at a pace, invented people send their commands through the door."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from activities.folding import States, fold_nomination, fold_round
from cli.rehearse.acting import Deed, Scene, awaited, before_acting_again, waits_below
from cli.rehearse.conductor import BEGINS
from cli.rehearse.party import OPERATORS, Entrant, Party, fed_entrant
from domain import cycle as cycles
from domain import feeding
from domain import nomination as nominations
from domain import round as rounds
from runtime.door import Door, MemberForm, NominationForm, system_clock
from schemas import names
from schemas.canonical import digest
from schemas.errors import Conflict, Refused, Unavailable
from schemas.programme import PublicVote
from schemas.values import Pace

AT_ONCE = 24
LOOK_SECONDS = 0.5
STALLED_SECONDS = 120
VOTERS = 30
LATE = {
    "STAGE_CLOSED", "STAGE_MISMATCH", "ROUND_NOT_OPEN", "CYCLE_NOT_OPEN", "NOMINATION_OVER", "NOTHING_TO_RESOLVE", "BALLOT_CLOSED"
}  # fmt: skip
Say = Callable[[int, int, int], None]
"""Told now and then: nominations, commands answered, rounds that are over."""


async def _nothing() -> None:
    """Nobody wants to know."""


@dataclass
class Stage:
    """One rehearsal through an open door, with a worker behind it."""

    door: Door
    party: Party
    programme: Path
    speed: int
    period: str = ""
    patience: int = STALLED_SECONDS
    say: Say = lambda nominations, acts, over: None  # noqa: ARG005 -- a quiet stage
    opened: Callable[[], Awaitable[None]] = _nothing  # told once the cycle is open
    cycle: str = ""
    acts: int = 0
    late: int = 0  # nominations that came after the intake had closed
    people: dict[str, Entrant] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._done: set[str] = set()
        self._over: set[str] = set()
        self._fed = 0
        self._rounds = States(self.door.store, fold_round, rounds.initial, keep=20_000)
        self._nominations = States(self.door.store, fold_nomination, nominations.initial, keep=50_000)

    async def run(self, folder: Path) -> None:
        """From the opening to completion; Unavailable DEMO_STALLED where nothing moves any more."""
        await self._open(folder)
        async with asyncio.TaskGroup() as hands:
            for entrant in self.party.entrants:
                hands.create_task(self._nominate(entrant))
            await self._live(hands)

    async def _open(self, folder: Path) -> None:
        file = folder / "units.csv"
        _write_units(file, self.party)
        now = system_clock()
        receipt = await self.door.start_cycle(
            self.programme,
            label="rehearsal",
            period=self.period,
            operators=OPERATORS,
            units=(file,),
            grants=self.party.grants(),
            invited=tuple(sorted({entrant.unit for entrant in self.party.entrants})),
            pace=Pace(real_epoch=now, cycle_epoch=BEGINS, speed=self.speed),
        )
        self.cycle = names.cycle_of(receipt.stream)
        await self.opened()

    async def _nominate(self, entrant: Entrant) -> None:
        form = NominationForm(
            cycle=self.cycle,
            unit=entrant.unit,
            route=entrant.route,
            channel=entrant.channel,
            sponsors=entrant.sponsors,
            identity=f"TEST-{self.party.seed}-{entrant.key}",
            fields={"name": entrant.name},
            facts=entrant.facts,
            members=tuple(
                MemberForm(
                    identity=f"TEST-{self.party.seed}-{entrant.key}-{number}",
                    name=f"{entrant.name}·{number}",
                    leader=number == 1,
                )
                for number in range(1, entrant.team + 1)
            ),
        )
        async with self._places:
            try:
                nomination, _ = await self._patiently(
                    lambda: self.door.nominate(form, entrant.actor, entrant.key)
                )
            except Refused as refusal:
                if refusal.code != "STAGE_CLOSED":
                    raise
                self.late += 1
                return
        self.people[nomination] = entrant
        self.acts += 1

    async def _patiently(self, act: Callable[[], Any]) -> Any:
        """The same again while a server is away: every act has its key."""
        while True:
            try:
                async with asyncio.timeout(STALLED_SECONDS):
                    return await act()
            except (Unavailable, TimeoutError):
                await asyncio.sleep(LOOK_SECONDS)

    async def _live(self, hands: asyncio.TaskGroup) -> None:
        moved, moved_at = -1, system_clock()
        while (await self._cycle()).status not in (cycles.Status.COMPLETED, cycles.Status.CANCELLED):
            await self._greet_the_fed()
            await self._look(hands)
            self.say(len(self.people), self.acts, len(self._over))
            if (now_at := self.acts + len(self._over)) != moved:
                moved, moved_at = now_at, system_clock()
            if system_clock() - moved_at > timedelta(seconds=self.patience):
                raise self._stalled()
            await asyncio.sleep(LOOK_SECONDS)

    async def _greet_the_fed(self) -> None:
        """Those whom feeders gave are known as soon as intake has closed."""
        fed = (await self._cycle()).fed.values()
        if len(fed) > self._fed:
            self._fed = len(fed)
            for number, command in enumerate(feeding.nominations(self.cycle, fed, system_clock())):
                self.people[command.stream.rsplit("/", 1)[-1]] = fed_entrant(command, number)

    async def _cycle(self) -> cycles.State:
        return (await self.door.decider.cycles.get(names.cycle_stream(self.cycle))).state

    async def _look(self, hands: asyncio.TaskGroup) -> None:
        streams = [
            one for one in await self.door.store.streams(f"round/{self.cycle}/") if one not in self._over
        ]
        for stream, folded in (await self._rounds.get_many(streams)).items():
            if folded.state.over:
                self._over.add(stream)
                continue
            for deed in await self._awaited(folded.state):
                if deed.key not in self._done:
                    self._done.add(deed.key)
                    hands.create_task(self._do(deed))
            self._start_votes(folded.state, hands)

    async def _awaited(self, state: rounds.State) -> list[Deed]:
        if not self.people.keys() >= {*state.members, *state.standby}:
            return []  # a receipt is still on its way
        return list(awaited(await self._scene(state), self.party.programme, state))

    async def _scene(self, state: rounds.State) -> Scene:
        streams = {names.nomination_stream(self.cycle, id): id for id in (*state.members, *state.standby)}
        folded = await self._nominations.get_many(list(streams))
        standings = {id: nominations.standing(folded[one].state, id) for one, id in streams.items()}
        others = [one for one in await self._everywhere() if one != state] if waits_below(state) else ()
        return Scene(self.party, self.cycle, self.people, standings, tuple(others))

    async def _everywhere(self) -> list[rounds.State]:
        folded = await self._rounds.get_many(await self.door.store.streams(f"round/{self.cycle}/"))
        return [one.state for one in folded.values()]

    async def _do(self, deed: Deed) -> None:
        try:
            await self._send(deed)
        except Refused as refusal:
            await self._again(refusal, deed)

    async def _again(self, refusal: Refused, deed: Deed) -> None:
        """What was missing is done, and then the body acts; for another reason it may be refused once more."""
        everywhere = await self._everywhere()
        state = next((one for one in everywhere if one.stream == deed.stream), rounds.initial)
        scene = await self._scene(state)
        first = before_acting_again(refusal, scene, self.party.programme, state, everywhere)
        again = deed._replace(key=f"{deed.key}/again")
        try:
            for one in (*first, again):
                await self._send(one)
        except Refused as other:
            if other.code == refusal.code:
                raise
            await self._again(other, again)

    async def _send(self, deed: Deed) -> None:
        async with self._places:
            try:
                await self._patiently(
                    lambda: self.door.send(deed.stream, deed.body, deed.actor, digest(deed.key.encode())[:32])
                )
            except Conflict:
                self._done.discard(deed.key)
            except Refused as refusal:
                if refusal.code not in LATE:
                    raise
        self.acts += 1

    def _start_votes(self, state: rounds.State, hands: asyncio.TaskGroup) -> None:
        if not state.current or rounds.run_of(state, state.current).closed_at is not None:
            return
        step = rounds.step_of(state, self.party.programme, state.current)
        key = f"votes/{state.stream}/{step.id}"
        if isinstance(step, PublicVote) and key not in self._done:
            self._done.add(key)
            hands.create_task(self._vote(state, step))

    async def _vote(self, state: rounds.State, step: PublicVote) -> None:
        ballot = names.step_gate(state.stream, step.id)
        liked = sorted(state.members, key=lambda id: -self.people[id].merit)
        for n in range(VOTERS):
            rng = self.party.draw("voter", state.stream, n)
            count = min(len(liked), max(step.limits.choices_min, step.limits.choices_max))
            choices = tuple(rng.sample(liked[: max(count, len(liked) * 2 // 3)], count))
            try:
                await self._patiently(
                    partial(self.door.cast_vote, self.cycle, ballot, f"voter-{n}", choices, f"{ballot}/{n}")
                )
            except Refused as refusal:
                if refusal.code not in LATE:
                    raise
                return
            self.acts += 1

    def _stalled(self) -> Unavailable:
        return Unavailable("DEMO_STALLED", seconds=self.patience, waits=self.cycle, last=str(self.acts))


def _write_units(file: Path, party: Party) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("code", "parent", "name", "rank", "industry"))
        writer.writerows((one.code, one.parent, one.name, one.rank, one.industry) for one in party.invented)
