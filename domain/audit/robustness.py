"""Which seats are safe and which hang by a thread: the same choice taken again as it might have been. Hypothetical.

Each scenario changes one thing: a judge is left out, a panel's marks are put together otherwise, a weight is moved. All
numbers are exact; what a scenario cannot decide (a tie, too few marks) it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import product
from typing import Literal

from domain import groups, review
from domain.audit.asked import Question
from domain.problem import scores_of
from domain.round import State, StepRun, run_of
from domain.scoring import on_hundred
from domain.selection import Problem, Selected, TieUnresolved, select
from domain.steps import going
from schemas.errors import Refused
from schemas.events import PanelResult
from schemas.programme import ExpertReview, Selection, Trim

WEIGHT_STEPS = (Fraction(1, 100), Fraction(5, 100), Fraction(10, 100))
"""By how many hundredths each weight is moved up and down; the others keep their proportions."""
_LOT = "only who is certain is asked for"
Kind = Literal["without_judge", "marks", "weight"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing otherwise: `about` is the judge, the way of putting marks together, or the weight as moved."""

    kind: Kind
    step: str
    about: str


@dataclass(frozen=True, slots=True)
class Found:
    """Who would have had a seat; `tied` only with a person's word. `undecided` is why nobody can say."""

    scenario: Scenario
    selected: tuple[str, ...]
    tied: tuple[str, ...] = ()
    undecided: str = ""


@dataclass(frozen=True, slots=True)
class Stand:
    """One candidate over all scenarios that decide: in how many they have a seat, tie for one, or have none."""

    nomination: str
    selected: bool
    rank: int
    score: Fraction
    stays: int
    ties: int
    of: int
    against: tuple[Scenario, ...]  # those that would change it

    @property
    def safe(self) -> bool:
        return self.stays == (self.of if self.selected else 0) and not self.ties


@dataclass(frozen=True, slots=True)
class Range:
    """Between these weights of a component no seat changes hands, the others keeping their proportions.

    At an end `low_pair` or `high_pair` change places: who has the seat, and who would; empty where the range ends at 0 or 1.
    """

    component: str
    weight: Fraction
    low: Fraction
    high: Fraction
    low_pair: tuple[str, ...] = ()
    high_pair: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Robustness:
    round: str
    step: str
    seats: int
    stands: tuple[Stand, ...]  # as ranked
    found: tuple[Found, ...]
    ranges: tuple[
        Range, ...
    ]  # none where rules or seats of groups bind: no pair of totals alone decides then
    ranges_exact: bool  # beyond the ends a seat changes hands for certain; with share rules, perhaps not yet


def robustness(choice: Question, steps: Sequence[Fraction] = WEIGHT_STEPS) -> Robustness:
    """Every scenario of one selection. Raises SolverFailed."""
    found = tuple(_found(scenario, changed) for scenario, changed in _scenarios(choice, steps))
    return Robustness(
        round=choice.state.stream,
        step=choice.step.id,
        seats=choice.made.seats,
        stands=tuple(_stands(choice, found)),
        found=found,
        ranges=tuple(_ranges(choice)) if _by_score_alone(choice) else (),
        ranges_exact=not choice.settled.hard_rules,
    )


# ---- the scenarios ----

Changed = Callable[[], Question]


def _scenarios(choice: Question, steps: Sequence[Fraction]) -> Iterator[tuple[Scenario, Changed]]:
    for step in _panels(choice):
        run = run_of(choice.state, step.id)
        for judge in sorted(run.sheets):
            yield (
                Scenario("without_judge", step.id, judge),
                partial(_without_judge, choice, step, judge),
            )
        if step.mode == "score":
            for name, put_together in _MARKS.items():
                yield (
                    Scenario("marks", step.id, name),
                    partial(_judged, choice, step, choice.state, put_together),
                )
    for component, weight, moved in _moved_weights(choice.step, steps):
        scenario = Scenario("weight", choice.step.id, f"{component} {weight} → {moved}")
        yield scenario, partial(_weighed, choice, component, moved)


def _panels(choice: Question) -> Iterator[ExpertReview]:
    """The panels whose result the choice rests on: those that closed before it."""
    stage = choice.inputs.stage
    for step in stage.steps[: stage.steps.index(choice.step)]:
        if isinstance(step, ExpertReview) and run_of(choice.state, step.id).panel is not None:
            yield step


def _without_judge(choice: Question, step: ExpertReview, judge: str) -> Question:
    left = groups.without(run_of(choice.state, step.id), {judge})
    state = replace(choice.state, steps=choice.state.steps | {step.id: left})
    return _judged(choice, step, state, review.result_of)


PutTogether = Callable[[State, str, ExpertReview], PanelResult | None]


def _judged(choice: Question, step: ExpertReview, state: State, put_together: PutTogether) -> Question:
    """The choice with this panel's component as it would be; Refused SCORES_MISSING where it could not be."""
    run = run_of(state, step.id)
    judged = [one.nomination for one in run.panel.results] if run.panel else []
    results = {id: put_together(state, id, step) for id in judged}
    here = going(choice.state, choice.inputs)
    missing = [id for id, result in results.items() if result is None and id in here]
    if missing:
        raise Refused("SCORES_MISSING", nominations=", ".join(missing))
    components = dict(choice.state.components)
    found = groups.on_one_scale(run, step, [result for result in results.values() if result is not None])
    components[step.component] = components.get(step.component, {}) | {
        one.nomination: one.value for one in found
    }
    for one in found:
        for part in one.parts or ():
            components[part.component] = components.get(part.component, {}) | {one.nomination: part.value}
    return replace(choice, state=replace(choice.state, components=components))


def _mean(state: State, id: str, step: ExpertReview) -> PanelResult | None:
    return review.result_of(state, id, step.model_copy(update={"trim": None}))


def _trimmed(state: State, id: str, step: ExpertReview) -> PanelResult | None:
    return review.result_of(state, id, step.model_copy(update={"trim": Trim(drop=1, min_left=1)}))


def _median(state: State, id: str, step: ExpertReview) -> PanelResult | None:
    scores = sorted(_scores(run_of(state, step.id), id))
    if not scores:
        return None
    middle = len(scores) // 2
    value = scores[middle] if len(scores) % 2 else (scores[middle - 1] + scores[middle]) / 2
    return _result(id, value, "median", len(scores), step)


def _raw(state: State, id: str, step: ExpertReview) -> PanelResult | None:
    """The sum of all marks over the whole panel: a mark that is missing, or void, counts as none."""
    scores = _scores(run_of(state, step.id), id)
    return _result(id, sum(scores, Fraction(0)) / step.panel_size, "raw", len(scores), step)


def _scores(run: StepRun, id: str) -> list[Fraction]:
    return [
        sheet[id].score or Fraction(0)
        for judge, sheet in run.sheets.items()
        if id in sheet and (judge, id) not in run.recused
    ]


def _result(id: str, value: Fraction, method: str, counted: int, step: ExpertReview) -> PanelResult:
    assert step.scale is not None
    return PanelResult(
        nomination=id, value=on_hundred(value, step.scale.maximum), method=method, counted=counted
    )


_MARKS: dict[str, PutTogether] = {"raw": _raw, "mean": _mean, "median": _median, "trimmed": _trimmed}


def _moved_weights(step: Selection, steps: Sequence[Fraction]) -> Iterator[tuple[str, Fraction, Fraction]]:
    """Each component's weight, up and down; none where there is only one."""
    for weight in step.weights if len(step.weights) > 1 else ():
        for by in steps:
            for moved in (weight.share - by, weight.share + by):
                if 0 <= moved <= 1:
                    yield weight.component, weight.share, moved


def _weighed(choice: Question, component: str, moved: Fraction) -> Question:
    """The weight as moved, the others in their proportions; equal parts of the rest where it had everything."""
    rest = [one for one in choice.step.weights if one.component != component]
    had = sum((one.share for one in rest), Fraction(0))
    weights = tuple(
        one.model_copy(
            update={
                "share": moved
                if one.component == component
                else (1 - moved) * (one.share / had if had else Fraction(1, len(rest)))
            }
        )
        for one in choice.step.weights
    )
    return replace(choice, step=choice.step.model_copy(update={"weights": weights}))


# ---- choosing again ----


def _found(scenario: Scenario, changed: Changed) -> Found:
    try:
        problem = changed().settled
    except Refused as refusal:
        return Found(scenario, (), undecided=refusal.code)
    selected, tied, why = who_would(problem)
    return Found(scenario, selected, tied, why)


def who_would(problem: Problem) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Who has a seat for certain, who ties for one, and where nobody can say, why."""
    outcome = select(problem)
    tied: tuple[str, ...] = ()
    if isinstance(outcome, TieUnresolved):
        tied = outcome.tied
        outcome = select(problem.model_copy(update={"lot_seed": _LOT}))
    if not isinstance(outcome, Selected):
        return (), (), type(outcome).__name__
    return tuple(one for one in outcome.selected if one not in tied), tied, ""


def _stands(choice: Question, found: Sequence[Found]) -> Iterator[Stand]:
    decided = [one for one in found if not one.undecided]
    chosen = set(choice.made.selected)
    for ranked in choice.made.ranked:
        id = ranked.nomination
        stays = [one for one in decided if id in one.selected]
        ties = [one for one in decided if id in one.tied]
        changed = [one for one in decided if (id in one.selected) != (id in chosen)]
        yield Stand(
            nomination=id,
            selected=id in chosen,
            rank=ranked.rank,
            score=ranked.score,
            stays=len(stays),
            ties=len(ties),
            of=len(decided),
            against=tuple(one.scenario for one in changed),
        )


# ---- the exact range of a weight ----


def _by_score_alone(choice: Question) -> bool:
    """Whether the list is simply the best scores: then it stays so until two totals cross, and keeps the rules meanwhile."""
    problem = choice.settled
    if problem.groups or problem.minimum_score is not None:
        return False
    selected, _, _ = who_would(problem.model_copy(update={"rules": (), "differential": None}))
    return set(selected) == set(choice.made.selected)


def _ranges(choice: Question) -> Iterator[Range]:
    """Totals are lines in the weight: the range ends at the first crossing of one who has a seat and one who has none."""
    members = going(choice.state, choice.inputs)
    scores = scores_of(choice.state, members, choice.step)
    chosen = set(choice.made.selected)
    for one in choice.step.weights if len(choice.step.weights) > 1 else ():
        if one.share == 1:
            continue
        lines = {
            id: _line(choice.step, scores.values[id], total, one.component)
            for id, total in scores.totals.items()
        }
        found = Range(one.component, one.share, Fraction(0), Fraction(1))
        for winner, loser in product(sorted(chosen & lines.keys()), sorted(lines.keys() - chosen)):
            cross = _crossing(lines[winner], lines[loser])
            if cross is not None and found.low < cross <= one.share:
                found = replace(found, low=cross, low_pair=(winner, loser))
            if cross is not None and one.share <= cross < found.high:
                found = replace(found, high=cross, high_pair=(winner, loser))
        yield found


def _line(
    step: Selection, values: Mapping[str, Fraction], total: Fraction, component: str
) -> tuple[Fraction, Fraction]:
    """The total as `at zero + slope × weight`: the other components keep their proportions, bonuses stay."""
    weights = {one.component: one.share for one in step.weights}
    weighed = {name: values.get(name, Fraction(0)) * share for name, share in weights.items()}
    bonus = total - sum(weighed.values())
    rest = (total - bonus - weighed[component]) / (1 - weights[component])
    return rest + bonus, values.get(component, Fraction(0)) - rest


def _crossing(one: tuple[Fraction, Fraction], other: tuple[Fraction, Fraction]) -> Fraction | None:
    """Where the two totals are equal; nowhere if they rise alike."""
    slope = one[1] - other[1]
    return (other[0] - one[0]) / slope if slope else None
