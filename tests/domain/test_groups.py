"""Judging in groups (分组评审): each part of a panel judges its own field, and a severe one costs nobody their place."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import conduct, lots
from domain.audit.explain import explain
from domain.audit.explained import ReviewTold
from domain.audit.otherwise import Changes, Course, otherwise
from domain.audit.robustness import robustness
from domain.audit.sealing import Sealing
from domain.review import marked_by
from domain.round import run_of
from schemas import names
from schemas.commands import (
    CloseStepEarly,
    Command,
    DeclareTies,
    DrawPanel,
    EnterSheet,
    ExtendStep,
    FormPanel,
    GroupJudges,
    GroupPlace,
    HandInSheet,
    ReplaceJudge,
    Tie,
    WrittenMark,
)
from schemas.events import (
    GrantTerms,
    JudgeRecused,
    Lot,
    MembersOut,
    PanelClosed,
    PanelDrawn,
    PanelFormed,
    PanelResult,
    SessionInvalidated,
    SheetHandedIn,
    StepClosed,
)
from schemas.ledger import Actor, HeadIs
from schemas.programme import ExpertReview, Rank
from tests.domain.audit.logged import logged
from tests.domain.specification import (
    DAY,
    INTAKE,
    JUDGES,
    KEEPERS,
    OPERATOR,
    OPERATOR_2,
    SPARE_JUDGE,
    WORK_DAYS,
    World,
    by_criteria,
    choice,
    panel,
    refused,
    step,
    two_levels,
    with_members,
)

STEP = "expert_review"
ONE, TWO, THREE, FOUR = (*JUDGES, SPARE_JUDGE)
TRADES = {"a": "boats", "b": "boats", "c": "nets", "d": "nets"}
FACTS: dict[str, dict[str, Any]] = {id: {"trade": trade} for id, trade in TRADES.items()}
BY_TRADE = {"fact": "trade"}


def in_groups(normalise: str | None = None, **said: Any) -> dict[str, Any]:
    """Two judges a group, of whom one is no quorum."""
    return panel(panel_size=2, groups=BY_TRADE | {"normalise": normalise}, **said)


def named(*groups: tuple[str, Actor, Actor], places: dict[str, str] | None = None) -> FormPanel:
    return FormPanel(
        step=STEP,
        groups=tuple(GroupJudges(group=group, judges=(one.id, two.id)) for group, one, two in groups),
        places=tuple(GroupPlace(nomination=id, group=group) for id, group in (places or {}).items()),
    )


EACH_ITS_OWN = named(("boats", ONE, TWO), ("nets", THREE, FOUR))


def formed(world: World, form: FormPanel = EACH_ITS_OWN) -> World:
    world.open_step(STEP)
    world.at(form, OPERATOR)
    return world


def judging(*after: dict[str, Any], normalise: str | None = None, **said: Any) -> World:
    return formed(with_members(in_groups(normalise, **said), *after, members=FACTS))


def mark(world: World, *judges: Actor, **marks: str) -> None:
    for judge in judges:
        world.sheet(judge, STEP, marks)


def closed(world: World) -> PanelClosed:
    """The latest version's."""
    found: PanelClosed = world.events(world.round_stream(), PanelClosed)[-1]
    return found


def results(world: World) -> dict[str, PanelResult]:
    return {one.nomination: one for one in closed(world).results}


def values(world: World) -> dict[str, Fraction]:
    return {id: one.value for id, one in results(world).items()}


# ---- forming ----


def test_each_group_is_judged_by_its_own_part_of_the_panel_dr_13() -> None:
    world = judging()
    mark(world, ONE, TWO, a="80", b="90")
    mark(world, THREE, a="80", c="60", d="70")
    mark(world, FOUR, c="50", d="70")
    [last] = [one for one in world.events(world.round_stream(), SheetHandedIn) if one.judge == THREE.id]
    assert [(one.nomination, one.reason) for one in last.refused] == [("a", "NOT_IN_GROUP")]
    world.close_step(STEP)
    assert values(world) == {"a": 80, "b": 90, "c": 55, "d": 70}
    assert {id: one.group for id, one in results(world).items()} == TRADES
    told = closed(world).groups
    assert told is not None
    assert [(one.group, one.present, one.entitled) for one in told] == [("boats", 2, 2), ("nets", 2, 2)]


def test_a_sheet_of_nobody_in_one_s_group_is_refused_dr_13_dr_14() -> None:
    world = judging()
    assert refused("NOT_IN_GROUP", lambda: mark(world, ONE, c="80")).facts["actor"] == ONE.id
    typed = formed(with_members(in_groups(scorekeepers=2), members=FACTS))
    entry = EnterSheet(step=STEP, judge=ONE.id, marks=(WrittenMark(nomination="c", score="80"),))
    refused("NOT_IN_GROUP", lambda: typed.at(entry, KEEPERS[0]))
    assert marked_by(world.round(), STEP, ONE.id) == ("a", "b")
    assert marked_by(world.round(), STEP, FOUR.id) == ("c", "d")


def test_one_judge_may_sit_in_several_groups_dr_13() -> None:
    world = formed(with_members(in_groups(), members=FACTS), named(("boats", ONE, TWO), ("nets", TWO, THREE)))
    mark(world, ONE, a="80", b="80")
    mark(world, TWO, a="60", b="60", c="40")
    mark(world, THREE, c="80", d="80")
    assert world.close_step(STEP) == ()  # the second judge still owes a mark of d
    mark(world, TWO, d="40")
    world.close_step(STEP)
    assert values(world) == {"a": 70, "b": 70, "c": 60, "d": 60}
    assert closed(world).entitled == 3


def test_a_group_without_members_asks_for_nobody_dr_13() -> None:
    boats = {id: {"trade": "boats"} for id in ("a", "b")}
    world = with_members(in_groups(), members=boats)
    world.open_step(STEP)
    refusal = refused("GROUPS_DIFFER", lambda: world.at(EACH_ITS_OWN, OPERATOR))
    assert (refusal.facts["wanted"], refusal.facts["named"]) == ("boats", "boats, nets")
    world.at(named(("boats", ONE, TWO)), OPERATOR)
    mark(world, ONE, TWO, a="80", b="90")
    world.close_step(STEP)
    assert values(world) == {"a": 80, "b": 90}


def test_a_group_whose_members_have_all_left_asks_for_nobody_either_dr_13_dr_15() -> None:
    world = judging()
    mark(world, ONE, TWO, a="80", b="90")
    world.withdraw("c")
    world.withdraw("d")
    world.pass_window(STEP)
    assert values(world) == {"a": 80, "b": 90}


def test_a_review_whose_members_have_all_left_is_over_without_a_panel_dr_15() -> None:
    for review in (in_groups(), in_groups(chaired=True), panel()):
        world = with_members(review, members=FACTS)
        world.open_step(STEP)
        for id in FACTS:
            world.withdraw(id)
        left, end = world.close_step(STEP)
        assert isinstance(left, MembersOut)
        assert end == StepClosed(step=STEP, how="complete")
        assert not world.events(world.round_stream(), SessionInvalidated)


def test_a_panel_is_named_group_by_group_with_its_size_in_each_dr_13() -> None:
    world = with_members(in_groups(), members=FACTS)
    world.open_step(STEP)
    whole = FormPanel(step=STEP, judges=(ONE.id, TWO.id))
    refused("GROUPS_DIFFER", lambda: world.at(whole, OPERATOR))
    refused("GROUPS_DIFFER", lambda: world.at(named(("boats", ONE, TWO)), OPERATOR))
    twice = named(("boats", ONE, TWO), ("boats", ONE, THREE), ("nets", THREE, FOUR))
    refused("GROUPS_DIFFER", lambda: world.at(twice, OPERATOR))
    same = named(("boats", ONE, TWO), ("nets", THREE, THREE))
    assert refused("GROUP_SIZE", lambda: world.at(same, OPERATOR)).facts == {
        "group": "nets",
        "needed": "2",
        "have": "1",
    }
    world.at(EACH_ITS_OWN, OPERATOR)
    assert world.at(EACH_ITS_OWN, OPERATOR) == ()
    refused("PANEL_FORMED", lambda: world.at(named(("boats", ONE, THREE), ("nets", TWO, FOUR)), OPERATOR))
    stranger = EACH_ITS_OWN.model_copy(update={"places": (GroupPlace(nomination="z", group="nets"),)})
    refused("PANEL_FORMED", lambda: world.at(stranger, OPERATOR))
    plain = with_members(panel(), members=FACTS)
    plain.open_step(STEP)
    refused("GROUPS_DIFFER", lambda: plain.at(EACH_ITS_OWN, OPERATOR))


def test_whom_the_fact_leaves_out_a_person_places_and_nobody_else_dr_09_dr_13() -> None:
    world = with_members(in_groups(), members=FACTS | {"e": {}})
    world.open_step(STEP)
    refusal = refused("GROUP_UNPLACED", lambda: world.at(EACH_ITS_OWN, OPERATOR))
    assert refusal.facts == {"fact": "trade", "nominations": "e"}
    groups = (("boats", ONE, TWO), ("nets", THREE, FOUR))
    for places in ({"e": "nets", "a": "nets"}, {"a": "nets"}):
        refused("GROUP_UNPLACED", lambda: world.at(named(*groups, places=places), OPERATOR))  # noqa: B023 -- called at once
    refused("GROUPS_DIFFER", lambda: world.at(named(*groups, places={"e": "ropes"}), OPERATOR))
    world.at(named(*groups, places={"e": "nets"}), OPERATOR)
    [event] = world.events(world.round_stream(), PanelFormed)
    assert event.groups is not None
    assert [(one.members, one.placed) for one in event.groups] == [
        (("a", "b"), ()),
        (("c", "d", "e"), ("e",)),
    ]
    refused("NOT_IN_GROUP", lambda: mark(world, ONE, e="80"))
    mark(world, THREE, e="80")


def test_groups_stand_on_their_members_facts_as_they_were_read_dr_13() -> None:
    world = with_members(in_groups(), members=FACTS)
    world.open_step(STEP)
    command = Command(
        id="form", stream=world.round_stream(), actor=OPERATOR, received_at=world.now, body=EACH_ITS_OWN
    )
    decision = conduct.decide(world.round(), command, EACH_ITS_OWN, world.inputs(command))
    heads = {guard.stream for guard in decision.guards if isinstance(guard, HeadIs)}
    assert heads == {names.nomination_stream(world.cycle, id) for id in FACTS}


def test_commands_of_panels_that_judge_as_a_whole_keep_their_hash_dr_45() -> None:
    form = FormPanel(step=STEP, judges=(ONE.id,)).model_dump(mode="json")
    draw = DrawPanel(step=STEP, seed="s", seed_source="r").model_dump(mode="json")
    assert sorted(form) == ["judges", "kind", "step"]
    assert sorted(draw) == ["kind", "seed", "seed_source", "step"]


# ---- quorum, thresholds, recusal ----


def test_a_group_without_its_quorum_holds_the_step_and_the_others_sessions_stand_dr_15() -> None:
    world = judging()
    mark(world, ONE, TWO, a="80", b="90")
    mark(world, THREE, c="60", d="70")
    early = CloseStepEarly(step=STEP, reason="测试")
    refusal = refused("QUORUM_UNMET", lambda: world.at(early, OPERATOR))
    assert refusal.facts == {"step": f"{STEP}/nets", "present": "1", "entitled": "2"}
    world.pass_window(STEP)
    run = run_of(world.round(), STEP)
    assert (run.held, set(run.sheets)) == ("QUORUM_UNMET", {ONE.id, TWO.id})
    [void] = world.events(world.round_stream(), SessionInvalidated)
    assert (void.group, void.present, void.entitled, void.judges) == ("nets", 1, 2, (THREE.id, FOUR.id))
    again = ExtendStep(step=STEP, closes_at=world.now + 5 * DAY, reason="测试·重新评审")
    for operator in (OPERATOR, OPERATOR_2):
        world.at(again, operator)
    mark(world, FOUR, c="60", d="70")
    assert world.close_step(STEP) == ()  # what was handed in before does not make this session quorate
    mark(world, THREE, c="60", d="70")
    world.close_step(STEP)
    assert values(world) == {"a": 80, "b": 90, "c": 60, "d": 70}


def test_of_a_group_s_invalid_session_its_judges_sheets_alone_stay_sealed_dr_14_dr_15() -> None:
    sealing = Sealing()
    sealing.note("r", 1, "SheetHandedIn", STEP, ONE.id)
    sealing.note("r", 2, "SheetHandedIn", STEP, THREE.id)
    sealing.note("r", 3, "SessionInvalidated", STEP, "", (THREE.id, FOUR.id))
    sealing.note("r", 4, "SheetHandedIn", STEP, THREE.id)
    assert {place.seq for place in sealing.sealed()} == {1, 2, 4}
    sealing.note("r", 5, "PanelClosed", STEP)
    assert {place.seq for place in sealing.sealed()} == {2}


def test_whoever_sits_in_two_groups_attends_those_of_which_they_marked_somebody_dr_15() -> None:
    world = formed(with_members(in_groups(), members=FACTS), named(("boats", ONE, TWO), ("nets", ONE, THREE)))
    mark(world, ONE, a="80", b="80")
    mark(world, TWO, a="80", b="80")
    mark(world, THREE, c="80", d="80")
    world.pass_window(STEP)
    [void] = world.events(world.round_stream(), SessionInvalidated)
    assert (void.group, void.present) == ("nets", 1)
    assert set(run_of(world.round(), STEP).sheets) == {TWO.id}  # the judge of both hands in anew


def test_a_threshold_is_of_the_group_and_the_recused_of_another_change_nothing_dr_13_dr_15() -> None:
    vote: dict[str, Any] = {
        "mode": "vote",
        "scale": None,
        "threshold": {"share": "1/2", "comparator": ">", "base": "entitled"},
    }
    world = judging(**vote)
    tie = Tie(judge=THREE.id, nomination="a", tie="kin")
    world.at(DeclareTies(step=STEP, ties=(tie,)), OPERATOR)
    for judge, marks in (
        (ONE, {"a": "approve", "b": "approve"}),
        (TWO, {"a": "approve", "b": "reject"}),
        (THREE, {"c": "approve", "d": "reject"}),
        (FOUR, {"c": "approve", "d": "approve"}),
    ):
        said = [WrittenMark.model_validate({"nomination": id, "vote": word}) for id, word in marks.items()]
        world.at(HandInSheet(step=STEP, marks=tuple(said)), judge)
    world.close_step(STEP)
    assert list(world.round().members) == ["a", "c"]  # two of two, and not two of four
    assert results(world)["a"].recused == 0


def test_scores_min_and_trim_are_of_the_group_dr_16() -> None:
    world = judging(scores_min=2)
    mark(world, ONE, a="80", b="80")
    mark(world, TWO, a="80")
    mark(world, THREE, FOUR, c="80", d="80")
    world.pass_window(STEP)
    run = run_of(world.round(), STEP)
    assert (run.held, run.tied) == ("SCORES_MISSING", ("b",))


def test_recusals_that_follow_from_grants_are_of_one_s_own_group_alone_dr_13() -> None:
    lowest = {"steps": [INTAKE]}
    world = two_levels(lowest, {"steps": [in_groups(), choice(1)]}, "901", "902")
    for id, unit in (("a", "901"), ("c", "901"), ("d", "902")):
        world.submit(id, unit, trade=TRADES[id])
    world.close_intake()
    for unit in ("901", "902"):
        world.begin(unit)
        world.report(unit)
    world.begin()
    world.grant(GrantTerms(id="home", person=ONE.id, role="officer", unit="901"))
    formed(world)
    recusals = world.events(world.round_stream(), JudgeRecused)
    assert [(one.judge, one.nomination) for one in recusals] == [(ONE.id, "a")]


# ---- one scale ----


SEVERE = {"a": "90", "b": "81", "c": "60", "d": "45"}


def severe(*after: dict[str, Any], **said: Any) -> World:
    world = judging(*after, **said)
    mark(world, ONE, TWO, a=SEVERE["a"], b=SEVERE["b"])
    mark(world, THREE, FOUR, c=SEVERE["c"], d=SEVERE["d"])
    world.close_step(STEP)
    return world


@pytest.mark.parametrize(
    ("normalise", "wanted"),
    [
        (None, {"a": 90, "b": 81, "c": 60, "d": 45}),
        ("top", {"a": 100, "b": 90, "c": 100, "d": 75}),
        ("rank", {"a": 100, "b": 50, "c": 100, "d": 50}),
        ("share", {"a": Fraction(9000, 171), "b": Fraction(8100, 171), "c": Fraction(6000, 105), "d": Fraction(4500, 105)}),
    ],
)  # fmt: skip
def test_results_are_brought_to_one_scale_within_each_group_dr_19(
    normalise: str | None, wanted: dict[str, Fraction]
) -> None:
    world = severe(normalise=normalise)
    assert values(world) == wanted
    assert world.round().components["expert"] == wanted
    raw = {id: None if normalise is None else Fraction(score) for id, score in SEVERE.items()}
    assert {id: one.raw for id, one in results(world).items()} == raw


def test_a_severe_group_s_best_have_their_seats_and_equals_wait_for_a_person_dr_17_dr_19() -> None:
    plainly = severe(choice(2))
    plainly.open_step("selection")
    assert set(plainly.round().members) == {"a", "b"}
    fairly = severe(choice(2), normalise="top")
    fairly.open_step("selection")
    assert set(fairly.round().members) == {"a", "c"}
    tied = severe(choice(1), normalise="top")
    tied.open_step("selection")
    assert run_of(tied.round(), "selection").held == "TIE_UNRESOLVED"


def test_criteria_are_brought_to_the_same_scale_as_the_whole_dr_17_dr_19() -> None:
    rubric = [
        {"id": "skill", "label": {"zh": "技艺"}, "share": "50%"},
        {"id": "spirit", "label": {"zh": "精神"}, "share": "50%"},
    ]
    world = judging(choice(1, ties=["expert_skill"]), normalise="top", rubric=rubric)
    for judges, scores in (
        ((ONE, TWO), {"a": ("80", "100"), "b": ("100", "20")}),
        ((THREE, FOUR), {"c": ("50", "40"), "d": ("40", "20")}),
    ):
        for judge in judges:
            by_criteria(world, judge, **scores)
    world.close_step(STEP)
    components = world.round().components
    assert components["expert"] == {"a": 100, "b": Fraction(200, 3), "c": 100, "d": Fraction(200, 3)}
    assert components["expert_skill"] == {"a": 80, "b": 100, "c": 100, "d": 80}
    world.open_step("selection")
    assert list(world.round().members) == ["c"]  # equal to a, and the best of its group in skill


def test_nothing_but_zeros_in_a_group_stay_zeros_and_are_flagged_dr_19() -> None:
    world = judging(normalise="top")
    mark(world, ONE, TWO, a="80", b="40")
    mark(world, THREE, FOUR, c="0", d="0")
    world.close_step(STEP)
    assert values(world) == {"a": 100, "b": 50, "c": 0, "d": 0}
    assert closed(world).flags == ("ALL_ZERO:nets",)


def test_a_late_recusal_computes_the_group_again_on_the_scale_that_it_had_dr_13_dr_19() -> None:
    world = judging(choice(1), normalise="top")
    mark(world, ONE, a="90", b="60")
    mark(world, TWO, a="70", b="20")
    mark(world, THREE, FOUR, c="60", d="45")
    world.close_step(STEP)
    assert values(world) == {"a": 100, "b": 50, "c": 100, "d": 75}
    tie = Tie(judge=TWO.id, nomination="b", tie="kin")
    world.at(DeclareTies(step=STEP, ties=(tie,)), OPERATOR)
    assert closed(world).version == 2
    assert values(world) == {"a": 100, "b": 75, "c": 100, "d": 75}


def test_whoever_left_after_the_close_still_bears_their_group_s_scale_dr_13_dr_19() -> None:
    at_the_front = {"id": "front", "fact": "frontline", "op": "==", "value": True}
    check = step("eligibility", predicates=[at_the_front], correction=WORK_DAYS)
    facts = {id: said | {"frontline": id != "a"} for id, said in FACTS.items()}
    world = formed(with_members(in_groups("top"), check, choice(1), members=facts))
    mark(world, ONE, a="90", b="60")
    mark(world, TWO, a="90", b="20")
    mark(world, THREE, FOUR, c="60", d="45")
    world.close_step(STEP)
    world.open_step("eligibility")
    world.close_step("eligibility")
    assert list(world.round().members) == ["b", "c", "d"]
    for judge, nomination in ((THREE, "c"), (TWO, "b")):
        tie = Tie(judge=judge.id, nomination=nomination, tie="kin")
        world.at(DeclareTies(step=STEP, ties=(tie,)), OPERATOR)
    assert closed(world).version == 3
    assert values(world)["b"] == Fraction(200, 3)  # 60 of the 90 that a has


# ---- by lot ----


DRAW: dict[str, Any] = {"pool_role": "expert", "kinds": {"boats": 1, "nets": 2}}
EXPERTS = (
    *(("x-b1", "expert:boats"), ("x-b2", "expert:boats")),
    *(("x-n1", "expert:nets"), ("x-n2", "expert:nets"), ("x-n3", "expert:nets")),
    *(("x-1", "expert"), ("x-2", "expert")),
)


def drawing(*experts: tuple[str, str], **facts: dict[str, Any]) -> World:
    world = with_members(in_groups(draw=DRAW), members=facts or FACTS)
    world.grant(*(GrantTerms(id=f"g-{p}", person=p, role=role, unit="9") for p, role in experts))
    world.open_step(STEP)
    return world


def draw(world: World, seed: str = "测试·摇号 03 07 12", **places: str) -> PanelDrawn:
    said = tuple(GroupPlace(nomination=id, group=group) for id, group in places.items())
    world.at(DrawPanel(step=STEP, seed=seed, seed_source="测试·公开摇号", places=said), OPERATOR)
    [event] = world.events(world.round_stream(), PanelDrawn)
    assert isinstance(event, PanelDrawn)
    return event


def test_a_panel_is_drawn_group_by_group_and_a_kind_that_is_called_as_a_group_is_its_alone_dr_13() -> None:
    event = draw(drawing(*EXPERTS))
    assert event.groups is not None
    by_group = {one.group: one.judges for one in event.groups}
    asked = {"boats": {"boats": 1}, "nets": {"nets": 2}}
    assert by_group == lots.draw_groups(event.seed, event.pool, 2, asked)
    assert set(event.judges) == {judge for judges in by_group.values() for judge in judges}
    assert all(judge.startswith("x-n") for judge in by_group["nets"])
    assert not any(judge.startswith("x-n") for judge in by_group["boats"])


def test_experts_of_a_group_without_members_are_in_no_pool_and_who_is_unknown_is_placed_dr_13() -> None:
    world = drawing(*EXPERTS, a={"trade": "boats"}, e={})
    refused("GROUP_UNPLACED", lambda: draw(world))
    event = draw(world, e="boats")
    assert {lot.person for lot in event.pool} == {"x-1", "x-2", "x-b1", "x-b2"}
    assert event.groups is not None
    assert [(one.group, one.members) for one in event.groups] == [("boats", ("a", "e"))]


def test_a_pool_that_might_not_suffice_is_refused_whatever_the_seed_dr_13() -> None:
    few = drawing(*EXPERTS[:3])
    assert refused("POOL_TOO_SMALL", lambda: draw(few)).facts["kind"] == "nets"  # one, and two are asked for
    lonely = drawing(EXPERTS[0], *EXPERTS[2:5])
    told = refused("POOL_TOO_SMALL", lambda: draw(lonely)).facts
    assert (told["kind"], told["needed"], told["have"]) == ("expert:boats", "2", "1")
    draw(drawing(EXPERTS[0], *EXPERTS[2:6]))


def test_the_next_of_the_draw_who_fits_the_group_takes_a_judge_s_place_dr_13() -> None:
    world = drawing(*EXPERTS)
    event = draw(world)
    run = run_of(world.round(), STEP)
    leaving = run.seated["nets"][0]
    left = next(lot.person for lot in event.pool if lot.kind == "nets" and lot.person not in run.judges)
    other = next(lot.person for lot in event.pool if lot.kind != "nets" and lot.person not in run.judges)
    wrong = ReplaceJudge(step=STEP, judge=leaving, by=other, reason="测试·因病")
    assert refused("NOT_NEXT_DRAWN", lambda: world.at(wrong, OPERATOR)).facts["next"] == left
    right = wrong.model_copy(update={"by": left})
    for operator in (OPERATOR, OPERATOR_2):
        world.at(right, operator)
    after = run_of(world.round(), STEP)
    assert left in after.seated["nets"]
    assert leaving not in after.judges
    mark(world, Actor(id=left, role="expert:nets"), c="80")
    refused("NOT_IN_GROUP", lambda: mark(world, Actor(id=left, role="expert:nets"), a="80"))


def test_nobody_of_another_group_s_kind_takes_the_place_of_one_of_no_kind_dr_13() -> None:
    """By a seed that gives the boats one of no kind, when those of the nets come before those left for the boats."""
    pool = tuple(Lot(person=p, kind=role.partition(":")[2]) for p, role in EXPERTS)
    asked = {"boats": {"boats": 1}, "nets": {"nets": 2}}

    def next_but_barred(seed: str) -> bool:
        drawn = lots.draw_groups(seed, pool, 2, asked)
        left = [lot for lot in lots.order(seed, pool) if lot.person not in (*drawn["boats"], *drawn["nets"])]
        return {"x-1", "x-2"} & set(drawn["boats"]) != set() and left[0].kind == "nets"

    seed = next(str(n) for n in range(100) if next_but_barred(str(n)))
    world = drawing(*EXPERTS)
    event = draw(world, seed)
    run = run_of(world.round(), STEP)
    [leaving] = {"x-1", "x-2"} & set(run.seated["boats"])
    left = [lot for lot in lots.order(seed, event.pool) if lot.person not in run.judges]
    body = ReplaceJudge(step=STEP, judge=leaving, by=left[0].person, reason="测试·因病")
    assert refused("NOT_NEXT_DRAWN", lambda: world.at(body, OPERATOR)).facts["next"] == left[1].person


@given(
    seed=st.text(min_size=1, max_size=8),
    own=st.lists(st.integers(0, 4), min_size=3, max_size=3),
    plain=st.integers(0, 9),
    least=st.lists(st.integers(0, 2), min_size=3, max_size=3),
)
def test_a_pool_that_suffices_fills_every_group_with_different_people_dr_13(
    seed: str, own: list[int], plain: int, least: list[int]
) -> None:
    size, fields = 2, ("boats", "nets", "ropes")
    pool = [
        Lot(person=f"{f}-{n}", kind=f) for f, number in zip(fields, own, strict=True) for n in range(number)
    ]
    pool += [Lot(person=f"p-{n}") for n in range(plain)]
    asked = {field: {field: number} for field, number in zip(fields, least, strict=True)}
    takes = size * len(fields) - sum(least)
    suffices = all(
        have >= number and (have >= size or have + plain >= size + takes - (size - number))
        for have, number in zip(own, least, strict=True)
    )
    drawn = lots.draw_groups(seed, pool, size, asked)
    judges = [judge for group in drawn.values() for judge in group]
    assert len(set(judges)) == len(judges)
    for field, group in drawn.items():
        assert all(judge.startswith((field, "p-")) for judge in group)
        if suffices:
            assert len(group) == size
            assert sum(judge.startswith(field) for judge in group) >= asked[field][field]


# ---- what an audit says ----


def chosen_in_groups(normalise: str | None = "top") -> Any:
    world = logged(in_groups(normalise), choice(2, ties=["authority"]), members=FACTS)
    formed(world)
    mark(world, ONE, a="95", b="81")
    mark(world, TWO, a="85", b="81")
    mark(world, THREE, FOUR, c="60", d="45")
    world.close_step(STEP)
    world.open_step("selection")
    return world


def test_an_explanation_names_the_group_and_the_result_before_it_was_scaled_dr_19() -> None:
    told = explain(chosen_in_groups().read_back(), "d")
    [review] = [one.detail for one in told.levels[0].steps if one.step == STEP]
    assert isinstance(review, ReviewTold)
    assert review.result is not None
    result = review.result
    assert [result.group, result.raw, result.value] == ["nets", 45, 75]
    assert [one.judge for one in review.marks] == [THREE.id, FOUR.id]


def test_whatever_is_imagined_of_a_panel_is_of_each_group_on_one_scale_dr_19() -> None:
    world = chosen_in_groups()
    past = world.read_back()
    moment = next(n for n, event in enumerate(world.log) if event.type == "SelectionMade")
    found = robustness(past.question(moment)).found
    by_scenario = {(one.scenario.kind, one.scenario.about): one for one in found}
    assert set(by_scenario["marks", "mean"].selected) == {"a", "c"}
    assert set(by_scenario["without_judge", THREE.id].selected) == {"a", "c"}
    assert by_scenario["without_judge", TWO.id].undecided == ""


def test_what_if_takes_a_group_s_results_again_with_another_scale_and_not_another_grouping_dr_19() -> None:
    world = chosen_in_groups()
    past = world.read_back()
    moment = next(n for n, event in enumerate(world.log) if event.type == "SelectionMade")
    question = past.question(moment)
    world.report()
    course = Course(world.round_stream(), questions={"selection": question}, end=world.round())
    stage = world.programme.stages[Rank.PROVINCE]

    def imagined(groups: dict[str, Any] | None) -> Any:
        review = stage.step(STEP)
        assert isinstance(review, ExpertReview)
        said = ExpertReview.model_validate(review.model_dump() | {"groups": groups})
        steps = tuple(said if one.id == STEP else one for one in stage.steps)
        changed = stage.model_copy(update={"steps": steps})
        programme = world.programme.model_copy(update={"stages": {Rank.PROVINCE: changed}})
        [told] = otherwise([course], Changes(programme=programme))
        return told

    raw = imagined({"fact": "trade"})
    assert (set(raw.after), raw.notes) == ({"a", "b"}, ())
    assert imagined(None).notes == (f"NOT_RETAKEN: {STEP}.groups",)
    [told] = otherwise([course], Changes(reviewers=frozenset({THREE.id})))
    assert told.notes == (f"QUORUM_UNMET: {STEP} nets 1/2",)
    assert set(told.after) == {"a", "c"}
