"""From a selection step and the members of a round to the problem that the solver takes: scores, classes, seats, rules.

What a fact leaves unknown stays unknown in every class built from it, so that it counts toward caps and not toward
floors (DR-26).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from domain.eligibility import Facts, Result, test
from domain.round import Standing, State, run_of
from domain.scoring import composite, normalise
from domain.selection import Candidate, Op, Problem, SeatGroup
from domain.selection import ShareRule as Rule
from domain.selection.seats import Split, largest_remainder
from domain.steps import Inputs
from schemas import names
from schemas.programme import Children, Selection, ShareRule

RECOMMENDATION = "recommendation"
POINTS = "points"
"""The points pinned when intake closed, the most of them 100; a debt counts as none (DR-39)."""
AUTHORITY = "authority"
INCLUDE_ALL = "include_all"
BY_PERSONS = frozenset({AUTHORITY, INCLUDE_ALL})
EXACT = "exact"
"""How the demand that every seat be filled is named beside the share rules."""
ON_QUOTA = "on_quota"
NO_CATEGORY = "no_category"

Components = dict[str, dict[str, Fraction]]


@dataclass(frozen=True, slots=True)
class Scores:
    """Each member's components as they are weighed, bonuses and preferences among them; `flags` say what was odd."""

    values: dict[str, dict[str, Fraction]]  # nomination → component → value
    totals: dict[str, Fraction]
    flags: tuple[str, ...] = ()


# ---- scores: DR-17, DR-19, DR-26 ----


def scores_of(state: State, members: Mapping[str, Standing], step: Selection) -> Scores:
    """The combined scores, a missing component being 0; a preference with a bonus adds its points."""
    components, flags = _normalised(_components(state, members), members, step)
    values = {id: {name: by_id[id] for name, by_id in components.items() if id in by_id} for id in members}
    weights = {weight.component: weight.share for weight in step.weights}
    totals = {}
    for id, one in members.items():
        values[id] |= {
            wish.id: wish.bonus or Fraction(1) for wish in step.prefer if test(wish.who, one.facts) == "pass"
        }
        bonus = sum((wish.bonus for wish in step.prefer if wish.bonus and wish.id in values[id]), Fraction(0))
        totals[id] = composite({name: values[id].get(name, Fraction(0)) for name in weights}, weights) + bonus
    return Scores(values, totals, flags)


def _components(state: State, members: Mapping[str, Standing]) -> Components:
    """The components by name; the unit's recommendation ranks become a component on 0 to 100 (DR-06)."""
    ranks = {
        id: rank
        for id, one in members.items()
        for (round_, _), rank in one.endorsed.items()
        if round_ == state.stream and rank
    }
    count = max([len(members), *ranks.values()])
    recommendation = {id: Fraction(100 * (count + 1 - rank), count) for id, rank in ranks.items()}
    earned = {id: max(0, int(one.facts[POINTS])) for id, one in members.items() if POINTS in one.facts}
    return (
        state.components
        | ({RECOMMENDATION: recommendation} if recommendation else {})
        | ({POINTS: normalise(earned, "top").values} if earned else {})
    )


def _normalised(
    components: Components, members: Mapping[str, Standing], step: Selection
) -> tuple[Components, tuple[str, ...]]:
    """Where a weight says how, a component is normalised over the members."""
    found, flags = dict(components), []
    for weight in step.weights:
        if weight.normalise is not None:
            values = components.get(weight.component, {})
            whole = normalise({id: values.get(id, Fraction(0)) for id in members}, weight.normalise)
            found[weight.component] = whole.values
            flags += [f"{flag}:{weight.component}" for flag in whole.flags]
    return found, tuple(flags)


def tie_breakers(step: Selection, values: Mapping[str, Fraction]) -> tuple[Fraction, ...]:
    """What decides among equals, in order: preferences without a bonus, then the named components (DR-17, DR-26)."""
    wishes = [wish.id for wish in step.prefer if wish.bonus is None]
    named = [name for name in step.ties if name not in BY_PERSONS]
    return tuple(values.get(name, Fraction(0)) for name in (*wishes, *named))


# ---- the problem ----


def problem_of(state: State, inputs: Inputs, members: Mapping[str, Standing], step: Selection) -> Problem:
    """What is to be chosen from the members."""
    scores, run = scores_of(state, members, step), run_of(state, step.id)
    ties = {id: tie_breakers(step, values) for id, values in scores.values.items()}
    return _problem(state, inputs, members, step, scores.totals, ties).model_copy(
        update={
            "exact": step.exact and EXACT not in run.waived_rules,
            "minimum_score": step.minimum_score,
            "differential": None if run.waived else step.differential,
            "reserve": step.reserve,
            "resolution": tuple(id for id in run.resolution if id in members),
        }
    )


def problem_of_list(state: State, inputs: Inputs, step: Selection) -> Problem:
    """The problem of the present list and its reserve, as they were ranked: what a substitution is checked against."""
    ranked = {one.nomination: one for one in state.ranked}
    known = {id: inputs.standings[id] for id in (*state.members, *state.standby) if id in ranked}
    ties = {
        id: tie_breakers(step, {part.component: part.value for part in ranked[id].components}) for id in known
    }
    resolved = (*run_of(state, step.id).resolution, *run_of(state, state.current).resolution)
    problem = _problem(state, inputs, known, step, {id: ranked[id].score for id in known}, ties)
    return problem.model_copy(update={"resolution": tuple(dict.fromkeys(resolved))})


def _problem(
    state: State,
    inputs: Inputs,
    members: Mapping[str, Standing],
    step: Selection,
    totals: Mapping[str, Fraction],
    ties: Mapping[str, tuple[Fraction, ...]],
) -> Problem:
    via = {id: one.via for id, one in (state.members | state.standby).items() if one.via and id in members}
    split = _child_seats(state, inputs, step)
    candidates = []
    for id, one in members.items():
        group = _track(step, one.facts)
        classes = _classes(step, one.facts)
        if id in via:
            classes[_child(via[id])] = "pass"
        if id in via and via[id] in split.equals:
            classes[_child("+".join(split.equals))] = "pass"
        candidates.append(
            Candidate(
                id=id,
                score=totals[id],
                tie_breakers=ties[id],
                tags=frozenset(name for name, result in classes.items() if result == "pass"),
                unknown=frozenset(name for name, result in classes.items() if result == "unknown"),
                group=group,
                line=":".join(c.id for c in step.categories if classes[c.id] == "pass"),
            )
        )
    limits = [*_category_limits(step), *_child_limits(split, Counter(via.values()))]
    waived = run_of(state, step.id).waived_rules
    rules = [_rule(rule, step) for rule in step.shares if rule.id not in waived]
    return Problem(
        candidates=tuple(candidates),
        seats=step.seats,
        rules=(*rules, *(_limit(*one, step.seats) for one in limits)),
        groups=tuple(_groups(step)),
    )


# ---- classes: what each member is, is not, or may be ----


def _all(results: Iterable[Result]) -> Result:
    found = set(results)
    return "fail" if "fail" in found else "unknown" if "unknown" in found else "pass"


def _not(result: Result) -> Result:
    return {"pass": "fail", "fail": "pass", "unknown": "unknown"}[result]  # type: ignore[return-value]


def _classes(step: Selection, facts: Facts) -> dict[str, Result]:
    """The classes of a member: of rules, of bases, of categories; and that of none of the categories.

    Whoever may be listed separately may be in no base, so that they widen no cap, and fill no floor (DR-25, DR-26).
    """
    on_quota = _all(_not(test(track.who, facts)) for track in step.off_quota)
    found: dict[str, Result] = {one.id: test(one, facts) for one in step.classes}
    found |= {rule.id: _all((_counted(rule, facts), on_quota)) for rule in step.shares}
    found |= {one.id: test(one.who, facts) for one in step.categories}
    found[NO_CATEGORY] = _all(_not(found[one.id]) for one in step.categories)
    by_id = {rule.id: rule for rule in step.shares}
    for rule in step.shares:
        if _is_narrowed(rule, step):
            within = [found[name] for name in _nested(rule.base, by_id, found)]
            found[_within(rule.base)] = _all((on_quota, *within))
    return found


def _is_narrowed(rule: ShareRule, step: Selection) -> bool:
    """Whether the base has a class of its own: that of another rule, or of those whom no track may take out of it."""
    return rule.base != "seats" and (bool(step.off_quota) or rule.base in {one.id for one in step.shares})


def _counted(rule: ShareRule, facts: Facts) -> Result:
    exempt = (_not(test(rule.exempt, facts)),) if rule.exempt else ()
    return _all((test(rule.who, facts), *exempt))


def _nested(rule: str, by_id: Mapping[str, ShareRule], found: Mapping[str, Result]) -> Iterator[str]:
    """The rule's own class and, base by base, those that it lies within (其中)."""
    while rule in found:
        yield rule
        if rule not in by_id:
            return
        rule = by_id[rule].base


def _within(rule: str) -> str:
    return f"within:{rule}"


def _child(unit: str) -> str:
    return f"child:{unit}"


# ---- seats and rules ----


def _track(step: Selection, facts: Facts) -> str:
    """The first track listed separately that the member is known to belong to (单列)."""
    on_quota = ON_QUOTA if step.off_quota else ""
    return next((track.id for track in step.off_quota if test(track.who, facts) == "pass"), on_quota)


def _groups(step: Selection) -> Iterator[SeatGroup]:
    for track in step.off_quota:
        yield SeatGroup(id=track.id, seats=track.seats or step.seats, off_quota=True)
    if step.off_quota:
        yield SeatGroup(id=ON_QUOTA, seats=step.on_quota_seats)


def _category_limits(step: Selection) -> Iterator[tuple[str, int]]:
    for one in step.categories:
        yield one.id, one.seats
    if step.categories:
        yield NO_CATEGORY, step.on_quota_seats - sum(one.seats for one in step.categories)


def _child_limits(split: Split, counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Of the child units that have more members than they may have seats, each and the equals together (DR-06)."""
    for unit in sorted(counts):
        if counts[unit] > split.seats.get(unit, counts[unit]):
            yield _child(unit), split.seats[unit]
    if sum(counts.get(unit, 0) for unit in split.equals) > split.together:
        yield _child("+".join(split.equals)), split.together


def _child_seats(state: State, inputs: Inputs, step: Selection) -> Split:
    """The most that each child unit may have (DR-06)."""
    assert state.opened is not None
    if step.children is None:
        return Split({})
    units = child_units(state, inputs)
    if step.children.max is not None:
        return Split(dict.fromkeys(units, step.children.max))
    return _allotted(step.children, units, inputs, step.seats)


def child_units(state: State, inputs: Inputs) -> tuple[str, ...]:
    """The units one rank further down on the routes of this round."""
    assert state.opened is not None
    found = set()
    for route in inputs.programme.routes:
        at = route.ranks.index(state.opened.rank) if state.opened.rank in route.ranks else 0
        if at and state.opened.route in (route.id, names.ROOT_ROUTE):
            below = inputs.tree.below(state.opened.unit)
            found |= {code for code in below if inputs.tree.by_code[code].rank is route.ranks[at - 1]}
    return tuple(sorted(found))


def _allotted(children: Children, units: Iterable[str], inputs: Inputs, seats: int) -> Split:
    figures = {code: inputs.tree.by_code[code].figures for code in units}
    parts: dict[str, Fraction] = dict.fromkeys(figures, Fraction(0))
    for one in children.allot:
        total = sum(figure.get(one.figure, 0) for figure in figures.values())
        for code, figure in figures.items():
            parts[code] += one.share * Fraction(figure.get(one.figure, 0), total) if total else 0
    return largest_remainder(parts, seats)


def _limit(name: str, most: int, seats: int) -> Rule:
    """At most so many of a class, whoever else is on the list."""
    return Rule(
        id=name, op=Op.CAP, share=Fraction(max(most, 0), seats), of=frozenset({name}), base_number=seats
    )


def _rule(rule: ShareRule, step: Selection) -> Rule:
    base = _within(rule.base) if _is_narrowed(rule, step) else rule.base
    return Rule(
        id=rule.id,
        op=Op.FLOOR if rule.op == ">=" else Op.CAP,
        share=rule.share,
        of=frozenset({rule.id}),
        base_number=step.on_quota_seats if base == "seats" else None,
        base_tags=None if base in ("seats", "list") else frozenset({base}),
        hard=rule.severity == "hard",
    )
