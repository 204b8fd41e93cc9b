"""A cycle and its grants: opening, intake, pauses, amendments by two people, and who may do what."""

import re
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from domain import authority, cycle
from domain.calendar import calendar_version, declared_year, pinned_days, to_pin
from domain.decision import Calendar
from schemas import names
from schemas.commands import (
    AmendRules,
    CancelCycle,
    CloseIntake,
    CloseIntakeEarly,
    Command,
    CompleteCycle,
    ExtendCalendar,
    ExtendIntake,
    GiveGrants,
    OpenCycle,
    PauseCycle,
    ResumeCycle,
    RevokeGrant,
)
from schemas.errors import Conflict
from schemas.events import (
    ActProposed,
    ActSeconded,
    BallotKeysDestroyed,
    CalendarExtended,
    CycleCancelled,
    CycleCompleted,
    CycleOpened,
    CyclePaused,
    CycleResumed,
    GrantRevoked,
    GrantsGiven,
    GrantTerms,
    IntakeClosed,
    IntakeExtended,
    IntakeShortened,
    RulesAmended,
)
from schemas.ledger import Actor, GateStatus, SetGate
from schemas.values import Label, Pace
from tests.domain.specification import (
    DAY,
    MONDAY,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    STRANGER,
    Given,
    World,
    at,
    fold,
    given,
    one_level,
    panel,
    province_of,
    refused,
    step,
)

STREAM = names.cycle_stream(World.cycle)
ROUND = names.round_stream(World.cycle, names.ROOT_ROUTE, "9")
GRANTS = names.authority_stream(World.cycle)
TREE = one_level().tree
THIRTY_WORK_DAYS = {"days": 30, "unit": "work_day"}
OPEN = OpenCycle(
    cycle=World.cycle,
    rules="r",
    units="u",
    pace=Pace(real_epoch=MONDAY, cycle_epoch=MONDAY),
    invited=("9", "901"),
)


def terms(id: str, person: str = "p", role: str = "operator", unit: str = "9") -> GrantTerms:
    return GrantTerms(id=id, person=person, role=role, unit=unit)


OPERATORS = GrantsGiven(grants=(terms("g1", OPERATOR.id), terms("g2", OPERATOR_2.id)))


def inputs(**changes: Any) -> cycle.Inputs:
    granted = authority.evolve(authority.initial, OPERATORS)
    calendar = Calendar({}, calendar_version())
    said: dict[str, Any] = {
        "programme": one_level().programme,
        "tree": TREE,
        "calendar": calendar,
        "authority": granted,
    }
    return cycle.Inputs(**said | changes)


def opened(*after: Any, **changes: Any) -> Given:
    """A cycle that was opened on a Monday, and what happened to it since."""
    [event] = given(STREAM, inputs()).when(OPEN, OPERATOR).decision().events
    return given(STREAM, inputs(**changes), event, *after)


def end() -> Any:
    state = cycle.evolve(cycle.initial, opened().happened[0].event, MONDAY)
    return cycle.intake_closes_at(state)


# ---- opening: DR-01, DR-08, DR-27 ----


def test_opening_freezes_the_windows_the_pace_and_the_calendar_dr_08() -> None:
    decision = given(STREAM, inputs()).when(OPEN, OPERATOR).decision()
    [event] = decision.events
    assert isinstance(event, CycleOpened)
    assert event.intakes[0].window.opens_at == MONDAY
    assert event.intakes[0].window.closes_at == at("2024-03-12 00:00")
    assert event.calendar == calendar_version()
    gates = [effect.gate.id for effect in decision.effects if isinstance(effect, SetGate)]
    assert gates == [names.cycle_gate(World.cycle), names.intake_gate(World.cycle, "province")]


def test_a_year_without_a_calendar_refuses_to_open_and_says_which_dr_27() -> None:
    later = at("2026-12-28 09:00")
    refusal = given(STREAM, inputs()).when(OPEN, OPERATOR, later).then_refused("CALENDAR_YEAR_MISSING")
    assert refusal.facts["year"] == "2027"


@pytest.mark.parametrize(
    "beside",
    [{"by_post": THIRTY_WORK_DAYS}, {"substitute": {"within": THIRTY_WORK_DAYS}}],
    ids=lambda one: next(iter(one)),
)
def test_letters_and_substitutions_are_counted_in_years_that_are_known_dr_27(beside: dict[str, Any]) -> None:
    """A letter, or a seat given up, could not be decided on once the cycle runs."""
    sound, beyond = (one_level(step("publicity", **said)).programme for said in ({}, beside))
    before = at("2026-11-30 09:00")
    given(STREAM, inputs(programme=sound)).when(OPEN, OPERATOR, before).decision()
    refusal = given(STREAM, inputs(programme=beyond)).when(OPEN, OPERATOR, before)
    year = {"days": 365, "unit": "natural_day"}
    natural = one_level(step("publicity", by_post=year, substitute={"within": year})).programme
    given(STREAM, inputs(programme=natural)).when(OPEN, OPERATOR, before).decision()
    assert refusal.then_refused("CALENDAR_YEAR_MISSING").facts["year"] == "2027"


def test_an_edition_is_opened_once_dr_01() -> None:
    refusal = opened().when(OPEN, OPERATOR).then_refused("CYCLE_EXISTS")
    assert isinstance(refusal, Conflict)


@pytest.mark.parametrize(
    "body",
    [
        PauseCycle(reason="r"),
        ResumeCycle(),
        CancelCycle(reason="r"),
        CompleteCycle(conferred=0),
        ExtendIntake(rank="province", closes_at=MONDAY, reason="r"),
        CloseIntakeEarly(rank="province", closes_at=MONDAY, reason="r"),
    ],
)
def test_nothing_is_decided_of_a_cycle_before_it_is_opened_or_after_it_ended(body: Any) -> None:
    given(STREAM, inputs()).when(body, OPERATOR).then_refused("CYCLE_NOT_OPEN")
    for ended in (CycleCancelled(reason="r"), CycleCompleted(conferred=1)):
        opened(ended).when(body, OPERATOR).then_refused("CYCLE_NOT_OPEN")


def amended(**changes: Any) -> dict[str, Any]:
    """The programme with its first stage, or more of it, changed."""
    old = one_level().programme
    [rank] = old.stages
    stage = old.stages[rank].model_copy(update={"organiser": Label(zh="改")})
    new = old.model_copy(update={"stages": {rank: stage}} | changes)
    return {"amended": new, "rules": "r"}


AMEND = AmendRules(rules="r2", reason="改办法")


def test_rules_not_yet_in_force_are_amended_by_two_people_dr_01() -> None:
    state = without_intake()
    act = decide_amend(state, OPERATOR)
    [proposed] = act.events
    assert isinstance(proposed, ActProposed)
    state = cycle.evolve(state, proposed, MONDAY, OPERATOR.id)
    seconded, done = decide_amend(state, OPERATOR_2).events
    assert isinstance(seconded, ActSeconded)
    assert isinstance(done, RulesAmended)
    assert (done.was, done.rules, done.ranks) == ("r", "r2", ("province",))
    assert cycle.evolve(state, done, MONDAY).rules == "r2"


IN_2027 = declared_year(2027, holidays=[date(2027, 1, 1)])


def pinned(**more: dict[date, bool]) -> Calendar:
    """What is known until 2026, and more."""
    days = to_pin({day: worked for some in more.values() for day, worked in some.items()})
    return Calendar(pinned_days(days), days.version)


LONGER = ExtendCalendar(overrides="c2", reason="国务院办公厅通知")


def test_a_calendar_gets_further_years_by_two_people_and_no_day_that_was_known_changes_dr_27() -> None:
    known = {"calendar": pinned(), "extended": pinned(declared=IN_2027)}
    [act] = opened(**known).when(LONGER, OPERATOR).decision().events
    assert isinstance(act, ActProposed)
    seconded, done = opened((act, OPERATOR), **known).when(LONGER, OPERATOR_2).decision().events
    assert isinstance(seconded, ActSeconded)
    assert isinstance(done, CalendarExtended)
    assert (done.overrides, done.calendar, done.years) == ("c2", known["extended"].version, (2027,))
    assert cycle.evolve(cycle.initial, done, MONDAY).overrides == "c2"


def test_a_calendar_without_a_further_year_or_with_another_day_is_refused_dr_27() -> None:
    nothing = opened(calendar=pinned(), extended=pinned())
    refusal = nothing.when(LONGER, OPERATOR).then_refused("CALENDAR_YEAR_MISSING")
    assert refusal.facts["year"] == "2027"
    other = pinned(declared=IN_2027, other={date(2026, 10, 8): False})
    refusal = (
        opened(calendar=pinned(), extended=other).when(LONGER, OPERATOR).then_refused("CALENDAR_DAY_KNOWN")
    )
    assert refusal.facts["day"] == "2026-10-08"


def without_intake() -> cycle.State:
    state: cycle.State = fold(STREAM, opened().happened)
    return replace(state, intakes={})


def decide_amend(state: cycle.State, by: Actor, **changes: Any) -> Any:
    command = Command(id=f"amend-{by.id}", stream=STREAM, actor=by, received_at=MONDAY, body=AMEND)
    return cycle.decide(state, command, AMEND, inputs(**amended() | changes))


def test_a_stage_that_has_begun_keeps_its_rules_dr_01() -> None:
    opened(**amended()).when(AMEND, OPERATOR).then_refused("RULES_IN_FORCE")
    state = without_intake()
    refused("RULES_IN_FORCE", lambda: decide_amend(state, OPERATOR, begun={ROUND: "province"}))


def test_only_stages_can_be_amended_and_something_must_change_dr_01() -> None:
    wider = amended(title=Label(zh="另一项目"))
    opened(**wider).when(AMEND, OPERATOR).then_refused("AMENDMENT_TOO_WIDE")
    same = {"amended": one_level().programme, "rules": "r"}
    opened(**same).when(AMEND, OPERATOR).then_refused("NOTHING_AMENDED")


def test_only_an_operator_amends_a_cycle() -> None:
    for by in (OFFICER, STRANGER):
        opened().when(PauseCycle(reason="r"), by).then_refused("NOT_AUTHORISED")


# ---- intake: DR-06, DR-08 ----


def test_intake_closes_at_its_end_and_names_the_invited_who_were_silent_dr_06() -> None:
    opened().when(CloseIntake(), now=end() - timedelta(microseconds=1)).then()
    done = IntakeClosed(closed_at=end(), nominations=3, silent=("901",))
    decision = opened(nominated={"9": 3}).when(CloseIntake(), now=end()).then(done)
    [gate] = decision.effects
    assert isinstance(gate, SetGate)
    assert gate.gate.status is GateStatus.CLOSED
    opened(done).when(CloseIntake(), now=end()).then()


def test_intake_is_moved_later_by_two_people_dr_08() -> None:
    body = ExtendIntake(rank="province", closes_at=end() + DAY, reason="雪灾")
    first = opened().when(body, OPERATOR)
    [proposed] = first.decision().events
    assert isinstance(proposed, ActProposed)
    assert first.decision().effects == ()
    again = opened((proposed, OPERATOR))
    again.when(body, OPERATOR).then_refused("SECOND_PERSON_REQUIRED")
    moved = IntakeExtended(rank="province", was=end(), closes_at=end() + DAY, reason="雪灾")
    again.when(body, OPERATOR_2).then(
        ActSeconded(act=proposed.act, kind="extend_intake", proposed_by=OPERATOR.id), moved
    )
    same = body.model_copy(update={"closes_at": end()})
    opened().when(same, OPERATOR).then_refused("NOT_AN_EXTENSION")
    opened(moved).when(CloseIntake(), now=end()).then()


def test_an_intake_that_is_closed_or_unknown_is_not_extended_dr_08() -> None:
    done = IntakeClosed(closed_at=end(), nominations=0)
    body = ExtendIntake(rank="province", closes_at=end() + DAY, reason="r")
    shut = refused("STAGE_CLOSED", opened(done).when(body, OPERATOR).decision)
    assert shut.facts["closed_at"] == str(end())  # it says when
    nowhere = opened().when(body.model_copy(update={"rank": "nation"}), OPERATOR)
    assert refused("NOT_FOUND", nowhere.decision).facts["what"] == "intake/nation"


def test_intake_is_closed_early_by_two_people_and_never_in_the_past_dr_08() -> None:
    body = CloseIntakeEarly(rank="province", closes_at=MONDAY + DAY, reason="名额已满")
    first = opened().when(body, OPERATOR)
    [proposed] = first.decision().events
    assert first.decision().effects == ()
    again = opened((proposed, OPERATOR))
    again.when(body, OPERATOR).then_refused("SECOND_PERSON_REQUIRED")
    again.when(body, OPERATOR_2, MONDAY + 2 * DAY).then_refused("NOT_EARLIER")
    decision = again.when(body, OPERATOR_2, MONDAY + DAY).decision()
    shortened = IntakeShortened(rank="province", was=end(), closes_at=MONDAY + DAY, reason="名额已满")
    assert decision.events[1:] == (shortened,)
    [gate] = decision.effects
    assert isinstance(gate, SetGate)
    assert (gate.gate.status, gate.gate.closes_at) == (GateStatus.OPEN, MONDAY + DAY)
    later = body.model_copy(update={"closes_at": end()})
    assert opened().when(later, OPERATOR).then_refused("NOT_EARLIER").facts["was"] == str(end())
    opened().when(body.model_copy(update={"rank": "nation"}), OPERATOR).then_refused("NOT_FOUND")
    opened(shortened).when(CloseIntake(), now=MONDAY + DAY).then(
        IntakeClosed(closed_at=MONDAY + DAY, nominations=0, silent=("9", "901"))
    )


def test_who_was_received_before_an_early_end_counts_and_who_came_later_is_told_dr_06_dr_08() -> None:
    world = one_level()
    world.submit("a")
    late = world.now + timedelta(hours=2)
    in_flight = world.command(names.nomination_stream(world.cycle, "b"), world.submission("b"), OFFICER)
    decided = world.decide(in_flight)
    for by in (OPERATOR, OPERATOR_2):
        world.do(STREAM, CloseIntakeEarly(rank="province", closes_at=late, reason="名额已满"), by)
    world.write(in_flight, decided)
    world.now = late
    refusal = refused("STAGE_CLOSED", lambda: world.submit("c"))
    assert refusal.facts["closed_at"] == str(late)
    world.close_intake()
    [closed] = world.events(STREAM, IntakeClosed)
    assert (closed.closed_at, closed.nominations) == (late, 2)


# ---- pause, cancel, complete ----


def test_a_pause_gives_the_intake_its_days_back_and_counts_epochs() -> None:
    paused = opened(CyclePaused(reason="r"))
    paused.when(PauseCycle(reason="again"), OPERATOR).then()
    paused.when(CloseIntake(), now=end()).then()
    resumed = paused.when(ResumeCycle(), OPERATOR, MONDAY + 20 * DAY).decision()
    first, moved = resumed.events
    assert first == CycleResumed(epoch=1)
    assert isinstance(moved, IntakeExtended)
    assert moved.closes_at - moved.was >= 20 * DAY
    gates = [effect.gate for effect in resumed.effects if isinstance(effect, SetGate)]
    assert {(gate.status, gate.epoch) for gate in gates} == {(GateStatus.OPEN, 1)}
    opened().when(ResumeCycle(), OPERATOR).then()


def test_a_cancellation_takes_two_people_and_shuts_the_door_dr_44() -> None:
    body = CancelCycle(reason="停办")
    [proposed] = opened().when(body, OPERATOR).decision().events
    twice = opened((proposed, OPERATOR))
    twice.when(body, OPERATOR).then_refused("SECOND_PERSON_REQUIRED")
    decision = twice.when(body, OPERATOR_2).decision()
    assert decision.events[-1] == CycleCancelled(reason="停办")
    [gate] = decision.effects
    assert isinstance(gate, SetGate)
    assert gate.gate.status is GateStatus.CLOSED


def test_what_was_proposed_by_one_who_may_not_any_more_is_proposed_anew_dr_44() -> None:
    world, body = one_level(), CancelCycle(reason="r")
    world.do(STREAM, body, OPERATOR)
    world.grant(terms("g-3", "op-3"), terms("g-4", OPERATOR.id, "handler"))
    world.revoke(OPERATOR)
    [proposed] = world.do(STREAM, body, OPERATOR_2)
    assert isinstance(proposed, ActProposed)
    refused("SECOND_PERSON_REQUIRED", lambda: world.do(STREAM, body, OPERATOR_2))
    [seconded, *_] = world.do(STREAM, body, Actor(id="op-3", role="operator"))
    assert seconded == ActSeconded(act=proposed.act, kind="cancel_cycle", proposed_by=OPERATOR_2.id)


def test_a_proposal_lapses_with_the_act_that_it_brought() -> None:
    world = one_level()
    body = CancelCycle(reason="r")
    world.do(STREAM, body, OPERATOR)
    assert len(world.state(STREAM).proposals) == 1
    world.do(STREAM, body, OPERATOR_2)
    assert world.state(STREAM).proposals == {}


def test_a_cycle_completes_with_the_number_conferred() -> None:
    opened().when(CompleteCycle(conferred=7)).then(CycleCompleted(conferred=7))


def test_the_keys_of_its_ballots_end_with_the_cycle_when_nobody_can_object_any_more() -> None:
    voted = one_level(step("public_vote", limits={"per_day": 1})).programme
    opened(programme=voted).when(CompleteCycle(conferred=7)).then(
        BallotKeysDestroyed(), CycleCompleted(conferred=7)
    )


def test_a_cancelled_cycle_loses_the_keys_of_its_ballots_by_the_second_person_s_word() -> None:
    voted = one_level(step("public_vote", limits={"per_day": 1})).programme
    cancel = CancelCycle(reason="r")
    asked = opened(programme=voted).when(cancel, OPERATOR).decision()
    assert [type(event) for event in asked.events] == [ActProposed]
    done = opened((asked.events[0], OPERATOR), programme=voted).when(cancel, OPERATOR_2).decision()
    assert [type(event) for event in done.events] == [ActSeconded, BallotKeysDestroyed, CycleCancelled]


# ---- grants: DR-44 ----


def test_the_first_grants_are_the_founding_and_later_ones_need_an_operator_of_the_root_dr_44() -> None:
    body = GiveGrants(grants=(terms("g3", "new"),))
    founding = given(GRANTS, TREE).when(body, STRANGER).then(GrantsGiven(grants=body.grants))
    assert founding.grant == "founding"
    founded = given(GRANTS, TREE, OPERATORS)
    founded.when(body, STRANGER).then_refused("NOT_AUTHORISED")
    assert founded.when(body, OPERATOR).then(GrantsGiven(grants=body.grants)).grant == "g1"
    founded.when(GiveGrants(grants=OPERATORS.grants), OPERATOR).then()


def test_the_roles_are_those_of_the_acts_and_of_the_bodies_departments_and_pools_that_a_programme_declares() -> (
    None
):
    fixed = set(authority.roles_of(one_level(step("endorsement")).programme))
    assert fixed == {"operator", "officer", "handler", "judge", "scorekeeper", "finance", "association"}
    programme = one_level(
        panel("drawn", draw={"pool_role": "expert", "kinds": {"nets": 1}}),
        step("clearance", departments=["tax", {"id": "safety", "says": "advisory"}]),
        step("decision", body="council"),
        step("conferral", body="assembly", grades=[{"title": "pilot"}]),
    ).programme
    declared = {
        "expert",
        "expert:nets",
        "department:tax",
        "department:safety",
        "body:council",
        "body:assembly",
    }
    assert set(authority.roles_of(programme)) == fixed | declared


def test_a_grant_is_for_a_unit_that_exists_and_only_a_given_one_is_revoked() -> None:
    founded = given(GRANTS, TREE, OPERATORS)
    nowhere = GiveGrants(grants=(terms("g3", unit="nowhere"),))
    founded.when(nowhere, OPERATOR).then_refused("NOT_FOUND")
    founded.when(RevokeGrant(grant="g9", reason="r"), OPERATOR).then_refused("NOT_FOUND")
    gone = GrantRevoked(grant="g2", reason="离任")
    founded.when(RevokeGrant(grant="g2", reason="离任"), OPERATOR).then(gone)
    without = given(GRANTS, TREE, OPERATORS, gone)
    without.when(RevokeGrant(grant="g1", reason="r"), OPERATOR_2).then_refused("NOT_AUTHORISED")


def test_the_last_operator_of_the_root_stays_until_there_is_another() -> None:
    gone = GrantRevoked(grant="g2", reason="离任")
    alone = given(GRANTS, TREE, OPERATORS, gone)
    last = RevokeGrant(grant="g1", reason="离任")
    alone.when(last, OPERATOR).then_refused("LAST_OPERATOR")
    below = GrantsGiven(grants=(terms("g3", "op-3", unit="901"),))
    given(GRANTS, TREE, OPERATORS, gone, below).when(last, OPERATOR).then_refused("LAST_OPERATOR")
    another = GrantsGiven(grants=(terms("g4", "op-4"),))
    given(GRANTS, TREE, OPERATORS, gone, another).when(last, OPERATOR).then(
        GrantRevoked(grant="g1", reason="离任")
    )


def test_a_grant_covers_a_unit_and_all_below_it_in_its_own_role_only() -> None:
    state = authority.evolve(authority.initial, GrantsGiven(grants=(terms("g", OFFICER.id, "officer"),)))
    assert authority.authorize(state, TREE, OFFICER, "endorse", "9") == "g"
    for actor in (OFFICER.model_copy(update={"role": "operator"}), STRANGER):
        refused(
            "NOT_AUTHORISED",
            lambda actor=actor: authority.authorize(state, TREE, actor, "endorse", "9"),  # type: ignore[misc]
        )
    refused("NOT_AUTHORISED", lambda: authority.authorize(state, TREE, OFFICER, "confer", "9", ("body:x",)))


def test_who_is_refused_for_want_of_a_grant_is_told_the_roles_that_may() -> None:
    for action, roles, told in (
        ("disqualify", (), "operator, handler"),
        ("confer", ("body:x",), "body:x"),
    ):
        refusal = refused(
            "NOT_AUTHORISED",
            partial(authority.authorize, authority.initial, TREE, OFFICER, action, "9", roles),
        )
        assert refusal.facts["roles"] == told


def test_nobody_acts_in_a_unit_that_their_grant_does_not_cover() -> None:
    tree = province_of("901", "902")
    officer_of_901 = GrantsGiven(grants=(terms("g", OFFICER.id, "officer", unit="901"),))
    state = authority.evolve(authority.initial, officer_of_901)

    def endorse_in(unit: str) -> str:
        return authority.authorize(state, tree, OFFICER.model_copy(update={"unit": unit}), "endorse", "901")

    assert [endorse_in(unit) for unit in ("", "901")] == ["g", "g"]
    for unit in ("9", "902", "nowhere"):
        refused("NOT_AUTHORISED", lambda unit=unit: endorse_in(unit))  # type: ignore[misc]


# ---- this folder ----


def test_every_code_that_the_domain_can_raise_has_a_sentence_here() -> None:
    here, root = Path(__file__).parent, Path(__file__).parents[2]
    raised = {
        code
        for module in (root / "domain").rglob("*.py")
        for code in re.findall(r'(?:Refused|Conflict)\(\s*"([A-Z_]+)"', module.read_text("utf-8"))
    }
    said = "".join(test.read_text("utf-8") for test in here.glob("test_*.py"))
    assert {code for code in raised if f'"{code}"' not in said} == set()
