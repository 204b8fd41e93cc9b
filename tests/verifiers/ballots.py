"""A public vote of the invented cycle: its programme, the rules of its ballot, and the tally that the engine seals."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from domain.round import State, StepRun
from domain.vote import seal_tally
from proof.merkle import EMPTY_ROOT
from schemas import names
from schemas.canonical import canonical_bytes, digest
from schemas.commands import ENGINE, Command, SealTally
from schemas.events import ChannelCounts, Count, TallySealed
from schemas.programme import ChannelWeight, DayUnit, Period, PublicVote, VoterLimits
from store.ballots import SealedTally
from store.ballots.rules import Rules
from tests.projections.story import NOON, SUMMIT

CANDIDATES = ("n1", "n2")
VOTE = PublicVote(
    id="vote",
    period=Period(days=7, unit=DayUnit.NATURAL_DAY),
    limits=VoterLimits(per_day=3, choices_max=2),
    channels=(
        ChannelWeight(channel="web", share=Fraction(3, 5)),
        ChannelWeight(channel="app", share=Fraction(2, 5)),
    ),
)
BALLOT = names.step_gate(SUMMIT, VOTE.id)


def programme_with(step: PublicVote) -> bytes:
    """A programme as far as anybody here looks at it: the province votes."""
    stages = {"province": {"steps": [step.model_dump(mode="json")]}}
    return canonical_bytes({"id": "test-craft", "title": "测试工匠", "stages": stages})


def rules_of(step: PublicVote, candidates: tuple[str, ...] = CANDIDATES) -> bytes:
    """What its ballot is opened with."""
    channels = tuple(one.channel for one in step.channels)
    return canonical_bytes(Rules(ballot=BALLOT, limits=step.limits, candidates=candidates, channels=channels))


def counted(channel: str, papers: int, votes: Sequence[int]) -> ChannelCounts:
    """The votes of the candidates, in their order."""
    counts = tuple(Count(nomination=id, votes=one) for id, one in zip(CANDIDATES, votes, strict=True))
    return ChannelCounts(channel=channel, papers=papers, counts=counts)


def sealed(
    step: PublicVote,
    channels: tuple[ChannelCounts, ...],
    valid: tuple[ChannelCounts, ...],
    zeroed: frozenset[str] = frozenset(),
) -> TallySealed:
    """What the engine writes where the box counted this."""
    papers, good = (sum(one.papers for one in some) for some in (channels, valid))
    votes = [sum(one.counts[n].votes for one in channels) for n in range(len(CANDIDATES))]
    body = SealTally(
        step=step.id,
        ballot=BALLOT,
        papers=papers,
        refused=1,
        root=digest(b"papers") if papers else EMPTY_ROOT.hex(),
        uncounted_root=EMPTY_ROOT.hex() if papers == good else digest(b"uncounted"),
        rules_hash=digest(rules_of(step)),
        counts=counted("", papers, votes).counts,
        channels=channels,
        valid=valid,
    )
    state = State(stream=SUMMIT, steps={step.id: StepRun(closed_at=NOON, zeroed=zeroed)})
    command = Command(id="seal", stream=SUMMIT, actor=ENGINE, received_at=NOON, body=body)
    [event] = seal_tally(state, command, body, step).events
    assert isinstance(event, TallySealed)
    return event


def tally_of(event: TallySealed) -> bytes:
    """The same as the ballot box keeps it."""
    told = {name: getattr(event, name) for name in SealedTally.model_fields}
    return canonical_bytes(SealedTally(**told | {"channels": event.channels or ()}))


SEALED = sealed(
    VOTE,
    channels=(counted("web", 6, (4, 3)), counted("app", 3, (3, 2))),
    valid=(counted("web", 5, (3, 3)), counted("app", 3, (3, 2))),
)
