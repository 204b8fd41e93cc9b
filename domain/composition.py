"""结构比例: the list goes on, upward or to its titles, only while it keeps the share rules that it was chosen
under (DR-25), and once everybody on it has been vetted (DR-31).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from domain import clearance
from domain.decision import Decision, two_people
from domain.problem import problem_of_list
from domain.round import State, evolve, must_be_current, run_of
from domain.selection.shares import broken, check_all
from domain.steps import Inputs, cycle_guard, head_guards, hold, present
from schemas.commands import Command, WaiveRules
from schemas.errors import Refused
from schemas.events import RulesWaived, StepClosed
from schemas.programme import Conferral, Selection, Step

RULES_BROKEN = "RULES_BROKEN"


def is_last(inputs: Inputs, step: Step) -> bool:
    """Whether the list goes upward, or is recommended, as this step leaves it."""
    return inputs.stage.steps[-1] == step and not isinstance(step, Conferral | Selection)


def may_break(inputs: Inputs, step: Step) -> bool:
    """Whether a list that lost a rule waits at this step."""
    return isinstance(step, Conferral) or is_last(inputs, step)


def must_keep_rules(state: State, inputs: Inputs, step: str, without: Collection[str]) -> None:
    """Raises Refused RULES_BROKEN with the rules that the list without these does not keep."""
    if lost := _lost(state, inputs, step, without):
        raise Refused(RULES_BROKEN, rules=", ".join(lost))


def hold_back(state: State, command: Command, inputs: Inputs, step: Step, closing: Decision) -> Decision:
    """The last step stays open while the list that it would leave lacks a rule, or a summit recommends somebody about
    whom departments are still to answer; what closing decided is decided again then.
    """
    fault = _fault(state, command, inputs, step, closing)
    return hold(state, step.id, *fault) if fault else closing


def must_close_whole(state: State, command: Command, inputs: Inputs, step: Step, closing: Decision) -> None:
    """Raises Refused RULES_BROKEN or CLEARANCE_EXPIRED where the last step would be held and not be closed early."""
    match _fault(state, command, inputs, step, closing):
        case (clearance.EXPIRED, waiting, place):
            raise Refused(clearance.EXPIRED, step=place, nominations=", ".join(waiting))
        case (code, _, lost):
            raise Refused(code, rules=lost)


def _fault(
    state: State, command: Command, inputs: Inputs, step: Step, closing: Decision
) -> tuple[str, list[str], str] | None:
    """Code, nominations and detail of what keeps the last step from closing, if this decision closes it."""
    if not (is_last(inputs, step) and any(isinstance(event, StepClosed) for event in closing.events)):
        return None
    for event in closing.events:
        state = evolve(state, event, command.received_at)
    at_summit = _at_summit(state, inputs)
    waiting = clearance.unanswered(state, inputs, command.received_at) if at_summit else []
    if waiting:
        return clearance.EXPIRED, waiting, step.id
    held = [id for id, one in present(state, inputs).items() if at_summit and one.disputed]
    lost = _lost(state, inputs, step.id, held)
    return (RULES_BROKEN, [], ", ".join(lost)) if lost else None


def _at_summit(state: State, inputs: Inputs) -> bool:
    """Where nobody whom an objection holds is recommended; below, it goes up with them (DR-28)."""
    assert state.opened is not None
    return state.opened.rank == inputs.programme.summit


def waive_rules(
    state: State, command: Command, body: WaiveRules, inputs: Inputs, step: Step, grant: str
) -> Decision:
    """A list that no longer keeps a share rule goes on only where two people set that rule aside.

    Whether those held are waited for or left out is not said yet: rules that are lost either way may be.
    """
    must_be_current(state, step.id, body.kind)
    uncleared, held = not_in_line(state, command, inputs)
    lost = {
        rule for without in (uncleared, uncleared | held) for rule in _lost(state, inputs, step.id, without)
    }
    unknown = [rule for rule in body.rules if rule not in lost]
    if unknown:
        raise Refused("NOT_FOUND", what=f"{state.stream}/{step.id}: {', '.join(unknown)}")
    waived = RulesWaived(step=step.id, rules=body.rules, reason=body.reason)
    guards = (cycle_guard(command), *head_guards(present(state, inputs).values(), command))
    return Decision(events=two_people(state, command, (waived,)), guards=guards, grant=grant)


def not_in_line(state: State, command: Command, inputs: Inputs) -> tuple[dict[str, str], dict[str, str]]:
    """Who is left out for what departments said, and who is held besides; the reason by nomination."""
    uncleared = clearance.left_out(state, inputs, command.received_at)
    held = (id for id, one in present(state, inputs).items() if one.disputed and id not in uncleared)
    return uncleared, dict.fromkeys(held, "HELD_AT_CUT_OFF")


def _lost(state: State, inputs: Inputs, step: str, without: Collection[str]) -> list[str]:
    """The share rules that the list as it stands no longer keeps, after whoever left since the selection."""
    selection = inputs.stage.step(state.selection) if state.selection else None
    if not isinstance(selection, Selection):
        return []
    line = [id for id in present(state, inputs) if id not in without]
    if not line:
        return []
    problem = problem_of_list(replace(state, standby={}), inputs, selection)
    waived = run_of(state, step).waived_rules
    return [rule for rule in broken(check_all(problem, line)) if rule not in waived]
