"""The public vote of a round: a ballot opens, closes exactly, and its sealed tally becomes one component."""

from __future__ import annotations

from domain.decision import NOTHING, Decision
from domain.round import State, run_of
from domain.scoring import normalise
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
from schemas import names
from schemas.commands import Command, SealTally
from schemas.errors import Refused
from schemas.events import BallotOpened, PanelResult, StepOpened, TallySealed
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
    return Decision(guards=(cycle_guard(command),)).then(close(state, command, inputs, step.id, "elapsed"))


def seal_tally(state: State, body: SealTally, step: PublicVote) -> Decision:
    """The sealed tally, normalised on 0 to 100 (DR-19, DR-22)."""
    if step.component in state.components:
        return NOTHING
    if run_of(state, step.id).closed_at is None:
        raise Refused("BALLOT_OPEN", ballot=body.ballot)
    tally = normalise({count.nomination: count.votes for count in body.counts}, step.normalise)
    votes = {count.nomination: count.votes for count in body.counts}
    values = tuple(
        PanelResult(nomination=id, value=value, method=step.normalise, counted=votes[id])
        for id, value in tally.values.items()
    )
    sealed = TallySealed(
        step=body.step,
        component=step.component,
        ballot=body.ballot,
        papers=body.papers,
        refused=body.refused,
        root=body.root,
        counts=body.counts,
        values=values,
    )
    return Decision(events=(sealed,))
