"""What people changed by hand is on one list, and what the programme foresees is not."""

from __future__ import annotations

from typing import Any

from domain.audit.amendments import Amendment, amendments, differences
from schemas import names
from schemas.commands import (
    CancelRound,
    CloseIntakeEarly,
    CloseStepEarly,
    Confer,
    Decide,
    Disqualify,
    Endorse,
    ExtendIntake,
    FormPanel,
    FreezeVotes,
    InvalidateVotes,
    OpenRound,
    PauseCycle,
    PauseRound,
    Recuse,
    Removal,
    ReplaceJudge,
    ResolveTie,
    ResumeCycle,
    ResumeRound,
    RevokeGrant,
    UnfreezeVotes,
    WaiveDifferential,
    WaivePredicate,
)
from schemas.events import GrantTerms
from schemas.values import format_instant
from tests.domain.audit.logged import LoggedWorld, logged
from tests.domain.audit.test_explain import ELIGIBILITY
from tests.domain.specification import (
    COUNCIL,
    COUNCIL_2,
    DAY,
    HANDLER,
    HANDLER_2,
    JUDGES,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    SPARE_JUDGE,
    choice,
    judged,
    panel,
    step,
)
from tests.domain.test_adjudication import EVIDENCE, STUFFING, VOTE, hold, release
from tests.domain.test_allocation import counties, move, moving
from tests.domain.test_extending import longer
from tests.domain.test_publicity import object_to, rule

CYCLE = names.cycle_stream(LoggedWorld.cycle)


def listed(world: LoggedWorld) -> list[Amendment]:
    return list(amendments(world.read_back()))


def only(world: LoggedWorld) -> Amendment:
    [one] = listed(world)
    return one


def by_two(world: LoggedWorld, body: Any, first: Any = OPERATOR, second: Any = OPERATOR_2) -> None:
    for by in (first, second):
        world.at(body, by)


def test_a_cycle_that_ran_as_the_programme_foresees_has_nothing_on_the_list() -> None:
    world = logged(
        step("endorsement"),
        panel(),
        choice(1),
        step("decision", body="council"),
        step("conferral", body="council", grades=[{"title": "pilot", "seats": 1}]),
        members=("a",),
    )
    world.open_step("endorsement")
    world.on("a", Endorse(round=world.round_stream()), OFFICER)
    world.pass_window("endorsement")
    judged(world, {"a": "90"})
    world.open_step("selection")
    world.open_step("decision")
    by_two(world, Decide(step="decision"), COUNCIL, COUNCIL_2)
    world.open_step("conferral")
    by_two(world, Confer(step="conferral"), COUNCIL, COUNCIL_2)
    assert listed(world) == []


def test_an_extension_is_listed_with_both_ends_both_people_the_grant_and_the_reason_dr_08() -> None:
    world = logged(step("endorsement"), members=("a",))
    world.open_step("endorsement")
    later = longer(world, "endorsement")
    by_two(world, later)
    one = only(world)
    assert (one.what, one.step, one.reason) == ("StepExtended", "endorsement", "汛期")
    assert (one.people, one.role, one.done) == ((OPERATOR.id, OPERATOR_2.id), "operator", True)
    assert one.terms is not None
    assert (one.terms.person, one.terms.role, one.terms.unit) == (OPERATOR_2.id, "operator", "9")
    assert one.before < one.after == later.closes_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert (one.seen, world.log[one.position - 1].type) == ((), "StepExtended")  # type: ignore[operator]


def test_an_extension_after_scores_were_seen_is_marked_with_what_was_known_dr_08() -> None:
    world = logged(panel(), choice(1), step("decision", body="council"), members=("a",))
    judged(world, {"a": "90"})
    world.open_step("selection")
    world.open_step("decision")
    by_two(world, longer(world, "decision"), COUNCIL, COUNCIL_2)
    assert (only(world).seen, only(world).role) == (("expert",), "body:council")


def test_what_only_one_person_asked_for_is_listed_as_proposed_where_it_was_proposed() -> None:
    world = logged(step("endorsement"), members=("a",))
    world.open_step("endorsement")
    world.at(longer(world, "endorsement"), OPERATOR)
    one = only(world)
    assert (one.done, one.what, one.people, one.reason) == (False, "extend_step", (OPERATOR.id,), "汛期")


def test_a_pause_is_listed_and_what_it_gives_back_is_not() -> None:
    world = logged(step("endorsement"), members=("a",))
    world.open_step("endorsement")
    world.do(CYCLE, PauseCycle(reason="审计"), OPERATOR)
    world.now += 3 * DAY
    world.do(CYCLE, ResumeCycle(), OPERATOR)
    world.close_step("endorsement")
    world.at(PauseRound(reason="核查"), OPERATOR)
    world.now += 3 * DAY
    world.at(ResumeRound(), OPERATOR)
    assert {event.type for event in world.log} >= {"StepExtended"}
    assert [(one.what, one.before, one.after) for one in listed(world)] == [
        ("CyclePaused", "open", "paused"),
        ("CycleResumed", "paused", "open"),
        ("RoundPaused", "open", "paused"),
        ("RoundResumed", "paused", "open"),
    ]


def test_no_reason_that_people_write_keeps_an_extension_off_the_list_dr_08() -> None:
    world = logged(step("endorsement"), members=("a",))
    world.open_step("endorsement")
    by_two(world, longer(world, "endorsement").model_copy(update={"reason": "resumed"}))
    assert (only(world).what, only(world).reason) == ("StepExtended", "resumed")


def test_a_step_closed_early_is_listed_with_when_it_would_have_ended() -> None:
    world = logged(step("endorsement"), members=("a",))
    world.open_step("endorsement")
    world.on("a", Endorse(round=world.round_stream()), OFFICER)
    world.at(CloseStepEarly(step="endorsement", reason="均已办理"), OFFICER)
    one = only(world)
    assert (one.what, one.reason, one.people) == ("StepClosed", "均已办理", (OFFICER.id,))
    assert one.after < one.before


def test_a_replaced_judge_and_a_result_computed_again_are_listed_dr_13() -> None:
    world = logged(panel(), choice(1), members=("a",))
    judged(world, {"a": "90"})
    world.at(Recuse(step="expert_review", nomination="a", reason="师徒"), JUDGES[0])
    again = only(world)
    assert (again.what, again.before, again.after) == ("PanelClosed", "version 1", "version 2")
    other = logged(panel(), choice(1), members=("a",))
    other.open_step("expert_review")
    other.at(FormPanel(step="expert_review", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    by_two(other, ReplaceJudge(step="expert_review", judge=JUDGES[0].id, by=SPARE_JUDGE.id, reason="病假"))
    replaced = only(other)
    assert (replaced.before, replaced.after, replaced.reason) == (JUDGES[0].id, SPARE_JUDGE.id, "病假")


def test_waivers_of_predicates_and_of_the_differential_are_listed_dr_07_dr_10() -> None:
    world = logged(
        ELIGIBILITY, panel(), choice(1, differential="2"), members={"a": {"years": 3}, "b": {"years": 2}}
    )
    world.on("a", WaivePredicate(predicate="years_over_20", reason="破格"), OPERATOR)
    world.on("a", WaivePredicate(predicate="years_over_20", reason="破格"), OPERATOR_2)
    world.open_step("eligibility")
    judged(world, {"a": "90"})
    world.open_step("selection")
    by_two(world, WaiveDifferential(step="selection", reason="等额"))
    told = [(one.what, one.before, one.after) for one in listed(world)]
    assert told == [
        ("PredicateWaived", "years_over_20", "waived"),
        ("DifferentialWaived", "differential", "waived"),
    ]


def test_a_tie_that_a_person_ordered_is_listed_with_the_order_dr_17() -> None:
    world = logged(panel(), choice(1), members=("a", "b"))
    judged(world, {"a": "90", "b": "90"})
    world.open_step("selection")
    world.at(ResolveTie(step="selection", order=("b", "a"), reason="看现场"), OPERATOR)
    one = only(world)
    assert (one.what, one.before, one.after) == ("TieResolved", "a, b", "b > a")


def test_a_disqualification_and_the_substitution_that_it_brought_are_listed_dr_31() -> None:
    world = logged(panel(), choice(1, reserve=1), step("publicity"), members=("a", "b"))
    judged(world, {"a": "90", "b": "80"})
    world.open_step("selection")
    world.open_step("publicity")
    object_to(world, "a")
    rule(world, "a", "upheld")
    world.close_step("publicity")
    out, into = listed(world)
    assert (out.what, out.people) == ("NominationDisqualified", (HANDLER.id, HANDLER_2.id))
    assert (into.what, into.before, into.after, into.people) == ("Substituted", "a", "b", ("engine",))


def test_a_disqualification_without_an_objection_is_listed_too() -> None:
    world = logged(panel(), members=("a",))
    for by in (OPERATOR, OPERATOR_2):
        world.on("a", Disqualify(reason="弄虚作假"), by)
    assert (only(world).what, only(world).reason) == ("NominationDisqualified", "弄虚作假")


def test_votes_that_were_invalidated_are_listed_with_the_evidence_dr_23() -> None:
    world = logged(step("public_vote", limits={"per_day": 3}), choice(1, component="public"), members=("a",))
    world.open_step("public_vote")
    by_two(world, InvalidateVotes(step="public_vote", voters=("v1", "v2"), evidence="e" * 64, reason="刷票"))
    one = only(world)
    assert (one.what, one.before, one.after) == ("VotesInvalidated", "2 voters", f"deduct ({'e' * 64})")


def test_papers_that_were_held_released_or_frozen_are_listed_dr_23() -> None:
    vote = step(VOTE, limits={"per_day": 5}, stuffing=STUFFING, adjudication={"days": 3, "unit": "work_day"})
    world = logged(vote, choice(1, component="public"), members=("a", "b"))
    world.open_step(VOTE)
    cohort = hold(world)
    release(world, OPERATOR, OPERATOR_2, cohort=cohort)
    world.at(FreezeVotes(step=VOTE, reason="核查"), OPERATOR)
    world.at(UnfreezeVotes(step=VOTE, reason="核查完毕"), OPERATOR)
    told = [(one.what, one.before, one.after, one.people) for one in listed(world)]
    assert told == [
        ("VotesHeld", "a: 30 of 100 papers", "held by one_device", ("engine",)),
        ("VotesReleased", cohort, f"counts ({EVIDENCE})", (OPERATOR.id, OPERATOR_2.id)),
        ("VotesFrozen", "open", "frozen", (OPERATOR.id,)),
        ("VotesUnfrozen", "frozen", "open", (OPERATOR.id,)),
    ]


def test_whom_the_body_removed_is_listed_dr_32() -> None:
    world = logged(panel(), choice(2), step("decision", body="council"), members=("a", "b"))
    judged(world, {"a": "90", "b": "80"})
    world.open_step("selection")
    world.open_step("decision")
    remove = Removal(nomination="b", reason="涉未结案件")
    by_two(world, Decide(step="decision", remove=(remove,)), COUNCIL, COUNCIL_2)
    assert (only(world).what, only(world).before) == ("DecisionTaken", "b")
    assert only(world).after == "removed: 涉未结案件"


def test_a_round_that_was_cancelled_is_listed_dr_44() -> None:
    said = counties()
    world = LoggedWorld(said.programme, said.tree)
    world.open()
    world.at(OpenRound(), unit="901")
    for by in (OPERATOR, OPERATOR_2):
        world.at(CancelRound(reason="停办"), by, "901")
    assert (only(world).what, only(world).people) == ("RoundLapsed", (OPERATOR.id, OPERATOR_2.id))
    assert (only(world).before, only(world).after) == ("open", "lapsed")


def test_grants_given_after_the_founding_ones_and_revoked_are_listed() -> None:
    world = logged(panel(), members=("a",))
    world.grant(GrantTerms(id="late", person="s-9", role="officer", unit="9"))
    world.do(names.authority_stream(world.cycle), RevokeGrant(grant="late", reason="调离"), OPERATOR)
    given, revoked = listed(world)
    assert (given.before, given.after) == ("", "s-9 officer @ 9")
    assert (revoked.before, revoked.after, revoked.reason) == ("s-9 officer @ 9", "revoked", "调离")


def test_an_intake_that_was_extended_is_listed_by_its_rank_dr_08() -> None:
    world = LoggedWorld(logged(members=("a",)).programme, logged(members=("a",)).tree)
    world.open()
    closes = world.state(CYCLE).intakes["province"].window.closes_at
    for by in (OPERATOR, OPERATOR_2):
        world.do(CYCLE, ExtendIntake(rank="province", closes_at=closes + DAY, reason="雪灾"), by)
    assert (only(world).what, only(world).people) == ("IntakeExtended", (OPERATOR.id, OPERATOR_2.id))


def test_an_intake_that_was_closed_early_is_listed_dr_08() -> None:
    world = LoggedWorld(logged(members=("a",)).programme, logged(members=("a",)).tree)
    world.open()
    was = world.state(CYCLE).intakes["province"].window.closes_at
    sooner = world.now + DAY
    for by in (OPERATOR, OPERATOR_2):
        world.do(CYCLE, CloseIntakeEarly(rank="province", closes_at=sooner, reason="名额已满"), by)
    assert (only(world).what, only(world).people) == ("IntakeShortened", (OPERATOR.id, OPERATOR_2.id))
    assert (only(world).before, only(world).after) == (format_instant(was), format_instant(sooner))


def test_places_that_were_moved_are_listed_with_who_gave_and_who_has_them_dr_06() -> None:
    said = counties()
    world = LoggedWorld(said.programme, said.tree)
    world.open()
    move(world, moving("901", {"902": 2, "903": 1}))
    assert (only(world).what, only(world).people) == ("QuotaRedistributed", (OPERATOR.id, OPERATOR_2.id))
    assert (only(world).before, only(world).after) == ("901: 3", "902: 2, 903: 1")
    assert only(world).reason == "调剂"


def test_two_programmes_are_compared_place_by_place_and_steps_by_their_ids() -> None:
    old = {"seats": 3, "steps": [{"id": "a", "days": 1}, {"id": "b", "days": 2}]}
    new = {"seats": 4, "steps": [{"id": "c", "days": 9}, {"id": "a", "days": 1}, {"id": "b", "days": 5}]}
    assert list(differences(old, new)) == [
        ("seats", "3", "4"),
        ("steps[b].days", "2", "5"),
        ("steps[c]", "–", "{'id': 'c', 'days': 9}"),
    ]
