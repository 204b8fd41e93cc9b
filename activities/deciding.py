"""Load, fold, decide, append: every command's way into the log, with the same answer for the same id."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from activities.folding import (
    Folded,
    States,
    fold_authority,
    fold_cycle,
    fold_nomination,
    fold_person,
    fold_points,
    fold_register,
    fold_round,
    fold_title,
    together,
)
from domain import (
    allocation,
    authority,
    clearance,
    composition,
    conduct,
    feeding,
    history,
    nomination,
    person,
    points,
    register,
    steps,
    title,
)
from domain import cycle as cycles
from domain import round as rounds
from domain.calendar import WorkDays, calendar_version, pinned_days, to_pin
from domain.decision import Calendar, Decision
from schemas import names
from schemas.canonical import canonical_bytes, payload_hash
from schemas.commands import (
    AddPoints,
    AmendRecommendation,
    AmendRules,
    CancelRound,
    CloseIntake,
    CloseStep,
    CloseStepEarly,
    Command,
    Confer,
    Decide,
    DrawPanel,
    EnterRegister,
    ErasePerson,
    ExtendCalendar,
    FamilyBody,
    FileObjection,
    FormPanel,
    FreezePool,
    LapseRound,
    OpenCycle,
    OpenRound,
    OpenStep,
    PersonBody,
    RecordHonour,
    RedistributeQuota,
    RegisterBody,
    ReplaceJudge,
    ReplyClearance,
    ReportRound,
    RequestClearance,
    ResolveTie,
    SubmitNomination,
)
from schemas.errors import Conflict, Integrity, Refused
from schemas.events import HeldTitle, RegisterMember
from schemas.ledger import Append, Head, Provenance, Receipt, RecordedEvent
from schemas.programme import Conferral, Eligibility, Feeder, Programme, Stage, SubjectType
from schemas.units import UnitTree
from store.contract import EventStore

T = TypeVar("T")

ATTEMPTS = 50
"""How often a command is decided again when somebody was faster, before the caller is told."""

GATHERED = FreezePool | LapseRound | CancelRound
"""What concerns also those who are not in the round's pool yet."""
IN_A_CYCLE = ("nomination", "round")
BEFORE_ALL = ("NOT_AUTHORISED", "NOT_FOUND")
"""What is refused in the same words whatever has become of the cycle."""
NEEDS_STANDINGS = (
    *(OpenStep, CloseStep, CloseStepEarly, FormPanel, DrawPanel, ReplaceJudge),
    *(Decide, Confer, ResolveTie, ReportRound, AmendRecommendation),
)


class Decided(NamedTuple):
    """A stream as it was folded, the inputs beside it (the tree alone, for an authority), and what was decided."""

    folded: Folded[Any]
    inputs: Any
    decision: Decision


def request_hash(command: Command) -> str:
    """What must be the same when a command id comes again: everything but the time at which it was received."""
    return payload_hash(command.model_dump(mode="json", include={"stream", "actor", "body"}))


class Decider:
    """Decides commands against an event store. `clock` gives the recorded time and decides nothing.

    `aside`: what may take seconds goes to a thread of its own, so that others go on meanwhile.
    """

    def __init__(self, store: EventStore, clock: Callable[[], datetime], *, aside: bool = True) -> None:
        self._aside = aside
        self.store = store
        self.clock = clock
        self.cycles: States[cycles.State] = States(store, fold_cycle, cycles.initial)
        self.authorities: States[authority.State] = States(store, fold_authority, authority.initial)
        self.nominations: States[nomination.State] = States(
            store, fold_nomination, nomination.initial, 20_000
        )
        self.rounds: States[rounds.State] = States(store, fold_round, rounds.initial)
        self.points: States[points.State] = States(store, fold_points, points.initial)
        self.registers: States[register.State] = States(store, fold_register, register.initial)
        self.titles: States[title.State] = States(store, fold_title, title.initial)
        self.persons: States[person.State] = States(store, fold_person, person.initial)
        self._documents: dict[str, Any] = {}
        self.kinds: dict[str, States[Any]] = {
            "cycle": self.cycles,
            "authority": self.authorities,
            "nomination": self.nominations,
            "round": self.rounds,
            "points": self.points,
            "register": self.registers,
            "title": self.titles,
            "person": self.persons,
        }

    async def execute(self, command: Command, known: Head | None = None) -> Receipt:
        """The receipt of the command, written now or before.

        Raises Refused with the rule's code, Conflict KEY_REUSED, Integrity LOG_BEHIND, Unavailable.
        """
        asked = request_hash(command)
        receipt = await self.store.receipt(command.stream, command.id, asked)
        for _ in range(ATTEMPTS):
            if receipt is not None:
                return receipt
            try:
                receipt = await self._decide_and_append(command, asked, known)
            except Conflict as faster:
                if faster.code != "WRONG_EXPECTED_HEAD":
                    raise
                self._forget(faster.facts.get("stream", command.stream))
            except Refused as shut:
                if not _came_as_it_closed(command, shut):
                    await self._must_not_be_over(command, shut)
                    raise
        if receipt is None:
            raise Conflict("WRONG_EXPECTED_HEAD", stream=command.stream)
        return receipt

    async def _must_not_be_over(self, command: Command, refusal: Refused) -> None:
        """Of a cycle that is over people are told that, and not which of its gates and steps they met on the way there.

        Who may not ask, or asks for what is not there, is told no more than before. Raises Refused CYCLE_NOT_OPEN.
        """
        if names.kind_of(command.stream) not in IN_A_CYCLE or refusal.code in BEFORE_ALL:
            return
        cycle = names.cycle_of(command.stream)
        status = (await self.cycles.get(names.cycle_stream(cycle))).state.status
        at_its_gate = refusal.facts.get("step") == names.cycle_gate(cycle)
        if status == cycles.Status.CANCELLED or (status == cycles.Status.COMPLETED and at_its_gate):
            raise Refused("CYCLE_NOT_OPEN", status=status) from refusal

    async def _decide_and_append(self, command: Command, asked: str, known: Head | None) -> Receipt:
        decided = await self.decide(command)
        if isinstance(command.body, CloseIntake) and decided.decision.events:
            decided = await self._counted(command, decided)
        folded, decision = decided.folded, decided.decision
        if decision.already:
            return await self._first_receipt(command.stream, decision.already)
        if not decision.events and not decision.effects:
            return Receipt(stream=command.stream, command_id=command.id, head=folded.head, events=())
        rules = await self.rules(command)
        provenance = self._provenance(command, asked, decision.grant, rules)
        receipt = await self.store.append(
            Append(
                stream=command.stream,
                expected=folded.head,
                known=known,
                provenance=provenance,
                events=tuple(event.new(decision.subject) for event in decision.events),
                guards=decision.guards,
                effects=decision.effects,
            )
        )
        self._states(command.stream).put(command.stream, receipt.events)
        return receipt

    async def _counted(self, command: Command, decided: Decided) -> Decided:
        """Intake decided again once its gates are shut: who came in while it was being decided counts too (DR-06)."""
        shut = Append(
            stream=command.stream,
            expected=decided.folded.head,
            provenance=self._provenance(command, request_hash(command), "", decided.folded.rules),
            events=(),
            effects=decided.decision.effects,
        )
        await self.store.append(shut)
        return await self.decide(command)

    def _provenance(self, command: Command, asked: str, grant: str, rules: str) -> Provenance:
        return Provenance(
            log=names.log_origin(names.cycle_of(command.stream)),
            command_id=command.id,
            payload_hash=asked,
            actor=command.actor,
            grant=grant,
            cause=command.cause,
            occurred_at=command.received_at,
            recorded_at=self.clock(),
            rules=rules,
        )

    async def _first_receipt(self, stream: str, command_id: str) -> Receipt:
        events = tuple(event for event in await self.store.load(stream) if event.command_id == command_id)
        head = Head(seq=events[-1].seq, hash=events[-1].hash)
        return Receipt(stream=stream, command_id=command_id, head=head, events=events, repeated=True)

    # ---- deciding ----

    async def decide(self, command: Command) -> Decided:
        """What the command would do now, and what that stands on; writes nothing. Raises Refused."""
        match names.kind_of(command.stream):
            case "cycle":
                return await self._decide_cycle(command)
            case "authority":
                return await self._decide_authority(command)
            case "nomination":
                return await self._decide_nomination(command)
            case "round":
                return await self._decide_round(command)
            case "points":
                return await self._decide_points(command)
            case "register":
                return await self._decide_register(command)
            case "title":
                return await self._decide_title(command)
            case "person":
                return await self._decide_person(command)
            case other:
                raise Refused("NOT_FOUND", what=other)

    async def _decide_cycle(self, command: Command) -> Decided:
        folded = await self.cycles.get(command.stream)
        body: Any = command.body
        cycle = names.cycle_of(command.stream)
        if isinstance(body, OpenCycle):
            programme, tree = await self.programme(body.rules), await self.tree(body.units)
            calendar = await self.calendar(body.overrides)
        else:
            programme, tree, calendar = await self._laws(folded)
        amends = isinstance(body, AmendRules)
        inputs = cycles.Inputs(
            programme=programme,
            tree=tree,
            calendar=calendar,
            authority=(await self.authorities.get(names.authority_stream(cycle))).state,
            amended=await self.programme(body.rules) if amends else None,
            extended=await self.calendar(body.overrides) if isinstance(body, ExtendCalendar) else None,
            rules=folded.rules,
            begun=await self._begun(cycle) if amends else {},
            nominated=await self.store.units_with_reservations(cycle)
            if isinstance(body, CloseIntake)
            else {},
        )
        if isinstance(body, OpenCycle):
            inputs = replace(inputs, places_taken=await self._places_taken(cycle, programme))
        if isinstance(body, CloseIntake):
            feeds = await self._feeds(cycle, programme)
            inputs = replace(inputs, feeds=feeds, ledgers=await self._ledgers(cycle, programme, feeds))
        if isinstance(body, RedistributeQuota):
            scopes = allocation.scopes(programme, tree, body.unit)
            claims = {scope: await self.store.claims(cycle, scope) for scope in scopes}
            inputs = replace(inputs, claims=claims)
        return Decided(folded, inputs, cycles.decide(folded.state, command, body, inputs))

    async def _feeds(self, cycle: str, programme: Programme) -> feeding.Feeds:
        """What the feeders' cycles gave, and what earlier cycles of this programme took of it already."""
        if not programme.feeders:
            return feeding.Feeds()
        siblings = await self._family(cycle, programme.programme)
        sources = {
            feeder.id: tuple(
                [
                    await self._source(stream, feeder)
                    for stream, folded in (await self._family(cycle, feeder.programme)).items()
                    if folded.state.status == cycles.Status.COMPLETED
                ]
            )
            for feeder in programme.feeders
        }
        others = {stream: one for stream, one in siblings.items() if stream != names.cycle_stream(cycle)}
        taken = {
            feeder.id: frozenset(id for one in others.values() for id in one.state.sources.get(feeder.id, ()))
            for feeder in programme.feeders
        }
        heads = {stream: one.head.seq for stream, one in others.items()}
        return feeding.Feeds(sources=sources, taken=taken, siblings=heads)

    async def _ledgers(
        self, cycle: str, programme: Programme, feeds: feeding.Feeds
    ) -> dict[str, points.State]:
        """The points of all who are nominated, or may be fed in."""
        if programme.points is None:
            return {}
        subjects = {held.subject for held in await self.store.reservations(cycle)}
        subjects |= {one.subject for some in feeds.sources.values() for at in some for one in at.entries}
        streams = {subject: names.points_stream(cycle, subject) for subject in sorted(subjects)}
        folded = await self.points.get_many(list(streams.values()))
        return {subject: folded[stream].state for subject, stream in streams.items()}

    async def _family(self, cycle: str, programme: str) -> dict[str, Folded[cycles.State]]:
        """The cycles of a programme that know of this one: the real ones, or those of the same rehearsal."""
        streams = await self.store.streams(f"cycle/{programme}.")
        label = names.label_of(cycle)
        return await self.cycles.get_many([s for s in streams if names.label_of(names.cycle_of(s)) == label])

    async def _source(self, stream: str, feeder: Feeder) -> feeding.Source:
        cycle = names.cycle_of(stream)
        programme = await self.programme((await self.cycles.get(stream)).rules)
        folded = await self.rounds.get_many(await self.store.streams(f"round/{cycle}/"))
        won = feeding.won(cycle, [one.state for one in folded.values()], feeder)
        streams = {id: names.nomination_stream(cycle, id) for id in won}
        states = await self.nominations.get_many(list(streams.values()))
        entries = tuple(
            feeding.Entry(
                subject=state.subject,
                submitted=state.submitted,
                facts=state.facts,
                awards=won[id],
                kind=SubjectType(state.submitted.subject_type or programme.subject),
                members=state.members,
            )
            for id, at in streams.items()
            if (state := states[at].state).submitted is not None
        )
        return feeding.Source(cycle=cycle, entries=entries)

    async def _begun(self, cycle: str) -> dict[str, str]:
        """The rounds that have events, with their ranks once they have opened."""
        folded = await self.rounds.get_many(await self.store.streams(f"round/{cycle}/"))
        return {stream: one.state.opened.rank if one.state.opened else "" for stream, one in folded.items()}

    async def _decide_authority(self, command: Command) -> Decided:
        folded = await self.authorities.get(command.stream)
        cycle = await self.cycles.get(names.cycle_stream(names.cycle_of(command.stream)))
        _, tree, _ = await self._laws(cycle)
        body: Any = command.body
        return Decided(folded, tree, authority.decide(folded.state, command, body, tree))

    async def _decide_points(self, command: Command) -> Decided:
        folded, body = await self.points.get(command.stream), command.body
        assert isinstance(body, AddPoints)
        programme, tree, _ = await self._laws(await self._cycle_in_family(command.stream, body.cycle))
        grants = (await self.authorities.get(names.authority_stream(body.cycle))).state
        inputs = points.Inputs(programme=programme, tree=tree, authority=grants)
        return Decided(folded, inputs, points.decide(folded.state, command, body, inputs))

    async def _decide_register(self, command: Command) -> Decided:
        folded, body = await self.registers.get(command.stream), command.body
        assert isinstance(body, RegisterBody)
        cycle = await self._cycle_in_family(command.stream, body.cycle)
        programme, tree, _ = await self._laws(cycle)
        inputs = register.Inputs(
            programme=programme,
            tree=tree,
            authority=(await self.authorities.get(names.authority_stream(body.cycle))).state,
            status=cycle.state.status,
            winners=await self._winners(body.cycle) if isinstance(body, EnterRegister) else (),
        )
        return Decided(folded, inputs, register.decide(folded.state, command, body, inputs))

    async def _winners(self, cycle: str) -> tuple[RegisterMember, ...]:
        """The winners of any level of a cycle, each once."""
        source = await self._source(names.cycle_stream(cycle), register.ALL_TITLES)
        members = {
            one.subject: RegisterMember(
                subject=one.subject, nomination=one.submitted.nomination, unit=one.submitted.unit
            )
            for one in source.entries
        }
        return tuple(members.values())

    async def _places_taken(self, cycle: str, programme: Programme) -> int:
        """Places of the register that are taken, or promised to batches that have not entered it yet."""
        if programme.batches is None:
            return 0
        entered = (await self.registers.get(names.register_stream(cycle))).state
        running = [
            one
            for stream, one in (await self._family(cycle, programme.programme)).items()
            if names.cycle_of(stream) not in {cycle, *entered.batches}
            and one.state.status != cycles.Status.CANCELLED
        ]
        promised = [register.places(await self.programme(one.rules)) for one in running]
        return len(entered.ever) + sum(promised)

    async def _cycle_in_family(self, stream: str, cycle: str) -> Folded[cycles.State]:
        """The cycle under whose rules and grants a family's stream is written; Refused NOT_FOUND for another's."""
        if names.family_of(cycle) != names.cycle_of(stream):
            raise Refused("NOT_FOUND", what=f"{cycle} in {names.cycle_of(stream)}")
        return await self.cycles.get(names.cycle_stream(cycle))

    async def _decide_nomination(self, command: Command) -> Decided:
        cycle, body = names.cycle_of(command.stream), command.body  # type: str, Any
        likely = nomination.round_of(self.nominations.kept(command.stream).state, body)
        asked = [command.stream, names.cycle_stream(cycle), names.authority_stream(cycle)]
        asked += [likely] if likely else []
        known = dict(zip(asked, await self.read(*asked), strict=True))
        folded, folded_cycle, grants = [known[stream] for stream in asked[:3]]
        at = nomination.round_of(folded.state, body)
        programme, tree, calendar = await self._laws(folded_cycle)
        inputs = nomination.Inputs(
            programme=programme,
            tree=tree,
            calendar=calendar,
            authority=grants.state,
            round=known[at].state if at in known else await self._round(at),
            summit=await self._round(nomination.summit_of(folded.state, body)),
            intake_open=not folded_cycle.state.intake_closed,
            fed=frozenset(folded_cycle.state.fed),
            given=folded_cycle.state.given,
            received=folded_cycle.state.received,
            claims=await self._claims(cycle, nomination.scope_of(folded.state, body)),
            held=await self._held_by_submitted(folded_cycle.state, programme, body),
            pauses=cycles.stood_still(folded_cycle.state, command.received_at),
        )
        return Decided(folded, inputs, nomination.decide(folded.state, command, body, inputs))

    async def _round(self, stream: str) -> rounds.State:
        return (await self.rounds.get(stream)).state if stream else rounds.initial

    async def _claims(self, cycle: str, scope: str) -> dict[int, str]:
        return await self.store.claims(cycle, scope) if scope else {}

    async def _held_by_submitted(
        self, cycle: cycles.State, programme: Programme, body: Any
    ) -> tuple[HeldTitle, ...]:
        if not isinstance(body, SubmitNomination) or not any(one.bar_years for one in programme.titles):
            return ()
        return (await self._held(cycle, programme, [body.subject]))[body.subject]

    async def _decide_title(self, command: Command) -> Decided:
        folded = await self.titles.get(command.stream)
        cycle = await self.cycles.get(names.cycle_stream(names.cycle_of(command.stream)))
        programme, tree, _ = await self._laws(cycle)
        body: Any = command.body
        nominated = await self._nominated_for(command)
        subject = folded.state.subject
        held = (await self._held(cycle.state, programme, [subject]))[subject] if subject else ()
        inputs = title.Inputs(
            programme=programme,
            tree=tree,
            authority=(
                await self.authorities.get(names.authority_stream(names.cycle_of(command.stream)))
            ).state,
            subject=nominated.subject,
            unit=nominated.submitted.unit if nominated.submitted else "",
            held=tuple(one for one in held if one.stream != command.stream),
            rehearsal=_rehearses(cycle.state),
        )
        return Decided(folded, inputs, title.decide(folded.state, command, body, inputs))

    async def _nominated_for(self, command: Command) -> nomination.State:
        if not isinstance(command.body, RecordHonour):
            return nomination.initial
        return (await self.nominations.get(title.nomination_of(command.stream))).state

    async def _decide_person(self, command: Command) -> Decided:
        folded, body = await self.persons.get(command.stream), command.body
        assert isinstance(body, PersonBody)
        _, tree, _ = await self._laws(await self._cycle_in_family(command.stream, body.cycle))
        subject = names.subject_of(command.stream)
        inputs = person.Inputs(
            tree=tree,
            authority=(await self.authorities.get(names.authority_stream(body.cycle))).state,
            needed_by=await self._needed_by(subject) if isinstance(body, ErasePerson) else (),
        )
        return Decided(folded, inputs, person.decide(folded.state, command, body, inputs))

    async def _needed_by(self, subject: str) -> tuple[str, ...]:
        """Whatever still needs a person's data, in any cycle: they have the same subject id in all."""
        cycles_ = await self.cycles.get_many(await self.store.streams("cycle/"))
        streams = [
            names.nomination_stream(names.cycle_of(stream), held.nomination)
            for stream, one in cycles_.items()
            if one.state.status != cycles.Status.CANCELLED
            for places in (names.cycle_of(stream), names.members_of(names.cycle_of(stream)))
            for held in await self.store.reservations(places)
            if held.subject == subject
        ]
        nominations = await self.nominations.get_many(streams)
        titles = await self.titles.get_many((await self.store.title_streams([subject])).get(subject, ()))
        elsewhere = await self.persons.get_many(
            [one for one in await self.store.streams("person/") if one.endswith(f"/{subject}")]
        )
        return (
            *person.needed_by(
                [(stream, one.state) for stream, one in nominations.items()],
                [(stream, one.state) for stream, one in titles.items()],
            ),
            *(stream for stream, one in elsewhere.items() if one.state.held),
        )

    async def _held(
        self, cycle: cycles.State, programme: Programme, subjects: Sequence[str]
    ) -> dict[str, tuple[HeldTitle, ...]]:
        """What each subject was given, in any cycle, as far as it counts in this one; read from the titles' streams."""
        assert cycle.opened is not None
        of_subject = await self.store.title_streams(subjects)
        folded = await self.titles.get_many([stream for streams in of_subject.values() for stream in streams])
        held = {
            subject: [title.held(folded[stream].state, stream) for stream in of_subject.get(subject, ())]
            for subject in subjects
        }
        rehearsal = _rehearses(cycle)
        return {
            subject: history.counted(titles, cycle.opened.cycle, programme, rehearsal=rehearsal)
            for subject, titles in held.items()
        }

    async def _decide_round(self, command: Command) -> Decided:
        cycle, body = names.cycle_of(command.stream), command.body  # type: str, Any
        folded, folded_cycle, grants = await self.read(
            command.stream, names.cycle_stream(cycle), names.authority_stream(cycle)
        )
        inputs = await self._round_inputs(folded.state, folded_cycle, grants.state, command)
        if self._aside and isinstance(body, OpenStep | CloseStep):  # a selection may take seconds
            decision = await asyncio.to_thread(conduct.decide, folded.state, command, body, inputs)
        else:
            decision = conduct.decide(folded.state, command, body, inputs)
        return Decided(folded, inputs, decision)

    async def _round_inputs(
        self,
        state: rounds.State,
        cycle_state: Folded[cycles.State],
        grants: authority.State,
        command: Command,
    ) -> steps.Inputs:
        _, cycle, route, unit = command.stream.split("/")
        programme, tree, calendar = await self._laws(cycle_state)
        entered, below, children = (), (), {}  # type: tuple[str, ...], tuple[str, ...], dict[str, rounds.State]
        if isinstance(command.body, OpenRound | GATHERED):
            entered, below = await self.work(cycle, route, unit, programme, tree)
        if isinstance(command.body, GATHERED) and state.opened and not state.frozen:
            folded = await self.rounds.get_many(state.opened.children)
            children = {stream: one.state for stream, one in folded.items()}
        parent = None
        if isinstance(command.body, AmendRecommendation) and (above := await self.parent_of(command.stream)):
            parent = (await self.rounds.get(above)).state
        summit = None
        asks_late = isinstance(command.body, RequestClearance | ReplyClearance) and state.reported
        if asks_late and route != names.ROOT_ROUTE:
            summit = await self._round(names.round_stream(cycle, names.ROOT_ROUTE, tree.root))
        stage = programme.stages[tree.by_code[unit].rank]
        concerned = _concerned(state, command, entered, children)
        standings = await self._standings(
            cycle_state.state, programme, concerned, _asks_history(programme, stage, command)
        )
        standings = feeding.attested(standings, programme, cycle_state.state.attested)
        return steps.Inputs(
            programme=programme,
            tree=tree,
            calendar=calendar,
            authority=grants,
            cycle=cycle_state.state,
            stage=stage,
            standings=standings,
            entered=entered,
            work_below=below,
            children=children,
            parent=parent,
            below=await self._cleared_below(state, command, programme, tree),
            summit=summit,
        )

    async def _cleared_below(
        self, state: rounds.State, command: Command, programme: Programme, tree: UnitTree
    ) -> tuple[rounds.State, ...]:
        """Of the rounds that members passed those whose departments' answers a last word rests on (DR-11)."""
        _, cycle, _, unit = command.stream.split("/")
        looks = composition.looks_below(programme, tree.by_code[unit].rank, command.body)
        if not (looks and any(map(clearance.asks, programme.stages.values()))):
            return ()
        streams = [names.nomination_stream(cycle, id) for id in state.members]
        passed = {
            stream: programme.stages[tree.by_code[stream.rsplit("/", 1)[-1]].rank]
            for one in (await self.nominations.get_many(streams)).values()
            for stream in one.state.passed(unit)
        }
        asking = [stream for stream, stage in passed.items() if clearance.asks(stage)]
        return tuple(one.state for one in (await self.rounds.get_many(asking)).values())

    async def parent_of(self, stream: str) -> str:
        """The round that a round reports to; nothing for the one where the routes meet."""
        _, cycle, route, unit = stream.split("/")
        if route == names.ROOT_ROUTE:
            return ""
        programme, tree, _ = await self._laws(await self.cycles.get(names.cycle_stream(cycle)))
        path = tree.path(unit, programme.route(route))
        return names.round_on_way(cycle, route, path, 1)

    async def work(
        self, cycle: str, route: str, unit: str, programme: Programme, tree: UnitTree
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The nominations that entered at this unit, and the child rounds that have something to decide."""
        units = None if route == names.ROOT_ROUTE else tree.below(unit)
        entered, below = [], set()
        for held in await self.store.reservations(cycle, units):
            if route not in (names.ROOT_ROUTE, held.route):
                continue
            path = tree.path(held.unit, programme.route(held.route))
            if unit not in path:
                continue
            at = path.index(unit)
            if at == 0:
                entered.append(held.nomination)
            else:
                below.add(names.round_stream(cycle, held.route, path[at - 1]))
        return tuple(sorted(entered)), tuple(sorted(below))

    async def rounds_left(self, cycle: str) -> tuple[str, ...]:
        """The rounds that are not over: those that have begun, and those that never did though somebody entered there."""
        programme, tree, _ = await self._laws(await self.cycles.get(names.cycle_stream(cycle)))
        streams = set(await self.store.streams(f"round/{cycle}/"))
        for held in await self.store.reservations(cycle):
            path = tree.path(held.unit, programme.route(held.route))
            streams.add(names.round_on_way(cycle, held.route, path, 0))
        folded = await self.rounds.get_many(sorted(streams))
        return tuple(stream for stream, one in folded.items() if not one.state.over)

    async def _standings(
        self, cycle: cycles.State, programme: Programme, nominations: list[str], with_titles: bool
    ) -> dict[str, rounds.Standing]:
        assert cycle.opened is not None
        streams = {id: names.nomination_stream(cycle.opened.cycle, id) for id in nominations}
        folded = await self.nominations.get_many(list(streams.values()))
        states = {id: folded[stream].state for id, stream in streams.items()}
        subjects = [state.subject for state in states.values()] if with_titles else []
        held = await self._held(cycle, programme, subjects) if subjects else {}
        return {
            id: nomination.standing(state, id, held.get(state.subject, ())) for id, state in states.items()
        }

    # ---- what is pinned ----

    async def _laws(self, cycle: Folded[cycles.State]) -> tuple[Programme, UnitTree, Calendar]:
        """The programme, the units and the calendar that the cycle pinned when it opened (DR-01)."""
        opened = cycle.state.opened
        if opened is None:
            raise Refused("CYCLE_NOT_OPEN", status=cycle.state.status)
        return (
            await self.programme(cycle.rules),
            await self.tree(opened.units),
            await self.calendar(cycle.state.overrides),
        )

    async def rules(self, command: Command) -> str:
        """The hash of the programme in force for this command."""
        if isinstance(command.body, OpenCycle):
            return command.body.rules
        cycle = command.body.cycle if isinstance(command.body, FamilyBody) else names.cycle_of(command.stream)
        decided_under = self.cycles.kept(names.cycle_stream(cycle))
        return decided_under.rules or (await self.cycles.get(names.cycle_stream(cycle))).rules

    async def programme(self, content_hash: str) -> Programme:
        return await self._document(content_hash, Programme.model_validate_json)

    async def tree(self, content_hash: str) -> UnitTree:
        return await self._document(content_hash, UnitTree.model_validate_json)

    async def pin_calendar(self, *overrides: str) -> str:
        """Keeps today's calendar whole, those overrides laid over it in turn; the hash by which a cycle pins it."""
        days: dict[date, bool] = {}
        for one in overrides:
            days |= (await self.calendar(one)).overrides
        return await self.store.put_document("calendar", canonical_bytes(to_pin(days)))

    async def calendar(self, content_hash: str) -> Calendar:
        """A pinned calendar, or today's: with the overrides of the document, a JSON list of days, or without any."""
        if not content_hash:
            return Calendar(overrides={}, version=calendar_version())
        return await self._document(content_hash, _calendar)

    async def _document(self, content_hash: str, parse: Callable[[bytes], T]) -> T:
        if content_hash not in self._documents:
            content = await self.store.document(content_hash)
            try:
                self._documents[content_hash] = parse(content)
            except ValidationError as fault:
                first = fault.errors()[0]
                said = f"{'.'.join(map(str, first['loc']))}: {first['type']}"
                raise Integrity("DOCUMENT_UNREADABLE", hash=content_hash, fault=said) from fault
        document: T = self._documents[content_hash]
        return document

    async def read(self, *streams: str) -> list[Folded[Any]]:
        """Streams of any kinds as of one moment."""
        folded = await together(self.store, {stream: self._states(stream) for stream in streams})
        return [folded[stream] for stream in streams]

    async def read_after(self, receipt: Receipt, *streams: str) -> list[Folded[Any]]:
        """Streams that were read to decide a command, as they are after it: where it was written just now, that is known."""
        kept = {stream: self._states(stream).kept(stream) for stream in streams}
        least = {receipt.stream: receipt.head.seq}
        if receipt.repeated or any(one.head.seq < least.get(stream, 1) for stream, one in kept.items()):
            return await self.read(*streams)
        return list(kept.values())

    async def state(self, stream: str) -> Any:
        """The stream folded, whatever its kind."""
        return (await self._states(stream).get(stream)).state

    def heard(self, events: Sequence[RecordedEvent]) -> None:
        """Events of one stream that the store has now: folded on, if nothing lies between."""
        if names.kind_of(events[0].stream) in self.kinds:
            self._states(events[0].stream).put(events[0].stream, events)

    def _states(self, stream: str) -> States[Any]:
        return self.kinds[names.kind_of(stream)]

    def _forget(self, stream: str) -> None:
        self._states(stream).forget(stream)


def _came_as_it_closed(command: Command, shut: Refused) -> bool:
    """An objection that met a closing step is decided again: it is late then, and kept (DR-29)."""
    return (
        isinstance(command.body, FileObjection)
        and shut.code == "STAGE_CLOSED"
        and names.kind_of(shut.facts["step"]) == "round"
    )


def _concerned(
    state: rounds.State, command: Command, entered: tuple[str, ...], children: dict[str, rounds.State]
) -> list[str]:
    """Whose streams the decision reads."""
    if isinstance(command.body, FreezePool):
        reported = [child.reported for child in children.values() if child.reported]
        return [*entered, *(id for report in reported for id in report.recommended)]
    body = command.body
    late = isinstance(body, ReplyClearance) and rounds.run_of(state, body.step).closed_at is not None
    if late or isinstance(body, NEEDS_STANDINGS):
        return [*state.members, *state.standby]
    return []


def _asks_history(programme: Programme, stage: Stage, command: Command) -> bool:
    """Whether the decision looks at past titles: they are not read where nobody asks."""
    match command.body:
        case Confer():
            return True
        case FreezePool():
            return stage.pool is not None
        case OpenStep() | CloseStep() | ResolveTie():
            step = next((one for one in stage.steps if one.id == command.body.step), None)
            if isinstance(step, Conferral):
                return not isinstance(command.body, CloseStep)  # time alone gives nobody a title
            return isinstance(step, Eligibility) and history.reads_history(programme, stage)
        case _:
            return False


def _rehearses(cycle: cycles.State) -> bool:
    return cycle.opened is not None and cycle.opened.pace.rehearsal


def _calendar(content: bytes) -> Calendar:
    kept = json.loads(content)
    if isinstance(kept, dict):
        pinned = WorkDays.model_validate(kept)
        return Calendar(overrides=pinned_days(pinned), version=pinned.version)
    overrides = {date.fromisoformat(one["day"]): bool(one["worked"]) for one in kept}
    return Calendar(overrides=overrides, version=calendar_version(overrides))
