"""A subject's points in a programme (积分, DR-39): entries are only ever added, and a standing is a function of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from domain import authority
from domain.calendar import local_date
from domain.decision import Decision
from schemas.commands import AddPoints, Command
from schemas.errors import Refused
from schemas.events import Event, PointsAdded, PointsPinned, SubjectPoints
from schemas.programme import Dimension, Points, Programme
from schemas.units import UnitTree


@dataclass(frozen=True, slots=True)
class State:
    """The entries, in the order in which they were made."""

    entries: tuple[PointsAdded, ...] = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """The rules, units and grants of the cycle under which points are entered."""

    programme: Programme
    tree: UnitTree
    authority: authority.State


@dataclass(frozen=True, slots=True)
class Standing:
    """Points by dimension on one day, each within its cap, and their sum."""

    dimensions: dict[str, int]
    total: int


initial = State()


def evolve(state: State, event: Event) -> State:
    if isinstance(event, PointsAdded):
        return replace(state, entries=(*state.entries, event))
    return state


def decide(state: State, command: Command, body: AddPoints, inputs: Inputs) -> Decision:
    """Raises Refused NOT_FOUND, NOT_AUTHORISED, POINTS_INVALID, EVIDENCE_COUNTED."""
    if body.unit not in inputs.tree.by_code:
        raise Refused("NOT_FOUND", what=body.unit)
    grant = authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, body.unit)
    rules = inputs.programme.points
    dimension = next((one for one in rules.dimensions if one.id == body.dimension), None) if rules else None
    if dimension is None:
        raise Refused("NOT_FOUND", what=f"points.{body.dimension}")
    fault = _fault(body, dimension, local_date(command.received_at))
    if fault:
        raise Refused("POINTS_INVALID", fault=fault)
    counted = (
        one for one in state.entries if (one.dimension, one.evidence) == (body.dimension, body.evidence)
    )
    if body.points > 0 and sum(one.points for one in counted) > 0:
        raise Refused("EVIDENCE_COUNTED", dimension=body.dimension)
    added = PointsAdded(
        **body.model_dump(exclude={"kind", "expires_on"}), expires_on=_expiry(body, dimension)
    )
    return Decision(events=(added,), subject=command.stream.rsplit("/", 1)[-1], grant=grant)


def _fault(body: AddPoints, dimension: Dimension, today: date) -> str:
    try:
        earned = date.fromisoformat(body.earned_on)
        expires = date.fromisoformat(body.expires_on) if body.expires_on else None
    except ValueError as fault:
        return str(fault)
    if body.points == 0:
        return "points: 0"
    if earned > today:
        return f"earned_on {earned} is after {today}"
    if expires is not None and expires <= earned:
        return f"expires_on {expires} is not after earned_on {earned}"
    if dimension.open != bool(body.item):
        return f"{dimension.id}: item" + ("?" if dimension.open else f" {body.item}")
    return ""


def _expiry(body: AddPoints, dimension: Dimension) -> str:
    """As given, but never later than the dimension allows; kept in the event, so that no later rule changes it."""
    longest = (
        date.fromisoformat(body.earned_on) + timedelta(days=dimension.valid_days)
        if dimension.valid_days
        else None
    )
    given = [body.expires_on] if body.expires_on else []
    return min([*given, *([longest.isoformat()] if longest else [])], default="")


def standing(state: State, rules: Points, as_of: date) -> Standing:
    """What counts on that day: earned by then and not yet expired, up to each dimension's cap."""
    day = as_of.isoformat()
    sums = {dimension.id: 0 for dimension in rules.dimensions}
    for one in state.entries:
        if one.dimension in sums and one.earned_on <= day and not (one.expires_on and one.expires_on <= day):
            sums[one.dimension] += one.points
    for dimension in rules.dimensions:
        if dimension.cap is not None:
            sums[dimension.id] = min(sums[dimension.id], dimension.cap)
    return Standing(dimensions=sums, total=sum(sums.values()))


def pin(rules: Points | None, ledgers: dict[str, State], as_of: date) -> tuple[PointsPinned, ...]:
    """The standings of all who are in, as one event; none where the programme has no points."""
    if rules is None:
        return ()
    totals = {subject: standing(state, rules, as_of).total for subject, state in sorted(ledgers.items())}
    standings = tuple(
        SubjectPoints(subject=subject, points=total) for subject, total in totals.items() if total
    )
    return (PointsPinned(as_of=as_of.isoformat(), standings=standings),)
