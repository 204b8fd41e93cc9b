"""Where a cycle, a round or a nomination stands, as its workflow needs to know it: current state, not deltas."""

from __future__ import annotations

from datetime import datetime

from domain import cycle as cycles
from domain import nomination, publicity, review, vote
from domain import round as rounds
from domain.adjudication import screening_due
from schemas import names
from schemas.messages import ChildRef, CycleView, NominationView, RoundView, StepRef
from schemas.programme import Clearance, ExpertReview, Programme, PublicVote, Stage
from schemas.units import UnitTree


def cycle_view(
    state: cycles.State, seq: int, programme: Programme | None, tree: UnitTree | None, now: datetime
) -> CycleView:
    if state.opened is None or programme is None or tree is None:
        return CycleView(seq=seq, status=state.status)
    closes = cycles.intake_closes_at(state)
    paused = state.paused_at if state.status == cycles.Status.PAUSED else None
    return CycleView(
        seq=seq,
        status=state.status,
        programme=state.opened.programme,
        intake_closed=state.intake_closed,
        wakes_at=closes if not paused and not state.intake_closed else None,
        root=child_ref(names.round_stream(state.opened.cycle, names.ROOT_ROUTE, tree.root), tree),
        fed=len(state.fed),
        paused_seconds=int((now - state.paused_at).total_seconds()) if state.paused_at else 0,
    )


def round_view(
    state: rounds.State, stage: Stage, tree: UnitTree, now: datetime, cycle: cycles.State
) -> RoundView:
    opened = state.opened
    run = rounds.run_of(state, state.current)
    paused = cycle.status == cycles.Status.PAUSED
    return RoundView(
        seq=state.seq,
        steps=tuple(StepRef(id=step.id, type=step.type) for step in stage.steps),
        children=tuple(child_ref(stream, tree) for stream in opened.children) if opened else (),
        reports_due=state.reports.closes_at if state.reports else None,
        paused_seconds=_paused_seconds(state, cycle),
        frozen=state.frozen,
        current=state.current,
        closed=tuple(id for id, step in state.steps.items() if step.closed_at is not None),
        sealed=_sealed(state, stage),
        held=run.held,
        paused=state.paused_at is not None,
        ripe=_ripe(state, stage),
        wakes_at=None if paused or state.paused_at else _wakes_at(state, stage, now),
        seals_at=run.seals_at,
        screens=_screens(state, stage),
        shows=_shows(state, stage, now),
        members=len(state.members),
        reported=state.reported is not None,
        amends_at=_amends_at(state, now),
        lapsed=bool(state.lapsed),
        conferred=state.certificates,
    )


def nomination_view(state: nomination.State) -> NominationView:
    return NominationView(seq=state.seq, status=state.status, level=state.level, over=state.over)


def child_ref(stream: str, tree: UnitTree) -> ChildRef:
    unit = tree.by_code[stream.rsplit("/", 1)[-1]]
    return ChildRef(stream=stream, unit=unit.code, name=unit.name, rank=unit.rank)


def _paused_seconds(state: rounds.State, cycle: cycles.State) -> int:
    """How long the cycle stood still since the children's cut-off was set: a round begun again cannot remember."""
    reports = state.reports
    pauses = [until - since for since, until in cycle.pauses if reports and since >= reports.opens_at]
    return int(sum(pause.total_seconds() for pause in pauses))


def _wakes_at(state: rounds.State, stage: Stage, now: datetime) -> datetime | None:
    """The next instant at which time alone may change something."""
    run = rounds.run_of(state, state.current)
    awaited = run.held_until if run.held and run.held_until and run.held_until > now else None
    if run.closed_at is not None or run.window is None:
        return awaited
    window = publicity.ends_at(state, state.current) if state.published else run.window
    ends = [one.closes_at for one in (window, run.window) if one is not None and one.closes_at > now]
    step = _vote(state, stage)
    shows_at = vote.next_display(step, run, now) if step else None
    return min([*ends, *filter(None, (shows_at, awaited))], default=None)


def _amends_at(state: rounds.State, now: datetime) -> datetime | None:
    """The next end of a substitute's own publicity period."""
    published = [state.published[id] for id in rounds.awaited(state) if id in state.published]
    ends = [one.window.closes_at for one in published if one.window.closes_at > now]
    return min(ends, default=None)


def _ripe(state: rounds.State, stage: Stage) -> bool:
    """Whether everybody has acted, so that the step need not wait for its window."""
    step = next((step for step in stage.steps if step.id == state.current), None)
    if isinstance(step, ExpertReview):
        return review.complete(state, step)
    if isinstance(step, Clearance):
        return bool(rounds.run_of(state, step.id).replies)
    return False


def _vote(state: rounds.State, stage: Stage) -> PublicVote | None:
    """The public vote that is on, or just closed."""
    step = next((step for step in stage.steps if step.id == state.current), None)
    return step if isinstance(step, PublicVote) else None


def _screens(state: rounds.State, stage: Stage) -> bool:
    """Whether the rules against stuffing are to be run over it."""
    step = _vote(state, stage)
    return step is not None and screening_due(rounds.run_of(state, step.id), step)


def _shows(state: rounds.State, stage: Stage, now: datetime) -> datetime | None:
    """When its counts were to be shown, as provisional ones, that were not yet."""
    step = _vote(state, stage)
    return vote.undisplayed(step, rounds.run_of(state, step.id), now) if step else None


def _sealed(state: rounds.State, stage: Stage) -> bool:
    return all(
        step.component in state.components
        for step in stage.steps
        if isinstance(step, PublicVote)
        and rounds.run_of(state, step.id).closed_at is not None
        and rounds.run_of(state, step.id).window is not None
    )
