"""绿色通道: whom a fast track of the stage lets pass a step by, settled and written when the step opens."""

from __future__ import annotations

from domain.decision import NOTHING, Decision
from domain.eligibility import test
from domain.round import State, passing
from domain.steps import Inputs, head_guards, present
from schemas.commands import Command
from schemas.events import FastTracked
from schemas.programme import Step


def let_pass(state: State, command: Command, inputs: Inputs, step: Step) -> Decision:
    """Who passes the step by, each on the first track that fits; where none leads past it, nothing is read."""
    tracks = [one for one in inputs.stage.fast_tracks if step.id in one.passes]
    if not tracks:
        return NOTHING
    left = present(state, inputs)
    guards = head_guards(left.values(), command)
    events: list[FastTracked] = []
    for track in tracks:
        fitting = tuple(id for id, one in left.items() if test(track.who, one.facts) == "pass")
        left = {id: one for id, one in left.items() if id not in fitting}
        if fitting:
            said = FastTracked(step=step.id, fast_track=track.id, predicate=track.who.id, nominations=fitting)
            events.append(said)
    return Decision(events=tuple(events), guards=guards)


def with_passing(state: State, passed: Decision) -> State:
    """The state as the step that opens finds it."""
    for event in passed.events:
        if isinstance(event, FastTracked):
            state = passing(state, event)
    return state


def after_opening(opened: Decision, passed: Decision) -> Decision:
    """The opening first, then who passes by, then what was found at once."""
    first, rest = opened.events[:1], opened.events[1:]
    found = Decision(events=rest, effects=opened.effects)
    return Decision(events=first, guards=opened.guards).then(passed).then(found)
