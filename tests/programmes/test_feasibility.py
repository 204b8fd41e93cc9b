"""DR-25: floors and caps that cannot hold together are found from the rules alone."""

from fractions import Fraction

import pytest

from schemas.feasibility import Clash, clashes
from schemas.programme import Fact, Predicate, Selection, ShareRule, Weight
from schemas.values import Label

FACTS = {
    "years": Fact(type="integer", label=Label(zh="年数")),
    "born_on": Fact(type="date", label=Label(zh="出生")),
    "frontline": Fact(type="boolean", label=Label(zh="一线")),
    "sector": Fact(type="choice", label=Label(zh="行业"), of=("boats", "docks", "nets")),
}
Value = int | bool | str | tuple[str, ...]


def rule(
    name: str, fact: str, op: str, value: Value, bound: str, share: str, base: str = "list"
) -> ShareRule:
    who = Predicate.model_validate({"id": "who", "fact": fact, "op": op, "value": value})
    return ShareRule.model_validate({"id": name, "who": who, "op": bound, "share": share, "base": base})


def found(seats: int, *rules: ShareRule, exact: bool = False) -> list[Clash]:
    weights = (Weight(component="expert", share=Fraction(1)),)
    return list(clashes(Selection(id="s", seats=seats, exact=exact, weights=weights, shares=rules), FACTS))


def test_floors_over_classes_that_overlap_may_exceed_the_whole() -> None:
    assert (
        found(
            10,
            rule("a", "frontline", "==", True, ">=", "60%"),
            rule("b", "sector", "==", "nets", ">=", "60%"),
        )
        == []
    )
    assert (
        found(10, rule("a", "years", ">=", 10, ">=", "60%"), rule("b", "years", "<", 20, ">=", "60%")) == []
    )


@pytest.mark.parametrize(
    ("fact", "one", "other"),
    [
        ("frontline", ("==", True), ("!=", True)),
        ("sector", ("in", ("boats", "docks")), ("==", "nets")),
        ("sector", ("not_in", ("nets",)), ("==", "nets")),
        ("years", (">=", 20), ("<", 20)),
        ("years", (">", 10), ("<=", 10)),
        ("years", ("==", 3), (">", 3)),
        ("born_on", ("<", "1990-01-01"), (">=", "1990-01-01")),
    ],
)
def test_floors_over_classes_that_exclude_each_other_keep_within_the_whole(
    fact: str, one: tuple[str, Value], other: tuple[str, Value]
) -> None:
    floors = [rule("a", fact, *one, ">=", "60%"), rule("b", fact, *other, ">=", "41%")]
    assert found(100, *floors) == [Clash("floors_exceed_whole", ("a", "b"), "101%")]
    assert found(100, floors[0], rule("b", fact, *other, ">=", "40%")) == []


def test_the_smallest_set_of_floors_is_named() -> None:
    floors = [
        rule(f"f{sector}", "sector", "==", sector, ">=", "40%") for sector in ("boats", "docks", "nets")
    ]
    assert found(100, *floors) == [Clash("floors_exceed_whole", ("fboats", "fdocks", "fnets"), "120%")]


def test_floors_are_rounded_up_to_whole_seats() -> None:
    """Two halves of an odd number of seats, rounded up, are one too many; of an even number they are not."""
    halves = [rule("a", "frontline", "==", value, ">=", "1/2", "seats") for value in (True, False)]
    halves = [halves[0], halves[1].model_copy(update={"id": "b"})]
    assert found(3, *halves) == [Clash("floors_exceed_seats", ("a", "b"), "4 > 3")]
    assert found(4, *halves) == []


def test_a_list_that_may_stay_short_is_refused_only_if_no_length_fits() -> None:
    halves = [rule(name, "frontline", "==", name == "a", ">=", "1/2") for name in ("a", "b")]
    assert found(3, *halves) == []
    assert found(1, *halves) == [Clash("floors_exceed_seats", ("a", "b"), "2 > 1")]
    assert found(3, *halves, exact=True) == [Clash("floors_exceed_seats", ("a", "b"), "4 > 3")]


def test_a_floor_within_a_cap_keeps_under_it() -> None:
    cap = rule("cap", "sector", "in", ("boats", "docks"), "<=", "30%")
    assert found(10, cap, rule("floor", "sector", "==", "boats", ">=", "31%")) == [
        Clash("floor_over_cap", ("floor", "cap"), "31% > 30%")
    ]
    assert found(10, cap, rule("floor", "sector", "==", "boats", ">=", "30%")) == []
    assert found(10, cap, rule("floor", "sector", "==", "nets", ">=", "31%")) == []


def test_caps_that_leave_nobody_out_allow_everybody_together_dr_25() -> None:
    caps = [rule(f"c{one}", "sector", "==", one, "<=", "30%") for one in ("boats", "docks", "nets")]
    assert found(10, *caps) == [Clash("caps_below_whole", ("cboats", "cdocks", "cnets"), "90%")]
    assert found(10, *caps[:2]) == []
    assert found(10, *caps[:2], caps[2].model_copy(update={"share": Fraction(2, 5)})) == []
    assert found(10, *(one.model_copy(update={"base": "seats"}) for one in caps)) == []


def test_floors_of_the_list_and_of_the_seats_are_compared_dr_25() -> None:
    """A list of n has 60 % of n beside 6 of 10 seats: n would be 15 at least; with 4 seats for the others 10 do."""
    of_list = rule("a", "frontline", "==", True, ">=", "60%")
    assert found(10, of_list, rule("b", "frontline", "==", False, ">=", "60%", "seats")) == [
        Clash("floors_exceed_whole", ("a", "b"), "120%")
    ]
    assert found(10, of_list, rule("b", "frontline", "==", False, ">=", "4/10", "seats")) == []
    of_half = rule("a", "frontline", "==", True, ">=", "50%")
    assert found(3, of_half, rule("b", "frontline", "==", False, ">=", "1/2", "seats")) == [
        Clash("floors_exceed_seats", ("a", "b"), "4 > 3")
    ]


def test_rules_of_other_bases_are_not_compared() -> None:
    of_public_bodies = rule("b", "frontline", "==", False, ">=", "60%", "public_bodies")
    assert found(10, rule("a", "frontline", "==", True, ">=", "60%"), of_public_bodies) == []
