"""征求意见 (DR-11): who is asked about whom, what silence means, how long an answer holds, and what is learnt late."""

from datetime import datetime
from typing import Any

import pytest

from activities.views import round_view
from domain.nomination import Status
from domain.round import run_of
from schemas import names
from schemas.commands import (
    CloseStep,
    CloseStepEarly,
    Command,
    Confer,
    Decide,
    FreezePool,
    OpenRound,
    ReopenVetting,
    ReplyClearance,
    RequestClearance,
    RuleOnObjection,
)
from schemas.events import (
    ClearanceReplied,
    MembersOut,
    NominationDisqualified,
    RevocationLeadRecorded,
    StepHeld,
    TitlesConferred,
    VettingReopened,
)
from schemas.ledger import Post
from schemas.programme import Rank
from tests.domain.specification import (
    COUNCIL,
    COUNCIL_2,
    DAY,
    HANDLER,
    HANDLER_2,
    INTAKE,
    OPERATOR,
    SAFETY,
    TAX,
    World,
    choice,
    judged,
    panel,
    refused,
    step,
    two_levels,
    with_members,
)

HEADS = {"id": "heads", "fact": "head", "op": "==", "value": True}
BOATS = {"id": "boats", "fact": "trade", "op": "==", "value": "boats"}
CONFERRAL = step("conferral", body="council", grades=[{"title": "pilot"}])
PEOPLE: dict[str, dict[str, Any]] = {"a": {"head": True}, "b": {"head": False}, "c": {}}


def clearing(
    silence: str, *after: dict[str, Any], members: dict[str, dict[str, Any]] = PEOPLE, **said: Any
) -> World:
    declared = step("clearance", silence=silence) | {"departments": ["tax", "safety"]} | said
    world = with_members(declared, *after, members=members)
    world.open_step("clearance")
    return world


def reply(world: World, id: str, outcome: str = "clear", departments: str = "tax safety") -> None:
    for department in departments.split():
        by = {"tax": TAX, "safety": SAFETY}[department]
        said = {"step": "clearance", "department": department, "nomination": id, "outcome": outcome}
        world.at(ReplyClearance.model_validate(said | {"reason": "测试·须补缴"}), by)


def out(world: World) -> dict[str, str]:
    return {id: reason for id, (_, reason) in world.round().out.items()}


def held(world: World) -> str:
    return run_of(world.round(), "clearance").held


def closed(world: World) -> bool:
    return run_of(world.round(), "clearance").closed_at is not None


# ---- who is asked, and what they say ----


def test_any_objection_is_a_veto_and_the_step_ends_with_the_last_word_dr_11() -> None:
    world = clearing("pending")
    reply(world, "a")
    reply(world, "b", "object", "tax")
    assert world.close_step("clearance") == ()
    reply(world, "c", "conditional")
    world.close_step("clearance")
    assert (closed(world), out(world)) == (True, {"b": "CLEARANCE_OBJECTED"})


def test_silence_is_not_consent_but_waits_for_a_person_dr_11() -> None:
    world = clearing("pending")
    reply(world, "a")
    reply(world, "b")
    world.pass_window("clearance")
    assert held(world) == "CLEARANCE_PENDING"
    assert world.close_step("clearance") == ()  # said once
    reply(world, "c", "object", "safety")
    world.close_step("clearance")
    assert (closed(world), out(world)) == (True, {"c": "CLEARANCE_OBJECTED"})


def test_silence_may_be_declared_a_veto_or_consent_dr_11() -> None:
    vetoing, consenting = clearing("veto"), clearing("consent")
    for world in (vetoing, consenting):
        reply(world, "a")
        world.pass_window("clearance")
        assert closed(world)
    assert out(vetoing) == {"b": "CLEARANCE_SILENT", "c": "CLEARANCE_SILENT"}
    assert out(consenting) == {}


def test_departments_are_asked_about_those_to_whom_it_applies_or_may_apply_dr_11() -> None:
    world = clearing("veto", applies_when=HEADS)
    world.pass_window("clearance")
    assert out(world) == {"a": "CLEARANCE_SILENT", "c": "CLEARANCE_SILENT"}


def test_each_department_has_those_whom_it_concerns_dr_11() -> None:
    departments = [{"id": "tax", "applies_when": HEADS}, {"id": "safety", "applies_when": BOATS}]
    people = {
        "head": {"head": True, "trade": "nets"},
        "boatman": {"head": False, "trade": "boats"},
        "neither": {"head": False, "trade": "nets"},
    }
    world = clearing("pending", members=people, departments=departments)
    reply(world, "head", departments="tax")
    assert world.close_step("clearance") == ()
    reply(world, "boatman", departments="safety")
    world.close_step("clearance")
    assert (closed(world), out(world)) == (True, {})


def test_an_advisory_department_objects_on_record_and_cuts_nobody_dr_11() -> None:
    world = clearing("pending", departments=["tax", {"id": "safety", "says": "advisory"}])
    for id in PEOPLE:
        reply(world, id, departments="tax")
        reply(world, id, "object", "safety")
    world.close_step("clearance")
    assert (closed(world), out(world)) == (True, {})
    assert len(world.events(world.round_stream(), ClearanceReplied)) == 6


def test_a_reply_is_refused_from_another_department_about_strangers_and_when_late_dr_11() -> None:
    world = clearing("veto")
    body = ReplyClearance(step="clearance", department="tax", nomination="a", outcome="clear")
    refused("NOT_AUTHORISED", lambda: world.at(body, SAFETY))
    refused("NOT_FOUND", lambda: world.at(body.model_copy(update={"nomination": "z"}), TAX))
    refused("NOT_FOUND", lambda: world.at(body.model_copy(update={"department": "army"}), TAX))
    refused("CONDITION_MISSING", lambda: world.at(body.model_copy(update={"outcome": "conditional"}), TAX))
    world.pass_window("clearance")
    refused("STAGE_CLOSED", lambda: world.at(body, TAX))


# ---- how long an answer holds ----

SIX_DAYS = {"days": 6, "unit": "natural_day"}
NINETY_DAYS = SIX_DAYS | {"days": 90}


def cleared(silence: str = "pending", **said: Any) -> World:
    """Everybody is cleared on the first day, and conferral waits."""
    world = clearing(silence, CONFERRAL, valid_for=SIX_DAYS, **said)
    if silence == "pending":
        for id in PEOPLE:
            reply(world, id)
        world.close_step("clearance")
    else:
        world.pass_window("clearance")
    world.open_step("conferral")
    return world


def confer(world: World, **said: Any) -> None:
    for by in (COUNCIL, COUNCIL_2):
        world.at(Confer(step="conferral", **said), by)


def is_conferred(world: World) -> bool:
    return bool(world.events(world.round_stream(), TitlesConferred))


def test_within_its_validity_an_answer_is_enough_dr_11() -> None:
    world = cleared()
    confer(world)
    assert is_conferred(world)


def test_an_answer_that_has_run_out_forbids_conferral_until_it_is_asked_for_again_dr_11() -> None:
    world = cleared()
    world.now += 7 * DAY
    refusal = refused("CLEARANCE_EXPIRED", lambda: confer(world))
    assert refusal.facts == {"step": "clearance", "nominations": "a, b, c"}
    world.at(RequestClearance(step="clearance", nominations=("a", "b", "c")), OPERATOR)
    for id in ("a", "b"):
        reply(world, id)
    assert refused("CLEARANCE_EXPIRED", lambda: confer(world)).facts["nominations"] == "c"
    reply(world, "c", "object", "tax")
    confer(world)
    assert list(world.round().conferred) == ["a", "b"]
    assert out(world)["c"] == "CLEARANCE_OBJECTED"
    assert world.nomination("c").status is Status.ELIMINATED


def test_silence_that_is_consent_runs_out_too_and_is_renewed_by_silence_dr_11() -> None:
    world = cleared("consent")
    world.now += 8 * DAY
    refused("CLEARANCE_EXPIRED", lambda: confer(world))
    world.at(RequestClearance(step="clearance", nominations=("a", "b", "c")), OPERATOR)
    refused("CLEARANCE_EXPIRED", lambda: confer(world))
    world.now = run_of(world.round(), "clearance").asked_again["a"].closes_at
    confer(world)
    assert is_conferred(world)


@pytest.mark.parametrize("valid_for", [SIX_DAYS | {"days": 90}, None], ids=["ninety days", "for ever"])
@pytest.mark.parametrize("concerned", [("a", "b", "c"), ("c",)])
def test_nobody_is_silent_on_a_substitute_about_whom_they_were_never_asked_dr_11_dr_31(
    concerned: tuple[str, ...], valid_for: dict[str, Any] | None
) -> None:
    world = with_members(
        panel(),
        choice(2, reserve=1),
        step(
            "clearance",
            departments=[{"id": "tax", "applies_when": HEADS}],
            silence="consent",
            valid_for=valid_for,
        ),
        step("publicity"),
        CONFERRAL,
        members={id: {"head": id in concerned} for id in ("a", "b", "c")},
    )
    judged(world, {"a": "90", "b": "80", "c": "70"})
    world.open_step("selection")
    world.open_step("clearance")
    if "a" in concerned:
        world.pass_window("clearance")
    world.open_step("publicity")
    world.withdraw("a")
    world.close_step("publicity")
    world.now += 30 * DAY
    world.close_step("publicity")
    world.open_step("conferral")
    assert refused("CLEARANCE_EXPIRED", lambda: confer(world)).facts["nominations"] == "c"
    world.at(RequestClearance(step="clearance", nominations=("c",)), OPERATOR)
    world.now = run_of(world.round(), "clearance").asked_again["c"].closes_at
    confer(world)
    assert list(world.round().conferred) == ["b", "c"]


def one_came_in_late(silence: str, *after: dict[str, Any]) -> World:
    """A summit that only recommends: a withdrew during publicity, c came in, and nobody was asked about c."""
    asked = step("clearance", departments=["tax"], silence=silence)
    world = with_members(
        panel(), choice(2, reserve=1), asked, step("publicity"), *after, members={id: {} for id in PEOPLE}
    )
    judged(world, {"a": "90", "b": "80", "c": "70"})
    world.open_step("selection")
    world.open_step("clearance")
    for id in "ab":
        reply(world, id, departments="tax")
    world.close_step("clearance")
    world.open_step("publicity")
    world.withdraw("a")
    world.close_step("publicity")
    world.now += 30 * DAY
    world.close_step("publicity")
    return world


def wakes_at(world: World) -> datetime | None:
    cycle = world.state(names.cycle_stream(world.cycle))
    stage = world.programme.stages[Rank.PROVINCE]
    return round_view(world.round(), stage, world.tree, world.now, cycle).wakes_at


ABOUT_C = RequestClearance(step="clearance", nominations=("c",))


def recommended(world: World) -> tuple[str, ...]:
    world.report()
    reported = world.round().reported
    assert reported is not None
    return reported.recommended


def test_a_summit_recommends_no_substitute_about_whom_nobody_was_asked_dr_11_dr_31() -> None:
    world = one_came_in_late("pending")
    assert run_of(world.round(), "publicity").held == "CLEARANCE_EXPIRED"
    early = CloseStepEarly(step="publicity", reason="测试")
    assert refused("CLEARANCE_EXPIRED", lambda: world.at(early, OPERATOR)).facts["nominations"] == "c"
    world.at(ABOUT_C, OPERATOR)
    assert world.close_step("publicity") == ()
    reply(world, "c", departments="tax")
    world.close_step("publicity")
    assert recommended(world) == ("b", "c")


@pytest.mark.parametrize(("silence", "whom"), [("consent", ("b", "c")), ("veto", ("b",))])
def test_silence_on_a_late_substitute_means_what_the_programme_says_dr_11_dr_31(
    silence: str, whom: tuple[str, ...]
) -> None:
    world = one_came_in_late(silence)
    world.at(ABOUT_C, OPERATOR)
    world.close_step("publicity")
    assert world.close_step("publicity") == ()
    ends = run_of(world.round(), "clearance").asked_again["c"].closes_at
    assert wakes_at(world) == ends
    world.now = ends
    world.close_step("publicity")
    assert recommended(world) == whom


def test_a_body_with_the_last_word_waits_for_the_departments_too_dr_11_dr_32() -> None:
    world = one_came_in_late("pending", step("decision", body="council"))
    world.open_step("decision")
    refused("CLEARANCE_EXPIRED", lambda: world.at(Decide(step="decision"), COUNCIL))
    world.at(ABOUT_C, OPERATOR)
    reply(world, "c", departments="tax")
    for by in (COUNCIL, COUNCIL_2):
        world.at(Decide(step="decision"), by)
    assert recommended(world) == ("b", "c")


def test_silence_that_is_a_veto_is_one_too_when_it_was_asked_for_again_dr_11() -> None:
    world = clearing("veto", CONFERRAL, valid_for={"days": 9, "unit": "natural_day"})
    for id in PEOPLE:
        reply(world, id)
    world.close_step("clearance")
    world.open_step("conferral")
    world.now += 10 * DAY
    world.at(RequestClearance(step="clearance", nominations=("a", "b", "c")), OPERATOR)
    for id in ("a", "b"):
        reply(world, id)
    assert refused("CLEARANCE_EXPIRED", lambda: confer(world)).facts["nominations"] == "c"
    world.now = run_of(world.round(), "clearance").asked_again["c"].closes_at
    confer(world)
    assert (list(world.round().conferred), out(world)) == (["a", "b"], {"c": "CLEARANCE_SILENT"})


def test_consent_by_silence_counts_at_once_where_the_step_was_closed_early_dr_11() -> None:
    world = clearing("consent", CONFERRAL, valid_for=SIX_DAYS)
    world.at(CloseStepEarly(step="clearance", reason="r"), OPERATOR)
    world.open_step("conferral")
    confer(world)
    assert is_conferred(world)


def test_a_condition_clears_is_kept_in_words_and_runs_out_like_any_answer_dr_11() -> None:
    world = clearing("pending", CONFERRAL, valid_for=SIX_DAYS, departments=["tax"])
    for id in PEOPLE:
        reply(world, id, "conditional", "tax")
    world.close_step("clearance")
    assert (list(world.round().members), out(world)) == (["a", "b", "c"], {})
    said = world.events(world.round_stream(), ClearanceReplied)
    assert {(one.outcome, one.reason) for one in said} == {("conditional", "测试·须补缴")}
    world.open_step("conferral")
    world.now += 7 * DAY
    refused("CLEARANCE_EXPIRED", lambda: confer(world))
    world.at(RequestClearance(step="clearance", nominations=("a", "b", "c")), OPERATOR)
    for id in PEOPLE:
        reply(world, id, "conditional", "tax")
    confer(world)
    assert list(world.round().conferred) == ["a", "b", "c"]


def test_only_a_passed_clearance_of_members_is_asked_for_again_dr_11() -> None:
    world = clearing("pending", valid_for=SIX_DAYS)
    again = RequestClearance(step="clearance", nominations=("a",))
    refused("STAGE_MISMATCH", lambda: world.at(again, OPERATOR))
    world = cleared()
    refused("NOT_A_MEMBER", lambda: world.at(again.model_copy(update={"nominations": ("z",)}), OPERATOR))
    refused("NOT_AUTHORISED", lambda: world.at(again, TAX))


# ---- what is learnt late ----


def late(world: World, id: str, department: str = "tax") -> str:
    """The department objects after its step; the id under which that is ruled on."""
    by = {"tax": TAX, "safety": SAFETY}[department]
    body = ReopenVetting(
        round=world.round_stream(), step="clearance", department=department, reason="测试·欠税"
    )
    [event] = world.on(id, body, by)
    assert isinstance(event, VettingReopened)
    return event.objection


def rule(world: World, id: str, objection: str, outcome: str) -> None:
    body = RuleOnObjection.model_validate({"objection": objection, "outcome": outcome, "reason": "查实"})
    for by in (HANDLER, HANDLER_2)[: 2 if outcome == "upheld" else 1]:
        world.on(id, body, by)


def test_a_late_objection_holds_the_subject_without_failing_it_until_it_is_dismissed_dr_11() -> None:
    world = cleared()
    objection = late(world, "a")
    assert world.nomination("a").status is Status.OPEN
    assert refused("SUBJECTS_HELD", lambda: confer(world)).facts["nominations"] == "a"
    rule(world, "a", objection, "dismissed")
    confer(world)
    assert list(world.round().conferred) == ["a", "b", "c"]


def test_a_late_objection_still_open_when_the_body_decides_is_cut_off_dr_11_dr_28() -> None:
    world = clearing("consent", step("publicity"), step("decision", body="council"))
    world.pass_window("clearance")
    world.open_step("publicity")
    late(world, "a")
    world.pass_window("publicity")
    world.open_step("decision")
    for by in (COUNCIL, COUNCIL_2):
        world.at(Decide(step="decision"), by)
    assert out(world) == {"a": "HELD_AT_CUT_OFF"}


def test_a_late_objection_that_is_upheld_puts_the_subject_out_before_conferral_dr_11() -> None:
    world = cleared()
    rule(world, "a", late(world, "a"), "upheld")
    assert world.events(names.nomination_stream(world.cycle, "a"), NominationDisqualified)
    confer(world)
    assert list(world.round().conferred) == ["b", "c"]


def test_the_body_may_go_on_without_those_held_and_says_so_dr_11() -> None:
    world = cleared()
    late(world, "a")
    confer(world, leave_out_held=True)
    assert list(world.round().conferred) == ["b", "c"]
    [left] = world.events(world.round_stream(), MembersOut)
    assert [(one.nomination, one.reason) for one in left.out] == [("a", "HELD_AT_CUT_OFF")]


def test_a_late_objection_upheld_in_publicity_brings_the_next_of_the_reserve_dr_11_dr_31() -> None:
    world = with_members(
        step("clearance", departments=["tax", "safety"], silence="consent"),
        panel(),
        choice(2, reserve=1),
        step("publicity"),
        members=["a", "b", "c"],
    )
    world.open_step("clearance")
    world.pass_window("clearance")
    judged(world, {"a": "90", "b": "80", "c": "70"})
    world.open_step("selection")
    world.open_step("publicity")
    rule(world, "a", late(world, "a"), "upheld")
    world.close_step("publicity")
    assert list(world.round().members) == ["b", "c"]


def test_who_is_vetoed_when_asked_again_in_publicity_is_replaced_too_dr_11_dr_31() -> None:
    world = with_members(
        step("clearance", departments=["tax"], silence="consent"),
        panel(),
        choice(2, reserve=1),
        step("publicity"),
        members=["a", "b", "c"],
    )
    world.open_step("clearance")
    world.pass_window("clearance")
    judged(world, {"a": "90", "b": "80", "c": "70"})
    world.open_step("selection")
    world.open_step("publicity")
    world.now += DAY
    world.at(RequestClearance(step="clearance", nominations=("a",)), OPERATOR)
    reply(world, "a", "object", "tax")
    assert list(world.round().members) == ["b", "c"]
    assert world.round().published["c"].window.opens_at == world.now
    assert world.nomination("a").status is Status.ELIMINATED


def test_who_has_a_title_is_not_put_out_by_an_answer_that_comes_after_it_dr_11() -> None:
    world = cleared()
    world.at(RequestClearance(step="clearance", nominations=("a",)), OPERATOR)
    reply(world, "a")
    confer(world)
    refused("STAGE_CLOSED", lambda: reply(world, "a", "object", "tax"))
    assert list(world.round().members) == ["a", "b", "c"]


def test_after_conferral_a_late_objection_is_a_lead_to_revocation_dr_11() -> None:
    world = cleared()
    confer(world)
    body = ReopenVetting(round=world.round_stream(), step="clearance", department="tax", reason="测试·欠税")
    [lead] = world.on("a", body, TAX)
    assert isinstance(lead, RevocationLeadRecorded)
    assert world.nomination("a").status is Status.CONFERRED


def test_a_late_objection_that_meets_the_conferral_is_decided_again_dr_11() -> None:
    world = cleared()
    body = ReopenVetting(round=world.round_stream(), step="clearance", department="tax", reason="测试·欠税")
    command = world.command(names.nomination_stream(world.cycle, "a"), body, TAX)
    decided = world.decide(command)
    world.delivers = False
    confer(world)
    refused("WRONG_EXPECTED_HEAD", lambda: world.write(command, decided))
    assert isinstance(world.decide(command).events[0], RevocationLeadRecorded)


def cleared_below(
    *people: str, low: tuple[dict[str, Any], ...] = (), last: dict[str, Any] = CONFERRAL, **said: Any
) -> World:
    """Those who passed the county's clearance, a alone unless told, on the list of the province, about to confer."""
    asked = step("clearance", silence="consent", departments=["tax"]) | said
    high = {"steps": [last], "reports_within": {"days": 300, "unit": "natural_day"}}
    world = two_levels({"steps": [INTAKE, asked, *low]}, high)
    for id in people or ("a",):
        world.submit(id, "901", head=False)
    world.close_intake()
    world.at(OpenRound())
    world.begin("901")
    world.open_step("clearance", "901")
    for id in people if asked["silence"] != "consent" else ():
        reply_below(world, id)
    world.pass_window("clearance", "901")
    if low:
        world.open_step("honour", "901")
        for by in (COUNCIL, COUNCIL_2):
            world.at(Confer(step="honour"), by, "901")
    world.report("901")
    world.at(FreezePool())
    world.open_step(last["id"])
    return world


def late_below(world: World) -> Command:
    said = ReopenVetting(
        round=world.round_stream("901"), step="clearance", department="tax", reason="测试·欠税"
    )
    return world.command(names.nomination_stream(world.cycle, "a"), said, TAX)


def test_what_a_lower_round_learns_late_makes_the_conferral_above_wait_dr_11() -> None:
    world = cleared_below()
    world.at(Confer(step="conferral"), COUNCIL)
    seconded = world.command(world.round_stream(), Confer(step="conferral"), COUNCIL_2)
    decided = world.decide(seconded)
    reopened = late_below(world)
    world.write(reopened, world.decide(reopened))
    refused("WRONG_EXPECTED_HEAD", lambda: world.write(seconded, decided))
    refused("SUBJECTS_HELD", lambda: world.decide(seconded))


def test_what_a_lower_round_learns_after_the_conferral_above_is_a_lead_to_revocation_dr_11() -> None:
    world = cleared_below()
    reopened = late_below(world)
    decided = world.decide(reopened)
    world.delivers = False
    confer(world)
    assert world.nomination("a").status is Status.OPEN, "the message is still on its way"
    refused("WRONG_EXPECTED_HEAD", lambda: world.write(reopened, decided))
    [lead] = world.decide(reopened).events
    assert isinstance(lead, RevocationLeadRecorded)


# ---- how long an answer from below holds ----


def ask_below(world: World, *ids: str) -> None:
    world.at(RequestClearance(step="clearance", nominations=ids), OPERATOR, "901")


def reply_below(world: World, id: str, outcome: str = "clear") -> None:
    said = {"step": "clearance", "department": "tax", "nomination": id, "outcome": outcome, "reason": "r"}
    world.at(ReplyClearance.model_validate(said), TAX, "901")


def run_out(*people: str, **said: Any) -> World:
    """The county's answers ran out before the province confers."""
    world = cleared_below(*people, valid_for=SIX_DAYS, **said)
    world.now += 7 * DAY
    return world


def test_within_its_validity_an_answer_from_below_is_enough_dr_11() -> None:
    world = cleared_below("a", "b", valid_for=SIX_DAYS)
    confer(world)
    assert list(world.round().conferred) == ["a", "b"]


def test_an_answer_from_below_that_has_run_out_forbids_conferral_until_it_is_asked_for_again_dr_11() -> None:
    world = run_out("a", "b")
    refusal = refused("CLEARANCE_EXPIRED", lambda: confer(world))
    assert refusal.facts == {"step": f"{world.round_stream('901')}/clearance", "nominations": "a, b"}
    ask_below(world, "a", "b")
    reply_below(world, "a")
    assert refused("CLEARANCE_EXPIRED", lambda: confer(world)).facts["nominations"] == "b"
    reply_below(world, "b", "conditional")
    confer(world)
    assert list(world.round().conferred) == ["a", "b"]


def test_what_was_conferred_below_does_not_spare_the_question_further_up_dr_11() -> None:
    honour = step("conferral", "honour", body="council", grades=[{"title": "helper"}])
    world = run_out(low=(honour,))
    refused("CLEARANCE_EXPIRED", lambda: confer(world))
    ask_below(world, "a")
    reply_below(world, "a")
    confer(world)
    assert world.nomination("a").titles == ("helper", "pilot")


def test_whom_a_department_below_vetoes_when_asked_again_has_no_title_dr_11() -> None:
    world = run_out("a", "b")
    ask_below(world, "a", "b")
    reply_below(world, "a")
    reply_below(world, "b", "object")
    confer(world)
    assert (list(world.round().conferred), out(world)) == (["a"], {"b": "CLEARANCE_OBJECTED"})
    assert world.nomination("b").status is Status.ELIMINATED


def test_advice_from_below_is_an_answer_and_cuts_nobody_dr_11() -> None:
    world = run_out(departments=[{"id": "tax", "says": "advisory"}])
    ask_below(world, "a")
    reply_below(world, "a", "object")
    confer(world)
    assert list(world.round().conferred) == ["a"]


@pytest.mark.parametrize(("silence", "left"), [("consent", {}), ("veto", {"a": "CLEARANCE_SILENT"})])
def test_silence_below_means_what_the_programme_says_also_when_asked_again_dr_11(
    silence: str, left: dict[str, str]
) -> None:
    world = run_out("a", silence=silence)
    ask_below(world, "a")
    refused("CLEARANCE_EXPIRED", lambda: confer(world))
    world.now = run_of(world.round("901"), "clearance").asked_again["a"].closes_at
    confer(world)
    assert out(world) == left
    assert list(world.round().conferred) == ([] if left else ["a"])


def test_a_veto_from_below_and_the_conferral_never_miss_each_other_dr_11() -> None:
    world = run_out("a", "b")
    ask_below(world, "a", "b")
    for id in ("a", "b"):
        reply_below(world, id)
    world.at(Confer(step="conferral"), COUNCIL)
    seconded = world.command(world.round_stream(), Confer(step="conferral"), COUNCIL_2)
    decided = world.decide(seconded)
    reply_below(world, "b", "object")
    refused("WRONG_EXPECTED_HEAD", lambda: world.write(seconded, decided))
    assert not any(isinstance(one, TitlesConferred) for one in world.decide(seconded).events)


def test_an_answer_from_below_that_meets_the_conferral_comes_too_late_dr_11() -> None:
    world = run_out("a", "b")
    ask_below(world, "a", "b")
    for id in ("a", "b"):
        reply_below(world, id)
    veto = ReplyClearance(step="clearance", department="tax", nomination="b", outcome="object")
    command = world.command(world.round_stream("901"), veto, TAX)
    decided = world.decide(command)
    confer(world)
    refused("WRONG_EXPECTED_HEAD", lambda: world.write(command, decided))
    refused("STAGE_CLOSED", lambda: world.decide(command))
    world.report()
    refused("STAGE_MISMATCH", lambda: ask_below(world, "a"))


def test_a_round_that_has_reported_asks_again_only_for_answers_that_run_out_dr_11() -> None:
    world = cleared_below()
    refused("STAGE_MISMATCH", lambda: ask_below(world, "a"))
    refused("STAGE_CLOSED", lambda: reply_below(world, "a", "object"))
    world = cleared_below(valid_for=SIX_DAYS)
    refused("STAGE_CLOSED", lambda: reply_below(world, "a", "object"))
    refused("NOT_A_MEMBER", lambda: ask_below(world, "z"))


@pytest.mark.parametrize("department", ["tax", "safety"])
def test_vetting_is_reopened_by_the_department_itself_once_its_step_has_passed_dr_11(department: str) -> None:
    world = clearing("pending")
    body = ReopenVetting(round=world.round_stream(), step="clearance", department=department, reason="r")
    other = SAFETY if department == "tax" else TAX
    own = TAX if department == "tax" else SAFETY
    refused("STAGE_MISMATCH", lambda: world.on("a", body, own))
    refused("NOT_AUTHORISED", lambda: world.on("a", body, other))
    refused("NOT_FOUND", lambda: world.on("a", body.model_copy(update={"department": "army"}), own))
    for id in PEOPLE:
        reply(world, id, "object" if id == "c" else "clear")
    world.close_step("clearance")
    refused("NOT_A_MEMBER", lambda: world.on("c", body, own))


# ---- where the province only recommends ----


def recommending_on_what_ran_out(silence: str) -> World:
    """The county's answers have run out when the province's publicity ends, after which a and b would be recommended."""
    world = cleared_below("a", "b", silence=silence, valid_for=SIX_DAYS, last=step("publicity"))
    world.now += 30 * DAY
    world.close_step("publicity")
    return world


def test_nobody_is_recommended_on_an_answer_from_below_that_has_run_out_dr_11() -> None:
    world = recommending_on_what_ran_out("pending")
    run = run_of(world.round(), "publicity")
    assert (run.held, run.held_for) == ("CLEARANCE_EXPIRED", f"{world.round_stream('901')}/clearance: a, b")
    ask_below(world, "a", "b")
    assert world.close_step("publicity") == ()
    reply_below(world, "a")
    reply_below(world, "b", "object")
    world.close_step("publicity")
    assert (recommended(world), out(world)) == (("a",), {"b": "CLEARANCE_OBJECTED"})


def test_the_round_that_waits_for_an_answer_from_below_is_woken_by_it_dr_11() -> None:
    world = recommending_on_what_ran_out("pending")
    ask_below(world, "a")
    answer = ReplyClearance(step="clearance", department="tax", nomination="a", outcome="clear")
    [woken] = world.decide(world.command(world.round_stream("901"), answer, TAX)).effects
    assert isinstance(woken, Post)
    assert (woken.workflow, woken.name) == (world.round_stream(), names.NUDGE_SIGNAL)


@pytest.mark.parametrize(("silence", "whom"), [("consent", ("a", "b")), ("veto", ())])
def test_it_wakes_when_silence_below_becomes_an_answer_dr_11(silence: str, whom: tuple[str, ...]) -> None:
    world = recommending_on_what_ran_out(silence)
    assert wakes_at(world) is None
    ask_below(world, "a", "b")
    world.close_step("publicity")
    ends = run_of(world.round("901"), "clearance").asked_again["a"].closes_at
    assert wakes_at(world) == ends
    world.now = ends
    world.close_step("publicity")
    assert recommended(world) == whom


@pytest.mark.parametrize(
    "last",
    [
        step("clearance", departments=["tax"], applies_when=HEADS),
        step("eligibility", predicates=[HEADS | {"severity": "report"}], correction=SIX_DAYS),
    ],
    ids=["asks nobody", "knows everything"],
)
def test_nor_where_the_last_step_closes_as_it_opens_dr_11(last: dict[str, Any]) -> None:
    world = cleared_below("a", silence="pending", valid_for=SIX_DAYS, last=last)
    world.now += 30 * DAY
    world.report()
    assert run_of(world.round(), last["id"]).held == "CLEARANCE_EXPIRED"
    ask_below(world, "a")
    reply_below(world, "a")
    assert recommended(world) == ("a",)


def test_a_veto_from_below_between_the_last_step_and_the_report_counts_dr_11() -> None:
    world = cleared_below("a", "b", silence="pending", valid_for=NINETY_DAYS, last=step("publicity"))
    world.pass_window("publicity")
    assert run_of(world.round(), "publicity").closed_at is not None
    ask_below(world, "b")
    reply_below(world, "b", "object")
    assert (recommended(world), out(world)) == (("a",), {"b": "CLEARANCE_OBJECTED"})


def test_the_report_wakes_too_when_silence_below_becomes_an_answer_dr_11() -> None:
    world = cleared_below("a", silence="veto", valid_for=NINETY_DAYS, last=step("publicity"))
    world.pass_window("publicity")
    world.now += 90 * DAY
    ask_below(world, "a")
    world.report()
    ends = run_of(world.round("901"), "clearance").asked_again["a"].closes_at
    assert wakes_at(world) == ends
    world.now = ends
    assert (recommended(world), out(world)) == ((), {"a": "CLEARANCE_SILENT"})


def test_it_does_not_begin_to_wait_for_an_answer_from_below_that_has_just_come_dr_11() -> None:
    world = cleared_below("a", silence="pending", valid_for=SIX_DAYS, last=step("publicity"))
    world.now += 30 * DAY
    ask_below(world, "a")
    closing = world.command(world.round_stream(), CloseStep(step="publicity"))
    decided = world.decide(closing)
    assert [type(one) for one in decided.events] == [StepHeld]
    reply_below(world, "a")
    refused("WRONG_EXPECTED_HEAD", lambda: world.write(closing, decided))
    world.close_step("publicity")
    assert recommended(world) == ("a",)
