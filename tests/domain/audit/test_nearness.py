"""The line, the seats and the rules that decide, against choosing again just below and just above them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audit.nearness import Line, Nearness, Seats, nearness, standing
from domain.selection import Candidate, Op, Problem, SeatGroup, ShareRule

EPSILON = Fraction(1, 10**9)
FLOOR = ShareRule(id="frontline_floor", op=Op.FLOOR, share=Fraction(1, 2), of=frozenset({"frontline"}))
CAP = ShareRule(id="heads_cap", op=Op.CAP, share=Fraction(1, 4), of=frozenset({"head"}))


def person(id: str, score: object, *tags: str, group: str = "") -> Candidate:
    return Candidate(id=id, score=Fraction(str(score)), tags=frozenset(tags), group=group)


def problem(*people: Candidate, seats: int = 2, **said: Any) -> Problem:
    return Problem(candidates=people, seats=seats, **said)


def rescored(asked: Problem, id: str, score: Fraction) -> Problem:
    people = [one.model_copy(update={"score": score}) if one.id == id else one for one in asked.candidates]
    return asked.model_copy(update={"candidates": tuple(people)})


def line_of(found: Nearness) -> Line:
    assert found.line is not None
    return found.line


def test_a_loser_just_under_the_line_lacks_exactly_the_difference_to_the_last_seat() -> None:
    asked = problem(person("a", 90), person("b", "80.5"), person("c", "80.25"))
    found = nearness(asked, "c")
    assert found.line == Line(score=Fraction("80.5"), gap=Fraction(1, 4), at="tied")
    assert (found.seats, found.rules, found.together) == (Seats(1), (), ())


def test_at_the_line_a_tie_breaker_may_decide_and_then_the_line_itself_is_enough() -> None:
    better = person("c", 70).model_copy(update={"tie_breakers": (Fraction(2),)})
    others = [
        one.model_copy(update={"tie_breakers": (Fraction(1),)}) for one in (person("a", 90), person("b", 80))
    ]
    assert line_of(nearness(problem(*others, better), "c")) == Line(Fraction(80), Fraction(10), "selected")


def test_whoever_is_cut_by_a_cap_is_told_the_cap_and_by_how_many_heads_it_must_move() -> None:
    asked = problem(
        person("a", 90, "head"), person("b", 89, "head"), person("c", 80), person("d", 70), person("e", 60),
        seats=4, rules=(CAP,),
    )  # fmt: skip
    found = nearness(asked, "b")
    assert found.standing == "out"
    [rule] = found.rules
    assert (rule.rule, rule.required, rule.counted, rule.heads, rule.share) == (
        "heads_cap",
        1,
        1,
        1,
        Fraction(1, 2),
    )
    assert line_of(found) == Line(score=Fraction(90), gap=Fraction(1), at="tied")


def test_a_winner_by_a_floor_is_told_the_floor_and_how_little_of_the_score_was_needed() -> None:
    asked = problem(
        person("a", 90),
        person("b", 80),
        person("f", 60, "frontline"),
        person("g", 55, "frontline"),
        rules=(FLOOR,),
    )
    found = nearness(asked, "f")
    assert (found.standing, [rule.rule for rule in found.rules]) == ("selected", ["frontline_floor"])
    assert line_of(found) == Line(score=Fraction(55), gap=Fraction(-5), at="tied")
    assert found.seats is None


def test_whoever_a_floor_leaves_out_would_be_in_if_it_asked_for_one_fewer() -> None:
    asked = problem(person("a", 90), person("b", 80), person("f", 60, "frontline"), rules=(FLOOR,))
    found = nearness(asked, "b")
    [rule] = found.rules
    assert (rule.op, rule.required, rule.heads, rule.share) == (Op.FLOOR, 1, 1, Fraction(0))
    assert line_of(found).score == Fraction(90)


def test_rules_of_which_none_alone_decides_are_named_together() -> None:
    twice = CAP.model_copy(update={"id": "heads_cap_again"})
    asked = problem(person("a", 90, "head"), person("b", 80), person("c", 70), seats=2, rules=(CAP, twice))
    found = nearness(asked, "a")
    assert (found.rules, found.together) == ((), ("heads_cap", "heads_cap_again"))
    assert found.line is None, "a cap of none leaves no score that would do"


def test_below_the_minimum_score_the_line_is_at_least_the_minimum() -> None:
    asked = problem(person("a", 90), person("b", 50), seats=2, minimum_score=Fraction(60))
    found = nearness(asked, "b")
    assert (found.below_minimum, found.seats) == (Fraction(10), None)
    assert found.line is None, "with a score that may be chosen there is a seat left"


def test_a_seat_that_nobody_else_could_fill_depends_on_no_score() -> None:
    found = nearness(problem(person("a", 90), person("b", 1), seats=2), "b")
    assert (found.standing, found.line, found.rules) == ("selected", None, ())


def test_more_seats_are_added_to_the_candidate_s_own_track_too() -> None:
    groups = (SeatGroup(id="track", seats=1, off_quota=True), SeatGroup(id="list", seats=2))
    asked = problem(
        person("a", 90, group="track"), person("b", 80, group="track"), person("c", 70, group="list"),
        person("d", 60, group="list"), seats=3, groups=groups,
    )  # fmt: skip
    found = nearness(asked, "b")
    assert found.seats == Seats(1)
    assert line_of(found) == Line(score=Fraction(90), gap=Fraction(10), at="tied")


def test_a_stranger_is_an_error() -> None:
    with pytest.raises(ValueError, match="not to be chosen"):
        nearness(problem(person("a", 90)), "x")


people = st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.booleans()), min_size=3, max_size=7)


@settings(max_examples=25, deadline=None)
@given(
    people=people,
    seats=st.integers(1, 4),
    rules=st.sets(st.sampled_from([0, 1])),
    minimum=st.sampled_from([None, 5]),
)
def test_just_below_the_line_nobody_is_in_and_just_above_it_everybody_is(
    people, seats, rules, minimum
) -> None:
    candidates = tuple(
        person(f"p{n}", score, *(["frontline"] * line), *(["head"] * head))
        for n, (score, line, head) in enumerate(people)
    )
    asked = problem(
        *candidates, seats=seats, rules=tuple((FLOOR, CAP)[n] for n in sorted(rules)), minimum_score=minimum
    )
    for one in candidates[:3]:
        found = nearness(asked, one.id)
        if found.line is None:
            continue
        line = found.line
        assert line.gap == line.score - one.score
        assert standing(rescored(asked, one.id, line.score + EPSILON), one.id) == "selected"
        if line.score != minimum:
            assert standing(rescored(asked, one.id, line.score - EPSILON), one.id) == "out"
        assert standing(rescored(asked, one.id, line.score), one.id) == line.at
        if found.seats is not None:
            fewer = asked.model_copy(update={"seats": asked.seats + found.seats.more - 1})
            assert standing(fewer, one.id) != "selected"
        for rule in found.rules:
            without = asked.model_copy(update={"rules": tuple(r for r in asked.rules if r.id != rule.rule)})
            assert (standing(without, one.id) == "selected") != (found.standing == "selected")
