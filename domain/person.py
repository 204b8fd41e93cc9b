"""A person's data in the vault: held back for a proceeding, released, and erased for good, by two people (DR-46)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from domain import authority, nomination, title
from domain.decision import NOTHING, Decision, two_people
from schemas import names
from schemas.commands import Command, ErasePerson, HoldPerson, PersonBody, ReleasePerson
from schemas.errors import Refused
from schemas.events import ActProposed, ActSeconded, Event, PersonErased, PersonHeld, PersonReleased
from schemas.units import UnitTree


@dataclass(frozen=True, slots=True)
class State:
    """`erased` is the command that erased the person; '' while their data is there."""

    held: str = ""  # why, while it is
    erased: str = ""
    proposals: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The units and grants of the cycle that the command names, and what still needs the person's data, as streams."""

    tree: UnitTree
    authority: authority.State
    needed_by: tuple[str, ...] = ()


initial = State()


def evolve(state: State, event: Event, actor: str = "", command: str = "") -> State:
    match event:
        case PersonHeld():
            return replace(state, held=event.reason)
        case PersonReleased():
            return replace(state, held="")
        case PersonErased():
            return replace(state, erased=command)
        case ActProposed():
            return replace(state, proposals=state.proposals | {event.act: actor})
        case ActSeconded():
            rest = {act: by for act, by in state.proposals.items() if act != event.act}
            return replace(state, proposals=rest)
        case _:
            return state


@authority.by_two_who_may
def decide(state: State, command: Command, body: PersonBody, inputs: Inputs) -> Decision:
    """Raises Refused NOT_AUTHORISED, LEGAL_HOLD, ERASED, SECOND_PERSON_REQUIRED."""
    subject = names.subject_of(command.stream)
    grant = authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, inputs.tree.root)
    match body:
        case ErasePerson():
            decision = _erase(state, command, body, inputs)
        case HoldPerson() if state.erased:
            raise Refused("ERASED", subject=subject)
        case HoldPerson():
            decision = Decision(events=(PersonHeld(cycle=body.cycle, reason=body.reason),))
        case ReleasePerson():
            released = PersonReleased(cycle=body.cycle, reason=body.reason)
            decision = Decision(events=(released,)) if state.held else NOTHING
    return replace(decision, subject=subject, grant=grant)


def _erase(state: State, command: Command, body: ErasePerson, inputs: Inputs) -> Decision:
    """What is erased stays erased: asked again, the first receipt, so that a key that was left is destroyed too."""
    if state.erased:
        return Decision(already=state.erased)
    if state.held or inputs.needed_by:
        raise Refused("LEGAL_HOLD", why=", ".join(filter(None, (state.held, *inputs.needed_by))))
    erased = PersonErased(cycle=body.cycle, basis=body.basis, document=body.document, reason=body.reason)
    return Decision(events=two_people(state, command, (erased,)))


def needed_by(
    nominations: Iterable[tuple[str, nomination.State]], titles: Iterable[tuple[str, title.State]]
) -> Iterator[str]:
    """The streams that still need a person's data: nominations that run or are objected to, titles in dispute."""
    for stream, one in nominations:
        if not one.over or any(not objection.outcome for objection in one.objections.values()):
            yield stream
    for stream, held in titles:
        if held.status in title.DISPUTED:
            yield stream
