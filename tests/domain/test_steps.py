"""The steps of a round, each in a world of one unit: eligibility, endorsement, clearance, review, vote, selection."""

from fractions import Fraction
from typing import Any

from domain.nomination import Status
from domain.round import run_of
from schemas.commands import (
    CloseStepEarly,
    Endorse,
    ExtendStep,
    FormPanel,
    HandInSheet,
    LapseRound,
    OpenStep,
    Recuse,
    ReplaceJudge,
    ReportRound,
    ResolveTie,
    ReturnForCorrection,
    WaiveDifferential,
    WaiveRules,
    WrittenMark,
)
from schemas.errors import Conflict
from schemas.events import (
    BallotOpened,
    Dropped,
    PanelClosed,
    RulesWaived,
    SelectionMade,
    SessionInvalidated,
    SheetHandedIn,
    StepHeld,
    TallySealed,
)
from tests.domain.specification import (
    DAY,
    JUDGES,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    SPARE_JUDGE,
    World,
    choice,
    judged,
    one_level,
    panel,
    refused,
    step,
    with_members,
)

CRAFT = {"id": "craft", "fact": "years", "op": ">", "value": 20}
ELIGIBILITY = step("eligibility", predicates=[CRAFT], correction={"days": 3, "unit": "work_day"})


def out(world: World) -> dict[str, str]:
    """Who left the root's round, and why."""
    return {id: reason for id, (_, reason) in world.round().out.items()}


def held(world: World, step_id: str) -> str:
    return run_of(world.round(), step_id).held


def closed(world: World, step_id: str) -> bool:
    return run_of(world.round(), step_id).closed_at is not None


def extend(world: World, step_id: str, days: int = 30) -> None:
    body = ExtendStep(step=step_id, closes_at=world.now + days * DAY, reason="须延期")
    world.at(body, OPERATOR)
    world.at(body, OPERATOR_2)


# ---- order ----


def test_a_round_decides_nothing_before_it_is_opened_and_nothing_out_of_order() -> None:
    world = one_level(step("endorsement"), panel())
    world.submit("a")
    world.close_intake()
    assert refused("ROUND_NOT_OPEN", world.report).facts["round"].startswith("round/")
    refused("ROUND_NOT_OPEN", lambda: world.open_step("endorsement"))
    world.begin()
    refused("STAGE_MISMATCH", lambda: world.open_step("expert_review"))
    refused("NOT_FOUND", lambda: world.open_step("roadshow"))
    world.open_step("intake")
    world.open_step("endorsement")
    refused("STAGE_MISMATCH", lambda: world.at(FormPanel(step="endorsement", judges=("x",)), OPERATOR))


def test_a_round_that_is_over_takes_no_further_step() -> None:
    world = with_members(step("endorsement"), members=["a"])
    world.at(LapseRound(reason="cancelled"))
    seen = len(world.streams[world.round_stream()])
    for body in (OpenStep(step="endorsement"), ReportRound(), LapseRound(reason="again")):
        assert world.at(body) == ()
    assert world.close_step("endorsement") == ()
    assert len(world.streams[world.round_stream()]) == seen
    early = CloseStepEarly(step="endorsement", reason="r")
    refused("STAGE_CLOSED", lambda: world.at(early, OFFICER))


def test_a_round_with_no_members_passes_through() -> None:
    world = one_level(
        step("endorsement"), panel(), choice(2), step("publicity"), step("decision", body="council")
    )
    world.close_intake()
    world.begin()
    for declared in world.programme.stages["province"].steps:  # type: ignore[index]
        world.open_step(declared.id)
        assert closed(world, declared.id)
    world.report()
    reported = world.round().reported
    assert reported is not None
    assert reported.recommended == ()


def test_whoever_withdrew_before_the_cut_off_is_not_in_the_pool_dr_03() -> None:
    world = one_level(step("endorsement"))
    world.submit("a")
    world.submit("b")
    world.close_intake()
    world.withdraw("b")
    world.begin()
    assert (list(world.round().members), out(world)) == (["a"], {"b": "WITHDRAWN"})


# ---- eligibility: DR-09 ----


def test_unknown_is_returned_failed_is_out_and_more_than_is_strict_dr_09() -> None:
    world = with_members(ELIGIBILITY, members={"old": {"years": 21}, "even": {"years": 20}, "blank": {}})
    world.open_step("eligibility")
    assert out(world) == {"even": "INELIGIBLE: craft"}
    assert world.nomination("even").status is Status.ELIMINATED
    assert world.nomination("blank").status is Status.RETURNED
    assert not closed(world, "eligibility")
    world.correct("blank", years=30)
    world.close_step("eligibility")
    assert closed(world, "eligibility")
    assert set(world.round().members) == {"old", "blank"}


def test_what_is_still_unknown_at_the_end_of_the_time_is_not_completed_dr_09() -> None:
    world = with_members(ELIGIBILITY, members={"old": {"years": 21}, "blank": {}})
    world.open_step("eligibility")
    assert world.close_step("eligibility") == ()
    world.pass_window("eligibility")
    assert out(world) == {"blank": "NOT_COMPLETED: craft"}


def test_a_reported_predicate_cuts_nobody_dr_09() -> None:
    soft = ELIGIBILITY | {"predicates": [CRAFT | {"severity": "report"}]}
    world = with_members(soft, members={"young": {"years": 2}, "blank": {}})
    world.open_step("eligibility")
    assert closed(world, "eligibility")
    assert set(world.round().members) == {"young", "blank"}


# ---- endorsement: DR-06 ----


def test_what_was_recommended_before_a_check_sent_it_back_stays_recommended_dr_06_dr_20() -> None:
    world = with_members(
        step("endorsement", ranked=True),
        ELIGIBILITY,
        choice(1, component="recommendation"),
        members={"first": {}, "second": {"years": 21}},
    )
    world.open_step("endorsement")
    for rank, id in enumerate(("first", "second"), 1):
        world.on(id, Endorse(round=world.round_stream(), recommendation_rank=rank))
    world.pass_window("endorsement")
    world.open_step("eligibility")
    assert world.nomination("first").status is Status.RETURNED
    world.correct("first", years=30)
    world.close_step("eligibility")
    world.open_step("selection")
    scores = {one.nomination: one.score for one in world.round().ranked}
    assert scores == {"first": Fraction(100), "second": Fraction(50)}


def test_no_word_is_no_endorsement_and_a_returned_one_waits_dr_06() -> None:
    world = with_members(step("endorsement"), members=["a", "b", "c"])
    world.open_step("endorsement")
    for id in ("a", "b"):
        world.on(id, Endorse(round=world.round_stream()))
    world.on("b", ReturnForCorrection(round=world.round_stream(), reason="缺材料"))
    early = CloseStepEarly(step="endorsement", reason="办结")
    refused("MEMBERS_UNDECIDED", lambda: world.at(early, OFFICER))
    assert world.close_step("endorsement") == ()
    world.pass_window("endorsement")
    assert list(world.round().members) == ["a"]
    assert out(world) == {"b": "NOT_ENDORSED", "c": "NOT_ENDORSED"}


def test_a_unit_may_close_its_endorsement_early_once_nobody_waits() -> None:
    world = with_members(step("endorsement"), members=["a"])
    world.open_step("endorsement")
    world.on("a", Endorse(round=world.round_stream()))
    world.at(CloseStepEarly(step="endorsement", reason="办结"), OFFICER)
    assert run_of(world.round(), "endorsement").early
    body = CloseStepEarly(step="endorsement", reason="办结")
    refused("STAGE_CLOSED", lambda: world.at(body, OFFICER))


def test_a_withdrawal_between_deciding_and_writing_makes_the_round_decide_again() -> None:
    world = with_members(step("endorsement"), members=["a", "b"])
    world.open_step("endorsement")
    for id in ("a", "b"):
        world.on(id, Endorse(round=world.round_stream()))
    command = world.command(world.round_stream(), CloseStepEarly(step="endorsement", reason="办结"), OFFICER)
    decided = world.decide(command)
    world.withdraw("a")
    fault = refused("WRONG_EXPECTED_HEAD", lambda: world.write(command, decided))
    assert isinstance(fault, Conflict)
    world.write(command, world.decide(command))
    assert (list(world.round().members), out(world)) == (["b"], {"a": "WITHDRAWN"})


# ---- expert review: DR-13 to DR-16 ----


def reviewing(*after: dict[str, Any], members: tuple[str, ...] = ("a", "b"), **said: Any) -> World:
    world = with_members(panel(**said), *after, members=members)
    world.open_step("expert_review")
    world.at(FormPanel(step="expert_review", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    return world


def results(world: World) -> dict[str, Fraction]:
    [event] = world.events(world.round_stream(), PanelClosed)
    return {one.nomination: one.value for one in event.results}


def test_a_panel_has_the_declared_number_of_different_judges_and_is_formed_once_dr_13() -> None:
    world = with_members(panel(), members=["a"])
    world.open_step("expert_review")
    ids = tuple(judge.id for judge in JUDGES)
    form = FormPanel(step="expert_review", judges=ids)
    refused("NOT_AUTHORISED", lambda: world.at(form, OFFICER))
    for judges in (ids[:2], (*ids[:2], ids[0]), (*ids, ids[0])):
        body = FormPanel(step="expert_review", judges=judges)
        refused("PANEL_SIZE", lambda body=body: world.at(body, OPERATOR))  # type: ignore[misc]
    assert len(world.at(form, OPERATOR)) == 1
    assert world.at(form, OPERATOR) == ()
    other = FormPanel(step="expert_review", judges=(*ids[:2], SPARE_JUDGE.id))
    refused("PANEL_FORMED", lambda: world.at(other, OPERATOR))


def test_a_sheet_with_one_bad_mark_keeps_the_rest_dr_16() -> None:
    world = reviewing()
    world.sheet(JUDGES[0], "expert_review", {"a": "105", "b": "９.5", "z": "3"})
    [sheet] = world.events(world.round_stream(), SheetHandedIn)
    assert [(mark.nomination, mark.score) for mark in sheet.marks] == [("b", Fraction("9.5"))]
    assert sheet.refused == (
        Dropped(nomination="a", reason="SCORE_OUT_OF_RANGE"),
        Dropped(nomination="z", reason="NOT_A_MEMBER"),
    )


def test_a_sheet_with_no_good_mark_is_refused_and_makes_nobody_present_dr_16() -> None:
    world = reviewing()
    for code, marks in {
        "SCORE_OUT_OF_RANGE": {"a": "105"},
        "SCORE_NOT_A_STEP": {"a": "9.55"},
        "SCORE_NOT_A_NUMBER": {"a": "105", "b": "NaN"},
        "NOT_A_MEMBER": {"z": "5"},
    }.items():
        refused(code, lambda marks=marks: world.sheet(JUDGES[0], "expert_review", marks))  # type: ignore[misc]
    assert run_of(world.round(), "expert_review").sheets == {}


def test_a_vote_without_a_vote_is_refused() -> None:
    threshold = {"share": "1/2", "comparator": ">", "base": "present"}
    world = reviewing(mode="vote", threshold=threshold)
    body = HandInSheet(step="expert_review", marks=(WrittenMark(nomination="a", score="5"),))
    refused("VOTE_MISSING", lambda: world.at(body, JUDGES[0]))


def test_the_latest_mark_counts_until_the_close_and_is_refused_after_it_dr_14() -> None:
    world = reviewing()
    world.sheet(JUDGES[0], "expert_review", {"a": "10", "b": "20"})
    world.sheet(JUDGES[0], "expert_review", {"a": "30"})
    for judge in JUDGES[1:]:
        world.sheet(judge, "expert_review", {"a": "30", "b": "20"})
    world.close_step("expert_review")
    assert results(world) == {"a": 30, "b": 20}
    assert len(world.events(world.round_stream(), SheetHandedIn)) == 4
    refused("STAGE_CLOSED", lambda: world.sheet(JUDGES[0], "expert_review", {"a": "99"}))


def test_only_a_judge_of_the_panel_marks_dr_14() -> None:
    world = reviewing()
    refused("NOT_ON_PANEL", lambda: world.sheet(SPARE_JUDGE, "expert_review", {"a": "9"}))
    refused("NOT_ON_PANEL", lambda: world.sheet(OFFICER, "expert_review", {"a": "9"}))


def test_recusal_voids_marks_written_before_and_refuses_those_after_dr_13() -> None:
    world = reviewing()
    world.sheet(JUDGES[0], "expert_review", {"a": "100", "b": "50"})
    recuse = Recuse(step="expert_review", nomination="a", reason="师徒")
    world.at(recuse, JUDGES[0])
    assert world.at(recuse, JUDGES[0]) == ()
    refused("RECUSED", lambda: world.sheet(JUDGES[0], "expert_review", {"a": "100"}))
    refused("NOT_ON_PANEL", lambda: world.at(recuse, SPARE_JUDGE))
    stranger = recuse.model_copy(update={"nomination": "z"})
    refused("NOT_A_MEMBER", lambda: world.at(stranger, JUDGES[0]))
    for judge in JUDGES[1:]:
        world.sheet(judge, "expert_review", {"a": "40", "b": "50"})
    world.close_step("expert_review")
    [event] = world.events(world.round_stream(), PanelClosed)
    assert [(one.value, one.counted, one.recused) for one in event.results] == [(40, 2, 1), (50, 3, 0)]


def test_without_a_quorum_the_session_is_invalid_its_sheets_sealed_and_it_is_held_again_dr_15() -> None:
    world = reviewing()
    world.sheet(JUDGES[0], "expert_review", {"a": "10", "b": "20"})
    world.pass_window("expert_review")
    assert held(world, "expert_review") == "QUORUM_UNMET"
    assert results_absent(world)
    refused("STAGE_CLOSED", lambda: world.sheet(JUDGES[1], "expert_review", {"a": "20", "b": "20"}))
    extend(world, "expert_review")
    assert held(world, "expert_review") == ""
    [void] = world.events(world.round_stream(), SessionInvalidated)
    assert (void.present, void.entitled) == (1, 3)
    assert out(world) == {}
    for judge in JUDGES[
        1:
    ]:  # the first session's sheet does not make the second one quorate, nor does it count
        assert world.close_step("expert_review") == ()
        world.sheet(judge, "expert_review", {"a": "20", "b": "20"})
    world.pass_window("expert_review")
    assert results(world) == {"a": 20, "b": 20}


def results_absent(world: World) -> bool:
    return not world.events(world.round_stream(), PanelClosed)


def test_too_few_marks_of_somebody_hold_the_review_dr_16() -> None:
    world = reviewing(scores_min=2)
    world.sheet(JUDGES[0], "expert_review", {"a": "10", "b": "20"})
    world.sheet(JUDGES[1], "expert_review", {"a": "10"})
    world.pass_window("expert_review")
    [event] = world.events(world.round_stream(), StepHeld)
    assert (event.code, event.nominations) == ("SCORES_MISSING", ("b",))


def test_a_judge_is_replaced_by_two_people_and_the_old_marks_count_no_more_dr_13() -> None:
    world = reviewing()
    world.sheet(JUDGES[0], "expert_review", {"a": "100", "b": "100"})
    body = ReplaceJudge(step="expert_review", judge=JUDGES[0].id, by=SPARE_JUDGE.id, reason="生病")
    world.at(body, OPERATOR)
    refused("SECOND_PERSON_REQUIRED", lambda: world.at(body, OPERATOR))
    world.at(body, OPERATOR_2)
    refused("NOT_ON_PANEL", lambda: world.at(body, OPERATOR))
    sits = body.model_copy(update={"judge": JUDGES[1].id})
    assert refused("ALREADY_ON_PANEL", lambda: world.at(sits, OPERATOR)).facts == {"actor": SPARE_JUDGE.id}
    for judge in (*JUDGES[1:], SPARE_JUDGE):
        world.sheet(judge, "expert_review", {"a": "10", "b": "20"})
    world.close_step("expert_review")
    assert results(world) == {"a": 10, "b": 20}


def test_a_vote_passes_by_its_share_of_those_present_and_the_others_are_out_dr_15() -> None:
    threshold = {"share": "2/3", "comparator": ">=", "base": "present"}
    world = reviewing(mode="vote", threshold=threshold)
    said = {
        "judge-1": ("approve", "approve"),
        "judge-2": ("approve", "abstain"),
        "judge-3": ("reject", "reject"),
    }
    for judge in JUDGES:
        marks = tuple(
            WrittenMark.model_validate({"nomination": id, "vote": vote})
            for id, vote in zip("ab", said[judge.id], strict=True)
        )
        world.at(HandInSheet(step="expert_review", marks=marks), judge)
    world.close_step("expert_review")
    assert (list(world.round().members), out(world)) == (["a"], {"b": "VOTE_NOT_PASSED"})


# ---- public vote: DR-19, DR-21, DR-22 ----

LIMITS = {"per_day": 5, "per_candidate_per_day": 1, "choices_min": 1, "choices_max": 5}
VOTE = step("public_vote", limits=LIMITS)


def test_a_vote_is_sealed_after_it_is_closed_once_and_normalised_dr_19_dr_22() -> None:
    world = with_members(VOTE, choice(1, component="public"), members=["a", "b"])
    world.open_step("public_vote")
    refused("BALLOT_OPEN", lambda: world.seal("public_vote", {"a": 1, "b": 0}))
    assert world.close_step("public_vote") == ()
    world.pass_window("public_vote")
    refused("STAGE_MISMATCH", lambda: world.open_step("selection"))
    world.seal("public_vote", {"a": 30, "b": 40})
    assert world.seal("public_vote", {"a": 99, "b": 0}) == ()
    [sealed] = world.events(world.round_stream(), TallySealed)
    assert {one.nomination: one.value for one in sealed.values} == {"a": 75, "b": 100}
    world.open_step("selection")
    assert list(world.round().members) == ["b"]


def test_a_vote_without_a_single_paper_is_a_component_of_zeros_dr_19() -> None:
    world = with_members(VOTE, members=["a", "b"])
    world.open_step("public_vote")
    world.pass_window("public_vote")
    world.seal("public_vote", {"a": 0, "b": 0})
    assert world.round().components["public"] == {"a": 0, "b": 0}


def test_whoever_left_before_the_vote_is_not_on_the_paper_dr_21() -> None:
    world = with_members(VOTE, members=["a", "b"])
    world.withdraw("a")
    world.open_step("public_vote")
    [ballot] = world.events(world.round_stream(), BallotOpened)
    assert (ballot.candidates, out(world)) == (("b",), {"a": "WITHDRAWN"})
    gone = with_members(VOTE, members=["a"])
    gone.withdraw("a")
    gone.open_step("public_vote")
    assert closed(gone, "public_vote")
    assert not gone.events(gone.round_stream(), BallotOpened)


# ---- selection: DR-07, DR-17, DR-18, DR-25, DR-26 ----


def choosing(marks: dict[str, str], *after: dict[str, Any], **said: Any) -> World:
    world = with_members(panel(), choice(**said), *after, members=list(marks))
    judged(world, marks)
    world.open_step("selection")
    return world


def test_a_tie_across_the_cut_waits_for_a_person_who_orders_all_of_them_dr_17() -> None:
    world = choosing({"a": "90", "b": "80", "c": "80", "d": "80"}, seats=2, reserve=1)
    assert held(world, "selection") == "TIE_UNRESOLVED"
    assert world.close_step("selection") == ()

    def resolve(*order: str) -> ResolveTie:
        return ResolveTie(step="selection", order=order, reason="合议")

    refused("NOT_AUTHORISED", lambda: world.at(resolve("b", "c", "d"), OFFICER))
    refused("NOT_ON_LIST", lambda: world.at(resolve("b", "z"), OPERATOR))
    refused("NOT_ON_LIST", lambda: world.at(resolve("b", "b", "c", "d"), OPERATOR))
    forgotten = refused("TIE_NOT_COVERED", lambda: world.at(resolve("d", "c"), OPERATOR))
    assert forgotten.facts["nominations"] == "b"
    world.at(resolve("d", "b", "c"), OPERATOR)
    world.close_step("selection")
    assert (list(world.round().members), list(world.round().standby)) == (["a", "d"], ["b"])
    assert out(world) == {"c": "NOT_SELECTED: rank 4, seats 2"}
    refused("STAGE_CLOSED", lambda: world.at(resolve("b", "c"), OPERATOR))


def test_there_is_nothing_to_resolve_or_waive_where_nothing_is_held() -> None:
    world = choosing({"a": "90", "b": "90"}, seats=1, differential="3")
    assert held(world, "selection") == "DIFFERENTIAL_UNMET"
    resolve = ResolveTie(step="selection", order=("a", "b"), reason="r")
    refused("NOTHING_TO_RESOLVE", lambda: world.at(resolve, OPERATOR))
    waive = WaiveDifferential(step="selection", reason="r")
    world.at(waive, OPERATOR)
    world.at(waive, OPERATOR_2)
    world.close_step("selection")
    assert held(world, "selection") == "TIE_UNRESOLVED"
    refused("NOTHING_TO_RESOLVE", lambda: world.at(waive, OPERATOR))


def test_too_few_candidates_hold_until_two_people_waive_the_differential_dr_07() -> None:
    world = choosing({"a": "90", "b": "80"}, seats=2, differential="3/2")
    assert held(world, "selection") == "DIFFERENTIAL_UNMET"
    waive = WaiveDifferential(step="selection", reason="等额")
    world.at(waive, OPERATOR)
    refused("SECOND_PERSON_REQUIRED", lambda: world.at(waive, OPERATOR))
    assert world.close_step("selection") == ()
    world.at(waive, OPERATOR_2)
    world.close_step("selection")
    assert list(world.round().members) == ["a", "b"]


def test_seats_may_stay_empty_and_the_minimum_score_is_a_cut_dr_18() -> None:
    world = choosing({"a": "90", "b": "50"}, seats=3, minimum_score="60")
    assert list(world.round().members) == ["a"]
    assert out(world) == {"b": "NOT_SELECTED: rank 2, seats 3, kept out by minimum_score"}
    assert world.nomination("b").status is Status.ELIMINATED


def test_a_share_rule_lets_a_lower_score_in_and_its_certificate_says_so_dr_25() -> None:
    floor = {
        "id": "front",
        "who": {"id": "f", "fact": "frontline", "op": "==", "value": True},
        "op": ">=",
        "share": "1/2",
    }
    members = {"a": {"frontline": False}, "b": {"frontline": False}, "c": {"frontline": True}, "d": {}}
    world = with_members(panel(), choice(2, shares=[floor]), members=members)
    judged(world, {"a": "90", "b": "80", "c": "70", "d": "75"})
    world.open_step("selection")
    assert list(world.round().members) == ["a", "c"]
    assert out(world) == {
        "b": "NOT_SELECTED: rank 2, seats 2, kept out by front",
        "d": "NOT_SELECTED: rank 3, seats 2",
    }
    [made] = world.events(world.round_stream(), SelectionMade)
    assert made.certificate["valid"]


def test_whose_place_is_within_the_seats_is_told_what_kept_them_out_dr_25_dr_26() -> None:
    """A cap that is reached, seats that a rule keeps empty, the seats of a track: each is named, and no place blamed."""
    who = {"id": "h", "fact": "head", "op": "==", "value": True}
    heads = {"head": True}
    cap = {"id": "heads", "who": who, "op": "<=", "share": "1/2", "base": "seats"}
    marks = {"a": "90", "b": "80", "c": "70", "d": "60"}

    def left(facts: dict[str, Any], **said: Any) -> dict[str, str]:
        members = {id: facts if id in "abc" else {"head": False} for id in marks}
        world = with_members(panel(), choice(2, **said), members=members)
        judged(world, marks)
        world.open_step("selection")
        return out(world)

    kept_out_by_the_cap = {
        "b": "NOT_SELECTED: rank 2, seats 2, kept out by heads",
        "c": "NOT_SELECTED: rank 3, seats 2",
    }
    assert left(heads, shares=[cap]) == kept_out_by_the_cap
    assert left(heads, shares=[cap], minimum_score="70") == kept_out_by_the_cap | {
        "d": "NOT_SELECTED: rank 4, seats 2, kept out by minimum_score"
    }
    track = {"id": "listed_apart", "who": who, "seats": 1}
    assert left(heads, off_quota=[track]) == {
        "b": "NOT_SELECTED: rank 2, seats 2, kept out by listed_apart",
        "c": "NOT_SELECTED: rank 3, seats 2",
    }


def test_whom_only_the_seats_of_a_track_keep_out_of_empty_seats_is_told_so_dr_25() -> None:
    """Nobody stands behind them on the list: two of its three seats are for others, and nobody is there for them."""
    track = {
        "id": "listed_apart",
        "who": {"id": "h", "fact": "head", "op": "==", "value": True},
        "seats": 1,
    }
    marks = {"a": "90", "b": "80", "c": "70", "d": "60"}
    world = with_members(panel(), choice(3, off_quota=[track]), members={id: {"head": True} for id in marks})
    judged(world, marks)
    world.open_step("selection")
    assert out(world) == {
        "b": "NOT_SELECTED: rank 2, seats 3, kept out by listed_apart",
        "c": "NOT_SELECTED: rank 3, seats 3, kept out by listed_apart",
        "d": "NOT_SELECTED: rank 4, seats 3",
    }


def test_rules_that_exclude_each_other_hold_with_the_shortfall_dr_26() -> None:
    who = {"id": "f", "fact": "frontline", "op": "==", "value": True}
    floor = {"id": "front", "who": who, "op": ">=", "share": "100%"}
    world = with_members(panel(), choice(1, exact=True, shares=[floor]), members={"a": {"frontline": False}})
    judged(world, {"a": "90"})
    world.open_step("selection")
    [event] = world.events(world.round_stream(), StepHeld)
    assert event.code == "RULES_INFEASIBLE"
    assert "front" in event.detail
    assert "needs 1 more" in event.detail


def infeasible(**said: Any) -> World:
    """Two seats for whose list two floors exclude each other; all of a list of three are known."""
    frontline = {"id": "f", "fact": "frontline", "op": "==", "value": True}
    others = {"id": "o", "fact": "frontline", "op": "==", "value": False}
    shares = [
        {"id": "front", "who": frontline, "op": ">=", "share": "100%"},
        {"id": "others", "who": others, "op": ">=", "share": "50%"},
    ]
    members = {"a": {"frontline": False}, "b": {"frontline": True}, "c": {"frontline": True}}
    after = said.pop("after", ())
    world = with_members(panel(), choice(2, exact=True, shares=shares, **said), *after, members=members)
    judged(world, {"a": "90", "b": "80", "c": "70"})
    world.open_step("selection")
    return world


def test_two_people_waive_a_rule_that_cannot_hold_and_the_selection_is_taken_again_dr_26() -> None:
    world = infeasible()
    assert held(world, "selection") == "RULES_INFEASIBLE"
    waive = WaiveRules(step="selection", rules=("front",), reason="党组会议")
    world.at(waive, OPERATOR)
    refused("SECOND_PERSON_REQUIRED", lambda: world.at(waive, OPERATOR))
    assert world.close_step("selection") == ()
    assert world.at(waive, OPERATOR_2)[-1] == RulesWaived(
        step="selection", rules=("front",), reason="党组会议"
    )
    world.close_step("selection")
    assert list(world.round().members) == ["a", "b"]
    [made] = world.events(world.round_stream(), SelectionMade)
    assert made.certificate["valid"]
    assert [rule["rule"] for rule in made.certificate["rules"]] == ["others"]


def test_a_waiver_names_rules_in_force_and_only_of_a_selection_that_waits_dr_26() -> None:
    world = infeasible()
    for rules in (("nobody",), ("front", "nobody")):
        waive = WaiveRules(step="selection", rules=rules, reason="r")
        refused("NOT_FOUND", lambda waive=waive: world.at(waive, OPERATOR))  # type: ignore[misc]
    made = choosing({"a": "90"}, seats=1)
    waive = WaiveRules(step="selection", rules=("front",), reason="r")
    refused("STAGE_CLOSED", lambda: made.at(waive, OPERATOR))
    tied = choosing({"a": "90", "b": "90"}, seats=1)
    refused("NOTHING_TO_RESOLVE", lambda: tied.at(waive, OPERATOR))


def test_the_demand_that_all_seats_be_filled_may_be_waived_too_dr_18_dr_26() -> None:
    world = choosing({"a": "90"}, seats=2, exact=True)
    assert held(world, "selection") == "RULES_INFEASIBLE"
    [event] = world.events(world.round_stream(), StepHeld)
    assert event.detail == "exact: seats needs 1 more (has 1, required 2)"
    for by in (OPERATOR, OPERATOR_2):
        world.at(WaiveRules(step="selection", rules=("exact",), reason="宁缺毋滥"), by)
    world.close_step("selection")
    assert list(world.round().members) == ["a"]


def test_a_substitution_is_not_held_to_a_rule_that_was_waived_dr_26_dr_31() -> None:
    world = infeasible(reserve=1, after=(step("publicity"),))
    for by in (OPERATOR, OPERATOR_2):
        world.at(WaiveRules(step="selection", rules=("front", "others"), reason="r"), by)
    world.close_step("selection")
    world.open_step("publicity")
    world.withdraw("a")
    world.close_step("publicity")
    assert list(world.round().members) == ["b", "c"]


def test_recommendation_ranks_are_a_component_dr_06() -> None:
    world = with_members(
        step("endorsement", ranked=True), choice(1, component="recommendation"), members=["a", "b"]
    )
    world.open_step("endorsement")
    for rank, id in enumerate(("b", "a"), 1):
        world.on(id, Endorse(round=world.round_stream(), recommendation_rank=rank))
    world.pass_window("endorsement")
    world.open_step("selection")
    assert list(world.round().members) == ["b"]


def test_the_reserve_of_a_shortlist_lapses_with_the_next_selection_and_is_told() -> None:
    world = with_members(
        panel(), choice(2, "shortlist", reserve=1), choice(1, reserve=1), members=["a", "b", "c"]
    )
    judged(world, {"a": "90", "b": "80", "c": "70"})
    world.open_step("shortlist")
    assert list(world.round().standby) == ["c"]
    world.open_step("selection")
    assert (list(world.round().members), list(world.round().standby)) == (["a"], ["b"])
    assert out(world) == {"c": "RESERVE_LAPSED"}
    assert world.nomination("c").status is Status.ELIMINATED


# ---- amendments: DR-08 ----


def test_a_window_is_only_ever_moved_later_by_two_people_dr_08() -> None:
    world = with_members(step("endorsement"), choice(1), members=["a"])
    world.open_step("endorsement")
    window = run_of(world.round(), "endorsement").window
    assert window is not None
    same = ExtendStep(step="endorsement", closes_at=window.closes_at, reason="r")
    refused("NOT_AN_EXTENSION", lambda: world.at(same, OPERATOR))
    later = same.model_copy(update={"closes_at": window.closes_at + DAY})
    refused("NOT_AUTHORISED", lambda: world.at(later, OFFICER))
    world.at(later, OPERATOR)
    assert run_of(world.round(), "endorsement").window == window
    world.at(later, OPERATOR_2)
    world.now = window.closes_at
    world.on("a", Endorse(round=world.round_stream()))
    assert world.close_step("endorsement") == ()
    world.pass_window("endorsement")
    refused("STAGE_CLOSED", lambda: world.at(later, OPERATOR))
