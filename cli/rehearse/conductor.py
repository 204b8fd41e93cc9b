"""A whole cycle without servers: the decider on any event store, rounds taken one after the other, time set forward.

The order is that of the workflows; what they wait for by timers and signals happens here at once.
"""

from __future__ import annotations

from datetime import UTC, datetime

from activities.deciding import Decider
from activities.outbox import title_command
from cli.rehearse.acting import Deed, Scene, awaited, before_acting_again, waits_below
from cli.rehearse.party import OPERATORS, Entrant, Party, fed_entrant, operator
from domain import cycle as cycles
from domain import feeding
from domain import round as rounds
from domain.nomination import standing
from domain.stuffing import rules_version
from schemas import names
from schemas.canonical import canonical_bytes, digest
from schemas.commands import (
    ENGINE,
    Body,
    CloseIntake,
    CloseStep,
    Command,
    CompleteCycle,
    FreezePool,
    GiveGrants,
    HoldVotes,
    OpenCycle,
    OpenRound,
    OpenStep,
    ReportRound,
    SealTally,
    SubmitNomination,
    TakeOutcome,
)
from schemas.errors import Refused
from schemas.events import Count, GrantTerms, StepHeld, TeamMember, read
from schemas.ledger import Actor
from schemas.programme import PublicVote, Step
from schemas.values import Pace
from store.contract import EventStore

BEGINS = datetime(2026, 3, 2, 1, tzinfo=UTC)
"""A Monday in a year that the work-day calendar knows."""
PATIENCE = 60
"""How often a step is looked at before it is said to be stuck."""


class Conductor:
    """Runs one cycle to its end; `cycle` is its id."""

    def __init__(self, store: EventStore, party: Party, period: str = "") -> None:
        self._now = BEGINS
        self._party = party
        self._count = 0
        self.store = store
        self.decider = Decider(store, lambda: self._now)
        self.people: dict[str, Entrant] = {}
        self._done: set[str] = set()
        self.cycle = names.cycle_id(party.programme.programme, party.programme.edition, "rehearsal", period)

    async def run(self) -> cycles.State:
        """From opening to completion; Refused REHEARSAL_STUCK, or the EngineError of an act that a rule refused."""
        await self._open()
        for entrant in self._party.entrants:
            await self._submit(entrant)
        stream = names.cycle_stream(self.cycle)
        self._now = max(self._now, cycles.intake_closes_at((await self.decider.cycles.get(stream)).state))
        await self._do(stream, CloseIntake())
        fed = (await self.decider.cycles.get(stream)).state.fed.values()
        for number, command in enumerate(feeding.nominations(self.cycle, fed, self._now)):
            try:
                await self.decider.execute(command)
            except Refused as refusal:  # who is nominated already stays as they are
                if refusal.code != "DUPLICATE_NOMINATION":
                    raise
                continue
            self.people[command.stream.rsplit("/", 1)[-1]] = fed_entrant(command, number)
        root = names.round_stream(self.cycle, names.ROOT_ROUTE, self._party.tree.root)
        await self._round(root)
        conferred = (await self._state(root)).certificates
        await self._do(stream, CompleteCycle(conferred=conferred))
        return (await self.decider.cycles.get(stream)).state

    async def _do(self, stream: str, body: Body, actor: Actor = ENGINE, key: str = "") -> None:
        self._count += 1
        command = Command(
            id=key or f"{self.cycle}/{self._count}",
            stream=stream,
            actor=actor,
            received_at=self._now,
            body=body,
        )
        await self.decider.execute(command)

    async def _open(self) -> None:
        programme, tree = self._party.programme, self._party.tree
        pace = Pace(real_epoch=BEGINS, cycle_epoch=BEGINS)
        rules = await self.store.put_document("programme", canonical_bytes(programme))
        units = await self.store.put_document("units", canonical_bytes(tree))
        days = await self.decider.pin_calendar()
        body = OpenCycle(cycle=self.cycle, rules=rules, units=units, overrides=days, pace=pace)
        await self._do(names.cycle_stream(self.cycle), body, operator())
        founding = tuple(
            GrantTerms(id=f"founding-{n}", person=person, role="operator", unit=tree.root)
            for n, person in enumerate(OPERATORS, 1)
        )
        grants = GiveGrants(grants=founding + self._party.grants())
        await self._do(names.authority_stream(self.cycle), grants, operator())

    async def _submit(self, entrant: Entrant) -> None:
        nomination = digest(entrant.key.encode())[:16]
        body = SubmitNomination(
            nomination=nomination,
            cycle=self.cycle,
            unit=entrant.unit,
            route=entrant.route,
            channel=entrant.channel,
            sponsors=entrant.sponsors,
            subject=digest(f"subject/{entrant.key}".encode())[:32],
            entry=digest(f"entry/{entrant.key}".encode())[:32],
            commitment=digest(entrant.key.encode()),
            facts=entrant.facts,
            members=tuple(_member(entrant, number) for number in range(entrant.team)),
        )
        self.people[nomination] = entrant
        await self._do(names.nomination_stream(self.cycle, nomination), body, entrant.actor)

    # ---- rounds ----

    async def _state(self, stream: str) -> rounds.State:
        return (await self.decider.rounds.get(stream)).state

    async def _everywhere(self) -> list[rounds.State]:
        streams = await self.store.streams(f"round/{self.cycle}/")
        return [one.state for one in (await self.decider.rounds.get_many(list(streams))).values()]

    async def _round(self, stream: str) -> None:
        """One round after those below it, which all begin on the same day."""
        await self._do(stream, OpenRound())
        opened = (await self._state(stream)).opened
        assert opened is not None
        begins = ends = self._now
        for child in opened.children:
            self._now = begins
            await self._round(child)
            ends = max(ends, self._now)
        self._now = ends
        await self._do(stream, FreezePool())
        for step in self._party.programme.stages[self._party.tree.by_code[opened.unit].rank].steps:
            await self._take(stream, step)
        await self._report(stream)
        await self._deliver()

    async def _report(self, stream: str) -> None:
        """Perhaps only once people have set aside a rule that the list has lost."""
        await self._do(stream, ReportRound())
        while not (state := await self._state(stream)).over:
            if not await self._act(state):
                raise await self._stuck(stream, rounds.stage_of(state, self._party.programme).steps[-1])
            await self._do(stream, ReportRound())

    async def _take(self, stream: str, step: Step) -> None:
        await self._do(stream, OpenStep(step=step.id))
        for _ in range(PATIENCE):
            await self._deliver()
            state = await self._state(stream)
            if rounds.run_of(state, step.id).closed_at is not None:
                break
            while await self._act(await self._state(stream)):
                await self._deliver()
            await self._do(stream, CloseStep(step=step.id))
            self._pass_time(await self._state(stream), step)
        else:
            raise await self._stuck(stream, step)
        if isinstance(step, PublicVote):
            await self._seal(stream, step)

    async def _stuck(self, stream: str, step: Step) -> Refused:
        """The step waits for something that nobody in the rehearsal does, such as waiving rules that cannot hold."""
        held = rounds.run_of(await self._state(stream), step.id).held
        said = [read(event) for event in await self.store.load(stream)]
        detail = next((one.detail for one in reversed(said) if isinstance(one, StepHeld)), "")
        return Refused("REHEARSAL_STUCK", step=f"{stream}/{step.id}", held=held or "open", detail=detail)

    async def _act(self, state: rounds.State) -> bool:
        """Everybody who is awaited acts, once; who comes too late is refused and lets it be. True if anybody did."""
        streams = {names.nomination_stream(self.cycle, id): id for id in (*state.members, *state.standby)}
        folded = await self.decider.nominations.get_many(list(streams))
        standings = {id: standing(folded[stream].state, id) for stream, id in streams.items()}
        others = [one for one in await self._everywhere() if one != state] if waits_below(state) else ()
        scene = Scene(self._party, self.cycle, self.people, standings, tuple(others))
        fresh = [deed for deed in awaited(scene, self._party.programme, state) if deed.key not in self._done]
        for deed in fresh:
            self._done.add(deed.key)
            try:
                await self._do(deed.stream, deed.body, deed.actor, deed.key)
            except Refused as refusal:
                if refusal.code not in ("STAGE_CLOSED", "NOMINATION_OVER", "NOTHING_TO_RESOLVE"):
                    await self._again(refusal, scene, deed)
        return bool(fresh)

    async def _again(self, refusal: Refused, scene: Scene, deed: Deed) -> None:
        """What was missing is done, and then the body acts; for another reason it may be refused once more."""
        everywhere = await self._everywhere()
        state = await self._state(deed.stream)
        first = before_acting_again(refusal, scene, self._party.programme, state, everywhere)
        again = deed._replace(key=f"{deed.key}/again")
        try:
            for one in (*first, again):
                await self._do(one.stream, one.body, one.actor, one.key)
        except Refused as other:
            if other.code == refusal.code:
                raise
            await self._again(other, scene, again)

    def _pass_time(self, state: rounds.State, step: Step) -> None:
        """To the next end of a window, if the step still waits for one."""
        run = rounds.run_of(state, step.id)
        if run.closed_at is not None or run.window is None:
            return
        windows = [run.window, *(published.window for published in state.published.values())]
        ahead = [window.closes_at for window in windows if window.closes_at > self._now]
        if ahead:
            self._now = min(ahead)

    async def _seal(self, stream: str, step: PublicVote) -> None:
        """The tally of a ballot box that is not there: votes by merit."""
        state = await self._state(stream)
        run = rounds.run_of(state, step.id)
        if run.window is None:
            return
        if step.stuffing is not None:  # nobody stuffs a rehearsal's ballot
            version = rules_version(step.stuffing)
            await self._do(stream, HoldVotes(step=step.id, screening=1, rules=version, papers=0))
        self._now = max(self._now, run.seals_at or self._now)
        await self._do(stream, CloseStep(step=step.id))
        counts = tuple(Count(nomination=id, votes=self.people[id].merit) for id in state.members)
        papers = sum(count.votes for count in counts)
        ballot = names.step_gate(stream, step.id)
        sealed = SealTally(
            step=step.id, ballot=ballot, papers=papers, refused=0, root="0" * 64, counts=counts
        )
        await self._do(stream, sealed)

    async def _deliver(self) -> None:
        """What rounds decided reaches the nominations, and titles begin."""
        while posts := await self.store.undelivered(self.cycle, limit=1000):
            for post in posts:
                if post.name == names.OUTCOME_SIGNAL:
                    body = TakeOutcome.model_validate(post.payload["body"])
                    await self._do(post.workflow, body, key=str(post.payload["id"]))
                if post.name == names.TITLE_MESSAGE:
                    await self.decider.execute(title_command(post))
            await self.store.mark_delivered([post.id for post in posts])


def _member(entrant: Entrant, number: int) -> TeamMember:
    key = f"{entrant.key}/{number}"
    return TeamMember(
        subject=digest(f"subject/{key}".encode())[:32],
        entry=digest(f"entry/{key}".encode())[:32],
        commitment=digest(key.encode()),
        leader=number == 0,
    )
