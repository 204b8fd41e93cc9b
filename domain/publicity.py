"""公示: the list is published for objections; who leaves is replaced from the reserve, with a period of their own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from domain.decision import NOTHING, Decision
from domain.problem import problem_of_list
from domain.round import State, evolve, must_be_current, run_of
from domain.selection import Substitution, TieUnresolved, rank_problem, substitute
from domain.selection.ranking import places
from domain.steps import (
    Inputs,
    close,
    cycle_guard,
    elapsed,
    going,
    gone,
    head_guards,
    hold,
    hold_subjects,
    leave,
    open_window,
    present,
    selection_of,
    set_gate,
)
from domain.timing import after_pauses
from schemas.commands import Command, ReportChange
from schemas.errors import Refused
from schemas.events import ChangeReported, Dropped, ListPublished, Substituted, Window
from schemas.ledger import GateStatus
from schemas.programme import Period, Publicity

CLEARANCE_OBJECTED = "CLEARANCE_OBJECTED"
"""Why somebody leaves to whom a department objects."""


def open_publicity(state: State, command: Command, inputs: Inputs, step: Publicity) -> Decision:
    """DR-27: the window is counted by the programme's days and frozen; the notice says how it was counted.

    Who left since the selection is not published; the reserve takes their place at once.
    """
    now = command.received_at
    listed = tuple(going(state, inputs))
    window = Window(opens_at=now, closes_at=inputs.calendar.end(now, step.period))
    decision = open_window(state, command, inputs, step.id, step.type, step.period)
    decision = decision.then(
        Decision(
            events=(_notice(inputs, step, listed, window),) if listed else (),
            guards=(cycle_guard(command), *head_guards(inputs.standings.values(), command)),
        )
    )
    for event in decision.events:
        state = evolve(state, event, now)
    substituted, state = _substitute_all(state, command, inputs, step)
    decision = decision.then(substituted)
    return decision if state.members else decision.then(close(state, command, inputs, step.id, "complete"))


def close_publicity(state: State, command: Command, inputs: Inputs, step: Publicity) -> Decision:
    """Who left is substituted at once (DR-31); the step ends when every period is over (DR-28).

    An objection that is then open holds its subject while the others go on, or the step where the programme says so
    or nothing is decided any more.
    """
    decision, state = _all_substituted(state, command, inputs, step)
    joined, state = _publish_cleared(state, command, inputs, step)
    decision = decision.then(joined)
    if any(inputs.standings[id].gone for id in state.members):
        return decision if decision.events else NOTHING
    now = command.received_at
    running = any(state.published[id].window.closes_at > now for id in state.members if id in state.published)
    unpublished = _unpublished(state, step, present(state, inputs))
    if running or (unpublished and not elapsed(state, step.id, now)):
        return decision if decision.events else NOTHING
    contested = _contested(state, inputs)
    if contested and step.holds == "subject" and not _is_the_last_word(state, inputs, step):
        held_back = hold_subjects(
            step.id, (inputs.standings[id] for id in contested if id not in unpublished)
        )
        cut = [Dropped(nomination=id, reason="HELD_AT_CUT_OFF") for id in unpublished]
        left = leave(state, command, step.id, cut)  # nobody goes on without having been published
        return decision.then(held_back).then(left).then(close(state, command, inputs, step.id, "elapsed"))
    if contested:
        held = hold(state, step.id, "OBJECTION_OPEN", contested)
        return decision.then(held) if decision.events or held.events else NOTHING
    return decision.then(close(state, command, inputs, step.id, "elapsed"))


def _is_the_last_word(state: State, inputs: Inputs, step: Publicity) -> bool:
    """Whether the summit only recommends, and at once: nobody could be cleared any more."""
    assert state.opened is not None
    return state.opened.rank == inputs.programme.summit and inputs.stage.steps[-1] == step


def _unpublished(state: State, step: Publicity, nominations: Iterable[str]) -> list[str]:
    """Those of them whom this step has not published."""
    here = {id for id, published in state.published.items() if published.step == step.id}
    return [id for id in nominations if id not in here]


def close_publicity_early(
    state: State, command: Command, inputs: Inputs, step: Publicity, reason: str
) -> Decision:
    """Once the declared minimum of everybody's period is over and no objection is open; who left is substituted first.

    Raises Refused PUBLICITY_NEVER_SHORTENED with the earliest instant, OBJECTION_OPEN, TIE_UNRESOLVED.
    """
    decision, state = _all_substituted(state, command, inputs, step)
    joined, state = _publish_cleared(state, command, inputs, step)
    decision = decision.then(joined)
    tied = run_of(state, step.id).tied if any(inputs.standings[id].gone for id in state.members) else ()
    if tied:
        raise Refused("TIE_UNRESOLVED", nominations=", ".join(tied))
    now = command.received_at
    earliest = max((_earliest(state, inputs, step, id, now) for id in going(state, inputs)), default=now)
    if earliest > now:
        raise Refused("PUBLICITY_NEVER_SHORTENED", step=step.id, earliest=earliest)
    contested = _contested(state, inputs)
    if contested:
        raise Refused("OBJECTION_OPEN", nominations=", ".join(contested))
    return decision.then(close(state, command, inputs, step.id, "early", reason))


def _earliest(state: State, inputs: Inputs, step: Publicity, nomination: str, now: datetime) -> datetime:
    """When this member's period may end; a pause's days are no part of the minimum."""
    window = state.published[nomination].window
    if step.minimum is None:
        return window.closes_at
    end = inputs.calendar.end(window.opens_at, step.minimum)
    shortest = Window(opens_at=window.opens_at, closes_at=end)
    return min(window.closes_at, after_pauses(state, inputs, shortest, now))


def _contested(state: State, inputs: Inputs) -> list[str]:
    return [id for id, one in present(state, inputs).items() if one.disputed]


def _all_substituted(
    state: State, command: Command, inputs: Inputs, step: Publicity
) -> tuple[Decision, State]:
    """Who left is substituted, and whoever is on the list must not have moved meanwhile."""
    decision, state = _substitute_all(state, command, inputs, step)
    guards = (cycle_guard(command), *head_guards(inputs.standings.values(), command))
    return Decision(guards=guards).then(decision), state


def ends_at(state: State, step: str) -> Window | None:
    """The last window of the step that still runs."""
    windows = [state.published[id].window for id in state.members if id in state.published]
    return max(windows, key=lambda window: window.closes_at) if windows else run_of(state, step).window


def _substitute_all(
    state: State, command: Command, inputs: Inputs, step: Publicity
) -> tuple[Decision, State]:
    decision = NOTHING
    for one in gone(state, inputs):
        part = replace_one(state, command, inputs, step, one)
        decision = decision.then(part)
        for event in part.events:
            state = evolve(state, event, command.received_at)
    return decision, state


def replace_one(state: State, command: Command, inputs: Inputs, step: Publicity, left: Dropped) -> Decision:
    """Takes the next of the reserve whose inclusion keeps the composition, or leaves the seat vacant.

    Where a limit of the programme forbids it nobody else gives way for the composition either.
    """
    able = [id for id in state.standby if not inputs.standings[id].gone]
    selection = selection_of(state, inputs)
    limit = _limit(state, command, inputs, step, left) if able else None
    if limit or not (step.substitute and able and selection):
        vacant = Substituted(step=step.id, out=left.nomination, reason=left.reason, limit=limit)
        return Decision(events=(vacant,))
    problem = problem_of_list(state, inputs, selection)
    place = places(rank_problem(problem))
    able.sort(key=place.__getitem__)
    found = substitute(problem, list(state.members), left.nomination, able)
    if isinstance(found, TieUnresolved):
        return hold(state, step.id, "TIE_UNRESOLVED", found.tied)
    return _take_in(state, command, inputs, step, left, found)


def _limit(
    state: State, command: Command, inputs: Inputs, step: Publicity, left: Dropped
) -> Literal["times_max", "within", "after_vetting"] | None:
    """The limit that keeps this seat vacant although somebody stands by, if one does (DR-31)."""
    limits, now = step.substitute, command.received_at
    if isinstance(limits, bool):
        return None
    if not limits.after_vetting and _lost_in_vetting(inputs, left):
        return "after_vetting"
    published = run_of(state, step.id).window
    assert published is not None, "a seat is given up in a list that was published"
    if limits.within is not None:
        end = inputs.calendar.end(published.opens_at, limits.within)
        within = Window(opens_at=published.opens_at, closes_at=end)
        if now >= after_pauses(state, inputs, within, now):
            return "within"
    times = run_of(state, step.id).came_in - {published.opens_at}  # with the list itself is none
    full = limits.times_max is not None and len(times) >= limits.times_max and now not in times
    return "times_max" if full else None


def _lost_in_vetting(inputs: Inputs, left: Dropped) -> bool:
    """By an answer that was asked for again, or by one that came late and was upheld (DR-11)."""
    return left.reason == CLEARANCE_OBJECTED or inputs.standings[left.nomination].failed_vetting


def _publish_cleared(
    state: State, command: Command, inputs: Inputs, step: Publicity
) -> tuple[Decision, State]:
    """Whoever was held when the list was published and is cleared since has a period of their own."""
    decision = NOTHING
    for id in _unpublished(state, step, going(state, inputs)):
        part = _publish_alone(command, inputs, state, step, id)
        decision = decision.then(part)
        state = evolve(state, part.events[0], command.received_at)
    return decision, state


def _publish_alone(
    command: Command,
    inputs: Inputs,
    state: State,
    step: Publicity,
    nomination: str,
    until: Window | None = None,
) -> Decision:
    """One nomination's own period from now, never ending before `until`."""
    now = command.received_at
    closes_at = inputs.calendar.end(now, step.period)
    window = Window(opens_at=now, closes_at=max(closes_at, until.closes_at) if until else closes_at)
    gate = set_gate(state, command, inputs, step.id, window, nomination, GateStatus.OPEN)
    return Decision(events=(_notice(inputs, step, (nomination,), window),), effects=(gate,))


def report_change(
    state: State, command: Command, body: ReportChange, inputs: Inputs, step: Publicity, grant: str
) -> Decision:
    """DR-30: a material change begins the nomination's period anew, a typographical one is noted."""
    must_be_current(state, step.id, body.kind)
    published = state.published.get(body.nomination)
    if published is None or published.step != step.id or body.nomination not in state.members:
        raise Refused("NOT_PUBLISHED", nomination=body.nomination)
    changed = Decision(
        events=(ChangeReported(**body.model_dump(exclude={"kind"})),),
        guards=(cycle_guard(command),),
        grant=grant,
    )
    if body.change == "typographical":
        return changed
    return changed.then(_publish_alone(command, inputs, state, step, body.nomination, published.window))


def _take_in(
    state: State, command: Command, inputs: Inputs, step: Publicity, left: Dropped, found: Substitution
) -> Decision:
    """The substitute comes in; whoever must give way for the composition leaves, is told, and is replaced too."""
    decision = _come_in(state, command, inputs, step, left, found.into)
    for change in found.also:
        out = Dropped(nomination=change.out, reason="COMPOSITION")
        decision = decision.then(leave(state, command, step.id, (out,)))
        decision = decision.then(_come_in(state, command, inputs, step, out, change.into))
    return decision


def _come_in(
    state: State, command: Command, inputs: Inputs, step: Publicity, left: Dropped, into: str
) -> Decision:
    event = Substituted(step=step.id, out=left.nomination, into=into, reason=left.reason)
    if not into:
        return Decision(events=(event,))
    return Decision(events=(event,)).then(_publish_alone(command, inputs, state, step, into))


def _notice(inputs: Inputs, step: Publicity, listed: tuple[str, ...], window: Window) -> ListPublished:
    assert inputs.cycle.opened is not None
    return ListPublished(
        step=step.id,
        nominations=listed,
        window=window,
        day_count=day_count(step.period),
        rehearsal=inputs.cycle.opened.pace.rehearsal,
        audience=step.audience,
    )


def day_count(period: Period) -> str:
    """How the days are counted, in words that a notice can print."""
    unit = "个工作日" if period.unit == "work_day" else "个自然日"
    first = "含发布当日" if period.count_first_day else "不含发布当日"
    return f"{period.days}{unit}（{first}）"
