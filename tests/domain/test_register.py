"""Registers with a cap over batches (DR-41), pairs, outcomes of elsewhere (DR-43), targets over the years (DR-42)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain import register
from domain.targets import Given as GivenTitle
from domain.targets import Progress, progress
from schemas.commands import EnterRegister, LeaveRegister, NoteExport, PairMembers, RecordOutcome
from schemas.errors import Refused
from schemas.events import (
    Event,
    MemberLeft,
    MembersEntered,
    MembersPaired,
    OutcomeRecorded,
    PersonalDataExported,
    RegisterMember,
)
from schemas.programme import Batches, Programme, Rank, Target, Title
from schemas.unit_files import check_units
from tests.domain.specification import (
    HANDLER,
    OFFICER,
    OPERATOR,
    Given,
    World,
    choice,
    given,
    must_be_told,
    one_level,
)

STREAM, CYCLE = "register/harbour", "harbour.1"
NATIONAL = Title.model_validate({"id": "national_pilot", "label": {"zh": "大国工匠"}, "external": True})


def declared(cap: int | None = 4) -> Programme:
    programme = one_level(choice(2)).programme
    titles = (*programme.titles, NATIONAL)
    return programme.model_copy(update={"batches": Batches(cap=cap), "titles": titles})


def members(*subjects: str) -> tuple[RegisterMember, ...]:
    return tuple(RegisterMember(subject=one, nomination=f"n-{one}", unit="9") for one in subjects)


def known(*events: Event, winners: str = "", status: str = "completed", cap: int | None = 4) -> Given:
    world = one_level()
    grants = world.state("authority/harbour.1")
    inputs = register.Inputs(declared(cap), world.tree, grants, status, members(*winners))
    return given(STREAM, inputs, *events)


def entered(subjects: str, cycle: str = "harbour.0") -> MembersEntered:
    return MembersEntered(cycle=cycle, members=members(*subjects))


ENTER = EnterRegister(cycle=CYCLE)


def test_batches_enter_the_register_until_the_cap_and_never_beyond_it_dr_41() -> None:
    [event] = known(entered("ab"), winners="cd").when(ENTER, OPERATOR).decision().events
    assert event == entered("cd", CYCLE)
    refusal = known(entered("ab"), winners="cde").when(ENTER, OPERATOR).then_refused("CAP_EXCEEDED")
    assert refusal.facts == {"cap": "4", "have": "2", "asked": "3"}
    known(entered("ab"), winners="cde", cap=None).when(ENTER, OPERATOR).decision()


def test_a_batch_enters_once_when_it_is_complete_dr_41() -> None:
    assert known(entered("a", CYCLE), winners="a").when(ENTER, OPERATOR).decision().events == ()
    known(winners="a", status="open").when(ENTER, OPERATOR).then_refused("STAGE_MISMATCH")
    known(winners="a").when(ENTER, OFFICER).then_refused("NOT_AUTHORISED")


def test_names_that_are_taken_out_leave_a_trace_of_who_took_them_by_which_grant_dr_46() -> None:
    note = NoteExport(cycle=CYCLE, round=f"round/{CYCLE}/all/9", paper="summary", people=3)
    for person in (OPERATOR, OFFICER):
        asked = known().when(note, person)
        decision = asked.decision()
        [event] = decision.events
        assert event == PersonalDataExported(cycle=CYCLE, round=note.round, paper="summary", people=3)
        assert decision.grant
        must_be_told(asked.command, decision, register.initial)
    known().when(note, HANDLER).then_refused("NOT_AUTHORISED")
    for round_ in ("round/other.1/all/9", f"round/{CYCLE}/all/404"):
        known().when(note.model_copy(update={"round": round_}), OPERATOR).then_refused("NOT_FOUND")


def test_who_leaves_the_register_frees_no_place_and_may_return_dr_41() -> None:
    leave = LeaveRegister(cycle=CYCLE, subject="a", reason="停产")
    [left] = known(entered("ab")).when(leave, OPERATOR).decision().events
    assert left == MemberLeft(cycle=CYCLE, subject="a", reason="停产")
    known(entered("abcd"), left, winners="e").when(ENTER, OPERATOR).then_refused("CAP_EXCEEDED")
    assert known(entered("abcd"), left, winners="a").when(ENTER, OPERATOR).decision().events
    known(entered("b")).when(leave, OPERATOR).then_refused("NOT_FOUND")


def opening(taken: int) -> World:
    world = World(declared(), one_level().tree)
    world.places_taken = taken
    return world


def test_a_batch_whose_seats_do_not_fit_under_the_cap_is_not_opened_dr_41() -> None:
    opening(2).open()
    with pytest.raises(Refused, match="CAP_EXCEEDED"):
        opening(3).open()


def test_an_excellent_pilot_is_paired_with_one_newcomer_or_more_who_have_no_other_dr_41() -> None:
    def pair(senior: str, junior: str) -> PairMembers:
        return PairMembers(cycle=CYCLE, senior=senior, junior=junior)

    there, paired = entered("abc"), MembersPaired(cycle=CYCLE, senior="a", junior="b")
    assert known(there).when(pair("a", "b"), OPERATOR).decision().events == (paired,)
    assert known(there, paired).when(pair("a", "b"), OPERATOR).decision().events == ()
    assert known(there, paired).when(pair("a", "c"), OPERATOR).decision().events
    for senior, junior in (("c", "b"), ("b", "c"), ("c", "a"), ("c", "c")):
        known(there, paired).when(pair(senior, junior), OPERATOR).then_refused("PAIR_INVALID")
    known(there).when(pair("a", "z"), OPERATOR).then_refused("NOT_FOUND")
    gone = MemberLeft(cycle=CYCLE, subject="a", reason="r")
    assert known(there, paired, gone).when(pair("c", "b"), OPERATOR).decision().events


def outcome(**said: Any) -> RecordOutcome:
    common = {"cycle": CYCLE, "subject": "s", "title": "national_pilot", "given_on": "2024-01-20"}
    more = {"source": "全国总工会", "verifier": "checker", "document": "d" * 64}
    return RecordOutcome.model_validate(common | more | said)


def test_an_outcome_of_elsewhere_is_recorded_with_source_verifier_and_document_dr_43() -> None:
    decision = known().when(outcome(), OPERATOR).decision()
    [event] = decision.events
    assert isinstance(event, OutcomeRecorded)
    assert (event.source, event.verifier, event.document) == ("全国总工会", "checker", "d" * 64)
    assert decision.subject == "s"
    again = register.State(outcomes=(("s", event),))
    assert (
        register.decide(again, known().when(outcome(), OPERATOR).command, outcome(), known().inputs).events
        == ()
    )


def test_nobody_verifies_their_own_record_or_records_a_title_that_is_conferred_here_dr_43() -> None:
    known().when(outcome(verifier=OPERATOR.id), OPERATOR).then_refused("SECOND_PERSON_REQUIRED")
    known().when(outcome(title="pilot"), OPERATOR).then_refused("NOT_FOUND")
    for day in ("2024-03-05", "2024-02-30"):
        known().when(outcome(given_on=day), OPERATOR).then_refused("FACTS_INVALID")


def test_a_candidate_under_cultivation_holds_a_status_that_is_no_honour_dr_43() -> None:
    said = {"id": "cultivation_candidate", "label": {"zh": "南粤工匠培育对象"}, "kind": "status"}
    assert Title.model_validate(said).kind == "status"
    assert NATIONAL.kind == "honour"


def test_every_unit_has_exactly_one_parent_dr_02(tmp_path: Any) -> None:
    file = tmp_path / "units.csv"
    file.write_text(
        "code,parent,name,rank\n9,,测试市,prefecture\n91,9,测试网格,township\nE,91,企业,enterprise\n", "utf-8"
    )
    tree, faults = check_units(file, root="9")
    assert tree is not None
    assert not faults
    with file.open("a", encoding="utf-8") as more:
        more.write("E,9,企业,enterprise\n")
    assert [fault.code for fault in check_units(file, root="9")[1]] == ["code_repeated"]


# ---- targets ----

TARGETS = (
    Target.model_validate(
        {"id": "towers", "label": {"zh": "登塔"}, "at_least": 2, "by": "2026-12-31", "titles": ["pilot"]}
    ),
    Target.model_validate(
        {
            "id": "peaks",
            "label": {"zh": "登顶"},
            "at_least": 1,
            "by": "2026-12-31",
            "titles": ["national_pilot"],
        }
    ),
    Target.model_validate(
        {
            "id": "all",
            "label": {"zh": "各级"},
            "at_least": 9,
            "programmes": ["harbour", "lake"],
            "since": "2021-01-01",
        }
    ),
    Target.model_validate({"id": "province", "label": {"zh": "省级"}, "at_least": 1, "ranks": ["province"]}),
)
TITLES = (
    GivenTitle("harbour", "pilot", Rank.PROVINCE, date(2025, 5, 1)),
    GivenTitle("harbour", "pilot", Rank.COUNTY, date(2027, 1, 1)),
    GivenTitle("harbour", "national_pilot", None, date(2026, 12, 31)),
    GivenTitle("lake", "rower", Rank.COUNTY, date(2022, 5, 1)),
    GivenTitle("lake", "rower", Rank.COUNTY, date(2020, 5, 1)),
)


def reached(on: str) -> dict[str, Progress]:
    programme = declared().model_copy(update={"targets": TARGETS})
    return {one.target: one for one in progress(programme, TITLES, date.fromisoformat(on))}


def test_targets_are_counted_over_cycles_levels_and_programmes_until_their_day_dr_42() -> None:
    assert {id: one.count for id, one in reached("2027-06-01").items()} == {
        "towers": 1,
        "peaks": 1,
        "all": 4,
        "province": 1,
    }


def test_a_target_missed_is_reported_with_what_is_missing_and_blocks_nothing_dr_42() -> None:
    before, after = reached("2026-12-31"), reached("2027-01-01")
    assert (before["towers"].met, before["towers"].overdue, before["towers"].missing) == (False, False, 1)
    assert after["towers"].overdue
    assert after["peaks"] == Progress("peaks", 1, 1, met=True, overdue=False)
    assert not after["all"].overdue  # it has no day
    unmet = one_level().programme.model_copy(update={"targets": TARGETS})
    World(unmet, one_level().tree).open().submit("a")
