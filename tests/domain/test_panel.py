"""The panel (DR-13 to DR-16): drawn by lot, its chair, ties early and late, two scorekeepers, a rubric."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import lots
from domain.round import run_of
from schemas.commands import (
    CloseStepEarly,
    DeclareTies,
    DrawPanel,
    EnterSheet,
    ExtendStep,
    FormPanel,
    HandInSheet,
    NameChair,
    Recuse,
    ReplaceJudge,
    Tie,
    WaiveRules,
    WrittenMark,
    WrittenPart,
)
from schemas.events import (
    GrantTerms,
    JudgeRecused,
    Lot,
    PanelClosed,
    PanelDrawn,
    RulesWaived,
    SheetDiscrepancy,
    SheetEntered,
    SheetHandedIn,
    StepHeld,
)
from schemas.ledger import Actor
from schemas.programme import Programme, Trim
from tests.domain.specification import (
    DAY,
    INTAKE,
    JUDGES,
    KEEPERS,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    SPARE_JUDGE,
    STRANGER,
    World,
    by_criteria,
    choice,
    judged,
    panel,
    refused,
    step,
    two_levels,
    with_members,
)

STEP = "expert_review"
NAMES = tuple(judge.id for judge in JUDGES)
SEED = "测试·彩票 2026031: 03 07 12 19 28 33 + 11"
FORM = FormPanel(step=STEP, judges=NAMES)


def out(world: World) -> dict[str, str]:
    return {id: reason for id, (_, reason) in world.round().out.items()}


def results(world: World) -> dict[str, Fraction]:
    """The latest version's."""
    event = world.events(world.round_stream(), PanelClosed)[-1]
    return {one.nomination: one.value for one in event.results}


# ---- by lot ----


def drawn_from_below(second: Actor | None = None) -> World:
    """Counties under a province, whose panel judges what they send up: a, and what a second officer nominates."""
    lowest = {"steps": [INTAKE]}
    draw = {"pool_role": "expert", "kinds": {"metal": 1}}
    summit = {"steps": [panel(draw=draw, period={"days": 300, "unit": "natural_day"}), choice(1)]}
    world = two_levels(lowest, summit, "901", "902", "903")
    world.submit("a", "901")
    if second is not None:
        world.grant(GrantTerms(id="second", person=second.id, role=second.role, unit="9"))
        world.submit("b", "902", second)
    world.close_intake()
    for unit in ("901", "902") if second else ("901",):
        world.begin(unit)
        world.report(unit)
    return world.begin()


def pooled(world: World, *people: tuple[str, str, str]) -> None:
    """These hold a grant in the pool: person, role, unit."""
    world.grant(*(GrantTerms(id=f"g-{p}-{r}", person=p, role=r, unit=u) for p, r, u in people))


EXPERTS = (
    ("x-1", "expert", "9"),
    ("x-2", "expert:metal", "902"),
    ("x-3", "expert", "902"),
    ("x-4", "expert", "9"),
    ("x-5", "expert:metal", "9"),
    ("x-home", "expert:metal", "901"),  # of the member's own county
)


def drawn() -> World:
    world = drawn_from_below()
    pooled(world, *EXPERTS)
    world.open_step(STEP)
    world.at(DrawPanel(step=STEP, seed=SEED, seed_source="测试·公开摇号"), OPERATOR)
    return world


def test_the_panel_is_drawn_from_the_pool_and_can_be_drawn_again_by_anybody_dr_13() -> None:
    world = drawn()
    [event] = world.events(world.round_stream(), PanelDrawn)
    assert [lot.person for lot in event.pool] == ["x-1", "x-2", "x-3", "x-4", "x-5"]
    assert event.judges == lots.draw(event.seed, event.pool, 3, {"metal": 1})
    assert (event.algorithm, event.pool_hash) == (lots.ALGORITHM, lots.pool_hash(event.pool))
    by_hand = sorted(event.pool, key=lambda lot: sha256(f"{SEED}\n{lot.person}".encode()).hexdigest())
    first_of_metal = next(lot for lot in by_hand if lot.kind == "metal")
    wanted = [first_of_metal, *(lot for lot in by_hand if lot != first_of_metal)][:3]
    assert set(event.judges) == {lot.person for lot in wanted}


def test_a_draw_is_made_once_by_lot_only_and_from_a_pool_that_suffices_dr_13() -> None:
    world = drawn()
    again = DrawPanel(step=STEP, seed="another", seed_source="r")
    refused("PANEL_FORMED", lambda: world.at(again, OPERATOR))
    refused("DRAWN_BY_LOT", lambda: world.at(FORM, OPERATOR))
    small = drawn_from_below()
    small.open_step(STEP)
    pooled(small, *EXPERTS[:1])
    assert refused("POOL_TOO_SMALL", lambda: small.at(again, OPERATOR)).facts["kind"] == "metal"
    pooled(small, *EXPERTS[1:2])
    assert refused("POOL_TOO_SMALL", lambda: small.at(again, OPERATOR)).facts["kind"] == "expert"
    named = with_members(panel(), members=["a"])
    named.open_step(STEP)
    refused("STAGE_MISMATCH", lambda: named.at(again, OPERATOR))


def test_whoever_was_drawn_judges_in_the_role_of_the_pool_dr_13() -> None:
    world = drawn()
    roles = {person: role for person, role, _ in EXPERTS}
    judges = run_of(world.round(), STEP).judges
    other = Actor(id=judges[0], role="officer")
    told = refused("NOT_AUTHORISED", lambda: world.sheet(other, STEP, {"a": "80"})).facts["roles"]
    assert told == "judge, expert, expert:metal"
    for judge in judges:
        world.sheet(Actor(id=judge, role=roles[judge]), STEP, {"a": "80"})
    world.close_step(STEP)
    assert results(world) == {"a": 80}


def test_the_next_of_the_draw_replaces_a_drawn_judge_and_nobody_else_dr_13() -> None:
    world = drawn()
    run = run_of(world.round(), STEP)
    assert run.drawn is not None
    left_over = [lot for lot in lots.order(SEED, run.drawn.pool) if lot.person not in run.judges]
    kinds = {lot.person: lot.kind for lot in run.drawn.pool}
    leaving = next(judge for judge in run.judges if not kinds[judge])
    body = ReplaceJudge(step=STEP, judge=leaving, by=left_over[-1].person, reason="测试·因病")
    refusal = refused("NOT_NEXT_DRAWN", lambda: world.at(body, OPERATOR))
    assert refusal.facts["next"] == left_over[0].person
    right = body.model_copy(update={"by": left_over[0].person})
    world.at(right, OPERATOR)
    world.at(right, OPERATOR_2)
    assert left_over[0].person in run_of(world.round(), STEP).judges


def test_whoever_was_replaced_is_not_the_next_of_the_draw_again_dr_13() -> None:
    world = drawn_from_below()
    pooled(world, *((f"x-{n}", "expert:metal" if n == 1 else "expert", "9") for n in range(1, 8)))
    world.open_step(STEP)
    world.at(DrawPanel(step=STEP, seed=SEED, seed_source="测试·公开摇号"), OPERATOR)
    run = run_of(world.round(), STEP)
    assert run.drawn is not None
    line = [lot.person for lot in lots.order(SEED, run.drawn.pool) if lot.person not in run.judges]
    leaving = next(judge for judge in run.judges if judge != "x-1")
    for by in line:
        replace_judge(world, leaving, by)
        leaving = by
    body = ReplaceJudge(step=STEP, judge=leaving, by=line[0], reason="测试·因病")
    assert refused("NOT_NEXT_DRAWN", lambda: world.at(body, OPERATOR)).facts["next"] == "-"


def replace_judge(world: World, judge: str, by: str) -> None:
    for operator in (OPERATOR, OPERATOR_2):
        world.at(ReplaceJudge(step=STEP, judge=judge, by=by, reason="测试·因病"), operator)


@given(
    seed=st.text(min_size=1, max_size=20),
    people=st.lists(st.sampled_from([f"p-{n}" for n in range(12)]), unique=True, min_size=3),
    least=st.integers(0, 2),
    size=st.integers(2, 6),
    order=st.randoms(use_true_random=False),
)
def test_a_draw_depends_on_the_seed_and_the_set_alone_and_keeps_its_minimum_dr_13(
    seed: str, people: list[str], least: int, size: int, order: Any
) -> None:
    pool = [Lot(person=p, kind="metal" if n % 2 else "") for n, p in enumerate(people)]
    first = lots.draw(seed, pool, size, {"metal": least})
    shuffled = list(pool)
    order.shuffle(shuffled)
    assert lots.draw(seed, shuffled, size, {"metal": least}) == first
    assert lots.pool_hash(shuffled) == lots.pool_hash(pool)
    assert len(set(first)) == min(size, len(pool))
    metal = sum(lot.kind == "metal" for lot in pool)
    assert sum(lot.kind == "metal" for lot in pool if lot.person in first) >= min(least, metal)


def test_every_seat_of_a_draw_falls_to_everybody_about_as_often_dr_13() -> None:
    pool = [Lot(person=f"p-{n}") for n in range(6)]
    times = Counter(person for seed in range(3000) for person in lots.draw(str(seed), pool, 2, {}))
    assert all(900 < number < 1100 for number in times.values())


# ---- chair and secretary ----


def test_a_chaired_panel_closes_only_with_a_chair_of_its_own_and_a_secretary_beside_it_dr_13() -> None:
    world = with_members(panel(chaired=True), members=["a"])
    judged(world, {"a": "80"})
    assert run_of(world.round(), STEP).held == "CHAIR_MISSING"
    refused("NOT_ON_PANEL", lambda: world.at(NameChair(step=STEP, chair="x", secretary="s"), OPERATOR))
    both = NameChair(step=STEP, chair=NAMES[0], secretary=NAMES[1])
    refused("KEEPER_IS_JUDGE", lambda: world.at(both, OPERATOR))
    world.at(NameChair(step=STEP, chair=NAMES[0], secretary="s-1"), OPERATOR)
    world.close_step(STEP)
    assert results(world) == {"a": 80}


# ---- ties ----


def named_from_below(nominator: str = OFFICER.id, **said: Any) -> World:
    """As drawn from below, yet the panel is named; beside a of 901 there is b of 902, whom `nominator` handed in."""
    world = drawn_from_below(Actor(id=nominator, role="officer"))
    programme = world.programme.model_dump(mode="json")
    programme["stages"]["province"]["steps"][0] |= {"draw": None} | said
    world.programme = Programme.model_validate(programme)
    world.open_step(STEP)
    return world


def test_whoever_belongs_to_a_member_s_unit_is_recused_without_asking_dr_13() -> None:
    world = named_from_below()
    world.grant(GrantTerms(id="home", person=NAMES[0], role="officer", unit="901"))
    world.grant(GrantTerms(id="away", person=NAMES[1], role="officer", unit="903"))
    world.at(FORM, OPERATOR)
    recusals = world.events(world.round_stream(), JudgeRecused)
    assert [(one.judge, one.nomination, one.reason) for one in recusals] == [(NAMES[0], "a", "same_unit")]
    refused("RECUSED", lambda: world.sheet(JUDGES[0], STEP, {"a": "100"}))


def test_whoever_nominated_a_member_is_recused_without_asking_dr_13() -> None:
    world = named_from_below(NAMES[1])
    world.at(FORM, OPERATOR)
    assert run_of(world.round(), STEP).recused == {(NAMES[1], "b")}
    [recusal] = world.events(world.round_stream(), JudgeRecused)
    assert recusal.reason == "nominator"


def test_also_in_another_s_place_dr_13() -> None:
    world = named_from_below(SPARE_JUDGE.id)
    world.at(FORM, OPERATOR)
    change = ReplaceJudge(step=STEP, judge=NAMES[2], by=SPARE_JUDGE.id, reason="测试")
    for by in (OPERATOR, OPERATOR_2):
        world.at(change, by)
    assert run_of(world.round(), STEP).recused == {(SPARE_JUDGE.id, "b")}


def test_a_judge_who_has_come_to_a_member_s_unit_since_does_not_mark_them_dr_13() -> None:
    world = named_from_below()
    world.at(FORM, OPERATOR)
    world.grant(GrantTerms(id="home", person=NAMES[0], role="officer", unit="901"))
    refused("RECUSED", lambda: world.sheet(JUDGES[0], STEP, {"a": "100"}))
    world.sheet(JUDGES[0], STEP, {"a": "100", "b": "70"})
    assert set(run_of(world.round(), STEP).sheets[NAMES[0]]) == {"b"}
    assert run_of(world.round(), STEP).recused == {(NAMES[0], "a")}


def test_nor_do_scorekeepers_type_their_mark_on_them_dr_13_dr_16() -> None:
    world = named_from_below(scorekeepers=2)
    world.at(FORM, OPERATOR)
    world.grant(GrantTerms(id="home", person=NAMES[0], role="officer", unit="901"))
    refused("RECUSED", lambda: typed(world, KEEPERS[0], NAMES[0], "90"))
    alone = EnterSheet(step=STEP, judge=NAMES[0], marks=(WrittenMark(nomination="b", score="80"),))
    assert [type(one).__name__ for one in world.at(alone, KEEPERS[0])] == ["SheetEntered", "JudgeRecused"]
    assert run_of(world.round(), STEP).recused == {(NAMES[0], "a")}


def test_nor_does_a_mark_count_that_was_handed_in_before_they_came_dr_13() -> None:
    world = named_from_below()
    world.at(FORM, OPERATOR)
    for judge, mark in zip(JUDGES, ("100", "60", "60"), strict=True):
        world.sheet(judge, STEP, {"a": mark, "b": "80"})
    world.grant(GrantTerms(id="home", person=NAMES[0], role="officer", unit="901"))
    world.close_step(STEP)
    assert results(world) == {"a": 60, "b": 80}
    [recusal] = world.events(world.round_stream(), JudgeRecused)
    assert (recusal.judge, recusal.nomination, recusal.reason) == (NAMES[0], "a", "same_unit")


def test_a_tie_for_which_a_review_is_held_is_told_with_it_dr_13_dr_16() -> None:
    world = named_from_below(scores_min=3)
    world.at(FORM, OPERATOR)
    for judge in JUDGES:
        world.sheet(judge, STEP, {"a": "90", "b": "80"})
    world.grant(GrantTerms(id="home", person=NAMES[0], role="officer", unit="901"))
    told = world.pass_window(STEP)
    assert [type(one).__name__ for one in told] == ["JudgeRecused", "StepHeld"]
    assert held(world) == ("SCORES_MISSING", ("a",))
    assert world.close_step(STEP) == ()


def test_whose_every_mark_was_refused_for_such_a_tie_is_not_missed_at_the_close_dr_13() -> None:
    world = named_from_below()
    world.at(FORM, OPERATOR)
    world.grant(GrantTerms(id="home", person=NAMES[0], role="officer", unit="901"))
    world.grant(GrantTerms(id="home-2", person=NAMES[0], role="officer", unit="902"))
    refused("RECUSED", lambda: world.sheet(JUDGES[0], STEP, {"a": "100", "b": "100"}))
    for judge in JUDGES[1:]:
        world.sheet(judge, STEP, {"a": "60", "b": "80"})
    world.close_step(STEP)
    assert results(world) == {"a": 60, "b": 80}


def reviewing(*after: dict[str, Any], members: tuple[str, ...] = ("a", "b"), **said: Any) -> World:
    world = with_members(panel(**said), *after, members=members)
    world.open_step(STEP)
    world.at(FORM, OPERATOR)
    return world


def ties(*said: tuple[str, str, str]) -> DeclareTies:
    return DeclareTies(
        step=STEP,
        ties=tuple(
            Tie.model_validate({"judge": judge, "nomination": id, "tie": tie}) for judge, id, tie in said
        ),
    )


def test_judges_declare_their_own_ties_and_operators_anybody_s_dr_13() -> None:
    world = reviewing()
    world.at(ties((NAMES[0], "a", "mentor")), JUDGES[0])
    refused("NOT_AUTHORISED", lambda: world.at(ties((NAMES[1], "a", "kin")), JUDGES[0]))
    world.at(ties((NAMES[1], "a", "kin"), (NAMES[1], "b", "nominator")), OPERATOR)
    assert world.at(ties((NAMES[1], "a", "kin")), OPERATOR) == ()
    refused("NOT_A_MEMBER", lambda: world.at(ties((NAMES[1], "z", "kin")), OPERATOR))
    assert run_of(world.round(), STEP).recused == {
        (NAMES[0], "a"),
        (NAMES[1], "a"),
        (NAMES[1], "b"),
    }


@pytest.mark.parametrize("tie", ["same_unit", "kin", "mentor", "nominator", "co_applicant"])
def test_every_kind_of_tie_keeps_the_judge_from_that_subject_alone_dr_13(tie: str) -> None:
    world = reviewing()
    world.sheet(JUDGES[0], STEP, {"a": "100", "b": "80"})
    world.at(ties((NAMES[0], "a", tie)), OPERATOR)
    refused("RECUSED", lambda: world.sheet(JUDGES[0], STEP, {"a": "100"}))
    for judge in JUDGES[1:]:
        world.sheet(judge, STEP, {"a": "60", "b": "80"})
    world.close_step(STEP)
    [closed] = world.events(world.round_stream(), PanelClosed)
    assert [(one.value, one.counted, one.recused) for one in closed.results] == [(60, 2, 1), (80, 3, 0)]


def test_a_tie_declared_after_the_close_voids_the_marks_and_the_result_is_computed_again_dr_13() -> None:
    world = reviewing(choice(1, ties=["authority"]))
    for judge, a in zip(JUDGES, ("90", "90", "60"), strict=True):
        world.sheet(judge, STEP, {"a": a, "b": "80"})
    world.close_step(STEP)
    assert results(world) == {"a": 80, "b": 80}
    world.open_step("selection")
    assert run_of(world.round(), "selection").held == "TIE_UNRESOLVED"
    world.at(ties((NAMES[2], "a", "kin")), OPERATOR)
    versions: list[int] = [one.version for one in world.events(world.round_stream(), PanelClosed)]
    assert versions == [1, 2]
    assert results(world) == {"a": 90, "b": 80}
    assert len(world.events(world.round_stream(), SheetHandedIn)) == 3  # what was written stays in the log
    world.close_step("selection")
    assert list(world.round().members) == ["a"]


def test_once_a_selection_rests_on_the_result_a_tie_is_matter_for_an_objection_dr_13() -> None:
    world = reviewing(choice(1), step("publicity"))
    for judge in JUDGES:
        world.sheet(judge, STEP, {"a": "90", "b": "80"})
    world.close_step(STEP)
    world.open_step("selection")
    late = ties((NAMES[0], "a", "kin"))
    refused("RECUSAL_TOO_LATE", lambda: world.at(late, OPERATOR))
    world.open_step("publicity")
    own = Recuse(step=STEP, nomination="a", reason="近亲属")
    refused("RECUSAL_TOO_LATE", lambda: world.at(own, JUDGES[0]))


def test_a_late_tie_that_would_leave_too_few_marks_is_refused_and_says_what_to_do_dr_13() -> None:
    world = reviewing(choice(1), scores_min=3)
    for judge in JUDGES:
        world.sheet(judge, STEP, {"a": "90", "b": "80"})
    world.close_step(STEP)
    refused("RECUSAL_LEAVES_TOO_FEW", lambda: world.at(ties((NAMES[0], "a", "kin")), OPERATOR))


VOTE: dict[str, Any] = {
    "mode": "vote",
    "scale": None,
    "threshold": {"share": "1/2", "comparator": ">=", "base": "entitled"},
}


def test_the_recused_leave_the_base_unless_the_programme_keeps_them_in_it_dr_13() -> None:
    for in_base, passed in ((False, True), (True, False)):  # one of two is a half, one of three is not
        world = reviewing(members=("a",), recused_in_base=in_base, **VOTE)
        world.at(ties((NAMES[0], "a", "kin")), OPERATOR)
        for judge, vote in zip(JUDGES[1:], ("approve", "abstain"), strict=True):
            mark = WrittenMark.model_validate({"nomination": "a", "vote": vote})
            world.at(HandInSheet(step=STEP, marks=(mark,)), judge)
        world.pass_window(STEP)
        assert ("a" in world.round().members) is passed


# ---- scorekeepers ----


def keeping(**said: Any) -> World:
    return reviewing(scorekeepers=2, **said)


def typed(world: World, keeper: Actor, judge: str, a: str, b: str = "80") -> list[str]:
    marks = (WrittenMark(nomination="a", score=a), WrittenMark(nomination="b", score=b))
    written = world.at(EnterSheet(step=STEP, judge=judge, marks=marks), keeper)
    return [type(one).__name__ for one in written]


def test_a_sheet_counts_once_two_scorekeepers_typed_the_same_dr_16() -> None:
    world = keeping()
    assert typed(world, KEEPERS[0], NAMES[0], "90") == ["SheetEntered"]
    assert run_of(world.round(), STEP).sheets == {}
    assert typed(world, KEEPERS[1], NAMES[0], "90") == ["SheetEntered", "SheetHandedIn"]
    for judge in NAMES[1:]:
        for keeper in KEEPERS[:2]:
            typed(world, keeper, judge, "60")
    world.close_step(STEP)
    assert results(world) == {"a": 70, "b": 80}


def test_entries_that_differ_say_where_and_count_for_nothing_until_settled_dr_16() -> None:
    world = keeping()
    typed(world, KEEPERS[0], NAMES[0], "90")
    assert typed(world, KEEPERS[1], NAMES[0], "9") == ["SheetEntered", "SheetDiscrepancy"]
    [differs] = world.events(world.round_stream(), SheetDiscrepancy)
    assert (differs.nominations, differs.keepers) == (("a",), ("keeper-1", "keeper-2"))
    assert "marks" not in type(differs).model_fields
    assert run_of(world.round(), STEP).sheets == {}
    assert typed(world, KEEPERS[1], NAMES[0], "90") == ["SheetEntered", "SheetHandedIn"]
    assert run_of(world.round(), STEP).differs == {}
    assert typed(world, KEEPERS[0], NAMES[0], "91")[-1] == "SheetDiscrepancy"  # it is open again
    assert run_of(world.round(), STEP).sheets == {}
    assert typed(world, KEEPERS[2], NAMES[0], "91")[-1] == "SheetHandedIn"


def test_one_scorekeeper_alone_never_makes_a_sheet_count_dr_16() -> None:
    world = keeping()
    for _ in range(3):
        assert typed(world, KEEPERS[0], NAMES[0], "90") == ["SheetEntered"]
    world.pass_window(STEP)
    assert run_of(world.round(), STEP).held == "QUORUM_UNMET"


def test_what_was_typed_of_a_judge_who_was_replaced_and_came_back_is_typed_anew_by_two_dr_16() -> None:
    world = keeping()
    for keeper in KEEPERS[:2]:
        typed(world, keeper, NAMES[0], "90")
    replace_judge(world, NAMES[0], SPARE_JUDGE.id)
    replace_judge(world, SPARE_JUDGE.id, NAMES[0])
    assert typed(world, KEEPERS[0], NAMES[0], "90") == ["SheetEntered"]
    assert typed(world, KEEPERS[1], NAMES[0], "90") == ["SheetEntered", "SheetHandedIn"]


def test_scorekeepers_are_not_judges_and_judges_do_not_type_dr_13_dr_16() -> None:
    world = keeping()
    refused("SCOREKEEPERS_ENTER", lambda: world.sheet(JUDGES[0], STEP, {"a": "90"}))
    world.grant(GrantTerms(id="both", person=NAMES[0], role="scorekeeper", unit="9"))
    both = Actor(id=NAMES[0], role="scorekeeper")
    refused("KEEPER_IS_JUDGE", lambda: typed(world, both, NAMES[1], "90"))
    refused("NOT_ON_PANEL", lambda: typed(world, KEEPERS[0], SPARE_JUDGE.id, "90"))
    refused("NOT_AUTHORISED", lambda: typed(world, STRANGER, NAMES[0], "90"))
    refused("SCORE_OUT_OF_RANGE", lambda: typed(world, KEEPERS[0], NAMES[0], "101"))
    assert not world.events(world.round_stream(), SheetEntered)
    marks = (WrittenMark(nomination="a", score="90"),)
    plain = reviewing()
    entry = EnterSheet(step=STEP, judge=NAMES[0], marks=marks)
    refused("STAGE_MISMATCH", lambda: plain.at(entry, KEEPERS[0]))


# ---- too few to trim ----

STOPS: dict[str, Any] = {"trim": {"drop": 1, "min_left": 1, "otherwise": "stop"}}
PLAIN = WaiveRules(step=STEP, rules=("trim",), reason="测试·评委会会议")


def short(**said: Any) -> World:
    """Of two marks on a and three on b the highest and the lowest are to be dropped, and one left."""
    world = reviewing(**(STOPS | said))
    for judge, marks in zip(
        JUDGES, ({"a": "60", "b": "60"}, {"a": "90", "b": "70"}, {"b": "95"}), strict=True
    ):
        world.sheet(judge, STEP, marks)
    world.pass_window(STEP)
    return world


def held(world: World) -> tuple[str, tuple[str, ...]]:
    [event] = world.events(world.round_stream(), StepHeld)
    assert event.code == run_of(world.round(), STEP).held
    return event.code, event.nominations


def test_too_few_scores_to_trim_stop_the_step_where_the_programme_says_so_and_nobody_is_out_dr_16() -> None:
    world = short()
    assert held(world) == ("TOO_FEW_TO_TRIM", ("a",))
    assert world.close_step(STEP) == ()  # said once
    assert (list(world.round().members), out(world)) == (["a", "b"], {})
    assert not world.events(world.round_stream(), PanelClosed)


def test_without_a_word_on_it_too_few_scores_to_trim_give_their_plain_mean_told_as_such_dr_16() -> None:
    world = short(trim={"drop": 1, "min_left": 1})
    [closed] = world.events(world.round_stream(), PanelClosed)
    assert [(one.value, one.method) for one in closed.results] == [(75, "plain"), (70, "trimmed")]


def test_one_judge_more_is_enough_to_trim_after_all_dr_16() -> None:
    world = short()
    later = ExtendStep(step=STEP, closes_at=world.now + 9 * DAY, reason="补评")
    for by in (OPERATOR, OPERATOR_2):
        world.at(later, by)
    assert world.close_step(STEP) == ()
    world.sheet(JUDGES[2], STEP, {"a": "70"})
    world.close_step(STEP)
    assert results(world) == {"a": 70, "b": 70}


def test_a_tie_is_declared_also_while_the_step_waits_for_people_dr_13_dr_16() -> None:
    world = short()
    world.at(ties((NAMES[0], "a", "kin")), OPERATOR)
    assert (NAMES[0], "a") in run_of(world.round(), STEP).recused


def test_two_people_close_it_on_the_plain_mean_and_what_can_be_trimmed_still_is_dr_16() -> None:
    world = short()
    world.at(PLAIN, OPERATOR)
    refused("SECOND_PERSON_REQUIRED", lambda: world.at(PLAIN, OPERATOR))
    refused("NOT_AUTHORISED", lambda: world.at(PLAIN, JUDGES[0]))
    assert world.close_step(STEP) == ()
    assert world.at(PLAIN, OPERATOR_2)[-1] == RulesWaived(step=STEP, rules=("trim",), reason=PLAIN.reason)
    world.close_step(STEP)
    [closed] = world.events(world.round_stream(), PanelClosed)
    assert [(one.value, one.method) for one in closed.results] == [(75, "plain"), (70, "trimmed")]


def test_trimming_is_waived_by_its_name_and_only_where_the_step_waits_for_it_dr_16() -> None:
    refused("NOTHING_TO_RESOLVE", lambda: reviewing(**STOPS).at(PLAIN, OPERATOR))
    world = short()
    for rules in (("front",), ("trim", "front")):
        waive = PLAIN.model_copy(update={"rules": rules})
        refused("NOT_FOUND", lambda waive=waive: world.at(waive, OPERATOR))  # type: ignore[misc]


def test_marks_that_are_missing_altogether_are_asked_for_before_what_is_too_few_to_trim_dr_16() -> None:
    world = reviewing(scores_min=2, **STOPS)
    for judge, marks in zip(JUDGES, ({"a": "60", "b": "60"}, {"b": "90"}), strict=False):
        world.sheet(judge, STEP, marks)
    world.pass_window(STEP)
    assert held(world) == ("SCORES_MISSING", ("a",))


def test_a_step_that_would_stop_for_too_few_scores_is_not_closed_early_dr_16() -> None:
    world = reviewing(**STOPS)
    for judge in JUDGES[:2]:
        world.sheet(judge, STEP, {"a": "90", "b": "60"})
    early = CloseStepEarly(step=STEP, reason="r")
    assert refused("TOO_FEW_TO_TRIM", lambda: world.at(early, OPERATOR)).facts == {"nominations": "a, b"}


def test_criteria_take_the_plain_mean_where_the_whole_does_dr_16() -> None:
    world = reviewing(rubric=RUBRIC, members=("a",), **STOPS)
    for judge, score in zip(JUDGES[:2], ("60", "90"), strict=True):
        by_criteria(world, judge, a=(score, score))
    world.pass_window(STEP)
    for by in (OPERATOR, OPERATOR_2):
        world.at(PLAIN, by)
    world.close_step(STEP)
    assert results(world) == {"a": 75}
    assert world.round().components["expert_skill"] == {"a": 75}


def test_a_late_tie_that_leaves_too_few_to_trim_is_refused_unless_two_took_the_plain_mean_dr_13_dr_16() -> (
    None
):
    world = reviewing(**STOPS)
    for judge in JUDGES:
        world.sheet(judge, STEP, {"a": "90", "b": "60"})
    world.close_step(STEP)
    late = ties((NAMES[0], "a", "kin"))
    refused("RECUSAL_LEAVES_TOO_FEW", lambda: world.at(late, OPERATOR))
    world = short()
    for by in (OPERATOR, OPERATOR_2):
        world.at(PLAIN, by)
    world.close_step(STEP)
    world.at(late, OPERATOR)
    assert results(world) == {"a": 90, "b": 70}


def test_the_defaults_of_a_trim_ask_for_five_scores_dr_16() -> None:
    assert (2 * Trim().drop + Trim().min_left, Trim().otherwise) == (5, "mean")


# ---- rubric ----

RUBRIC = [
    {"id": "skill", "label": {"zh": "技艺"}, "share": "60%"},
    {"id": "spirit", "label": {"zh": "精神"}, "share": "40%"},
]


def test_criteria_are_weighed_exactly_and_each_may_break_a_tie_dr_16_dr_17() -> None:
    world = reviewing(choice(1, ties=["expert_skill"]), rubric=RUBRIC)
    for judge in JUDGES:
        by_criteria(world, judge, a=("70", "90"), b=("90", "60"))
    world.close_step(STEP)
    assert results(world) == {"a": 78, "b": 78}
    assert world.round().components["expert_skill"] == {"a": 70, "b": 90}
    assert world.round().components["expert_spirit"] == {"a": 90, "b": 60}
    world.open_step("selection")
    assert list(world.round().members) == ["b"]


def test_every_criterion_is_scored_once_and_on_the_scale_dr_16() -> None:
    world = reviewing(rubric=RUBRIC)
    refused("CRITERIA_MISSING", lambda: world.sheet(JUDGES[0], STEP, {"a": "90"}))
    refused("SCORE_OUT_OF_RANGE", lambda: by_criteria(world, JUDGES[0], a=("70", "101")))
    one = WrittenMark(nomination="a", parts=(WrittenPart(criterion="skill", score="70"),) * 2)
    refused("CRITERIA_MISSING", lambda: world.at(HandInSheet(step=STEP, marks=(one,)), JUDGES[0]))


def test_the_latest_sheet_before_the_close_counts_and_both_are_kept_dr_14() -> None:
    world = reviewing(members=("a",))
    for score in ("10", "90"):
        world.sheet(JUDGES[0], STEP, {"a": score})
    for judge in JUDGES[1:]:
        world.sheet(judge, STEP, {"a": "90"})
    world.close_step(STEP)
    assert results(world) == {"a": 90}
    assert len(world.events(world.round_stream(), SheetHandedIn)) == 4
