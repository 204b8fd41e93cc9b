"""One unit's run of one stage, as its events tell it: who is in, which step is open, what the steps have found.

Decisions are in `conduct` and the modules of its steps; this is what they all read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal

from domain.changing import replace
from schemas import names
from schemas.errors import Refused
from schemas.events import (
    ActProposed,
    ActSeconded,
    AdjudicationClosed,
    AdjudicationOpened,
    AttendanceRecorded,
    ChairNamed,
    ClearanceReplied,
    ClearanceRequested,
    CongressRecorded,
    CountsPublished,
    DecisionTaken,
    DifferentialWaived,
    Event,
    FastTracked,
    HeldTitle,
    JudgeRecused,
    JudgeReplaced,
    JudgingGroup,
    ListPublished,
    Mark,
    Member,
    MembersOut,
    PanelClosed,
    PanelDrawn,
    PanelFormed,
    PoolFrozen,
    Ranked,
    RecommendationAmended,
    ReportsExtended,
    RoundLapsed,
    RoundOpened,
    RoundPaused,
    RoundReported,
    RoundResumed,
    RulesWaived,
    ScreeningAsked,
    SelectionMade,
    SessionInvalidated,
    SheetDiscrepancy,
    SheetEntered,
    SheetHandedIn,
    StepClosed,
    StepExtended,
    StepHeld,
    StepOpened,
    SubjectsHeld,
    Substituted,
    TallySealed,
    TieResolved,
    TitlesConferred,
    VotesFrozen,
    VotesHeld,
    VotesInvalidated,
    VotesReleased,
    VotesScreened,
    VotesUnfrozen,
    Window,
)
from schemas.programme import Endorsement, Programme, Stage, Step


@dataclass(frozen=True, slots=True)
class Cohort:
    """Papers of a public vote that a rule named: how many, of how many for the nomination, and whether they count."""

    rule: str
    nomination: str
    papers: int
    of: int
    status: Literal["held", "counted", "invalid"] = "held"


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step as it ran: its window, whether it is held or closed, and what was handed in."""

    window: Window | None = None
    opened_with: frozenset[str] = frozenset()  # the members whom it found
    epoch: int = 0
    closed_at: datetime | None = None
    held: str = ""
    held_for: str = ""  # what its latest hold says beside the code
    held_until: datetime | None = None  # when silence that it waits for becomes an answer
    early: bool = False
    judges: tuple[str, ...] = ()
    seated: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # group → its judges, if it judges in groups
    grouped: dict[str, str] = field(default_factory=dict)  # nomination → its group
    replaced: frozenset[str] = frozenset()  # judges in whose place another sits
    sheets: dict[str, dict[str, Mark]] = field(default_factory=dict)  # judge → nomination → mark
    recused: frozenset[tuple[str, str]] = frozenset()  # (judge, nomination)
    entries: dict[str, dict[str, dict[str, Mark]]] = field(default_factory=dict)  # judge → keeper → sheet
    differs: dict[str, tuple[str, ...]] = field(default_factory=dict)  # judge → where the entries differ
    drawn: PanelDrawn | None = None
    chair: str = ""
    secretary: str = ""
    panel: PanelClosed | None = None  # the latest version of the result
    congress: CongressRecorded | None = None
    attendance: AttendanceRecorded | None = None
    passed: dict[str, str] = field(default_factory=dict)  # nomination → the fast track on which it passes by
    replies: dict[tuple[str, str], ClearanceReplied] = field(
        default_factory=dict
    )  # by department, nomination
    replied_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    asked_again: dict[str, Window] = field(default_factory=dict)  # by nomination
    tied: tuple[str, ...] = ()  # those whom a person is to order
    resolution: tuple[str, ...] = ()
    waived: bool = False  # the differential
    waived_rules: frozenset[str] = frozenset()
    adjudication: Window | None = None  # of a closed vote, as it was counted at first
    seals_at: datetime | None = None  # when it is over, with what pauses took given back
    adjudicated: bool = False
    invalid: frozenset[str] = frozenset()  # voters whose papers do not count
    zeroed: frozenset[str] = frozenset()  # nominations whose votes do not count
    struck: frozenset[str] = frozenset()  # of these, who leaves when the tally is sealed
    cohorts: dict[str, Cohort] = field(default_factory=dict)
    frozen: dict[str, datetime] = field(default_factory=dict)  # nomination, or "" for the whole vote → since
    thawed: tuple[tuple[str, datetime, datetime], ...] = ()  # nomination, from, until
    shown: CountsPublished | None = None  # the latest provisional counts
    screened: int = 0  # the number of the last screening
    screened_all: bool = False  # also after the close
    screening_asked: bool = False
    taken: bool = False  # the body has decided, or conferred
    came_in: frozenset[datetime] = frozenset()  # when substitutes did, into a published list


_UNTOUCHED = StepRun()


@dataclass(frozen=True, slots=True)
class Publication:
    """A nomination's own publicity period: the step, its window and the gate that guards it."""

    step: str
    window: Window
    gate: str
    since: datetime  # when it was published first, before its period began anew
    epoch: int = 0  # of the last pause for which its days were given back


@dataclass(frozen=True, slots=True)
class Standing:
    """A member as its own stream tells it, at `seq`; what a round's decision is guarded by."""

    nomination: str
    subject: str
    unit: str
    seq: int
    submitter: str = ""  # who handed the nomination in
    gone: bool = False
    reason: str = ""
    returned: bool = False
    facts: dict[str, int | bool | str] = field(default_factory=dict)
    endorsed: dict[tuple[str, str], int] = field(
        default_factory=dict
    )  # (round, step) → recommendation rank or 0
    objections: tuple[str, ...] = ()  # on which nobody has ruled yet
    posted: tuple[str, ...] = ()  # of these, those that came by post and count by their postmark
    titles: tuple[str, ...] = ()
    held: tuple[HeldTitle, ...] = ()  # what the subject was given, where the decision asks for it
    waived: frozenset[str] = frozenset()  # predicates that do not bar it
    deceased: bool = False
    failed_vetting: bool = False  # a department's word put it out

    @property
    def disputed(self) -> bool:
        """Somebody's objection to it is open, or a department's."""
        return bool(self.objections)


@dataclass(frozen=True, slots=True)
class State:
    """A round as its events tell it."""

    stream: str = ""
    opened: RoundOpened | None = None
    reports: Window | None = None  # in which the child rounds report, and since when that end stands
    paused_at: datetime | None = None
    pauses: tuple[tuple[datetime, datetime], ...] = ()  # from, until: its own, without the cycle's
    frozen: bool = False
    frozen_at: datetime | None = None
    members: dict[str, Member] = field(default_factory=dict)  # still in, in rank order after a selection
    standby: dict[str, Member] = field(default_factory=dict)  # the reserve, in order
    out: dict[str, tuple[str, str]] = field(default_factory=dict)  # nomination → (step, reason)
    current: str = ""
    steps: dict[str, StepRun] = field(default_factory=dict)
    components: dict[str, dict[str, Fraction]] = field(default_factory=dict)
    ranked: tuple[Ranked, ...] = ()
    selection: str = ""  # the step that made the present list
    published: dict[str, Publication] = field(default_factory=dict)
    held: dict[str, frozenset[str]] = field(default_factory=dict)  # member → by which objections
    conferred: dict[str, tuple[str, ...]] = field(default_factory=dict)
    certificates: int = 0
    reported: RoundReported | None = None
    lapsed: str = ""
    seq: int = 0
    proposals: dict[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return self.reported is not None or bool(self.lapsed)


initial = State()


def evolve(state: State, event: Event, at: datetime, actor: str = "", stream: str = "") -> State:
    """The state after one more event; `at` is its cycle time, `actor` who caused it."""
    return replace(_evolve(state, event, at, actor, stream), seq=state.seq + 1)


def _evolve(state: State, event: Event, at: datetime, actor: str, stream: str) -> State:  # noqa: C901 -- a flat match, one case an event
    match event:
        case StepOpened():
            state = replace(state, current=event.step)
            return _step(
                state, event.step, window=event.window, opened_with=frozenset(state.members), held=""
            )
        case FastTracked():
            return passing(state, event)
        case StepExtended():
            return _extended(state, event, at)
        case StepHeld():
            why = {"held": event.code, "held_for": event.detail, "held_until": event.until}
            return _step(state, event.step, **why, tied=event.nominations)
        case StepClosed():
            return _step(state, event.step, closed_at=at, held="", early=event.how == "early")
        case MembersOut():
            return _without(state, event)
        case SubjectsHeld():
            return replace(state, held=state.held | _held(event))
        case TallySealed():
            values = {result.nomination: result.value for result in event.values}
            return replace(state, components=state.components | {event.component: values})
        case TieResolved():
            run = run_of(state, event.step)
            return _step(state, event.step, resolution=(*run.resolution, *event.order), held="")
        case DifferentialWaived():
            return _step(state, event.step, waived=True, held="")
        case RulesWaived():
            waived = run_of(state, event.step).waived_rules | set(event.rules)
            return _step(state, event.step, waived_rules=waived, held="")
        case SelectionMade():
            return _selected(state, event)
        case ListPublished():
            return _published(state, event)
        case Substituted():
            return _substituted(state, event, at)
        case DecisionTaken():
            return _step(state, event.step, taken=True)
        case TitlesConferred():
            return _conferred(state, event)
        case _:
            return _evolve_vote(state, event, at, actor, stream)


def _evolve_vote(state: State, event: Event, at: datetime, actor: str, stream: str) -> State:
    """What is done about stuffed votes."""
    match event:
        case AdjudicationOpened():
            first = run_of(state, event.step).adjudication or Window(opens_at=at, closes_at=event.closes_at)
            return _step(state, event.step, adjudication=first, seals_at=event.closes_at)
        case AdjudicationClosed():
            return _step(state, event.step, adjudicated=True)
        case VotesInvalidated():
            return _invalidated(state, event)
        case VotesReleased():
            return _released(state, event)
        case VotesHeld():
            found = Cohort(rule=event.rule, nomination=event.nomination, papers=event.papers, of=event.of)
            cohorts = run_of(state, event.step).cohorts | {event.cohort: found}
            return _step(state, event.step, cohorts=cohorts)
        case CountsPublished():
            return _step(state, event.step, shown=event)
        case ScreeningAsked():
            return _step(state, event.step, screening_asked=True)
        case VotesScreened():
            closed = run_of(state, event.step).closed_at is not None
            return _step(
                state, event.step, screened=event.screening, screened_all=closed, screening_asked=False
            )
        case VotesFrozen():
            since = run_of(state, event.step).frozen | {event.nomination or "": at}
            return _step(state, event.step, frozen=since)
        case VotesUnfrozen():
            return _unfrozen(state, event, at)
        case _:
            return _of_the_whole(state, event, at, actor, stream)


def _of_the_whole(state: State, event: Event, at: datetime, actor: str, stream: str) -> State:
    """What happens to the round itself, whatever step it is in."""
    match event:
        case RoundOpened():
            return replace(state, stream=stream, opened=event, reports=_since(at, event.reports_due))
        case ReportsExtended():
            return replace(state, reports=_since(at, event.closes_at))
        case RoundPaused():
            return replace(state, paused_at=at)
        case RoundResumed():
            assert state.paused_at is not None
            return replace(state, paused_at=None, pauses=(*state.pauses, (state.paused_at, at)))
        case PoolFrozen():
            return _frozen(state, event, at)
        case RoundReported():
            going_on = _step(state, state.current, held="") if run_of(state, state.current).held else state
            return replace(going_on, reported=event)
        case RecommendationAmended():
            assert state.reported is not None
            amended = {"recommended": event.recommended, "reserve": event.reserve}
            return replace(state, reported=state.reported.model_copy(update=amended))
        case RoundLapsed():
            return replace(state, lapsed=event.reason, paused_at=None)
        case ActProposed():
            return replace(state, proposals=state.proposals | {event.act: actor})
        case ActSeconded():
            return replace(state, proposals={k: v for k, v in state.proposals.items() if k != event.act})
        case _:
            return _evolve_judging(state, event, at)


def _evolve_judging(state: State, event: Event, at: datetime) -> State:
    """What panels, departments and congresses say."""
    match event:
        case PanelFormed():
            return _step(state, event.step, judges=event.judges, **_grouped(event.groups))
        case PanelDrawn():
            return _step(state, event.step, judges=event.judges, drawn=event, **_grouped(event.groups))
        case ChairNamed():
            return _step(state, event.step, chair=event.chair, secretary=event.secretary)
        case JudgeReplaced():
            return _replaced(state, event)
        case JudgeRecused():
            run = run_of(state, event.step)
            return _step(state, event.step, recused=run.recused | {(event.judge, event.nomination)})
        case SheetHandedIn():
            run = run_of(state, event.step)
            marks = run.sheets.get(event.judge, {}) | {mark.nomination: mark for mark in event.marks}
            return _step(state, event.step, sheets=run.sheets | {event.judge: marks})
        case SheetEntered():
            return _entered(state, event)
        case SheetDiscrepancy():
            differs = run_of(state, event.step).differs | {event.judge: event.nominations}
            return _step(state, event.step, differs=differs)
        case SessionInvalidated():
            return _session_invalid(state, event)
        case CongressRecorded():
            return _step(state, event.step, congress=event, held="")
        case AttendanceRecorded():
            return _step(state, event.step, attendance=event, held="")
        case ClearanceReplied():
            run, key = run_of(state, event.step), (event.department, event.nomination)
            return _step(
                state, event.step, replies=run.replies | {key: event}, replied_at=run.replied_at | {key: at}
            )
        case ClearanceRequested():
            run, about = run_of(state, event.step), set(event.nominations)
            replies = {key: reply for key, reply in run.replies.items() if key[1] not in about}
            again = run.asked_again | dict.fromkeys(event.nominations, event.window)
            return _step(state, event.step, replies=replies, asked_again=again)
        case PanelClosed():
            return _panel_closed(state, event)
        case _:
            return state


def _held(event: SubjectsHeld) -> dict[str, frozenset[str]]:
    """Each member with the objections that held it when the others went on; none where the log does not name them."""
    by: dict[str, set[str]] = {id: set() for id in event.nominations}
    for nomination, objection in (one.split("/", 1) for one in event.objections or ()):
        by[nomination].add(objection)
    return {id: frozenset(objections) for id, objections in by.items()}


def _frozen(state: State, event: PoolFrozen, at: datetime) -> State:
    members = {member.nomination: member for member in event.members}
    out = {gone.nomination: ("pool", gone.reason) for gone in event.dropped}
    return replace(state, frozen=True, frozen_at=at, members=members, out=out)


def _since(at: datetime, closes_at: datetime | None) -> Window | None:
    return Window(opens_at=at, closes_at=closes_at) if closes_at else None


def passing(state: State, event: FastTracked) -> State:
    """With these on their fast track past the step."""
    passed = run_of(state, event.step).passed | dict.fromkeys(event.nominations, event.fast_track)
    return _step(state, event.step, passed=passed)


def _step(state: State, step: str, **changes: Any) -> State:
    return replace(state, steps=state.steps | {step: replace(run_of(state, step), **changes)})


def _grouped(groups: tuple[JudgingGroup, ...] | None) -> dict[str, Any]:
    return {
        "seated": {one.group: one.judges for one in groups or ()},
        "grouped": {id: one.group for one in groups or () for id in one.members},
    }


def _session_invalid(state: State, event: SessionInvalidated) -> State:
    """What was handed in is void: by all, or by the judges of one group, who hand in anew."""
    run = run_of(state, event.step)
    kept = set(run.judges) - set(event.judges or run.judges)
    return _step(
        state,
        event.step,
        sheets={judge: sheet for judge, sheet in run.sheets.items() if judge in kept},
        entries={judge: typed for judge, typed in run.entries.items() if judge in kept},
        differs={judge: where for judge, where in run.differs.items() if judge in kept},
        congress=None,
    )


def _replaced(state: State, event: JudgeReplaced) -> State:
    """What was handed in, or typed, of the judge who goes counts no more, also if they should come back."""
    run = run_of(state, event.step)

    def instead(judges: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(event.by if judge == event.judge else judge for judge in judges)

    return _step(
        state,
        event.step,
        judges=instead(run.judges),
        replaced=run.replaced | {event.judge},
        seated={group: instead(judges) for group, judges in run.seated.items()},
        sheets={judge: marks for judge, marks in run.sheets.items() if judge != event.judge},
        entries={judge: typed for judge, typed in run.entries.items() if judge != event.judge},
        differs={judge: where for judge, where in run.differs.items() if judge != event.judge},
        chair="" if run.chair == event.judge else run.chair,
    )


def _entered(state: State, event: SheetEntered) -> State:
    """What this keeper typed before of the sheet stays where it is not typed again; the sheet itself is open again."""
    run = run_of(state, event.step)
    typed = run.entries.get(event.judge, {})
    sheet = typed.get(event.keeper, {}) | {mark.nomination: mark for mark in event.marks}
    entries = run.entries | {event.judge: typed | {event.keeper: sheet}}
    differs = {judge: where for judge, where in run.differs.items() if judge != event.judge}
    sheets = {judge: marks for judge, marks in run.sheets.items() if judge != event.judge}
    return _step(state, event.step, entries=entries, differs=differs, sheets=sheets)


def _panel_closed(state: State, event: PanelClosed) -> State:
    components = {event.component: {one.nomination: one.value for one in event.results}}
    for one in event.results:
        for part in one.parts or ():
            components.setdefault(part.component, {})[one.nomination] = part.value
    state = _step(state, event.step, panel=event)
    return replace(state, components=state.components | components)


def _invalidated(state: State, event: VotesInvalidated) -> State:
    run = run_of(state, event.step)
    if event.cohort:
        return _ruled(state, event.step, event.cohort, "invalid")
    if event.effect == "deduct":
        return _step(state, event.step, invalid=run.invalid | set(event.voters))
    struck = {event.nomination} if event.effect == "disqualify" else set()
    return _step(state, event.step, zeroed=run.zeroed | {event.nomination}, struck=run.struck | struck)


def _released(state: State, event: VotesReleased) -> State:
    run = run_of(state, event.step)
    if event.cohort:
        return _ruled(state, event.step, event.cohort, "counted")
    freed = {event.nomination}
    return _step(
        state,
        event.step,
        invalid=run.invalid - set(event.voters or ()),
        zeroed=run.zeroed - freed,
        struck=run.struck - freed,
    )


def _ruled(state: State, step: str, cohort: str, status: Literal["counted", "invalid"]) -> State:
    cohorts = run_of(state, step).cohorts
    return _step(state, step, cohorts=cohorts | {cohort: replace(cohorts[cohort], status=status)})


def _unfrozen(state: State, event: VotesUnfrozen, at: datetime) -> State:
    run, whose = run_of(state, event.step), event.nomination or ""
    frozen = {one: since for one, since in run.frozen.items() if one != whose}
    return _step(state, event.step, frozen=frozen, thawed=(*run.thawed, (whose, run.frozen[whose], at)))


def _without(state: State, event: MembersOut) -> State:
    out = {gone.nomination: (event.step, gone.reason) for gone in event.out}
    members = {id: member for id, member in state.members.items() if id not in out}
    standby = {id: member for id, member in state.standby.items() if id not in out}
    return replace(state, members=members, standby=standby, out=state.out | out)


def _selected(state: State, event: SelectionMade) -> State:
    known = state.members | state.standby
    state = _step(state, event.step, held="")
    return replace(
        state,
        members={id: known[id] for id in event.selected},
        standby={id: known[id] for id in event.reserve},
        ranked=event.ranked,
        selection=event.step,
    )


def _published(state: State, event: ListPublished) -> State:
    known = any(published.step == event.step for published in state.published.values())
    alone = known or event.window != run_of(state, event.step).window
    gate = names.step_gate(state.stream, event.step, event.nominations[0] if alone else "")
    kept = {id: published for id, published in state.published.items() if published.step == event.step}
    fresh = {
        id: Publication(
            event.step, event.window, gate, kept[id].since if id in kept else event.window.opens_at
        )
        for id in event.nominations
    }
    return replace(state, published=kept | fresh)


def _extended(state: State, event: StepExtended, at: datetime) -> State:
    gate = names.step_gate(state.stream, event.step, event.nomination)
    published = {
        id: replace(publication, window=_moved(publication.window, event.closes_at), epoch=event.epoch)
        if publication.gate == gate
        else publication
        for id, publication in state.published.items()
    }
    state = replace(state, published=published)
    if event.nomination:
        return state
    run = run_of(state, event.step)
    old = run.window or Window(opens_at=at, closes_at=event.closes_at)
    held = "" if event.closes_at > event.was else run.held
    return _step(state, event.step, window=_moved(old, event.closes_at), epoch=event.epoch, held=held)


def _moved(window: Window, closes_at: datetime) -> Window:
    return Window(opens_at=window.opens_at, closes_at=closes_at)


def _substituted(state: State, event: Substituted, at: datetime) -> State:
    members = {id: member for id, member in state.members.items() if id != event.out}
    standby = {id: member for id, member in state.standby.items() if id != event.out}
    if event.into:
        members[event.into] = standby.pop(event.into)
        state = _step(state, event.step, came_in=run_of(state, event.step).came_in | {at})
    out = state.out | {event.out: (event.step, event.reason)}
    return replace(state, members=members, standby=standby, out=out)


def _conferred(state: State, event: TitlesConferred) -> State:
    conferred = dict(state.conferred)
    for given in event.conferred:
        conferred[given.nomination] = (*conferred.get(given.nomination, ()), given.title)
    state = _step(state, event.step, taken=True)
    return replace(state, conferred=conferred, certificates=state.certificates + len(event.conferred))


# ---- queries ----


def judges_of(run: StepRun, nomination: str) -> tuple[str, ...]:
    """Who judges this nomination: the whole panel, or those of its group."""
    return run.seated.get(run.grouped.get(nomination, ""), ()) if run.seated else run.judges


def awaited(state: State) -> tuple[str, ...]:
    """Members who came in after the report and are not recommended yet: their own publicity period runs."""
    recommended = state.reported.recommended if state.reported else tuple(state.members)
    return tuple(id for id in state.members if id not in recommended)


def run_of(state: State, step: str) -> StepRun:
    """The step as it ran so far; an untouched one if it has not begun."""
    return state.steps.get(step, _UNTOUCHED)


def asked(state: State, step: str) -> tuple[str, ...]:
    """The members about whom the step asks: all but those who pass it by on a fast track."""
    passed = run_of(state, step).passed
    return tuple(id for id in state.members if id not in passed)


def must_be_asked(state: State, step: str, nomination: str) -> None:
    """Raises Refused PASSED_BY for one who passes the step by."""
    track = run_of(state, step).passed.get(nomination)
    if track is not None:
        raise Refused("PASSED_BY", nomination=nomination, fast_track=track, step=step)


def stage_of(state: State, programme: Programme) -> Stage:
    """The stage that this round runs."""
    assert state.opened is not None
    return next(stage for rank, stage in programme.stages.items() if rank == state.opened.rank)


def step_of(state: State, programme: Programme, step: str) -> Step:
    """The declared step; Refused NOT_FOUND for an id that the stage lacks."""
    try:
        return stage_of(state, programme).step(step)
    except KeyError:
        raise Refused("NOT_FOUND", what=f"{state.stream}/{step}") from None


def windows_of(state: State, step: str) -> dict[str, Window]:
    """The open step's window under "", and those of substitutes by nomination; none once it is closed."""
    run = run_of(state, step)
    if run.window is None or run.closed_at is not None:
        return {}
    return {"": run.window} | {
        id: published.window
        for id, published in state.published.items()
        if published.step == step and published.gate != names.step_gate(state.stream, step)
    }


def must_run(state: State) -> None:
    """Raises Refused ROUND_PAUSED."""
    if state.paused_at is not None:
        raise Refused("ROUND_PAUSED", round=state.stream)


def must_be_current(state: State, step: str, action: str) -> StepRun:
    """The step's run, if it is the open one; Refused STAGE_CLOSED once it is over, ROUND_PAUSED, STAGE_MISMATCH before."""
    run = run_of(state, step)
    if run.closed_at is not None or state.over:
        raise Refused(
            "STAGE_CLOSED", step=f"{state.stream}/{step}", closed_at=run.closed_at or state.lapsed or "-"
        )
    must_run(state)
    if state.current != step:
        raise Refused("STAGE_MISMATCH", current=state.current or "-", action=action)
    return run


def endorsement_at(state: State, programme: Programme, meant: str = "") -> Endorsement | None:
    """The stage's endorsement that is meant; where none is named the one that began last, before any the first.

    A stage may have several, with others between.
    """
    declared = [step for step in stage_of(state, programme).steps if isinstance(step, Endorsement)]
    if meant:
        return next((step for step in declared if step.id == meant), None)
    begun = [step for step in declared if step.id in state.steps]
    return next(iter([*reversed(begun), *declared]), None)


def endorsement_open(
    state: State, nomination_stream: str, action: str, programme: Programme, meant: str = ""
) -> Endorsement:
    """The endorsement step in which this member may be decided on now.

    Raises Refused STAGE_CLOSED (with when), STAGE_MISMATCH where another one is open than is meant, NOT_A_MEMBER, or
    PASSED_BY.
    """
    nomination = nomination_stream.rsplit("/", 1)[-1]
    declared = endorsement_at(state, programme, meant)
    if declared is None:
        raise Refused("STAGE_MISMATCH", current=state.current or "-", action=action)
    must_be_current(state, declared.id, action)
    if nomination not in state.members:
        raise Refused("NOT_A_MEMBER", nomination=nomination, round=state.stream)
    must_be_asked(state, declared.id, nomination)
    return declared


def publication_over(state: State, nomination: str, end: datetime, now: datetime) -> bool:
    """Whether this nomination, published until `end`, may no longer be objected to."""
    over = run_of(state, state.published[nomination].step).closed_at is not None or state.over
    return (over and nomination not in awaited(state)) or now >= end


def period_of(state: State, nomination: str) -> Window:
    """The nomination's own publicity period, with what came before it began anew; where it was ended early, until then."""
    publication = state.published[nomination]
    window, run = publication.window, run_of(state, publication.step)
    closes_at = window.closes_at
    if run.early and run.closed_at is not None and window.opens_at < run.closed_at:
        closes_at = min(closes_at, run.closed_at)
    return Window(opens_at=publication.since, closes_at=closes_at)


def publicity_gate(state: State, nomination: str) -> tuple[str, str]:
    """The step and the gate under which this nomination is published; Refused NOT_PUBLISHED if it is not."""
    publication = state.published.get(nomination)
    must_run(state)
    if publication is None:
        raise Refused("NOT_PUBLISHED", nomination=nomination)
    return publication.step, publication.gate
