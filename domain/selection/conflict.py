"""Why seats can't be filled: a minimal set of rules that exclude each other, and how much each misses (DR-26)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.selection.highs import best_integers
from domain.selection.problem import Infeasible, Op, Problem, ShareRule, Shortfall
from domain.selection.program import Counts, Program, Row, dot, lay_out
from domain.selection.proof import best
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
    """A list of `wanted` that misses the rules by the fewest heads in all, and of those lists the earlier rules by fewer.

    So what each rule misses is the same whichever list a solver finds; each rule's row is given elastic heads.
    """
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
    elastic = Program((), layout.upper + (most,) * len(rules), tuple(rows))
    heads = [tuple(int(place == n) for n in range(len(rules))) for place in range(len(rules))]
    bases = [tuple(column.parts[place][1] for column in layout.columns) for place in range(len(rules))]
    aims = [(0,) * columns + aim for aim in ((1,) * len(rules), *heads)]
    aims += [base + (0,) * len(rules) for base in bases if len(set(base)) > 1]
    return layout.chosen(_least(elastic, aims)[:columns])


def _least(program: Program, aims: Sequence[Counts]) -> Counts:
    """A solution that has the least of the first aim, of those the least of the second, and so on."""
    solution: Counts | None = None
    for aim in aims:
        program = replace(program, values=tuple(-one for one in aim))
        solution = best_integers(program) if solution is None else solution
        assert solution is not None, "with elastic rules every list within capacity is possible"
        solution = best(program, solution).solution
        program = replace(program, rows=(*program.rows, Row("least", aim, dot(aim, solution), equal=True)))
    assert solution is not None
    return solution
