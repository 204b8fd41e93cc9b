"""One edition (届) of a programme: it opens, takes nominations in, runs, may be paused or cancelled, and completes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from domain import allocation, authority, feeding, points, register
from domain.calendar import OVERRIDE_FILE, known_days, local_date, require_years, resumed_close, whole_years
from domain.decision import Calendar, Decision, two_people
from schemas import names
from schemas.commands import (
    AmendRules,
    CancelCycle,
    CloseIntake,
    CloseIntakeEarly,
    Command,
    CompleteCycle,
    CycleBody,
    ExtendCalendar,
    ExtendIntake,
    OpenCycle,
    PauseCycle,
    RedistributeQuota,
    ResumeCycle,
)
from schemas.errors import Conflict, Refused
from schemas.events import (
    ActProposed,
    ActSeconded,
    BallotKeysDestroyed,
    CalendarExtended,
    CycleCancelled,
    CycleCompleted,
    CycleOpened,
    CyclePaused,
    CycleResumed,
    Event,
    IntakeClosed,
    IntakeExtended,
    IntakeShortened,
    IntakeWindow,
    PointsPinned,
    QuotaRedistributed,
    RulesAmended,
    Window,
    Winner,
    WinnersTaken,
)
from schemas.ledger import Effect, Gate, GateStatus, HeadIs, SetGate
from schemas.programme import DayUnit, Intake, Programme, Publicity, PublicVote, Route, Selection
from schemas.units import UnitTree


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class State:
    """A cycle as its events tell it."""

    status: Status = Status.NEW
    opened: CycleOpened | None = None
    opened_at: datetime | None = None
    intakes: dict[str, IntakeWindow] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)  # places by the unit that they were taken from
    received: dict[str, int] = field(default_factory=dict)  # and by the unit that has them now
    intake_closed: bool = False
    epoch: int = 0
    paused_at: datetime | None = None
    pauses: tuple[tuple[datetime, datetime], ...] = ()  # from, until; one for each epoch
    conferred: int = 0
    rules: str = ""  # the amended programme's hash, once there is one
    overrides: str = ""  # the calendar's
    fed: dict[str, Winner] = field(default_factory=dict)  # by subject: those whom feeders nominate here
    awards: dict[str, int] = field(default_factory=dict)  # by subject: how often they won elsewhere
    points: dict[str, int] = field(default_factory=dict)  # by subject, as pinned when intake closed
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by feeder: the cycles that were taken
    seq: int = 0
    proposals: dict[str, str] = field(default_factory=dict)

    def attested(self, subject: str) -> dict[str, int | bool | str]:
        """What the engine attests of a subject once intake is closed, by the ids of its facts."""
        if not self.intake_closed:
            return {}
        won = self.awards.get(subject, 0)
        earned = self.points.get(subject, 0)
        return {"prior_award": won > 0, "award_count": won, "points": earned}


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a cycle's decisions stand on beside its own stream."""

    programme: Programme
    tree: UnitTree
    calendar: Calendar
    authority: authority.State
    nominated: dict[str, int] = field(default_factory=dict)  # nominations by entry unit, once intake is over
    amended: Programme | None = None
    extended: Calendar | None = None
    rules: str = ""  # hash of the programme in force
    begun: dict[str, str] = field(default_factory=dict)  # by round: the rank; none of one that never opened
    feeds: feeding.Feeds = field(default_factory=feeding.Feeds)
    places_taken: int = 0  # in the register, and promised to other batches
    ledgers: dict[str, points.State] = field(default_factory=dict)  # by subject, once intake is over
    claims: dict[str, dict[int, str]] = field(default_factory=dict)  # by scope: a giving unit's places


initial = State()


def stood_still(state: State, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """Every pause, from when until when; the present one until now."""
    if state.status != Status.PAUSED or state.paused_at is None:
        return state.pauses
    return (*state.pauses, (state.paused_at, now))


def evolve(state: State, event: Event, at: datetime, actor: str = "") -> State:
    return replace(_evolve(state, event, at, actor), seq=state.seq + 1)


def _evolve(state: State, event: Event, at: datetime, actor: str) -> State:
    match event:
        case CycleOpened():
            return replace(
                state,
                status=Status.OPEN,
                opened=event,
                opened_at=at,
                overrides=event.overrides,
                intakes={window.rank: window for window in event.intakes},
            )
        case IntakeExtended() | IntakeShortened():
            old = state.intakes[event.rank]
            window = Window(opens_at=old.window.opens_at, closes_at=event.closes_at)
            return replace(
                state, intakes=state.intakes | {event.rank: old.model_copy(update={"window": window})}
            )
        case QuotaRedistributed():
            given = Counter({event.unit: sum(one.places for one in event.to)})
            received = Counter({one.unit: one.places for one in event.to})
            return replace(
                state,
                given=dict(Counter(state.given) + given),
                received=dict(Counter(state.received) + received),
            )
        case IntakeClosed():
            return replace(state, intake_closed=True)
        case WinnersTaken():
            return _took(state, event)
        case PointsPinned():
            return replace(state, points={one.subject: one.points for one in event.standings})
        case CyclePaused():
            return replace(state, status=Status.PAUSED, paused_at=at)
        case CycleResumed():
            assert state.paused_at is not None
            pauses = (*state.pauses, (state.paused_at, at))
            return replace(state, status=Status.OPEN, epoch=event.epoch, pauses=pauses)
        case CycleCancelled():
            return replace(state, status=Status.CANCELLED)
        case RulesAmended():
            return replace(state, rules=event.rules)
        case CalendarExtended():
            return replace(state, overrides=event.overrides)
        case CycleCompleted():
            return replace(state, status=Status.COMPLETED, conferred=event.conferred)
        case ActProposed():
            return replace(state, proposals=state.proposals | {event.act: actor})
        case ActSeconded():
            return replace(state, proposals={k: v for k, v in state.proposals.items() if k != event.act})
        case _:
            return state


def _took(state: State, event: WinnersTaken) -> State:
    awards = dict(state.awards)
    for one in event.winners:
        awards[one.subject] = awards.get(one.subject, 0) + len(one.awards)
    fresh = {one.subject: one for one in event.winners if event.gives == "pool"}
    sources = state.sources | {event.feeder: event.sources}
    return replace(state, fed=fresh | state.fed, awards=awards, sources=sources)


@authority.by_two_who_may
def decide(state: State, command: Command, body: CycleBody, inputs: Inputs) -> Decision:
    """Raises Refused CYCLE_NOT_OPEN, NOT_AUTHORISED, CALENDAR_YEAR_MISSING, CALENDAR_DAY_KNOWN, QUOTA_IN_USE; Conflict CYCLE_EXISTS."""
    match body:
        case OpenCycle():
            return _open(state, command, body, inputs)
        case CloseIntake():
            return _close_intake(state, command, inputs)
        case CompleteCycle():
            return _complete(state, body, inputs)
    _must_be_running(state)
    grant = authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, inputs.tree.root)
    match body:
        case ExtendIntake():
            decision = _extend_intake(state, command, body)
        case CloseIntakeEarly():
            decision = _close_intake_early(state, command, body)
        case RedistributeQuota():
            decision = _redistribute(state, command, body, inputs)
        case PauseCycle():
            decision = _pause(state, body)
        case ResumeCycle():
            decision = _resume(state, command, inputs.calendar)
        case CancelCycle():
            decision = _cancel(state, command, body, inputs)
        case AmendRules():
            decision = _amend(state, command, body, inputs)
        case ExtendCalendar():
            decision = _extend_calendar(state, command, body, inputs)
    return replace(decision, grant=grant)


def intake_closes_at(state: State) -> datetime:
    """When the last intake window ends."""
    return max(intake.window.closes_at for intake in state.intakes.values())


def _must_be_running(state: State) -> None:
    if state.status not in (Status.OPEN, Status.PAUSED):
        raise Refused("CYCLE_NOT_OPEN", status=state.status)


def _cycle(state: State) -> str:
    assert state.opened is not None
    return state.opened.cycle


def _open(state: State, command: Command, body: OpenCycle, inputs: Inputs) -> Decision:
    if state.opened is not None:
        raise Conflict("CYCLE_EXISTS", cycle=body.cycle)
    programme, now = inputs.programme, command.received_at
    cap, asked = programme.batches.cap if programme.batches else None, register.places(programme)
    if cap is not None and inputs.places_taken + asked > cap:
        raise Refused("CAP_EXCEEDED", cap=cap, have=inputs.places_taken, asked=asked)
    for figure in _measures(programme):
        if not any(unit.figures.get(figure) for unit in inputs.tree.units):
            raise Refused("FIGURE_MISSING", figure=figure)
    require_years(now, _latest_end(programme, inputs.calendar, now), inputs.calendar.overrides)
    intakes = tuple(
        IntakeWindow(
            rank=rank,
            step=step.id,
            window=Window(opens_at=now, closes_at=inputs.calendar.end(now, step.period)),
        )
        for rank, stage in programme.stages.items()
        for step in stage.steps
        if isinstance(step, Intake)
    )
    opened = CycleOpened(
        cycle=body.cycle,
        programme=programme.programme,
        edition=programme.edition,
        title=programme.title,
        units=body.units,
        overrides=body.overrides,
        calendar=inputs.calendar.version,
        pace=body.pace,
        intakes=intakes,
        invited=body.invited,
    )
    gates: tuple[Effect, ...] = (SetGate(gate=_cycle_gate(body.cycle, now, GateStatus.OPEN, 0)),)
    return Decision(events=(opened,), effects=gates + tuple(_intake_gate(body.cycle, w, 0) for w in intakes))


def _measures(programme: Programme) -> Iterator[str]:
    """The figures by which seats of child units are allotted: without them nobody could be chosen (DR-06)."""
    for stage in programme.stages.values():
        for step in stage.steps:
            if isinstance(step, Selection) and step.children:
                yield from (one.figure for one in step.children.allot)


def _latest_end(programme: Programme, calendar: Calendar, now: datetime) -> datetime:
    """When the cycle ends if every period on its longest route is used in full."""
    return max(_end_of_route(programme, calendar, route, now) for route in programme.routes)


def _end_of_route(programme: Programme, calendar: Calendar, route: Route, now: datetime) -> datetime:
    latest = now
    for step in (step for rank in route.ranks for step in programme.stages[rank].steps):
        opens, period = now, getattr(step, "period", None) or getattr(step, "correction", None)
        now = calendar.end(now, period) if period else now
        beside = _beside(step, calendar, opens, now) if isinstance(step, Publicity) else ()
        latest = max(latest, now, *beside)
    return latest


def _beside(step: Publicity, calendar: Calendar, opens: datetime, closes: datetime) -> Iterator[datetime]:
    """Until when letters may come (DR-29), and the reserve come in (DR-31), where work days are counted for it."""
    within = None if isinstance(step.substitute, bool) else step.substitute.within
    for since, period in ((closes, step.by_post), (opens, within)):
        if period and (period.unit is DayUnit.WORK_DAY or period.roll_to_work_day):
            yield calendar.end(since, period)


def _cycle_gate(cycle: str, opens_at: datetime, status: GateStatus, epoch: int) -> Gate:
    return Gate(id=names.cycle_gate(cycle), cycle=cycle, status=status, opens_at=opens_at, epoch=epoch)


def _intake_gate(
    cycle: str, intake: IntakeWindow, epoch: int, status: GateStatus = GateStatus.OPEN
) -> SetGate:
    gate = Gate(
        id=names.intake_gate(cycle, intake.rank),
        cycle=cycle,
        status=status,
        opens_at=intake.window.opens_at,
        closes_at=intake.window.closes_at,
        epoch=epoch,
    )
    return SetGate(gate=gate)


def _close_intake(state: State, command: Command, inputs: Inputs) -> Decision:
    """Once every window is over and time runs; before that nothing happens and the caller waits on."""
    if state.status != Status.OPEN or state.intake_closed or command.received_at < intake_closes_at(state):
        return Decision()
    assert state.opened is not None
    closed = IntakeClosed(
        closed_at=intake_closes_at(state),
        nominations=sum(inputs.nominated.values()),
        silent=tuple(sorted(unit for unit in state.opened.invited if not inputs.nominated.get(unit))),
        below_minimum=allocation.below_minimum(inputs.programme, inputs.tree, inputs.nominated) or None,
    )
    gates = tuple(
        _intake_gate(state.opened.cycle, intake, state.epoch, GateStatus.CLOSED)
        for intake in state.intakes.values()
    )
    taken = feeding.take(state.opened.cycle, inputs.programme, inputs.tree, inputs.feeds)
    guards = feeding.guards(inputs.feeds)
    pinned = points.pin(inputs.programme.points, inputs.ledgers, local_date(command.received_at))
    return Decision(events=(closed, *taken, *pinned), guards=guards, effects=gates)


def _extend_intake(state: State, command: Command, body: ExtendIntake) -> Decision:
    was = _intake(state, body.rank).window.closes_at
    if body.closes_at <= was:
        raise Refused("NOT_AN_EXTENSION", was=was, asked=body.closes_at)
    extended = IntakeExtended(rank=body.rank, was=was, closes_at=body.closes_at, reason=body.reason)
    return _move_intake(state, command, extended)


def _close_intake_early(state: State, command: Command, body: CloseIntakeEarly) -> Decision:
    """DR-08: never in the past, so that nobody who was in time becomes late."""
    was, now = _intake(state, body.rank).window.closes_at, command.received_at
    if not now <= body.closes_at < was:
        raise Refused("NOT_EARLIER", asked=body.closes_at, now=now, was=was)
    shortened = IntakeShortened(rank=body.rank, was=was, closes_at=body.closes_at, reason=body.reason)
    return _move_intake(state, command, shortened)


def _redistribute(state: State, command: Command, body: RedistributeQuota, inputs: Inputs) -> Decision:
    """DR-06: what one unit does not use goes to units that can still use it; by no route there are more than before."""
    programme, tree = inputs.programme, inputs.tree
    most = allocation.quota_of(programme, tree, body.unit) + state.received.get(body.unit, 0)
    _intake(state, tree.by_code[body.unit].rank)
    for one in body.to:
        allocation.quota_of(programme, tree, one.unit)
        allocation.must_go_no_other_way(programme, tree, body.unit, one.unit)
        _must_still_take(state, tree.by_code[one.unit].rank, command.received_at)
    allocation.must_be_free(body, most, inputs.claims)
    moved = QuotaRedistributed(unit=body.unit, to=body.to, reason=body.reason)
    events = two_people(state, command, (moved,))
    taken = allocation.given_away(_cycle(state), body, most, inputs.claims)
    return Decision(events=events, effects=taken if moved in events else ())


def _must_still_take(state: State, rank: str, now: datetime) -> None:
    closes_at = _intake(state, rank).window.closes_at
    if closes_at <= now:
        raise Refused("STAGE_CLOSED", step=f"intake/{rank}", closed_at=closes_at)


def _intake(state: State, rank: str) -> IntakeWindow:
    if rank not in state.intakes:
        raise Refused("NOT_FOUND", what=f"intake/{rank}")
    intake = state.intakes[rank]
    if state.intake_closed:
        raise Refused("STAGE_CLOSED", step=f"intake/{rank}", closed_at=intake.window.closes_at)
    return intake


def _move_intake(state: State, command: Command, to: IntakeExtended | IntakeShortened) -> Decision:
    """The window's end is another by two people's word, for its row too."""
    events = two_people(state, command, (to,))
    intake = state.intakes[to.rank]
    window = Window(opens_at=intake.window.opens_at, closes_at=to.closes_at)
    moved = intake.model_copy(update={"window": window})
    effects = (_intake_gate(_cycle(state), moved, state.epoch),) if to in events else ()
    return Decision(events=events, effects=effects)


def _pause(state: State, body: PauseCycle) -> Decision:
    if state.status == Status.PAUSED:
        return Decision()
    assert state.opened_at is not None
    gate = _cycle_gate(_cycle(state), state.opened_at, GateStatus.PAUSED, state.epoch)
    return Decision(events=(CyclePaused(reason=body.reason),), effects=(SetGate(gate=gate),))


def _resume(state: State, command: Command, calendar: Calendar) -> Decision:
    """Time goes on: open intake windows get back the whole days that they had left when the cycle was paused."""
    if state.status != Status.PAUSED:
        return Decision()
    assert state.opened is not None
    assert state.opened_at is not None
    assert state.paused_at is not None
    epoch = state.epoch + 1
    gate = _cycle_gate(state.opened.cycle, state.opened_at, GateStatus.OPEN, epoch)
    moved = _intakes_after_pause(state, command.received_at, calendar)
    extensions = tuple(
        IntakeExtended(
            rank=rank,
            was=state.intakes[rank].window.closes_at,
            closes_at=intake.window.closes_at,
            reason="resumed",
        )
        for rank, intake in moved.items()
    )
    gates = tuple(_intake_gate(state.opened.cycle, intake, epoch) for intake in moved.values())
    return Decision(events=(CycleResumed(epoch=epoch), *extensions), effects=(SetGate(gate=gate), *gates))


def _intakes_after_pause(state: State, now: datetime, calendar: Calendar) -> dict[str, IntakeWindow]:
    if state.intake_closed or state.paused_at is None:
        return {}
    moved = {}
    for rank, intake in state.intakes.items():
        closes = resumed_close(state.paused_at, now, intake.window.closes_at, calendar.overrides)
        window = Window(opens_at=intake.window.opens_at, closes_at=closes)
        moved[rank] = intake.model_copy(update={"window": window})
    return moved


def _cancel(state: State, command: Command, body: CancelCycle, inputs: Inputs) -> Decision:
    assert state.opened_at is not None
    cancelled = CycleCancelled(reason=body.reason)
    events = two_people(state, command, (*_keys_destroyed(inputs.programme), cancelled))
    gate = _cycle_gate(_cycle(state), state.opened_at, GateStatus.CLOSED, state.epoch)
    return Decision(events=events, effects=(SetGate(gate=gate),) if cancelled in events else ())


def _amend(state: State, command: Command, body: AmendRules, inputs: Inputs) -> Decision:
    """DR-01: forbidden for a stage already opened, and for everything that is not a stage.

    The guards are that no round opens meanwhile; a round that opens is guarded by the cycle's head in turn.
    """
    assert inputs.amended is not None
    ranks = _amended_ranks(inputs.programme, inputs.amended)
    in_force = {*inputs.begun.values(), *state.intakes}.intersection(ranks)
    if in_force:
        raise Refused("RULES_IN_FORCE", ranks=", ".join(sorted(in_force)))
    amended = RulesAmended(was=inputs.rules, rules=body.rules, ranks=tuple(ranks), reason=body.reason)
    guards = tuple(
        HeadIs(stream=stream, seq=0)
        for stream in dict.fromkeys(_rounds(_cycle(state), inputs, ranks))
        if stream not in inputs.begun
    )
    return Decision(events=two_people(state, command, (amended,)), guards=guards)


def _extend_calendar(state: State, command: Command, body: ExtendCalendar, inputs: Inputs) -> Decision:
    """DR-27: every day that was known stays as it was, so that no end that was ever counted becomes another."""
    assert inputs.extended is not None
    known, asked = known_days(inputs.calendar.overrides), known_days(inputs.extended.overrides)
    for day, worked in sorted(known.items()):
        if asked.get(day) != worked:
            raise Refused("CALENDAR_DAY_KNOWN", day=day, worked=worked)
    before = whole_years(known)
    years = tuple(year for year in whole_years(asked) if year not in before)
    if not years:
        raise Refused("CALENDAR_YEAR_MISSING", year=before[-1] + 1, file=OVERRIDE_FILE)
    extended = CalendarExtended(
        was=state.overrides,
        overrides=body.overrides,
        calendar=inputs.extended.version,
        years=years,
        reason=body.reason,
    )
    return Decision(events=two_people(state, command, (extended,)))


def _rounds(cycle: str, inputs: Inputs, ranks: Collection[str]) -> Iterator[str]:
    """The streams of all rounds that these levels may have."""
    for route in inputs.programme.routes:
        for unit in inputs.tree.units:
            if unit.rank in ranks and unit.rank in route.ranks:
                at_summit = unit.rank == inputs.programme.summit
                yield names.round_stream(cycle, names.ROOT_ROUTE if at_summit else route.id, unit.code)


def _amended_ranks(old: Programme, new: Programme) -> list[str]:
    for name in type(old).model_fields:
        if name not in ("stages", "assumptions") and getattr(old, name) != getattr(new, name):
            raise Refused("AMENDMENT_TOO_WIDE", field=name)
    if old.stages.keys() != new.stages.keys():
        raise Refused("AMENDMENT_TOO_WIDE", field="stages")
    ranks = [str(rank) for rank, stage in new.stages.items() if stage != old.stages[rank]]
    if not ranks:
        raise Refused("NOTHING_AMENDED")
    return ranks


def _complete(state: State, body: CompleteCycle, inputs: Inputs) -> Decision:
    _must_be_running(state)
    assert state.opened_at is not None
    gate = _cycle_gate(_cycle(state), state.opened_at, GateStatus.CLOSED, state.epoch)
    events = (*_keys_destroyed(inputs.programme), CycleCompleted(conferred=body.conferred))
    return Decision(events=events, effects=(SetGate(gate=gate),))


def _keys_destroyed(programme: Programme) -> tuple[Event, ...]:
    """With the last objection period over, nobody needs to know again whose a public vote was."""
    steps = (step for stage in programme.stages.values() for step in stage.steps)
    return (BallotKeysDestroyed(),) if any(isinstance(step, PublicVote) for step in steps) else ()
