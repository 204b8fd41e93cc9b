"""A panel judges: formed, recused, its sheets handed in sealed, closed into one component by score or by vote."""

from __future__ import annotations

from fractions import Fraction

from domain import authority
from domain.decision import NOTHING, Decision, two_people
from domain.round import State, must_be_current, run_of
from domain.scoring import PanelHold, count_votes, meets, on_hundred, panel_score, parse_score, vote_result
from domain.steps import (
    Inputs,
    close,
    cycle_guard,
    elapsed,
    ended,
    gone,
    head_guards,
    hold,
    leave,
    present,
    window_guards,
)
from schemas.commands import Command, FormPanel, HandInSheet, Recuse, ReplaceJudge, WrittenMark
from schemas.errors import Refused
from schemas.events import (
    Dropped,
    JudgeRecused,
    JudgeReplaced,
    Mark,
    PanelClosed,
    PanelFormed,
    PanelResult,
    SheetHandedIn,
)
from schemas.programme import ExpertReview


def form_panel(state: State, command: Command, body: FormPanel, step: ExpertReview, grant: str) -> Decision:
    """DR-13: as many different judges as the programme says, before the first sheet."""
    run = must_be_current(state, step.id, body.kind)
    if len(set(body.judges)) != step.panel_size or len(body.judges) != step.panel_size:
        raise Refused("PANEL_SIZE", needed=step.panel_size, have=len(set(body.judges)))
    if run.judges:
        if run.judges == body.judges:
            return NOTHING
        raise Refused("PANEL_FORMED", step=step.id)
    formed = PanelFormed(step=step.id, judges=body.judges)
    return Decision(events=(formed,), guards=window_guards(state, command, step.id), grant=grant)


def replace_judge(
    state: State, command: Command, body: ReplaceJudge, step: ExpertReview, grant: str
) -> Decision:
    run = must_be_current(state, step.id, body.kind)
    if body.judge not in run.judges or body.by in run.judges:
        raise Refused("NOT_ON_PANEL", actor=body.judge)
    replaced = JudgeReplaced(step=step.id, judge=body.judge, by=body.by, reason=body.reason)
    return Decision(
        events=two_people(state, command, (replaced,)), guards=(cycle_guard(command),), grant=grant
    )


def recuse(state: State, command: Command, body: Recuse, inputs: Inputs, step: ExpertReview) -> Decision:
    """A judge steps back from one nomination; what was written of it counts no more (回避, DR-13)."""
    run = must_be_current(state, step.id, body.kind)
    grant = _as_judge(state, command, inputs, step)
    if body.nomination not in state.members:
        raise Refused("NOT_A_MEMBER", nomination=body.nomination, round=state.stream)
    if (command.actor.id, body.nomination) in run.recused:
        return NOTHING
    recused = JudgeRecused(
        step=step.id, judge=command.actor.id, nomination=body.nomination, reason=body.reason
    )
    return Decision(events=(recused,), guards=window_guards(state, command, step.id), grant=grant)


def hand_in_sheet(
    state: State, command: Command, body: HandInSheet, inputs: Inputs, step: ExpertReview
) -> Decision:
    """DR-14, DR-16: marks off the scale are refused one by one and the rest of the sheet stands."""
    run = must_be_current(state, step.id, body.kind)
    grant = _as_judge(state, command, inputs, step)
    marks: list[Mark] = []
    refused: list[Dropped] = []
    for written in body.marks:
        try:
            marks.append(_mark(state, command.actor.id, run.recused, written, step))
        except Refused as fault:
            refused.append(Dropped(nomination=written.nomination, reason=fault.code))
            if len(refused) == len(body.marks):
                raise
    sheet = SheetHandedIn(step=step.id, judge=command.actor.id, marks=tuple(marks), refused=tuple(refused))
    return Decision(events=(sheet,), guards=window_guards(state, command, step.id), grant=grant)


def _as_judge(state: State, command: Command, inputs: Inputs, step: ExpertReview) -> str:
    assert state.opened is not None
    if command.actor.id not in run_of(state, step.id).judges:
        raise Refused("NOT_ON_PANEL", actor=command.actor.id)
    return authority.authorize(
        inputs.authority, inputs.tree, command.actor, command.body.kind, state.opened.unit
    )


def _mark(
    state: State, judge: str, recused: frozenset[tuple[str, str]], written: WrittenMark, step: ExpertReview
) -> Mark:
    if written.nomination not in state.members:
        raise Refused("NOT_A_MEMBER", nomination=written.nomination, round=state.stream)
    if (judge, written.nomination) in recused:
        raise Refused("RECUSED", actor=judge, nomination=written.nomination)
    if step.mode == "vote":
        if written.vote is None:
            raise Refused("VOTE_MISSING", nomination=written.nomination)
        return Mark(nomination=written.nomination, vote=written.vote)
    assert step.scale is not None
    scale = step.scale
    score = parse_score(written.score or "", scale.minimum, scale.maximum, scale.step)
    return Mark(nomination=written.nomination, score=score)


def complete(state: State, step: ExpertReview) -> bool:
    """Whether every judge has marked every member from whom they are not recused."""
    run = run_of(state, step.id)
    return bool(run.judges) and all(
        nomination in run.sheets.get(judge, {}) or (judge, nomination) in run.recused
        for judge in run.judges
        for nomination in state.members
    )


def close_review(
    state: State, command: Command, inputs: Inputs, step: ExpertReview, early: str = ""
) -> Decision:
    """DR-15: without a quorum the session does not count and waits for people; sheets stay sealed.

    `early` is why it should end now: refused with QUORUM_UNMET or SCORES_MISSING where it would be held.
    """
    if not state.members:
        return close(state, command, inputs, step.id, "complete")
    over = elapsed(state, step.id, command.received_at)
    whole = complete(state, step)
    if not over and not whole and not early:
        return NOTHING
    run = run_of(state, step.id)
    quorum = step.quorum
    if not meets(
        len(run.sheets), step.panel_size, quorum.numerator, quorum.denominator, step.quorum_comparator
    ):
        if early:
            raise Refused("QUORUM_UNMET", step=step.id, present=len(run.sheets), entitled=step.panel_size)
        return hold(state, step.id, "QUORUM_UNMET", detail=f"{len(run.sheets)}/{step.panel_size}")
    results = [_result(state, id, step) for id in present(state, inputs)]
    missing = [result.nomination for result in results if isinstance(result, _Missing)]
    if missing:
        if early:
            raise Refused("SCORES_MISSING", nominations=", ".join(missing))
        return hold(state, step.id, "SCORES_MISSING", missing)
    values = tuple(result for result in results if isinstance(result, PanelResult))
    closed = PanelClosed(
        step=step.id,
        component=step.component,
        present=len(run.sheets),
        entitled=step.panel_size,
        results=values,
    )
    failed = [
        Dropped(nomination=one.nomination, reason="VOTE_NOT_PASSED") for one in values if not one.passed
    ]
    guards = (cycle_guard(command), *head_guards(present(state, inputs).values(), command))
    left = leave(state, command, step.id, (*gone(state, inputs), *failed))
    how = "complete" if whole and not early else ended(over, early)
    end = close(state, command, inputs, step.id, how, early)
    return Decision(events=(closed,), guards=guards).then(left).then(end)


class _Missing:
    def __init__(self, nomination: str) -> None:
        self.nomination = nomination


def _result(state: State, nomination: str, step: ExpertReview) -> PanelResult | _Missing:
    run = run_of(state, step.id)
    away = [judge for judge in run.judges if (judge, nomination) in run.recused]
    marks = {
        judge: sheet[nomination]
        for judge, sheet in run.sheets.items()
        if judge not in away and nomination in sheet
    }
    if step.mode == "vote":
        return _voted(state, nomination, step, marks, away)
    assert step.scale is not None
    trim = step.trim
    scored = panel_score(
        [mark.score for mark in marks.values() if mark.score is not None],
        drop=trim.drop if trim else 0,
        min_left=trim.min_left if trim else 1,
        scores_min=step.scores_min,
    )
    if isinstance(scored, PanelHold):
        return _Missing(nomination)
    return PanelResult(
        nomination=nomination,
        value=on_hundred(scored.value, step.scale.maximum),
        method=scored.method,
        counted=scored.counted,
        dropped=scored.dropped,
        recused=len(away),
    )


def _voted(
    state: State, nomination: str, step: ExpertReview, marks: dict[str, Mark], away: list[str]
) -> PanelResult:
    run = run_of(state, step.id)
    assert step.threshold is not None
    votes = {judge: mark.vote for judge, mark in marks.items() if mark.vote is not None}
    count = count_votes(votes, run.judges, list(run.sheets), away)
    share = step.threshold.share
    result = vote_result(
        count, step.threshold.base, share.numerator, share.denominator, step.threshold.comparator
    )
    return PanelResult(
        nomination=nomination,
        value=on_hundred(Fraction(result.yes), Fraction(max(result.base, 1))),
        method="vote",
        counted=count.cast,
        recused=len(away),
        passed=result.passed,
    )
