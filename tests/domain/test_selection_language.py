"""What a programme can say of a selection, as a round decides it: DR-06, DR-17, DR-19, DR-25, DR-26, DR-31, DR-33."""

from fractions import Fraction
from typing import Any

import pytest

from domain.selection import Certificate
from domain.selection.seats import Split, largest_remainder
from schemas.commands import Confer, Decide, FreezePool, OpenRound
from schemas.errors import Refused
from schemas.events import SelectionMade, StepHeld, TitlesConferred
from schemas.units import UnitTree
from tests.domain.specification import (
    COUNCIL,
    COUNCIL_2,
    INTAKE,
    World,
    choice,
    declared,
    judged,
    one_level,
    panel,
    step,
    with_members,
)

Facts = dict[str, dict[str, Any]]
ALL_EQUAL = "70"


def fits(fact: str, value: Any = True, op: str = "==") -> dict[str, Any]:
    return {"id": fact, "fact": fact, "op": op, "value": value}


def rule(
    id: str, who: dict[str, Any], op: str, share: str, base: str = "list", **said: Any
) -> dict[str, Any]:
    return {"id": id, "who": who, "op": op, "share": share, "base": base} | said


def chosen_from(
    members: Facts, marks: dict[str, str], seats: int, *more: dict[str, Any], **said: Any
) -> World:
    """These members with these marks, and the selection already opened."""
    world = with_members(panel(), choice(seats, **said), *more, members=members)
    judged(world, marks)
    world.open_step("selection")
    return world


def made(world: World, unit: str = "") -> SelectionMade:
    [event] = world.events(world.round_stream(unit), SelectionMade)
    assert isinstance(event, SelectionMade)
    return event


def held(world: World) -> StepHeld:
    [event] = world.events(world.round_stream(), StepHeld)
    assert isinstance(event, StepHeld)
    return event


def checks(world: World) -> dict[str, tuple[int, int, bool]]:
    certificate = Certificate.from_record(made(world).certificate)
    assert certificate.valid
    return {one.rule: (one.counted, one.base, one.met) for one in certificate.rules}


MARKS = {"a": "90", "b": "80", "c": "70", "d": "60"}


# ---- categories and tracks ----


def test_dr_18_each_category_fills_its_own_seats() -> None:
    trades = {"a": "boats", "b": "boats", "c": "boats", "d": "nets"}
    world = chosen_from(
        {id: {"trade": trade} for id, trade in trades.items()},
        MARKS,
        4,
        categories=[
            {"id": "boats", "who": fits("trade", "boats"), "seats": 2},
            {"id": "nets", "who": fits("trade", "nets"), "seats": 2},
        ],
    )
    assert made(world).selected == ("a", "b", "d")
    assert made(world).vacancy is not None


def test_dr_26_whose_category_is_unknown_counts_toward_every_cap_that_may_be_theirs() -> None:
    categories = [
        {"id": "boats", "who": fits("trade", "boats"), "seats": 1},
        {"id": "nets", "who": fits("trade", "nets"), "seats": 1},
    ]
    members: Facts = {"a": {}, "b": {"trade": "boats"}, "c": {"trade": "nets"}}
    world = chosen_from(members, MARKS | {"d": "0"}, 2, categories=categories)
    assert made(world).selected == ("b", "c")


def test_whoever_is_in_no_category_shares_what_the_categories_leave() -> None:
    members: Facts = {id: {"trade": "nets"} for id in "abc"} | {"d": {"trade": "boats"}}
    boats = [{"id": "boats", "who": fits("trade", "boats"), "seats": 1}]
    assert made(chosen_from(members, MARKS, 3, categories=boats)).selected == ("a", "b", "d")


def test_dr_25_those_listed_separately_are_in_no_base_and_have_their_own_seats() -> None:
    members: Facts = {
        "a": {"head": True, "frontline": False},
        "b": {"head": False, "frontline": False},
        "c": {"head": False, "frontline": False},
        "d": {"head": False, "frontline": True},
    }
    world = chosen_from(
        members,
        MARKS,
        3,
        off_quota=[{"id": "heads", "who": fits("head"), "seats": 1}],
        shares=[
            rule("front", fits("frontline"), ">=", "50%"),
            rule("of_seats", fits("frontline"), ">=", "50%", "seats"),
        ],
    )
    assert made(world).selected == ("a", "b", "d")
    assert checks(world)["front"] == (1, 2, True)
    assert checks(world)["of_seats"] == (1, 2, True)


def test_dr_25_a_track_without_seats_of_its_own_competes_and_stays_outside_every_base() -> None:
    members: Facts = {id: {"head": id == "a", "frontline": id == "d"} for id in "abcd"}
    tracks = [{"id": "heads", "who": fits("head")}]
    shares = [rule("front", fits("frontline"), ">=", "100%")]
    world = chosen_from(members, MARKS, 2, off_quota=tracks, shares=shares)
    assert made(world).selected == ("a", "d")
    assert checks(world)["front"] == (1, 1, True)


# ---- share rules ----

READINGS = {
    # a, b frontline; c and d not; non-public: b, c.
    "of_the_list": ("list", (2, 4)),
    "of_those_on_the_frontline": ("frontline", (1, 2)),
}


@pytest.mark.parametrize(("base", "counted"), READINGS.values(), ids=READINGS)
def test_dr_25_both_readings_of_the_medals_nested_share_can_be_said(
    base: str, counted: tuple[int, int]
) -> None:
    """重庆五一劳动奖章: 其中非公有制企业不低于30%, of the whole list or of the frontline (domain.md §1g-4)."""
    members: Facts = {id: {"frontline": id in "ab", "head": id in "bc"} for id in "abcd"}
    world = chosen_from(
        members,
        MARKS,
        4,
        shares=[
            rule("frontline", fits("frontline"), ">=", "50%"),
            rule("non_public", fits("head"), ">=", "30%", base),
        ],
    )
    assert checks(world)["non_public"] == (*counted, True)


def test_dr_25_the_readings_of_a_nested_share_choose_different_lists() -> None:
    members: Facts = {
        "a": {"frontline": True, "head": False},
        "b": {"frontline": False, "head": True},
        "c": {"frontline": True, "head": True},
    }

    def selected(base: str) -> tuple[str, ...]:
        front = rule("frontline", fits("frontline"), ">=", "50%")
        world = chosen_from(members, MARKS, 2, shares=[front, rule("np", fits("head"), ">=", "50%", base)])
        return made(world).selected

    assert selected("list") == ("a", "b")
    assert selected("frontline") == ("a", "c")


def test_dr_25_a_share_of_a_share_of_a_share_counts_within_all_of_them() -> None:
    members: Facts = {
        "a": {"frontline": True, "head": True, "trade": "boats"},
        "b": {"frontline": True, "head": True, "trade": "nets"},
        "c": {"frontline": True, "head": False, "trade": "boats"},
        "d": {"frontline": False, "head": True, "trade": "boats"},
    }
    world = chosen_from(
        members,
        MARKS,
        4,
        shares=[
            rule("front", fits("frontline"), ">=", "10%"),
            rule("heads", fits("head"), ">=", "10%", "front"),
            rule("boats", fits("trade", "boats"), ">=", "50%", "heads"),
        ],
    )
    assert checks(world) == {"front": (3, 4, True), "heads": (2, 3, True), "boats": (1, 2, True)}


def test_dr_25_a_base_may_be_a_class_that_no_rule_is_about() -> None:
    members: Facts = {id: {"head": id == "a", "trade": "boats" if id in "ab" else "nets"} for id in "abcd"}
    world = chosen_from(
        members,
        MARKS,
        3,
        classes=[fits("trade", "boats") | {"id": "boaters"}],
        shares=[rule("heads", fits("head"), "<=", "50%", "boaters")],
    )
    assert checks(world)["heads"] == (1, 2, True)


def test_dr_25_the_exempt_do_not_count_toward_a_cap() -> None:
    members: Facts = {id: {"head": id in "ab", "frontline": id == "a"} for id in "abcd"}

    def selected(**said: Any) -> tuple[str, ...]:
        cap = rule("heads", fits("head"), "<=", "50%") | said
        return made(chosen_from(members, MARKS, 2, shares=[cap])).selected

    assert selected(share="0%") == ("c", "d")
    assert selected(share="0%", exempt=fits("frontline")) == ("a", "c")


def test_dr_26_whose_exemption_is_unknown_counts_toward_a_cap_and_not_toward_a_floor() -> None:
    members: Facts = {"a": {"head": True}, "b": {"head": False, "frontline": False}}
    for op, share, chosen in (("<=", "0%", ("b",)), (">=", "100%", ())):
        limit = rule("heads", fits("head"), op, share, exempt=fits("frontline"))
        world = with_members(panel(), choice(1, shares=[limit]), members=members)
        judged(world, {"a": "90", "b": "80"})
        world.open_step("selection")
        if chosen:
            assert made(world).selected == chosen
        else:
            assert held(world).code == "RULES_INFEASIBLE"


@pytest.mark.parametrize("base", ["list", "boaters"])
def test_dr_26_who_may_be_listed_separately_widens_no_cap(base: str) -> None:
    cap = rule("heads", fits("head"), "<=", "50%", base)
    members: Facts = {id: {"head": id in "ac", "frontline": False, "trade": "boats"} for id in "abc"}
    for unknown in ({}, {"frontline": True}):
        world = chosen_from(
            members | {"d": {"head": False, "trade": "boats"} | unknown},
            MARKS,
            4,
            off_quota=[{"id": "front", "who": fits("frontline")}],
            classes=[fits("trade", "boats") | {"id": "boaters"}],
            shares=[cap],
        )
        assert made(world).selected == ("a", "b", "d")
        assert checks(world)["heads"] == (1, 2, True)


@pytest.mark.parametrize(("base", "base_is"), [("list", 2), ("boaters", 2), ("seats", 2)])
def test_dr_26_who_may_be_listed_separately_fills_no_floor(base: str, base_is: int) -> None:
    floor = rule("heads", fits("head"), ">=", "50%", base)
    members: Facts = {id: {"head": id == "c", "frontline": False, "trade": "boats"} for id in "abc"}
    world = chosen_from(
        members | {"d": {"head": True, "trade": "boats"}},
        MARKS | {"d": "95"},
        2,
        off_quota=[{"id": "front", "who": fits("frontline")}],
        classes=[fits("trade", "boats") | {"id": "boaters"}],
        shares=[floor],
    )
    assert made(world).selected == ("d", "c")
    assert checks(world)["heads"] == (1, base_is, True)


def test_dr_26_a_rule_whose_base_nobody_is_in_does_not_apply() -> None:
    members: Facts = {id: {"frontline": False, "head": False} for id in "ab"}
    shares = [
        rule("front", fits("frontline"), ">=", "0%"),
        rule("heads", fits("head"), ">=", "50%", "front"),
    ]
    world = chosen_from(members, {"a": "90", "b": "80"}, 2, shares=shares)
    assert made(world).selected == ("a", "b")


def test_dr_42_a_rule_that_only_reports_never_blocks() -> None:
    members: Facts = {id: {"frontline": False} for id in "ab"}
    target = rule("front", fits("frontline"), ">=", "50%", severity="report")
    world = chosen_from(members, {"a": "90", "b": "80"}, 1, shares=[target])
    assert made(world).selected == ("a",)
    assert checks(world)["front"] == (0, 1, False)


# ---- preference, ties, normalisation ----


def test_dr_26_preference_decides_among_equals_and_never_against_a_better_score() -> None:
    members: Facts = {"a": {"frontline": False}, "b": {"frontline": True}, "c": {"frontline": True}}
    prefer = [{"id": "craft", "who": fits("frontline")}]
    world = chosen_from(members, {"a": "80", "b": "80", "c": "70"}, 1, prefer=prefer)
    assert made(world).selected == ("b",)
    assert [(one.nomination, one.rank) for one in made(world).ranked] == [("b", 1), ("a", 2), ("c", 3)]
    world = chosen_from(members, {"a": "80.5", "b": "80", "c": "70"}, 1, prefer=prefer)
    assert made(world).selected == ("a",)


def test_dr_26_preferences_count_in_their_order() -> None:
    members: Facts = {"a": {"frontline": True, "head": False}, "b": {"frontline": False, "head": True}}
    for first, second, winner in (("frontline", "head", "a"), ("head", "frontline", "b")):
        prefer = [{"id": f"by_{fact}", "who": fits(fact)} for fact in (first, second)]
        assert made(chosen_from(members, {"a": "80", "b": "80"}, 1, prefer=prefer)).selected == (winner,)


def test_dr_26_a_preference_may_be_worth_points_which_the_record_shows() -> None:
    members: Facts = {"a": {"frontline": False}, "b": {"frontline": True}}
    prefer = [{"id": "craft", "who": fits("frontline"), "bonus": "2.5"}]
    world = chosen_from(members, {"a": "82", "b": "80"}, 1, prefer=prefer)
    [best, _] = made(world).ranked
    assert (best.nomination, str(best.score)) == ("b", "165/2")
    assert {one.component: str(one.value) for one in best.components} == {"craft": "5/2", "expert": "80"}


def test_dr_17_all_who_are_equal_at_the_cut_are_taken_in_up_to_the_ceiling() -> None:
    marks = {"a": "90", "b": "80", "c": "80", "d": "60"}
    members: Facts = {id: {} for id in marks}
    world = chosen_from(members, marks, 2, ties=["include_all"], ceiling=3)
    assert set(made(world).selected) == set("abc")
    assert made(world).seats == 3
    world = chosen_from(
        members, dict.fromkeys("abcd", ALL_EQUAL), 2, ties=["include_all", "authority"], ceiling=3
    )
    assert held(world).code == "TIE_UNRESOLVED"


def test_dr_17_taking_in_equals_keeps_the_share_rules() -> None:
    marks = {"a": "90", "b": "80", "c": "80"}
    members: Facts = {"a": {"head": False}, "b": {"head": True}, "c": {"head": True}}
    cap = rule("heads", fits("head"), "<=", "50%")
    world = chosen_from(members, marks, 2, ties=["include_all"], ceiling=3, shares=[cap])
    assert held(world).code == "TIE_UNRESOLVED"
    assert held(world).nominations == ("b", "c")


@pytest.mark.parametrize(
    ("method", "scores"), [("top", ["100", "50"]), ("share", ["200/3", "100/3"]), ("rank", ["100", "50"])]
)
def test_dr_19_a_component_is_normalised_as_its_weight_says(method: str, scores: list[str]) -> None:
    weights = [{"component": "expert", "share": "100%", "normalise": method}]
    world = chosen_from({"a": {}, "b": {}}, {"a": "40", "b": "20"}, 1, weights=weights)
    assert [str(one.score) for one in made(world).ranked] == scores


def test_dr_19_a_component_of_nothing_but_zeros_stays_zero_and_is_flagged() -> None:
    weights = [{"component": "expert", "share": "100%", "normalise": "top"}]
    world = chosen_from({"a": {}}, {"a": "0"}, 1, weights=weights)
    assert made(world).flags == ("ALL_ZERO:expert",)


# ---- seats of children: DR-06 ----


def two_counties(
    seats: int, headcounts: tuple[int, int], outputs: tuple[int, int], idle: int = 0, **said: Any
) -> World:
    """A province over two counties: 91 recommends a, b, c, the better ones, and 92 recommends d, e; 93, with an output
    of `idle`, recommends nobody.
    """
    stages = {
        "county": {"steps": [INTAKE, panel(), choice(9)]},
        "province": {
            "steps": [panel("second", component="second"), choice(seats, "final", "second", **said)]
        },
    }
    units: list[dict[str, Any]] = [{"code": "9", "name": "测试省", "rank": "province"}]
    figures_of = zip(("91", "92", "93"), (*headcounts, 0), (*outputs, idle), strict=True)
    for code, headcount, output in figures_of:
        figures = {"headcount": headcount, "output": output}
        units.append(
            {"code": code, "parent": "9", "name": f"测试县{code}", "rank": "county", "figures": figures}
        )
    programme = declared([{"id": "river", "ranks": ["county", "province"]}], stages)
    world = World(programme, UnitTree.model_validate({"root": "9", "units": units})).open()
    counties = {"91": {"a": "90", "b": "85", "c": "80"}, "92": {"d": "70", "e": "60"}}
    for code, marks in counties.items():
        for id in marks:
            world.submit(id, code)
    world.close_intake()
    world.at(OpenRound())
    for code, marks in counties.items():
        world.begin(code)
        judged(world, marks, unit=code)
        world.open_step("selection", code)
        world.report(code)
    world.at(FreezePool())
    judged(world, counties["91"] | counties["92"], "second")
    world.open_step("final")
    return world


def test_dr_06_no_child_unit_has_more_than_its_cap_however_good_its_people_are() -> None:
    world = two_counties(3, (1, 1), (1, 1), children={"max": 2})
    assert made(world).selected == ("a", "b", "d")


def test_dr_06_seats_are_allotted_by_figures_of_the_units_with_largest_remainders() -> None:
    """91 has 1/2 × 3/4 + 1/2 × 1/4 = 1/2 of three seats: both remainders are 1/2, so that either may have the third."""
    half = [{"figure": name, "share": "50%"} for name in ("headcount", "output")]
    world = two_counties(3, (3, 1), (1, 3), children={"allot": half})
    assert made(world).selected == ("a", "b", "d")
    world = two_counties(3, (1, 5), (1, 5), children={"allot": half})
    assert made(world).selected == ("a", "d", "e")


def test_dr_06_a_cycle_is_not_opened_if_no_unit_has_the_figure_by_which_its_seats_are_allotted() -> None:
    with pytest.raises(Refused, match="FIGURE_MISSING"):
        two_counties(3, (1, 1), (1, 1), children={"allot": [{"figure": "seats", "share": "100%"}]})


def test_dr_06_units_with_equal_remainders_have_together_no_more_than_the_last_seats() -> None:
    """Of three seats 2 are 93's, which puts nobody forward; 91 and 92 have 1/2 each, so one of them has the third."""
    by_output = {"allot": [{"figure": "output", "share": "100%"}]}
    world = two_counties(3, (1, 1), (1, 1), idle=4, children=by_output)
    assert made(world).selected == ("a",)


def test_dr_06_largest_remainders_are_exact_and_favour_no_code() -> None:
    parts = {"x": Fraction(1, 3), "y": Fraction(1, 3), "z": Fraction(1, 3)}
    assert largest_remainder(parts, 10) == Split({"x": 4, "y": 4, "z": 4}, ("x", "y", "z"), 10)
    found = largest_remainder({"x": Fraction(416), "y": Fraction(338), "z": Fraction(246)}, 10)
    assert found == Split({"x": 4, "y": 3, "z": 3})
    assert largest_remainder({"x": Fraction(0)}, 3) == Split({"x": 0})


# ---- why not ----


def test_dr_26_a_conflict_is_told_with_a_minimal_set_of_rules_and_in_both_languages() -> None:
    members: Facts = {id: {"frontline": id == "d", "head": id in "ab", "trade": "nets"} for id in "abcd"}
    front, nets = (
        rule("front", fits("frontline"), ">=", "50%"),
        rule("nets", fits("trade", "nets"), ">=", "50%"),
    )
    heads = rule("heads", fits("head"), "<=", "100%")
    world = chosen_from(members, MARKS, 4, exact=True, shares=[heads, nets, front])
    conflict = held(world).conflict
    assert conflict is not None
    assert conflict.rules == ("front",)
    [missing] = conflict.missing
    assert missing.en == "front needs 1 more (has 1, required 2)"
    assert missing.zh == "front 还差 1 名（现 1，要求 2）"


def test_dr_26_seats_kept_empty_are_explained_beside_the_list() -> None:
    members: Facts = {id: {"frontline": id == "d"} for id in "abcd"}
    world = chosen_from(members, MARKS, 4, shares=[rule("front", fits("frontline"), ">=", "50%")])
    assert made(world).selected == ("a", "d")
    vacancy = made(world).vacancy
    assert vacancy is not None
    assert vacancy.rules == ("front",)


# ---- grades and titles: DR-33 ----


def titles(world: World) -> list[tuple[str, str]]:
    for body in (Decide(step="decision"), Confer(step="conferral")):
        world.open_step(body.step)
        for person in (COUNCIL, COUNCIL_2):
            world.at(body, person)
    return [
        (one.nomination, one.title)
        for event in world.events(world.round_stream(), TitlesConferred)
        for one in event.conferred
    ]


def graded(members: Facts, *grades: dict[str, Any]) -> World:
    marks = {id: str(99 - place) for place, id in enumerate(members)}
    after = step("decision", body="council"), step("conferral", body="council", grades=list(grades))
    return chosen_from(members, marks, len(members), *after)


def test_two_grades_share_out_one_field_dr_33() -> None:
    """巴渝工匠年度人物: 10 and 70 of one field (S4)."""
    names_ = [f"m{place:02d}" for place in range(80)]
    world = one_field(names_)
    given = titles(world)
    assert [id for id, title in given if title == "gold_pilot"] == names_[:10]
    assert [id for id, title in given if title == "pilot"] == names_[10:]


def one_field(ids: list[str]) -> World:
    intake = INTAKE | {"quota": len(ids)}
    world = one_level(
        panel(),
        choice(len(ids)),
        step("decision", body="council"),
        step(
            "conferral",
            body="council",
            grades=[{"title": "gold_pilot", "seats": 10}, {"title": "pilot", "seats": 70}],
        ),
        intake=intake,
    )
    for id in ids:
        world.submit(id)
    world.close_intake()
    world.begin()
    judged(world, {id: str(99 - place) for place, id in enumerate(ids)})
    world.open_step("selection")
    return world


def test_a_grade_may_be_for_one_category_alone_dr_33() -> None:
    members: Facts = {"a": {"trade": "boats"}, "b": {"trade": "nets"}, "c": {"trade": "boats"}}
    world = graded(
        members,
        {"title": "gold_pilot", "who": fits("trade", "nets"), "seats": 1},
        {"title": "pilot", "who": fits("trade", "boats")},
    )
    assert titles(world) == [("b", "gold_pilot"), ("a", "pilot"), ("c", "pilot")]


def test_titles_that_exclude_each_other_are_never_held_together_dr_33() -> None:
    grades = [{"title": "gold_pilot", "seats": 1, "also": True}, {"title": "pilot", "seats": 1}]
    world = graded({"a": {}, "b": {}}, *grades)
    assert titles(world) == [("a", "gold_pilot"), ("a", "pilot")]
    world = graded({"a": {}, "b": {}}, *grades)
    excluding = [
        one.model_copy(update={"exclusive_with": ("gold_pilot",)} if one.id == "pilot" else {})
        for one in world.programme.titles
    ]
    world.programme = world.programme.model_copy(update={"titles": tuple(excluding)})
    assert titles(world) == [("a", "gold_pilot"), ("b", "pilot")]
