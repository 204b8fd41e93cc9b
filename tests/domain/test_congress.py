"""职代会 (DR-12): what the officer records of a workers' congress, and whom it lets pass."""

from typing import Any

from domain.nomination import Status
from domain.round import run_of
from schemas.commands import RecordCongress
from schemas.events import CongressVote, SessionInvalidated
from tests.domain.specification import JUDGES, OFFICER, World, refused, step, with_members

MORE_THAN_HALF = {"share": "1/2", "comparator": ">", "base": "present"}
MINUTES = "ab" * 32


def assembled(**said: Any) -> World:
    declared = step("congress", quorum="2/3", threshold=MORE_THAN_HALF) | said
    world = with_members(declared, members=["a", "b"])
    world.open_step("congress")
    return world


def recorded(world: World, *votes: tuple[str, int, int, int], present: int = 80, entitled: int = 100) -> None:
    body = RecordCongress(
        step="congress",
        entitled=entitled,
        present=present,
        document=MINUTES,
        votes=tuple(CongressVote(nomination=n, approve=y, against=no, abstain=ab) for n, y, no, ab in votes),
    )
    world.at(body, OFFICER)


def out(world: World) -> dict[str, str]:
    return {id: reason for id, (_, reason) in world.round().out.items()}


def test_whoever_does_not_reach_the_threshold_of_the_named_base_is_out_dr_12() -> None:
    world = assembled()
    recorded(world, ("a", 41, 0, 0), ("b", 40, 0, 0))
    world.close_step("congress")
    assert (list(world.round().members), out(world)) == (["a"], {"b": "CONGRESS_NOT_PASSED"})
    cast = assembled(threshold=MORE_THAN_HALF | {"base": "cast"})
    recorded(cast, ("a", 2, 1, 77), ("b", 1, 1, 78))
    cast.close_step("congress")
    assert list(cast.round().members) == ["a"]
    assert cast.nomination("b").status is Status.ELIMINATED


def test_counts_that_cannot_be_are_refused_and_change_nothing_dr_12() -> None:
    world = assembled()
    refused("COUNT_IMPOSSIBLE", lambda: recorded(world, ("a", 60, 20, 1)))
    refused("COUNT_IMPOSSIBLE", lambda: recorded(world, ("a", -1, 0, 0)))
    refused("COUNT_IMPOSSIBLE", lambda: recorded(world, ("a", 1, 0, 0), present=101))
    refused("COUNT_IMPOSSIBLE", lambda: recorded(world, ("a", 1, 0, 0), ("a", 2, 0, 0)))
    refused("NOT_A_MEMBER", lambda: recorded(world, ("z", 1, 0, 0)))
    assert run_of(world.round(), "congress").congress is None
    body = RecordCongress(
        step="congress",
        entitled=1,
        present=1,
        document=MINUTES,
        votes=(CongressVote(nomination="a", approve=1, against=0, abstain=0),),
    )
    refused("NOT_AUTHORISED", lambda: world.at(body, JUDGES[0]))


def test_two_thirds_present_is_a_quorum_and_below_it_the_session_is_held_again_dr_12_dr_15() -> None:
    world = assembled()
    recorded(world, ("a", 66, 0, 0), ("b", 66, 0, 0), present=66)
    [void] = world.events(world.round_stream(), SessionInvalidated)
    assert (void.present, void.entitled) == (66, 100)
    assert world.close_step("congress") == ()
    recorded(world, ("a", 67, 0, 0), ("b", 0, 67, 0), present=67)
    world.close_step("congress")
    assert out(world) == {"b": "CONGRESS_NOT_PASSED"}


def test_without_a_quorum_all_are_out_where_the_programme_says_so_dr_12() -> None:
    world = assembled(without_quorum="out")
    recorded(world, ("a", 60, 0, 0), ("b", 60, 0, 0), present=60)
    world.close_step("congress")
    assert set(out(world).values()) == {"CONGRESS_WITHOUT_QUORUM"}


def test_the_step_waits_for_a_count_on_everybody_and_the_latest_record_counts_dr_12() -> None:
    world = assembled()
    recorded(world, ("a", 80, 0, 0))
    assert world.close_step("congress") == ()
    world.pass_window("congress")
    assert run_of(world.round(), "congress").held == "CONGRESS_UNRECORDED"
    recorded(world, ("a", 10, 0, 0), ("b", 80, 0, 0))
    world.close_step("congress")
    assert out(world) == {"a": "CONGRESS_NOT_PASSED"}
