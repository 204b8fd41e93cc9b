"""The public vote of a round: a ballot opens, closes exactly, and its sealed tally becomes one component."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from fractions import Fraction

from domain.decision import NOTHING, Decision, two_people
from domain.round import State, StepRun, run_of
from domain.scoring import Normalised, combine_channels, normalise
from domain.steps import (
    Inputs,
    close,
    cut_off,
    cycle_guard,
    elapsed,
    going,
    head_guards,
    leave,
    open_window,
    present,
)
from domain.timing import after_pauses
from schemas import names
from schemas.commands import Command, InvalidateVotes, SealTally
from schemas.errors import Refused
from schemas.events import (
    AdjudicationClosed,
    AdjudicationOpened,
    BallotOpened,
    PanelResult,
    StepOpened,
    TallySealed,
    VotesInvalidated,
)
from schemas.programme import PublicVote


def open_vote(state: State, command: Command, inputs: Inputs, step: PublicVote) -> Decision:
    """The paper's candidates are frozen with the window; the ballot's id is its gate's (DR-21)."""
    candidates = going(state, inputs)
    left = leave(state, command, step.id, cut_off(state, inputs))
    guards = (cycle_guard(command), *head_guards(present(state, inputs).values(), command))
    if not candidates:
        opened = Decision(events=(StepOpened(step=step.id, type=step.type),), guards=guards)
        return opened.then(left).then(close(state, command, inputs, step.id, "complete"))
    opened = open_window(state, command, inputs, step.id, step.type, step.period)
    ballot = BallotOpened(
        step=step.id, ballot=names.step_gate(state.stream, step.id), candidates=tuple(candidates)
    )
    return opened.then(left).then(Decision(events=(ballot,), guards=guards))


def close_vote(state: State, command: Command, inputs: Inputs, step: PublicVote) -> Decision:
    """Closing takes the gate's row from every paper in flight; the tally is sealed only afterwards."""
    if run_of(state, step.id).closed_at or not elapsed(state, step.id, command.received_at):
        return NOTHING
    closed = Decision(guards=(cycle_guard(command),)).then(close(state, command, inputs, step.id, "elapsed"))
    if step.adjudication is None:
        return closed
    until = inputs.calendar.end(command.received_at, step.adjudication)
    return closed.then(Decision(events=(AdjudicationOpened(step=step.id, closes_at=until),)))


def close_adjudication(state: State, command: Command, inputs: Inputs, step: str) -> Decision:
    """Once its time is over, what pauses took given back: what is invalidated is settled before the count begins."""
    run, now = run_of(state, step), command.received_at
    if run.adjudicated or run.seals_at is None or run.adjudication is None or now < run.seals_at:
        return NOTHING
    until = after_pauses(state, inputs, run.adjudication, now)
    if now < until:
        moved = AdjudicationOpened(step=step, closes_at=until)
        return Decision(events=(moved,), guards=(cycle_guard(command),))
    return Decision(events=(AdjudicationClosed(step=step),), guards=(cycle_guard(command),))


def invalidate(
    state: State, command: Command, body: InvalidateVotes, step: PublicVote, grant: str
) -> Decision:
    """DR-23: by two people with evidence, and only before the count begins; the papers themselves stay."""
    run = run_of(state, step.id)
    if step.id not in state.steps:
        raise Refused("STAGE_MISMATCH", current=state.current or "-", action=body.kind)
    if run.adjudicated or (run.closed_at is not None and run.seals_at is None):
        raise Refused("TALLY_SEALED", ballot=names.step_gate(state.stream, step.id))
    if body.nomination and body.nomination not in state.members:
        raise Refused("NOT_A_MEMBER", nomination=body.nomination, round=state.stream)
    invalidated = VotesInvalidated(
        step=body.step,
        effect="zero" if body.nomination else "deduct",
        voters=body.voters,
        nomination=body.nomination,
        evidence=body.evidence,
        reason=body.reason,
    )
    events = two_people(state, command, (invalidated,))
    return Decision(events=events, guards=(cycle_guard(command),), grant=grant)


def seal_tally(state: State, body: SealTally, step: PublicVote) -> Decision:
    """The sealed tally, normalised on 0 to 100 (DR-19, DR-22, DR-24); not before its adjudication is over (DR-23)."""
    if step.component in state.components:
        return NOTHING
    run = run_of(state, step.id)
    if run.closed_at is None:
        raise Refused("BALLOT_OPEN", ballot=body.ballot)
    if run.seals_at is not None and not run.adjudicated:
        return NOTHING
    valid = _valid(body, run)
    result = _component(valid, [count.nomination for count in body.counts], step)
    votes: Counter[str] = Counter()
    for tally in valid.values():
        votes.update(tally)
    values = tuple(
        PanelResult(nomination=id, value=value, method=step.normalise, counted=votes[id])
        for id, value in result.values.items()
    )
    sealed = TallySealed(
        step=body.step,
        component=step.component,
        ballot=body.ballot,
        papers=body.papers,
        refused=body.refused,
        root=body.root,
        counts=body.counts,
        valid=body.valid,
        zeroed=tuple(sorted(run.zeroed)),
        values=values,
    )
    return Decision(events=(sealed,))


def _valid(body: SealTally, run: StepRun) -> dict[str, dict[str, int]]:
    """Valid votes by channel and nomination; a box that tells no channels has one."""
    channels = {one.channel: one.counts for one in body.valid} or {"": body.counts}
    return {
        channel: {one.nomination: 0 if one.nomination in run.zeroed else one.votes for one in counts}
        for channel, counts in channels.items()
    }


def _component(valid: dict[str, dict[str, int]], candidates: list[str], step: PublicVote) -> Normalised:
    """One tally of all papers, or each channel by itself and weighed; a channel without papers gives 0."""
    if not step.channels:
        totals = {id: sum(tally.get(id, 0) for tally in valid.values()) for id in candidates}
        return normalise(totals, step.normalise)
    zeros = dict.fromkeys(candidates, 0)
    tallies = {one.channel: zeros | valid.get(one.channel, {}) for one in step.channels}
    return combine_channels(tallies, {one.channel: one.share for one in step.channels}, step.normalise)


def counted_as(sealed: TallySealed, step: PublicVote, without: Collection[str] = ()) -> dict[str, Fraction]:
    """The component that a sealed tally would give under this step, without the papers of these channels."""
    channels = {one.channel: one.counts for one in sealed.valid} or {"": sealed.counts}
    valid = {
        channel: {one.nomination: 0 if one.nomination in sealed.zeroed else one.votes for one in counts}
        for channel, counts in channels.items()
        if channel not in without
    }
    return _component(valid, [one.nomination for one in sealed.counts], step).values
