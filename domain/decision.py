"""What deciding gives: events, what must hold while they are written, and what is written with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import Field, dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar, Protocol

from domain.calendar import closes_at
from schemas import names
from schemas.canonical import payload_hash
from schemas.commands import Body, Command
from schemas.errors import Refused
from schemas.events import ActProposed, ActSeconded, Event
from schemas.ledger import Effect, Guard, Post
from schemas.programme import Period


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a command. `already` names the command that did the same before: nothing new, its receipt again."""

    events: tuple[Event, ...] = ()
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    subject: str = ""
    grant: str = ""
    already: str = ""

    def then(self, other: Decision) -> Decision:
        """This decision, followed by another in the same append."""
        return replace(
            self,
            events=self.events + other.events,
            guards=tuple(dict.fromkeys(self.guards + other.guards)),
            effects=self.effects + other.effects,
            grant=self.grant or other.grant,
            subject=self.subject or other.subject,
        )


NOTHING = Decision()


@dataclass(frozen=True, slots=True)
class Calendar:
    """The pinned work-day calendar: `overrides` says for single days whether they are worked."""

    overrides: dict[date, bool]
    version: str = ""

    def end(self, opened_at: datetime, period: Period) -> datetime:
        """When a period that opens at `opened_at` ends."""
        return closes_at(
            opened_at,
            period.days,
            period.unit,
            count_first_day=period.count_first_day,
            overrides=self.overrides,
            roll_to_work_day=period.roll_to_work_day,
            closes=period.closes,
        )


class HasProposals(Protocol):
    """A state that remembers who proposed which act."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def proposals(self) -> dict[str, str]: ...


def nudge(command: Command, workflow: str) -> Post:
    """Wakes a round: something changed elsewhere that its timer can't know."""
    return Post(
        id=f"{command.id}/nudge",
        cycle=names.cycle_of(command.stream),
        sender=command.stream,
        workflow=workflow,
        name=names.NUDGE_SIGNAL,
        payload={},
    )


def act_hash(body: Body, about: object = None) -> str:
    """What two people must agree on: the hash of the command's body, and of what it would do now."""
    return payload_hash(body if about is None else {"body": body, "about": about})


def two_people(
    state: HasProposals, command: Command, effect: Iterable[Event], about: object = None
) -> tuple[Event, ...]:
    """The first person's request is recorded; the second's, from somebody else, brings the effect.

    `about` is what the act would do now: if that changed since the first request, it is a new one.

    Raises Refused SECOND_PERSON_REQUIRED where the proposer asks again.
    """
    act = act_hash(command.body, about)
    proposer = state.proposals.get(act)
    if proposer is None:
        return (ActProposed(act=act, kind=command.body.kind, reason=getattr(command.body, "reason", "")),)
    if proposer == command.actor.id:
        raise Refused("SECOND_PERSON_REQUIRED", actor=proposer)
    return (ActSeconded(act=act, kind=command.body.kind, proposed_by=proposer), *effect)
