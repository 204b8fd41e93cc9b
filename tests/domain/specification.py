"""given(…).when(…).then(…) for one aggregate, and a `World` that runs whole cycles in memory without store or workflow.

Whatever a `World` writes goes through its canonical bytes first, so that every state here is folded from what a reader
of the log would be given. Everybody in it is invented.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
import pytest

from activities.deciding import request_hash
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
)
from domain import cycle as cycles
from domain import round as rounds
from domain import title as titles
from domain.audit.rebuilt import LOSSY, bodies, is_proposal
from domain.decision import Calendar, Decision
from schemas import names
from schemas.canonical import canonical_bytes, seal
from schemas.commands import (
    ENGINE,
    AmendRecommendation,
    CancelRound,
    CloseIntake,
    CloseStep,
    Command,
    ConferTitle,
    Correct,
    FormPanel,
    FreezePool,
    GiveGrants,
    HandInSheet,
    LapseRound,
    OpenCycle,
    OpenRound,
    OpenStep,
    RedistributeQuota,
    ReplyClearance,
    ReportRound,
    RequestClearance,
    RevokeGrant,
    SealTally,
    SubmitNomination,
    TakeOutcome,
    Withdraw,
    WrittenMark,
    WrittenPart,
)
from schemas.errors import Conflict, EngineError, Refused
from schemas.events import EVENTS, Count, Event, FactValue, GrantTerms, HeldTitle
from schemas.ledger import (
    Actor,
    Append,
    Claim,
    Gate,
    GateOpen,
    GateStatus,
    Head,
    HeadIs,
    Post,
    Provenance,
    Release,
    Reserve,
    SetGate,
    Unclaim,
)
from schemas.programme import Programme
from schemas.units import UnitTree
from schemas.values import SHANGHAI, Pace

DAY = timedelta(days=1)
OPERATOR, OPERATOR_2 = Actor(id="operator-1", role="operator"), Actor(id="operator-2", role="operator")
OFFICER = Actor(id="officer-1", role="officer")
HANDLER, HANDLER_2 = Actor(id="handler-1", role="handler"), Actor(id="handler-2", role="handler")
JUDGES = tuple(Actor(id=f"judge-{n}", role="judge") for n in (1, 2, 3))
SPARE_JUDGE = Actor(id="judge-4", role="judge")
COUNCIL, COUNCIL_2 = Actor(id="council-1", role="body:council"), Actor(id="council-2", role="body:council")
TAX, SAFETY = Actor(id="tax-1", role="department:tax"), Actor(id="safety-1", role="department:safety")
KEEPERS = tuple(Actor(id=f"keeper-{n}", role="scorekeeper") for n in (1, 2, 3))
STRANGER = Actor(id="stranger", role="officer")
APPLICANT = Actor(id="applicant-1", role="applicant")
STAFF = (
    *(OPERATOR, OPERATOR_2, OFFICER, HANDLER, HANDLER_2, *JUDGES, SPARE_JUDGE),
    *(COUNCIL, COUNCIL_2, TAX, SAFETY, *KEEPERS),
)


def at(text: str) -> datetime:
    """`2024-03-04 09:00` in Shanghai, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


MONDAY = at("2024-03-04 09:00")


class Written(NamedTuple):
    """An event as the log keeps it."""

    event: Event
    at: datetime
    actor: str
    subject: str = ""
    command: str = ""


def through_bytes(event: Event) -> Event:
    """The event as a reader of the log gets it, from its canonical bytes: the same, or nothing here would be true."""
    read = EVENTS[type(event).__name__].model_validate(orjson.loads(canonical_bytes(event.new().data)))
    assert read == event
    return read


def must_be_told(command: Command, decision: Decision, before: Any) -> None:
    """Whatever a `World` writes tells the command that brought it, so that a replay can take it again (DR-45)."""
    if not decision.events or isinstance(
        command.body, TakeOutcome | ConferTitle
    ):  # told by their rounds' messages
        return
    asked = request_hash(command)
    provenance = Provenance(
        log="test",
        command_id=command.id,
        payload_hash=asked,
        actor=command.actor,
        grant=decision.grant,
        occurred_at=command.received_at,
        recorded_at=command.received_at,
        rules=command.body.rules if isinstance(command.body, OpenCycle) else "r",
    )
    events = tuple(event.new(decision.subject) for event in decision.events)
    request = Append(stream=command.stream, expected=Head(), provenance=provenance, events=events)
    written = [sealed.event for sealed in seal(request)]
    if is_proposal(written):  # told by those who second it, or not at all
        return
    told = [command.model_copy(update={"body": body}) for body in bodies(written, before)]
    assert asked in map(request_hash, told) or (told and command.body.kind in LOSSY), command.body


FOLDS: dict[str, tuple[Any, Callable[[Any, Written, str], Any]]] = {
    "cycle": (cycles.initial, lambda state, one, _: cycles.evolve(state, one.event, one.at, one.actor)),
    "authority": (authority.initial, lambda state, one, _: authority.evolve(state, one.event)),
    "nomination": (
        nomination.initial,
        lambda state, one, _: nomination.evolve(state, one.event, one.actor, one.subject, one.command),
    ),
    "person": (
        person.initial,
        lambda state, one, _: person.evolve(state, one.event, one.actor, one.command),
    ),
    "points": (points.initial, lambda state, one, _: points.evolve(state, one.event)),
    "register": (
        register.initial,
        lambda state, one, _: register.evolve(state, one.event, one.subject),
    ),
    "round": (
        rounds.initial,
        lambda state, one, stream: rounds.evolve(state, one.event, one.at, one.actor, stream),
    ),
    "title": (
        titles.initial,
        lambda state, one, _: titles.evolve(state, one.event, one.actor, one.subject, one.command),
    ),
}
DECIDERS: dict[str, Callable[..., Decision]] = {
    "cycle": cycles.decide,
    "authority": authority.decide,
    "nomination": nomination.decide,
    "person": person.decide,
    "points": points.decide,
    "register": register.decide,
    "round": conduct.decide,
    "title": titles.decide,
}


def fold(stream: str, written: Iterable[Written]) -> Any:
    """The state that these events tell."""
    state, evolve = FOLDS[names.kind_of(stream)]
    for one in written:
        state = evolve(state, one, stream)
    return state


# ---- one aggregate ----


@dataclass(frozen=True)
class Given:
    """What has happened to one stream, and what else is known when it decides."""

    stream: str
    inputs: Any
    happened: tuple[Written, ...] = ()

    def when(self, body: Any, by: Actor = ENGINE, now: datetime = MONDAY) -> When:
        return When(self, Command(id="when", stream=self.stream, actor=by, received_at=now, body=body))


def given(stream: str, inputs: Any, *events: Event | tuple[Event, Actor], now: datetime = MONDAY) -> Given:
    """These events of a stream; each by the engine unless it comes with who caused it."""
    said = [one if isinstance(one, tuple) else (one, ENGINE) for one in events]
    written = [Written(through_bytes(event), now, actor.id, "subject", "before") for event, actor in said]
    return Given(stream, inputs, tuple(written))


@dataclass(frozen=True)
class When:
    """A command, about to be decided."""

    past: Given
    command: Command

    def decision(self) -> Decision:
        decide = DECIDERS[names.kind_of(self.past.stream)]
        return decide(
            fold(self.past.stream, self.past.happened), self.command, self.command.body, self.past.inputs
        )

    def then(self, *events: Event) -> Decision:
        decision = self.decision()
        assert decision.events == events
        return decision

    def then_refused(self, code: str) -> EngineError:
        return refused(code, self.decision)


def refused(code: str, act: Callable[[], object]) -> EngineError:
    """The refusal that `act` meets; its sentence has every fact that it names, in both languages."""
    with pytest.raises(EngineError) as met:
        act()
    refusal = met.value
    assert refusal.code == code, refusal
    assert "<" not in refusal.message("zh") + refusal.message("en"), refusal
    return refusal


# ---- the whole ----


@dataclass
class World:
    """All streams of a cycle, its gates and reservations, and the messages not yet delivered."""

    programme: Programme
    tree: UnitTree
    now: datetime = MONDAY
    delivers: bool = True
    streams: dict[str, list[Written]] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    reserved: dict[str, Reserve] = field(default_factory=dict)
    claims: dict[tuple[str, int], str] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    count: int = 0
    feeds: feeding.Feeds = field(default_factory=feeding.Feeds)
    ledgers: dict[str, points.State] = field(default_factory=dict)
    places_taken: int = 0
    in_teams: dict[str, Reserve] = field(default_factory=dict)
    past: dict[str, tuple[HeldTitle, ...]] = field(default_factory=dict)  # by nomination, of other cycles
    cycle: str = "harbour.1"

    # -- reading

    def state(self, stream: str) -> Any:
        return fold(stream, self.streams.get(stream, ()))

    def nomination(self, id: str) -> nomination.State:
        state: nomination.State = self.state(names.nomination_stream(self.cycle, id))
        return state

    def round(self, unit: str = "") -> rounds.State:
        state: rounds.State = self.state(self.round_stream(unit))
        return state

    def round_stream(self, unit: str = "") -> str:
        unit = unit or self.tree.root
        route = names.ROOT_ROUTE if unit == self.tree.root else self.programme.routes[0].id
        return names.round_stream(self.cycle, route, unit)

    def events(self, stream: str, kind: type[Event]) -> list[Any]:
        return [one.event for one in self.streams.get(stream, ()) if isinstance(one.event, kind)]

    def standing(self, id: str) -> rounds.Standing:
        return nomination.standing(self.nomination(id), id, self.held(id))

    def held(self, id: str) -> tuple[HeldTitle, ...]:
        """What a nomination's subject holds: of this cycle, and of the past that the test gave it."""
        mine = names.title_stream(self.cycle, id, "")
        here = tuple(
            titles.held(self.state(stream), stream)
            for stream in sorted(self.streams)
            if stream.startswith(mine)
        )
        return history.counted((*self.past.get(id, ()), *here), self.cycle, self.programme, rehearsal=False)

    def title(self, id: str, title_id: str) -> titles.State:
        state: titles.State = self.state(names.title_stream(self.cycle, id, title_id))
        return state

    def on_title(self, id: str, title_id: str, body: Any, by: Actor, command: str = "") -> tuple[Event, ...]:
        """A command to a title."""
        return self.do(names.title_stream(self.cycle, id, title_id), body, by, command)

    # -- deciding and writing, which the store keeps apart

    def command(self, stream: str, body: Any, by: Actor = ENGINE, id: str = "") -> Command:
        self.count += 1
        return Command(
            id=id or f"command-{self.count}", stream=stream, actor=by, received_at=self.now, body=body
        )

    def decide(self, command: Command) -> Decision:
        kind = names.kind_of(command.stream)
        decision: Decision = DECIDERS[kind](
            self.state(command.stream), command, command.body, self.inputs(command)
        )
        return decision

    def write(self, command: Command, decision: Decision) -> tuple[Event, ...]:
        """As the store: guards, then reservations, then events and effects, all or none."""
        if decision.already:
            return self.receipt(command.stream, decision.already)
        if not decision.events and not decision.effects:
            return ()
        self._check(decision)
        before = self.state(command.stream)
        stream = self.streams.setdefault(command.stream, [])
        for event in decision.events:
            stream.append(
                Written(
                    through_bytes(event), command.received_at, command.actor.id, decision.subject, command.id
                )
            )
        must_be_told(command, decision, before)
        for effect in decision.effects:
            self._apply(effect)
        return decision.events

    def receipt(self, stream: str, command: str) -> tuple[Event, ...]:
        return tuple(one.event for one in self.streams.get(stream, ()) if one.command == command)

    def do(self, stream: str, body: Any, by: Actor = ENGINE, id: str = "") -> tuple[Event, ...]:
        """Decide and write a command now, then deliver what was posted; the same id again gets the same events."""
        command = self.command(stream, body, by, id)
        first = self.receipt(stream, command.id)
        if first:
            return first
        written = self.write(command, self.decide(command))
        if self.delivers:
            self.deliver()
        return written

    def deliver(self) -> None:
        """What rounds decided reaches the nominations, at least once: here twice."""
        waiting, self.posts = self.posts, []
        for post in (*waiting, *waiting):
            if post.name == names.OUTCOME_SIGNAL:
                body = TakeOutcome.model_validate(post.payload["body"])
                self.do(post.workflow, body, id=post.payload["id"])
            if post.name == names.TITLE_MESSAGE:
                self.do(
                    post.workflow, ConferTitle.model_validate(post.payload["body"]), id=post.payload["id"]
                )

    def _check(self, decision: Decision) -> None:
        for guard in decision.guards:
            match guard:
                case HeadIs() if (
                    names.cycle_of(guard.stream) == self.cycle
                    and len(self.streams.get(guard.stream, ())) != guard.seq
                ):
                    raise Conflict("WRONG_EXPECTED_HEAD", stream=guard.stream)
                case GateOpen():
                    self._check_gate(guard)
                case _:
                    pass
        for effect in decision.effects:
            if isinstance(effect, Claim):
                holder = self.claims.get((effect.scope, effect.number), effect.holder)
                if holder != effect.holder:
                    raise Conflict("WRONG_EXPECTED_HEAD", stream="")
            if isinstance(effect, Reserve) and effect.subject in self._held(effect):
                existing = self._held(effect)[effect.subject].nomination
                raise Refused("DUPLICATE_NOMINATION", existing=existing)

    def _check_gate(self, guard: GateOpen) -> None:
        gate, cycle = self.gates.get(guard.gate), self.gates[names.cycle_gate(self.cycle)]
        if gate is None or gate.status is GateStatus.CLOSED:
            raise Refused("STAGE_CLOSED", step=guard.gate, closed_at=gate.closes_at if gate else "-")
        if cycle.status is GateStatus.PAUSED or gate.epoch < cycle.epoch:
            raise Refused("CYCLE_PAUSED")
        if gate.status is GateStatus.PAUSED:
            raise Refused("ROUND_PAUSED", round=gate.id)
        if gate.closes_at is not None and guard.received_at >= gate.closes_at:
            raise Refused("STAGE_CLOSED", step=guard.gate, closed_at=gate.closes_at)

    def _held(self, effect: Reserve | Release) -> dict[str, Reserve]:
        """Who is nominated in the cycle; who is a member of one of its teams."""
        return self.reserved if effect.cycle == self.cycle else self.in_teams

    def _apply(self, effect: object) -> None:
        match effect:
            case SetGate():
                self.gates[effect.gate.id] = effect.gate
            case Reserve():
                self._held(effect)[effect.subject] = effect
            case Release():
                self._held(effect).pop(effect.subject, None)
            case Claim():
                self.claims[effect.scope, effect.number] = effect.holder
            case Unclaim() if self.claims.get((effect.scope, effect.number)) == effect.holder:
                del self.claims[effect.scope, effect.number]
            case Post():
                self.posts.append(effect)

    # -- what decisions stand on

    def inputs(self, command: Command) -> Any:
        grants: authority.State = self.state(names.authority_stream(self.cycle))
        match names.kind_of(command.stream):
            case "cycle":
                counted = Counter(held.unit for held in self.reserved.values())
                return cycles.Inputs(
                    self.programme,
                    self.tree,
                    Calendar({}, "test"),
                    grants,
                    dict(counted),
                    feeds=self.feeds,
                    ledgers=self.ledgers,
                    places_taken=self.places_taken,
                    claims=self._claims_of_giver(command.body),
                )
            case "authority":
                return self.tree
            case "nomination":
                state: nomination.State = self.state(command.stream)
                body: Any = command.body
                of = nomination.round_of(state, body)
                round_ = self.state(of) if of else rounds.initial
                top = nomination.summit_of(state, body)
                scope = nomination.scope_of(state, body)
                claims = self._claims(scope)
                cycle: cycles.State = self.state(names.cycle_stream(self.cycle))
                return nomination.Inputs(
                    self.programme,
                    self.tree,
                    Calendar({}, "test"),
                    grants,
                    round_,
                    self.state(top) if top else rounds.initial,
                    claims,
                    intake_open=not cycle.intake_closed,
                    held=self.past.get(command.stream.rsplit("/", 1)[-1], ()),
                    fed=frozenset(cycle.fed),
                    given=cycle.given,
                    received=cycle.received,
                    pauses=cycles.stood_still(cycle, command.received_at),
                )
            case "title":
                return self._title_inputs(command.stream, grants)
            case _:
                return self._round_inputs(command, grants)

    def _claims(self, scope: str) -> dict[int, str]:
        return {number: by for (at, number), by in self.claims.items() if at == scope}

    def _claims_of_giver(self, body: Any) -> dict[str, dict[int, str]]:
        if not isinstance(body, RedistributeQuota):
            return {}
        return {
            scope: self._claims(scope) for scope in allocation.scopes(self.programme, self.tree, body.unit)
        }

    def _title_inputs(self, stream: str, grants: authority.State) -> titles.Inputs:
        id = stream.split("/")[2]
        nominated = self.nomination(id)
        others = tuple(one for one in self.held(id) if one.stream != stream)
        unit = nominated.submitted.unit if nominated.submitted else ""
        return titles.Inputs(self.programme, self.tree, grants, nominated.subject, unit, others)

    def _round_inputs(self, command: Command, grants: authority.State) -> steps.Inputs:
        state: rounds.State = self.state(command.stream)
        unit = command.stream.rsplit("/", 1)[-1]
        entered, below = self._work(unit)
        children: dict[str, rounds.State] = {}
        if (
            isinstance(command.body, FreezePool | LapseRound | CancelRound)
            and state.opened
            and not state.frozen
        ):
            children = {stream: self.state(stream) for stream in state.opened.children}
        reported = [child.reported for child in children.values() if child.reported]
        cycle: cycles.State = self.state(names.cycle_stream(self.cycle))
        concerned = [*entered, *state.members, *state.standby, *(i for r in reported for i in r.recommended)]
        return steps.Inputs(
            programme=self.programme,
            tree=self.tree,
            calendar=Calendar({}, "test"),
            authority=grants,
            cycle=cycle,
            stage=self.programme.stages[self.tree.by_code[unit].rank],
            standings=feeding.attested(
                {id: self.standing(id) for id in dict.fromkeys(concerned)}, self.programme, cycle.attested
            ),
            entered=entered,
            work_below=below,
            children=children,
            parent=self._parent(unit) if isinstance(command.body, AmendRecommendation) else None,
            below=tuple(self._cleared_below(state, unit))
            if composition.looks_below(self.programme, self.tree.by_code[unit].rank, command.body)
            else (),
            summit=self._summit(state, unit)
            if isinstance(command.body, RequestClearance | ReplyClearance)
            else None,
        )

    def _cleared_below(self, state: rounds.State, unit: str) -> Iterator[rounds.State]:
        passed = dict.fromkeys(stream for id in state.members for stream in self.nomination(id).passed(unit))
        for stream in passed:
            rank = self.tree.by_code[stream.rsplit("/", 1)[-1]].rank
            if clearance.asks(self.programme.stages[rank]):
                yield self.state(stream)

    def _summit(self, state: rounds.State, unit: str) -> rounds.State | None:
        return self.round() if state.reported and unit != self.tree.root else None

    def _parent(self, unit: str) -> rounds.State | None:
        if unit == self.tree.root:
            return None
        return self.round(self.tree.path(unit, self.programme.routes[0])[1])

    def _work(self, unit: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        entered, below = [], set()
        for held in self.reserved.values():
            path = self.tree.path(held.unit, self.programme.route(held.route))
            if unit == path[0]:
                entered.append(held.nomination)
            elif unit in path:
                below.add(names.round_stream(self.cycle, held.route, path[path.index(unit) - 1]))
        return tuple(sorted(entered)), tuple(sorted(below))

    # -- people and the engine, in short words

    def open(self, **changes: Any) -> World:
        pace = Pace(real_epoch=MONDAY, cycle_epoch=MONDAY)
        said: dict[str, Any] = {"cycle": self.cycle, "rules": "r", "units": "u", "pace": pace}
        body = OpenCycle(**said | changes)
        self.do(names.cycle_stream(self.cycle), body, OPERATOR)
        grants = tuple(
            GrantTerms(id=f"grant-{n}", person=actor.id, role=actor.role, unit=self.tree.root)
            for n, actor in enumerate(STAFF)
        )
        self.do(names.authority_stream(self.cycle), GiveGrants(grants=grants), OPERATOR)
        return self

    def submit(self, id: str, unit: str = "", by: Actor = OFFICER, **facts: int | bool | str) -> None:
        self.submit_as(
            id, unit, by, facts=tuple(FactValue(id=name, value=value) for name, value in facts.items())
        )

    def submit_as(self, id: str, unit: str = "", by: Actor = OFFICER, **changes: Any) -> tuple[Event, ...]:
        body = self.submission(id, unit, **changes)
        return self.do(names.nomination_stream(self.cycle, id), body, by)

    def submission(self, id: str, unit: str = "", **changes: Any) -> SubmitNomination:
        said: dict[str, Any] = {
            "nomination": id,
            "cycle": self.cycle,
            "unit": unit or self.tree.root,
            "route": self.programme.routes[0].id,
            "channel": "unit",
            "subject": f"subject-{id}",
            "entry": f"entry-{id}",
            "commitment": "0" * 64,
        }
        return SubmitNomination(**said | changes)

    def on(self, id: str, body: Any, by: Actor = OFFICER, command: str = "") -> tuple[Event, ...]:
        """A command to a nomination."""
        return self.do(names.nomination_stream(self.cycle, id), body, by, command)

    def at(self, body: Any, by: Actor = ENGINE, unit: str = "") -> tuple[Event, ...]:
        """A command to a unit's round; the root's, unless told."""
        return self.do(self.round_stream(unit), body, by)

    def close_intake(self) -> None:
        stream = names.cycle_stream(self.cycle)
        self.now = max(self.now, cycles.intake_closes_at(self.state(stream)))
        self.do(stream, CloseIntake())
        for command in feeding.nominations(self.cycle, self.state(stream).fed.values(), self.now):
            if command.body.subject not in self.reserved:  # type: ignore[union-attr] # each is a submission
                self.do(command.stream, command.body, command.actor, command.id)

    def begin(self, unit: str = "") -> World:
        """The round of a unit opens and freezes its pool."""
        self.at(OpenRound(), unit=unit)
        self.at(FreezePool(), unit=unit)
        return self

    def open_step(self, step: str, unit: str = "") -> tuple[Event, ...]:
        return self.at(OpenStep(step=step), unit=unit)

    def close_step(self, step: str, unit: str = "") -> tuple[Event, ...]:
        return self.at(CloseStep(step=step), unit=unit)

    def pass_window(self, step: str, unit: str = "") -> tuple[Event, ...]:
        """Time goes on to the end of the step's window, and the step is closed."""
        window = rounds.run_of(self.round(unit), step).window
        assert window is not None
        self.now = max(self.now, window.closes_at)
        return self.close_step(step, unit)

    def grant(self, *terms: GrantTerms) -> None:
        self.do(names.authority_stream(self.cycle), GiveGrants(grants=terms), OPERATOR)

    def revoke(self, by: Actor) -> None:
        """The grant that somebody was given at the founding is taken back."""
        stream = names.authority_stream(self.cycle)
        body = RevokeGrant(grant=self.state(stream).held[by.id][0], reason="离任")
        self.do(stream, body, OPERATOR if by == OPERATOR_2 else OPERATOR_2)

    def sheet(self, judge: Actor, step: str, marks: dict[str, str], unit: str = "") -> tuple[Event, ...]:
        written = tuple(WrittenMark(nomination=id, score=score) for id, score in marks.items())
        return self.at(HandInSheet(step=step, marks=written), judge, unit)

    def seal(self, step: str, votes: dict[str, int], unit: str = "") -> tuple[Event, ...]:
        counts = tuple(Count(nomination=id, votes=number) for id, number in votes.items())
        gate = names.step_gate(self.round_stream(unit), step)
        papers = sum(votes.values())
        return self.at(
            SealTally(step=step, ballot=gate, papers=papers, refused=0, root="0" * 64, counts=counts),
            unit=unit,
        )

    def report(self, unit: str = "") -> tuple[Event, ...]:
        return self.at(ReportRound(), unit=unit)

    def withdraw(self, id: str) -> None:
        self.on(id, Withdraw(reason="测试"))

    def correct(self, id: str, **facts: int | bool | str) -> None:
        self.on(id, Correct(facts=tuple(FactValue(id=name, value=value) for name, value in facts.items())))


# ---- small programmes ----

INTAKE: dict[str, Any] = {
    "type": "intake",
    "id": "intake",
    "channels": ["unit", "self", "joint"],
    "period": {"days": 5, "unit": "work_day"},
    "quota": 12,
}
WORK_DAYS = {"days": 5, "unit": "work_day"}


def step(kind: str, id: str = "", **said: Any) -> dict[str, Any]:
    """A step as a programme declares it, with five work days where it has a period."""
    period = {} if kind in ("selection", "eligibility") else {"period": WORK_DAYS}
    return {"type": kind, "id": id or kind} | period | said


def choice(seats: int, id: str = "selection", component: str = "expert", **said: Any) -> dict[str, Any]:
    """A selection by one component."""
    return step("selection", id, seats=seats, weights=[{"component": component, "share": "100%"}]) | said


def panel(id: str = "expert_review", **said: Any) -> dict[str, Any]:
    """Three judges, two of whom are a quorum, on a scale of half points."""
    scale = {"minimum": 0, "maximum": 100, "step": "0.5"}
    return (
        step("expert_review", id, mode="score", panel_size=3, quorum="2/3", scale=scale, scores_min=1) | said
    )


def declared(routes: list[Any], stages: dict[str, Any], **said: Any) -> Programme:
    """A programme of these stages, with facts and titles enough for all tests."""
    facts = {
        "years": {"type": "integer", "label": {"zh": "年数"}},
        "frontline": {"type": "boolean", "label": {"zh": "一线"}},
        "head": {"type": "boolean", "label": {"zh": "负责人"}},
        "trade": {"type": "choice", "label": {"zh": "行当"}, "of": ["boats", "nets"]},
        "born_on": {"type": "date", "label": {"zh": "出生"}},
    }
    titles = [{"id": id, "label": {"zh": id}} for id in ("helper", "pilot", "gold_pilot")]
    return Programme.model_validate(
        {
            "programme": "harbour",
            "edition": 1,
            "title": {"zh": "测试·港湾"},
            "subject": "person",
            "units": {"file": "units.csv", "root": "9"},
            "routes": routes,
            "facts": facts,
            "titles": titles,
            "stages": stages,
        }
        | said
    )


LADDER = [{"id": "river", "ranks": ["county", "province"]}]


def province_of(*counties: str) -> UnitTree:
    """A province with these counties."""
    units = [
        {"code": "9", "name": "测试省", "rank": "province"},
        *({"code": code, "name": f"测试县{code}", "rank": "county", "parent": "9"} for code in counties),
    ]
    return UnitTree.model_validate({"root": "9", "units": units})


def two_levels(county: dict[str, Any], province: dict[str, Any], *counties: str) -> World:
    """A world of counties under a province, opened; of one county, 901, where none is named."""
    programme = declared(LADDER, {"county": county, "province": province})
    return World(programme, province_of(*(counties or ("901",)))).open()


def one_level(*said: dict[str, Any], intake: dict[str, Any] = INTAKE, **stage: Any) -> World:
    """A world of a single unit, opened: these steps after its intake."""
    programme = declared(
        [{"id": "river", "ranks": ["province"]}], {"province": {"steps": [intake, *said]} | stage}
    )
    return World(programme, province_of()).open()


def with_members(*said: dict[str, Any], members: Sequence[str] | dict[str, dict[str, Any]]) -> World:
    """A world of a single unit whose pool is frozen with these members."""
    world = one_level(*said)
    facts = members if isinstance(members, dict) else {id: {} for id in members}
    for id, known in facts.items():
        world.submit(id, **known)
    world.close_intake()
    return world.begin()


def by_criteria(world: World, judge: Actor, **marks: tuple[str, str]) -> None:
    """A judge hands in a sheet by the criteria `skill` and `spirit`."""
    written = tuple(
        WrittenMark(
            nomination=id,
            parts=(
                WrittenPart(criterion="skill", score=skill),
                WrittenPart(criterion="spirit", score=spirit),
            ),
        )
        for id, (skill, spirit) in marks.items()
    )
    world.at(HandInSheet(step="expert_review", marks=written), judge)


def judged(world: World, marks: dict[str, str], step_id: str = "expert_review", unit: str = "") -> None:
    """Three judges mark all alike and the review closes."""
    world.open_step(step_id, unit)
    world.at(FormPanel(step=step_id, judges=tuple(judge.id for judge in JUDGES)), OPERATOR, unit)
    for judge in JUDGES:
        world.sheet(judge, step_id, marks, unit)
    world.close_step(step_id, unit)
