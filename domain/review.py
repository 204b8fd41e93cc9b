"""A panel judges: sheets handed in sealed or typed twice, recusals early and late, closed into components by score or vote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from domain import groups, panel
from domain.decision import NOTHING, Decision
from domain.groups import Sitting
from domain.round import State, StepRun, asked, evolve, judges_of, must_be_asked, must_be_current, run_of
from domain.scoring import (
    PanelHold,
    PanelScore,
    composite,
    count_votes,
    meets,
    on_hundred,
    panel_score,
    parse_score,
    vote_result,
)
from domain.steps import (
    Inputs,
    asked_about,
    close,
    close_for_nobody,
    cut_off,
    cycle_guard,
    elapsed,
    ended,
    going,
    head_guards,
    hold,
    leave,
    present,
    set_aside,
    window_guards,
)
from schemas.commands import Command, DeclareTies, EnterSheet, HandInSheet, Recuse, WaiveRules, WrittenMark
from schemas.errors import Refused
from schemas.events import (
    ComponentScore,
    Dropped,
    GroupSession,
    JudgeRecused,
    Mark,
    PanelClosed,
    PanelResult,
    SessionInvalidated,
    SheetDiscrepancy,
    SheetEntered,
    SheetHandedIn,
)
from schemas.programme import Conferral, ExpertReview, Publicity, Selection
from schemas.programme import Decision as DecisionStep

TRIM = "trim"
"""What the demand for enough scores to trim is called among the rules that two people waive."""


def recuse(state: State, command: Command, body: Recuse, inputs: Inputs, step: ExpertReview) -> Decision:
    """A judge steps back from one nomination; what was written of it counts no more (回避, DR-13)."""
    grant = panel.as_judge(state, command, inputs, step)
    recused = JudgeRecused(
        step=step.id, judge=command.actor.id, nomination=body.nomination, reason=body.reason
    )
    fresh = () if (recused.judge, recused.nomination) in run_of(state, step.id).recused else (recused,)
    return _recused(state, command, inputs, step, fresh, grant, body.kind)


def declare_ties(
    state: State, command: Command, body: DeclareTies, inputs: Inputs, step: ExpertReview
) -> Decision:
    """Kin, mentors, nominators, co-applicants and one's own unit are not judged by oneself (DR-13)."""
    grant, recused = panel.declared_ties(state, command, body, inputs, step)
    return _recused(state, command, inputs, step, recused, grant, body.kind)


def _recused(
    state: State,
    command: Command,
    inputs: Inputs,
    step: ExpertReview,
    recused: tuple[JudgeRecused, ...],
    grant: str,
    action: str,
) -> Decision:
    """Recorded while the panel sits, or its step waits for people; after its close the result is computed again, unless a selection rests on it."""
    run = run_of(state, step.id)
    late = run.panel is not None
    if not late:
        must_be_current(state, step.id, action)
    for one in recused:
        if one.nomination not in state.members:
            raise Refused("NOT_A_MEMBER", nomination=one.nomination, round=state.stream)
    if not recused:
        return NOTHING
    if late:
        return _recompute(state, command, inputs, step, recused, grant)
    guards = (cycle_guard(command),) if run.held else window_guards(state, command, step.id)
    return Decision(events=recused, guards=guards, grant=grant)


def _recompute(
    state: State,
    command: Command,
    inputs: Inputs,
    step: ExpertReview,
    recused: tuple[JudgeRecused, ...],
    grant: str,
) -> Decision:
    """DR-13: declared late, the judge's marks on that subject are void and the panel has a new result."""
    before = run_of(state, step.id).panel
    assert before is not None
    if state.over or _decided_on(state, inputs, step):
        raise Refused("RECUSAL_TOO_LATE", step=step.id)
    for event in recused:
        state = evolve(state, event, command.received_at)
    results = _results(state, [one.nomination for one in before.results], step)
    here = [one for one in results if one.nomination in state.members]
    missing = [one.nomination for one in here if isinstance(one, _Missing)]
    if missing:
        raise Refused("RECUSAL_LEAVES_TOO_FEW", nominations=", ".join(missing))
    told = results if before.groups else here  # a group's scale rests also on those who have left since
    values = tuple(one for one in told if isinstance(one, PanelResult))
    again = {"results": values, "version": before.version + 1, "flags": groups.all_zero(values) or None}
    closed = before.model_copy(update=again)
    guards = (cycle_guard(command),)
    decision = Decision(events=(*recused, closed), guards=guards, grant=grant)
    failed = [one for one in _failed(values) if one.nomination in state.members]
    return decision.then(leave(state, command, step.id, failed))


def _decided_on(state: State, inputs: Inputs, step: ExpertReview) -> bool:
    """Whether the result went into a selection that is made, a list that is published, or what a body did."""
    later = inputs.stage.steps[inputs.stage.steps.index(step) + 1 :]
    opened = any(isinstance(one, Publicity) and one.id in state.steps for one in later)
    return opened or any(
        isinstance(one, Selection | DecisionStep | Conferral) and run_of(state, one.id).closed_at
        for one in later
    )


# ---- sheets ----


def hand_in_sheet(
    state: State, command: Command, body: HandInSheet, inputs: Inputs, step: ExpertReview
) -> Decision:
    """DR-14, DR-16: marks off the scale are refused one by one and the rest of the sheet stands.

    So are those of members to whom the judge has been tied since the panel was formed (DR-13).
    """
    must_be_current(state, step.id, body.kind)
    grant = panel.as_judge(state, command, inputs, step)
    if step.scorekeepers:
        raise Refused("SCOREKEEPERS_ENTER", step=step.id)
    recused = panel.recused_of(state, inputs, step.id, (command.actor.id,))
    for event in recused:
        state = evolve(state, event, command.received_at)
    marks, refused = _marks(state, command.actor.id, body.marks, step)
    sheet = SheetHandedIn(step=step.id, judge=command.actor.id, marks=marks, refused=refused)
    return Decision(events=(sheet, *recused), guards=window_guards(state, command, step.id), grant=grant)


def enter_sheet(
    state: State, command: Command, body: EnterSheet, inputs: Inputs, step: ExpertReview, grant: str
) -> Decision:
    """DR-16: a sheet counts once two scorekeepers, who judge nothing, typed the same.

    Here one bad mark refuses the entry: the keeper has the paper at hand and types it again.
    """
    run = must_be_current(state, step.id, body.kind)
    keeper = command.actor.id
    if not step.scorekeepers:
        raise Refused("STAGE_MISMATCH", current=step.id, action=body.kind)
    if body.judge not in run.judges:
        raise Refused("NOT_ON_PANEL", actor=body.judge)
    if keeper in run.judges:
        raise Refused("KEEPER_IS_JUDGE", actor=keeper)
    recused = panel.recused_of(state, inputs, step.id, (body.judge,))
    for event in recused:
        state = evolve(state, event, command.received_at)
    away = run_of(state, step.id).recused
    marks = tuple(_mark(state, body.judge, away, one, step) for one in body.marks)
    entered = SheetEntered(step=step.id, judge=body.judge, keeper=keeper, marks=marks)
    guards = window_guards(state, command, step.id)
    state = evolve(state, entered, command.received_at)
    compared = _compared(state, step, body.judge, keeper)
    return Decision(events=(entered, *compared, *recused), guards=guards, grant=grant)


def _compared(
    state: State, step: ExpertReview, judge: str, keeper: str
) -> tuple[SheetHandedIn | SheetDiscrepancy, ...]:
    """The sheet, if another keeper typed the same; where nobody did, how the entries differ from this one."""
    entries = run_of(state, step.id).entries[judge]
    mine = entries[keeper]
    others = {other: sheet for other, sheet in entries.items() if other != keeper}
    if not others:
        return ()
    if mine in others.values():
        return (SheetHandedIn(step=step.id, judge=judge, marks=tuple(mine.values())),)
    differ = {
        id for sheet in others.values() for id in mine.keys() | sheet.keys() if mine.get(id) != sheet.get(id)
    }
    return (
        SheetDiscrepancy(
            step=step.id, judge=judge, keepers=tuple(sorted(entries)), nominations=tuple(sorted(differ))
        ),
    )


def _marks(
    state: State, judge: str, written: tuple[WrittenMark, ...], step: ExpertReview
) -> tuple[tuple[Mark, ...], tuple[Dropped, ...]]:
    """The good marks and the codes of the bad ones; Refused with the last code where none is good."""
    recused = run_of(state, step.id).recused
    marks: list[Mark] = []
    refused: list[Dropped] = []
    for one in written:
        try:
            marks.append(_mark(state, judge, recused, one, step))
        except Refused as fault:
            refused.append(Dropped(nomination=one.nomination, reason=fault.code))
            if len(refused) == len(written):
                raise
    return tuple(marks), tuple(refused)


def _mark(
    state: State, judge: str, recused: frozenset[tuple[str, str]], written: WrittenMark, step: ExpertReview
) -> Mark:
    if written.nomination not in state.members:
        raise Refused("NOT_A_MEMBER", nomination=written.nomination, round=state.stream)
    must_be_asked(state, step.id, written.nomination)
    if judge not in judges_of(run_of(state, step.id), written.nomination):
        raise Refused("NOT_IN_GROUP", actor=judge, nomination=written.nomination)
    if (judge, written.nomination) in recused:
        raise Refused("RECUSED", actor=judge, nomination=written.nomination)
    if step.mode == "vote":
        if written.vote is None:
            raise Refused("VOTE_MISSING", nomination=written.nomination)
        return Mark(nomination=written.nomination, vote=written.vote)
    if step.rubric:
        return _by_rubric(written, step)
    return Mark(nomination=written.nomination, score=_score(written.score or "", step))


def _by_rubric(written: WrittenMark, step: ExpertReview) -> Mark:
    """The score is the weighted sum of the criteria, each on the step's scale."""
    texts = {part.criterion: part.score for part in written.parts}
    wanted = [one.id for one in step.rubric]
    if written.score is not None or sorted(texts) != sorted(wanted) or len(texts) != len(written.parts):
        raise Refused("CRITERIA_MISSING", nomination=written.nomination, criteria=", ".join(wanted))
    parts = tuple(ComponentScore(component=one.id, value=_score(texts[one.id], step)) for one in step.rubric)
    score = composite({one.component: one.value for one in parts}, {one.id: one.share for one in step.rubric})
    return Mark(nomination=written.nomination, score=score, parts=parts)


def _score(text: str, step: ExpertReview) -> Fraction:
    assert step.scale is not None
    return parse_score(text, step.scale.minimum, step.scale.maximum, step.scale.step)


def marked_by(state: State, step: str, judge: str) -> tuple[str, ...]:
    """The members whom a judge is to mark; Refused NOT_ON_PANEL."""
    run = run_of(state, step)
    if judge not in run.judges:
        raise Refused("NOT_ON_PANEL", actor=judge)
    return tuple(
        id for id in asked(state, step) if judge in judges_of(run, id) and (judge, id) not in run.recused
    )


def complete(state: State, step: ExpertReview) -> bool:
    """Whether every judge has marked every member whom they judge, as far as the step asks about them, and from whom they are not recused."""
    run = run_of(state, step.id)
    return bool(run.judges) and all(
        nomination in run.sheets.get(judge, {}) or (judge, nomination) in run.recused
        for sitting in groups.sittings(run, asked(state, step.id))
        for judge in sitting.judges
        for nomination in sitting.members
    )


def close_review(
    state: State, command: Command, inputs: Inputs, step: ExpertReview, early: str = ""
) -> Decision:
    """DR-15: without a quorum the session is invalid, its sheets stay sealed and it is held again.

    Marks on members to whom their judge is tied by now count for nothing, whenever they were handed in (DR-13).
    `early` is why it should end now: refused with QUORUM_UNMET, SCORES_MISSING or TOO_FEW_TO_TRIM where it would be held.
    """
    here = asked_about(state, inputs, step.id)
    if not here:
        return close_for_nobody(state, command, inputs, step.id, early)
    recused = panel.recused_of(state, inputs, step.id, run_of(state, step.id).judges)
    for event in recused:
        state = evolve(state, event, command.received_at)
    over = elapsed(state, step.id, command.received_at)
    members = [id for id in going(state, inputs) if id in here]
    whole = complete(state, step) and len(members) == len(here)
    if not over and not whole and not early:
        return NOTHING
    run = run_of(state, step.id)
    if unmet := without_quorum(run, step, members):
        if early:
            group = unmet[0].group
            have, where = len(groups.attending(run, group)), f"{step.id}/{group}" if group else step.id
            raise Refused("QUORUM_UNMET", step=where, present=have, entitled=step.panel_size)
        return _with(recused, _invalid(state, step, unmet))
    if step.chaired and not run.chair:
        return _with(recused, hold(state, step.id, "CHAIR_MISSING"))
    results = _results(state, members, step)
    missing = [result for result in results if isinstance(result, _Missing)]
    if missing:
        return _with(recused, _wanting(state, step, missing, early))
    closed = _closed(run, step, tuple(result for result in results if isinstance(result, PanelResult)))
    guards = (cycle_guard(command), *head_guards(present(state, inputs).values(), command))
    cut = cut_off(state, inputs, run.passed)
    left = leave(state, command, step.id, (*cut, *_failed(closed.results)))
    how = "complete" if whole and not early else ended(over, early)
    end = close(state, command, inputs, step.id, how, early)
    return Decision(events=(closed, *recused), guards=guards).then(left).then(end)


def _with(recused: tuple[JudgeRecused, ...], held: Decision) -> Decision:
    """What holds the step, and the ties for which it may be held."""
    return Decision(events=recused).then(held) if held.events else held


def _wanting(state: State, step: ExpertReview, missing: list[_Missing], early: str) -> Decision:
    """Held for people where marks are missing, or else too few of them to trim (DR-16); refused if it should end early."""
    trims = all(one.trims for one in missing)
    nominations = [one.nomination for one in missing if one.trims == trims]
    if early:
        raise Refused("TOO_FEW_TO_TRIM" if trims else "SCORES_MISSING", nominations=", ".join(nominations))
    if trims:
        return hold(state, step.id, "TOO_FEW_TO_TRIM", nominations)
    return hold(state, step.id, "SCORES_MISSING", nominations)


def waive_trim(state: State, command: Command, body: WaiveRules, step: ExpertReview, grant: str) -> Decision:
    """DR-16: whose scores are too few to trim has their plain mean; never by itself, two people say so."""
    run = must_be_current(state, step.id, body.kind)
    if run.held != "TOO_FEW_TO_TRIM":
        raise Refused("NOTHING_TO_RESOLVE", step=step.id)
    if body.rules != (TRIM,):
        raise Refused("NOT_FOUND", what=f"{state.stream}/{step.id}: {', '.join(body.rules)}")
    return set_aside(state, command, body, (TRIM,), grant)


def _closed(run: StepRun, step: ExpertReview, results: tuple[PanelResult, ...]) -> PanelClosed:
    sessions = tuple(
        GroupSession(group=group, present=len(groups.attending(run, group)), entitled=step.panel_size)
        for group in run.seated
    )
    return PanelClosed(
        step=step.id,
        component=step.component,
        present=len(run.sheets),
        entitled=len(run.judges) if run.seated else step.panel_size,
        results=results,
        groups=sessions or None,
        flags=groups.all_zero(results) or None,
    )


def without_quorum(run: StepRun, step: ExpertReview, members: Iterable[str]) -> tuple[Sitting, ...]:
    """The parts of the panel of which fewer handed in a sheet than the programme asks for (DR-15)."""
    share = step.quorum
    return tuple(
        sitting
        for sitting in groups.sittings(run, members)
        if not meets(
            len(groups.attending(run, sitting.group)),
            step.panel_size,
            share.numerator,
            share.denominator,
            step.quorum_comparator,
        )
    )


def _invalid(state: State, step: ExpertReview, unmet: tuple[Sitting, ...]) -> Decision:
    """Said once: it waits for people, who extend the window and hold the session again, that of a group by itself."""
    run = run_of(state, step.id)
    void = tuple(
        SessionInvalidated(
            step=step.id,
            present=len(groups.attending(run, one.group)),
            entitled=step.panel_size,
            group=one.group or None,
            judges=one.judges if one.group else None,
        )
        for one in unmet
    )
    said = (f"{one.group or ''} {one.present}/{one.entitled}".strip() for one in void)
    held = hold(state, step.id, "QUORUM_UNMET", detail=", ".join(said))
    return Decision(events=void).then(held) if held.events else NOTHING


def _failed(results: tuple[PanelResult, ...]) -> tuple[Dropped, ...]:
    return tuple(
        Dropped(nomination=one.nomination, reason="VOTE_NOT_PASSED") for one in results if not one.passed
    )


def results_of(state: State, nominations: Iterable[str], step: ExpertReview) -> dict[str, PanelResult | None]:
    """The results of these as the marks stand, each group's on one scale; None where there are too few marks (DR-16)."""
    results = _results(state, nominations, step)
    return {one.nomination: one if isinstance(one, PanelResult) else None for one in results}


def result_of(state: State, nomination: str, step: ExpertReview) -> PanelResult | None:
    """A member's result as it was measured; None where there are too few marks (DR-16)."""
    result = _result(state, nomination, step)
    return result if isinstance(result, PanelResult) else None


@dataclass(frozen=True, slots=True)
class _Missing:
    """A member without a result: marks are missing, or (`trims`) there are too few of them to trim."""

    nomination: str
    trims: bool


def _results(state: State, nominations: Iterable[str], step: ExpertReview) -> list[PanelResult | _Missing]:
    """Each as it was measured, and then each group's on one scale."""
    found = [_result(state, id, step) for id in nominations]
    measured = (one for one in found if isinstance(one, PanelResult))
    scaled = {one.nomination: one for one in groups.on_one_scale(run_of(state, step.id), step, measured)}
    return [scaled.get(one.nomination, one) for one in found]


def _result(state: State, nomination: str, step: ExpertReview) -> PanelResult | _Missing:
    run = run_of(state, step.id)
    away = [judge for judge in judges_of(run, nomination) if (judge, nomination) in run.recused]
    marks = {
        judge: sheet[nomination]
        for judge, sheet in run.sheets.items()
        if judge not in away and nomination in sheet
    }
    if step.mode == "vote":
        return _voted(state, nomination, step, marks, away)
    assert step.scale is not None
    scored = _mean([mark.score for mark in marks.values() if mark.score is not None], step, run)
    if isinstance(scored, PanelHold):
        return _Missing(nomination, trims=scored.reason == "TOO_FEW_TO_TRIM")
    return PanelResult(
        nomination=nomination,
        value=on_hundred(scored.value, step.scale.maximum),
        method=scored.method,
        counted=scored.counted,
        dropped=scored.dropped,
        recused=len(away),
        parts=_parts(marks, step, run) or None,
    )


def _mean(scores: list[Fraction], step: ExpertReview, run: StepRun) -> PanelScore | PanelHold:
    trim = step.trim
    return panel_score(
        scores,
        drop=trim.drop if trim else 0,
        min_left=trim.min_left if trim else 1,
        scores_min=step.scores_min,
        otherwise=trim.otherwise if trim and TRIM not in run.waived_rules else "mean",
    )


def _parts(marks: dict[str, Mark], step: ExpertReview, run: StepRun) -> tuple[ComponentScore, ...]:
    """Each criterion as the whole is, so that it can break a tie: on 0 to 100, under the component's name."""
    assert step.scale is not None
    parts = []
    for one in step.rubric:
        given = [
            part.value for mark in marks.values() for part in mark.parts or () if part.component == one.id
        ]
        scored = _mean(given, step, run)
        assert not isinstance(scored, PanelHold), "there are as many parts as scores"
        value = on_hundred(scored.value, step.scale.maximum)
        parts.append(ComponentScore(component=f"{step.component}_{one.id}", value=value))
    return tuple(parts)


def _voted(
    state: State, nomination: str, step: ExpertReview, marks: dict[str, Mark], away: list[str]
) -> PanelResult:
    run = run_of(state, step.id)
    assert step.threshold is not None
    votes = {judge: mark.vote for judge, mark in marks.items() if mark.vote is not None}
    here = groups.attending(run, run.grouped.get(nomination, ""))
    count = count_votes(votes, judges_of(run, nomination), here, away, step.recused_in_base)
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
