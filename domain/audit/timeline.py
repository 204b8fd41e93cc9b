"""A cycle as a story in time: the tree of its rounds, how each stood at any moment, and who did what.

Nothing personal and nothing sealed is in it: no reason, no mark, no fact; subjects are nominations' ids, objectors nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.audit.past import Past
from domain.audit.sealing import OBJECTIONS, SEALED
from schemas import events as e
from schemas import names
from schemas.commands import OBJECTOR_ROLE
from schemas.events import Event
from schemas.ledger import RecordedEvent


class Stands(StrEnum):
    """How a round stands."""

    GATHERING = "gathering"  # waits for those below
    FROZEN = "frozen"
    STEP = "step"
    HELD = "held"
    PAUSED = "paused"
    REPORTED = "reported"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Node:
    """One round of the tree; `parent` is the round that it reports to, empty at the root."""

    round: str
    unit: str
    rank: str
    route: str
    parent: str


@dataclass(frozen=True, slots=True)
class Change:
    """From this moment on the round stands so: in which step, held by what, with how many in and out and conferred."""

    moment: int
    round: str
    stands: Stands
    step: str = ""
    kind: str = ""  # of the step
    held: str = ""
    members: int = 0
    out: int = 0
    conferred: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody did something: `round` is where, `nomination` about whom if it is about one."""

    moment: int
    position: int | None
    at: datetime
    what: str
    by: str
    role: str
    unit: str
    round: str
    nomination: str
    step: str


@dataclass(frozen=True, slots=True)
class Timeline:
    cycle: str
    nodes: tuple[Node, ...]  # parents before children
    changes: tuple[Change, ...]
    acts: tuple[Act, ...]
    whole: bool  # False where the acts on single nominations are left out


def timeline(past: Past, acts_max: int) -> Timeline:
    """The story of a cycle; of a log with more events than `acts_max`, acts on single nominations are left out."""
    whole = len(past.events) <= acts_max
    return Timeline(
        cycle=past.cycle,
        nodes=tuple(_nodes(past)),
        changes=tuple(_changes(past)),
        acts=tuple(_acts(past, whole=whole)),
        whole=whole,
    )


def at_moment(changes: tuple[Change, ...], moment: int) -> dict[str, Change]:
    """How every round that has opened stands just after this moment, by its stream."""
    return {change.round: change for change in changes if change.moment <= moment}


def _nodes(past: Past) -> Iterator[Node]:
    parents: dict[str, str] = {}
    for recorded, event in zip(past.events, past.typed, strict=True):
        if isinstance(event, e.RoundOpened):
            parents |= dict.fromkeys(event.children, recorded.stream)
            parent = parents.get(recorded.stream, "")
            yield Node(recorded.stream, event.unit, event.rank, event.route, parent)


# ---- how rounds stand ----


def _changes(past: Past) -> Iterator[Change]:
    standing: dict[str, Change] = {}
    before_pause: dict[str, Change] = {}
    for moment, (recorded, event) in enumerate(zip(past.events, past.typed, strict=True)):
        stream = recorded.stream
        never_opened = stream not in standing and isinstance(event, e.RoundLapsed)
        if names.kind_of(stream) != "round" or never_opened:
            continue
        now = standing.get(stream, Change(moment, stream, Stands.GATHERING))
        match event:
            case e.RoundPaused():
                before_pause[stream] = now
                changed = replace(now, stands=Stands.PAUSED)
            case e.RoundResumed():
                changed = replace(now, stands=before_pause.get(stream, now).stands)
            case _:
                changed = _after(now, event)
        if stream not in standing or changed != now:
            standing[stream] = replace(changed, moment=moment)
            yield standing[stream]


def _after(now: Change, event: Event) -> Change:
    """How the round stands after one of its events."""
    match event:
        case e.PoolFrozen():
            return replace(now, stands=Stands.FROZEN, members=len(event.members), out=len(event.dropped))
        case e.StepOpened():
            return replace(now, stands=Stands.STEP, step=event.step, kind=event.type, held="")
        case e.StepHeld():
            return replace(now, stands=Stands.HELD, held=event.code)
        case (
            e.StepClosed() | e.TieResolved() | e.DifferentialWaived() | e.RulesWaived() | e.StepExtended()
        ) if now.stands is Stands.HELD:
            return replace(now, stands=Stands.STEP, held="")
        case e.MembersOut():
            gone = len(event.out)
            return replace(now, members=max(0, now.members - gone), out=now.out + gone)
        case e.TitlesConferred():
            return replace(now, conferred=now.conferred + len(event.conferred))
        case e.RoundReported():
            return replace(now, stands=Stands.REPORTED, members=len(event.recommended), held="")
        case e.RoundLapsed():
            return replace(now, stands=Stands.LAPSED, held="")
        case _:
            return now


# ---- who did what ----


def _acts(past: Past, *, whole: bool) -> Iterator[Act]:
    for moment, (recorded, event) in enumerate(zip(past.events, past.typed, strict=True)):
        kind = names.kind_of(recorded.stream)
        if kind == "nomination" and not whole:
            continue
        about = (
            recorded.stream.split("/")[2]
            if kind in ("nomination", "title")
            else getattr(event, "nomination", "")
        )
        sealed = _is_sealed(recorded)
        yield Act(
            moment=moment,
            position=recorded.position,
            at=recorded.at,
            what=recorded.type,
            by=SEALED if sealed else recorded.actor.id,
            role=OBJECTOR_ROLE if sealed else recorded.actor.role,
            unit="" if sealed else recorded.actor.unit,
            round=recorded.stream if kind == "round" else getattr(event, "round", ""),
            nomination=about or "",
            step=getattr(event, "step", ""),
        )


def _is_sealed(recorded: RecordedEvent) -> bool:
    """Who objects is shown to nobody (DR-29), in whatever role they do."""
    return recorded.actor.role == OBJECTOR_ROLE or recorded.type in OBJECTIONS
