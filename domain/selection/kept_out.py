"""What kept somebody out whose place is within the seats: rules, the minimum score, or the seats of their track."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from domain.selection.problem import Candidate, Problem
from domain.selection.ranking import places, rank_problem
from domain.selection.shares import holds, on_quota, totals

MINIMUM = "minimum_score"


def kept_out(problem: Problem, selected: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What did, by candidate who is not on the list: the hard rules that it would break with them, or one of the above.

    With them in a seat that is empty, or in that of the last, who stands behind them: the list is the best that the rules
    allow, so it must break one. Whose place is beyond the seats is not named.
    """
    chosen, made = set(selected), _List(problem, selected)
    found = {one.id: made.against(one) for one in problem.candidates if one.id not in chosen}
    return {id: why for id, why in found.items() if why}


class _List:
    """A list by place, with the hard rules counted once over it."""

    def __init__(self, problem: Problem, selected: Sequence[str]) -> None:
        chosen, members = set(selected), on_quota(problem, selected)
        self._place = places(rank_problem(problem))
        listed = sorted(
            (one for one in problem.candidates if one.id in chosen), key=lambda one: self._place[one.id]
        )
        taken = Counter(one.group for one in listed)
        self._full = {group.id for group in problem.groups if taken[group.id] >= group.seats}
        self._off = {group.id for group in problem.groups if group.off_quota}
        self._seats, self._has_room = problem.seats, len(listed) < problem.seats
        self._last = listed[-1] if listed else None
        self._last_of = {one.group: one for one in listed}
        self._rules = [(rule, *totals(rule, members)) for rule in problem.hard_rules]

    def against(self, one: Candidate) -> tuple[str, ...]:
        """What keeps out a candidate who is not on it; nothing where their place does."""
        if one.id not in self._place:
            return (MINIMUM,)
        if self._place[one.id] > self._seats:
            return ()
        crowded = one.group in self._full
        if self._has_room and not crowded:
            return self._broken(one, None)
        rival = self._last_of.get(one.group) if crowded else self._last
        if rival is not None and self._place[rival.id] > self._place[one.id]:
            return self._broken(one, rival)
        behind = self._last is not None and self._place[self._last.id] > self._place[one.id]
        return (one.group,) if crowded and (behind or self._has_room) else ()

    def _broken(self, coming: Candidate, going: Candidate | None) -> tuple[str, ...]:
        """The rules that do not hold once one comes and the other goes."""
        broken = []
        for rule, counted, within in self._rules:
            more, fewer = (totals(rule, self._on_quota(one)) for one in (coming, going))
            if not holds(rule, counted + more[0] - fewer[0], within + more[1] - fewer[1]):
                broken.append(rule.id)
        return tuple(broken)

    def _on_quota(self, one: Candidate | None) -> list[Candidate]:
        return [one] if one is not None and one.group not in self._off else []
