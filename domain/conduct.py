"""How a round is conducted: it opens, freezes its pool, takes its steps in order, and reports upward."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from domain import (
    adjudication,
    afterwards,
    authority,
    choice,
    clearance,
    composition,
    conferral,
    congress,
    entry,
    fast_track,
    panel,
    publicity,
    review,
    timing,
    training,
    vote,
)
from domain.decision import NOTHING, Decision, two_people
from domain.round import State, must_be_current, must_run, run_of
from domain.steps import (
    Inputs,
    asked_about,
    cycle_guard,
    gone,
    head_guards,
    leave,
    open_window,
    present,
    set_gates,
    tell,
)
from schemas import names
from schemas.commands import (
    AmendRecommendation,
    CancelRound,
    CloseStep,
    CloseStepEarly,
    Command,
    Confer,
    Decide,
    DeclareTies,
    DrawPanel,
    EnterSheet,
    ExtendReports,
    ExtendStep,
    FormPanel,
    FreezePool,
    FreezeVotes,
    HandInSheet,
    HoldVotes,
    InvalidateVotes,
    LapseRound,
    NameChair,
    OpenRound,
    OpenStep,
    PauseRound,
    PublishCounts,
    RearmStep,
    RecordAttendance,
    RecordCongress,
    Recuse,
    ReleaseVotes,
    ReplaceJudge,
    ReplyClearance,
    ReportChange,
    ReportRound,
    RequestClearance,
    ResolveTie,
    ResumeRound,
    RoundBody,
    ScreenVotes,
    SealTally,
    TakeOutcome,
    UnfreezeVotes,
    WaiveDifferential,
    WaiveRules,
)
from schemas.errors import Refused
from schemas.events import (
    Dropped,
    RoundLapsed,
    RoundOpened,
    RoundReported,
    StepClosed,
    StepOpened,
)
from schemas.ledger import GateStatus, HeadIs
from schemas.programme import (
    Clearance,
    Conferral,
    Congress,
    Eligibility,
    Endorsement,
    ExpertReview,
    Intake,
    Publicity,
    PublicVote,
    Selection,
    Step,
    Training,
)
from schemas.programme import Decision as DecisionStep

ENGINES_OWN = (
    FreezePool | OpenStep | CloseStep | RearmStep | HoldVotes | PublishCounts | SealTally | ReportRound
)
"""What time or order drives: a round that is over answers these with nothing."""
PANEL_S = (
    FormPanel
    | DrawPanel
    | NameChair
    | ReplaceJudge
    | DeclareTies
    | Recuse
    | HandInSheet
    | EnterSheet
    | WaiveRules
)
"""What people ask of a panel."""
AGAINST_STUFFING = ScreenVotes | InvalidateVotes | ReleaseVotes | FreezeVotes | UnfreezeVotes
"""What people do about stuffed votes."""
OF_THE_WHOLE = PauseRound | ResumeRound | CancelRound | ExtendReports
"""What people decide on the round itself, whatever step it is in."""


@authority.by_two_who_may
def decide(state: State, command: Command, body: RoundBody, inputs: Inputs) -> Decision:
    """Raises Refused with the code of the rule that said no; engine commands that are not ripe give nothing."""
    match body:
        case OpenRound():
            return _open(state, command, inputs)
        case LapseRound():
            return _lapse(state, command, body.reason, inputs)
    if state.opened is None:
        raise Refused("ROUND_NOT_OPEN", round=command.stream)
    if state.over and isinstance(body, ENGINES_OWN):
        return NOTHING
    if isinstance(body, OF_THE_WHOLE):
        return _of_the_whole(state, command, body, inputs)
    if not isinstance(body, SealTally):  # counting a ballot that is closed decides nothing
        must_run(state)
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
            return timing.rearm(state, command, inputs, step)
        case SealTally() | HoldVotes() | PublishCounts():
            return _counted(state, command, body, step) if isinstance(step, PublicVote) else NOTHING
        case _:
            return _by_people(state, command, body, inputs, step)


def _counted(
    state: State, command: Command, body: SealTally | HoldVotes | PublishCounts, step: PublicVote
) -> Decision:
    """What the engine found in the ballot box."""
    match body:
        case SealTally():
            return vote.seal_tally(state, command, body, step)
        case HoldVotes():
            return adjudication.hold(state, command, body, step)
        case PublishCounts():
            return vote.publish_counts(state, command, body, step)


def _of_the_whole(
    state: State,
    command: Command,
    body: PauseRound | ResumeRound | CancelRound | ExtendReports,
    inputs: Inputs,
) -> Decision:
    assert state.opened is not None
    grant = authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, state.opened.unit)
    if state.over:
        raise Refused("STAGE_CLOSED", step=state.stream, closed_at=state.lapsed or "-")
    match body:
        case PauseRound():
            return timing.pause(state, command, body, inputs, grant)
        case ResumeRound():
            return timing.resume(state, command, inputs, grant)
        case CancelRound():
            return _cancel(state, command, body, inputs, grant)
        case ExtendReports():
            must_run(state)
            return timing.extend_reports(state, command, body, inputs, grant)


def _by_people(  # noqa: C901 -- a flat match, one case a command
    state: State, command: Command, body: RoundBody, inputs: Inputs, step: Step
) -> Decision:
    assert state.opened is not None

    def grant() -> str:
        assert state.opened is not None
        return authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, state.opened.unit)

    match body, step:
        case WaiveRules(), _ if composition.may_break(inputs, step) and body.rules != (review.TRIM,):
            return composition.waive_rules(state, command, body, inputs, step, grant())
        case _, ExpertReview() if isinstance(body, PANEL_S):
            return _of_panel(state, command, body, inputs, step, grant)
        case RecordCongress(), Congress():
            return congress.record_congress(state, command, body, step, grant())
        case RecordAttendance(), Training():
            return training.record_attendance(state, command, body, step, grant())
        case ReplyClearance(), Clearance():
            return clearance.reply_clearance(state, command, body, inputs, step)
        case RequestClearance(), Clearance():
            return clearance.request_again(state, command, body, inputs, step, grant())
        case ReportChange(), Publicity():
            return publicity.report_change(state, command, body, inputs, step, grant())
        case ResolveTie(), Selection() | Publicity():
            return choice.resolve_tie(state, command, body, choice.tied(state, step), grant())
        case ResolveTie(), Conferral():
            return choice.resolve_tie(state, command, body, conferral.tied(state, inputs, step), grant())
        case WaiveDifferential(), Selection():
            return choice.waive_differential(state, command, body, step, grant())
        case WaiveRules(), Selection():
            return choice.waive_rules(state, command, body, step, grant())
        case Decide(), DecisionStep():
            return conferral.take_decision(state, command, body, inputs, step)
        case Confer(), Conferral():
            return conferral.confer(state, command, body, inputs, step)
        case _, PublicVote() if isinstance(body, AGAINST_STUFFING):
            return _against_stuffing(state, command, body, inputs, step, grant())
        case ExtendStep(), _:
            return timing.extend_step(state, command, body, inputs)
        case CloseStepEarly(), _:
            return _close_early(state, command, body, inputs, step, grant())
        case _:
            raise Refused("STAGE_MISMATCH", current=f"{step.id} ({step.type})", action=body.kind)


def _against_stuffing(
    state: State, command: Command, body: AGAINST_STUFFING, inputs: Inputs, step: PublicVote, grant: str
) -> Decision:
    match body:
        case ScreenVotes():
            return adjudication.ask(state, command, body, step, grant)
        case InvalidateVotes():
            return adjudication.invalidate(state, command, body, step, grant)
        case ReleaseVotes():
            return adjudication.release(state, command, body, step, grant)
        case FreezeVotes():
            return adjudication.freeze(state, command, body, inputs, step, grant)
        case UnfreezeVotes():
            return adjudication.unfreeze(state, command, body, inputs, step, grant)


def _of_panel(
    state: State,
    command: Command,
    body: PANEL_S,
    inputs: Inputs,
    step: ExpertReview,
    grant: Callable[[], str],
) -> Decision:
    match body:
        case FormPanel():
            return panel.form_panel(state, command, body, inputs, step, grant())
        case DrawPanel():
            return panel.draw_panel(state, command, body, inputs, step, grant())
        case NameChair():
            return panel.name_chair(state, command, body, step, grant())
        case ReplaceJudge():
            return panel.replace_judge(state, command, body, inputs, step, grant())
        case DeclareTies():
            return review.declare_ties(state, command, body, inputs, step)
        case Recuse():
            return review.recuse(state, command, body, inputs, step)
        case HandInSheet():
            return review.hand_in_sheet(state, command, body, inputs, step)
        case EnterSheet():
            return review.enter_sheet(state, command, body, inputs, step, grant())
        case WaiveRules():
            return review.waive_trim(state, command, body, step, grant())


def _close_early(
    state: State, command: Command, body: CloseStepEarly, inputs: Inputs, step: Step, grant: str
) -> Decision:
    """As at the end of its window, if what is decided then can be decided now; else refused with what is missing."""
    must_be_current(state, step.id, body.kind)
    match step:
        case Endorsement():
            closed = entry.close_endorsement(state, command, inputs, step, body.reason)
        case Clearance():
            closed = clearance.close_clearance(state, command, inputs, step, body.reason)
        case ExpertReview():
            closed = review.close_review(state, command, inputs, step, body.reason)
        case Publicity():
            closed = publicity.close_publicity_early(state, command, inputs, step, body.reason)
        case PublicVote():
            raise Refused("VOTE_NEVER_SHORTENED", step=step.id)
        case _:
            raise Refused("ENDS_BY_ITSELF", step=step.id, type=step.type)
    whole = composition.close_whole(state, command, inputs, step, closed)
    return replace(whole, grant=grant)


# ---- the round itself ----


def _open(state: State, command: Command, inputs: Inputs) -> Decision:
    """The guard is that the rules are still those: an amendment is guarded by the rounds' heads in turn (DR-01)."""
    if state.opened is not None or state.over:
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
    rules = HeadIs(stream=names.cycle_stream(names.cycle_of(command.stream)), seq=inputs.cycle.seq)
    return Decision(events=(opened,), guards=(cycle_guard(command), rules))


def _lapse(state: State, command: Command, reason: str, inputs: Inputs) -> Decision:
    """Whoever was still in it, in its reserve or on the way to it goes no further."""
    if state.over:
        return NOTHING
    told = tuple(
        tell(
            command,
            id,
            TakeOutcome(
                round=command.stream,  # one that never opened does not know its own name
                round_seq=state.seq + 1,
                outcome="eliminated",
                step=state.current or "pool",
                reason="ROUND_LAPSED",
            ),
        )
        for id in in_it(state, inputs.entered, inputs.children, inputs.programme.summit)
    )
    closed = set_gates(state, command, inputs, state.current, GateStatus.CLOSED)
    return Decision(events=(RoundLapsed(reason=reason),), effects=(*closed, *told))


def in_it(
    state: State, entered: Sequence[str], children: Mapping[str, State], summit: str
) -> tuple[str, ...]:
    """Members, reserve, and before the pool is frozen those who entered here or are in child rounds so far.

    Whoever the summit has conferred is at the end already. A child that has not reported yet may do so before it hears.
    """
    at_summit = state.opened is not None and state.opened.rank == summit
    ended = state.conferred if at_summit else {}
    here = tuple(id for id in (*state.members, *state.standby) if id not in ended)
    if state.frozen:
        return here
    below = [child for _, child in sorted(children.items())]
    return (*here, *entered, *(id for child in below for id in (*child.members, *child.standby)))


def _cancel(state: State, command: Command, body: CancelRound, inputs: Inputs, grant: str) -> Decision:
    assert state.opened is not None
    if state.opened.route == names.ROOT_ROUTE:  # the cycle would stay open with nothing left to run
        raise Refused("SUMMIT_ROUND", round=state.stream)
    lapse = _lapse(state, command, body.reason, inputs)
    events = two_people(state, command, lapse.events)
    effects = lapse.effects if lapse.events[0] in events else ()
    return Decision(events=events, guards=(cycle_guard(command),), effects=effects, grant=grant)


def _report(state: State, command: Command, inputs: Inputs) -> Decision:
    """What flows up, if it is whole; at the summit the reserve lapses here, below it waits for the parent's cut-off."""
    assert state.opened is not None
    at_summit = state.opened.rank == inputs.programme.summit
    try:
        left = _left_at_the_end(state, command, inputs) if at_summit else ()
        without = {one.nomination for one in left}
        composition.must_report_whole(state, inputs, without)
    except Refused as fault:
        return composition.hold(state, command, inputs, inputs.stage.steps[-1], fault)
    recommended = tuple(id for id in state.members if id not in without)
    reported = RoundReported(
        recommended=recommended, reserve=tuple(state.standby), conferred=state.certificates
    )
    untitled = [id for id in recommended if not (at_summit and id in state.conferred)]
    advanced = TakeOutcome(round=state.stream, round_seq=state.seq + 1, outcome="advanced")
    told = tuple(tell(command, id, advanced) for id in untitled)
    looked_at = untitled if at_summit or composition.is_bound(state, inputs) else ()
    heads = head_guards((inputs.standings[id] for id in looked_at), command)
    guards = (cycle_guard(command), *heads, *clearance.below_guards(inputs))
    decision = Decision(guards=guards).then(leave(state, command, "report", left))
    return decision.then(Decision(events=(reported,), effects=told))


def _left_at_the_end(state: State, command: Command, inputs: Inputs) -> tuple[Dropped, ...]:
    """Who is not recommended by a summit that only recommends: they left, departments keep them from it, or they are held
    (DR-11, DR-28); and the reserve.
    """
    kept = composition.left_out(state, command, inputs, inputs.stage.steps[-1])
    held = [
        id
        for id, one in present(state, inputs).items()
        if one.disputed and id not in {*state.conferred, *kept}
    ]
    why = kept | dict.fromkeys(held, "HELD_AT_CUT_OFF") | dict.fromkeys(state.standby, "RESERVE_LAPSED")
    return (*gone(state, inputs), *(Dropped(nomination=id, reason=code) for id, code in why.items()))


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
    passed = fast_track.let_pass(state, command, inputs, step)
    opened = _opened(fast_track.with_passing(state, passed), command, inputs, step)
    return fast_track.after_opening(opened, passed)


def _opened(state: State, command: Command, inputs: Inputs, step: Step) -> Decision:
    """The step as it opens, for those whom it asks about."""
    asks = bool(asked_about(state, inputs, step.id)) or not run_of(state, step.id).passed
    match step:
        case Endorsement() | Congress() | ExpertReview() if not asks:
            return _pass_by(command, step)
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
        case Clearance() if not clearance.asked_of(state, inputs, step):
            return _pass_by(command, step)
        case Conferral():
            return conferral.open_conferral(state, command, inputs, step)
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
    if isinstance(step, PublicVote) and run.closed_at is not None and run.seals_at is not None:
        return adjudication.close_adjudication(state, command, inputs, step)
    if step.id not in state.steps or run.closed_at is not None:
        return NOTHING
    owed = timing.rearm(state, command, inputs, step)
    if owed.events:
        return owed
    return composition.hold_back(state, command, inputs, step, _closed(state, command, inputs, step))


def _closed(state: State, command: Command, inputs: Inputs, step: Step) -> Decision:
    """The step as it closes, if it is ripe."""
    match step:
        case Eligibility():
            return entry.close_eligibility(state, command, inputs, step)
        case Endorsement():
            return entry.close_endorsement(state, command, inputs, step)
        case Clearance():
            return clearance.close_clearance(state, command, inputs, step)
        case Congress():
            return congress.close_congress(state, command, inputs, step)
        case ExpertReview():
            return review.close_review(state, command, inputs, step)
        case PublicVote():
            return vote.close_vote(state, command, inputs, step)
        case Selection():
            return choice.choose(state, command, inputs, step)
        case Publicity():
            return publicity.close_publicity(state, command, inputs, step)
        case Training():
            return training.close_training(state, command, inputs, step)
        case DecisionStep() | Conferral():
            return conferral.close_unacted(state, command, inputs, step)
        case Intake():
            return NOTHING
