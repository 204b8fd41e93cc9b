"""The public vote's channels and what becomes of stuffed votes (刷票): DR-23, DR-24."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from domain.round import run_of
from domain.vote import counted_as
from schemas import names
from schemas.commands import (
    CloseStep,
    FreezeVotes,
    InvalidateVotes,
    PauseCycle,
    PauseRound,
    ResumeCycle,
    ResumeRound,
    ScreenVotes,
    SealTally,
)
from schemas.events import BallotOpened, ChannelCounts, Count, StepHeld, TallySealed, VotesInvalidated
from schemas.programme import PublicVote
from tests.domain.specification import (
    DAY,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    World,
    choice,
    refused,
    step,
    with_members,
)

LIMITS = {"per_day": 5, "choices_min": 1, "choices_max": 5}
ADJUDICATED = step("public_vote", limits=LIMITS, adjudication={"days": 3, "unit": "work_day"})
CHANNELS = [{"channel": "web", "share": "60%"}, {"channel": "wechat", "share": "40%"}]
EVIDENCE = "e" * 64
STUFFING = {"rules": [{"id": "d", "type": "velocity", "by": "device", "voters": 8, "lead": "80%"}]}


def channel(name: str, **votes: int) -> ChannelCounts:
    counts = tuple(Count(nomination=id, votes=number) for id, number in votes.items())
    return ChannelCounts(channel=name, papers=sum(votes.values()), counts=counts)


def seal(
    world: World, *valid: ChannelCounts, channels: tuple[ChannelCounts, ...] = (), **counts: int
) -> None:
    world.at(
        SealTally(
            step="public_vote",
            ballot=names.step_gate(world.round_stream(), "public_vote"),
            papers=sum(counts.values()),
            refused=0,
            root="0" * 64,
            counts=tuple(Count(nomination=id, votes=number) for id, number in counts.items()),
            channels=channels,
            valid=valid,
        )
    )


def invalidate(world: World, *by: Any, **said: Any) -> None:
    body = InvalidateVotes(step="public_vote", evidence=EVIDENCE, reason="同一设备", **said)
    for actor in by:
        world.at(body, actor)


def sealed(world: World) -> TallySealed:
    [event] = world.events(world.round_stream(), TallySealed)
    assert isinstance(event, TallySealed)
    return event


def values(world: World) -> dict[str, object]:
    return {one.nomination: one.value for one in sealed(world).values}


def voted(vote: dict[str, Any]) -> World:
    world = with_members(vote, choice(1, component="public"), members=["a", "b"])
    world.open_step("public_vote")
    return world


def test_a_vote_with_more_candidates_than_a_ballot_can_name_waits_until_some_leave_dr_21(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("domain.vote.CANDIDATES_MAX", 2)
    vote = step("public_vote", limits=LIMITS, adjudication={"days": 3, "unit": "work_day"}, stuffing=STUFFING)
    world = with_members(vote, choice(1, component="public"), members=["a", "b", "c", "d"])
    world.open_step("public_vote")
    [held] = world.events(world.round_stream(), StepHeld)
    assert (held.code, held.detail) == ("TOO_MANY_CANDIDATES", "takes 2, has 4")
    assert not world.events(world.round_stream(), BallotOpened)
    for asked in (ScreenVotes(step="public_vote"), FreezeVotes(step="public_vote", reason="r")):
        refused("STAGE_MISMATCH", partial(world.at, asked, OPERATOR))
    world.withdraw("a")
    assert world.close_step("public_vote") == ()
    world.withdraw("b")
    world.close_step("public_vote")
    [opened] = world.events(world.round_stream(), BallotOpened)
    assert (opened.candidates, run_of(world.round(), "public_vote").held) == (("c", "d"), "")
    world.pass_window("public_vote")
    assert run_of(world.round(), "public_vote").closed_at == world.now


def test_channels_are_normalised_each_by_itself_and_weighed_dr_24() -> None:
    world = voted(step("public_vote", limits=LIMITS, channels=CHANNELS))
    world.pass_window("public_vote")
    seal(world, channel("web", a=10, b=5), channel("wechat", a=100, b=1000), a=110, b=1005)
    assert values(world) == {"a": 60 + 4, "b": 30 + 40}


def test_a_channel_without_papers_gives_nobody_anything_dr_24() -> None:
    world = voted(step("public_vote", limits=LIMITS, channels=CHANNELS))
    world.pass_window("public_vote")
    seal(world, channel("web", a=10, b=5), a=10, b=5)
    assert values(world) == {"a": 60, "b": 30}


@pytest.mark.parametrize("shares", [("60%", "30%"), ("60%", "60%")])
def test_channels_weigh_exactly_a_hundred_percent_dr_24(shares: tuple[str, str]) -> None:
    channels = [{"channel": name, "share": share} for name, share in zip(("web", "app"), shares, strict=True)]
    with pytest.raises(ValidationError, match="100%"):
        voted(step("public_vote", limits=LIMITS, channels=channels))


def test_votes_of_invalidated_voters_are_deducted_and_both_counts_are_kept_dr_23() -> None:
    world = voted(ADJUDICATED)
    world.pass_window("public_vote")
    invalidate(world, OPERATOR, OPERATOR_2, voters=("v-1", "v-2"))
    run = run_of(world.round(), "public_vote")
    assert run.invalid == {"v-1", "v-2"}
    assert run.seals_at is not None
    world.now = run.seals_at
    world.at(CloseStep(step="public_vote"))
    seal(world, channel("web", a=8, b=10), a=30, b=10)
    assert {count.nomination: count.votes for count in sealed(world).counts} == {"a": 30, "b": 10}
    assert values(world) == {"a": 80, "b": 100}


def test_votes_of_which_none_is_valid_give_nobody_anything_dr_23() -> None:
    world = voted(step("public_vote", limits=LIMITS))
    world.pass_window("public_vote")
    seal(world, channels=(channel("", a=30, b=10),), a=30, b=10)
    told = sealed(world)
    assert values(world) == {"a": 0, "b": 0}
    assert {one.nomination: one.value for one in told.before or ()} == {"a": 100, "b": Fraction(100, 3)}
    assert counted_as(told, PublicVote.model_validate(step("public_vote", limits=LIMITS))) == values(world)


def test_the_votes_of_one_candidate_are_zeroed_dr_23() -> None:
    world = voted(ADJUDICATED)
    invalidate(world, OPERATOR, OPERATOR_2, nomination="a")
    world.pass_window("public_vote")
    run = run_of(world.round(), "public_vote")
    assert run.seals_at is not None
    world.now = run.seals_at
    world.at(CloseStep(step="public_vote"))
    seal(world, channel("web", a=30, b=10), a=30, b=10)
    assert (values(world), sealed(world).zeroed) == ({"a": 0, "b": 100}, ("a",))


def test_invalidating_takes_two_different_operators_dr_23() -> None:
    world = voted(ADJUDICATED)
    refused("NOT_AUTHORISED", lambda: invalidate(world, OFFICER, voters=("v-1",)))
    invalidate(world, OPERATOR, voters=("v-1",))
    assert not world.events(world.round_stream(), VotesInvalidated)
    refused("SECOND_PERSON_REQUIRED", lambda: invalidate(world, OPERATOR, voters=("v-1",)))


def test_nothing_is_sealed_before_and_nothing_invalidated_after_the_adjudication_dr_23() -> None:
    world = voted(ADJUDICATED)
    world.pass_window("public_vote")
    world.at(CloseStep(step="public_vote"))
    seal(world, a=1, b=2)
    assert not world.events(world.round_stream(), TallySealed)
    refused("STAGE_MISMATCH", lambda: world.open_step("selection"))
    run = run_of(world.round(), "public_vote")
    assert run.seals_at is not None
    world.now = run.seals_at
    world.at(CloseStep(step="public_vote"))
    refused("TALLY_SEALED", lambda: invalidate(world, OPERATOR, voters=("v-1",)))
    seal(world, a=1, b=2)
    refused("TALLY_SEALED", lambda: invalidate(world, OPERATOR, nomination="a"))


@pytest.mark.parametrize("whose", ["round", "cycle"])
def test_a_pause_takes_no_days_from_the_adjudication_dr_23(whose: str) -> None:
    world = voted(ADJUDICATED)
    world.pass_window("public_vote")
    was = run_of(world.round(), "public_vote").seals_at
    assert was is not None
    stream = names.cycle_stream(world.cycle)
    if whose == "round":
        world.at(PauseRound(reason="r"), OPERATOR)
    else:
        world.do(stream, PauseCycle(reason="r"), OPERATOR)
    world.now = was + 20 * DAY
    if whose == "round":
        world.at(ResumeRound(), OPERATOR)
    else:
        world.do(stream, ResumeCycle(), OPERATOR)
    world.at(CloseStep(step="public_vote"))
    run = run_of(world.round(), "public_vote")
    assert not run.adjudicated
    assert run.seals_at is not None
    assert run.seals_at >= was + 20 * DAY
    invalidate(world, OPERATOR, OPERATOR_2, voters=("v-1",))
    world.now = run.seals_at
    world.at(CloseStep(step="public_vote"))
    assert run_of(world.round(), "public_vote").adjudicated


def test_without_an_adjudication_votes_are_invalidated_until_the_close_dr_23() -> None:
    world = voted(step("public_vote", limits=LIMITS))
    invalidate(world, OPERATOR, OPERATOR_2, voters=("v-1",))
    refused("NOT_A_MEMBER", lambda: invalidate(world, OPERATOR, nomination="nobody"))
    world.pass_window("public_vote")
    refused("TALLY_SEALED", lambda: invalidate(world, OPERATOR, voters=("v-2",)))
    seal(world, channel("web", a=1, b=2), a=2, b=2)
    assert values(world) == {"a": 50, "b": 100}
