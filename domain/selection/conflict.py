"""Why seats can't be filled: a minimal set of rules that exclude each other, and how much each misses (DR-26)."""

from __future__ import annotations

from domain.selection.highs import best_integers
from domain.selection.problem import Infeasible, Op, Problem, ShareRule, Shortfall
from domain.selection.program import Program, Row, lay_out
from domain.selection.shares import check_all, shortfalls

Rules = tuple[ShareRule, ...]


def explain(problem: Problem, wanted: int) -> Infeasible:
    """Why no list of `wanted` keeps every hard rule. Without rules to blame, the seats themselves lack candidates."""
    capacity = problem.capacity()
    if wanted > capacity:
        short = Shortfall(
            rule="seats", op=Op.FLOOR, missing=wanted - capacity, counted=capacity, required=wanted
        )
        return Infeasible(wanted=wanted, rules=(), shortfalls=(short,))
    conflict = _minimal(problem, wanted)
    ids = _least_violating(problem, wanted)
    missing = shortfalls(check_all(problem, ids))
    return Infeasible(wanted=wanted, rules=tuple(rule.id for rule in conflict), shortfalls=missing)


def _minimal(problem: Problem, wanted: int) -> Rules:
    """Deletion filter: a rule stays only if without it the others can be kept."""
    kept = tuple(sorted(problem.hard_rules, key=lambda rule: rule.id))
    for rule in kept:
        others = tuple(one for one in kept if one is not rule)
        if not _possible(problem, others, wanted):
            kept = others
    return kept


def _possible(problem: Problem, rules: Rules, wanted: int) -> bool:
    layout = lay_out(problem, rules)
    upper = layout.upper
    return best_integers(Program((0,) * len(upper), upper, layout.rows(wanted))) is not None


def _least_violating(problem: Problem, wanted: int) -> tuple[str, ...]:
    """A list of `wanted` that misses the rules by the fewest heads in all; each rule's row is given elastic heads."""
    layout = lay_out(problem)
    columns, rules = len(layout.columns), layout.rules
    rows = []
    for row in layout.rows(wanted):
        slack = [0] * len(rules)
        for place, rule in enumerate(rules):
            if row.id == f"rule:{rule.id}":
                slack[place] = -(rule.share.denominator if layout.base_of(rule, wanted) is None else 1)
        rows.append(Row(row.id, row.coefficients + tuple(slack), row.bound, row.equal))
    most = wanted + max((rule.base_number or 0 for rule in rules), default=0)
    program = Program((0,) * columns + (-1,) * len(rules), layout.upper + (most,) * len(rules), tuple(rows))
    solution = best_integers(program)
    assert solution is not None, "with elastic rules every list within capacity is possible"
    return layout.chosen(solution[:columns])
