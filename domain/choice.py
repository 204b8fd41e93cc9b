"""The selection of a round: the combined score, the seats, the share rules, and what to do when no rule decides."""

from __future__ import annotations

from fractions import Fraction

from domain.decision import NOTHING, Decision, two_people
from domain.eligibility import test
from domain.round import Standing, State, must_be_current, run_of
from domain.scoring import composite
from domain.selection import (
    Candidate,
    DifferentialUnmet,
    Infeasible,
    Op,
    Problem,
    Selected,
    TieUnresolved,
    rank_problem,
    select,
)
from domain.selection import ShareRule as Rule
from domain.selection.ranking import places
from domain.steps import Inputs, close, cycle_guard, gone, head_guards, hold, leave, present
from schemas.commands import Command, ResolveTie, WaiveDifferential, WaiveRules
from schemas.errors import Refused
from schemas.events import (
    ComponentScore,
    DifferentialWaived,
    Dropped,
    Ranked,
    RulesWaived,
    SelectionMade,
    StepOpened,
    TieResolved,
)
from schemas.programme import Publicity, Selection, ShareRule

RECOMMENDATION = "recommendation"
AUTHORITY = "authority"
EXACT = "exact"
"""How the demand that every seat be filled is named beside the share rules."""


def open_selection(state: State, command: Command, inputs: Inputs, step: Selection) -> Decision:
    """Selection has no window: it is made at once, or waits for a person."""
    opened = Decision(events=(StepOpened(step=step.id, type=step.type),))
    return opened.then(choose(state, command, inputs, step))


def choose(state: State, command: Command, inputs: Inputs, step: Selection) -> Decision:
    """Made, or held: TIE_UNRESOLVED, DIFFERENTIAL_UNMET or RULES_INFEASIBLE (DR-07, DR-17, DR-26)."""
    members = present(state, inputs)
    components = _components(state, members)
    problem = _problem(state, members, components, step)
    outcome = select(problem)
    match outcome:
        case Selected():
            return _made(state, command, inputs, step, problem, components, outcome)
        case TieUnresolved():
            detail = f"seats left: {outcome.seats_left}"
            return hold(state, step.id, "TIE_UNRESOLVED", outcome.tied, detail)
        case DifferentialUnmet():
            detail = f"needs {outcome.needed}, has {outcome.have}"
            return hold(state, step.id, "DIFFERENTIAL_UNMET", detail=detail)
        case Infeasible():
            detail = "; ".join(outcome.sentences("en"))
            return hold(state, step.id, "RULES_INFEASIBLE", detail=f"{', '.join(outcome.rules)}: {detail}")


def _made(
    state: State,
    command: Command,
    inputs: Inputs,
    step: Selection,
    problem: Problem,
    components: dict[str, dict[str, Fraction]],
    outcome: Selected,
) -> Decision:
    place = places(rank_problem(problem))
    ranked = tuple(
        Ranked(
            nomination=one.id,
            rank=place.get(one.id, len(problem.candidates)),
            score=one.score,
            components=tuple(
                ComponentScore(component=name, value=values[one.id])
                for name, values in sorted(components.items())
                if one.id in values
            ),
        )
        for one in sorted(
            problem.candidates, key=lambda one: (place.get(one.id, len(problem.candidates)), one.id)
        )
    )
    made = SelectionMade(
        step=step.id,
        seats=step.seats,
        ranked=ranked,
        selected=outcome.selected,
        reserve=outcome.reserve,
        certificate=outcome.certificate.to_record(),
    )
    kept = {*outcome.selected, *outcome.reserve}
    cut = [
        Dropped(nomination=one.nomination, reason=f"NOT_SELECTED: rank {one.rank}, seats {step.seats}")
        for one in ranked
        if one.nomination not in kept
    ]
    lapsed = [Dropped(nomination=id, reason="RESERVE_LAPSED") for id in state.standby]
    guards = (cycle_guard(command), *head_guards(present(state, inputs).values(), command))
    left = leave(state, command, step.id, (*gone(state, inputs), *cut, *lapsed))
    end = close(state, command, inputs, step.id, "complete")
    return Decision(events=(made,), guards=guards).then(left).then(end)


def _components(state: State, members: dict[str, Standing]) -> dict[str, dict[str, Fraction]]:
    """The components by name; the unit's recommendation ranks become a component on 0 to 100 (DR-06)."""
    ranks = {
        id: rank
        for id, one in members.items()
        for (round_, _), rank in one.endorsed.items()
        if round_ == state.stream and rank
    }
    count = max([len(members), *ranks.values()])
    recommendation = {id: Fraction(100 * (count + 1 - rank), count) for id, rank in ranks.items()}
    return state.components | ({RECOMMENDATION: recommendation} if recommendation else {})


def _problem(
    state: State, members: dict[str, Standing], components: dict[str, dict[str, Fraction]], step: Selection
) -> Problem:
    run = run_of(state, step.id)
    weights = {weight.component: weight.share for weight in step.weights}
    values = {id: {name: by_id[id] for name, by_id in components.items() if id in by_id} for id in members}
    candidates = tuple(
        Candidate(
            id=id,
            score=composite({name: values[id].get(name, Fraction(0)) for name in weights}, weights),
            tie_breakers=tuple(values[id].get(name, Fraction(0)) for name in step.ties if name != AUTHORITY),
            tags=frozenset(rule.id for rule in step.shares if test(rule.who, one.facts) == "pass"),
            unknown=frozenset(rule.id for rule in step.shares if test(rule.who, one.facts) == "unknown"),
        )
        for id, one in members.items()
    )
    return Problem(
        candidates=candidates,
        seats=step.seats,
        exact=step.exact and EXACT not in run.waived_rules,
        rules=_rules(state, step),
        minimum_score=step.minimum_score,
        differential=None if run.waived else step.differential,
        reserve=step.reserve,
        resolution=tuple(id for id in run.resolution if id in members),
    )


def _rules(state: State, step: Selection) -> tuple[Rule, ...]:
    """The share rules that nobody has waived for this round."""
    waived = run_of(state, step.id).waived_rules
    return tuple(_rule(rule, step) for rule in step.shares if rule.id not in waived)


def _rule(rule: ShareRule, step: Selection) -> Rule:
    return Rule(
        id=rule.id,
        op=Op.FLOOR if rule.op == ">=" else Op.CAP,
        share=rule.share,
        of=frozenset({rule.id}),
        base_number=step.seats if rule.base == "seats" else None,
        base_tags=frozenset({rule.base}) if rule.base not in ("seats", "list") else None,
    )


def problem_of_list(state: State, inputs: Inputs, step: Selection) -> Problem:
    """The problem of the present list and its reserve, as they were ranked: what a substitution is checked against."""
    score = {one.nomination: one.score for one in state.ranked}
    ties = {
        one.nomination: tuple(
            next((part.value for part in one.components if part.component == name), Fraction(0))
            for name in step.ties
            if name != AUTHORITY
        )
        for one in state.ranked
    }
    known = [id for id in (*state.members, *state.standby) if id in score]
    resolved = (*run_of(state, step.id).resolution, *run_of(state, state.current).resolution)
    candidates = tuple(
        Candidate(
            id=id,
            score=score[id],
            tie_breakers=ties[id],
            tags=frozenset(r.id for r in step.shares if test(r.who, inputs.standings[id].facts) == "pass"),
            unknown=frozenset(
                r.id for r in step.shares if test(r.who, inputs.standings[id].facts) == "unknown"
            ),
        )
        for id in known
    )
    return Problem(
        candidates=candidates,
        seats=step.seats,
        rules=_rules(state, step),
        resolution=tuple(dict.fromkeys(resolved)),
    )


def resolve_tie(
    state: State, command: Command, body: ResolveTie, step: Selection | Publicity, grant: str
) -> Decision:
    """A person orders those whom no rule could order, all of them, be they on the list or in reserve (DR-17)."""
    run = must_be_current(state, step.id, body.kind)
    if run.held != "TIE_UNRESOLVED":
        raise Refused("NOTHING_TO_RESOLVE", step=step.id)
    here = state.members.keys() | state.standby.keys()
    if len(set(body.order)) != len(body.order) or not set(body.order) <= here:
        raise Refused("NOT_ON_LIST", nomination=", ".join(body.order))
    forgotten = set(run.tied) & here - set(body.order)
    if forgotten:
        raise Refused("TIE_NOT_COVERED", nominations=", ".join(sorted(forgotten)))
    fresh = tuple(id for id in body.order if id not in run.resolution)
    if not fresh:
        return NOTHING
    resolved = TieResolved(step=step.id, order=fresh, reason=body.reason)
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
    unknown = [id for id in body.rules if id not in in_force]
    if unknown:
        raise Refused("NOT_FOUND", what=f"{state.stream}/{step.id}: {', '.join(unknown)}")
    waived = RulesWaived(step=step.id, rules=body.rules, reason=body.reason)
    return Decision(events=two_people(state, command, (waived,)), guards=(cycle_guard(command),), grant=grant)
