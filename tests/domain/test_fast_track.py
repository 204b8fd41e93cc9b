"""绿色通道: who passes a step by, what is still asked of them, and where the track does not lead."""

from functools import partial
from typing import Any

from domain.audit.otherwise import Changes, Course, changed, otherwise
from domain.nomination import Status
from domain.round import run_of
from schemas.commands import (
    CloseStepEarly,
    Confer,
    Endorse,
    FormPanel,
    HandInSheet,
    OpenStep,
    RecordCongress,
    Recuse,
    Reject,
    ReplyClearance,
    RequestClearance,
    ReturnForCorrection,
    WrittenMark,
)
from schemas.events import CongressVote, EligibilityChecked, FastTracked, StepClosed, StepOpened
from tests.domain.specification import (
    COUNCIL,
    COUNCIL_2,
    INTAKE,
    JUDGES,
    OFFICER,
    OPERATOR,
    TAX,
    World,
    choice,
    declared,
    judged,
    panel,
    province_of,
    refused,
    step,
)
from tests.domain.test_publicity import object_to, rule
from tests.domain.test_titles import eligibility, history, past_title

FAST = {"id": "front", "fact": "frontline", "op": "==", "value": True}
PEOPLE: dict[str, dict[str, Any]] = {"fast": {"frontline": True}, "slow": {"frontline": False}, "silent": {}}
HALF = {"share": "1/2", "comparator": ">", "base": "present"}
YEARS = {"id": "years", "fact": "years", "op": ">", "value": 20}
CONFERRAL = step("conferral", body="council", grades=[{"title": "pilot"}])


def track(*passes: str, id: str = "green", who: dict[str, Any] = FAST) -> dict[str, Any]:
    return {"id": id, "who": who, "passes": passes}


def on_track(
    *steps: dict[str, Any],
    members: dict[str, dict[str, Any]] = PEOPLE,
    tracks: tuple[dict[str, Any], ...] = (),
    **more: Any,
) -> World:
    """A world of one unit whose pool is frozen; the frontline is on a fast track past the first of these steps."""
    stage = {"steps": [INTAKE, *steps], "fast_tracks": list(tracks) or [track(steps[0]["id"])]}
    programme = declared([{"id": "river", "ranks": ["province"]}], {"province": stage})
    world = World(programme, province_of(), **more).open()
    for id, facts in members.items():
        world.submit(id, **facts)
    world.close_intake()
    return world.begin()


def out(world: World) -> dict[str, str]:
    return {id: reason for id, (_, reason) in world.round().out.items()}


def test_whom_the_predicate_fits_passes_by_and_what_is_unknown_opens_no_track() -> None:
    world = on_track(step("endorsement"))
    opened = world.open_step("endorsement")
    assert [type(event) for event in opened] == [StepOpened, FastTracked]
    said = FastTracked(step="endorsement", fast_track="green", predicate="front", nominations=("fast",))
    assert opened[1] == said
    world.on("slow", Endorse(round=world.round_stream()))
    assert world.close_step("endorsement") == ()
    world.pass_window("endorsement")
    assert (list(world.round().members), out(world)) == (["fast", "slow"], {"silent": "NOT_ENDORSED"})


def test_the_officer_has_no_word_on_whoever_passes_by_and_need_not_wait_for_it() -> None:
    world = on_track(step("endorsement"), members={id: PEOPLE[id] for id in ("fast", "slow")})
    world.open_step("endorsement")
    for body in (Endorse, Reject, ReturnForCorrection):
        said = body(round=world.round_stream(), reason="测试")
        refusal = refused("PASSED_BY", partial(world.on, "fast", said))
        assert refusal.facts == {"nomination": "fast", "fast_track": "green", "step": "endorsement"}
    world.on("slow", Endorse(round=world.round_stream()))
    world.at(CloseStepEarly(step="endorsement", reason="均已办理"), OFFICER)
    assert list(world.round().members) == ["fast", "slow"]


def test_who_passes_by_is_settled_as_the_step_opens() -> None:
    world = on_track(step("endorsement"))
    world.open_step("endorsement")
    world.on("silent", ReturnForCorrection(round=world.round_stream(), reason="缺证明"))
    world.correct("silent", frontline=True)
    world.pass_window("endorsement")
    assert out(world) == {"slow": "NOT_ENDORSED", "silent": "NOT_ENDORSED"}


def test_the_first_track_that_fits_is_the_one_that_is_written() -> None:
    old = {"id": "old", "fact": "years", "op": ">=", "value": 30}
    tracks = (track("endorsement"), track("endorsement", id="long_service", who=old))
    people = {"both": {"frontline": True, "years": 30}, "aged": {"frontline": False, "years": 30}}
    world = on_track(step("endorsement"), members=people, tracks=tracks)
    world.open_step("endorsement")
    told = world.events(world.round_stream(), FastTracked)
    assert [(one.fast_track, one.nominations) for one in told] == [
        ("green", ("both",)),
        ("long_service", ("aged",)),
    ]


def test_where_everybody_passes_by_nobody_is_waited_for() -> None:
    people = {"fast": {"frontline": True}}
    congress = step("congress", quorum="2/3", threshold=HALF)
    vote = panel("vote", mode="vote", threshold=HALF, scale=None)
    for one in (step("endorsement"), congress, vote, step("clearance", departments=["tax"])):
        world = on_track(one, members=people)
        opened = world.open_step(one["id"])
        assert [type(event) for event in opened] == [StepOpened, FastTracked, StepClosed]
        assert list(world.round().members) == ["fast"]


def test_an_eligibility_that_is_passed_by_asks_no_predicate() -> None:
    people: dict[str, dict[str, Any]] = {
        "fast": {"frontline": True},
        "slow": {"frontline": False, "years": 20},
    }
    world = on_track(eligibility(YEARS), members=people)
    world.open_step("eligibility")
    [checked] = world.events(world.round_stream(), EligibilityChecked)
    assert [(one.nomination, one.result) for one in checked.results] == [("fast", "pass"), ("slow", "fail")]
    assert world.nomination("fast").status is Status.OPEN


def test_a_bar_holds_on_every_track_dr_36() -> None:
    world = on_track(eligibility(YEARS), CONFERRAL, members={"fast": {"frontline": True}})
    barred = past_title("pilot", barred_until="2030-01-01", revoked_on="2023-01-01")
    world.past = {"fast": (barred,)}
    world.open_step("eligibility")
    assert out(world) == {"fast": "INELIGIBLE: barred"}


def test_a_condition_on_history_that_was_passed_by_does_not_block_the_conferral_dr_03() -> None:
    asks = history(kind="holds", titles=["helper"])
    world = on_track(eligibility(asks), CONFERRAL, members={"fast": {"frontline": True}})
    world.open_step("eligibility")
    world.open_step("conferral")
    for one in (COUNCIL, COUNCIL_2):
        world.at(Confer(step="conferral"), one)
    assert world.nomination("fast").status is Status.CONFERRED


def test_departments_are_not_asked_about_whoever_passes_by_dr_11() -> None:
    world = on_track(
        step("clearance", departments=["tax"]), members={id: PEOPLE[id] for id in ("fast", "slow")}
    )
    world.open_step("clearance")
    said = ReplyClearance(step="clearance", department="tax", nomination="fast", outcome="object")
    refused("PASSED_BY", lambda: world.at(said, TAX))
    world.at(said.model_copy(update={"nomination": "slow", "outcome": "clear"}), TAX)
    world.close_step("clearance")
    assert list(world.round().members) == ["fast", "slow"]


def test_the_congress_votes_on_the_others_alone_dr_12() -> None:
    def vote(*ids: str) -> RecordCongress:
        counted = tuple(CongressVote(nomination=id, approve=9, against=1, abstain=0) for id in ids)
        return RecordCongress(step="congress", entitled=10, present=10, document="ab" * 32, votes=counted)

    world = on_track(step("congress", quorum="2/3", threshold=HALF))
    world.open_step("congress")
    refused("PASSED_BY", lambda: world.at(vote("fast", "slow", "silent"), OFFICER))
    world.at(vote("slow", "silent"), OFFICER)
    world.close_step("congress")
    assert run_of(world.round(), "congress").closed_at is not None
    assert set(world.round().members) == set(PEOPLE)


def test_a_panel_votes_on_the_others_alone_dr_14_dr_15() -> None:
    world = on_track(panel("vote", mode="vote", threshold=HALF, scale=None))
    world.open_step("vote")
    world.at(FormPanel(step="vote", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    for judge in JUDGES:
        marks = (
            WrittenMark(nomination="fast", vote="reject"),
            WrittenMark(nomination="slow", vote="reject"),
            WrittenMark(nomination="silent", vote="approve"),
        )
        [sheet] = world.at(HandInSheet(step="vote", marks=marks), judge)
        assert [(one.nomination, one.reason) for one in sheet.refused] == [("fast", "PASSED_BY")]  # type: ignore[attr-defined]
    world.close_step("vote")
    assert list(world.round().members) == ["fast", "silent"]
    assert out(world) == {"slow": "VOTE_NOT_PASSED"}


def test_whoever_is_held_is_not_cut_off_where_they_pass_by_dr_28() -> None:
    tracks = (track("review"),)
    world = on_track(step("publicity"), step("endorsement", "review"), tracks=tracks)
    world.open_step("publicity")
    for id in ("fast", "slow"):
        object_to(world, id, f"o-{id}")
    world.pass_window("publicity")
    world.open_step("review")
    for id in ("slow", "silent"):
        world.on(id, Endorse(round=world.round_stream()))
    world.pass_window("review")
    assert out(world) == {"slow": "HELD_AT_CUT_OFF"}
    rule(world, "fast", "dismissed", "o-fast")
    assert list(world.round().members) == ["fast", "silent"]


def test_whoever_is_held_passes_a_congress_and_a_panel_by_as_well_dr_28() -> None:
    congress = step("congress", "vote", quorum="1/2", threshold=HALF)
    review = panel("vote", mode="vote", threshold=HALF, scale=None)
    for one in (congress, review):
        world = on_track(step("publicity"), one, tracks=(track("vote"),))
        world.open_step("publicity")
        object_to(world, "fast")
        world.pass_window("publicity")
        world.open_step("vote")
        if one is congress:
            votes = [
                CongressVote(nomination=id, approve=9, against=1, abstain=0) for id in ("slow", "silent")
            ]
            said = {"step": "vote", "entitled": 10, "present": 10, "document": "ab" * 32, "votes": votes}
            world.at(RecordCongress.model_validate(said), OFFICER)
        else:
            voted(world, "slow", "silent")
        world.close_step("vote")
        assert run_of(world.round(), "vote").closed_at is not None
        assert set(world.round().members) == set(PEOPLE)


def test_whoever_passes_by_does_not_wait_for_a_word_on_those_who_have_left_dr_12_dr_15() -> None:
    congress = step("congress", "vote", quorum="1/2", threshold=HALF)
    review = panel("vote", mode="vote", threshold=HALF, scale=None)
    for one in (congress, review):
        world = on_track(one)
        world.open_step("vote")
        for id in ("slow", "silent"):
            world.withdraw(id)
        world.close_step("vote")
        assert run_of(world.round(), "vote").closed_at is not None
        assert list(world.round().members) == ["fast"]


def voted(world: World, *ids: str) -> None:
    """The panel votes for these."""
    world.at(FormPanel(step="vote", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    marks = tuple(WrittenMark(nomination=id, vote="approve") for id in ids)
    for judge in JUDGES:
        world.at(HandInSheet(step="vote", marks=marks), judge)


def test_a_result_that_is_computed_again_is_of_the_others_alone_dr_13() -> None:
    world = on_track(panel("vote", mode="vote", threshold=HALF, scale=None))
    world.open_step("vote")
    voted(world, "slow", "silent")
    world.close_step("vote")
    world.at(Recuse(step="vote", nomination="slow", reason="kin"), JUDGES[0])
    assert run_of(world.round(), "vote").panel.version == 2  # type: ignore[union-attr] # it has closed
    assert set(world.round().members) == set(PEOPLE)


def test_a_title_rests_on_no_answer_about_whoever_passed_by_dr_11() -> None:
    asked = step("clearance", departments=["tax"], valid_for={"days": 90, "unit": "natural_day"})
    world = on_track(asked, CONFERRAL, members={id: PEOPLE[id] for id in ("fast", "slow")})
    world.open_step("clearance")
    said = ReplyClearance(step="clearance", department="tax", nomination="slow", outcome="clear")
    world.at(said, TAX)
    world.close_step("clearance")
    world.open_step("conferral")
    for one in (COUNCIL, COUNCIL_2):
        world.at(Confer(step="conferral"), one)
    assert {world.nomination(id).status for id in ("fast", "slow")} == {Status.CONFERRED}


def test_departments_are_not_asked_again_about_whoever_passes_by_dr_11() -> None:
    world = on_track(step("clearance", departments=["tax"]), members={"fast": {"frontline": True}})
    world.open_step("clearance")
    again = RequestClearance(step="clearance", nominations=("fast",))
    refused("PASSED_BY", lambda: world.at(again, OPERATOR))


def test_a_fact_that_changes_while_the_step_opens_is_read_again() -> None:
    world = on_track(step("endorsement"))
    command = world.command(world.round_stream(), OpenStep(step="endorsement"))
    streams = {guard.stream for guard in world.decide(command).guards if hasattr(guard, "stream")}
    assert {f"nomination/{world.cycle}/{id}" for id in PEOPLE} <= streams


def test_whoever_passed_by_is_not_told_to_fail_where_the_rules_are_imagined_otherwise() -> None:
    people = {"fast": {"frontline": True, "years": 25}, "slow": {"frontline": False, "years": 30}}
    world = on_track(eligibility(YEARS), panel(), choice(2), members=people)
    course = Course(world.round_stream())

    def hear(body: Any) -> None:
        command = world.command(world.round_stream(), body)
        course.hear(world.round(), world.inputs(command), world.decide(command))

    hear(OpenStep(step="eligibility"))
    world.open_step("eligibility")
    judged(world, {"fast": "90", "slow": "80"})
    hear(OpenStep(step="selection"))
    world.open_step("selection")
    world.report()
    course.end = world.round()
    stricter = on_track(eligibility(YEARS | {"value": 29}), panel(), choice(2)).programme
    assert list(changed(otherwise([course], Changes(programme=stricter)))) == []
    elsewhere = on_track(eligibility(YEARS), panel(), choice(2), tracks=(track("eligibility", id="red"),))
    [told] = otherwise([course], Changes(programme=elsewhere.programme))
    assert told.notes == ("NOT_RETAKEN: fast_tracks",)


def test_a_panel_without_one_reviewer_takes_nothing_from_whoever_passed_it_by() -> None:
    vote = panel("vote", mode="vote", threshold=HALF, scale=None, component="visit")
    world = on_track(vote, panel(), choice(3))
    world.open_step("vote")
    voted(world, "slow", "silent")
    world.close_step("vote")
    judged(world, {"fast": "90", "slow": "80", "silent": "70"})
    course = Course(world.round_stream())
    command = world.command(world.round_stream(), OpenStep(step="selection"))
    course.hear(world.round(), world.inputs(command), world.decide(command))
    world.open_step("selection")
    world.report()
    course.end = world.round()
    [told] = otherwise([course], Changes(reviewers=frozenset({JUDGES[0].id})))
    assert told.after == ("fast", "slow", "silent")
