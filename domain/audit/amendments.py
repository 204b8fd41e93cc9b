"""All that people changed by hand while a cycle ran, on one list: before and after, why, by which grant, by which two.

What the programme foresees (endorsing, judging, deciding, conferring) is no amendment, unless it takes somebody off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain import authority
from domain.audit.past import Past
from schemas import events as e
from schemas import names
from schemas.commands import ENGINE
from schemas.events import Event
from schemas.ledger import RecordedEvent
from schemas.programme import Programme
from schemas.values import format_instant

_FORESEEN = {"DecisionTaken", "TitlesConferred", "ObjectionRuled", "ActSeconded"}


@dataclass(frozen=True, slots=True)
class Amendment:
    """One change: `people` are who proposed and who confirmed it, or the one who did it alone.

    `done` is False of what a first person asked for and nobody has confirmed; `seen` names the components whose scores
    were known when a window was extended; `details` are the places of a changed programme.
    """

    position: int | None
    event: str  # stream@seq
    at: datetime
    what: str  # the event's type, or the command's kind of what is only proposed
    stream: str
    step: str
    before: str
    after: str
    reason: str
    people: tuple[str, ...]
    role: str
    unit: str
    grant: str
    terms: e.GrantTerms | None
    done: bool = True
    seen: tuple[str, ...] = ()
    details: tuple[tuple[str, str, str], ...] = ()


def amendments(past: Past) -> tuple[Amendment, ...]:
    """In global order; what is still only proposed comes where it was proposed."""
    found = list(_Reader(past).read())
    return tuple(sorted(found, key=lambda one: (one.position is None, one.position or 0, one.event)))


class _Reader:
    """Goes through the log once, with what is needed to say what was before."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._grants = authority.initial
        self._windows: dict[tuple[str, str], datetime] = {}
        self._held: dict[tuple[str, str], tuple[str, ...]] = {}
        self._proposed: dict[tuple[str, str], RecordedEvent] = {}
        self._seconded: dict[tuple[str, str], str] = {}  # of a command in a stream: who proposed it

    def read(self) -> Iterator[Amendment]:
        for recorded, event in zip(self._past.events, self._past.typed, strict=True):
            if names.kind_of(recorded.stream) == "title":  # what became of a title is its own story
                continue
            self._note_two(recorded, event)
            changed = self._changed(recorded, event)
            if changed is not None:
                yield self._amendment(recorded, event, *changed)
            self._note(recorded, event)
        for recorded in self._proposed.values():
            yield self._pending(recorded)

    def _note_two(self, recorded: RecordedEvent, event: Event) -> None:
        match event:
            case e.ActProposed():
                self._proposed[recorded.stream, event.act] = recorded
            case e.ActSeconded():
                self._proposed.pop((recorded.stream, event.act), None)
                self._seconded[recorded.stream, recorded.command_id] = event.proposed_by
            case _:
                pass

    def _note(self, recorded: RecordedEvent, event: Event) -> None:
        """What later changes are compared with."""
        match event:
            case e.GrantsGiven() | e.GrantRevoked():
                self._grants = authority.evolve(self._grants, event)
            case e.StepOpened() if event.window:
                self._windows[recorded.stream, event.step] = event.window.closes_at
            case e.StepExtended() if not event.nomination:
                self._windows[recorded.stream, event.step] = event.closes_at
            case e.StepHeld():
                self._held[recorded.stream, event.step] = event.nominations
            case _:
                pass

    def _amendment(self, recorded: RecordedEvent, event: Event, before: str, after: str) -> Amendment:
        first = self._seconded.get((recorded.stream, recorded.command_id), "")
        amended = isinstance(event, e.RulesAmended)
        return Amendment(
            position=recorded.position,
            event=f"{recorded.stream}@{recorded.seq}",
            at=recorded.at,
            what=recorded.type,
            stream=recorded.stream,
            step=getattr(event, "step", ""),
            before=before,
            after=after,
            reason=getattr(event, "reason", "") or "",
            people=tuple(one for one in (first, recorded.actor.id) if one),
            role=recorded.actor.role,
            unit=recorded.actor.unit,
            grant=recorded.grant,
            terms=self._grants.grants.get(recorded.grant),
            seen=getattr(event, "seen", None) or (),
            details=tuple(self._differences(event)) if amended else (),  # type: ignore[arg-type] # as just asked
        )

    def _pending(self, recorded: RecordedEvent) -> Amendment:
        return Amendment(
            position=recorded.position,
            event=f"{recorded.stream}@{recorded.seq}",
            at=recorded.at,
            what=recorded.data["kind"],
            stream=recorded.stream,
            step="",
            before="",
            after="",
            reason=recorded.data.get("reason", ""),
            people=(recorded.actor.id,),
            role=recorded.actor.role,
            unit=recorded.actor.unit,
            grant=recorded.grant,
            terms=self._grants.grants.get(recorded.grant),
            done=False,
        )

    def _differences(self, event: e.RulesAmended) -> Iterator[tuple[str, str, str]]:
        old, new = (self._past.programmes.get(one) for one in (event.was, event.rules))
        if old and new:
            yield from differences(_plain(old), _plain(new))

    # -- before and after, of each kind of change

    def _changed(self, recorded: RecordedEvent, event: Event) -> tuple[str, str] | None:
        by_two = (recorded.stream, recorded.command_id) in self._seconded
        found = self._time(recorded, event, by_two=by_two) or self._of_round(recorded, event)
        found = found or _of_person(event) or self._of_authority(recorded, event)
        if found is None and by_two and recorded.type not in _FORESEEN and _is_whole(recorded):
            return "", ""  # two people did it: whatever it is, it belongs here
        return found

    def _time(self, recorded: RecordedEvent, event: Event, *, by_two: bool) -> tuple[str, str] | None:
        """Days that a pause gave back come without a second person: the pause is on the list, they are not."""
        match event:
            case e.IntakeExtended() | e.IntakeShortened() | e.StepExtended() | e.ReportsExtended() if by_two:
                return format_instant(event.was), format_instant(event.closes_at)
            case e.StepClosed() if event.how == "early":
                was = self._windows.get((recorded.stream, event.step))
                return format_instant(was) if was else "", format_instant(recorded.at)
            case e.CyclePaused() | e.RoundPaused():
                return "open", "paused"
            case e.CycleResumed() | e.RoundResumed():
                return "paused", "open"
            case e.CycleCancelled():
                return "open", "cancelled"
            case e.RoundLapsed() if recorded.actor != ENGINE:
                return "open", "lapsed"
            case _:
                return None

    def _of_round(self, recorded: RecordedEvent, event: Event) -> tuple[str, str] | None:
        match event:
            case e.JudgeReplaced():
                return event.judge, event.by
            case e.PanelClosed() if event.version > 1:
                return f"version {event.version - 1}", f"version {event.version}"
            case e.DifferentialWaived():
                return "differential", "waived"
            case e.RulesWaived():
                return ", ".join(event.rules), "waived"
            case e.TieResolved():
                tied = self._held.get((recorded.stream, event.step), ())
                return ", ".join(tied), " > ".join(event.order)
            case e.VotesInvalidated():
                who = event.nomination or event.cohort or f"{len(event.voters)} voters"
                return who, f"{event.effect} ({event.evidence or event.reason})"
            case e.VotesReleased():
                who = event.nomination or event.cohort or f"{len(event.voters or ())} voters"
                return who, f"counts ({event.evidence or event.reason})"
            case e.VotesHeld():
                return f"{event.nomination}: {event.papers} of {event.of} papers", f"held by {event.rule}"
            case e.VotesFrozen():
                return event.nomination or "open", "frozen"
            case e.VotesUnfrozen():
                return event.nomination or "frozen", "open"
            case e.Substituted():
                return event.out, event.into or (f"vacant ({event.limit})" if event.limit else "vacant")
            case e.DecisionTaken() if event.removed:
                return ", ".join(one.nomination for one in event.removed), "removed: " + "; ".join(
                    one.reason for one in event.removed
                )
            case e.ChangeReported():
                return event.what, f"{event.change} {event.nomination}"
            case e.ClearanceRequested():
                return ", ".join(event.nominations), "asked again"
            case _:
                return None

    def _of_authority(self, recorded: RecordedEvent, event: Event) -> tuple[str, str] | None:
        """Grants after the founding ones, rules, and places of the quota."""
        match event:
            case e.QuotaRedistributed():
                places = sum(one.places for one in event.to)
                return f"{event.unit}: {places}", ", ".join(f"{one.unit}: {one.places}" for one in event.to)
            case e.RulesAmended():
                return event.was, event.rules
            case e.CalendarExtended():
                return event.was, event.overrides
            case e.GrantRevoked():
                return _terms(self._grants.grants.get(event.grant)), "revoked"
            case e.GrantsGiven() if self._grants.founded and recorded.actor != ENGINE:
                return "", "; ".join(map(_terms, event.grants))
            case _:
                return None


def _of_person(event: Event) -> tuple[str, str] | None:
    match event:
        case e.PredicateWaived():
            return event.predicate, "waived"
        case e.NominationDisqualified():
            return "in", "disqualified"
        case e.VettingReopened():
            return f"{event.step} passed", f"reopened by {event.department}"
        case e.TransferNoted():
            return event.was, event.unit
        case e.DeathNoted():
            return "", event.died_on.isoformat()
        case _:
            return None


def _is_whole(recorded: RecordedEvent) -> bool:
    """Not one of those that follow from a decision of the same command, such as who leaves and what closes."""
    return recorded.type not in {"MembersOut", "StepClosed", "StepOpened", "SelectionMade", "RoundReported"}


def _terms(grant: e.GrantTerms | None) -> str:
    return f"{grant.person} {grant.role} @ {grant.unit}" if grant else ""


# ---- programmes compared ----


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Each place where two plain values differ: its path, what was, what is; `–` where one has nothing there."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from differences(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(old, list) and isinstance(new, list):
        old_by, new_by = _named(old), _named(new)
        for key in dict.fromkeys((*old_by, *new_by)):
            yield from differences(old_by.get(key), new_by.get(key), f"{path}[{key}]")
    elif old != new:
        yield path, _shown(old), _shown(new)


def _named(items: list[Any]) -> dict[str, Any]:
    """By id where they have one, so that a step put in between moves no other."""
    ids = [str(one.get("id", n)) if isinstance(one, Mapping) else str(n) for n, one in enumerate(items)]
    return (
        dict(zip(ids, items, strict=True))
        if len(set(ids)) == len(ids)
        else {str(n): one for n, one in enumerate(items)}
    )


def _shown(value: Any) -> str:
    return "–" if value is None else str(value)


def _plain(programme: Programme) -> Any:
    return programme.model_dump(mode="json", exclude={"assumptions"})
