"""Predicates over attested facts: pass, fail or unknown, which is not a failure (DR-09)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Literal

from schemas.events import FactValue
from schemas.programme import Fact, Predicate, Programme

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
