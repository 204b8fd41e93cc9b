"""A cycle in time: the tree of rounds, how each stood at any moment, who did what; nothing personal, nothing sealed."""

from __future__ import annotations

from dataclasses import astuple

from domain.audit.sealing import SEALED
from domain.audit.timeline import Change, Stands, Timeline, at_moment, timeline
from schemas.commands import (
    CancelRound,
    Endorse,
    FormPanel,
    LapseRound,
    PauseRound,
    ResolveTie,
    ResumeRound,
    ReturnForCorrection,
)
from tests.domain.audit.logged import LoggedWorld, logged
from tests.domain.specification import (
    JUDGES,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    World,
    choice,
    judged,
    panel,
    step,
)
from tests.domain.test_outcome import county_done, two_levels
from tests.domain.test_publicity import object_to


def told(world: LoggedWorld, acts_max: int = 1000) -> Timeline:
    return timeline(world.read_back(), acts_max)


def stood(world: LoggedWorld) -> list[tuple[str, str, int, int]]:
    """The ways in which the only round stood, one after the other."""
    return [(str(one.stands), one.step or one.held, one.members, one.out) for one in told(world).changes]


def now(world: LoggedWorld, unit: str = "") -> Change:
    found = at_moment(told(world).changes, len(world.log))
    return found[world.round_stream(unit)]


def relogged(world: World) -> LoggedWorld:
    """The same world with a log, its streams one after the other: enough for a tree."""
    copy = LoggedWorld(world.programme, world.tree, log=[])
    for stream, written in world.streams.items():
        for one in written:
            copy.note(stream, one)
    return copy


def test_a_round_is_told_from_its_opening_over_its_steps_to_its_report() -> None:
    world = logged(panel(), choice(1), members=("a", "b"))
    judged(world, {"a": "90", "b": "80"})
    world.open_step("selection")
    world.report()
    assert stood(world) == [
        ("gathering", "", 0, 0),
        ("frozen", "", 2, 0),
        ("step", "expert_review", 2, 0),
        ("step", "selection", 2, 0),
        ("step", "selection", 1, 1),
        ("reported", "selection", 1, 1),
    ]


def test_at_any_moment_a_round_stands_as_its_last_change_before_says() -> None:
    world = logged(panel(), choice(1), members=("a",))
    found = told(world)
    frozen = next(change for change in found.changes if change.stands is Stands.FROZEN)
    stream = world.round_stream()
    assert at_moment(found.changes, frozen.moment - 1)[stream].stands is Stands.GATHERING
    assert at_moment(found.changes, frozen.moment)[stream] == frozen
    assert at_moment(found.changes, 0) == {}


def test_a_held_step_says_why_and_goes_on_once_a_person_has_decided() -> None:
    world = logged(panel(), choice(1), members=("a", "b"))
    judged(world, {"a": "90", "b": "90"})
    world.open_step("selection")
    assert (now(world).stands, now(world).held) == (Stands.HELD, "TIE_UNRESOLVED")
    world.at(ResolveTie(step="selection", order=("b", "a"), reason="现场"), OPERATOR)
    assert (now(world).stands, now(world).held) == (Stands.STEP, "")


def test_a_paused_round_stands_afterwards_as_it_stood_before() -> None:
    world = logged(panel(), members=("a",))
    world.open_step("expert_review")
    world.at(PauseRound(reason="核查"), OPERATOR)
    assert now(world).stands is Stands.PAUSED
    world.at(ResumeRound(), OPERATOR)
    assert (now(world).stands, now(world).step) == (Stands.STEP, "expert_review")


def test_a_cancelled_round_has_lapsed() -> None:
    world = two_levels()
    world.begin("901")
    for by in (OPERATOR, OPERATOR_2):
        world.at(CancelRound(reason="停办"), by, "901")
    assert now(relogged(world), "901").stands is Stands.LAPSED


def test_a_round_that_lapsed_before_it_opened_is_no_part_of_the_tree() -> None:
    world = two_levels()
    world.at(LapseRound(reason="cancelled"), unit="901")
    found = told(relogged(world))
    assert {one.round for one in found.changes} == {one.round for one in found.nodes}
    assert "901" not in {one.unit for one in found.nodes}


def test_the_rounds_below_hang_on_the_round_that_they_report_to() -> None:
    world = two_levels()
    county_done(world)
    found = told(relogged(world))
    root, county = found.nodes
    assert (root.unit, root.parent, root.rank) == ("9", "", "province")
    assert (county.unit, county.parent, county.rank) == ("901", root.round, "county")


def test_every_act_says_who_did_what_where_and_about_whom() -> None:
    world = logged(step("endorsement"), members=("a",))
    world.open_step("endorsement")
    world.on("a", Endorse(round=world.round_stream()), OFFICER)
    act = told(world).acts[-1]
    assert (act.what, act.by, act.role, act.round, act.nomination, act.step) == (
        "NominationEndorsed", OFFICER.id, "officer", world.round_stream(), "a", "endorsement"
    )  # fmt: skip
    assert act.position == len(world.log)


def test_no_reason_no_mark_and_no_objector_is_in_it_dr_14_dr_29() -> None:
    world = logged(step("endorsement"), panel(), step("publicity"), members=("a",))
    world.open_step("endorsement")
    world.on("a", ReturnForCorrection(round=world.round_stream(), reason="家庭住址不符"), OFFICER)
    world.correct("a", years=31)
    world.on("a", Endorse(round=world.round_stream()), OFFICER)
    world.pass_window("endorsement")
    world.open_step("expert_review")
    world.at(FormPanel(step="expert_review", judges=tuple(judge.id for judge in JUDGES)), OPERATOR)
    for judge in JUDGES:
        world.sheet(judge, "expert_review", {"a": "77.5"})
    world.close_step("expert_review")
    world.open_step("publicity")
    object_to(world, "a")
    found = told(world)
    objected = next(act for act in found.acts if act.what == "ObjectionFiled")
    assert (objected.by, objected.unit, objected.role) == (SEALED, "", "public")
    everything = str(astuple(found))
    for secret in ("家庭住址", "77.5", "155/2", "stranger", "deeds", "31"):
        assert secret not in everything, secret


def test_of_a_large_log_acts_on_single_nominations_are_left_out_and_it_is_said() -> None:
    world = logged(step("endorsement"), members=("a",))
    world.open_step("endorsement")
    world.on("a", Endorse(round=world.round_stream()), OFFICER)
    small, large = told(world), told(world, acts_max=len(world.log) - 1)
    assert (small.whole, large.whole) == (True, False)
    assert small.changes == large.changes
    assert not [act for act in large.acts if act.nomination]
