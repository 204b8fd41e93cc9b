"""Predicates over attested facts and past titles: pass, fail or unknown, which is not a failure (DR-09)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Literal

from domain import history
from domain.history import Past
from schemas.events import FactValue
from schemas.programme import Condition, Conferral, Eligibility, Fact, Predicate, Programme, Stage

Facts = Mapping[str, int | bool | str]
Result = Literal["pass", "fail", "unknown"]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">": gt,
    ">=": ge,
    "<": lt,
    "<=": le,
    "==": eq,
    "!=": ne,
    "in": lambda value, allowed: value in allowed,
    "not_in": lambda value, barred: value not in barred,
}


def test(predicate: Predicate, facts: Facts) -> Result:
    """One predicate on one set of facts; dates compare as ISO text."""
    value = facts.get(predicate.fact)
    if value is None:
        return "unknown"
    return "pass" if _COMPARE[predicate.op](value, predicate.value) else "fail"


def judge(condition: Condition, facts: Facts, past: Past) -> Result:
    """One condition on facts and history; of several, any that passes (or fails) decides before what is unknown."""
    if condition.history is not None:
        return "pass" if history.passes(condition.history, past) else "fail"
    if condition.parts:
        results = {judge(part, facts, past) for part in condition.parts}
        decisive: Result = "pass" if condition.any_of else "fail"
        if decisive in results:
            return decisive
        return "unknown" if "unknown" in results else ("fail" if condition.any_of else "pass")
    predicate = Predicate.model_validate(condition.model_dump(include={"id", "fact", "op", "value"}))
    return test(predicate, facts)


BARRED = "barred"
"""What a bar on reapplying is called among the predicates (DR-36)."""


def all_strict(programme: Programme, stage: Stage) -> bool:
    """Whether nobody gets a title here without another: else there is a tier to begin with (种子工匠)."""
    needs = [title.requires for title in history.conferred_by(programme, stage)]
    return all(one is not None and one.mode == "strict" for one in needs)


def required_titles(programme: Programme, stage: Stage) -> list[Condition]:
    """What titles require, as conditions of the stage that confers them: `requires_TITLE` (DR-04).

    Strict bars here only where every grade of the stage requires it; the conferral looks at each title again.
    """
    strict = all_strict(programme, stage)
    conditions = []
    for title in history.conferred_by(programme, stage):
        if title.requires is not None:
            asks = {"kind": "holds", "titles": [title.requires.title], "active": True}
            said = {
                "id": requirement_id(title.id),
                "history": asks,
                "severity": "hard" if strict else "report",
            }
            conditions.append(Condition.model_validate(said))
    return conditions


def requirement_id(title: str) -> str:
    """By what name a title's requirement is waived and reported."""
    return f"requires_{title}"


def waivable(programme: Programme) -> set[str]:
    """The predicates that may be waived for one nomination (破格, DR-10)."""
    steps = [step for stage in programme.stages.values() for step in stage.steps]
    named = {one.id for step in steps if isinstance(step, Eligibility) for one in step.predicates}
    graded = {grade.title for step in steps if isinstance(step, Conferral) for grade in step.grades}
    return named | {requirement_id(title) for title in graded} | {BARRED}


def facts_fault(programme: Programme, facts: tuple[FactValue, ...]) -> str:
    """What is wrong with attested facts, in a few words; empty if nothing. A missing fact is no fault here."""
    seen: set[str] = set()
    for fact in facts:
        declared = programme.facts.get(fact.id)
        if declared is None:
            return f"{fact.id}: not declared by the programme"
        if declared.attested == "engine":
            return f"{fact.id}: attested by the engine alone"
        if fact.id in seen:
            return f"{fact.id}: given twice"
        if not fits(declared, fact.value):
            return f"{fact.id}: {fact.value!r} is not a {declared.type}"
        seen.add(fact.id)
    return ""


def fits(declared: Fact, value: int | bool | str) -> bool:
    """Whether a value is one of the declared fact's."""
    match declared.type:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "choice":
            return value in declared.of
        case "date":
            return isinstance(value, str) and len(value) == len("2026-01-31")
