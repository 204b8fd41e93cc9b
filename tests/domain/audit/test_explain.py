"""Why a nomination won or lost: each reason for which somebody leaves is told with its rule, its place and its distance."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any

from domain.audit.explain import explain
from domain.audit.explained import (
    ConferralTold,
    EligibilityTold,
    Explanation,
    Missed,
    PublicityTold,
    ReviewTold,
    SelectionTold,
    StepTold,
    TrainingTold,
    VoteTold,
)
from domain.audit.nearness import Line, Seats
from domain.selection import Op
from schemas.commands import (
    Confer,
    Decide,
    Endorse,
    FormPanel,
    HandInSheet,
    RecordAttendance,
    Recuse,
    Reject,
    ResolveTie,
    ReturnForCorrection,
    WrittenMark,
)
from tests.domain.audit.logged import LoggedWorld, logged
from tests.domain.specification import (
    COUNCIL,
    COUNCIL_2,
    DAY,
    HANDLER,
    HANDLER_2,
    JUDGES,
    OFFICER,
    OPERATOR,
    choice,
    judged,
    panel,
    refused,
    step,
)
from tests.domain.test_clearance import ask_below, confer, reply_below, run_out
from tests.domain.test_publicity import LAST, object_to, receive, rule

FLOOR = {
    "id": "frontline_floor",
    "who": {"id": "frontline", "fact": "frontline", "op": "==", "value": True},
    "op": ">=",
    "share": "50%",
}
CAP = {
    "id": "head_cap",
    "who": {"id": "head", "fact": "head", "op": "==", "value": True},
    "op": "<=",
    "share": "50%",
}
ELIGIBILITY = {
    "type": "eligibility",
    "id": "eligibility",
    "predicates": [{"id": "years_over_20", "fact": "years", "op": ">", "value": 20}],
    "correction": {"days": 3, "unit": "work_day"},
}


def step_of(told: Explanation, id: str) -> StepTold:
    return next(one for level in told.levels for one in level.steps if one.step == id)


def chosen(told: Explanation, id: str = "selection") -> SelectionTold:
    detail = step_of(told, id).detail
    assert isinstance(detail, SelectionTold)
    assert detail.agrees
    return detail


def selected(
    marks: dict[str, str], *shares: dict[str, Any], seats: int = 2, facts: Any = None
) -> LoggedWorld:
    world = logged(
        panel(), choice(seats, shares=list(shares)) if shares else choice(seats), members=facts or list(marks)
    )
    judged(world, marks)
    world.open_step("selection")
    return world


def test_a_loser_just_under_the_line_is_told_by_exactly_how_much_and_where_it_was_cut() -> None:
    world = selected({"a": "90", "b": "80.5", "c": "80"})
    told = explain(world.read_back(), "c")
    assert (told.status, told.titles) == ("eliminated", ())
    assert told.cut is not None
    assert told.cut.reason == "NOT_SELECTED: rank 3, seats 2"
    cutting = world.log[told.cut.place.position - 1]  # type: ignore[operator] # everything here has a position
    assert (cutting.type, told.cut.place.event) == ("MembersOut", f"{cutting.stream}@{cutting.seq}")
    choice_ = chosen(told)
    assert (choice_.rank, choice_.candidates, choice_.seats, choice_.standing) == (3, 3, 2, "cut")
    assert choice_.last_in is not None
    assert (choice_.last_in.nomination, choice_.last_in.score) == ("b", Fraction("80.5"))
    assert choice_.near is not None
    assert choice_.near.line == Line(Fraction("80.5"), Fraction(1, 2), "tied")
    assert choice_.near.seats == Seats(1)


def test_the_marks_of_each_judge_and_the_parts_of_the_score_are_told_exactly() -> None:
    world = logged(
        panel(trim={"drop": 1, "min_left": 1}),
        choice(1, weights=[{"component": "expert", "share": "70%"}, {"component": "public", "share": "30%"}]),
        members=("a", "b"),
    )
    world.open_step("expert_review")
    world.at(FormPanel(step="expert_review", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    for judge, score in zip(JUDGES, ("70", "80", "99"), strict=True):
        world.sheet(judge, "expert_review", {"a": score, "b": "60"})
    world.close_step("expert_review")
    world.open_step("selection")
    told = explain(world.read_back(), "a")
    review = step_of(told, "expert_review").detail
    assert isinstance(review, ReviewTold)
    assert [(mark.judge, mark.score) for mark in review.marks] == [
        ("judge-1", Fraction(70)), ("judge-2", Fraction(80)), ("judge-3", Fraction(99))
    ]  # fmt: skip
    assert review.trimmed == (Fraction(70), Fraction(99))
    assert review.result is not None
    assert (review.result.value, review.result.method) == (Fraction(80), "trimmed")
    parts = [(part.component, part.value, part.weight, part.points) for part in chosen(told).parts]
    assert parts == [
        ("expert", Fraction(80), Fraction(7, 10), Fraction(56)),
        ("public", Fraction(0), Fraction(3, 10), Fraction(0)),
    ]


def test_a_plain_mean_in_place_of_a_trimmed_one_is_flagged_dr_16() -> None:
    world = logged(panel(trim={"drop": 1, "min_left": 1}), choice(1), members=("a",))
    world.open_step("expert_review")
    world.at(FormPanel(step="expert_review", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    for judge, score in zip(JUDGES[:2], ("70", "80"), strict=True):
        world.sheet(judge, "expert_review", {"a": score})
    world.pass_window("expert_review")
    flagged = step_of(explain(world.read_back(), "a"), "expert_review").detail
    assert isinstance(flagged, ReviewTold)
    assert (flagged.flag, flagged.trimmed) == ("TOO_FEW_TO_TRIM", ())
    untrimmed = logged(panel(), choice(1), members=("a",))
    judged(untrimmed, {"a": "70"})
    plain = step_of(explain(untrimmed.read_back(), "a"), "expert_review").detail
    assert isinstance(plain, ReviewTold)
    assert plain.flag == ""


def test_while_the_panel_sits_no_mark_is_told_dr_14() -> None:
    world = logged(panel(), choice(1), members=("a",))
    world.open_step("expert_review")
    world.at(FormPanel(step="expert_review", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    world.at(HandInSheet(step="expert_review", marks=(WrittenMark(nomination="a", score="77.5"),)), JUDGES[0])
    told = explain(world.read_back(), "a")
    assert step_of(told, "expert_review").detail == ReviewTold(sealed=True, component="")
    assert Fraction("77.5") not in list(_leaves(told))


def test_what_an_invalid_session_left_stays_sealed_dr_15() -> None:
    world = logged(panel(), choice(1), members=("a",))
    world.open_step("expert_review")
    world.at(FormPanel(step="expert_review", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    world.sheet(JUDGES[0], "expert_review", {"a": "77.5"})
    world.pass_window("expert_review")
    assert Fraction("77.5") not in list(_leaves(explain(world.read_back(), "a")))


def _leaves(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            yield from _leaves(getattr(value, one.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _leaves(item)
    elif hasattr(value, "model_dump"):
        yield from _leaves(tuple(dict(value).values()))
    else:
        yield value


def test_votes_stay_sealed_until_they_are_counted_dr_22() -> None:
    vote = step("public_vote", limits={"per_day": 3})
    world = logged(vote, choice(1, component="public"), members=("a", "b"))
    world.open_step("public_vote")
    assert step_of(explain(world.read_back(), "a"), "public_vote").detail == VoteTold(
        sealed=True, component=""
    )
    world.pass_window("public_vote")
    world.seal("public_vote", {"a": 10, "b": 5})
    counted = step_of(explain(world.read_back(), "b"), "public_vote").detail
    assert counted == VoteTold(False, "public", votes=5, valid=5, value=Fraction(50), papers=15)


def test_whoever_was_cut_by_a_cap_is_told_the_cap_and_what_it_would_have_taken_dr_26() -> None:
    facts = {"a": {"head": True}, "b": {"head": True}, "c": {"head": False}}
    world = selected({"a": "90", "b": "89", "c": "50"}, CAP, facts=facts)
    told = explain(world.read_back(), "b")
    choice_ = chosen(told)
    assert (choice_.standing, choice_.rank) == ("cut", 2), "second of three for two seats, and yet out"
    assert choice_.near is not None
    [cap] = choice_.near.rules
    assert (cap.rule, cap.op, cap.required, cap.heads) == ("head_cap", Op.CAP, 1, 1)
    assert choice_.near.line == Line(Fraction(90), Fraction(1), "tied")
    assert (choice_.faults, choice_.optimality) == ((), "dual")
    [check] = choice_.rules
    assert (check.rule, check.counted, check.required, check.met) == ("head_cap", 1, 1, True)


def test_a_recorded_list_that_is_not_the_best_is_told_with_its_fault_dr_26() -> None:
    world = selected({"a": "90", "b": "80", "c": "70"})
    place = next(n for n, event in enumerate(world.log) if event.type == "SelectionMade")
    planted = world.log[place].data | {"selected": ["a", "c"], "reserve": []}
    world.log[place] = world.log[place].model_copy(update={"data": planted})
    found = step_of(explain(world.read_back(), "b"), "selection").detail
    assert isinstance(found, SelectionTold)
    assert (found.agrees, found.faults) == (False, ("A_BETTER_LIST_EXISTS",))


def test_a_winner_by_a_floor_is_told_the_floor_and_the_margin_dr_26() -> None:
    facts = {"a": {"frontline": False}, "b": {"frontline": False}, "f": {"frontline": True}}
    world = selected({"a": "90", "b": "80", "f": "40"}, FLOOR, facts=facts)
    choice_ = chosen(explain(world.read_back(), "f"))
    assert (choice_.standing, choice_.rank) == ("selected", 3)
    assert choice_.near is not None
    assert [one.rule for one in choice_.near.rules] == ["frontline_floor"]
    assert choice_.near.line is None, "nobody else is of the front line: the seat depends on no score"
    beaten = chosen(explain(world.read_back(), "b"))
    assert beaten.near is not None
    assert [(one.rule, one.heads) for one in beaten.near.rules] == [("frontline_floor", 1)]


def test_whoever_was_not_endorsed_in_time_is_told_the_step_and_its_event() -> None:
    world = logged(step("endorsement"), choice(1), members=("a", "b"))
    world.open_step("endorsement")
    world.on("a", Endorse(round=world.round_stream()), OFFICER)
    world.pass_window("endorsement")
    told = explain(world.read_back(), "b")
    assert told.cut is not None
    assert (told.cut.reason, told.cut.step) == ("NOT_ENDORSED", "endorsement")
    [word] = step_of(explain(world.read_back(), "a"), "endorsement").words
    assert (word.what, word.by, word.role) == ("NominationEndorsed", OFFICER.id, "officer")


def test_whoever_was_rejected_is_told_by_whom_and_why() -> None:
    world = logged(step("endorsement"), choice(1), members=("a",))
    world.open_step("endorsement")
    world.on("a", Reject(round=world.round_stream(), reason="事迹不实"), OFFICER)
    world.pass_window("endorsement")
    told = explain(world.read_back(), "a")
    assert told.cut is not None
    assert (told.status, told.cut.step, told.cut.by) == ("rejected", "endorsement", OFFICER.id)
    assert told.cut.reason == "REJECTED: 事迹不实"
    [word] = step_of(told, "endorsement").words
    assert (word.what, word.by, word.reason) == ("NominationRejected", OFFICER.id, "事迹不实")


def test_whoever_is_ineligible_is_told_the_predicate_what_it_asks_and_what_was_attested_dr_09() -> None:
    world = logged(ELIGIBILITY, choice(1), members={"a": {"years": 20}, "b": {"years": 21}})
    world.open_step("eligibility")
    told = explain(world.read_back(), "a")
    assert told.cut is not None
    assert told.cut.reason == "INELIGIBLE: years_over_20"
    found = step_of(told, "eligibility").detail
    assert found == EligibilityTold("fail", (Missed("years_over_20", "years > 20", 20),), (), ())


def test_whoever_was_sent_back_and_never_answered_is_told_what_was_missing_dr_09() -> None:
    world = logged(ELIGIBILITY, choice(1), members={"a": {}, "b": {"years": 21}})
    world.open_step("eligibility")
    world.pass_window("eligibility")
    told = explain(world.read_back(), "a")
    assert told.cut is not None
    assert told.cut.reason == "NOT_COMPLETED: years_over_20"
    found = step_of(told, "eligibility")
    assert found.detail == EligibilityTold("unknown", (), (Missed("years_over_20", "years > 20", None),), ())
    [returned] = found.words
    assert (returned.what, returned.reason) == ("NominationReturned", "missing: years_over_20")


def test_whoever_was_returned_by_an_officer_and_left_so_is_told_who_returned_it_and_why_dr_20() -> None:
    world = logged(step("endorsement"), choice(1), members=("a",))
    world.open_step("endorsement")
    world.on("a", ReturnForCorrection(round=world.round_stream(), reason="缺材料"), OFFICER)
    world.pass_window("endorsement")
    told = explain(world.read_back(), "a")
    assert told.cut is not None
    assert told.cut.reason == "NOT_ENDORSED"
    [word] = step_of(told, "endorsement").words
    assert (word.what, word.by, word.reason) == ("NominationReturned", OFFICER.id, "缺材料")


def test_a_substitute_is_told_whose_seat_it_took_and_who_lost_it_by_what_dr_31() -> None:
    world = logged(
        panel(),
        choice(1, reserve=1),
        step("publicity"),
        step("conferral", body="council", grades=[{"title": "pilot", "seats": 1}]),
        members=("a", "b"),
    )
    judged(world, {"a": "90", "b": "80"})
    world.open_step("selection")
    world.open_step("publicity")
    object_to(world, "a")
    rule(world, "a", "upheld")
    world.close_step("publicity")
    won, lost = explain(world.read_back(), "b"), explain(world.read_back(), "a")
    assert step_of(won, "publicity").instead_of == "a"
    assert chosen(won).standing == "reserve"
    assert chosen(won).reserve_place == 1
    assert lost.cut is not None
    assert (lost.cut.reason, lost.cut.step) == ("DISQUALIFIED: 查实", "publicity")
    assert lost.cut.by in (HANDLER.id, HANDLER_2.id)
    assert step_of(lost, "publicity").out == "SUBSTITUTED: DISQUALIFIED"


def test_whoever_stood_by_is_told_which_limit_kept_a_seat_vacant_dr_31() -> None:
    limits = {"within": {"days": 1, "unit": "natural_day"}}
    world = logged(
        panel(), choice(1, reserve=1), step("publicity", substitute=limits), members=("a", "b", "c")
    )
    judged(world, {"a": "90", "b": "80", "c": "70"})
    world.open_step("selection")
    world.open_step("publicity")
    world.now += 3 * DAY
    world.withdraw("a")
    world.close_step("publicity")
    [seat] = step_of(explain(world.read_back(), "b"), "publicity").vacancies
    assert (seat.out, seat.limit) == ("a", "within")
    assert world.log[seat.place.position - 1].type == "Substituted"  # type: ignore[operator] # it has a position
    assert step_of(explain(world.read_back(), "a"), "publicity").vacancies == ()


def test_whoever_a_letter_held_is_told_its_postmark_dr_29() -> None:
    posting = step("publicity", by_post={"days": 5, "unit": "work_day"})
    world = logged(posting, step("decision", body="council"), members=("a", "b"))
    world.open_step("publicity")
    world.pass_window("publicity")
    world.open_step("decision")
    receive(world, "a", LAST)
    for by in (COUNCIL, COUNCIL_2):
        world.at(Decide(step="decision"), by)
    told = explain(world.read_back(), "a")
    assert told.cut is not None
    assert told.cut.reason == "HELD_AT_CUT_OFF"
    published = step_of(told, "publicity").detail
    assert isinstance(published, PublicityTold)
    [(_, ground, outcome, postmark)] = published.objections
    assert (ground, outcome, postmark) == ("deeds", "open", LAST.isoformat())


def test_a_recusal_after_the_close_leaves_the_mark_on_record_and_void_dr_13() -> None:
    world = logged(panel(), choice(1), members=("a", "b"))
    judged(world, {"a": "90", "b": "80"})
    world.at(Recuse(step="expert_review", nomination="a", reason="师徒"), JUDGES[0])
    review = step_of(explain(world.read_back(), "a"), "expert_review").detail
    assert isinstance(review, ReviewTold)
    assert [mark.judge for mark in review.marks if mark.recused] == ["judge-1"]
    assert review.version == 2


def test_whom_a_department_below_vetoed_when_asked_again_lost_at_the_conferral_dr_11() -> None:
    world = run_out("a", "b")
    ask_below(world, "a", "b")
    for id, outcome in (("a", "clear"), ("b", "object")):
        reply_below(world, id, outcome)
    confer(world)
    log = LoggedWorld(world.programme, world.tree)
    for stream, written in world.streams.items():
        for one in written:
            log.note(stream, one)
    told = explain(log.read_back(), "b")
    assert told.cut is not None
    assert (told.cut.reason, told.cut.step) == ("CLEARANCE_OBJECTED", "conferral")
    [reply] = step_of(told, "clearance").replies
    assert (reply.department, reply.outcome) == ("tax", "object")


def test_who_has_no_nomination_here_is_not_found() -> None:
    world = logged(choice(1), members=("a",))
    refused("NOT_FOUND", lambda: explain(world.read_back(), "nobody"))


def test_a_title_is_told_with_its_number() -> None:
    world = logged(
        panel(),
        choice(1),
        step("conferral", body="council", grades=[{"title": "pilot", "seats": 1}]),
        members=("a",),
    )
    judged(world, {"a": "90"})
    world.open_step("selection")
    world.open_step("conferral")
    for by in (COUNCIL, COUNCIL_2):
        world.at(Confer(step="conferral"), by)
    told = explain(world.read_back(), "a")
    assert (told.status, told.cut) == ("conferred", None)
    given = step_of(told, "conferral").detail
    assert isinstance(given, ConferralTold)
    assert [title for title, _ in given.titles] == ["pilot"]
    assert all(number for _, number in given.titles)


def test_who_had_the_lower_grade_of_two_equals_is_told_the_order_that_a_person_gave_dr_17() -> None:
    grades = [{"title": "gold_pilot", "seats": 1}, {"title": "pilot"}]
    world = logged(
        panel(), choice(3), step("conferral", body="council", grades=grades), members=["a", "b", "c"]
    )
    judged(world, {"a": "90", "b": "90", "c": "80"})
    world.open_step("selection")
    world.open_step("conferral")
    world.at(ResolveTie(step="conferral", order=("b", "a"), reason="会议研究"), OPERATOR)
    for by in (COUNCIL, COUNCIL_2):
        world.at(Confer(step="conferral"), by)
    past = world.read_back()
    told = {id: step_of(explain(past, id), "conferral").detail for id in "abc"}
    assert [one.ordered for one in told.values() if isinstance(one, ConferralTold)] == [
        ("b", "a"), ("b", "a"), ()
    ]  # fmt: skip


def test_a_step_that_was_passed_by_says_on_which_fast_track_and_what_it_asks() -> None:
    track = {
        "id": "green",
        "who": {"id": "front", "fact": "frontline", "op": "==", "value": True},
        "passes": ["endorsement"],
    }
    world = logged(
        step("endorsement"),
        members={"a": {"frontline": True}, "b": {"frontline": False}},
        stage={"fast_tracks": [track]},
    )
    world.open_step("endorsement")
    told = {id: step_of(explain(world.read_back(), id), "endorsement").passed for id in ("a", "b")}
    assert told["a"] is not None
    assert (told["a"].fast_track, told["a"].asked) == ("green", "frontline == true")
    cause = world.log[told["a"].place.position - 1]  # type: ignore[operator] # everything here has a position
    assert cause.type == "FastTracked"
    assert told["b"] is None


def test_who_missed_the_training_is_told_so() -> None:
    world = logged(step("publicity"), step("training", absent="out"), members=["a", "b"])
    world.open_step("publicity")
    world.pass_window("publicity")
    world.open_step("training")
    world.at(RecordAttendance(step="training", attended=("a",), document="ab" * 32), OFFICER)
    world.pass_window("training")
    told = explain(world.read_back(), "b")
    assert told.cut is not None
    assert told.cut.reason == "NOT_TRAINED"
    assert step_of(told, "training").detail == TrainingTold(attended=False)
    assert step_of(explain(world.read_back(), "a"), "training").detail == TrainingTold(attended=True)
