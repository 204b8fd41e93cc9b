"""What people decide on a running round as a whole: paused, resumed, cancelled, its reports waited for longer."""

from __future__ import annotations

from domain.nomination import Status
from domain.round import run_of
from schemas import names
from schemas.commands import (
    CancelRound,
    CloseStep,
    Endorse,
    ExtendReports,
    FreezePool,
    LapseRound,
    OpenRound,
    OpenStep,
    PauseCycle,
    PauseRound,
    RearmStep,
    ReportRound,
    ResumeCycle,
    ResumeRound,
)
from schemas.events import ActProposed, ReportsExtended, RoundLapsed, RoundPaused, RoundResumed, StepExtended
from schemas.ledger import GateOpen, GateStatus
from tests.domain.specification import (
    DAY,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    STRANGER,
    World,
    refused,
    step,
    with_members,
)
from tests.domain.test_outcome import county_done, two_levels
from tests.domain.test_publicity import object_to, published

PAUSE, RESUME, CANCEL = PauseRound(reason="核查"), ResumeRound(), CancelRound(reason="停办")


def endorsing() -> World:
    world = with_members(step("endorsement"), members=("a", "b"))
    world.open_step("endorsement")
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


# ---- cancel ----


def test_a_round_is_cancelled_by_two_people_and_its_members_are_told_dr_44() -> None:
    world = endorsing()
    [proposed] = world.at(CANCEL, OPERATOR)
    assert isinstance(proposed, ActProposed)
    refused("SECOND_PERSON_REQUIRED", lambda: world.at(CANCEL, OPERATOR))
    assert world.nomination("a").status is Status.OPEN
    assert world.at(CANCEL, OPERATOR_2)[-1] == RoundLapsed(reason="停办")
    for id in "ab":
        state = world.nomination(id)
        assert (state.status, state.reason) == (Status.ELIMINATED, "ROUND_LAPSED")
    assert world.gates[names.step_gate(world.round_stream(), "endorsement")].status is GateStatus.CLOSED
    assert world.at(CloseStep(step="endorsement")) == ()


def test_a_paused_round_can_be_cancelled() -> None:
    world = endorsing()
    world.at(PAUSE, OPERATOR)
    for by in (OPERATOR, OPERATOR_2):
        world.at(CANCEL, by)
    assert world.round().over
    assert world.at(ReportRound()) == ()


def test_those_on_the_way_to_a_round_that_is_cancelled_go_no_further_either() -> None:
    world = two_levels()
    county_done(world)
    for by in (OPERATOR, OPERATOR_2):
        world.at(CANCEL, by)
    assert world.nomination("a").status is Status.ELIMINATED
    assert world.nomination("a").titles == ("helper",)


# ---- the cut-off of the rounds below: DR-08 ----


def later(world: World, days: int = 9) -> ExtendReports:
    reports = world.round().reports
    assert reports is not None
    return ExtendReports(closes_at=reports.closes_at + days * DAY, reason="汛期")


def test_two_people_give_the_rounds_below_more_time_dr_08() -> None:
    world = two_levels()
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
    world = two_levels()
    body, reports = later(world), world.round().reports
    assert reports is not None
    world.now = reports.closes_at
    refused("STAGE_CLOSED", lambda: world.at(body, OPERATOR))
    frozen = two_levels()
    frozen.at(FreezePool())
    refused("STAGE_CLOSED", lambda: frozen.at(later(frozen), OPERATOR))
    leaf = two_levels()
    leaf.at(OpenRound(), unit="901")
    refused("NOT_AN_EXTENSION", lambda: leaf.at(body, OPERATOR, "901"))


def test_a_cut_off_gets_back_what_a_pause_of_its_round_took() -> None:
    world = two_levels()
    reports = world.round().reports
    assert reports is not None
    world.at(PAUSE, OPERATOR)
    refused("ROUND_PAUSED", lambda: world.at(later(world), OPERATOR))
    world.now += 30 * DAY
    extended = world.at(RESUME, OPERATOR)[-1]
    assert isinstance(extended, ReportsExtended)
    assert extended.closes_at - reports.closes_at >= 30 * DAY
