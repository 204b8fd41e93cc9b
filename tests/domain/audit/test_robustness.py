"""Each seat against what might have been: a judge less, marks put together otherwise, weights moved; and the exact range."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from domain.audit.asked import Question
from domain.audit.robustness import Found, Range, Robustness, Scenario, Stand, robustness
from schemas.commands import Endorse, FormPanel, Recuse
from tests.domain.audit.logged import LoggedWorld, logged
from tests.domain.audit.test_explain import FLOOR
from tests.domain.specification import JUDGES, OFFICER, OPERATOR, choice, panel, step

TWO = [{"component": "expert", "share": "70%"}, {"component": "public", "share": "30%"}]


def sheets(
    world: LoggedWorld, marks: dict[str, tuple[str, str, str]], recused: tuple[int, str] | None = None
) -> None:
    """The marks of each nomination by the three judges, in their order."""
    world.open_step("expert_review")
    world.at(FormPanel(step="expert_review", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    if recused:
        world.at(Recuse(step="expert_review", nomination=recused[1], reason="师徒"), JUDGES[recused[0]])
    for number, judge in enumerate(JUDGES):
        world.sheet(
            judge,
            "expert_review",
            {id: given[number] for id, given in marks.items() if (number, id) != recused},
        )
    world.close_step("expert_review")


def made(world: LoggedWorld) -> Question:
    world.open_step("selection")
    moment = next(n for n, event in enumerate(world.log) if event.type == "SelectionMade")
    return world.read_back().question(moment)


def selected(marks: dict[str, tuple[str, str, str]], seats: int = 1, **more: Any) -> Robustness:
    world = logged(panel(), choice(seats, **more), members=list(marks))
    sheets(world, marks)
    return robustness(made(world))


def found(result: Robustness, kind: str, about: str) -> Found:
    return next(one for one in result.found if (one.scenario.kind, one.scenario.about) == (kind, about))


def stand(result: Robustness, id: str) -> Stand:
    return next(one for one in result.stands if one.nomination == id)


def test_a_seat_that_one_judge_gave_hangs_by_that_judge() -> None:
    result = selected({"a": ("100", "70", "70"), "b": ("60", "80", "80")})
    assert found(result, "without_judge", "judge-1").selected == ("b",)
    assert found(result, "without_judge", "judge-2").selected == ("a",)
    winner, loser = stand(result, "a"), stand(result, "b")
    assert (winner.selected, winner.safe, loser.safe) == (True, False, False)
    assert Scenario("without_judge", "expert_review", "judge-1") in winner.against
    assert winner.stays + loser.stays + winner.ties == winner.of == 7


def test_the_median_and_the_trimmed_mean_may_see_another_winner_than_the_mean() -> None:
    result = selected({"a": ("100", "70", "70"), "b": ("60", "80", "80")})
    assert found(result, "marks", "mean").selected == ("a",)
    assert found(result, "marks", "median").selected == ("b",)
    assert found(result, "marks", "trimmed").selected == ("b",)


def test_a_raw_sum_counts_the_mark_of_a_judge_who_stepped_back_as_none() -> None:
    world = logged(panel(), choice(1), members=("a", "b"))
    sheets(world, {"a": ("90", "90", "-"), "b": ("80", "80", "80")}, recused=(2, "a"))
    result = robustness(made(world))
    assert result.stands[0].nomination == "a"
    assert found(result, "marks", "raw").selected == ("b",)
    assert found(result, "marks", "mean").selected == ("a",)


def test_a_seat_that_nothing_changes_is_safe_and_whoever_never_gets_one_is_safely_out() -> None:
    result = selected({"a": ("90", "90", "90"), "b": ("50", "50", "50")})
    assert [(one.nomination, one.stays, one.of, one.safe) for one in result.stands] == [
        ("a", 7, 7, True), ("b", 0, 7, True)
    ]  # fmt: skip
    assert stand(result, "a").against == ()


def test_equals_of_a_scenario_are_told_as_tied_and_neither_in_nor_out() -> None:
    result = selected({"a": ("90", "70", "80"), "b": ("60", "80", "80")})
    tie = found(result, "without_judge", "judge-1")
    assert (tie.selected, tie.tied) == (("b",), ())
    even = selected({"a": ("90", "70", "70"), "b": ("80", "70", "70")})
    assert found(even, "without_judge", "judge-1").tied == ("a", "b")
    assert [one.scenario.about for one in even.found if one.tied] == ["judge-1", "median", "trimmed"]
    assert (stand(even, "a").ties, stand(even, "a").safe) == (3, False)


def test_a_scenario_in_which_too_few_marks_are_left_says_so_and_counts_for_nobody() -> None:
    world = logged(panel(scores_min=3), choice(1), members=("a", "b"))
    sheets(world, {"a": ("90", "90", "90"), "b": ("50", "50", "50")})
    result = robustness(made(world))
    assert found(result, "without_judge", "judge-1").undecided == "SCORES_MISSING"
    assert {one.of for one in result.stands} == {4}


def voted() -> LoggedWorld:
    vote = step("public_vote", limits={"per_day": 3})
    world = logged(panel(), vote, choice(1, weights=TWO), members=("a", "b", "c"))
    sheets(world, {"a": ("90", "90", "90"), "b": ("80", "80", "80"), "c": ("10", "10", "10")})
    world.open_step("public_vote")
    world.pass_window("public_vote")
    world.seal("public_vote", {"a": 80, "b": 100, "c": 1})
    return world


def test_weights_are_moved_and_the_others_keep_their_proportions() -> None:
    result = robustness(made(voted()), steps=(Fraction(1, 20), Fraction(1, 10)))
    moved = [one.scenario.about for one in result.found if one.scenario.kind == "weight"]
    assert moved[:4] == ["expert 7/10 → 13/20", "expert 7/10 → 3/4", "expert 7/10 → 3/5", "expert 7/10 → 4/5"]
    assert found(result, "weight", "expert 7/10 → 3/4").selected == ("a",)
    assert found(result, "weight", "expert 7/10 → 3/5").selected == ("b",)


def test_the_range_of_a_weight_ends_exactly_where_two_totals_cross() -> None:
    """90w + 80(1-w) = 80w + 100(1-w) at w = 2/3."""
    result = robustness(made(voted()))
    expert, public = result.ranges
    assert expert == Range("expert", Fraction(7, 10), Fraction(2, 3), Fraction(1), ("a", "b"), ())
    assert public == Range("public", Fraction(3, 10), Fraction(0), Fraction(1, 3), (), ("a", "b"))
    assert result.ranges_exact


def test_a_choice_within_its_range_is_the_same_and_just_beyond_it_another() -> None:
    chosen = made(voted())
    beyond = robustness(chosen, steps=(Fraction(7, 10) - Fraction(2, 3) + Fraction(1, 1000),))
    within = robustness(chosen, steps=(Fraction(7, 10) - Fraction(2, 3) - Fraction(1, 1000),))
    assert next(one.selected for one in beyond.found if one.scenario.kind == "weight") == ("b",)
    assert next(one.selected for one in within.found if one.scenario.kind == "weight") == ("a",)


def test_where_a_rule_decides_no_range_of_a_weight_is_told_dr_26() -> None:
    world = logged(
        panel(),
        choice(1, weights=TWO, shares=[FLOOR]),
        members={"a": {"frontline": False}, "b": {"frontline": True}},
    )
    sheets(world, {"a": ("90", "90", "90"), "b": ("80", "80", "80")})
    result = robustness(made(world))
    assert (stand(result, "b").selected, stand(result, "b").safe) == (True, True)
    assert result.ranges == ()


def test_a_choice_that_rests_on_no_panel_and_one_weight_has_nothing_to_vary() -> None:
    world = logged(step("endorsement", ranked=True), choice(1, component="recommendation"), members=("a",))
    world.open_step("endorsement")
    world.on("a", Endorse(round=world.round_stream(), recommendation_rank=1), OFFICER)
    world.pass_window("endorsement")
    result = robustness(made(world))
    assert (result.found, stand(result, "a").of) == ((), 0)
