"""结构比例: the list goes on, upward or to its titles, only while it keeps the share rules that it was chosen under
(DR-25), and from a summit only once everybody on it has been vetted (DR-31).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from domain import clearance
from domain.decision import NOTHING, Decision
from domain.problem import problem_of_list
from domain.round import State, evolve, must_be_current, run_of
from domain.selection.shares import broken, check_all
from domain.steps import Inputs, cycle_guard, head_guards, leave, present, selection_of, set_aside
from schemas.commands import Body, CloseStep, CloseStepEarly, Command, Confer, Decide, ReportRound, WaiveRules
from schemas.errors import Refused
from schemas.events import Dropped, StepClosed, StepHeld
from schemas.programme import Conferral, Programme, Publicity, Rank, Selection, Stage, Step

RULES_BROKEN = "RULES_BROKEN"


def is_last(stage: Stage, step: Step) -> bool:
    """Whether the list goes upward, or is recommended, as this step leaves it."""
    return stage.steps[-1] == step and not isinstance(step, Conferral | Selection)


def may_break(inputs: Inputs, step: Step) -> bool:
    """Whether a list that lost a rule waits at this step."""
    return isinstance(step, Conferral) or is_last(inputs.stage, step)


def looks_below(programme: Programme, rank: Rank, body: Body) -> bool:
    """Whether the command may be a last word, which rests also on what departments answered rounds below (DR-11)."""
    stage = programme.stages[rank]
    last = stage.steps[-1]
    closes = isinstance(body, CloseStep | CloseStepEarly | Decide) and body.step == last.id
    recommends = (closes or isinstance(body, ReportRound)) and not isinstance(last, Conferral)
    return isinstance(body, Confer) or (recommends and rank == programme.summit)


def must_keep_rules(state: State, inputs: Inputs, step: str, without: Collection[str]) -> None:
    """Raises Refused RULES_BROKEN with the rules that the list without these does not keep."""
    if lost := _lost(state, inputs, step, without):
        raise Refused(RULES_BROKEN, rules=", ".join(lost))


def left_out(state: State, command: Command, inputs: Inputs, step: Step) -> dict[str, str]:
    """Whom a summit does not recommend for what departments said, or did not say; the reason by nomination.

    Refused CLEARANCE_EXPIRED where their word is awaited, here or in a round below.
    """
    recommends = inputs.stage.steps[-1] == step and not isinstance(step, Conferral)
    if not (recommends and _at_summit(state, inputs)):
        return {}
    return clearance.left_out(state, inputs, command.received_at)


def hold_back(state: State, command: Command, inputs: Inputs, step: Step, closing: Decision) -> Decision:
    """The last step stays open while the list that it would leave lacks a rule, or a summit recommends somebody about
    whom departments are still to answer; what closing decided is decided again then.
    """
    try:
        return close_whole(state, command, inputs, step, closing)
    except Refused as fault:
        return hold(state, command, inputs, step, fault)


def close_whole(state: State, command: Command, inputs: Inputs, step: Step, closing: Decision) -> Decision:
    """The last step as it closes, without whom departments keep from being recommended.

    Raises Refused RULES_BROKEN or CLEARANCE_EXPIRED where the list cannot go on; any other step closes as it is.
    """
    closes = any(isinstance(event, StepClosed) for event in closing.events)
    if not (closes and is_last(inputs.stage, step)):
        return closing
    after = state
    for event in closing.events:
        after = evolve(after, event, command.received_at)
    uncleared = left_out(after, command, inputs, step)
    held = [id for id, one in present(after, inputs).items() if one.disputed and _at_summit(after, inputs)]
    must_keep_rules(after, inputs, step.id, {*uncleared, *held})
    out = [Dropped(nomination=id, reason=code) for id, code in uncleared.items()]
    looked = Decision(guards=clearance.below_guards(inputs))
    return leave(state, command, step.id, out).then(closing).then(looked)


def is_bound(state: State, inputs: Inputs) -> bool:
    """Whether a report stands on share rules: not where a substitute may still be sought once the round has reported."""
    step = inputs.stage.steps[-1]
    sought = isinstance(step, Publicity) and not _at_summit(state, inputs)
    selection = selection_of(state, inputs)
    return is_last(inputs.stage, step) and not sought and selection is not None and bool(selection.shares)


def must_report_whole(state: State, inputs: Inputs, without: Collection[str]) -> None:
    """A list may lose a rule after its last step, by a sealed tally or while the round stands still; Refused RULES_BROKEN."""
    if is_bound(state, inputs):
        must_keep_rules(state, inputs, inputs.stage.steps[-1].id, without)


def hold(state: State, command: Command, inputs: Inputs, step: Step, fault: Refused) -> Decision:
    """Said once, and again when what it waits for has changed; nothing that it rests on has moved since it was read."""
    detail = str(fault.facts.get("rules") or "{step}: {nominations}".format(**fault.facts))
    awaited = fault.code == clearance.EXPIRED
    until = clearance.silence_ends(state, inputs, command.received_at) if awaited else None
    run = run_of(state, step.id)
    if (run.held, run.held_for, run.held_until) == (fault.code, detail, until):
        return NOTHING
    held = StepHeld(step=step.id, code=fault.code, detail=detail, until=until)
    heads = head_guards(present(state, inputs).values(), command)
    return Decision(events=(held,), guards=(cycle_guard(command), *heads, *clearance.below_guards(inputs)))


def waive_rules(
    state: State, command: Command, body: WaiveRules, inputs: Inputs, step: Step, grant: str
) -> Decision:
    """A list that lacks a share rule goes on only where two people set that rule aside, for this round alone.

    At the last step, also once it is closed, until the round has reported.
    """
    if state.over or run_of(state, step.id).closed_at is None:
        must_be_current(state, step.id, body.kind)
    selection = selection_of(state, inputs)
    rules = {rule.id for rule in selection.shares} if selection else set[str]()
    waived = run_of(state, step.id).waived_rules | run_of(state, state.selection).waived_rules
    return set_aside(state, command, body, rules - waived, grant)


def _at_summit(state: State, inputs: Inputs) -> bool:
    """Where nobody whom an objection holds is recommended; below, it goes up with them (DR-28)."""
    assert state.opened is not None
    return state.opened.rank == inputs.programme.summit


def _lost(state: State, inputs: Inputs, step: str, without: Collection[str]) -> list[str]:
    """The share rules that the list as it stands no longer keeps, after whoever left since the selection."""
    selection = selection_of(state, inputs)
    line = [id for id in present(state, inputs) if id not in without]
    if selection is None or not line:
        return []
    problem = problem_of_list(replace(state, standby={}), inputs, selection)
    waived = run_of(state, step).waived_rules
    can_be_set_aside = {rule.id for rule in selection.shares}  # and no category's seats
    return [rule for rule in broken(check_all(problem, line)) if rule in can_be_set_aside - waived]
