"""What people decide on a running round as a whole: paused, resumed, cancelled, its reports waited for longer."""

from __future__ import annotations

import copy
from datetime import timedelta
from functools import partial

import pytest
from pydantic import ValidationError

from domain.decision import Calendar
from domain.nomination import Status
from domain.rebuilding import told
from domain.round import State, run_of
from schemas import names
from schemas.commands import (
    CancelRound,
    CloseStep,
    CloseStepEarly,
    Confer,
    Endorse,
    ExtendReports,
    FormPanel,
    FreezePool,
    LapseRound,
    OpenRound,
    OpenStep,
    PauseCycle,
    PauseRound,
    RearmStep,
    ReplyClearance,
    ReportRound,
    ResumeCycle,
    ResumeRound,
    RuleOnObjection,
    TakeOutcome,
)
from schemas.errors import Refused
from schemas.events import (
    ActProposed,
    ReportsExtended,
    RoundLapsed,
    RoundPaused,
    RoundResumed,
    StepClosed,
    StepExtended,
)
from schemas.ledger import GateOpen, GateStatus
from schemas.programme import DayUnit, Period
from tests.domain.specification import (
    COUNCIL,
    COUNCIL_2,
    DAY,
    HANDLER,
    INTAKE,
    JUDGES,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    STRANGER,
    TAX,
    World,
    judged,
    one_level,
    panel,
    refused,
    step,
    two_levels,
    with_members,
)
from tests.domain.test_outcome import county_done
from tests.domain.test_outcome import two_levels as helpers_then_all
from tests.domain.test_publicity import TRUE, object_to, published

PAUSE, RESUME, CANCEL = PauseRound(reason="核查"), ResumeRound(), CancelRound(reason="停办")
TWO_DAYS = Period(days=2, unit=DayUnit.WORK_DAY)


def endorsing() -> World:
    world = with_members(step("endorsement"), members=("a", "b"))
    world.open_step("endorsement")
    return world


def endorsing_below() -> World:
    """A county, whose members may be endorsed, under a province."""
    steps = {"steps": [INTAKE, step("endorsement")]}
    world = two_levels(steps, {"steps": [step("endorsement", "word")]})
    for id in "ab":
        world.submit(id, "901")
    world.close_intake()
    world.begin("901").open_step("endorsement", "901")
    return world


def endorse(world: World, id: str = "a") -> None:
    world.on(id, Endorse(round=world.round_stream()), OFFICER)


def window(world: World, step_id: str = "endorsement"):
    return run_of(world.round(), step_id).window


# ---- pause and resume ----


def test_a_paused_round_decides_nothing_whoever_asks() -> None:
    world = endorsing()
    assert world.at(PAUSE, OPERATOR) == (RoundPaused(reason="核查"),)
    refused("ROUND_PAUSED", lambda: endorse(world))
    for body in (OpenStep(step="endorsement"), CloseStep(step="endorsement"), ReportRound(), FreezePool()):
        refused("ROUND_PAUSED", lambda body=body: world.at(body))  # type: ignore[misc]
    assert world.at(PAUSE, OPERATOR) == ()
    world.at(RESUME, OPERATOR)
    endorse(world)


def test_the_row_of_a_paused_round_s_window_refuses_too_whatever_was_read_before() -> None:
    world = endorsing()
    early = world.command(
        names.nomination_stream(world.cycle, "a"), Endorse(round=world.round_stream()), OFFICER
    )
    decided = world.decide(early)
    assert any(isinstance(guard, GateOpen) for guard in decided.guards)
    world.at(PAUSE, OPERATOR)
    refused("ROUND_PAUSED", lambda: world.write(early, decided))


def test_on_resuming_a_round_gets_back_the_whole_days_that_it_had_left() -> None:
    world = endorsing()
    was = window(world)
    world.at(PAUSE, OPERATOR)
    world.now += 20 * DAY
    resumed, extended = world.at(RESUME, OPERATOR)
    assert isinstance(resumed, RoundResumed)
    assert isinstance(extended, StepExtended)
    assert extended.closes_at - was.closes_at >= 20 * DAY
    assert window(world).closes_at == extended.closes_at
    gate = world.gates[names.step_gate(world.round_stream(), "endorsement")]
    assert (gate.status, gate.closes_at) == (GateStatus.OPEN, extended.closes_at)
    assert world.at(RESUME, OPERATOR) == ()


def test_a_round_s_pause_shortens_nobody_s_publicity_period() -> None:
    world = published()
    world.now += DAY
    world.withdraw("a")
    world.close_step("publicity")
    before = {id: one.window for id, one in world.round().published.items()}
    world.at(PAUSE, OPERATOR)
    refused("ROUND_PAUSED", lambda: object_to(world, "b"))
    world.now += 7 * DAY
    world.at(RESUME, OPERATOR)
    for id in ("b", "c"):
        assert world.round().published[id].window.closes_at - before[id].closes_at >= 7 * DAY
    object_to(world, "b")


def test_a_cycle_s_pause_inside_a_round_s_is_not_counted_twice() -> None:
    world, alone = endorsing(), endorsing()
    stream = names.cycle_stream(world.cycle)
    for one in (world, alone):
        one.at(PAUSE, OPERATOR)
        one.now += 3 * DAY
        if one is world:
            one.do(stream, PauseCycle(reason="r"), OPERATOR)
            refused("CYCLE_PAUSED", lambda: world.at(RESUME, OPERATOR))
        one.now += 3 * DAY
        if one is world:
            one.do(stream, ResumeCycle(), OPERATOR)
            refused("ROUND_PAUSED", lambda: world.at(RearmStep(step="endorsement")))
        one.now += 3 * DAY
        one.at(RESUME, OPERATOR)
    assert window(world) == window(alone)
    assert world.at(RearmStep(step="endorsement")) == ()
    endorse(world)


def test_a_step_that_is_held_stays_held_over_a_pause() -> None:
    world = with_members(step("decision", body="council"), members=("a",))
    world.open_step("decision")
    world.pass_window("decision")
    world.at(PAUSE, OPERATOR)
    world.now += DAY
    world.at(RESUME, OPERATOR)
    assert run_of(world.round(), "decision").held == "DECISION_OVERDUE"


def test_only_an_operator_pauses_resumes_or_cancels_a_round_and_only_one_that_runs() -> None:
    world = endorsing()
    for body in (PAUSE, RESUME, CANCEL):
        refused("NOT_AUTHORISED", lambda body=body: world.at(body, STRANGER))  # type: ignore[misc]
    world.at(LapseRound(reason="r"))
    for body in (PAUSE, RESUME, CANCEL):
        refused("STAGE_CLOSED", lambda body=body: world.at(body, OPERATOR))  # type: ignore[misc]


def test_an_objection_is_not_ruled_on_while_its_round_is_paused_dr_29() -> None:
    world = published()
    object_to(world, "a")
    world.at(PAUSE, OPERATOR)
    ruling = RuleOnObjection(objection="o1", outcome="dismissed", reason="r")
    refused("ROUND_PAUSED", lambda: world.on("a", ruling, HANDLER))
    world.at(RESUME, OPERATOR)
    world.on("a", ruling, HANDLER)


# ---- cancel ----


def test_a_round_is_cancelled_by_two_people_and_its_members_are_told_dr_44() -> None:
    world = endorsing_below()
    [proposed] = world.at(CANCEL, OPERATOR, "901")
    assert isinstance(proposed, ActProposed)
    refused("SECOND_PERSON_REQUIRED", lambda: world.at(CANCEL, OPERATOR, "901"))
    assert world.nomination("a").status is Status.OPEN
    assert world.at(CANCEL, OPERATOR_2, "901")[-1] == RoundLapsed(reason="停办")
    for id in "ab":
        state = world.nomination(id)
        assert (state.status, state.reason) == (Status.ELIMINATED, "ROUND_LAPSED")
    assert world.gates[names.step_gate(world.round_stream("901"), "endorsement")].status is GateStatus.CLOSED
    assert world.close_step("endorsement", "901") == ()


def test_the_summit_s_own_round_is_not_cancelled_apart_from_its_cycle_dr_44() -> None:
    for world in (endorsing(), helpers_then_all()):
        refused("NOT_AUTHORISED", partial(world.at, CANCEL, STRANGER))
        refused("SUMMIT_ROUND", partial(world.at, CANCEL, OPERATOR))
        assert world.round().proposals == {}


def test_a_paused_round_can_be_cancelled() -> None:
    world = endorsing_below()
    world.at(PAUSE, OPERATOR, "901")
    for by in (OPERATOR, OPERATOR_2):
        world.at(CANCEL, by, "901")
    assert world.round("901").over
    assert world.report("901") == ()


def test_those_on_the_way_to_a_round_that_lapses_go_no_further_either() -> None:
    world = helpers_then_all()
    county_done(world)
    world.at(LapseRound(reason="cancelled"))
    assert world.nomination("a").status is Status.ELIMINATED
    assert world.nomination("a").titles == ("helper",)


def test_a_list_reported_as_its_parent_lapses_goes_no_further_either() -> None:
    world = helpers_then_all()
    world.begin("901")
    judged(world, {"a": "90", "b": "80", "c": "70"}, unit="901")
    world.open_step("selection", "901")
    world.at(LapseRound(reason="cancelled"))
    world.open_step("conferral", "901")
    world.report("901")
    assert {world.nomination(id).status for id in ("a", "b", "c")} == {Status.ELIMINATED}


def test_a_round_that_lapses_before_it_has_opened_tells_in_its_own_name_and_never_opens() -> None:
    world = one_level(step("endorsement"))
    world.submit("a")
    world.close_intake()
    world.delivers = False
    world.at(LapseRound(reason="cancelled"))
    round_ = world.round_stream()
    assert [(post.sender, post.payload["body"]["round"]) for post in world.posts] == [(round_, round_)]
    [(_, again)] = told(State(stream=round_), world.events(round_, RoundLapsed), "province", ("a",), {})
    assert again == TakeOutcome.model_validate(world.posts[0].payload["body"])
    world.deliver()
    assert world.nomination("a").outcomes.keys() == {(round_, "eliminated")}
    assert world.at(OpenRound()) == ()


def test_whoever_has_the_highest_title_is_not_put_out_with_the_round_dr_37() -> None:
    world = with_members(
        step("conferral", body="council", grades=[{"title": "pilot", "seats": 1}]), members=("a",)
    )
    world.open_step("conferral")
    world.delivers = False
    for by in (COUNCIL, COUNCIL_2):
        world.at(Confer(step="conferral"), by)
    world.at(LapseRound(reason="cancelled"))
    world.posts.reverse()
    world.deliver()
    assert world.nomination("a").status is Status.CONFERRED


# ---- closed early ----


def early(step_id: str) -> CloseStepEarly:
    return CloseStepEarly(step=step_id, reason="已办结")


def how(world: World, step_id: str) -> tuple[str, str | None]:
    [closed] = [one for one in world.events(world.round_stream(), StepClosed) if one.step == step_id]
    return closed.how, closed.reason


def test_a_review_is_closed_early_with_its_quorum_as_it_would_be_at_its_end_dr_15() -> None:
    world = with_members(panel(), members=("a", "b"))
    world.open_step("expert_review")
    world.at(FormPanel(step="expert_review", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    world.sheet(JUDGES[0], "expert_review", {"a": "90", "b": "80"})
    refused("QUORUM_UNMET", lambda: world.at(early("expert_review"), OPERATOR))
    world.sheet(JUDGES[1], "expert_review", {"a": "80", "b": "70"})
    assert world.close_step("expert_review") == ()
    at_its_end = copy.deepcopy(world)
    world.at(early("expert_review"), OPERATOR)
    assert how(world, "expert_review") == ("early", "已办结")
    at_its_end.pass_window("expert_review")
    assert world.round().components == at_its_end.round().components
    assert how(at_its_end, "expert_review") == ("elapsed", None)


def test_a_review_with_too_few_marks_of_somebody_is_not_closed_early_dr_16() -> None:
    world = with_members(panel(scores_min=2), members=("a", "b"))
    world.open_step("expert_review")
    world.at(FormPanel(step="expert_review", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    world.sheet(JUDGES[0], "expert_review", {"a": "90", "b": "80"})
    world.sheet(JUDGES[1], "expert_review", {"a": "80"})
    refused("SCORES_MISSING", lambda: world.at(early("expert_review"), OPERATOR))


def test_a_clearance_is_closed_early_only_where_silence_has_a_rule_dr_11() -> None:
    for silence, stay in (("consent", ["a", "b"]), ("veto", ["a"])):
        world = with_members(step("clearance", departments=["tax"], silence=silence), members=("a", "b"))
        world.open_step("clearance")
        clear(world, "a")
        world.at(early("clearance"), OPERATOR)
        assert list(world.round().members) == stay
        assert how(world, "clearance") == ("early", "已办结")


def test_a_clearance_whose_silence_waits_is_not_closed_early_before_the_last_word_dr_11() -> None:
    world = with_members(step("clearance", departments=["tax"]), members=("a", "b"))
    world.open_step("clearance")
    clear(world, "a")
    refused("REPLIES_MISSING", lambda: world.at(early("clearance"), OPERATOR))
    clear(world, "b")
    world.at(early("clearance"), OPERATOR)
    assert list(world.round().members) == ["a", "b"]


def clear(world: World, id: str) -> None:
    world.at(ReplyClearance(step="clearance", department="tax", nomination=id, outcome="clear"), TAX)


def test_a_public_vote_is_never_closed_early_dr_21() -> None:
    world = with_members(step("public_vote", limits={"per_day": 1}), members=("a",))
    world.open_step("public_vote")
    refused("VOTE_NEVER_SHORTENED", lambda: world.at(early("public_vote"), OPERATOR))


def test_what_a_body_decides_ends_when_it_acts_dr_32() -> None:
    world = with_members(step("decision", body="council"), members=("a",))
    world.open_step("decision")
    refused("ENDS_BY_ITSELF", lambda: world.at(early("decision"), OPERATOR))


MINIMUM = {"minimum": {"days": 2, "unit": "work_day"}}


def test_a_publicity_period_is_closed_early_once_its_declared_minimum_is_over_dr_27() -> None:
    world = published(publicity=MINIMUM)
    with pytest.raises(Refused) as refusal:
        world.at(early("publicity"), OFFICER)
    assert refusal.value.code == "PUBLICITY_NEVER_SHORTENED"
    opened = world.round().published["a"].window.opens_at
    assert refusal.value.facts["earliest"] == str(Calendar({}).end(opened, TWO_DAYS))
    world.now = Calendar({}).end(opened, TWO_DAYS)
    world.at(early("publicity"), OFFICER)
    assert how(world, "publicity") == ("early", "已办结")
    object_to(world, "a", "late")
    assert not world.standing("a").disputed


def test_without_a_declared_minimum_a_publicity_period_runs_to_its_end_dr_27() -> None:
    world = published()
    world.now = world.round().published["a"].window.closes_at - timedelta(seconds=1)
    refused("PUBLICITY_NEVER_SHORTENED", lambda: world.at(early("publicity"), OFFICER))


def test_the_days_of_a_pause_are_no_part_of_a_publicity_period_s_minimum_dr_27() -> None:
    world = published(publicity=MINIMUM)
    world.at(PAUSE, OPERATOR)
    world.now += 4 * DAY
    world.at(RESUME, OPERATOR)
    refused("PUBLICITY_NEVER_SHORTENED", lambda: world.at(early("publicity"), OFFICER))
    world.now += 5 * DAY
    world.at(early("publicity"), OFFICER)


def test_an_open_objection_and_a_substitute_s_own_minimum_hold_an_early_closing_dr_29_dr_31() -> None:
    world = published(publicity=MINIMUM)
    object_to(world, "b")
    world.now += 4 * DAY
    refused("OBJECTION_OPEN", lambda: world.at(early("publicity"), OFFICER))
    world.on("b", RuleOnObjection(objection="o1", outcome="dismissed", reason="r"), HANDLER)
    world.withdraw("a")
    refused("PUBLICITY_NEVER_SHORTENED", lambda: world.at(early("publicity"), OFFICER))
    world.close_step("publicity")
    world.now += 4 * DAY
    world.at(early("publicity"), OFFICER)
    assert {gate.status for id, gate in world.gates.items() if "/publicity" in id} == {GateStatus.CLOSED}


def test_a_tie_for_a_vacant_seat_is_resolved_before_an_early_closing_dr_31() -> None:
    people = {"a": ("90", TRUE), "b": ("80", TRUE), "c": ("70", TRUE), "d": ("70", TRUE)}
    world = published(people, publicity=MINIMUM)
    world.withdraw("a")
    world.now += 4 * DAY
    refused("TIE_UNRESOLVED", lambda: world.at(early("publicity"), OFFICER))


def test_a_minimum_is_in_the_period_s_own_unit_and_not_longer_dr_27() -> None:
    for minimum in ({"days": 6, "unit": "work_day"}, {"days": 2, "unit": "natural_day"}):
        with pytest.raises(ValidationError, match="minimum"):
            with_members(step("publicity", minimum=minimum), members=("a",))


# ---- the cut-off of the rounds below: DR-08 ----


def later(world: World, days: int = 9) -> ExtendReports:
    reports = world.round().reports
    assert reports is not None
    return ExtendReports(closes_at=reports.closes_at + days * DAY, reason="汛期")


def test_two_people_give_the_rounds_below_more_time_dr_08() -> None:
    world = helpers_then_all()
    body = later(world)
    world.at(body, OPERATOR)
    refused("SECOND_PERSON_REQUIRED", lambda: world.at(body, OPERATOR))
    extended = world.at(body, OPERATOR_2)[-1]
    assert isinstance(extended, ReportsExtended)
    reports = world.round().reports
    assert reports is not None
    assert reports.closes_at == body.closes_at
    refused("NOT_AN_EXTENSION", lambda: world.at(body, OPERATOR))


def test_a_cut_off_that_is_over_or_was_never_set_is_not_extended_dr_08() -> None:
    world = helpers_then_all()
    body, reports = later(world), world.round().reports
    assert reports is not None
    world.now = reports.closes_at
    refused("STAGE_CLOSED", lambda: world.at(body, OPERATOR))
    frozen = helpers_then_all()
    frozen.at(FreezePool())
    refused("STAGE_CLOSED", lambda: frozen.at(later(frozen), OPERATOR))
    leaf = helpers_then_all()
    leaf.at(OpenRound(), unit="901")
    refused("NOT_AN_EXTENSION", lambda: leaf.at(body, OPERATOR, "901"))


def test_a_cut_off_gets_back_what_a_pause_of_its_round_took() -> None:
    world = helpers_then_all()
    reports = world.round().reports
    assert reports is not None
    world.at(PAUSE, OPERATOR)
    refused("ROUND_PAUSED", lambda: world.at(later(world), OPERATOR))
    world.now += 30 * DAY
    extended = world.at(RESUME, OPERATOR)[-1]
    assert isinstance(extended, ReportsExtended)
    assert extended.closes_at - reports.closes_at >= 30 * DAY
