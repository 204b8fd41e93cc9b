"""Share rules in integers: who counts, of how many, how many are required, and what rule holds on a list (DR-25, DR-26)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import ceil, floor

from domain.selection.problem import Candidate, Op, Problem, RuleCheck, ShareRule, Shortfall


def counts(rule: ShareRule, candidate: Candidate) -> tuple[int, int]:
    """Whether the candidate counts (0 or 1), and whether it is in the base.

    What is unknown is taken against the candidate: towards caps, not towards floors.
    """
    cap = rule.op is Op.CAP
    in_class = _has(rule.of, candidate, cap) and not candidate.tags & rule.exempt
    if rule.base_number is not None:
        return int(in_class), 0
    if rule.base_tags is None:
        return int(in_class), 1
    counted = in_class and _has(rule.base_tags, candidate, cap)
    return int(counted), int(_has(rule.base_tags, candidate, not cap))


def _has(tags: Collection[str], candidate: Candidate, if_unknown: bool) -> bool:
    if not candidate.tags.isdisjoint(tags):
        return True
    return if_unknown and not candidate.unknown.isdisjoint(tags)


def required(rule: ShareRule, base: int) -> int:
    """The least number that a floor allows, or the most that a cap does."""
    exact = rule.share * base
    return ceil(exact) if rule.op is Op.FLOOR else floor(exact)


def on_quota(problem: Problem, ids: Iterable[str]) -> list[Candidate]:
    """The candidates of these ids that share rules look at: those of no off-quota track."""
    wanted = set(ids)
    off = {group.id for group in problem.groups if group.off_quota}
    return [one for one in problem.candidates if one.id in wanted and one.group not in off]


def check(rule: ShareRule, members: Iterable[Candidate]) -> RuleCheck:
    """The rule on a list of candidates, by plain counting; a base of 0 makes it not applicable."""
    pairs = [counts(rule, member) for member in members]
    counted = sum(pair[0] for pair in pairs)
    fixed = rule.base_number is not None
    base = rule.base_number if rule.base_number is not None else sum(pair[1] for pair in pairs)
    limit = required(rule, base)
    # Only what is unknown can be counted outside a base of 0, and what is unknown must not slip through.
    applicable = base > 0 or (counted > 0 and not fixed)
    holds = counted >= limit if rule.op is Op.FLOOR else counted <= limit
    return RuleCheck(
        rule=rule.id,
        op=rule.op,
        hard=rule.hard,
        counted=counted,
        base=base,
        required=limit,
        applicable=applicable,
        met=holds or not applicable,
    )


def check_all(problem: Problem, ids: Iterable[str]) -> tuple[RuleCheck, ...]:
    """Every rule of the problem, soft ones too, on the list of these ids."""
    members = on_quota(problem, ids)
    return tuple(check(rule, members) for rule in problem.rules)


def broken(checks: Iterable[RuleCheck]) -> tuple[str, ...]:
    """The ids of the hard rules that do not hold."""
    return tuple(one.rule for one in checks if one.hard and not one.met)


def shortfalls(checks: Iterable[RuleCheck]) -> tuple[Shortfall, ...]:
    """By how many each unmet hard rule misses."""
    return tuple(
        Shortfall(
            rule=one.rule,
            op=one.op,
            missing=abs(one.required - one.counted),
            counted=one.counted,
            required=one.required,
        )
        for one in checks
        if one.hard and not one.met
    )
