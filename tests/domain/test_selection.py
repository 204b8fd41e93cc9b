"""Places, cuts, shares, differential and substitution: DR-07, DR-17, DR-18, DR-25, DR-31."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.selection import (
    Candidate,
    Certificate,
    DifferentialUnmet,
    Infeasible,
    Op,
    Optimality,
    Problem,
    SeatGroup,
    Selected,
    ShareRule,
    TieUnresolved,
    check,
    cut,
    differential,
    rank,
    select,
    substitute,
)
from schemas.canonical import canonical_bytes
from schemas.errors import Refused

F = Fraction


def one(id_, score, *ties, tags=(), unknown=(), group=""):
    return Candidate(
        id=id_,
        score=F(score),
        tie_breakers=tuple(F(tie) for tie in ties),
        tags=frozenset(tags),
        unknown=frozenset(unknown),
        group=group,
    )


def rule(id_, op, share, *of, **more):
    return ShareRule(id=id_, op=op, share=F(share), of=frozenset(of), **more)


def shape(groups):
    return [(group.rank, set(group.ids)) for group in groups]


# ---- differential ----


@pytest.mark.parametrize(("ratio", "needed"), [("5/3", 50), ("1.1", 33), ("1.15", 35), ("1", 30)])
def test_dr_07_candidates_must_reach_the_ratio_rounded_up_in_integers(ratio, needed):
    assert differential(needed, F(ratio), 30) is None
    assert differential(needed - 1, F(ratio), 30) == DifferentialUnmet(needed=needed, have=needed - 1)


def test_dr_07_too_few_candidates_are_a_value_on_which_the_round_holds():
    problem = Problem(candidates=(one("a", 9), one("b", 8)), seats=2, differential=F("1.1"))
    assert select(problem) == DifferentialUnmet(needed=3, have=2)


# ---- places ----


def test_dr_17_equals_share_a_place_and_the_next_is_skipped():
    groups = rank([one("d", 7), one("a", 9), one("c", 8), one("b", 8)])
    assert shape(groups) == [(1, {"a"}), (2, {"b", "c"}), (4, {"d"})]


def test_dr_17_tie_breakers_count_in_their_order():
    groups = rank([one("a", 9, 1, 9), one("b", 9, 2, 0), one("c", 9, 1, 8)])
    assert shape(groups) == [(1, {"b"}), (2, {"a"}), (3, {"c"})]


def test_a_persons_resolution_is_the_last_tie_breaker():
    groups = rank([one("a", 9, 1), one("b", 9, 1), one("c", 9, 2)], resolution=("b", "a"))
    assert shape(groups) == [(1, {"c"}), (2, {"b"}), (3, {"a"})]


def test_candidates_with_different_tie_breakers_can_not_be_ordered():
    with pytest.raises(ValueError, match="tie-breakers"):
        rank([one("a", 9, 1), one("b", 9)])


@given(st.lists(st.integers(0, 4), max_size=9), st.randoms(use_true_random=False))
def test_dr_17_places_depend_neither_on_ids_nor_on_the_order_of_arrival(scores, random):
    people = [one(f"n{place}", score) for place, score in enumerate(scores)]
    renamed = [person.model_copy(update={"id": f"m{99 - place}"}) for place, person in enumerate(people)]
    shuffled = random.sample(people, len(people))
    assert rank(people) == rank(shuffled)
    assert [(g.rank, len(g.ids)) for g in rank(people)] == [(g.rank, len(g.ids)) for g in rank(renamed)]


# ---- cuts ----


def test_dr_17_a_tie_across_the_cut_goes_to_a_person():
    groups = rank([one("a", 9), one("b", 8), one("c", 8), one("d", 8)])
    assert cut(groups, 3) == TieUnresolved(tied=("b", "c", "d"), seats_left=2)
    assert cut(groups, 4) == ("a", "b", "c", "d")
    assert cut(groups, 1) == ("a",)


def test_dr_17_all_equals_are_included_where_seats_allow():
    groups = rank([one("a", 9), one("b", 8), one("c", 8)])
    assert cut(groups, 2, ceiling=3) == ("a", "b", "c")
    assert cut(groups, 2, ceiling=2) == TieUnresolved(tied=("b", "c"), seats_left=1)


def test_a_recorded_lot_settles_a_tie_the_same_way_every_time_and_another_seed_may_differ():
    groups = rank([one(f"n{place}", 8) for place in range(20)])
    drawn = {seed: cut(groups, 5, lot_seed=seed) for seed in ("s1", "s2")}
    assert drawn["s1"] == cut(groups, 5, lot_seed="s1")
    assert drawn["s1"] != drawn["s2"]


def test_seats_of_a_group_cut_within_the_group_only():
    people = [
        one("a1", 9, group="a"),
        one("a2", 9, group="a"),
        one("b1", 9, group="b"),
        one("b2", 1, group="b"),
    ]
    groups = (SeatGroup(id="a", seats=1), SeatGroup(id="b", seats=2))
    tie = select(Problem(candidates=tuple(people), seats=3, groups=groups))
    assert tie == TieUnresolved(tied=("a1", "a2"), seats_left=1)
    settled = select(Problem(candidates=tuple(people), seats=3, groups=groups, resolution=("a2", "a1")))
    assert isinstance(settled, Selected)
    assert set(settled.selected) == {"a2", "b1", "b2"}


def test_a_crowded_group_ties_only_its_own_where_the_others_all_fit():
    groups = rank([one("a", 8), one("b", 8), one("g1", 8), one("g2", 8)])
    group_of = {"g1": "g", "g2": "g"}
    tie = cut(groups, 3, group_of=group_of, group_seats={"g": 1})
    assert tie == TieUnresolved(tied=("g1", "g2"), seats_left=1)
    drawn = cut(groups, 3, lot_seed="s", group_of=group_of, group_seats={"g": 1})
    assert isinstance(drawn, tuple)
    assert len(drawn) == 3
    assert {"a", "b"} < set(drawn)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(0, 9))
def test_more_seats_never_cost_anybody_theirs(scores, seats):
    groups = rank([one(f"n{place}", score) for place, score in enumerate(scores)])
    fewer, more = cut(groups, seats), cut(groups, seats + 1)
    if isinstance(fewer, tuple) and isinstance(more, tuple):
        assert set(fewer) <= set(more)


# ---- seats ----


def test_dr_18_seats_are_a_maximum_and_a_minimum_score_leaves_vacancies():
    problem = Problem(candidates=(one("a", 9), one("b", 5)), seats=2, minimum_score=F(6))
    outcome = select(problem)
    assert isinstance(outcome, Selected)
    assert (outcome.selected, outcome.vacancies) == (("a",), 1)


def test_dr_18_exact_seats_that_lack_candidates_are_infeasible_with_the_number_missing():
    outcome = select(Problem(candidates=(one("a", 9), one("b", 5)), seats=4, exact=True))
    assert isinstance(outcome, Infeasible)
    assert outcome.sentences() == ("seats needs 2 more (has 2, required 4)",)


def test_the_reserve_follows_in_order_and_cuts_no_tie():
    people = [one(f"n{place}", score) for place, score in enumerate([9, 8, 7, 6, 6, 5])]
    outcome = select(Problem(candidates=tuple(people), seats=2, reserve=2))
    assert isinstance(outcome, Selected)
    assert outcome.selected == ("n0", "n1")
    assert outcome.reserve[0] == "n2"
    assert set(outcome.reserve[1:]) == {"n3", "n4"}


def test_without_a_reserve_nobody_waits():
    outcome = select(Problem(candidates=(one("a", 9), one("b", 8)), seats=1))
    assert isinstance(outcome, Selected)
    assert outcome.reserve == ()


# ---- shares ----


@pytest.mark.parametrize(
    ("op", "counted", "base", "required", "met"),
    [
        ("floor", 63, 180, 63, True),  # floats give 62.99…
        ("floor", 62, 180, 63, False),
        ("floor", 4, 11, 4, True),
        ("floor", 3, 11, 4, False),
        ("cap", 63, 180, 63, True),
        ("cap", 64, 180, 63, False),
        ("cap", 3, 11, 3, True),
        ("cap", 4, 11, 3, False),
    ],
)
def test_dr_25_floors_round_up_and_caps_round_down_in_integers(op, counted, base, required, met):
    people = [one(f"n{place}", 1, tags=["x"] if place < counted else []) for place in range(base)]
    result = check(rule("r", op, F(3500, 10_000), "x"), people)
    assert (result.counted, result.base, result.required, result.met) == (counted, base, required, met)


def test_dr_25_a_base_within_the_list_counts_only_its_own():
    heads = rule("heads", "cap", "22%".rstrip("%") + "/100", "head", base_tags=frozenset(["enterprise"]))
    people = [one(f"e{n}", 1, tags=["enterprise"]) for n in range(8)]
    people += [one("h1", 1, tags=["enterprise", "head"]), one("h2", 1, tags=["head"])]
    result = check(heads, people)
    assert (result.counted, result.base, result.required, result.met) == (1, 9, 1, True)


def test_dr_25_a_base_may_be_a_fixed_allocation():
    result = check(rule("r", "floor", "1/5", "x", base_number=11), [one("a", 1, tags=["x"])])
    assert (result.counted, result.base, result.required, result.met) == (1, 11, 3, False)


def test_dr_25_the_exempt_do_not_count():
    cadres = rule("cadres", "cap", "0", "cadre", exempt=frozenset(["senior_engineer"]))
    assert check(cadres, [one("a", 1, tags=["cadre", "senior_engineer"])]).met
    assert not check(cadres, [one("a", 1, tags=["cadre"])]).met


def test_dr_26_what_is_unknown_counts_toward_caps_but_not_toward_floors():
    person = [one("a", 1, unknown=["x"])]
    assert check(rule("cap", "cap", "0", "x"), person).counted == 1
    assert check(rule("floor", "floor", "1", "x"), person).counted == 0


def test_dr_26_a_rule_on_an_empty_base_does_not_apply():
    result = check(rule("r", "floor", "1/2", "x", base_tags=frozenset(["y"])), [one("a", 1)])
    assert (result.applicable, result.met) == (False, True)


def test_dr_25_an_off_quota_track_is_in_no_base():
    people = [one("a", 9, tags=["x"]), one("b", 8), one("s", 7, group="special")]
    problem = Problem(
        candidates=tuple(people),
        seats=3,
        rules=(rule("r", "floor", "1/2", "x"),),
        groups=(SeatGroup(id="special", seats=1, off_quota=True),),
    )
    outcome = select(problem)
    assert isinstance(outcome, Selected)
    assert set(outcome.selected) == {"a", "b", "s"}
    assert outcome.certificate.rules[0].base == 2


def test_a_soft_rule_is_reported_and_not_enforced():
    problem = Problem(candidates=(one("a", 9),), seats=1, rules=(rule("r", "floor", "1", "x", hard=False),))
    outcome = select(problem)
    assert isinstance(outcome, Selected)
    assert outcome.selected == ("a",)
    assert not outcome.certificate.rules[0].met


# ---- substitution ----

FRONTLINE = rule("frontline", "floor", "1/2", "front")


def test_dr_31_the_next_of_the_reserve_who_keeps_the_rules_takes_the_seat():
    people = (
        one("a", 9, tags=["front"]),
        one("b", 8),
        one("c", 7),
        one("d", 6, tags=["front"]),
    )
    problem = Problem(candidates=people, seats=2, rules=(FRONTLINE,), reserve=2)
    result = substitute(problem, ("a", "b"), "a", ("c", "d"))
    assert result.into == "d"
    assert result.passed_over == {"c": ("frontline",)}
    assert all(check.met for check in result.rules)
    assert substitute(problem, ("a", "b"), "b", ("c", "d")).into == "c"


def test_dr_31_with_nobody_suitable_the_seat_stays_vacant():
    problem = Problem(
        candidates=(one("a", 9, tags=["front"]), one("b", 8), one("c", 7)), seats=2, rules=(FRONTLINE,)
    )
    result = substitute(problem, ("a", "b"), "a", ("c",))
    assert (result.into, result.passed_over) == ("", {"c": ("frontline",)})
    assert not result.rules[0].met  # the list that is left is shown as it is


def test_dr_31_equals_in_line_go_to_a_person_and_a_resolution_settles_them():
    people = (one("a", 9), one("b", 8), one("c", 8))
    problem = Problem(candidates=people, seats=1)
    assert substitute(problem, ("a",), "a", ("b", "c")) == TieUnresolved(tied=("b", "c"), seats_left=1)
    resolved = problem.model_copy(update={"resolution": ("c", "b")})
    assert substitute(resolved, ("a",), "a", ("c", "b")).into == "c"


def test_dr_31_a_substitute_comes_from_the_same_group():
    groups = (SeatGroup(id="g", seats=1), SeatGroup(id="h", seats=1))
    people = (one("a", 9, group="g"), one("b", 8, group="h"), one("c", 7, group="g"))
    problem = Problem(candidates=people, seats=2, groups=groups)
    assert substitute(problem, ("a",), "a", ("b", "c")).into == "c"


def test_dr_31_where_no_single_substitute_fits_as_few_as_possible_give_way():
    """A leaves; floors of x and y want one of each of two seats of three, and nobody in reserve is both."""
    people = (
        one("a", 9, tags=["x", "y"]),
        one("b", 8),
        one("c", 7),
        one("d", 6, tags=["x"]),
        one("e", 5, tags=["y"]),
        one("f", 4, tags=["y"]),
    )
    floors = tuple(rule(tag, "floor", "1/3", tag) for tag in "xy")
    problem = Problem(candidates=people, seats=3, rules=floors)
    result = substitute(problem, ("a", "b", "c"), "a", ("d", "e", "f"))
    assert result.into == "d"
    assert [(change.out, change.into) for change in result.also] == [("c", "e")]
    assert all(check.met for check in result.rules)
    shuffled = problem.model_copy(update={"candidates": people[::-1]})
    assert substitute(shuffled, ("c", "b", "a"), "a", ("d", "e", "f")) == result


def test_dr_31_a_vacancy_that_keeps_the_rules_displaces_nobody():
    people = (one("a", 9), one("b", 8), one("c", 7, tags=["x"]))
    problem = Problem(candidates=people, seats=2, rules=(rule("x", "cap", "0", "x"),))
    result = substitute(problem, ("a", "b"), "a", ("c",))
    assert (result.into, result.also) == ("", ())


def test_dr_31_a_substitute_comes_from_the_same_line():
    people = (one("a", 9), one("b", 8), one("c", 7))
    lines = {"a": "boats", "b": "nets", "c": "boats"}
    people = tuple(each.model_copy(update={"line": lines[each.id]}) for each in people)
    problem = Problem(candidates=people, seats=1)
    assert substitute(problem, ("a",), "a", ("b", "c")).into == "c"


def test_dr_31_nobody_from_outside_is_taken():
    with pytest.raises(Refused, match="NOT_ON_LIST"):
        substitute(Problem(candidates=(one("a", 9),), seats=1), ("a",), "a", ("stranger",))


# ---- records and bad input ----


def test_problems_and_outcomes_survive_their_record_and_have_canonical_bytes():
    people = (one("a", "25/3", "1/3", tags=["z", "b"], unknown=["c"]), one("b", 8, 0))
    problem = Problem(candidates=people, seats=1, rules=(FRONTLINE,), minimum_score=F(1, 2), reserve=1)
    assert Problem.from_record(problem.to_record()) == problem
    free = select(problem.model_copy(update={"rules": ()}))
    assert isinstance(free, Selected)
    assert Selected.from_record(free.to_record()) == free
    assert Certificate.from_record(free.certificate.to_record()).optimality is Optimality.UNCONSTRAINED
    assert canonical_bytes(problem.to_record()) == canonical_bytes(
        Problem.from_record(problem.to_record()).to_record()
    )
    assert b'"25/3"' in canonical_bytes(problem.to_record())


@pytest.mark.parametrize(
    "make",
    [
        lambda: Problem(candidates=(one("a", 1), one("a", 2)), seats=1),
        lambda: Problem(candidates=(one("a", 1, group="g"),), seats=1),
        lambda: Problem(candidates=(), seats=1, rules=(FRONTLINE, FRONTLINE)),
        lambda: Problem(candidates=(), seats=1, resolution=("a", "a")),
        lambda: one("a", 1, tags=["x"], unknown=["x"]),
        lambda: rule("r", Op.CAP, "101/100", "x"),
        lambda: rule("r", Op.CAP, "1", "x", base_tags=frozenset("y"), base_number=3),
        lambda: Candidate(id="a", score=0.5),
    ],
)
def test_incoherent_problems_can_not_be_made(make):
    with pytest.raises(ValueError, match=r"."):
        make()
