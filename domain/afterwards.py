"""What may change after a round has reported, until its parent's pool is frozen: seats given up go to the reserve (DR-31)."""

from __future__ import annotations

from domain.decision import NOTHING, Decision
from domain.publicity import replace_one
from domain.round import State, awaited, evolve, run_of
from domain.steps import Inputs, cycle_guard, gone, head_guards, set_gate, tell
from domain.timing import given_back
from schemas.commands import Command, TakeOutcome
from schemas.events import RecommendationAmended, StepExtended, StepHeld, Substituted
from schemas.ledger import HeadIs
from schemas.programme import Publicity


def amend(state: State, command: Command, inputs: Inputs) -> Decision:
    """Substitutes come in with a publicity period of their own and join the list at its end, unless objected to.

    Only where publicity is the stage's last step: nobody joins past a step that they have not taken. The parent's
    head is a guard, as this round's is for the parent's cut-off: whoever is second decides again.
    """
    step, parent = inputs.stage.steps[-1], inputs.parent
    if state.reported is None or not isinstance(step, Publicity) or step.id != _published(state):
        return NOTHING
    if parent is None or parent.frozen or parent.over or parent.opened is None:
        return NOTHING
    decision = Decision(
        guards=(
            cycle_guard(command),
            HeadIs(stream=parent.stream, seq=parent.seq),
            *head_guards(inputs.standings.values(), command),
        )
    )
    for part in (_give_days_back, _substitute, _recommend):
        changed = part(state, command, inputs, step)
        decision = decision.then(changed)
        for event in changed.events:
            state = evolve(state, event, command.received_at)
    return decision if decision.events else NOTHING


def _published(state: State) -> str:
    return next((one.step for one in state.published.values()), "")


def _substitute(state: State, command: Command, inputs: Inputs, step: Publicity) -> Decision:
    """Equals in line leave the seat vacant: the round is over, so nobody is there to order them."""
    decision = NOTHING
    for left in gone(state, inputs):
        part = replace_one(state, command, inputs, step, left)
        if any(isinstance(event, StepHeld) for event in part.events):
            part = Decision(events=(Substituted(step=step.id, out=left.nomination, reason=left.reason),))
        decision = decision.then(part)
        for event in part.events:
            state = evolve(state, event, command.received_at)
    return decision


def _recommend(state: State, command: Command, inputs: Inputs, step: Publicity) -> Decision:  # noqa: ARG001 -- as its like
    now = command.received_at
    joining = tuple(
        id
        for id in awaited(state)
        if id in state.published
        and state.published[id].window.closes_at <= now
        and not inputs.standings[id].disputed
    )
    if not joining:
        return NOTHING
    waiting = {id for id in awaited(state) if id not in joining}
    amended = RecommendationAmended(
        recommended=tuple(id for id in state.members if id not in waiting), reserve=tuple(state.standby)
    )
    outcome = TakeOutcome(round=state.stream, round_seq=state.seq + 1, outcome="advanced")
    return Decision(events=(amended,), effects=tuple(tell(command, id, outcome) for id in joining))


def _give_days_back(state: State, command: Command, inputs: Inputs, step: Publicity) -> Decision:
    """After a pause a substitute's window gets back the days that it had left."""
    decision, epoch = NOTHING, inputs.cycle.epoch
    for id in awaited(state):
        published = state.published.get(id)
        if published is None:
            continue
        owed = inputs.cycle.pauses[max(published.epoch, run_of(state, step.id).epoch) :]
        owed = tuple(pause for pause in owed if pause[0] >= published.window.opens_at)
        if not owed:
            continue
        window = given_back(published.window, owed, command.received_at, inputs)
        moved = StepExtended(
            step=step.id,
            nomination=id,
            was=published.window.closes_at,
            closes_at=window.closes_at,
            epoch=epoch,
            reason="resumed",
        )
        gate = set_gate(state, command, inputs, step.id, window, id)
        decision = decision.then(Decision(events=(moved,), effects=(gate,)))
    return decision
