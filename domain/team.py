"""Teams, studios and other subjects with members (DR-40): how many, one leader, frozen in time, nobody in two."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from domain.calendar import end_of_day
from schemas import names
from schemas.errors import Refused
from schemas.events import NominationSubmitted, TeamMember
from schemas.ledger import Release, Reserve
from schemas.programme import Members, Programme, SubjectType


def check(programme: Programme, kind: SubjectType, members: tuple[TeamMember, ...]) -> None:
    """Refused SUBJECT_UNFIT for a type that the programme does not take, MEMBERS_INVALID for the wrong people."""
    if kind not in (programme.subject, *programme.subjects):
        raise Refused("SUBJECT_UNFIT", subject=kind)
    rule = programme.members.get(kind)
    if rule is None:
        if members:
            raise Refused("MEMBERS_INVALID", fault=f"{kind}: 0")
        return
    if not rule.minimum <= len(members) <= rule.maximum:
        raise Refused("MEMBERS_INVALID", fault=f"{len(members)} ({rule.minimum}–{rule.maximum})")
    if len({one.subject for one in members}) != len(members):
        raise Refused("MEMBERS_INVALID", fault="1 × 2")
    leaders = sum(one.leader for one in members)
    if leaders != 1:
        raise Refused("MEMBERS_INVALID", fault=f"leader: {leaders}")


def must_not_be_frozen(rule: Members, now: datetime) -> None:
    """Refused STAGE_CLOSED once the last day for changes is over; the end of intake is guarded by its gate."""
    if rule.freeze_on and now >= end_of_day(date.fromisoformat(rule.freeze_on)):
        raise Refused("STAGE_CLOSED", step="members", closed_at=rule.freeze_on)


def reserve(
    programme: Programme, submitted: NominationSubmitted, members: Iterable[TeamMember]
) -> tuple[Reserve, ...]:
    """One team a person: held beside the cycle's own reservations, so that a member may still be put forward alone."""
    rule = programme.members.get(SubjectType(submitted.subject_type or programme.subject))
    if rule is None or rule.in_several:
        return ()
    return tuple(
        Reserve(
            cycle=names.members_of(submitted.cycle),
            subject=one.subject,
            nomination=submitted.nomination,
            unit=submitted.unit,
            route=submitted.route,
        )
        for one in members
    )


def release(cycle: str, members: Iterable[TeamMember]) -> tuple[Release, ...]:
    """They are free for another team; saying it of one who was not held is harmless."""
    return tuple(Release(cycle=names.members_of(cycle), subject=one.subject) for one in members)
