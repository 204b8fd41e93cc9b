"""How near a candidate was to the line, by choosing again: the exact score, the seats or the rule that would change it.

Nothing is guessed: what a score must be is the difference between two optima, the best list with the candidate and the
best without; every other change is the smallest that selects the candidate when the choice is taken again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from domain.selection import Candidate, Op, Outcome, Problem, Selected, ShareRule, TieUnresolved, select
from domain.selection.shares import check_all

Standing = Literal["selected", "tied", "out"]
_LOT = "only the total is asked for"
_FRACTIONS_MAX = 400
"""How many shares are tried before only lifting the rule is told."""


@dataclass(frozen=True, slots=True)
class Line:
    """The score that decides, all others' being what they are: from it upward, or only above it, there is a seat.

    `gap` is how much the candidate lacks, negative where they have more than they need. At the line itself a candidate
    is `at` selected, tied with others, or out.
    """

    score: Fraction
    gap: Fraction
    at: Standing


@dataclass(frozen=True, slots=True)
class Seats:
    """So many more seats would have been enough, and no fewer."""

    more: int


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule by which the candidate is in or out: without it, it would be otherwise.

    `heads` is by how many its limit must move, `share` the nearest share; both empty where only lifting it is told.
    """

    rule: str
    op: Op
    required: int
    counted: int
    base: int
    heads: int | None = None
    share: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Nearness:
    """What stood between a candidate and the other outcome, each found by choosing again.

    `line` is empty where no score would do, or none was needed; `together` are rules of which no single one decides.
    """

    standing: Standing
    below_minimum: Fraction | None
    line: Line | None
    seats: Seats | None
    rules: tuple[RuleChange, ...]
    together: tuple[str, ...]


def nearness(problem: Problem, id: str) -> Nearness:
    """How near this candidate was; ValueError for one who is not in the problem. Raises SolverFailed."""
    candidate = _candidate(problem, id)
    here = standing(problem, id)
    least = problem.minimum_score
    short = least - candidate.score if least is not None and candidate.score < least else None
    out = here != "selected"
    rules = tuple(_deciding_rules(problem, id, here))
    return Nearness(
        standing=here,
        below_minimum=short,
        line=_line(problem, candidate),
        seats=_more_seats(problem, candidate) if out else None,
        rules=rules,
        together=() if rules else _together(problem, id, here),
    )


def standing(problem: Problem, id: str) -> Standing:
    """How this candidate fares in the choice; where others tie, a lot among them tells the rest."""
    outcome = select(problem)
    if isinstance(outcome, TieUnresolved):
        if id in outcome.tied:
            return "tied"
        outcome = select(problem.model_copy(update={"lot_seed": _LOT}))
    return "selected" if id in _list_of(outcome) else "out"


def _candidate(problem: Problem, id: str) -> Candidate:
    for one in problem.candidates:
        if one.id == id:
            return one
    raise ValueError(f"{id} is not to be chosen from here")


def _with_score(problem: Problem, id: str, score: Fraction) -> Problem:
    candidates = tuple(
        one.model_copy(update={"score": score}) if one.id == id else one for one in problem.candidates
    )
    return problem.model_copy(update={"candidates": candidates})


# ---- the score that decides ----


def _line(problem: Problem, candidate: Candidate) -> Line | None:
    """Best with, less best without: the candidate's own score at which both are worth the same."""
    alone = problem.model_copy(
        update={
            "candidates": tuple(one for one in problem.candidates if one.id != candidate.id),
            "differential": None,
            "lot_seed": _LOT,
        }
    )
    above_all = 1 + sum((one.score for one in problem.candidates), Fraction(0)) + (problem.minimum_score or 0)
    forced = _with_score(problem, candidate.id, above_all)
    with_, without = select(forced.model_copy(update={"differential": None, "lot_seed": _LOT})), select(alone)
    if not isinstance(with_, Selected) or candidate.id not in with_.selected:
        return None  # no list that fills as many seats has room for the candidate
    if not isinstance(without, Selected) or len(without.selected) < len(with_.selected):
        return None  # without the candidate fewer seats are filled: any score that may be chosen will do
    score = without.certificate.score - (with_.certificate.score - above_all)
    if problem.minimum_score is not None:
        score = max(score, problem.minimum_score)
    at = standing(_with_score(problem, candidate.id, score), candidate.id)
    return Line(score=score, gap=score - candidate.score, at=at)


# ---- seats ----


def _more_seats(problem: Problem, candidate: Candidate) -> Seats | None:
    """Seats are added to the whole, and to the group that the candidate competes in; how many candidates more seats
    would ask for (差额) is another question.
    """
    for more in range(1, len(problem.candidates) - problem.seats + 1):
        groups = tuple(
            one.model_copy(update={"seats": one.seats + more}) if one.id == candidate.group else one
            for one in problem.groups
        )
        changes = {"seats": problem.seats + more, "groups": groups, "differential": None}
        wider = problem.model_copy(update=changes)
        if standing(wider, candidate.id) == "selected":
            return Seats(more)
    return None


# ---- rules ----


def _deciding_rules(problem: Problem, id: str, here: Standing) -> Iterator[RuleChange]:
    """Each hard rule without which it would be otherwise, with the smallest change of it that is enough."""
    chosen = _list_of(select(problem))
    for rule in problem.hard_rules:
        if _otherwise(_without(problem, {rule.id}), id, here):
            check = next(one for one in check_all(problem, chosen) if one.rule == rule.id)
            change = RuleChange(rule.id, rule.op, check.required, check.counted, check.base)
            if here == "selected":
                yield change
            else:
                yield _smallest(problem, id, rule, change)


def _list_of(outcome: Outcome) -> tuple[str, ...]:
    return outcome.selected if isinstance(outcome, Selected) else ()


def _otherwise(problem: Problem, id: str, here: Standing) -> bool:
    return (standing(problem, id) == "selected") != (here == "selected")


def _without(problem: Problem, rules: Iterable[str]) -> Problem:
    dropped = set(rules)
    return problem.model_copy(
        update={"rules": tuple(rule for rule in problem.rules if rule.id not in dropped)}
    )


def _instead(problem: Problem, rule: ShareRule) -> Problem:
    rules = tuple(rule if one.id == rule.id else one for one in problem.rules)
    return problem.model_copy(update={"rules": rules})


def _smallest(problem: Problem, id: str, rule: ShareRule, change: RuleChange) -> RuleChange:
    """The nearest limit of the rule that lets the candidate in: by heads where its base is known, else by share."""
    if rule.base_tags is not None or any(group.off_quota for group in problem.groups):
        return _nearest_share(problem, id, rule, change)
    base = rule.base_number if rule.base_number is not None else change.base
    sign = -1 if rule.op is Op.FLOOR else 1
    for heads in range(1, base + 1):
        limit = change.required + sign * heads
        if not 0 <= limit <= base:
            break
        moved = rule.model_copy(update={"share": Fraction(limit, base), "base_number": base})
        if standing(_instead(problem, moved), id) == "selected":
            return _changed(change, heads, Fraction(limit, base))
    return change


def _changed(change: RuleChange, heads: int | None, share: Fraction) -> RuleChange:
    return RuleChange(change.rule, change.op, change.required, change.counted, change.base, heads, share)


def _nearest_share(problem: Problem, id: str, rule: ShareRule, change: RuleChange) -> RuleChange:
    """Only shares that a list of this length can have make a difference; they are tried from the nearest on."""
    shares = {Fraction(part, whole) for whole in range(1, problem.seats + 1) for part in range(whole + 1)}
    floor = rule.op is Op.FLOOR
    ahead = sorted(
        (one for one in shares if (one < rule.share if floor else one > rule.share)), reverse=floor
    )
    for share in ahead if len(ahead) <= _FRACTIONS_MAX else ():
        if standing(_instead(problem, rule.model_copy(update={"share": share})), id) == "selected":
            return _changed(change, None, share)
    return change


def _together(problem: Problem, id: str, here: Standing) -> tuple[str, ...]:
    """Where no single rule decides but all of them do: as few as will, taken away one after the other."""
    needed = [rule.id for rule in problem.hard_rules]
    if not needed or not _otherwise(_without(problem, needed), id, here):
        return ()
    for rule in tuple(needed):
        fewer = [one for one in needed if one != rule]
        if _otherwise(_without(problem, fewer), id, here):
            needed = fewer
    return tuple(needed)
