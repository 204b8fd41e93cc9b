"""Held papers and what becomes of them (刷票): by two people, by the programme's ladder, until the tally is sealed (DR-23)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.adjudication import uncounted
from domain.round import StepRun, run_of
from domain.stuffing import rules_version
from domain.vote import display_at, next_display
from schemas import names
from schemas.commands import (
    CloseStep,
    FoundCohort,
    FreezeVotes,
    HoldVotes,
    InvalidateVotes,
    PublishCounts,
    ReleaseVotes,
    ScreenVotes,
    SealTally,
    UnfreezeVotes,
)
from schemas.events import (
    ChannelCounts,
    Count,
    CountsPublished,
    MembersOut,
    StepExtended,
    TallySealed,
    VotesFrozen,
    VotesHeld,
    VotesInvalidated,
    VotesReleased,
    VotesScreened,
)
from schemas.ledger import GateStatus
from schemas.programme import PublicVote, Rank
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

VOTE = "public_vote"
STUFFING: dict[str, Any] = {
    "rules": [{"id": "one_device", "type": "velocity", "by": "device", "voters": 8, "lead": "80%"}],
}
LADDER = [
    {"act": "freeze", "share": "5%"},
    {"act": "zero", "share": "20%"},
    {"act": "disqualify", "share": "50%"},
]
EVIDENCE = "e" * 64


def voted(**stuffing: Any) -> World:
    vote = step(
        VOTE,
        limits={"per_day": 5, "choices_max": 5},
        adjudication={"days": 3, "unit": "work_day"},
        stuffing=STUFFING | stuffing,
        display={"counts": "provisional", "at": ["09:00", "21:00"]},
    )
    world = with_members(vote, choice(1, component="public"), members=["a", "b"])
    world.open_step(VOTE)
    return world


def declared(world: World) -> PublicVote:
    [found] = [one for one in world.programme.stages[Rank.PROVINCE].steps if isinstance(one, PublicVote)]
    return found


def run(world: World) -> StepRun:
    return run_of(world.round(), VOTE)


def hold(world: World, papers: int = 30, of: int = 100, nomination: str = "a") -> str:
    """The engine ran the rules and they found this; the cohort's name."""
    number = run(world).screened + 1
    found = FoundCohort(
        cohort=f"{number}/one_device/{nomination}",
        rule="one_device",
        nomination=nomination,
        papers=papers,
        of=of,
        root="0" * 64,
        evidence={"voters_at_least": papers},
    )
    world.at(HoldVotes(step=VOTE, screening=number, rules="r" * 64, papers=500, cohorts=(found,)))
    return found.cohort


def invalidate(world: World, *by: Any, **said: Any) -> None:
    for actor in by:
        world.at(InvalidateVotes(step=VOTE, evidence=EVIDENCE, reason="同一设备", **said), actor)


def release(world: World, *by: Any, **said: Any) -> None:
    for actor in by:
        world.at(ReleaseVotes(step=VOTE, evidence=EVIDENCE, reason="本人到场", **said), actor)


def close(world: World) -> None:
    world.pass_window(VOTE)


def adjudicated(world: World) -> None:
    """The rules have seen all papers, and the adjudication is over."""
    if not run(world).screened_all:
        world.at(HoldVotes(step=VOTE, screening=run(world).screened + 1, rules="r" * 64, papers=500))
    seals_at = run(world).seals_at
    assert seals_at is not None
    world.now = seals_at
    world.at(CloseStep(step=VOTE))
    assert run(world).adjudicated


def seal(world: World, valid: dict[str, int] | None = None, **counts: int) -> TallySealed:
    def told(votes: dict[str, int]) -> tuple[Count, ...]:
        return tuple(Count(nomination=id, votes=number) for id, number in votes.items())

    left = (ChannelCounts(channel="web", papers=1, counts=told(valid)),) if valid else ()
    gate = names.step_gate(world.round_stream(), VOTE)
    world.at(
        SealTally(
            step=VOTE, ballot=gate, papers=500, refused=0, root="0" * 64, counts=told(counts), valid=left
        )
    )
    [event] = world.events(world.round_stream(), TallySealed)
    assert isinstance(event, TallySealed)
    return event


def told(world: World, kind: type[Any]) -> list[Any]:
    return list(world.events(world.round_stream(), kind))


def test_what_the_rules_find_is_held_with_version_evidence_and_size_and_nothing_is_dropped_dr_23() -> None:
    world = voted()
    cohort = hold(world)
    [event] = told(world, VotesHeld)
    assert (event.cohort, event.rule, event.papers, event.of) == (cohort, "one_device", 30, 100)
    assert (event.rules, event.evidence) == ("r" * 64, {"voters_at_least": 30})
    assert run(world).cohorts[cohort].status == "held"
    assert uncounted(run(world)) == frozenset()


def test_the_version_of_the_rules_is_their_hash_dr_23() -> None:
    one, other = (declared(voted(**more)).stuffing for more in ({}, {"unruled": "invalidate"}))
    assert one is not None
    assert other is not None
    assert rules_version(one) == rules_version(one.model_copy()) != rules_version(other)


def test_a_run_of_the_rules_is_written_once_dr_23() -> None:
    world = voted()
    world.at(HoldVotes(step=VOTE, screening=1, rules="r" * 64, papers=5))
    assert world.at(HoldVotes(step=VOTE, screening=1, rules="r" * 64, papers=6)) == ()
    assert [one.papers for one in told(world, VotesScreened)] == [5]


def test_a_screening_gives_way_to_a_later_one_and_none_tells_a_cohort_that_is_told_dr_23() -> None:
    world = voted()
    cohort = hold(world)
    [held] = told(world, VotesHeld)
    found = FoundCohort.model_validate(held.model_dump(include=set(FoundCohort.model_fields)))
    later = HoldVotes(step=VOTE, screening=3, rules="r" * 64, papers=5, cohorts=(found,))
    assert world.at(later) == ()
    world.at(later.model_copy(update={"cohorts": ()}))
    assert world.at(HoldVotes(step=VOTE, screening=2, rules="r" * 64, papers=5)) == ()
    assert (run(world).screened, list(run(world).cohorts)) == (3, [cohort])


def test_a_cohort_is_invalidated_by_two_people_and_released_by_two_dr_23() -> None:
    world = voted()
    cohort = hold(world)
    refused("NOT_AUTHORISED", lambda: invalidate(world, OFFICER, cohort=cohort))
    invalidate(world, OPERATOR, cohort=cohort)
    refused("SECOND_PERSON_REQUIRED", lambda: invalidate(world, OPERATOR, cohort=cohort))
    assert run(world).cohorts[cohort].status == "held"
    invalidate(world, OPERATOR_2, cohort=cohort)
    assert uncounted(run(world)) == {cohort}
    release(world, OPERATOR, OPERATOR_2, cohort=cohort)
    assert (run(world).cohorts[cohort].status, uncounted(run(world))) == ("counted", frozenset())
    invalidate(world, OPERATOR_2, OPERATOR, cohort=cohort)
    assert uncounted(run(world)) == {cohort}
    refused("NOT_FOUND", lambda: invalidate(world, OPERATOR, cohort="9/one_device/a"))


def test_a_candidate_who_was_zeroed_and_voters_who_were_invalidated_count_again_when_released_dr_23() -> None:
    world = voted()
    invalidate(world, OPERATOR, OPERATOR_2, nomination="a")
    invalidate(world, OPERATOR, OPERATOR_2, voters=("v-1", "v-2"))
    release(world, OPERATOR, OPERATOR_2, nomination="a")
    release(world, OPERATOR, OPERATOR_2, voters=("v-1",))
    assert run(world).zeroed == frozenset()
    assert run(world).invalid == {"v-2"}
    before = world.round().seq
    release(world, OPERATOR, voters=("v-1",))
    assert world.round().seq == before


def test_an_act_needs_the_share_that_its_step_on_the_ladder_asks_for_dr_23() -> None:
    world = voted(ladder=LADDER)
    refused("LADDER_NOT_REACHED", lambda: invalidate(world, OPERATOR, nomination="a"))
    cohort = hold(world, papers=30, of=100)
    invalidate(world, OPERATOR, OPERATOR_2, nomination="a")
    refused("LADDER_NOT_REACHED", lambda: invalidate(world, OPERATOR, nomination="a", disqualify=True))
    refused("LADDER_NOT_REACHED", lambda: invalidate(world, OPERATOR, cohort=cohort))  # not on the ladder
    hold(world, papers=40, of=120)
    invalidate(world, OPERATOR, OPERATOR_2, nomination="a", disqualify=True)
    assert run(world).struck == {"a"}


def test_a_released_cohort_carries_nobody_up_the_ladder_dr_23() -> None:
    world = voted(ladder=LADDER)
    release(world, OPERATOR, OPERATOR_2, cohort=hold(world, papers=60, of=100))
    refused("LADDER_NOT_REACHED", lambda: invalidate(world, OPERATOR, nomination="a"))


def test_whoever_is_disqualified_leaves_when_the_tally_is_sealed_and_it_shows_before_and_after_dr_23() -> (
    None
):
    world = voted()
    invalidate(world, OPERATOR, OPERATOR_2, nomination="a", disqualify=True)
    close(world)
    assert "a" in world.round().members
    adjudicated(world)
    sealed = seal(world, a=90, b=60)
    assert {one.nomination: one.value for one in sealed.values} == {"a": 0, "b": 100}
    assert sealed.before is not None
    assert {one.nomination: (one.value, one.counted) for one in sealed.before} == {
        "a": (100, 90),
        "b": (sealed.before[1].value, 60),
    }
    [left] = told(world, MembersOut)
    assert [(one.nomination, one.reason) for one in left.out] == [("a", "VOTES_STUFFED")]


def test_a_disqualification_is_taken_back_before_the_seal_dr_23() -> None:
    world = voted()
    invalidate(world, OPERATOR, OPERATOR_2, nomination="a", disqualify=True)
    release(world, OPERATOR, OPERATOR_2, nomination="a")
    close(world)
    adjudicated(world)
    sealed = seal(world, a=90, b=60)
    assert (sealed.before, sealed.zeroed) == (None, ())
    assert set(world.round().members) == {"a", "b"}


@pytest.mark.parametrize(("unruled", "status"), [("count", "counted"), ("invalidate", "invalid")])
def test_what_nobody_ruled_on_counts_or_not_as_the_programme_says_by_an_event_dr_23(
    unruled: str, status: str
) -> None:
    world = voted(unruled=unruled)
    close(world)
    cohort = hold(world)
    adjudicated(world)
    assert run(world).cohorts[cohort].status == status
    kind: type[Any] = VotesReleased if unruled == "count" else VotesInvalidated
    assert [(one.cohort, one.reason) for one in told(world, kind)] == [(cohort, "UNRULED")]


def test_the_adjudication_does_not_end_before_the_rules_have_seen_all_papers_dr_23() -> None:
    world = voted()
    hold(world)  # before the close: not all papers
    close(world)
    seals_at = run(world).seals_at
    assert seals_at is not None
    world.now = seals_at
    assert world.at(CloseStep(step=VOTE)) == ()
    adjudicated(world)


def test_after_the_adjudication_nothing_is_held_released_or_invalidated_dr_23() -> None:
    world = voted()
    cohort = hold(world)
    close(world)
    adjudicated(world)
    for act in (
        lambda: invalidate(world, OPERATOR, cohort=cohort),
        lambda: release(world, OPERATOR, cohort=cohort),
        lambda: world.at(ScreenVotes(step=VOTE), OPERATOR),
    ):
        refused("TALLY_SEALED", act)
    before = world.round().seq
    hold(world)
    assert world.round().seq == before


def test_an_operator_asks_for_a_screening_once_until_it_is_done_dr_23() -> None:
    world = voted()
    world.at(ScreenVotes(step=VOTE), OPERATOR)
    assert run(world).screening_asked
    assert world.at(ScreenVotes(step=VOTE), OPERATOR_2) == ()
    hold(world)
    assert not run(world).screening_asked
    plain = with_members(step(VOTE, limits={"per_day": 5}), choice(1, component="public"), members=["a"])
    plain.open_step(VOTE)
    refused("NO_STUFFING_RULES", lambda: plain.at(ScreenVotes(step=VOTE), OPERATOR))
    refused(
        "NO_STUFFING_RULES", lambda: plain.at(FreezeVotes(step=VOTE, nomination="a", reason="r"), OPERATOR)
    )


def test_a_frozen_vote_takes_no_papers_does_not_close_and_gets_its_days_back_dr_23() -> None:
    world = voted()
    gate = names.step_gate(world.round_stream(), VOTE)
    was = run(world).window
    assert was is not None
    world.at(FreezeVotes(step=VOTE, reason="疑似刷票"), OPERATOR)
    assert world.gates[gate].status is GateStatus.PAUSED
    world.now = was.closes_at + 2 * DAY
    assert world.at(CloseStep(step=VOTE)) == ()
    world.at(UnfreezeVotes(step=VOTE, reason="已核实"), OPERATOR)
    assert world.gates[gate].status is GateStatus.OPEN
    [extended] = told(world, StepExtended)
    window = run(world).window
    assert window is not None
    assert window.closes_at == extended.closes_at == world.gates[gate].closes_at
    assert window.closes_at > world.now
    close(world)
    refused("STAGE_CLOSED", lambda: world.at(FreezeVotes(step=VOTE, reason="r"), OPERATOR))


def test_a_frozen_candidate_is_remembered_with_the_time_and_the_vote_goes_on_dr_23() -> None:
    world = voted()
    gate = names.step_gate(world.round_stream(), VOTE)
    refused("NOT_A_MEMBER", lambda: world.at(FreezeVotes(step=VOTE, nomination="z", reason="r"), OPERATOR))
    begun = world.now
    world.at(FreezeVotes(step=VOTE, nomination="a", reason="r"), OPERATOR)
    assert world.at(FreezeVotes(step=VOTE, nomination="a", reason="again"), OPERATOR) == ()
    assert (run(world).frozen, world.gates[gate].status) == ({"a": begun}, GateStatus.OPEN)
    world.now = begun + DAY
    world.at(UnfreezeVotes(step=VOTE, nomination="a", reason="r"), OPERATOR)
    assert (run(world).frozen, run(world).thawed) == ({}, (("a", begun, begun + DAY),))
    assert len(told(world, VotesFrozen)) == 1


def test_counts_are_shown_at_the_programmes_times_within_the_window_and_once_each() -> None:
    world = voted()
    vote, window = declared(world), run(world).window
    assert window is not None
    first = next_display(vote, run(world), world.now)
    assert first is not None
    assert display_at(vote, run(world), first - timedelta(microseconds=1)) is None
    world.now = first
    counts = (Count(nomination="a", votes=3), Count(nomination="b", votes=2))
    world.at(PublishCounts(step=VOTE, at=first, counts=counts))
    assert world.at(PublishCounts(step=VOTE, at=first, counts=counts)) == ()
    [published] = told(world, CountsPublished)
    assert (published.at, run(world).shown) == (first, published)
    last = display_at(vote, run(world), window.closes_at + 9 * DAY)
    assert last is not None
    assert last < window.closes_at
    hidden = vote.model_copy(update={"display": None})
    assert display_at(hidden, run(world), window.closes_at) is None
