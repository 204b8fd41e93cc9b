"""What is written beside events, told from the events alone: gates, reservations and messages, for a log given back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from domain import cycle as cycles
from domain import entry
from domain import round as rounds
from schemas import names
from schemas.commands import TakeOutcome
from schemas.events import (
    EligibilityChecked,
    Event,
    MembersOut,
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
from schemas.ledger import Gate, GateStatus, Release, Reserve

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
    of = names.cycle_of(state.stream)
    own = [
        _gate(
            names.step_gate(state.stream, step),
            of,
            GateStatus.CLOSED if run.closed_at else GateStatus.OPEN,
            run.window,
            max(run.epoch, _resumed_by(run.window.opens_at, cycle)),
        )
        for step, run in state.steps.items()
        if run.window
    ]
    known = {gate.id for gate in own}
    return *own, *(
        _gate(
            one.gate,
            of,
            GateStatus.OPEN,
            one.window,
            max(rounds.run_of(state, one.step).epoch, _resumed_by(one.window.opens_at, cycle)),
        )
        for one in state.published.values()
        if one.gate not in known
    )


def _gate(id: str, cycle: str, status: GateStatus, window: Window, epoch: int) -> Gate:
    opens, closes = window.opens_at, window.closes_at
    return Gate(id=id, cycle=cycle, status=status, opens_at=opens, closes_at=closes, epoch=epoch)


def _resumed_by(instant: datetime, cycle: cycles.State) -> int:
    """How many times the cycle had been resumed."""
    return sum(until <= instant for _, until in cycle.pauses)


def reservation(event: Event, subject: str, cycle: str, intake_open: bool) -> tuple[Reserve | Release, ...]:
    """A submission takes the subject's one place in the cycle; a withdrawal while intake is open gives it back."""
    match event:
        case NominationSubmitted():
            unit, route = event.unit, event.route
            held = Reserve(cycle=cycle, subject=subject, nomination=event.nomination, unit=unit, route=route)
            return (held,)
        case NominationWithdrawn() if intake_open:
            return (Release(cycle=cycle, subject=subject),)
        case _:
            return ()


def told(
    before: rounds.State, events: Sequence[Event], summit: str, children: Mapping[str, rounds.State]
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
                for id in (*before.members, *before.standby):
                    yield id, say("eliminated", step=before.current, reason="ROUND_LAPSED")
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
