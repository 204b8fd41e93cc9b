"""Share rules in integers: who counts, of how many, how many are required, and what rule holds on a list (DR-25, DR-26)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, floor

from domain.selection.problem import Candidate, Op, Problem, RuleCheck, ShareRule, Shortfall

Counter = Callable[[Candidate], tuple[int, int]]
_BESIDE, _OF_BASE, _COUNTED = (0, 0), (0, 1), (1, 1)


def counts(rule: ShareRule, candidate: Candidate) -> tuple[int, int]:
    """Whether the candidate counts (0 or 1), and whether it is in the base.

    What is unknown is taken against the candidate: towards caps, not towards floors.
    """
    return counter(rule)(candidate)


def counter(rule: ShareRule) -> Counter:
    """`counts` of one rule, for many candidates."""
    cap, of, exempt, base_tags = rule.op is Op.CAP, rule.of, rule.exempt, rule.base_tags

    def in_class(one: Candidate) -> bool:
        has = not of.isdisjoint(one.tags) or (cap and not of.isdisjoint(one.unknown))
        return has and (not exempt or exempt.isdisjoint(one.tags))

    if rule.base_number is not None:
        return lambda one: (1, 0) if in_class(one) else _BESIDE
    if base_tags is None:
        return lambda one: _COUNTED if in_class(one) else _OF_BASE

    def within(one: Candidate) -> tuple[int, int]:
        counted = in_class(one) and _has(base_tags, one, cap)
        return int(counted), int(_has(base_tags, one, not cap))

    return within


def _has(tags: frozenset[str], candidate: Candidate, if_unknown: bool) -> bool:
    return not tags.isdisjoint(candidate.tags) or (if_unknown and not tags.isdisjoint(candidate.unknown))


def required(rule: ShareRule, base: int) -> int:
    """The least number that a floor allows, or the most that a cap does."""
    exact = rule.share * base
    return ceil(exact) if rule.op is Op.FLOOR else floor(exact)


def on_quota(problem: Problem, ids: Iterable[str]) -> list[Candidate]:
    """The candidates of these ids that share rules look at: those of no off-quota track."""
    wanted = set(ids)
    off = {group.id for group in problem.groups if group.off_quota}
    return [one for one in problem.candidates if one.id in wanted and one.group not in off]


def totals(rule: ShareRule, members: Iterable[Candidate]) -> tuple[int, int]:
    """How many of a list count, and how many are in the class of the base."""
    pairs = list(map(counter(rule), members))
    return sum(counted for counted, _ in pairs), sum(within for _, within in pairs)


def check(rule: ShareRule, members: Iterable[Candidate]) -> RuleCheck:
    """The rule on a list of candidates, by plain counting; a base of 0 makes it not applicable."""
    counted, within = totals(rule, members)
    base = _base(rule, within)
    return RuleCheck(
        rule=rule.id,
        op=rule.op,
        hard=rule.hard,
        counted=counted,
        base=base,
        required=required(rule, base),
        applicable=_applies(rule, counted, base),
        met=holds(rule, counted, within),
    )


def holds(rule: ShareRule, counted: int, within: int) -> bool:
    """Whether the rule holds where so many count, of so many in its class of a base; not applicable, it holds."""
    base = _base(rule, within)
    limit = required(rule, base)
    met = counted >= limit if rule.op is Op.FLOOR else counted <= limit
    return met or not _applies(rule, counted, base)


def _base(rule: ShareRule, within: int) -> int:
    return within if rule.base_number is None else rule.base_number


def _applies(rule: ShareRule, counted: int, base: int) -> bool:
    """Only what is unknown can be counted outside a base of 0, and what is unknown must not slip through."""
    return base > 0 or (counted > 0 and rule.base_number is None)


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
