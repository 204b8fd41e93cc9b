"""How a round is conducted: it opens, freezes its pool, takes its steps in order, and reports upward."""

from __future__ import annotations

from dataclasses import replace

from domain import afterwards, authority, choice, conferral, entry, publicity, review, vote
from domain.decision import NOTHING, Decision, two_people
from domain.round import State, must_be_current, run_of
from domain.steps import Inputs, cycle_guard, leave, open_window, resumed, set_gate, tell
from schemas import names
from schemas.commands import (
    AmendRecommendation,
    CloseStep,
    CloseStepEarly,
    Command,
    Confer,
    Decide,
    ExtendStep,
    FormPanel,
    FreezePool,
    HandInSheet,
    InvalidateVotes,
    LapseRound,
    OpenRound,
    OpenStep,
    RearmStep,
    Recuse,
    ReplaceJudge,
    ReplyClearance,
    ReportRound,
    ResolveTie,
    RoundBody,
    SealTally,
    TakeOutcome,
    WaiveDifferential,
)
from schemas.errors import Refused
from schemas.events import (
    Dropped,
    RoundLapsed,
    RoundOpened,
    RoundReported,
    StepClosed,
    StepExtended,
    StepOpened,
    Window,
)
from schemas.ledger import SetGate
from schemas.programme import (
    Clearance,
    Conferral,
    Eligibility,
    Endorsement,
    ExpertReview,
    Intake,
    Publicity,
    PublicVote,
    Selection,
    Step,
)
from schemas.programme import Decision as DecisionStep

ENGINES_OWN = FreezePool | OpenStep | CloseStep | RearmStep | SealTally | ReportRound
"""What time or order drives: a round that is over answers these with nothing."""


def decide(state: State, command: Command, body: RoundBody, inputs: Inputs) -> Decision:
    """Raises Refused with the code of the rule that said no; engine commands that are not ripe give nothing."""
    match body:
        case OpenRound():
            return _open(state, command, inputs)
        case LapseRound():
            return _lapse(state, command, body)
    if state.opened is None:
        raise Refused("STAGE_MISMATCH", current="-", action=body.kind)
    if state.over and isinstance(body, ENGINES_OWN):
        return NOTHING
    match body:
        case ReportRound():
            return _report(state, command, inputs)
        case FreezePool():
            return entry.freeze_pool(state, command, inputs)
        case AmendRecommendation():
            return afterwards.amend(state, command, inputs)
    step = _declared(state, inputs, body.step)
    match body:
        case OpenStep():
            return _open_step(state, command, inputs, step)
        case CloseStep():
            return _close_step(state, command, inputs, step)
        case RearmStep():
            return _rearm(state, command, inputs, step)
        case SealTally():
            return vote.seal_tally(state, body, step) if isinstance(step, PublicVote) else NOTHING
        case _:
            return _by_people(state, command, body, inputs, step)


def _by_people(state: State, command: Command, body: RoundBody, inputs: Inputs, step: Step) -> Decision:
    assert state.opened is not None

    def grant() -> str:
        assert state.opened is not None
        return authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, state.opened.unit)

    match body, step:
        case FormPanel(), ExpertReview():
            return review.form_panel(state, command, body, step, grant())
        case ReplaceJudge(), ExpertReview():
            return review.replace_judge(state, command, body, step, grant())
        case Recuse(), ExpertReview():
            return review.recuse(state, command, body, inputs, step)
        case HandInSheet(), ExpertReview():
            return review.hand_in_sheet(state, command, body, inputs, step)
        case ReplyClearance(), Clearance():
            return entry.reply_clearance(state, command, body, inputs, step)
        case ResolveTie(), Selection() | Publicity():
            return choice.resolve_tie(state, command, body, step, grant())
        case WaiveDifferential(), Selection():
            return choice.waive_differential(state, command, body, step, grant())
        case Decide(), DecisionStep():
            return conferral.take_decision(state, command, body, inputs, step)
        case Confer(), Conferral():
            return conferral.confer(state, command, body, inputs, step)
        case InvalidateVotes(), PublicVote():
            return vote.invalidate(state, command, body, step, grant())
        case ExtendStep(), _:
            return _extend(state, command, body, inputs, grant())
        case CloseStepEarly(), Endorsement():
            must_be_current(state, step.id, body.kind)
            closed = entry.close_endorsement(state, command, inputs, step, early=True)
            return replace(closed, grant=grant())
        case CloseStepEarly(), Publicity():
            raise Refused("PUBLICITY_NEVER_SHORTENED", step=step.id)
        case _:
            raise Refused("STAGE_MISMATCH", current=f"{step.id} ({step.type})", action=body.kind)


# ---- the round itself ----


def _open(state: State, command: Command, inputs: Inputs) -> Decision:
    if state.opened is not None:
        return NOTHING
    _, _, route, unit = command.stream.split("/")
    due = inputs.stage.reports_within
    opened = RoundOpened(
        round=command.stream,
        unit=unit,
        rank=inputs.tree.by_code[unit].rank,
        route=route,
        children=inputs.work_below,
        reports_due=inputs.calendar.end(command.received_at, due) if due and inputs.work_below else None,
    )
    return Decision(events=(opened,), guards=(cycle_guard(command),))


def _lapse(state: State, command: Command, body: LapseRound) -> Decision:
    """Whoever was still in it, or in its reserve, goes no further."""
    if state.over:
        return NOTHING
    told = tuple(
        tell(
            state,
            command,
            id,
            TakeOutcome(
                round=state.stream,
                round_seq=state.seq + 1,
                outcome="eliminated",
                step=state.current,
                reason="ROUND_LAPSED",
            ),
        )
        for id in (*state.members, *state.standby)
    )
    return Decision(events=(RoundLapsed(reason=body.reason),), effects=told)


def _report(state: State, command: Command, inputs: Inputs) -> Decision:
    """What flows up; at the summit the reserve lapses here, below it waits for the parent's cut-off."""
    assert state.opened is not None
    at_summit = state.opened.rank == inputs.programme.summit
    reported = RoundReported(
        recommended=tuple(state.members), reserve=tuple(state.standby), conferred=state.certificates
    )
    told = tuple(
        tell(state, command, id, TakeOutcome(round=state.stream, round_seq=state.seq + 1, outcome="advanced"))
        for id in state.members
        if not (at_summit and id in state.conferred)
    )
    lapsed = [Dropped(nomination=id, reason="RESERVE_LAPSED") for id in state.standby] if at_summit else []
    decision = Decision(guards=(cycle_guard(command),)).then(leave(state, command, "report", lapsed))
    return decision.then(Decision(events=(reported,), effects=told))


# ---- its steps ----


def _declared(state: State, inputs: Inputs, step: str) -> Step:
    try:
        return inputs.stage.step(step)
    except KeyError:
        raise Refused("NOT_FOUND", what=f"{state.stream}/{step}") from None


def _open_step(state: State, command: Command, inputs: Inputs, step: Step) -> Decision:
    if step.id in state.steps:
        return NOTHING
    _must_be_next(state, inputs, step)
    if not state.members and not isinstance(step, Intake):
        return _pass_by(command, step)
    match step:
        case Intake():
            return _pass_by(command, step)
        case Eligibility():
            return entry.open_eligibility(state, command, inputs, step)
        case Selection():
            return choice.open_selection(state, command, inputs, step)
        case PublicVote():
            return vote.open_vote(state, command, inputs, step)
        case Publicity():
            return publicity.open_publicity(state, command, inputs, step)
        case Clearance() if not entry.applies_to(state, inputs, step):
            return _pass_by(command, step)
        case _:
            opened = open_window(state, command, inputs, step.id, step.type, step.period)
            return replace(opened, guards=(cycle_guard(command),))


def _must_be_next(state: State, inputs: Inputs, step: Step) -> None:
    """The pool is frozen and every earlier step is done: nothing is decided on what is not there yet."""
    earlier = inputs.stage.steps[: inputs.stage.steps.index(step)]
    undone = [one.id for one in earlier if not isinstance(one, Intake) and not _done(state, one)]
    if not isinstance(step, Intake) and (undone or not state.frozen):
        raise Refused("STAGE_MISMATCH", current=undone[0] if undone else "-", action=f"open_step {step.id}")


def _done(state: State, step: Step) -> bool:
    run = run_of(state, step.id)
    counted = not isinstance(step, PublicVote) or run.window is None or step.component in state.components
    return run.closed_at is not None and counted


def _pass_by(command: Command, step: Step) -> Decision:
    """Nothing to do here: opened and closed in one."""
    events = (StepOpened(step=step.id, type=step.type), StepClosed(step=step.id, how="complete"))
    return Decision(events=events, guards=(cycle_guard(command),))


def _close_step(state: State, command: Command, inputs: Inputs, step: Step) -> Decision:
    """Windows that a pause has eaten into are given their days back first: nothing closes before that."""
    run = run_of(state, step.id)
    if run.closed_at is not None and run.seals_at is not None:
        return vote.close_adjudication(state, command, step.id)
    if step.id not in state.steps or run.closed_at is not None:
        return NOTHING
    owed = _rearm(state, command, inputs, step)
    if owed.events:
        return owed
    match step:
        case Eligibility():
            return entry.close_eligibility(state, command, inputs, step)
        case Endorsement():
            return entry.close_endorsement(state, command, inputs, step)
        case Clearance():
            return entry.close_clearance(state, command, inputs, step)
        case ExpertReview():
            return review.close_review(state, command, inputs, step)
        case PublicVote():
            return vote.close_vote(state, command, inputs, step)
        case Selection():
            return choice.choose(state, command, inputs, step)
        case Publicity():
            return publicity.close_publicity(state, command, inputs, step)
        case DecisionStep() | Conferral():
            return conferral.close_unacted(state, command, inputs, step)
        case Intake():
            return NOTHING


def _extend(state: State, command: Command, body: ExtendStep, inputs: Inputs, grant: str) -> Decision:
    """DR-08: a window is moved to a later end by two people; one that has passed but is not closed is opened again."""
    run = must_be_current(state, body.step, body.kind)
    if run.window is None or body.closes_at <= max(run.window.closes_at, command.received_at):
        was = run.window.closes_at if run.window else "-"
        raise Refused("NOT_AN_EXTENSION", was=was, asked=body.closes_at)
    extended = StepExtended(
        step=body.step,
        was=run.window.closes_at,
        closes_at=body.closes_at,
        epoch=run.epoch,
        reason=body.reason,
    )
    events = two_people(state, command, (extended,))
    window = Window(opens_at=run.window.opens_at, closes_at=body.closes_at)
    effects = (set_gate(state, command, inputs, body.step, window),) if extended in events else ()
    return Decision(events=events, guards=(cycle_guard(command),), effects=effects, grant=grant)


def _rearm(state: State, command: Command, inputs: Inputs, step: Step) -> Decision:
    """After a pause every window of the step gets back the days that it had left, never fewer."""
    run = run_of(state, step.id)
    if run.window is None or run.closed_at is not None or run.epoch == inputs.cycle.epoch:
        return NOTHING
    windows = {"": run.window} | {
        id: published.window
        for id, published in state.published.items()
        if published.step == step.id and published.gate != names.step_gate(state.stream, step.id)
    }
    pauses = inputs.cycle.pauses[run.epoch :]
    moved = {id: resumed(window, pauses, command.received_at, inputs) for id, window in windows.items()}
    if not any(window.opens_at <= paused_at for window in windows.values() for paused_at, _ in pauses):
        return NOTHING
    events = tuple(
        StepExtended(
            step=step.id,
            nomination=id,
            was=windows[id].closes_at,
            closes_at=window.closes_at,
            epoch=inputs.cycle.epoch,
            reason="resumed",
        )
        for id, window in moved.items()
    )
    gates: tuple[SetGate, ...] = tuple(
        set_gate(state, command, inputs, step.id, window, id) for id, window in moved.items()
    )
    return Decision(events=events, guards=(cycle_guard(command),), effects=gates)
