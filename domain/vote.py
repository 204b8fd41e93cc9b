"""The public vote of a round: a ballot opens, closes exactly, and its sealed tally becomes one component."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, time, timedelta
from fractions import Fraction

from domain.decision import NOTHING, Decision
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
    hold,
    leave,
    open_window,
    present,
)
from schemas import names
from schemas.commands import Command, PublishCounts, SealTally
from schemas.errors import Refused
from schemas.events import (
    AdjudicationOpened,
    BallotOpened,
    ChannelCounts,
    CountsPublished,
    Dropped,
    PanelResult,
    StepOpened,
    TallySealed,
)
from schemas.programme import CANDIDATES_MAX, PublicVote
from schemas.values import SHANGHAI

Channels = dict[str, dict[str, int]]  # channel → nomination → votes


def open_vote(state: State, command: Command, inputs: Inputs, step: PublicVote) -> Decision:
    """The paper's candidates are frozen with the window; the ballot's id is its gate's (DR-21).

    Held TOO_MANY_CANDIDATES, without a window, while there are more than a ballot can name.
    """
    candidates = going(state, inputs)
    if len(candidates) > CANDIDATES_MAX:
        return _too_many(state, command, step, len(candidates))
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


def _too_many(state: State, command: Command, step: PublicVote, count: int) -> Decision:
    """No ballot is opened: who is not to stand must leave first, and the engine never chooses them."""
    held = hold(state, step.id, "TOO_MANY_CANDIDATES", detail=f"takes {CANDIDATES_MAX}, has {count}")
    if not held.events:
        return NOTHING
    opened = StepOpened(step=step.id, type=step.type)
    return Decision(events=(opened,), guards=(cycle_guard(command),)).then(held)


def display_at(step: PublicVote, run: StepRun, now: datetime) -> datetime | None:
    """The latest time at which counts were to be shown, while the vote is on; None where they are hidden, or as yet.

    Until the tally is sealed whoever shows a count shows `run.shown`, calls it provisional, and shows nothing newer.
    """
    return max((at for at in _display_times(step, run) if at <= now), default=None)


def next_display(step: PublicVote, run: StepRun, now: datetime) -> datetime | None:
    """The next such time."""
    return min((at for at in _display_times(step, run) if at > now), default=None)


def undisplayed(step: PublicVote, run: StepRun, now: datetime) -> datetime | None:
    """That time, if the vote is on and its counts were not shown yet."""
    due = display_at(step, run, now)
    shown = run.shown is not None and due is not None and run.shown.at >= due
    return None if run.closed_at is not None or shown else due


def _display_times(step: PublicVote, run: StepRun) -> Iterator[datetime]:
    """Within the window, each day at the programme's times in Shanghai."""
    if step.display is None or run.window is None:
        return
    opens, closes = (one.astimezone(SHANGHAI) for one in (run.window.opens_at, run.window.closes_at))
    for day in range((closes.date() - opens.date()).days + 1):
        for written in step.display.at:
            at = datetime.combine(opens.date() + timedelta(days=day), time.fromisoformat(written), SHANGHAI)
            if opens < at < closes:
                yield at


def publish_counts(state: State, command: Command, body: PublishCounts, step: PublicVote) -> Decision:
    """Provisional counts, once a time that the programme sets."""
    run = run_of(state, step.id)
    if undisplayed(step, run, command.received_at) != body.at:
        return NOTHING
    published = CountsPublished(step=step.id, at=body.at, counts=body.counts)
    return Decision(events=(published,), guards=(cycle_guard(command),))


def close_vote(state: State, command: Command, inputs: Inputs, step: PublicVote) -> Decision:
    """Closing takes the gate's row from every paper in flight; the tally is sealed only afterwards.

    A vote that was held for its candidates opens instead, as soon as a ballot can name them.
    """
    run = run_of(state, step.id)
    if run.window is None:
        return open_vote(state, command, inputs, step)
    if run.closed_at or "" in run.frozen or not elapsed(state, step.id, command.received_at):
        return NOTHING
    closed = Decision(guards=(cycle_guard(command),)).then(close(state, command, inputs, step.id, "elapsed"))
    if step.adjudication is None:
        return closed
    until = inputs.calendar.end(command.received_at, step.adjudication)
    return closed.then(Decision(events=(AdjudicationOpened(step=step.id, closes_at=until),)))


def seal_tally(state: State, command: Command, body: SealTally, step: PublicVote) -> Decision:
    """The sealed tally, normalised on 0 to 100 (DR-19, DR-22, DR-24); not before its adjudication is over (DR-23).

    Whoever is disqualified for stuffing leaves with it: until then everything could be taken back.
    """
    if step.component in state.components:
        return NOTHING
    run = run_of(state, step.id)
    if run.closed_at is None:
        raise Refused("BALLOT_OPEN", ballot=body.ballot)
    if run.seals_at is not None and not run.adjudicated:
        return NOTHING
    values = _values(_valid(body, run), body, step)
    before = _values(_by_channel(body.channels, body), body, step)
    sealed = TallySealed(
        step=body.step,
        component=step.component,
        ballot=body.ballot,
        papers=body.papers,
        refused=body.refused,
        root=body.root,
        uncounted_root=body.uncounted_root,
        rules_hash=body.rules_hash,
        counts=body.counts,
        channels=body.channels or None,
        valid=body.valid,
        zeroed=tuple(sorted(run.zeroed)),
        values=values,
        before=before if before != values else None,
    )
    struck = [Dropped(nomination=id, reason="VOTES_STUFFED") for id in state.members if id in run.struck]
    return Decision(events=(sealed,)).then(leave(state, command, step.id, struck))


def _values(valid: Channels, body: SealTally, step: PublicVote) -> tuple[PanelResult, ...]:
    """The component of each candidate, and how many votes it comes from."""
    votes: Counter[str] = Counter()
    for tally in valid.values():
        votes.update(tally)
    result = _component(valid, [count.nomination for count in body.counts], step)
    return tuple(
        PanelResult(nomination=id, value=value, method=step.normalise, counted=votes[id])
        for id, value in result.values.items()
    )


def _by_channel(told: tuple[ChannelCounts, ...], tally: SealTally | TallySealed) -> Channels:
    """Votes by channel and nomination; a box that tells no channels has one. None of the papers may be valid."""
    by_channel = {one.channel: one.counts for one in told}
    if not told and not tally.channels:
        by_channel = {"": tally.counts}
    return {name: {one.nomination: one.votes for one in counts} for name, counts in by_channel.items()}


def _valid(body: SealTally, run: StepRun) -> Channels:
    """Of these, the valid ones."""
    return {
        channel: {id: 0 if id in run.zeroed else votes for id, votes in tally.items()}
        for channel, tally in _by_channel(body.valid, body).items()
    }


def _component(valid: Channels, candidates: list[str], step: PublicVote) -> Normalised:
    """One tally of all papers, or each channel by itself and weighed; a channel without papers gives 0."""
    if not step.channels:
        totals = {id: sum(tally.get(id, 0) for tally in valid.values()) for id in candidates}
        return normalise(totals, step.normalise)
    zeros = dict.fromkeys(candidates, 0)
    tallies = {one.channel: zeros | valid.get(one.channel, {}) for one in step.channels}
    return combine_channels(tallies, {one.channel: one.share for one in step.channels}, step.normalise)


def counted_as(sealed: TallySealed, step: PublicVote, without: Collection[str] = ()) -> dict[str, Fraction]:
    """The component that a sealed tally would give under this step, without the papers of these channels."""
    valid = {
        channel: {id: 0 if id in sealed.zeroed else votes for id, votes in counts.items()}
        for channel, counts in _by_channel(sealed.valid, sealed).items()
        if channel not in without
    }
    return _component(valid, [one.nomination for one in sealed.counts], step).values
