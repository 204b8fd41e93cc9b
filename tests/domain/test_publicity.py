"""公示 (DR-27 to DR-31): windows, objections that hold, substitution from the reserve, and pauses that shorten nothing."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from domain import conduct
from domain.decision import Calendar
from domain.nomination import Status
from domain.person import needed_by
from domain.round import run_of
from schemas import names
from schemas.commands import (
    CloseStep,
    CloseStepEarly,
    CompleteCycle,
    Confer,
    Decide,
    ExtendStep,
    FileObjection,
    FormPanel,
    PauseCycle,
    RearmStep,
    RecordAttendance,
    ReopenVetting,
    ReplyClearance,
    ReportChange,
    RequestClearance,
    ResolveTie,
    ResumeCycle,
    RuleOnObjection,
)
from schemas.events import (
    ChangeReported,
    DecisionTaken,
    ListPublished,
    ObjectionFiled,
    ObjectionMerged,
    ObjectionRefused,
    RoundReported,
    StepClosed,
    StepExtended,
    SubjectsHeld,
    Substituted,
)
from schemas.ledger import Actor
from tests.domain.specification import (
    COUNCIL,
    COUNCIL_2,
    DAY,
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
    at,
    choice,
    judged,
    panel,
    refused,
    step,
    two_levels,
    with_members,
)

FRONT = {"id": "f", "fact": "frontline", "op": "==", "value": True}
HALF = {"id": "front", "who": FRONT, "op": ">=", "share": "1/2"}
TRUE, FALSE = {"frontline": True}, {"frontline": False}
FIVE = {
    "a": ("90", TRUE),
    "b": ("80", FALSE),
    "c": ("70", FALSE),
    "d": ("60", TRUE),
    "e": ("50", FALSE),
}


def published(
    members: dict[str, tuple[str, dict[str, Any]]] | None = None,
    publicity: dict[str, Any] | None = None,
    **selection: Any,
) -> World:
    """Two seats, a reserve, and the list published."""
    people = members or FIVE
    world = with_members(
        panel(),
        choice(2, reserve=2, **selection),
        step("publicity", **(publicity or {})),
        members={id: facts for id, (_, facts) in people.items()},
    )
    judged(world, {id: mark for id, (mark, _) in people.items()})
    world.open_step("selection")
    world.open_step("publicity")
    return world


def object_to(world: World, id: str, objection: str = "o1") -> None:
    body = FileObjection(
        objection=objection, round=world.round_stream(), entry="sealed", commitment="0" * 64, ground="deeds"
    )
    world.on(id, body, STRANGER)


def rule(world: World, id: str, outcome: str, objection: str = "o1") -> None:
    body = RuleOnObjection.model_validate({"objection": objection, "outcome": outcome, "reason": "查实"})
    world.on(id, body, HANDLER)
    if outcome == "upheld":
        world.on(id, body, HANDLER_2)


def substitutions(world: World) -> list[tuple[str, str]]:
    return [(one.out, one.into) for one in world.events(world.round_stream(), Substituted)]


def is_closed(world: World) -> bool:
    return run_of(world.round(), "publicity").closed_at is not None


# ---- the window: DR-27 ----


def test_the_notice_says_how_the_days_are_counted_and_the_window_is_frozen_dr_27() -> None:
    world = with_members(step("publicity"), members=["a"])
    world.now = at("2024-04-26 09:00")
    world.open_step("publicity")
    [notice] = world.events(world.round_stream(), ListPublished)
    assert notice.window.closes_at == at("2024-05-08 00:00")  # 24:00 on 7 May
    assert notice.day_count == "5个工作日（不含发布当日）"
    counting: dict[str, Any] = {"period": {"days": 5, "unit": "natural_day", "count_first_day": True}}
    other = with_members(step("publicity", **counting), members=["a"])
    other.open_step("publicity")
    [notice] = other.events(other.round_stream(), ListPublished)
    assert notice.day_count == "5个自然日（含发布当日）"


def test_a_period_with_a_business_close_ends_then_and_not_at_24_00_dr_08() -> None:
    closing: dict[str, Any] = {"period": {"days": 5, "unit": "work_day", "closes": "17:30"}}
    world = with_members(step("publicity", **closing), members=["a"])
    world.now = at("2024-04-26 09:00")
    world.open_step("publicity")
    [notice] = world.events(world.round_stream(), ListPublished)
    assert notice.window.closes_at == at("2024-05-07 17:30")
    world.now = at("2024-05-07 17:30") - timedelta(microseconds=1)
    world.close_step("publicity")
    assert not is_closed(world)
    object_to(world, "a")
    world.now = at("2024-05-07 17:30")
    object_to(world, "a", "o2")
    assert world.standing("a").objections == ("o1",), "the second came late"
    rule(world, "a", "dismissed")
    world.close_step("publicity")
    assert is_closed(world)
    assert not notice.rehearsal


def test_a_publicity_period_is_never_shortened_dr_27() -> None:
    world = published()
    refused(
        "PUBLICITY_NEVER_SHORTENED",
        lambda: world.at(CloseStepEarly(step="publicity", reason="r"), OFFICER),
    )
    assert world.close_step("publicity") == ()
    was = world.round().published["a"].window.closes_at
    sooner = ExtendStep(step="publicity", closes_at=was - DAY, reason="r")
    refused("NOT_AN_EXTENSION", lambda: world.at(sooner, OPERATOR))
    world.pass_window("publicity")
    assert is_closed(world)


def test_a_step_that_was_never_opened_is_not_closed() -> None:
    world = with_members(step("publicity"), members=["a"])
    assert world.close_step("publicity") == ()
    world.open_step("publicity")
    assert list(world.round().published) == ["a"]


def test_an_extended_period_moves_everybody_on_the_list_but_no_substitute_dr_27() -> None:
    world = published()
    world.withdraw("a")
    world.close_step("publicity")
    own = world.round().published["c"].window
    later = ExtendStep(step="publicity", closes_at=own.closes_at + 9 * DAY, reason="r")
    world.at(later, OPERATOR)
    world.at(later, OPERATOR_2)
    assert world.round().published["b"].window.closes_at == later.closes_at
    assert world.round().published["c"].window == own


# ---- objections: DR-28, DR-29 ----


def test_an_open_objection_holds_the_step_where_the_programme_says_so_dr_28() -> None:
    world = published(publicity={"holds": "step"})
    object_to(world, "a")
    world.pass_window("publicity")
    assert run_of(world.round(), "publicity").held == "OBJECTION_OPEN"
    assert world.close_step("publicity") == ()
    rule(world, "a", "dismissed")
    world.close_step("publicity")
    assert is_closed(world)
    assert list(world.round().members) == ["a", "b"]


def test_an_upheld_objection_brings_the_next_of_the_reserve_with_a_period_of_its_own_dr_31() -> None:
    world = published()
    object_to(world, "a")
    world.now += 3 * DAY
    rule(world, "a", "upheld")
    world.close_step("publicity")
    assert world.nomination("a").status is Status.DISQUALIFIED
    assert substitutions(world) == [("a", "c")]
    own = world.round().published["c"]
    assert own.window.opens_at == world.now
    assert own.window.closes_at > world.round().published["b"].window.closes_at
    world.pass_window("publicity")
    assert not is_closed(world)
    object_to(world, "c", "o2")  # in its own period, after everybody else's is over
    object_to(world, "b", "o3")
    assert not world.standing("b").disputed, "too late: kept, but it holds nothing"
    rule(world, "c", "dismissed", "o2")
    world.now = own.window.closes_at
    world.close_step("publicity")
    assert is_closed(world)
    assert list(world.round().members) == ["b", "c"]


# ---- holds by subject: DR-28 ----

DECISION = step("decision", body="council")
CONFERRAL = step("conferral", body="council", grades=[{"title": "pilot"}])


def contested(*after: dict[str, Any]) -> World:
    """Two are published, an objection to the first is open when the period ends."""
    world = with_members(panel(), choice(2, reserve=2), step("publicity"), *after, members=["a", "b", "c"])
    judged(world, {"a": "90", "b": "80", "c": "70"})
    world.open_step("selection")
    world.open_step("publicity")
    object_to(world, "a")
    world.pass_window("publicity")
    return world


def both(world: World, body: Any) -> None:
    for by in (COUNCIL, COUNCIL_2):
        world.at(body, by)


def test_an_open_objection_holds_its_subject_and_the_others_go_on_dr_28() -> None:
    world = contested(DECISION)
    [held] = world.events(world.round_stream(), SubjectsHeld)
    assert (is_closed(world), held.nominations) == (True, ("a",))
    assert list(world.round().members) == ["a", "b"]
    assert world.nomination("a").status is Status.OPEN


def test_whoever_is_cleared_before_the_body_decides_joins_the_list_again_dr_28() -> None:
    world = contested(DECISION)
    world.open_step("decision")
    rule(world, "a", "dismissed")
    both(world, Decide(step="decision"))
    [taken] = world.events(world.round_stream(), DecisionTaken)
    assert taken.confirmed == ("a", "b")


def test_whoever_is_not_cleared_by_the_cut_off_lapses_by_an_event_and_is_told_dr_28() -> None:
    world = contested(DECISION, CONFERRAL)
    world.open_step("decision")
    both(world, Decide(step="decision"))
    assert world.round().out["a"] == ("decision", "HELD_AT_CUT_OFF")
    assert world.nomination("a").status is Status.ELIMINATED
    world.open_step("conferral")
    both(world, Confer(step="conferral"))
    assert list(world.round().conferred) == ["b"]


def test_an_objection_to_somebody_who_is_out_is_ruled_on_after_the_cycle_too_dr_29_dr_46() -> None:
    """It ends nothing then; until somebody rules, the person's data is kept."""
    for ruling in ("dismissed", "upheld"):
        world = contested(DECISION)
        world.open_step("decision")
        both(world, Decide(step="decision"))
        world.report()
        world.do(cycle(world), CompleteCycle(conferred=0))
        assert list(needed_by([("n", world.nomination("a"))], [])) == ["n"]
        rule(world, "a", ruling)
        assert world.nomination("a").status is Status.ELIMINATED
        assert list(needed_by([("n", world.nomination("a"))], [])) == []


def test_the_body_that_confers_waits_for_the_ruling_dr_28() -> None:
    world = contested(CONFERRAL)
    world.open_step("conferral")
    refused("SUBJECTS_HELD", lambda: both(world, Confer(step="conferral")))
    rule(world, "a", "dismissed")
    both(world, Confer(step="conferral"))
    assert list(world.round().conferred) == ["a", "b"]


def test_whoever_was_cleared_is_held_no_more_by_what_a_department_learns_later_dr_11_dr_28() -> None:
    asked = step("clearance", silence="consent", departments=["tax"])
    world = with_members(
        asked, panel(), choice(2), step("publicity"), DECISION, CONFERRAL, members=["a", "b"]
    )
    world.open_step("clearance")
    world.pass_window("clearance")
    judged(world, {"a": "90", "b": "80"})
    world.open_step("selection")
    world.open_step("publicity")
    object_to(world, "a")
    world.pass_window("publicity")
    [held] = world.events(world.round_stream(), SubjectsHeld)
    assert (held.nominations, held.objections) == (("a",), ("a/o1",))
    rule(world, "a", "dismissed")
    late = ReopenVetting(round=world.round_stream(), step="clearance", department="tax", reason="r")
    for id in ("a", "b"):
        world.on(id, late, TAX)
    world.open_step("decision")
    both(world, Decide(step="decision"))
    [taken] = world.events(world.round_stream(), DecisionTaken)
    assert taken.confirmed == ("a", "b")
    world.open_step("conferral")
    refused("SUBJECTS_HELD", lambda: both(world, Confer(step="conferral")))


def test_where_an_older_log_does_not_name_the_objections_any_that_is_open_holds_dr_28() -> None:
    world = contested(DECISION)
    written = world.streams[world.round_stream()]
    place = next(n for n, one in enumerate(written) if isinstance(one.event, SubjectsHeld))
    older = SubjectsHeld.model_validate({"step": "publicity", "nominations": ["a"]})
    written[place] = written[place]._replace(event=older)
    world.open_step("decision")
    both(world, Decide(step="decision"))
    assert world.round().out["a"] == ("decision", "HELD_AT_CUT_OFF")


def test_a_later_review_waits_out_its_window_for_whoever_is_held_and_never_marks_them_dr_28() -> None:
    for cleared in (True, False):
        world = contested(panel("second", component="second"), choice(2, "last", "second"))
        world.open_step("second")
        world.at(FormPanel(step="second", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
        for judge in JUDGES:
            world.sheet(judge, "second", {"b": "80"})
        assert world.close_step("second") == ()
        if cleared:
            rule(world, "a", "dismissed")
            for judge in JUDGES:
                world.sheet(judge, "second", {"a": "70"})
            assert world.close_step("second")
        else:
            world.pass_window("second")
        assert set(world.round().components["second"]) == ({"a", "b"} if cleared else {"b"})
        world.open_step("last")
        assert list(world.round().members) == (["b", "a"] if cleared else ["b"])


def test_in_a_later_publicity_whoever_is_held_is_published_once_cleared_for_a_full_period_dr_28() -> None:
    world = contested(step("publicity", "wide"))
    world.open_step("wide")
    assert list(world.round().published) == ["b"]
    world.now += 2 * DAY
    rule(world, "a", "dismissed")
    world.close_step("wide")
    own = world.round().published["a"]
    assert (own.step, own.window.opens_at) == ("wide", world.now)
    world.pass_window("wide")
    assert run_of(world.round(), "wide").closed_at is None
    world.now = own.window.closes_at
    world.close_step("wide")
    assert run_of(world.round(), "wide").closed_at is not None


def test_whoever_is_held_through_a_whole_publicity_goes_no_further_unpublished_dr_27_dr_28() -> None:
    world = contested(step("publicity", "wide"), DECISION)
    world.open_step("wide")
    world.pass_window("wide")
    assert run_of(world.round(), "wide").closed_at is not None
    assert world.round().out["a"] == ("wide", "HELD_AT_CUT_OFF")
    assert world.nomination("a").status is Status.ELIMINATED


def test_a_list_of_nobody_but_the_held_stays_open_for_its_whole_period_dr_28() -> None:
    world = contested(step("publicity", "wide"))
    for id in ("b", "c"):
        world.withdraw(id)
    world.open_step("wide")
    assert world.close_step("wide") == ()
    rule(world, "a", "dismissed")
    world.close_step("wide")
    assert world.round().published["a"].window.opens_at == world.now


def test_an_objection_that_is_open_at_the_parent_s_cut_off_holds_its_subject_there_too_dr_28() -> None:
    low = {"steps": [INTAKE, step("publicity")]}
    high = {"steps": [DECISION], "reports_within": {"days": 300, "unit": "natural_day"}}
    world = two_levels(low, high)
    for id in ("a", "b"):
        world.submit(id, "901")
    world.close_intake()
    world.begin("901")
    world.open_step("publicity", "901")
    filed = FileObjection(
        objection="o1", round=world.round_stream("901"), entry="x", commitment="0", ground="deeds"
    )
    world.on("a", filed, STRANGER)
    world.pass_window("publicity", "901")
    [reported] = [one for one in world.report("901") if isinstance(one, RoundReported)]
    assert reported.recommended == ("a", "b")
    world.begin()
    assert world.round().held == {"a": {"o1"}}
    world.open_step("decision")
    both(world, Decide(step="decision"))
    assert list(world.round().members) == ["b"]


def test_a_summit_that_only_recommends_waits_for_the_ruling_dr_28() -> None:
    """Nothing is decided after its last publicity: nobody could be cleared, or put out, any more."""
    for ruling, instead in (("dismissed", "a"), ("upheld", "c")):
        world = contested()
        assert (is_closed(world), run_of(world.round(), "publicity").held) == (False, "OBJECTION_OPEN")
        rule(world, "a", ruling)
        world.at(CloseStep(step="publicity"))
        world.now = world.round().published[instead].window.closes_at
        world.at(CloseStep(step="publicity"))
        [reported] = [one for one in world.report() if isinstance(one, RoundReported)]
        assert set(reported.recommended) == {instead, "b"}


def test_whom_nobody_has_cleared_when_the_summit_reports_is_not_recommended_dr_28() -> None:
    world = contested(step("training"))
    assert is_closed(world)
    world.open_step("training")
    world.at(RecordAttendance(step="training", attended=("a", "b"), document="0" * 64), OPERATOR)
    world.at(CloseStep(step="training"))
    [reported] = [one for one in world.report() if isinstance(one, RoundReported)]
    assert reported.recommended == ("b",)
    assert world.round().out["a"] == ("report", "HELD_AT_CUT_OFF")
    assert world.nomination("a").status is Status.ELIMINATED


# ---- by post: DR-29 ----

BY_POST: dict[str, Any] = {"by_post": {"days": 5, "unit": "work_day"}}
FIRST, LAST = date(2024, 3, 12), date(2024, 3, 19)  # of the period of `posted`


def posted(*after: dict[str, Any], **publicity: Any) -> World:
    """Two are published, and their period is over."""
    said = step("publicity", **(BY_POST | publicity))
    world = with_members(panel(), choice(2, reserve=2), said, *after, members=["a", "b", "c"])
    judged(world, {"a": "90", "b": "80", "c": "70"})
    world.open_step("selection")
    world.open_step("publicity")
    world.pass_window("publicity")
    assert (world.now, is_closed(world)) == (at("2024-03-20 00:00"), True)
    return world


def receive(world: World, id: str, postmark: date, by: Actor = HANDLER, ground: str = "deeds") -> Any:
    """A letter is entered; what became of it."""
    body = FileObjection(
        objection=f"letter-{world.count}",
        round=world.round_stream(),
        entry="sealed",
        commitment="0" * 64,
        ground=ground,
        postmark=postmark,
    )
    [event] = world.on(id, body, by)
    return event


def test_what_was_posted_in_the_period_holds_its_subject_at_whatever_decides_next_dr_29() -> None:
    for cleared in (True, False):
        world = posted(DECISION)
        world.open_step("decision")
        letter = receive(world, "a", LAST, OPERATOR)
        assert isinstance(letter, ObjectionFiled)
        assert letter.postmark == LAST
        if cleared:
            rule(world, "a", "dismissed", letter.objection)
        both(world, Decide(step="decision"))
        [taken] = world.events(world.round_stream(), DecisionTaken)
        assert taken.confirmed == (("a", "b") if cleared else ("b",))
        assert world.round().out.get("a") == (None if cleared else ("decision", "HELD_AT_CUT_OFF"))


def test_a_letter_is_in_time_by_its_postmark_and_by_the_day_on_which_it_comes_dr_29() -> None:
    world = posted(CONFERRAL)
    for postmark in (FIRST - timedelta(days=1), LAST + timedelta(days=1)):
        world.now = at("2024-03-20 12:00")
        assert receive(world, "a", postmark).reason == "late"
    world.now = at("2024-03-27 00:00") - timedelta(seconds=1)
    assert isinstance(receive(world, "a", FIRST), ObjectionFiled)
    world.now = at("2024-03-27 00:00")
    assert receive(world, "b", LAST).reason == "late"
    assert not world.standing("b").disputed


def test_without_a_word_on_letters_what_comes_late_is_late_dr_29() -> None:
    assert receive(posted(by_post=None), "a", LAST).reason == "late"


def test_whoever_enters_a_letter_may_and_its_day_has_been_dr_29() -> None:
    world = posted(CONFERRAL)
    refused("NOT_AUTHORISED", lambda: receive(world, "a", LAST, STRANGER))
    refused("NOT_YET", lambda: receive(world, "a", date(2024, 3, 21)))


def test_a_letter_on_a_known_ground_is_merged_and_an_anonymous_one_is_judged_as_any_dr_29() -> None:
    world = posted(CONFERRAL)
    first = receive(world, "a", LAST)
    again = receive(world, "a", FIRST)
    assert isinstance(again, ObjectionMerged)
    assert (again.into, again.postmark) == (first.objection, FIRST)
    nameless = FileObjection(
        objection="o", round=world.round_stream(), entry="x", commitment="0", ground="g", anonymous=True
    )
    world.on("b", nameless.model_copy(update={"postmark": LAST}), HANDLER)
    [kept] = world.events(names.nomination_stream(world.cycle, "b"), ObjectionRefused)
    assert (kept.reason, kept.postmark) == ("anonymous", LAST)


def test_a_letter_that_comes_when_all_is_decided_is_a_lead_dr_29() -> None:
    world = posted(CONFERRAL)
    world.open_step("conferral")
    world.delivers = False  # the nomination has not heard of its title yet
    both(world, Confer(step="conferral"))
    assert receive(world, "a", LAST).reason == "decided"
    only_recommended = posted()
    only_recommended.report()
    assert receive(only_recommended, "a", LAST).reason == "decided"


def test_a_letter_and_a_conferral_that_meet_are_decided_one_after_the_other_dr_29() -> None:
    world = posted(CONFERRAL)
    world.open_step("conferral")
    body = FileObjection(
        objection="o", round=world.round_stream(), entry="x", commitment="0", ground="g", postmark=LAST
    )
    command = world.command(names.nomination_stream(world.cycle, "a"), body, HANDLER)
    decision = world.decide(command)
    both(world, Confer(step="conferral"))
    refused("WRONG_EXPECTED_HEAD", lambda: world.write(command, decision))


def test_a_letter_holds_its_subject_in_the_round_above_too_dr_29() -> None:
    low = {"steps": [INTAKE, step("publicity", **BY_POST)]}
    high = {"steps": [DECISION], "reports_within": {"days": 300, "unit": "natural_day"}}
    world = two_levels(low, high)
    for id in ("a", "b"):
        world.submit(id, "901")
    world.close_intake()
    world.begin("901")
    world.open_step("publicity", "901")
    world.pass_window("publicity", "901")
    world.report("901")
    world.begin()
    world.open_step("decision")
    letter = FileObjection(
        objection="o",
        round=world.round_stream("901"),
        entry="x",
        commitment="0",
        ground="deeds",
        postmark=LAST,
    )
    world.on("a", letter, HANDLER)
    assert world.round().held == {}
    both(world, Decide(step="decision"))
    assert list(world.round().members) == ["b"]


def test_in_a_period_that_was_ended_early_one_posts_until_then_dr_27_dr_29() -> None:
    said = step("publicity", **BY_POST, minimum={"days": 1, "unit": "work_day"})
    world = with_members(said, CONFERRAL, members=["a", "b"])
    world.open_step("publicity")
    world.now = at("2024-03-15 12:00")
    world.at(CloseStepEarly(step="publicity", reason="r"), OFFICER)
    world.now = at("2024-03-18 12:00")
    assert receive(world, "a", date(2024, 3, 16)).reason == "late"
    assert isinstance(receive(world, "b", date(2024, 3, 15)), ObjectionFiled)


def test_a_letter_of_the_days_before_a_material_change_is_in_time_too_dr_29_dr_30() -> None:
    long: dict[str, Any] = {"by_post": {"days": 12, "unit": "work_day"}}
    world = with_members(step("publicity", **long), CONFERRAL, members=["a"])
    world.open_step("publicity")
    world.now += 2 * DAY
    change(world, "a", "material")
    world.now = world.round().published["a"].window.closes_at
    world.close_step("publicity")
    assert receive(world, "a", FIRST - timedelta(days=1), ground="other").reason == "late"
    assert isinstance(receive(world, "a", FIRST), ObjectionFiled)


def test_a_pause_gives_letters_on_their_way_their_days_back_dr_29() -> None:
    world = posted(CONFERRAL)
    world.now += DAY
    world.do(cycle(world), PauseCycle(reason="r"), OPERATOR)
    world.now += 20 * DAY
    refused("CYCLE_PAUSED", lambda: receive(world, "a", LAST))
    world.do(cycle(world), ResumeCycle(), OPERATOR)
    world.now += 2 * DAY
    assert isinstance(receive(world, "a", LAST), ObjectionFiled)


# ---- what changes: DR-30; repeats: DR-29; a revised calendar: DR-27 ----


def change(world: World, id: str, kind: str) -> tuple[Any, ...]:
    said = {"step": "publicity", "nomination": id, "change": kind, "what": "unit", "reason": "单位名称有误"}
    return world.at(ReportChange.model_validate(said), OPERATOR)


def test_a_material_change_begins_the_period_of_its_subject_anew_dr_30() -> None:
    world = published()
    world.now += 2 * DAY
    change(world, "a", "material")
    own = world.round().published["a"].window
    assert own.opens_at == world.now
    assert own.closes_at > world.round().published["b"].window.closes_at
    world.pass_window("publicity")
    assert not is_closed(world)
    object_to(world, "a")  # in its own period
    object_to(world, "b", "o2")
    assert world.events(names.nomination_stream(world.cycle, "b"), ObjectionRefused)
    rule(world, "a", "dismissed")
    world.now = own.closes_at
    world.close_step("publicity")
    assert is_closed(world)


def test_a_typographical_change_is_noted_and_moves_nothing_dr_30() -> None:
    world = published()
    before = dict(world.round().published)
    [noted] = change(world, "a", "typographical")
    assert isinstance(noted, ChangeReported)
    assert world.round().published == before


def test_a_material_change_never_shortens_an_extended_period_dr_30() -> None:
    world = published()
    later = ExtendStep(step="publicity", closes_at=world.now + 60 * DAY, reason="r")
    world.at(later, OPERATOR)
    world.at(later, OPERATOR_2)
    change(world, "a", "material")
    assert world.round().published["a"].window.closes_at == later.closes_at


def test_a_change_is_reported_by_an_operator_of_whoever_is_published_dr_30() -> None:
    world = published()
    refused("NOT_PUBLISHED", lambda: change(world, "c", "material"))
    body = ReportChange(step="publicity", nomination="a", change="material", what="name", reason="r")
    refused("NOT_AUTHORISED", lambda: world.at(body, OFFICER))


def test_a_second_objection_on_the_same_ground_is_merged_into_the_first_dr_29() -> None:
    world = published()
    object_to(world, "a")
    object_to(world, "a", "o2")
    [merged] = world.events(names.nomination_stream(world.cycle, "a"), ObjectionMerged)
    assert (merged.objection, merged.into) == ("o2", "o1")
    refused("OBJECTION_EXISTS", lambda: object_to(world, "a", "o2"))
    rule(world, "a", "dismissed")
    object_to(world, "a", "o3")  # said again after the ruling it holds nobody
    assert not world.standing("a").disputed


def test_a_calendar_revised_while_a_period_runs_leaves_its_frozen_end_dr_27() -> None:
    world = published()
    end = world.round().published["a"].window.closes_at
    body = CloseStep(step="publicity")
    command = world.command(world.round_stream(), body)
    inputs = world.inputs(command)
    revised = replace(inputs, calendar=Calendar({(world.now + n * DAY).date(): False for n in range(30)}))
    before, after = (
        conduct.decide(world.round(), command.model_copy(update={"received_at": now}), body, revised).events
        for now in (end - DAY, end)
    )
    assert before == ()
    assert [type(one) for one in after] == [StepClosed]


def test_the_notice_names_its_audience_dr_28() -> None:
    world = with_members(step("publicity", audience="unit"), members=["a"])
    world.open_step("publicity")
    [notice] = world.events(world.round_stream(), ListPublished)
    assert notice.audience == "unit"


# ---- substitution: DR-25, DR-31 ----


def test_composition_is_checked_again_and_whoever_breaks_it_is_passed_over_dr_31() -> None:
    world = published(shares=[HALF])
    assert list(world.round().members) == ["a", "b"]
    world.withdraw("a")
    world.close_step("publicity")
    assert substitutions(world) == [("a", "d")]
    assert list(world.round().standby) == ["c"]


def test_a_seat_stays_vacant_where_the_reserve_is_empty_or_gone_dr_31() -> None:
    world = published()
    for id in ("c", "d"):
        world.withdraw(id)
    world.withdraw("a")
    world.close_step("publicity")
    assert substitutions(world) == [("a", "")]
    assert list(world.round().members) == ["b"]


def test_whoever_gives_way_for_the_composition_is_told_and_replaced_with_a_period_of_their_own_dr_31() -> (
    None
):
    """Without a, each of two seats of three wants one frontline member and one head, whom no single substitute is."""
    people = {
        "a": ("90", {"frontline": True, "head": True}),
        "b": ("80", {"frontline": False, "head": False}),
        "c": ("70", {"frontline": True, "head": False}),
        "d": ("60", {"frontline": False, "head": True}),
    }
    heads = {"id": "heads", "who": FRONT | {"id": "h", "fact": "head"}, "op": ">=", "share": "1/2"}
    world = published(people, shares=[HALF, heads])
    assert list(world.round().members) == ["a", "b"]
    world.withdraw("a")
    world.close_step("publicity")
    assert substitutions(world) == [("a", "c"), ("b", "d")]
    assert list(world.round().members) == ["c", "d"]
    assert world.round().out["b"] == ("publicity", "COMPOSITION")
    assert world.nomination("b").reason == "COMPOSITION"
    assert all(world.round().published[id].window.opens_at == world.now for id in "cd")


def test_a_seat_stays_vacant_where_the_programme_does_not_substitute_dr_31() -> None:
    world = published(publicity={"substitute": False})
    world.withdraw("a")
    world.close_step("publicity")
    assert substitutions(world) == [("a", "")]


def limited(**limits: Any) -> World:
    """Two published, two in reserve, and limits of substitution."""
    return published(publicity={"substitute": limits})


def give_up(world: World, *ids: str) -> None:
    """These withdraw an hour later, all at once."""
    world.now += DAY / 24
    for id in ids:
        world.withdraw(id)
    world.close_step("publicity")


def vacancies(world: World) -> list[tuple[str, str | None]]:
    """The seats that nobody took, each with the limit that kept it vacant."""
    told = world.events(world.round_stream(), Substituted)
    return [(one.out, one.limit) for one in told if not one.into]


def test_the_reserve_comes_in_no_more_often_than_the_programme_allows_dr_31() -> None:
    world = limited(times_max=1)
    give_up(world, "a")
    give_up(world, "b")
    assert substitutions(world) == [("a", "c"), ("b", "")]
    assert vacancies(world) == [("b", "times_max")]
    assert (list(world.round().members), list(world.round().standby)) == (["c"], ["d"])


def test_all_who_come_in_at_once_are_one_substitution_and_with_the_list_itself_none_dr_31() -> None:
    world = limited(times_max=1)
    give_up(world, "a", "b")
    assert substitutions(world) == [("a", "c"), ("b", "d")]
    early = with_members(
        panel(), choice(2, reserve=2), step("publicity", substitute={"times_max": 1}), members=list(FIVE)
    )
    judged(early, {id: mark for id, (mark, _) in FIVE.items()})
    early.open_step("selection")
    early.withdraw("a")
    early.open_step("publicity")
    give_up(early, "b")
    assert substitutions(early) == [("a", "c"), ("b", "d")]


def test_nobody_comes_in_once_the_time_for_it_is_over_dr_31() -> None:
    world = limited(within={"days": 2, "unit": "natural_day"})
    assert world.now == at("2024-03-12 00:00")
    world.now = at("2024-03-14 22:00")
    give_up(world, "a")
    give_up(world, "b")
    assert substitutions(world) == [("a", "c"), ("b", "")]
    assert vacancies(world) == [("b", "within")]


def test_the_time_for_substitutions_gets_back_what_a_pause_took_dr_31() -> None:
    world = limited(within={"days": 2, "unit": "natural_day"})
    pause(world, 9)
    rearm(world)
    give_up(world, "a")
    assert substitutions(world) == [("a", "c")]


def test_nobody_gives_way_for_the_composition_where_nobody_may_come_in_dr_31() -> None:
    people = {
        "a": ("90", {"frontline": True, "head": True}),
        "b": ("80", {"frontline": False, "head": False}),
        "c": ("70", {"frontline": True, "head": False}),
        "d": ("60", {"frontline": False, "head": True}),
    }
    heads = {"id": "heads", "who": FRONT | {"id": "h", "fact": "head"}, "op": ">=", "share": "1/2"}
    within = {"substitute": {"within": {"days": 1, "unit": "natural_day"}}}
    world = published(people, publicity=within, shares=[HALF, heads])
    world.now += 3 * DAY
    give_up(world, "a")
    assert vacancies(world) == [("a", "within")]
    assert list(world.round().members) == ["b"]


def vetted() -> World:
    """Three published, two in reserve; whom the departments put out nobody replaces."""
    asked = step("clearance", silence="consent", departments=["tax"])
    publicity = step("publicity", substitute={"after_vetting": False})
    world = with_members(asked, panel(), choice(3, reserve=2), publicity, members=list(FIVE))
    world.open_step("clearance")
    world.pass_window("clearance")
    judged(world, {id: mark for id, (mark, _) in FIVE.items()})
    world.open_step("selection")
    world.open_step("publicity")
    return world


def reopen(world: World, id: str) -> None:
    body = ReopenVetting(round=world.round_stream(), step="clearance", department="tax", reason="欠税")
    world.on(id, body, TAX)


def test_a_seat_that_was_lost_in_vetting_stays_vacant_where_the_programme_says_so_dr_11_dr_31() -> None:
    world = vetted()
    reopen(world, "a")
    rule(world, "a", "upheld", "clearance-tax-1")
    give_up(world, "b")
    assert vacancies(world) == [("a", "after_vetting")]
    assert substitutions(world) == [("a", ""), ("b", "d")]
    world.at(RequestClearance(step="clearance", nominations=("c",)), OPERATOR)
    answer = {"step": "clearance", "department": "tax", "nomination": "c", "outcome": "object"}
    world.at(ReplyClearance.model_validate(answer), TAX)
    assert vacancies(world) == [("a", "after_vetting"), ("c", "after_vetting")]
    assert (list(world.round().members), list(world.round().standby)) == (["d"], ["e"])


def test_it_is_what_ended_a_nomination_that_counts_and_not_what_came_after_dr_31() -> None:
    world = vetted()
    for id in ("a", "b"):
        reopen(world, id)
    object_to(world, "a")
    rule(world, "a", "upheld")
    world.withdraw("b")
    for id in ("a", "b"):
        rule(world, id, "upheld", "clearance-tax-1")
    world.close_step("publicity")
    assert substitutions(world) == [("a", "d"), ("b", "e")]


def test_with_nobody_in_reserve_no_limit_is_named_dr_31() -> None:
    world = limited(within={"days": 1, "unit": "natural_day"})
    for id in ("c", "d"):
        world.withdraw(id)
    world.now += 3 * DAY
    give_up(world, "a")
    assert vacancies(world) == [("a", None)]


def test_everybody_who_left_is_replaced_in_one_go_and_a_substitute_too_dr_31() -> None:
    world = published()
    for id in ("a", "b"):
        world.withdraw(id)
    world.close_step("publicity")
    assert substitutions(world) == [("a", "c"), ("b", "d")]
    world.withdraw("c")
    world.close_step("publicity")
    assert substitutions(world)[-1] == ("c", "")
    assert list(world.round().members) == ["d"]


def test_equals_in_reserve_are_ordered_by_a_person_and_never_by_id_dr_17_dr_31() -> None:
    for first, second in (("x", "y"), ("y", "x")):
        tied: dict[str, tuple[str, dict[str, Any]]] = {
            "a": ("90", {}),
            "b": ("80", {}),
            "x": ("70", {}),
            "y": ("70", {}),
        }
        world = published(tied)
        world.withdraw("a")
        world.pass_window("publicity")
        assert run_of(world.round(), "publicity").held == "TIE_UNRESOLVED"
        assert not is_closed(world)
        assert world.close_step("publicity") == ()
        world.at(ResolveTie(step="publicity", order=(first, second), reason="合议"), OPERATOR)
        world.close_step("publicity")
        assert substitutions(world) == [("a", first)]


# ---- pauses ----


def cycle(world: World) -> str:
    return names.cycle_stream(world.cycle)


def pause(world: World, days: int) -> None:
    world.do(cycle(world), PauseCycle(reason="r"), OPERATOR)
    world.now += days * DAY
    world.do(cycle(world), ResumeCycle(), OPERATOR)


def rearm(world: World) -> tuple[object, ...]:
    return world.at(RearmStep(step="publicity"))


def test_nobody_s_period_is_shortened_by_a_pause() -> None:
    world = published()
    world.now += DAY
    world.withdraw("a")
    world.close_step("publicity")
    before = {id: one.window for id, one in world.round().published.items()}
    pause(world, 7)
    assert rearm(world)
    for id in ("b", "c"):
        after = world.round().published[id].window
        assert after.closes_at - before[id].closes_at >= 7 * DAY
    object_to(world, "b")
    assert rearm(world) == ()


def test_nothing_may_be_done_in_a_pause_nor_closed_by_it() -> None:
    world = published()
    world.do(cycle(world), PauseCycle(reason="r"), OPERATOR)
    refused("CYCLE_PAUSED", lambda: object_to(world, "a"))
    refused("CYCLE_PAUSED", lambda: world.withdraw("a"))
    refused("CYCLE_PAUSED", lambda: world.pass_window("publicity"))


def test_an_objection_that_a_pause_keeps_waiting_is_not_late_dr_27_dr_29() -> None:
    world = published()
    world.do(cycle(world), PauseCycle(reason="r"), OPERATOR)
    world.now += 30 * DAY
    refused("CYCLE_PAUSED", lambda: object_to(world, "a"))
    world.do(cycle(world), ResumeCycle(), OPERATOR)
    refused("CYCLE_PAUSED", lambda: object_to(world, "a"))  # until the days are given back
    rearm(world)
    object_to(world, "a")
    assert world.standing("a").disputed
    world.now = world.round().published["b"].window.closes_at
    object_to(world, "b")
    assert not world.standing("b").disputed


def test_a_step_that_is_asked_to_close_after_a_pause_gives_the_days_back_first() -> None:
    world = published()
    was = world.round().published["a"].window.closes_at
    pause(world, 30)
    assert world.now > was
    written = world.close_step("publicity")
    assert [type(one) for one in written] == [StepExtended]
    assert not is_closed(world)
    assert world.round().published["a"].window.closes_at > world.now


def test_two_pauses_before_the_windows_are_moved_both_count() -> None:
    world = published()
    was = world.round().published["a"].window.closes_at
    pause(world, 10)
    world.now += DAY / 24
    pause(world, 10)
    rearm(world)
    once = published()
    pause(once, 20)
    rearm(once)
    moved = world.round().published["a"].window.closes_at
    assert moved - was >= 20 * DAY
    assert moved >= once.round().published["a"].window.closes_at


def test_a_window_opened_after_a_pause_owes_nothing_to_it() -> None:
    world = with_members(step("publicity"), members=["a"])
    pause(world, 10)
    world.open_step("publicity")
    was = world.round().published["a"].window
    assert rearm(world) == ()
    assert world.round().published["a"].window == was


def test_an_extension_between_resuming_and_rearming_takes_no_days_away() -> None:
    world, plain = published(), published()
    for one in (world, plain):
        pause(one, 20)
    end = world.round().published["a"].window.closes_at
    later = ExtendStep(step="publicity", closes_at=max(end, world.now) + DAY / 24, reason="r")
    world.at(later, OPERATOR)
    world.at(later, OPERATOR_2)
    for one in (world, plain):
        rearm(one)
    ends = [one.round().published["a"].window.closes_at for one in (world, plain)]
    assert ends[0] >= ends[1]


def test_a_list_of_nobody_is_not_published() -> None:
    world = with_members(step("publicity"), members=["a"])
    world.withdraw("a")
    world.open_step("publicity")
    assert is_closed(world)
    assert not world.events(world.round_stream(), ListPublished)
