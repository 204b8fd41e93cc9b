"""职代会: a unit's workers' congress votes on each member; its officer records the count and the minutes' hash (DR-12)."""

from __future__ import annotations

from domain.decision import NOTHING, Decision
from domain.round import State, must_be_asked, must_be_current, run_of
from domain.scoring import VoteCount, meets, vote_result
from domain.steps import (
    Inputs,
    asked_about,
    close,
    close_for_nobody,
    cut_off,
    cycle_guard,
    elapsed,
    going,
    head_guards,
    hold,
    leave,
    present,
    window_guards,
)
from schemas.commands import Command, RecordCongress
from schemas.errors import Refused
from schemas.events import CongressRecorded, CongressVote, Dropped, SessionInvalidated
from schemas.programme import Congress


def record_congress(
    state: State, command: Command, body: RecordCongress, step: Congress, grant: str
) -> Decision:
    """Counts that cannot be are refused: for + against + abstain ≤ present ≤ entitled; a later record replaces it.

    A session without its quorum is invalid at once, unless the programme says that then everybody is out.
    """
    run = must_be_current(state, step.id, body.kind)
    for vote in body.votes:
        _must_be_possible(state, body, vote)
    named = [vote.nomination for vote in body.votes]
    if len(set(named)) != len(named):
        raise Refused(
            "COUNT_IMPOSSIBLE", nomination=", ".join(named), entitled=body.entitled, present=body.present
        )
    recorded = CongressRecorded(**body.model_dump(exclude={"kind"}))
    guards = (cycle_guard(command),) if run.held else window_guards(state, command, step.id)
    decision = Decision(events=(recorded,), guards=guards, grant=grant)
    if _quorate(recorded, step) or step.without_quorum == "out":
        return decision
    void = SessionInvalidated(step=step.id, present=body.present, entitled=body.entitled)
    return decision.then(Decision(events=(void,)))


def _must_be_possible(state: State, body: RecordCongress, vote: CongressVote) -> None:
    if vote.nomination not in state.members:
        raise Refused("NOT_A_MEMBER", nomination=vote.nomination, round=state.stream)
    must_be_asked(state, body.step, vote.nomination)
    counts = (vote.approve, vote.against, vote.abstain)
    if min(counts) < 0 or not sum(counts) <= body.present <= body.entitled:
        raise Refused(
            "COUNT_IMPOSSIBLE", nomination=vote.nomination, entitled=body.entitled, present=body.present
        )


def close_congress(state: State, command: Command, inputs: Inputs, step: Congress) -> Decision:
    """Ripe once everybody was voted on; without a valid record the step waits for people."""
    asked = asked_about(state, inputs, step.id)
    if not asked:
        return close_for_nobody(state, command, inputs, step.id)
    record = run_of(state, step.id).congress
    votes = {vote.nomination: vote for vote in record.votes} if record else {}
    members = [id for id in going(state, inputs) if id in asked]
    over = elapsed(state, step.id, command.received_at)
    lacking = [id for id in members if id not in votes]
    if record is None or lacking:
        return hold(state, step.id, "CONGRESS_UNRECORDED", lacking) if over else NOTHING
    if not over and len(members) < len(asked):
        return NOTHING
    out = [
        Dropped(nomination=id, reason=reason)
        for id in members
        for reason in [_reason_out(record, votes[id], step)]
        if reason
    ]
    guards = (cycle_guard(command), *head_guards(present(state, inputs).values(), command))
    cut = cut_off(state, inputs, run_of(state, step.id).passed)
    left = leave(state, command, step.id, (*cut, *out))
    end = close(state, command, inputs, step.id, "elapsed" if over else "complete")
    return Decision(guards=guards).then(left).then(end)


def _reason_out(record: CongressRecorded, vote: CongressVote, step: Congress) -> str:
    if not _quorate(record, step):
        return "CONGRESS_WITHOUT_QUORUM"
    count = VoteCount(
        entitled=record.entitled,
        present=record.present,
        approve=vote.approve,
        reject=vote.against,
        abstain=vote.abstain,
    )
    threshold = step.threshold
    share = threshold.share
    result = vote_result(count, threshold.base, share.numerator, share.denominator, threshold.comparator)
    return "" if result.passed else "CONGRESS_NOT_PASSED"


def _quorate(record: CongressRecorded, step: Congress) -> bool:
    quorum = step.quorum
    return meets(
        record.present, record.entitled, quorum.numerator, quorum.denominator, step.quorum_comparator
    )
