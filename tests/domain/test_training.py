"""集中培训: who attended, when the step is over, and what becomes of the others."""

from typing import Any

from domain.nomination import Status
from domain.round import run_of
from schemas.commands import RecordAttendance
from schemas.events import AttendanceRecorded, StepClosed
from tests.domain.specification import JUDGES, OFFICER, OPERATOR, World, refused, step, with_members
from tests.domain.test_publicity import object_to

ROLL = "cd" * 32


def training(**said: Any) -> World:
    """Three whose publicity is over."""
    world = with_members(step("publicity"), step("training") | said, members=["a", "b", "c"])
    world.open_step("publicity")
    world.pass_window("publicity")
    world.open_step("training")
    return world


def record(world: World, *attended: str) -> None:
    world.at(RecordAttendance(step="training", attended=attended, document=ROLL), OFFICER)


def out(world: World) -> dict[str, str]:
    return {id: reason for id, (_, reason) in world.round().out.items()}


def test_a_training_that_everybody_attended_is_over_at_once() -> None:
    world = training(absent="out")
    record(world, "a", "b", "c")
    [recorded] = world.events(world.round_stream(), AttendanceRecorded)
    assert (recorded.attended, recorded.document) == (("a", "b", "c"), ROLL)
    [closed] = world.close_step("training")
    assert closed == StepClosed(step="training", how="complete")


def test_whoever_was_absent_leaves_or_stays_as_the_programme_says() -> None:
    for said, left in (({"absent": "out"}, {"b": "NOT_TRAINED"}), ({"absent": "kept"}, {}), ({}, {})):
        world = training(**said)
        record(world, "a", "c")
        assert world.close_step("training") == ()
        world.pass_window("training")
        assert out(world) == left
        assert (world.nomination("b").status is Status.ELIMINATED) == bool(left)


def test_without_a_record_a_training_waits_for_people_and_the_latest_counts() -> None:
    world = training(absent="out")
    world.pass_window("training")
    assert run_of(world.round(), "training").held == "TRAINING_UNRECORDED"
    record(world, "a", "b")
    world.close_step("training")
    assert out(world) == {"c": "NOT_TRAINED"}
    again = training(absent="out")
    record(again, "a")
    record(again, "b", "c")
    again.pass_window("training")
    assert out(again) == {"a": "NOT_TRAINED"}


def test_a_training_to_which_nobody_came_is_recorded_too_and_one_for_nobody_is_over() -> None:
    world = training(absent="out")
    record(world)
    world.pass_window("training")
    assert out(world) == dict.fromkeys("abc", "NOT_TRAINED")
    left = training(absent="out")
    for id in "abc":
        left.withdraw(id)
    left.close_step("training")
    assert out(left) == dict.fromkeys("abc", "WITHDRAWN")
    assert run_of(left.round(), "training").closed_at is not None


def test_only_members_are_recorded_by_the_unit_s_officer_or_an_operator_while_it_runs() -> None:
    world = training()
    body = RecordAttendance(step="training", attended=("a", "z"), document=ROLL)
    refused("NOT_A_MEMBER", lambda: world.at(body, OFFICER))
    refused("NOT_AUTHORISED", lambda: world.at(body, JUDGES[0]))
    world.at(body.model_copy(update={"attended": ("a", "b", "c")}), OPERATOR)
    world.close_step("training")
    refused("STAGE_CLOSED", lambda: record(world, "a"))


def test_whoever_is_held_by_an_objection_is_trained_and_waits_for_the_ruling_dr_28() -> None:
    world = with_members(step("publicity"), step("training"), members=["a", "b"])
    world.open_step("publicity")
    object_to(world, "b")
    world.pass_window("publicity")
    world.open_step("training")
    record(world, "a", "b")
    world.close_step("training")
    assert list(world.round().members) == ["a", "b"]
