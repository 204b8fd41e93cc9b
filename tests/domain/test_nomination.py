"""A nomination's own rules: how it gets in, who may decide on it, how it is returned, objected to, and left."""

from datetime import timedelta
from typing import Any

import pytest

from domain.nomination import Status
from schemas import names
from schemas.commands import (
    Correct,
    Disqualify,
    Endorse,
    FileObjection,
    Reject,
    ReopenVetting,
    ReportRound,
    ReturnForCorrection,
    RuleOnObjection,
    TakeOutcome,
    Withdraw,
)
from schemas.errors import Conflict
from schemas.events import (
    FactValue,
    GrantTerms,
    NominationCorrected,
    NominationDisqualified,
    NominationEndorsed,
    NominationReturned,
    ObjectionFiled,
    ObjectionMerged,
    ObjectionRefused,
    ObjectionRuled,
    VettingReopened,
)
from tests.domain.specification import (
    APPLICANT,
    HANDLER,
    HANDLER_2,
    INTAKE,
    JUDGES,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    STRANGER,
    TAX,
    World,
    one_level,
    refused,
    step,
    with_members,
)

ROUND = names.round_stream(World.cycle, names.ROOT_ROUTE, "9")


def endorsing(ranked: bool = False) -> World:
    world = with_members(step("endorsement", ranked=ranked), members=["a", "b"])
    world.open_step("endorsement")
    return world


def publishing() -> World:
    world = with_members(step("publicity"), members=["a", "b"])
    world.open_step("publicity")
    return world


def objection(id: str = "o1", anonymous: bool = False, **more: Any) -> FileObjection:
    return FileObjection(
        objection=id,
        round=ROUND,
        entry="sealed",
        commitment="0" * 64,
        ground="deeds",
        anonymous=anonymous,
        **more,
    )


# ---- submission: DR-02, DR-05, DR-06, DR-08 ----


def test_a_nomination_keeps_the_way_that_it_was_submitted_by_dr_02() -> None:
    world = one_level()
    world.submit("a")
    submitted = world.nomination("a").submitted
    assert submitted is not None
    assert submitted.path == ("9",)
    assert world.nomination("a").round == ROUND


def test_an_id_is_taken_once() -> None:
    world = one_level()
    world.submit("a")
    refused("NOMINATION_EXISTS", lambda: world.submit("a"))


def test_a_subject_has_one_nomination_in_a_cycle_and_the_second_is_told_the_first_dr_05() -> None:
    world = one_level()
    world.submit_as("a", subject="same")
    refusal = refused("DUPLICATE_NOMINATION", lambda: world.submit_as("b", subject="same"))
    assert refusal.facts["existing"] == "a"


def test_a_unit_may_not_put_forward_more_than_its_quota_dr_06() -> None:
    world = one_level(intake=INTAKE | {"quota": 1})
    world.submit("a")
    refused("QUOTA_EXCEEDED", lambda: world.submit("b"))


def test_an_allocation_of_seats_goes_before_the_quota_dr_06() -> None:
    said = one_level(intake=INTAKE | {"quota": 1})
    world = World(said.programme, said.tree.allotted({"9": {"seats": 2}})).open()
    world.submit("a")
    world.submit("b")
    refused("QUOTA_EXCEEDED", lambda: world.submit("c"))
    none = World(said.programme, said.tree.allotted({"9": {"seats": 0}})).open()
    refused("QUOTA_EXCEEDED", lambda: none.submit("a"))


def test_a_place_is_free_again_after_a_withdrawal_within_the_intake_dr_06() -> None:
    world = one_level(intake=INTAKE | {"quota": 2})
    world.submit("a")
    world.submit("b")
    world.withdraw("a")
    world.submit("c")
    refused("QUOTA_EXCEEDED", lambda: world.submit("d"))
    assert world.claims == {(names.quota_scope("river", "9"), n): id for n, id in ((1, "c"), (2, "b"))}


def test_of_two_who_were_told_the_same_free_place_one_decides_again_dr_06() -> None:
    world = one_level(intake=INTAKE | {"quota": 1})
    stream = names.nomination_stream(World.cycle, "b")
    late = world.command(stream, world.submission("b"), OFFICER)
    decided = world.decide(late)
    world.submit("a")
    with pytest.raises(Conflict, match="WRONG_EXPECTED_HEAD"):
        world.write(late, decided)
    refused("QUOTA_EXCEEDED", lambda: world.decide(late))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("NOT_FOUND", {"unit": "nowhere"}),
        ("NO_WAY_UP", {"route": "sea"}),
        ("CHANNEL_NOT_OPEN", {"channel": "self"}),
        ("TOO_FEW_SPONSORS", {"channel": "joint", "sponsors": ("s1", "s2", "s2")}),
        ("FACTS_INVALID", {"facts": (FactValue(id="years", value="many"),)}),
        ("FACTS_INVALID", {"facts": (FactValue(id="wings", value=2),)}),
        ("FACTS_INVALID", {"facts": (FactValue(id="years", value=2), FactValue(id="years", value=3))}),
        ("FACTS_INVALID", {"facts": (FactValue(id="years", value=True),)}),
        ("FACTS_INVALID", {"facts": (FactValue(id="trade", value="hats"),)}),
        ("FACTS_INVALID", {"facts": (FactValue(id="born_on", value="yesterday"),)}),
    ],
)
def test_a_submission_that_the_programme_does_not_allow_is_refused_whole_dr_05(code: str, said: dict) -> None:  # type: ignore[type-arg]
    world = one_level(intake=INTAKE | {"channels": ["unit", "joint"]})
    refused(code, lambda: world.submit_as("a", **said))
    assert names.nomination_stream(World.cycle, "a") not in world.streams


def test_a_rank_without_intake_takes_nobody() -> None:
    world = one_level(step("endorsement"), intake=step("endorsement", "first"))
    refused("NO_INTAKE_HERE", lambda: world.submit("a"))


def test_the_last_instant_counts_and_the_end_itself_is_late_dr_08() -> None:
    world = one_level()
    end = world.gates[names.intake_gate(World.cycle, "province")].closes_at
    assert end is not None
    world.now = end - timedelta(microseconds=1)
    world.submit("a")
    world.now = end
    refused("STAGE_CLOSED", lambda: world.submit("b"))


def test_a_unit_s_nomination_needs_its_officer_but_oneself_needs_no_grant_dr_05() -> None:
    world = one_level()
    refused("NOT_AUTHORISED", lambda: world.submit("a", by=STRANGER))
    refused("NOT_AUTHORISED", lambda: world.submit("a", by=APPLICANT))
    world.submit_as("a", by=APPLICANT, channel="self")
    assert world.nomination("a").submitter == APPLICANT.id


# ---- endorsement: DR-06, DR-14, DR-20 ----


def test_a_double_click_on_approve_has_one_effect_and_the_same_receipt_dr_14() -> None:
    world = endorsing()
    first = world.on("a", Endorse(round=ROUND))
    again = world.on("a", Endorse(round=ROUND))
    assert first == again
    stream = names.nomination_stream(World.cycle, "a")
    assert len(world.events(stream, NominationEndorsed)) == 1
    command = world.command(stream, Endorse(round=ROUND), OFFICER)
    assert world.decide(command).already == world.streams[stream][-1].command


def test_a_stage_may_have_a_first_and_a_second_review_and_each_is_approved_by_itself_dr_14_dr_28() -> None:
    """初审, 公示, 复审 at one level: an approval is of the review that is on, and none counts for another."""
    world = with_members(step("endorsement", "first"), step("endorsement", "second"), members=["a", "b"])
    world.open_step("first")
    receipts = [world.on(id, Endorse(round=ROUND)) for id in "ab"]
    world.pass_window("first")
    assert world.on("a", Endorse(round=ROUND)) == receipts[0]
    world.open_step("second")
    world.on("a", Endorse(round=ROUND))
    assert world.standing("a").endorsed == {(ROUND, "first"): 0, (ROUND, "second"): 0}
    world.pass_window("second")
    assert world.round().out == {"b": ("second", "NOT_ENDORSED")}


def test_a_second_click_on_approve_means_the_review_that_was_seen_and_not_the_next_dr_14() -> None:
    """It comes under an id of its own, just after the first review has closed and the second has opened."""
    world = with_members(step("endorsement", "first"), step("endorsement", "second"), members=["a", "b"])
    world.open_step("first")
    seen = Endorse(round=ROUND, step="first")
    receipt = world.on("a", seen)
    world.on("b", seen)
    early = refused("STAGE_MISMATCH", lambda: world.on("a", Endorse(round=ROUND, step="second")))
    assert early.facts["current"] == "first"
    world.pass_window("first")
    world.open_step("second")
    assert world.on("a", seen) == receipt
    assert world.standing("a").endorsed == {(ROUND, "first"): 0}


@pytest.mark.parametrize(
    "late",
    [
        Endorse(round=ROUND, step="first", reason="r"),
        ReturnForCorrection(round=ROUND, step="first", reason="r"),
        Reject(round=ROUND, step="first", reason="r"),
    ],
    ids=lambda body: body.kind,
)
def test_a_word_on_a_review_that_is_over_is_refused_while_the_next_is_open_dr_14(late) -> None:
    world = with_members(step("endorsement", "first"), step("endorsement", "second"), members=["a"])
    world.open_step("first")
    world.on("a", Endorse(round=ROUND, step="first", recommendation_rank=1))
    world.pass_window("first")
    world.open_step("second")
    refused("STAGE_CLOSED", lambda: world.on("a", late))
    unknown = late.model_copy(update={"step": "third"})
    refused("STAGE_MISMATCH", lambda: world.on("a", unknown))
    assert world.nomination("a").status is Status.OPEN


def test_a_word_that_names_no_review_has_the_bytes_that_it_always_had_dr_45() -> None:
    assert Endorse(round=ROUND).model_dump() == {
        "kind": "endorse",
        "round": ROUND,
        "recommendation_rank": None,
        "reason": "",
    }


def test_another_rank_is_another_endorsement_and_the_latest_counts_dr_06() -> None:
    world = endorsing(ranked=True)
    world.on("a", Endorse(round=ROUND, recommendation_rank=2))
    world.on("a", Endorse(round=ROUND, recommendation_rank=1))
    assert world.standing("a").endorsed == {(ROUND, "endorsement"): 1}


def test_a_recommendation_rank_is_one_member_s_and_the_refusal_says_whose_dr_06() -> None:
    world = endorsing(ranked=True)
    world.on("a", Endorse(round=ROUND, recommendation_rank=1))
    refusal = refused("RANK_TAKEN", lambda: world.on("b", Endorse(round=ROUND, recommendation_rank=1)))
    assert refusal.facts == {"rank": "1", "holder": "a"}
    world.on("b", Endorse(round=ROUND, recommendation_rank=2))


@pytest.mark.parametrize(
    "lapsing",
    [
        Endorse(round=ROUND, recommendation_rank=3),
        ReturnForCorrection(round=ROUND, reason="r"),
        Reject(round=ROUND, reason="r"),
        Withdraw(reason="r"),
    ],
    ids=lambda body: body.kind,
)
def test_a_rank_is_free_again_when_its_endorsement_lapses_dr_06(lapsing) -> None:
    world = endorsing(ranked=True)
    world.on("a", Endorse(round=ROUND, recommendation_rank=1))
    world.on("a", lapsing)
    world.on("b", Endorse(round=ROUND, recommendation_rank=1))


def test_two_people_s_disqualification_frees_the_rank_too_dr_06() -> None:
    world = endorsing(ranked=True)
    world.on("a", Endorse(round=ROUND, recommendation_rank=1))
    for by in (OPERATOR, OPERATOR_2):
        world.on("a", Disqualify(reason="r"), by)
    world.on("b", Endorse(round=ROUND, recommendation_rank=1))


def test_a_late_objection_that_is_upheld_frees_the_rank_too_dr_06_dr_11() -> None:
    asked = step("clearance", silence="consent", departments=["tax"])
    world = with_members(asked, step("endorsement", ranked=True), members=["a", "b"])
    world.open_step("clearance")
    world.pass_window("clearance")
    world.open_step("endorsement")
    world.on("a", Endorse(round=ROUND, recommendation_rank=1))
    reopen = ReopenVetting(round=ROUND, step="clearance", department="tax", reason="r")
    [reopened] = world.on("a", reopen, TAX)
    assert isinstance(reopened, VettingReopened)
    for by in (HANDLER, HANDLER_2):
        world.on("a", RuleOnObjection(objection=reopened.objection, outcome="upheld", reason="r"), by)
    world.on("b", Endorse(round=ROUND, recommendation_rank=1))


def test_whoever_the_round_lets_go_gives_the_rank_back_dr_06() -> None:
    world = endorsing(ranked=True)
    world.on("a", Endorse(round=ROUND, recommendation_rank=1))
    gone = TakeOutcome(round=ROUND, round_seq=1, outcome="eliminated", step="clearance", reason="r")
    world.do(names.nomination_stream(world.cycle, "a"), gone)
    world.on("b", Endorse(round=ROUND, recommendation_rank=1))


def test_a_nomination_is_sent_back_as_often_as_the_programme_says_dr_20() -> None:
    world = with_members(step("endorsement", returns_max=2), members=["a"])
    world.open_step("endorsement")
    for _ in range(2):
        world.on("a", ReturnForCorrection(round=ROUND, reason="r"))
        world.correct("a", years=3)
    refused("RETURNS_EXHAUSTED", lambda: world.on("a", ReturnForCorrection(round=ROUND, reason="r")))
    world.on("a", Endorse(round=ROUND))


def test_a_ranked_endorsement_needs_a_rank_dr_06() -> None:
    refused("RANK_REQUIRED", lambda: endorsing(ranked=True).on("a", Endorse(round=ROUND)))


def test_a_recommendation_rank_begins_at_one_dr_06() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        Endorse(round=ROUND, recommendation_rank=-5)


def test_only_the_round_s_officer_decides_and_only_while_the_step_is_open_dr_14() -> None:
    world = endorsing()
    refused("NOT_AUTHORISED", lambda: world.on("a", Endorse(round=ROUND), STRANGER))
    refused("NOT_AUTHORISED", lambda: world.on("a", Endorse(round=ROUND), JUDGES[0]))
    elsewhere = names.round_stream(World.cycle, names.ROOT_ROUTE, "8")
    refused("STAGE_MISMATCH", lambda: world.on("a", Endorse(round=elsewhere)))
    world.on("a", Endorse(round=ROUND))
    world.pass_window("endorsement")
    refusal = refused("STAGE_CLOSED", lambda: world.on("a", Reject(round=ROUND, reason="late")))
    assert refusal.facts["closed_at"] == str(world.now)


def test_a_word_after_the_window_is_late_even_before_the_step_is_closed_dr_08() -> None:
    world = endorsing()
    gate = world.gates[names.step_gate(ROUND, "endorsement")]
    assert gate.closes_at is not None
    world.now = gate.closes_at
    refused("STAGE_CLOSED", lambda: world.on("a", Endorse(round=ROUND)))


def test_a_round_without_endorsement_or_another_step_open_is_a_mismatch_dr_14() -> None:
    refused("STAGE_MISMATCH", lambda: publishing().on("a", Endorse(round=ROUND)))
    world = with_members(step("endorsement"), members=["a"])
    refused("STAGE_MISMATCH", lambda: world.on("a", Endorse(round=ROUND)))


def test_an_endorsement_of_somebody_who_is_not_in_the_round_is_refused() -> None:
    world = endorsing()
    late = names.nomination_stream(World.cycle, "late")
    world.streams[late] = world.streams[names.nomination_stream(World.cycle, "a")][:1]
    refused("NOT_A_MEMBER", lambda: world.on("late", Endorse(round=ROUND)))


def test_return_and_correction_make_earlier_endorsements_lapse_dr_20() -> None:
    world = endorsing()
    world.on("a", Endorse(round=ROUND))
    world.on("a", ReturnForCorrection(round=ROUND, reason="缺材料"))
    refused("AWAITING_CORRECTION", lambda: world.on("a", Endorse(round=ROUND)))
    refused("AWAITING_CORRECTION", lambda: world.on("a", ReturnForCorrection(round=ROUND, reason="again")))
    written = world.on("a", Correct(facts=(FactValue(id="years", value=9),)))
    assert written == (NominationCorrected(revision=2, facts=(FactValue(id="years", value=9),)),)
    assert world.standing("a").endorsed == {}
    assert world.standing("a").facts == {"years": 9}
    world.on("a", Endorse(round=ROUND))
    assert world.standing("a").endorsed == {(ROUND, "endorsement"): 0}


def test_only_a_returned_nomination_is_corrected_and_only_with_facts_that_fit_dr_20() -> None:
    world = endorsing()
    refused("NOTHING_TO_CORRECT", lambda: world.correct("a", years=9))
    world.on("a", ReturnForCorrection(round=ROUND, reason="缺材料"))
    refused("FACTS_INVALID", lambda: world.correct("a", years="nine"))
    refused("NOT_AUTHORISED", lambda: world.on("a", Correct(), APPLICANT))


def test_a_returned_nomination_may_be_rejected_and_then_nothing_more_is_decided_of_it() -> None:
    world = endorsing()
    world.on("a", ReturnForCorrection(round=ROUND, reason="缺材料"))
    world.on("a", Reject(round=ROUND, reason="不符"))
    assert world.nomination("a").status is Status.REJECTED
    for body in (
        Endorse(round=ROUND),
        ReturnForCorrection(round=ROUND, reason="r"),
        Reject(round=ROUND, reason="r"),
        Withdraw(reason="r"),
    ):
        refusal = refused("NOMINATION_OVER", lambda body=body: world.on("a", body))  # type: ignore[misc]
        assert refusal.facts["nomination"] == names.nomination_stream(World.cycle, "a")
    refused("NOMINATION_OVER", lambda: world.on("a", Disqualify(reason="r"), OPERATOR))


def test_nobody_decides_on_a_nomination_that_does_not_exist() -> None:
    refused("NOT_FOUND", lambda: one_level().on("ghost", Withdraw(reason="r")))


# ---- leaving: DR-37 ----


def test_withdrawal_is_the_owner_s_and_allowed_until_the_end_dr_37() -> None:
    world = one_level()
    world.submit_as("a", by=APPLICANT, channel="self")
    other = APPLICANT.model_copy(update={"id": "applicant-2"})
    refused("NOT_AUTHORISED", lambda: world.on("a", Withdraw(reason="r"), other))
    world.on("a", Withdraw(reason="r"), APPLICANT)
    assert world.nomination("a").status is Status.WITHDRAWN


def test_disqualification_takes_two_people_dr_44() -> None:
    world = one_level()
    world.submit("a")
    body = Disqualify(reason="造假")
    world.on("a", body, OPERATOR)
    assert not world.nomination("a").gone
    refused("SECOND_PERSON_REQUIRED", lambda: world.on("a", body, OPERATOR))
    world.on("a", Disqualify(reason="another matter"), OPERATOR_2)
    assert not world.nomination("a").gone
    world.on("a", body, OPERATOR_2)
    assert world.nomination("a").status is Status.DISQUALIFIED


def test_who_proposed_a_disqualification_may_still_do_so_by_whatever_grant_dr_44() -> None:
    world, body = one_level(), Disqualify(reason="造假")
    world.submit("a")
    world.on("a", body, OPERATOR)
    world.grant(GrantTerms(id="other", person=OPERATOR.id, role="handler", unit="9"))
    world.revoke(OPERATOR)
    world.on("a", body, OPERATOR_2)
    assert world.nomination("a").status is Status.DISQUALIFIED


def test_a_disqualification_is_proposed_anew_where_who_proposed_it_may_not_any_more_dr_44() -> None:
    world, body = one_level(), Disqualify(reason="造假")
    world.submit("a")
    world.on("a", body, OPERATOR)
    world.revoke(OPERATOR)
    world.on("a", body, OPERATOR_2)
    assert not world.nomination("a").gone
    world.on("a", body, HANDLER)
    assert world.nomination("a").status is Status.DISQUALIFIED


# ---- objections: DR-29 ----


def test_an_objection_is_filed_within_the_window_in_one_s_real_name_once_dr_29() -> None:
    world = publishing()
    world.on("a", objection(), STRANGER)
    assert world.standing("a").disputed
    refused("OBJECTION_EXISTS", lambda: world.on("a", objection(), STRANGER))


def kept(world: World, id: str = "o1", **said: bool) -> str:
    """Why an objection that was refused is kept all the same."""
    [event] = world.on("a", objection(id, **said), STRANGER)
    assert isinstance(event, ObjectionRefused)
    assert (event.objection, event.entry, event.ground) == (id, "sealed", "deeds")
    return event.reason


def test_a_late_or_anonymous_objection_is_refused_kept_and_holds_nothing_dr_29() -> None:
    world = publishing()
    assert kept(world, "o1", anonymous=True) == "anonymous"
    world.now = world.round().published["a"].window.closes_at
    assert kept(world, "o2") == "late"
    world.close_step("publicity")
    assert kept(world, "o3") == "late"
    world.report()
    assert kept(world, "o4") == "late"
    assert not world.standing("a").disputed
    refused("OBJECTION_EXISTS", lambda: world.on("a", objection("o2"), STRANGER))
    ruling = RuleOnObjection(objection="o2", outcome="dismissed", reason="r")
    refused("OBJECTION_RULED", lambda: world.on("a", ruling, HANDLER))


def test_an_anonymous_objection_is_filed_where_the_programme_accepts_it_dr_29() -> None:
    world = with_members(step("publicity", accept_anonymous=True), members=["a"])
    world.open_step("publicity")
    world.on("a", objection(anonymous=True), STRANGER)
    assert world.standing("a").disputed


def test_an_anonymous_objection_needs_evidence_where_the_programme_asks_for_it_dr_29() -> None:
    world = with_members(step("publicity", accept_anonymous="with_evidence_only"), members=["a"])
    world.open_step("publicity")
    assert kept(world, "o1", anonymous=True) == "anonymous"
    [filed] = world.on("a", objection("o2", anonymous=True, evidence="e" * 64), STRANGER)
    assert isinstance(filed, ObjectionFiled)
    assert filed.evidence == "e" * 64
    assert world.nomination("a").open_objections() == ("o2",)
    [merged] = world.on("a", objection("o3", evidence="f" * 64), STRANGER)
    assert isinstance(merged, ObjectionMerged)
    assert merged.evidence == "f" * 64


def test_an_objection_without_evidence_is_asked_for_in_the_words_that_it_had_before_dr_45() -> None:
    assert not {"evidence", "postmark"} & objection().model_dump().keys()


def test_an_objection_needs_a_publication_and_somebody_still_in_it_dr_29() -> None:
    world = with_members(step("publicity"), members=["a", "b"])
    refused("NOT_PUBLISHED", lambda: world.on("a", objection(), STRANGER))
    world.open_step("publicity")
    world.withdraw("a")
    refused("NOMINATION_OVER", lambda: world.on("a", objection(), STRANGER))


def test_an_upheld_objection_disqualifies_and_takes_two_people_dr_29() -> None:
    world = publishing()
    world.on("a", objection(), STRANGER)
    upheld = RuleOnObjection(objection="o1", outcome="upheld", reason="属实")
    refused("NOT_AUTHORISED", lambda: world.on("a", upheld, OFFICER))
    refused("NOT_FOUND", lambda: world.on("a", upheld.model_copy(update={"objection": "o9"}), HANDLER))
    world.on("a", upheld, HANDLER)
    refused("SECOND_PERSON_REQUIRED", lambda: world.on("a", upheld, HANDLER))
    assert not world.nomination("a").gone
    written = world.on("a", upheld, HANDLER_2)
    assert written[1:] == (
        ObjectionRuled(objection="o1", outcome="upheld", reason="属实"),
        NominationDisqualified(reason="属实"),
    )
    refused("OBJECTION_RULED", lambda: world.on("a", upheld, HANDLER))


def test_an_objection_upheld_after_a_withdrawal_is_ruled_but_ends_nothing_twice_dr_29() -> None:
    world = publishing()
    world.on("a", objection(), STRANGER)
    world.withdraw("a")
    upheld = RuleOnObjection(objection="o1", outcome="upheld", reason="属实")
    world.on("a", upheld, HANDLER)
    world.on("a", upheld, HANDLER_2)
    assert world.nomination("a").status is Status.WITHDRAWN
    assert not world.nomination("a").open_objections()


def test_dismissing_an_objection_takes_one_person_dr_29() -> None:
    world = publishing()
    world.on("a", objection(), STRANGER)
    world.on("a", RuleOnObjection(objection="o1", outcome="dismissed", reason="不实"), HANDLER)
    assert not world.standing("a").disputed


# ---- outcomes ----


def test_an_outcome_is_taken_once_and_a_nomination_that_left_takes_none() -> None:
    world = one_level()
    world.submit("a")
    advanced = TakeOutcome(round="round/one", round_seq=3, outcome="advanced")
    assert len(world.on("a", advanced)) == 1
    assert world.on("a", advanced) == ()
    assert world.nomination("a").level == 1
    world.submit("b")
    world.withdraw("b")
    for outcome in ("advanced", "eliminated", "returned", "conferred"):
        assert world.on("b", TakeOutcome(round="round/two", round_seq=4, outcome=outcome)) == ()
    assert world.nomination("b").level == 0


def test_whom_the_summit_recommends_without_a_conferral_is_at_the_end() -> None:
    """推荐上报 (S3: 566 recommended): nothing more is decided of it here."""
    world = with_members(step("publicity"), members=["a", "b"])
    world.open_step("publicity")
    world.withdraw("b")
    world.pass_window("publicity")
    world.at(ReportRound())
    assert {id: world.nomination(id).status for id in "ab"} == {
        "a": Status.RECOMMENDED,
        "b": Status.WITHDRAWN,
    }
    told = world.nomination("a")
    assert (told.over, told.gone, told.round) == (True, False, ROUND)
    refused("NOMINATION_OVER", lambda: world.withdraw("a"))
    assert world.on("a", TakeOutcome(round=ROUND, round_seq=9, outcome="eliminated")) == ()


def test_a_title_below_the_summit_does_not_end_a_nomination() -> None:
    world = one_level()
    world.submit("a")
    said = {
        "round": "round/one",
        "round_seq": 3,
        "outcome": "conferred",
        "title": "helper",
        "certificate": "1",
    }
    world.on("a", TakeOutcome.model_validate(said))
    assert (world.nomination("a").titles, world.nomination("a").over) == (("helper",), False)
    world.on("a", TakeOutcome.model_validate(said | {"round": "round/two", "title": "pilot", "final": True}))
    assert world.nomination("a").status is Status.CONFERRED
    refused("NOMINATION_OVER", lambda: world.withdraw("a"))


def test_titles_given_together_are_taken_in_whatever_order_they_are_told_dr_33() -> None:
    world = one_level()
    world.submit("a")
    said = {"round": "round/one", "round_seq": 3, "outcome": "conferred", "certificate": "1"}
    last = TakeOutcome.model_validate(said | {"title": "pilot", "final": True})
    first = TakeOutcome.model_validate(said | {"title": "helper"})
    for outcome in (last, first):
        assert len(world.on("a", outcome)) == 1
        assert world.on("a", outcome) == ()
    told = world.nomination("a")
    assert (sorted(told.titles), told.status) == (["helper", "pilot"], Status.CONFERRED)


def test_a_return_by_the_engine_is_answered_like_any_other_dr_20() -> None:
    world = one_level()
    world.submit("a")
    written = world.on("a", TakeOutcome(round=ROUND, round_seq=1, outcome="returned", step="s", reason="m"))
    assert written == (NominationReturned(round=ROUND, step="s", reason="m"),)
    world.correct("a", years=3)
    assert world.nomination("a").revision == 2
