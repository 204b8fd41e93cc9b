"""What is written beside events, told from the events alone: gates, reservations and messages, for a log given back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any, Literal

from domain import conduct, entry, nomination
from domain import cycle as cycles
from domain import round as rounds
from schemas import names
from schemas.commands import TakeOutcome
from schemas.events import (
    EligibilityChecked,
    Event,
    MembersOut,
    NominationDisqualified,
    NominationEliminated,
    NominationEndorsed,
    NominationRejected,
    NominationReturned,
    NominationSubmitted,
    NominationWithdrawn,
    PoolFrozen,
    RecommendationAmended,
    RoundLapsed,
    RoundReported,
    StepOpened,
    TitlesConferred,
    Window,
)
from schemas.ledger import Claim, Gate, GateStatus, Release, Reserve, Unclaim

Outcome = Literal["advanced", "eliminated", "returned", "conferred"]

_CYCLE_GATE = {cycles.Status.OPEN: GateStatus.OPEN, cycles.Status.PAUSED: GateStatus.PAUSED}


def cycle_gates(state: cycles.State) -> tuple[Gate, ...]:
    """The cycle's own gate and those of its intakes, as they stand after its last event."""
    assert state.opened is not None
    assert state.opened_at is not None
    cycle, closed = state.opened.cycle, GateStatus.CLOSED
    own = Gate(
        id=names.cycle_gate(cycle),
        cycle=cycle,
        status=_CYCLE_GATE.get(state.status, closed),
        opens_at=state.opened_at,
        epoch=state.epoch,
    )
    status = closed if state.intake_closed else GateStatus.OPEN
    return own, *(
        _gate(names.intake_gate(cycle, rank), cycle, status, intake.window, state.epoch)
        for rank, intake in state.intakes.items()
    )


def round_gates(state: rounds.State, cycle: cycles.State) -> tuple[Gate, ...]:
    """The gates of a round's windows, and of the substitutes' own publicity periods."""
    windows = {
        names.step_gate(state.stream, step): (step, run.window)
        for step, run in state.steps.items()
        if run.window
    }
    own = {one.gate: (one.step, one.window) for one in state.published.values()}
    return tuple(
        _gate(
            id,
            names.cycle_of(state.stream),
            _status(state, step, window),
            window,
            max(rounds.run_of(state, step).epoch, _resumed_by(window.opens_at, cycle)),
        )
        for id, (step, window) in (own | windows).items()
    )


def _status(state: rounds.State, step: str, window: Window) -> GateStatus:
    """Closed with its step; a substitute who came in after the report has a window that time alone closes."""
    closed_at = rounds.run_of(state, step).closed_at
    if closed_at is not None:
        return GateStatus.CLOSED if window.opens_at < closed_at else GateStatus.OPEN
    if state.lapsed:
        return GateStatus.CLOSED
    return GateStatus.PAUSED if state.paused_at else GateStatus.OPEN


def _gate(id: str, cycle: str, status: GateStatus, window: Window, epoch: int) -> Gate:
    opens, closes = window.opens_at, window.closes_at
    return Gate(id=id, cycle=cycle, status=status, opens_at=opens, closes_at=closes, epoch=epoch)


def _resumed_by(instant: datetime, cycle: cycles.State) -> int:
    """How many times the cycle had been resumed."""
    return sum(until <= instant for _, until in cycle.pauses)


def places(
    before: nomination.State, event: Event, id: str, cycle: str, held: Mapping[int, str], intake_open: bool
) -> tuple[Reserve | Release | Claim | Unclaim, ...]:
    """What a nomination takes or gives back after it entered: `held` are the places of its unit's quota."""

    def ranks_back(round_: str = "", step: str = "") -> tuple[Unclaim, ...]:
        return tuple(
            Unclaim(cycle=cycle, scope=names.rank_scope(at), number=given.rank, holder=id)
            for (at, of), given in before.endorsed.items()
            if given.rank is not None and round_ in ("", at) and step in ("", of)
        )

    match event:
        case NominationEndorsed() if event.recommendation_rank:
            scope = names.rank_scope(event.round)
            rank = Claim(cycle=cycle, scope=scope, number=event.recommendation_rank, holder=id)
            return (*(one for one in ranks_back(event.round) if one.number != rank.number), rank)
        case NominationWithdrawn() if intake_open and before.submitted:
            scope = names.quota_scope(before.submitted.route, before.submitted.unit)
            quota = (n for n, by in held.items() if by == id)
            back = (Unclaim(cycle=cycle, scope=scope, number=n, holder=id) for n in quota)
            return (Release(cycle=cycle, subject=before.subject), *back, *ranks_back())
        case NominationReturned():
            return ranks_back(event.round, event.step)
        case NominationWithdrawn() | NominationRejected() | NominationDisqualified() | NominationEliminated():
            return ranks_back()
        case _:
            return ()


def entry_places(
    event: NominationSubmitted, subject: str, quota: int | None, held: Mapping[int, str]
) -> tuple[Reserve | Claim, ...]:
    """The subject's one place in the cycle, and the lowest free one of its unit's quota: which, no event says."""
    cycle, id = event.cycle, event.nomination
    place = Reserve(cycle=cycle, subject=subject, nomination=id, unit=event.unit, route=event.route)
    if quota is None:
        return (place,)
    number = next(number for number in count(1) if number not in held)
    scope = names.quota_scope(event.route, event.unit)
    return place, Claim(cycle=cycle, scope=scope, number=number, holder=id)


def told(
    before: rounds.State,
    events: Sequence[Event],
    summit: str,
    entered: Sequence[str],
    children: Mapping[str, rounds.State],
) -> Iterator[tuple[str, TakeOutcome]]:
    """Whom one command's events of a round are told to, and what; `before` is the state that they met."""
    opens = any(isinstance(event, StepOpened) for event in events)
    at_summit = before.opened is not None and before.opened.rank == summit

    def say(outcome: Outcome, **more: Any) -> TakeOutcome:
        return TakeOutcome(round=before.stream, round_seq=before.seq + 1, outcome=outcome, **more)

    for event in events:
        match event:
            case MembersOut():
                for one in event.out:
                    yield one.nomination, say("eliminated", step=event.step, reason=one.reason)
            case PoolFrozen():
                yield from entry.left_behind(children)
                for one in event.dropped:
                    yield one.nomination, say("eliminated", step="pool", reason=one.reason)
            case EligibilityChecked() if opens:
                for check in (check for check in event.results if check.result == "unknown"):
                    reason = entry.missing(check)
                    yield check.nomination, say("returned", step=event.step, reason=reason)
            case RoundReported() | RecommendationAmended():
                for id in _onward(before, event, at_summit):
                    yield id, say("advanced")
            case RoundLapsed():
                for id in conduct.in_it(before, entered, children, summit):
                    yield id, say("eliminated", step=before.current or "pool", reason="ROUND_LAPSED")
            case TitlesConferred():
                for id, honour in _honours(event, at_summit):
                    yield id, say("conferred", **honour)
            case _:
                pass


def _onward(before: rounds.State, event: RoundReported | RecommendationAmended, at_summit: bool) -> list[str]:
    """Those newly recommended; at the summit, who got a title has been told already."""
    told = before.reported.recommended if before.reported else tuple(before.conferred) if at_summit else ()
    return [id for id in event.recommended if id not in told]


def _honours(event: TitlesConferred, at_summit: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """At the summit the last title of a nomination ends it."""
    last = {one.nomination: one.certificate for one in event.conferred}
    for one in event.conferred:
        final = at_summit and last[one.nomination] == one.certificate
        yield one.nomination, {"title": one.title, "certificate": one.certificate, "final": final}
