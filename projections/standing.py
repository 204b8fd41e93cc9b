"""How things stand, event by event: each row follows one stream and nothing else, so any order of streams gives the same.

What judges write is not read here at all: a sheet is sealed until its panel closes (DR-14, DR-16).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from domain.cycle import Status as CycleStatus
from domain.nomination import Status as NominationStatus
from schemas import names
from schemas.errors import Integrity
from schemas.events import (
    BelowMinimum,
    Conferred,
    CycleCancelled,
    CycleCompleted,
    CycleOpened,
    CyclePaused,
    CycleResumed,
    DifferentialWaived,
    Event,
    IntakeClosed,
    IntakeExtended,
    IntakeShortened,
    IntakeWindow,
    MembersOut,
    NominationAdvanced,
    NominationConferred,
    NominationCorrected,
    NominationDisqualified,
    NominationEliminated,
    NominationRejected,
    NominationReturned,
    NominationSubmitted,
    NominationWithdrawn,
    PoolFrozen,
    Ranked,
    RecommendationAmended,
    RoundLapsed,
    RoundOpened,
    RoundPaused,
    RoundReported,
    RoundResumed,
    RulesWaived,
    SelectionMade,
    StepClosed,
    StepExtended,
    StepHeld,
    StepOpened,
    Substituted,
    TieResolved,
    TitlesConferred,
    read,
)
from schemas.ledger import Frozen, RecordedEvent
from schemas.values import Instant, Label


class RoundStatus(StrEnum):
    OPEN = "open"
    HELD = "held"
    REPORTED = "reported"
    LAPSED = "lapsed"


PAUSED = "ROUND_PAUSED"
"""What a paused round is held by, beside what its step may be held by already."""


class Row(Frozen):
    """A stream as it stands after its event `last_seq`."""

    stream: str
    cycle: str
    last_seq: int


class CycleRow(Row):
    status: CycleStatus
    programme: str
    edition: int
    title: Label
    units: str  # hash of the pinned unit tree
    rules: str
    rehearsal: bool
    opened_at: Instant
    intakes: tuple[IntakeWindow, ...]
    intake_closed: bool = False
    silent: tuple[str, ...] = ()
    below_minimum: tuple[BelowMinimum, ...] = ()
    conferred: int = 0


class NominationRow(Row):
    """`level` counts units of `path` from 0; `stands_at` is the unit there, `round` the stream of its round.

    Whom the summit recommends stands there still, with no level left.
    """

    nomination: str
    subject: str
    unit: str
    route: str
    path: tuple[str, ...]
    status: NominationStatus = NominationStatus.OPEN
    level: int = 0
    stands_at: str
    round: str
    revision: int = 1
    returned: tuple[str, ...] = ()  # the unit of each return, also of those that were corrected since
    titles: tuple[str, ...] = ()


class Selection(Frozen):
    """The latest selection of a round as it was made; who left or came in since is in the round's lists."""

    step: str
    seats: int
    ranked: tuple[Ranked, ...]
    selected: tuple[str, ...]


class RoundRow(Row):
    """`members` are those still in, after a selection the selected; `reserve` those who stand by, in order."""

    unit: str
    rank: str
    route: str
    step: str = ""
    status: RoundStatus = RoundStatus.OPEN
    held_code: str = ""
    members: tuple[str, ...] = ()
    reserve: tuple[str, ...] = ()
    selection: Selection | None = None
    conferred: tuple[Conferred, ...] = ()
    reported: tuple[str, ...] = ()


def fold(rows: Mapping[str, Row], events: Iterable[RecordedEvent]) -> dict[str, Row]:
    """The rows by stream after more events; Integrity as `follow`."""
    folded = dict(rows)
    for recorded in events:
        row = follow(folded.get(recorded.stream), recorded)
        if row is not None:
            folded[recorded.stream] = row
    return folded


def follow(row: Row | None, recorded: RecordedEvent) -> Row | None:
    """The stream's row after its next event; None for streams that have none (authority).

    Raises Integrity `LOG_BROKEN` if the event is not the next one, `EVENT_UNKNOWN` if newer code wrote it.
    """
    kind = names.kind_of(recorded.stream)
    if kind not in ("cycle", "nomination", "round"):
        return None
    if recorded.seq != (row.last_seq + 1 if row else 1):
        raise _broken(recorded, "the event is not the next one of its stream")
    event = read(recorded)
    if row is None:
        return _begin(event, recorded)
    return _next(row, event).model_copy(update={"last_seq": recorded.seq})


def _begin(event: Event, recorded: RecordedEvent) -> Row:
    match event:
        case CycleOpened():
            return _opened_cycle(event, recorded)
        case NominationSubmitted():
            return _submitted(event, recorded)
        case RoundOpened():
            return RoundRow(
                stream=recorded.stream,
                cycle=names.cycle_of(recorded.stream),
                last_seq=recorded.seq,
                unit=event.unit,
                rank=event.rank,
                route=event.route,
            )
        case RoundLapsed():
            return _never_opened(recorded)
        case _:
            raise _broken(recorded, f"no stream begins with {recorded.type}")


def _next(row: Row, event: Event) -> Row:
    match row:
        case CycleRow():
            return _cycle(row, event)
        case NominationRow():
            return _nomination(row, event)
        case RoundRow():
            return _round(row, event)
        case _:
            return row


# ---- cycle ----


def _opened_cycle(event: CycleOpened, recorded: RecordedEvent) -> CycleRow:
    return CycleRow(
        stream=recorded.stream,
        cycle=event.cycle,
        last_seq=recorded.seq,
        status=CycleStatus.OPEN,
        programme=event.programme,
        edition=event.edition,
        title=event.title,
        units=event.units,
        rules=recorded.rules,
        rehearsal=event.pace.rehearsal,
        opened_at=recorded.at,
        intakes=event.intakes,
    )


def _cycle(row: CycleRow, event: Event) -> CycleRow:
    match event:
        case IntakeExtended() | IntakeShortened():
            return row.model_copy(update={"intakes": tuple(_moved(one, event) for one in row.intakes)})
        case IntakeClosed():
            below = event.below_minimum or ()
            closed = {"intake_closed": True, "silent": event.silent, "below_minimum": below}
            return row.model_copy(update=closed)
        case CyclePaused():
            return row.model_copy(update={"status": CycleStatus.PAUSED})
        case CycleResumed():
            return row.model_copy(update={"status": CycleStatus.OPEN})
        case CycleCancelled():
            return row.model_copy(update={"status": CycleStatus.CANCELLED})
        case CycleCompleted():
            return row.model_copy(update={"status": CycleStatus.COMPLETED, "conferred": event.conferred})
        case _:
            return row


def _moved(intake: IntakeWindow, event: IntakeExtended | IntakeShortened) -> IntakeWindow:
    if intake.rank != event.rank:
        return intake
    window = intake.window.model_copy(update={"closes_at": event.closes_at})
    return intake.model_copy(update={"window": window})


# ---- nomination ----


def _submitted(event: NominationSubmitted, recorded: RecordedEvent) -> NominationRow:
    return NominationRow(
        stream=recorded.stream,
        cycle=event.cycle,
        last_seq=recorded.seq,
        nomination=event.nomination,
        subject=recorded.subject,
        unit=event.unit,
        route=event.route,
        path=event.path,
        stands_at=event.path[0],
        round=names.round_on_way(event.cycle, event.route, event.path, 0),
    )


def _nomination(row: NominationRow, event: Event) -> NominationRow:
    match event:
        case NominationReturned():
            returned = (*row.returned, row.stands_at)
            return row.model_copy(update={"status": NominationStatus.RETURNED, "returned": returned})
        case NominationCorrected():
            return row.model_copy(update={"status": NominationStatus.OPEN, "revision": event.revision})
        case NominationRejected():
            return row.model_copy(update={"status": NominationStatus.REJECTED})
        case NominationWithdrawn():
            return row.model_copy(update={"status": NominationStatus.WITHDRAWN})
        case NominationDisqualified():
            return row.model_copy(update={"status": NominationStatus.DISQUALIFIED})
        case NominationEliminated():
            return row.model_copy(update={"status": NominationStatus.ELIMINATED})
        case NominationAdvanced():
            return _advanced(row)
        case NominationConferred():
            status = NominationStatus.CONFERRED if event.final else row.status
            return row.model_copy(update={"status": status, "titles": (*row.titles, event.title)})
        case _:
            return row


def _advanced(row: NominationRow) -> NominationRow:
    level = row.level + 1
    if level == len(row.path):
        return row.model_copy(update={"status": NominationStatus.RECOMMENDED, "level": level})
    round_ = names.round_on_way(row.cycle, row.route, row.path, level)
    return row.model_copy(update={"level": level, "stands_at": row.path[level], "round": round_})


# ---- round ----


def _never_opened(recorded: RecordedEvent) -> RoundRow:
    """Its cycle was cancelled, or its parent went on, before it began: its stream's name alone says whose it is."""
    _, cycle, route, unit = recorded.stream.split("/")
    return RoundRow(
        stream=recorded.stream,
        cycle=cycle,
        last_seq=recorded.seq,
        unit=unit,
        rank="",
        route=route,
        status=RoundStatus.LAPSED,
    )


def _round(row: RoundRow, event: Event) -> RoundRow:
    match event:
        case PoolFrozen():
            return row.model_copy(update={"members": tuple(one.nomination for one in event.members)})
        case StepOpened():
            return _going_on(row).model_copy(update={"step": event.step})
        case StepHeld():
            return row.model_copy(update={"status": RoundStatus.HELD, "held_code": event.code})
        case RoundPaused():
            held = f"{row.held_code} {PAUSED}".strip()
            return row.model_copy(update={"status": RoundStatus.HELD, "held_code": held})
        case RoundResumed():
            return _resumed(row)
        case StepExtended() if event.closes_at == event.was:
            return row
        case StepClosed() | StepExtended() | TieResolved() | DifferentialWaived() | RulesWaived():
            return _going_on(row)
        case MembersOut():
            return _without(row, {one.nomination for one in event.out})
        case SelectionMade():
            return _selected(_going_on(row), event)
        case Substituted():
            return _substituted(row, event)
        case TitlesConferred():
            return row.model_copy(update={"conferred": row.conferred + event.conferred})
        case RoundReported():
            ended = {"status": RoundStatus.REPORTED, "held_code": "", "reported": event.recommended}
            return row.model_copy(update=ended)
        case RecommendationAmended():
            return row.model_copy(update={"reported": event.recommended})
        case RoundLapsed():
            return row.model_copy(update={"status": RoundStatus.LAPSED, "held_code": ""})
        case _:
            return row


def _going_on(row: RoundRow) -> RoundRow:
    held = row.status == RoundStatus.HELD
    return row.model_copy(update={"status": RoundStatus.OPEN, "held_code": ""}) if held else row


def _resumed(row: RoundRow) -> RoundRow:
    code = row.held_code.removesuffix(PAUSED).strip()
    return row.model_copy(update={"held_code": code}) if code else _going_on(row)


def _without(row: RoundRow, out: set[str]) -> RoundRow:
    members = tuple(one for one in row.members if one not in out)
    return row.model_copy(
        update={"members": members, "reserve": tuple(one for one in row.reserve if one not in out)}
    )


def _selected(row: RoundRow, event: SelectionMade) -> RoundRow:
    made = Selection(step=event.step, seats=event.seats, ranked=event.ranked, selected=event.selected)
    return row.model_copy(update={"members": event.selected, "reserve": event.reserve, "selection": made})


def _substituted(row: RoundRow, event: Substituted) -> RoundRow:
    left = _without(row, {event.out, event.into})
    return left.model_copy(update={"members": (*left.members, event.into)}) if event.into else left


def _broken(recorded: RecordedEvent, fault: str) -> Integrity:
    return Integrity("LOG_BROKEN", stream=recorded.stream, seq=recorded.seq, fault=fault)
