"""The selection of a round: the combined score, the seats, the share rules, and what to do when no rule decides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from domain.decision import NOTHING, Decision, two_people
from domain.problem import EXACT, INCLUDE_ALL, Scores, problem_of, scores_of
from domain.round import State, must_be_current, run_of
from domain.selection import (
    DifferentialUnmet,
    Infeasible,
    Outcome,
    Problem,
    Selected,
    TieUnresolved,
    kept_out,
    rank_problem,
    select,
)
from domain.selection.ranking import places
from domain.steps import (
    Inputs,
    close,
    cut_off,
    cycle_guard,
    going,
    head_guards,
    hold,
    leave,
    present,
    set_aside,
)
from schemas.commands import Command, ResolveTie, WaiveDifferential, WaiveRules
from schemas.errors import Refused
from schemas.events import (
    KEPT_OUT,
    ComponentScore,
    Conflict,
    DifferentialWaived,
    Dropped,
    Ranked,
    SelectionMade,
    StepOpened,
    TieResolved,
)
from schemas.programme import Publicity, Selection
from schemas.values import Label


def open_selection(state: State, command: Command, inputs: Inputs, step: Selection) -> Decision:
    """Selection has no window: it is made at once, or waits for a person."""
    opened = Decision(events=(StepOpened(step=step.id, type=step.type),))
    return opened.then(choose(state, command, inputs, step))


def choose(state: State, command: Command, inputs: Inputs, step: Selection) -> Decision:
    """Made, or held: TIE_UNRESOLVED, DIFFERENTIAL_UNMET or RULES_INFEASIBLE (DR-07, DR-17, DR-26)."""
    problem = problem_of(state, inputs, going(state, inputs), step)
    outcome = chosen(problem, step)
    match outcome:
        case Selected():
            return _made(state, command, inputs, step, problem, outcome)
        case TieUnresolved():
            detail = f"seats left: {outcome.seats_left}"
            return hold(state, step.id, "TIE_UNRESOLVED", outcome.tied, detail)
        case DifferentialUnmet():
            detail = f"needs {outcome.needed}, has {outcome.have}"
            return hold(state, step.id, "DIFFERENTIAL_UNMET", detail=detail)
        case Infeasible():
            return _infeasible(state, step, outcome)


def chosen(problem: Problem, step: Selection) -> Outcome:
    """The list; with `include_all`, equals at the cut are all taken in if they are within the ceiling (DR-17)."""
    outcome = select(problem)
    if not (isinstance(outcome, TieUnresolved) and INCLUDE_ALL in step.ties and step.ceiling):
        return outcome
    seats = problem.seats + len(outcome.tied) - outcome.seats_left
    if seats > step.ceiling:
        return outcome
    wider = select(problem.model_copy(update={"seats": seats}))
    included = isinstance(wider, Selected) and set(outcome.tied) <= set(wider.selected)
    return wider if included else outcome


def _infeasible(state: State, step: Selection, outcome: Infeasible) -> Decision:
    """Held with the rules that cannot hold together, and what is missing (DR-26)."""
    conflict = _conflict(outcome)
    said = "; ".join(missing.en for missing in conflict.missing)
    rules = ", ".join(outcome.rules) or EXACT
    held = hold(state, step.id, "RULES_INFEASIBLE", detail=f"{rules}: {said}")
    return replace(held, events=tuple(one.model_copy(update={"conflict": conflict}) for one in held.events))


def _conflict(outcome: Infeasible) -> Conflict:
    words = zip(outcome.sentences("zh"), outcome.sentences("en"), strict=True)
    return Conflict(rules=outcome.rules, missing=tuple(Label(zh=zh, en=en) for zh, en in words))


def _made(
    state: State, command: Command, inputs: Inputs, step: Selection, problem: Problem, outcome: Selected
) -> Decision:
    scores = scores_of(state, present(state, inputs), step)
    by_place = ranked(problem, scores)
    made = SelectionMade(
        step=step.id,
        seats=max(step.seats, len(outcome.selected)),
        ranked=by_place,
        selected=outcome.selected,
        reserve=outcome.reserve,
        certificate=outcome.certificate.to_record(),
        vacancy=_conflict(outcome.vacancy) if outcome.vacancy else None,
        flags=scores.flags or None,
    )
    kept = {*outcome.selected, *outcome.reserve}
    rules = kept_out(problem, outcome.selected)
    cut = [
        Dropped(nomination=one.nomination, reason=_why_not(one, step, rules.get(one.nomination, ())))
        for one in by_place
        if one.nomination not in kept
    ]
    lapsed = [Dropped(nomination=id, reason="RESERVE_LAPSED") for id in state.standby]
    guards = (cycle_guard(command), *head_guards(present(state, inputs).values(), command))
    left = leave(state, command, step.id, (*cut_off(state, inputs), *cut, *lapsed))
    end = close(state, command, inputs, step.id, "complete")
    return Decision(events=(made,), guards=guards).then(left).then(end)


def _why_not(one: Ranked, step: Selection, rules: tuple[str, ...]) -> str:
    """The place, and what kept out somebody whose place would have done."""
    named = KEPT_OUT + ", ".join(rules) if rules else ""
    return f"NOT_SELECTED: rank {one.rank}, seats {step.seats}{named}"


def ranked(problem: Problem, scores: Scores) -> tuple[Ranked, ...]:
    """All by place; those below the minimum score share the last."""
    place, last = places(rank_problem(problem)), len(problem.candidates)
    return tuple(
        Ranked(
            nomination=one.id,
            rank=place.get(one.id, last),
            score=one.score,
            components=tuple(
                ComponentScore(component=name, value=value)
                for name, value in sorted(scores.values[one.id].items())
            ),
        )
        for one in sorted(problem.candidates, key=lambda one: (place.get(one.id, last), one.id))
    )


def tied(state: State, step: Selection | Publicity) -> tuple[str, ...]:
    """Those whom the step waits for a person to order."""
    run = run_of(state, step.id)
    return run.tied if run.held == "TIE_UNRESOLVED" else ()


def resolve_tie(
    state: State, command: Command, body: ResolveTie, equals: Collection[str], grant: str
) -> Decision:
    """A person orders those whom no rule could order, all of them, be they on the list or in reserve (DR-17)."""
    run = must_be_current(state, body.step, body.kind)
    if not equals:
        raise Refused("NOTHING_TO_RESOLVE", step=body.step)
    here = state.members.keys() | state.standby.keys()
    if len(set(body.order)) != len(body.order) or not set(body.order) <= here:
        raise Refused("NOT_ON_LIST", nomination=", ".join(body.order))
    forgotten = set(equals) & here - set(body.order)
    if forgotten:
        raise Refused("TIE_NOT_COVERED", nominations=", ".join(sorted(forgotten)))
    fresh = tuple(id for id in body.order if id not in run.resolution)
    if not fresh:
        return NOTHING
    resolved = TieResolved(step=body.step, order=fresh, reason=body.reason)
    return Decision(events=(resolved,), guards=(cycle_guard(command),), grant=grant)


def waive_differential(
    state: State, command: Command, body: WaiveDifferential, step: Selection, grant: str
) -> Decision:
    run = must_be_current(state, step.id, body.kind)
    if run.held != "DIFFERENTIAL_UNMET":
        raise Refused("NOTHING_TO_RESOLVE", step=step.id)
    waived = DifferentialWaived(step=step.id, reason=body.reason)
    return Decision(events=two_people(state, command, (waived,)), guards=(cycle_guard(command),), grant=grant)


def waive_rules(state: State, command: Command, body: WaiveRules, step: Selection, grant: str) -> Decision:
    """DR-26: rules that cannot all hold are never relaxed by the engine; two people say which do not apply here."""
    run = must_be_current(state, step.id, body.kind)
    if run.held != "RULES_INFEASIBLE":
        raise Refused("NOTHING_TO_RESOLVE", step=step.id)
    in_force = ({rule.id for rule in step.shares} | {EXACT}) - run.waived_rules
    return set_aside(state, command, body, in_force, grant)
