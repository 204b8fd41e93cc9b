"""审定 and 命名 (DR-32, DR-33), and what flows upward (DR-03): titles, reserves, cut-offs."""

from typing import Any

import pytest

from domain.nomination import Status
from domain.round import run_of
from schemas import names
from schemas.commands import (
    CloseStepEarly,
    Confer,
    Decide,
    Disqualify,
    FileObjection,
    FreezePool,
    OpenRound,
    Removal,
    ReplyClearance,
    ReportRound,
    ResolveTie,
    WaiveRules,
    Withdraw,
)
from schemas.errors import Conflict
from schemas.events import DecisionTaken, Dropped, StepHeld, TitlesConferred
from schemas.units import UnitTree
from tests.domain.specification import (
    COUNCIL,
    COUNCIL_2,
    INTAKE,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    STRANGER,
    TAX,
    World,
    choice,
    declared,
    judged,
    one_level,
    panel,
    refused,
    step,
    with_members,
)

GRADES = [{"title": "gold_pilot", "seats": 1, "also": True}, {"title": "pilot", "seats": 2}]


def decided(*grades: dict[str, Any]) -> World:
    world = with_members(
        panel(),
        choice(3),
        step("decision", body="council"),
        step("conferral", body="council", grades=list(grades or GRADES)),
        members=["a", "b", "c"],
    )
    judged(world, {"a": "70", "b": "90", "c": "80"})
    world.open_step("selection")
    world.open_step("decision")
    return world


def by_two(world: World, body: Decide | Confer, unit: str = "") -> None:
    world.at(body, COUNCIL, unit)
    world.at(body, COUNCIL_2, unit)


def conferring(*grades: dict[str, Any]) -> World:
    world = decided(*grades)
    by_two(world, Decide(step="decision"))
    world.open_step("conferral")
    return world


def titles(world: World, unit: str = "") -> list[tuple[str, str, str]]:
    return [
        (one.nomination, one.title, one.certificate)
        for event in world.events(world.round_stream(unit), TitlesConferred)
        for one in event.conferred
    ]


# ---- the decision: DR-32 ----


def test_the_body_removes_with_a_reason_but_never_adds_dr_32() -> None:
    world = decided()
    stranger = Decide(step="decision", remove=(Removal(nomination="z", reason="r"),))
    refused("NOT_ON_LIST", lambda: world.at(stranger, COUNCIL))
    by_two(world, Decide(step="decision", remove=(Removal(nomination="c", reason="待查"),)))
    [taken] = world.events(world.round_stream(), DecisionTaken)
    assert taken.confirmed == ("b", "a")
    assert taken.removed == (Dropped(nomination="c", reason="待查"),)
    assert list(world.round().members) == ["b", "a"]
    assert world.nomination("c").status is Status.ELIMINATED


def test_only_the_named_body_decides_and_two_of_it_dr_32_dr_44() -> None:
    world = decided()
    refused("NOT_AUTHORISED", lambda: world.at(Decide(step="decision"), OPERATOR))
    world.at(Decide(step="decision"), COUNCIL)
    refused("SECOND_PERSON_REQUIRED", lambda: world.at(Decide(step="decision"), COUNCIL))
    assert run_of(world.round(), "decision").taken is False
    other = Decide(step="decision", remove=(Removal(nomination="c", reason="r"),))
    world.at(other, COUNCIL_2)
    assert run_of(world.round(), "decision").taken is False
    world.at(Decide(step="decision"), COUNCIL_2)
    assert run_of(world.round(), "decision").taken


def test_a_member_who_left_the_body_is_none_of_the_two_dr_44() -> None:
    world = decided()
    world.at(Decide(step="decision"), COUNCIL)
    world.revoke(COUNCIL)
    world.at(Decide(step="decision"), COUNCIL_2)
    assert run_of(world.round(), "decision").taken is False
    refused("SECOND_PERSON_REQUIRED", lambda: world.at(Decide(step="decision"), COUNCIL_2))


def test_time_alone_neither_confirms_nor_confers_dr_32() -> None:
    world = decided()
    world.pass_window("decision")
    assert run_of(world.round(), "decision").held == "DECISION_OVERDUE"
    by_two(world, Decide(step="decision"))
    world.open_step("conferral")
    world.pass_window("conferral")
    assert run_of(world.round(), "conferral").held == "CONFERRAL_OVERDUE"
    by_two(world, Confer(step="conferral"))
    assert run_of(world.round(), "conferral").closed_at == world.now


def test_whoever_withdrew_is_neither_confirmed_nor_conferred_dr_37() -> None:
    world = decided()
    world.withdraw("b")
    by_two(world, Decide(step="decision"))
    world.open_step("conferral")
    world.withdraw("c")
    by_two(world, Confer(step="conferral"))
    assert [one[0] for one in titles(world)] == ["a", "a"]
    assert world.nomination("b").status is Status.WITHDRAWN


# ---- the conferral: DR-33 ----


ASIDE = WaiveRules(step="conferral", rules=("front",), reason="测试·会议研究")


CONFERRAL = step("conferral", body="council", grades=GRADES)


def half_from_the_line(*between: dict[str, Any], last: dict[str, Any] = CONFERRAL) -> World:
    """Two on the list of a last step, of whom one keeps the rule that half are from the front line."""
    front = {"id": "on_the_line", "fact": "frontline", "op": "==", "value": True}
    half = {"id": "front", "who": front, "op": ">=", "share": "1/2"}
    world = with_members(
        panel(),
        choice(2, shares=[half]),
        *between,
        last,
        members={"a": {"frontline": True}, "b": {"frontline": False}},
    )
    judged(world, {"a": "70", "b": "90"})
    world.open_step("selection")
    return world


def test_a_list_that_lost_a_share_rule_is_conferred_only_where_two_people_set_it_aside_dr_25() -> None:
    world = half_from_the_line()
    world.open_step("conferral")
    refused("NOT_FOUND", lambda: world.at(ASIDE.model_copy(update={"rules": ("x",)}), OPERATOR))
    world.withdraw("a")
    assert (
        refused("RULES_BROKEN", lambda: world.at(Confer(step="conferral"), COUNCIL)).facts["rules"] == "front"
    )
    world.at(ASIDE, OPERATOR)
    refused("RULES_BROKEN", lambda: world.at(Confer(step="conferral"), COUNCIL))
    world.at(ASIDE, OPERATOR_2)
    by_two(world, Confer(step="conferral"))
    assert {one[0] for one in titles(world)} == {"b"}


def test_a_rule_that_the_list_loses_with_those_left_out_as_held_is_set_aside_too_dr_25_dr_28() -> None:
    world = half_from_the_line(step("publicity"))
    a_is_held_past_publicity(world)
    world.open_step("conferral")
    without = Confer(step="conferral", leave_out_held=True)
    refused("RULES_BROKEN", lambda: world.at(without, COUNCIL))
    by_operators(world, ASIDE)
    by_two(world, without)
    assert {one[0] for one in titles(world)} == {"b"}


def test_a_list_that_lost_a_share_rule_is_not_recommended_until_two_people_set_it_aside_dr_25() -> None:
    world = half_from_the_line(last=step("publicity"))
    world.open_step("publicity")
    world.withdraw("a")
    world.pass_window("publicity")
    assert run_of(world.round(), "publicity").held == "RULES_BROKEN"
    assert world.close_step("publicity") == ()
    early = CloseStepEarly(step="publicity", reason="测试")
    assert refused("RULES_BROKEN", lambda: world.at(early, OPERATOR)).facts["rules"] == "front"
    aside = ASIDE.model_copy(update={"step": "publicity"})
    refused("NOT_FOUND", lambda: world.at(aside.model_copy(update={"rules": ("x",)}), OPERATOR))
    by_operators(world, aside)
    world.close_step("publicity")
    world.report()
    reported = world.round().reported
    assert reported is not None
    assert reported.recommended == ("b",)


def test_a_list_that_loses_a_rule_after_its_last_step_is_not_recommended_either_dr_25() -> None:
    world = half_from_the_line(last=step("publicity"))
    world.open_step("publicity")
    world.pass_window("publicity")
    aside = ASIDE.model_copy(update={"step": "publicity"})
    world.withdraw("a")
    [held] = world.report()
    assert isinstance(held, StepHeld)
    assert (held.code, held.detail, world.report()) == ("RULES_BROKEN", "front", ())
    by_operators(world, aside)
    world.report()
    reported = world.round().reported
    assert reported is not None
    assert reported.recommended == ("b",)
    refused("STAGE_CLOSED", lambda: world.at(aside, OPERATOR))


def test_nor_is_one_that_loses_it_by_the_tally_of_a_last_vote_dr_25() -> None:
    world = half_from_the_line(last=step("public_vote", limits={"per_day": 1}))
    world.open_step("public_vote")
    world.pass_window("public_vote")
    world.withdraw("a")
    world.seal("public_vote", {"a": 1, "b": 2})
    [held] = world.report()
    assert isinstance(held, StepHeld)
    by_operators(world, ASIDE.model_copy(update={"step": "public_vote"}))
    assert [type(one).__name__ for one in world.report()][-1] == "RoundReported"


def test_a_report_and_who_leaves_the_list_never_miss_each_other_dr_25() -> None:
    world = half_from_the_line(last=step("public_vote", limits={"per_day": 1}))
    world.open_step("public_vote")
    world.pass_window("public_vote")
    world.seal("public_vote", {"a": 1, "b": 2})
    reporting = world.command(world.round_stream(), ReportRound())
    whole = world.decide(reporting)
    world.withdraw("a")
    refused("WRONG_EXPECTED_HEAD", lambda: world.write(reporting, whole))
    broken = world.decide(reporting)
    assert [type(one) for one in broken.events] == [StepHeld]
    world.withdraw("b")
    refused("WRONG_EXPECTED_HEAD", lambda: world.write(reporting, broken))


def test_a_list_that_lost_a_rule_before_an_earlier_step_closes_waits_for_the_last_dr_25() -> None:
    world = half_from_the_line(step("publicity"))
    world.open_step("publicity")
    world.withdraw("a")
    world.pass_window("publicity")
    assert run_of(world.round(), "publicity").closed_at == world.now


def test_a_body_with_the_last_word_removes_whom_a_rule_needs_once_it_is_set_aside_dr_25_dr_32() -> None:
    world = half_from_the_line(last=step("decision", body="council"))
    world.open_step("decision")
    removing = Decide(step="decision", remove=(Removal(nomination="a", reason="测试"),))
    refused("RULES_BROKEN", lambda: world.at(removing, COUNCIL))
    by_operators(world, ASIDE.model_copy(update={"step": "decision"}))
    by_two(world, removing)
    assert list(world.round().members) == ["b"]


def test_a_rule_that_the_last_step_itself_takes_from_the_list_is_set_aside_too_dr_25() -> None:
    world = half_from_the_line(last=step("clearance", departments=["tax"]))
    world.open_step("clearance")
    for id, outcome in (("a", "object"), ("b", "clear")):
        said = {"step": "clearance", "department": "tax", "nomination": id, "outcome": outcome}
        world.at(ReplyClearance.model_validate(said), TAX)
    world.close_step("clearance")
    assert (run_of(world.round(), "clearance").held, list(world.round().members)) == (
        "RULES_BROKEN",
        ["b", "a"],
    )
    by_operators(world, ASIDE.model_copy(update={"step": "clearance"}))
    world.close_step("clearance")
    assert list(world.round().members) == ["b"]


def test_whom_a_last_word_leaves_out_as_held_keeps_no_rule_dr_25_dr_28() -> None:
    world = half_from_the_line(step("publicity"), last=step("decision", body="council"))
    a_is_held_past_publicity(world)
    world.open_step("decision")
    refused("RULES_BROKEN", lambda: world.at(Decide(step="decision"), COUNCIL))
    by_operators(world, ASIDE.model_copy(update={"step": "decision"}))
    by_two(world, Decide(step="decision"))
    assert list(world.round().members) == ["b"]


def a_is_held_past_publicity(world: World) -> None:
    world.open_step("publicity")
    filed = FileObjection(
        objection="o1", round=world.round_stream(), entry="x", commitment="0", ground="deeds"
    )
    world.on("a", filed, STRANGER)
    world.pass_window("publicity")


def by_operators(world: World, body: WaiveRules) -> None:
    world.at(body, OPERATOR)
    world.at(body, OPERATOR_2)


def test_titles_go_down_the_list_with_numbers_without_a_gap_dr_33() -> None:
    world = conferring()
    refused("NOT_AUTHORISED", lambda: world.at(Confer(step="conferral"), OPERATOR))
    world.at(Confer(step="conferral"), COUNCIL)
    refused("SECOND_PERSON_REQUIRED", lambda: world.at(Confer(step="conferral"), COUNCIL))
    world.at(Confer(step="conferral"), COUNCIL_2)
    assert titles(world) == [
        ("b", "gold_pilot", "harbour-1-9-0001"),
        ("b", "pilot", "harbour-1-9-0002"),
        ("c", "pilot", "harbour-1-9-0003"),
    ]
    assert world.round().out["a"] == ("conferral", "NO_GRADE_LEFT")
    assert world.nomination("b").titles == ("gold_pilot", "pilot")
    assert {world.nomination(id).status for id in "bc"} == {Status.CONFERRED}
    refused("STAGE_CLOSED", lambda: world.at(Confer(step="conferral"), COUNCIL))
    world.report()
    reported = world.round().reported
    assert reported is not None
    assert reported.conferred == 3


def test_without_also_a_person_holds_one_grade_dr_33() -> None:
    world = conferring({"title": "gold_pilot", "seats": 1}, {"title": "pilot"})
    by_two(world, Confer(step="conferral"))
    assert [one[:2] for one in titles(world)] == [("b", "gold_pilot"), ("c", "pilot"), ("a", "pilot")]


def equals(*grades: dict[str, Any]) -> World:
    """Four in line of whom `b` and `c` share the second place, at the conferral."""
    world = with_members(
        panel(),
        choice(4),
        step("conferral", body="council", grades=list(grades)),
        members=["a", "b", "c", "d"],
    )
    judged(world, {"a": "90", "b": "80", "c": "80", "d": "70"})
    world.open_step("selection")
    world.open_step("conferral")
    return world


def test_a_person_orders_equals_between_two_grades_dr_17_dr_33() -> None:
    world = equals({"title": "gold_pilot", "seats": 2}, {"title": "pilot"})
    assert run_of(world.round(), "conferral").held == "TIE_UNRESOLVED"
    assert run_of(world.round(), "conferral").tied == ("b", "c")
    tied = refused("TIE_UNRESOLVED", lambda: world.at(Confer(step="conferral"), COUNCIL))
    assert tied.facts == {"nominations": "b, c"}
    order = ResolveTie(step="conferral", order=("c", "a"), reason="会议研究")
    refused("TIE_NOT_COVERED", lambda: world.at(order, OPERATOR))
    whole = ResolveTie(step="conferral", order=("c", "b"), reason="会议研究")
    world.at(whole, OPERATOR)
    refused("NOTHING_TO_RESOLVE", lambda: world.at(whole, OPERATOR))
    by_two(world, Confer(step="conferral"))
    assert [one[:2] for one in titles(world)] == [
        ("a", "gold_pilot"), ("c", "gold_pilot"), ("b", "pilot"), ("d", "pilot")
    ]  # fmt: skip


def test_equals_within_a_grade_wait_for_nobody_dr_17() -> None:
    world = equals({"title": "gold_pilot", "seats": 1}, {"title": "pilot", "seats": 2}, {"title": "helper"})
    assert run_of(world.round(), "conferral").held == ""
    by_two(world, Confer(step="conferral"))
    assert [one[1] for one in titles(world)] == ["gold_pilot", "pilot", "pilot", "helper"]


def test_equals_whom_a_withdrawal_brings_to_the_line_are_ordered_then_dr_17_dr_37() -> None:
    world = equals({"title": "gold_pilot", "seats": 1}, {"title": "pilot"})
    world.withdraw("a")
    refused("TIE_UNRESOLVED", lambda: world.at(Confer(step="conferral"), COUNCIL))
    world.at(ResolveTie(step="conferral", order=("c", "b"), reason="会议研究"), OPERATOR)
    by_two(world, Confer(step="conferral"))
    assert [one[:2] for one in titles(world)] == [("c", "gold_pilot"), ("b", "pilot"), ("d", "pilot")]


@pytest.mark.parametrize(
    "leaving", [Withdraw(reason="r"), Disqualify(reason="r")], ids=lambda body: body.kind
)
def test_whom_the_round_has_conferred_does_not_leave_before_hearing_of_it_dr_37(leaving) -> None:
    world = conferring({"title": "pilot"})
    world.delivers = False
    stream = names.nomination_stream(World.cycle, "a")
    earlier = world.command(stream, leaving, OPERATOR if leaving.kind == "disqualify" else OFFICER)
    decided = world.decide(earlier)
    by_two(world, Confer(step="conferral"))
    refused("NOMINATION_OVER", lambda: world.on("a", leaving, earlier.actor))
    with pytest.raises(Conflict, match="WRONG_EXPECTED_HEAD"):
        world.write(earlier, decided)
    world.deliver()
    assert world.nomination("a").status is Status.CONFERRED
    refused("NOMINATION_OVER", lambda: world.on("a", leaving, earlier.actor))


def test_a_title_from_below_does_not_keep_its_holder_from_withdrawing_later_dr_37() -> None:
    world = two_levels()
    county_done(world)
    world.withdraw("a")
    assert (world.nomination("a").status, world.nomination("a").titles) == (Status.WITHDRAWN, ("helper",))


# ---- upward: DR-03 ----

PERIOD = {"days": 3, "unit": "work_day"}


def two_levels() -> World:
    """A county that confers a title, and a province that takes only those who hold it."""
    county = [
        INTAKE,
        panel(),
        choice(2, reserve=1),
        step("conferral", body="council", grades=[{"title": "helper", "seats": 1}]),
    ]
    stages = {
        "county": {"steps": county},
        "province": {
            "pool": {"holder_of": ["helper"]},
            "reports_within": {"days": 30, "unit": "work_day"},
            "steps": [step("endorsement")],
        },
    }
    tree = {
        "root": "9",
        "units": [
            {"code": "9", "name": "测试省", "rank": "province"},
            {"code": "901", "parent": "9", "name": "测试县甲", "rank": "county"},
            {"code": "902", "parent": "9", "name": "测试县乙", "rank": "county"},
        ],
    }
    programme = declared([{"id": "river", "ranks": ["county", "province"]}], stages)
    world = World(programme, UnitTree.model_validate(tree)).open()
    for id, unit in {"a": "901", "b": "901", "c": "901", "x": "902"}.items():
        world.submit(id, unit)
    world.close_intake()
    world.at(OpenRound())
    return world


def county_done(world: World) -> None:
    world.begin("901")
    judged(world, {"a": "90", "b": "80", "c": "70"}, unit="901")
    world.open_step("selection", "901")
    world.open_step("conferral", "901")
    by_two(world, Confer(step="conferral"), "901")
    world.report("901")


def test_a_parent_waits_for_those_with_work_and_has_a_day_by_which_they_must_report() -> None:
    opened = two_levels().round().opened
    assert opened is not None
    children = [names.round_stream(World.cycle, "river", unit) for unit in ("901", "902")]
    assert list(opened.children) == children
    assert opened.reports_due is not None


def test_the_pool_is_who_holds_the_title_and_the_rest_is_told_why_not_dr_03() -> None:
    world = two_levels()
    county_done(world)
    world.begin("902")
    world.at(FreezePool())
    assert list(world.round().members) == ["a"]
    statuses = {id: (world.nomination(id).status, world.nomination(id).reason) for id in "bcx"}
    assert statuses == {
        "b": (Status.ELIMINATED, "NO_GRADE_LEFT"),
        "c": (Status.ELIMINATED, "RESERVE_LAPSED"),
        "x": (Status.ELIMINATED, "ROUND_LAPSED"),
    }
    assert world.nomination("a").level == 1
    assert world.nomination("a").round == world.round_stream()


def test_a_title_counts_before_its_message_has_arrived_dr_03() -> None:
    world = two_levels()
    world.delivers = False
    county_done(world)
    assert world.nomination("a").titles == ()
    world.at(FreezePool())
    assert list(world.round().members) == ["a"]


def test_a_pool_of_title_holders_drops_whoever_has_none_dr_03() -> None:
    world = one_level(pool={"holder_of": ["pilot"]})
    world.submit("a")
    world.close_intake()
    world.begin()
    assert world.round().out == {"a": ("pool", "NOT_IN_POOL")}
    assert world.nomination("a").status is Status.ELIMINATED


def test_a_pool_is_frozen_once_dr_03() -> None:
    world = two_levels()
    county_done(world)
    world.at(FreezePool())
    assert world.at(FreezePool()) == ()


def test_the_reserve_of_the_summit_lapses_with_its_report() -> None:
    world = with_members(panel(), choice(1, reserve=1), members=["a", "b"])
    judged(world, {"a": "90", "b": "80"})
    world.open_step("selection")
    world.report()
    assert world.round().out == {"b": ("report", "RESERVE_LAPSED")}
    assert world.nomination("b").status is Status.ELIMINATED
