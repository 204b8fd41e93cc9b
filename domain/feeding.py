"""Winners of other cycles who come into this one: of its months, or of another programme that feeds it (DR-38).

What they are is read once, when intake closes, and pinned in the cycle's events: replay needs no other stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain import team
from domain.eligibility import fits
from domain.periods import span, within
from domain.round import Standing, State
from schemas import names
from schemas.canonical import digest
from schemas.commands import ENGINE, Command, SubmitNomination
from schemas.errors import Refused
from schemas.events import Award, FactValue, NominationSubmitted, TeamMember, Winner, WinnersTaken
from schemas.ledger import Guard, HeadIs
from schemas.programme import Channel, Feeder, Intake, Programme, Route, SubjectType
from schemas.units import UnitTree

Facts = dict[str, int | bool | str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A winner's nomination in a source cycle, with what it won there."""

    subject: str
    submitted: NominationSubmitted
    facts: Facts
    awards: tuple[Award, ...]
    kind: SubjectType = SubjectType.PERSON
    members: tuple[TeamMember, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A completed cycle of a feeder's programme, and its winners."""

    cycle: str
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Feeds:
    """By feeder, what its cycles gave and which of them were taken before; `siblings` are the heads that say so."""

    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)
    taken: Mapping[str, frozenset[str]] = field(default_factory=dict)
    siblings: Mapping[str, int] = field(default_factory=dict)


def won(cycle: str, rounds: Iterable[State], feeder: Feeder) -> dict[str, tuple[Award, ...]]:
    """Who won what in a cycle, by nomination: titles of any of its levels, or the summit's recommendation."""
    found: dict[str, tuple[Award, ...]] = {}
    for one in rounds:
        if feeder.take == "conferred":
            given = {
                id: [t for t in titles if t in (feeder.titles or titles)]
                for id, titles in one.conferred.items()
            }
        else:
            at_summit = one.stream.split("/")[2:3] == [names.ROOT_ROUTE] and one.reported is not None
            given = {id: [""] for id in one.reported.recommended} if at_summit and one.reported else {}
        for id, titles in given.items():
            awards = tuple(Award(cycle=cycle, nomination=id, title=title) for title in titles)
            found[id] = (*found.get(id, ()), *awards)
    return {id: awards for id, awards in found.items() if awards}


def take(cycle: str, programme: Programme, tree: UnitTree, feeds: Feeds) -> tuple[WinnersTaken, ...]:
    """One event a feeder, even where it gave nobody."""
    return tuple(_take(cycle, programme, tree, feeds, feeder) for feeder in programme.feeders)


def _take(cycle: str, programme: Programme, tree: UnitTree, feeds: Feeds, feeder: Feeder) -> WinnersTaken:
    period, before = names.period_of(cycle), feeds.taken.get(feeder.id, frozenset())
    sources = [
        source
        for source in feeds.sources.get(feeder.id, ())
        if source.cycle not in before and _is_due(names.period_of(source.cycle), period)
    ]
    by_subject: dict[str, list[Entry]] = {}
    for entry in (entry for source in sources for entry in source.entries):
        by_subject.setdefault(entry.subject, []).append(entry)
    build = _nominated if feeder.gives == "pool" else _known
    made = {subject: build(programme, tree, entries) for subject, entries in sorted(by_subject.items())}
    winners = tuple(one for one in made.values() if one is not None)
    return WinnersTaken(
        feeder=feeder.id,
        gives=feeder.gives,
        sources=tuple(source.cycle for source in sources),
        late=tuple(s.cycle for s in sources if _is_late(names.period_of(s.cycle), period)),
        winners=winners,
        left_out=tuple(subject for subject, one in made.items() if one is None),
        persons=len(winners),
        award_count=sum(len(one.awards) for one in winners),
    )


def _is_due(source: str, period: str) -> bool:
    """A source with a period counts once that is over; one without counts as soon as it is complete."""
    return not source or not period or span(source)[1] <= span(period)[1]


def _is_late(source: str, period: str) -> bool:
    """It ended before this period began, so it should have been taken by an earlier one."""
    return bool(source and period) and not within(source, period)


def _known(programme: Programme, tree: UnitTree, entries: list[Entry]) -> Winner | None:  # noqa: ARG001 -- as _nominated
    return Winner(subject=entries[0].subject, awards=_awards(entries))


def _nominated(programme: Programme, tree: UnitTree, entries: list[Entry]) -> Winner | None:
    """Put forward where the latest nomination came from; None where nothing takes in such winners on that way up."""
    latest = entries[-1]
    try:
        team.check(programme, latest.kind, latest.members)
    except Refused:
        return None
    for route in sorted(programme.routes, key=lambda route: route.id != latest.submitted.route):
        unit = _way_in(programme, tree, latest.submitted.unit, route)
        if unit:
            return Winner(
                subject=latest.subject,
                awards=_awards(entries),
                unit=unit,
                route=route.id,
                entry=latest.submitted.entry,
                commitment=latest.submitted.commitment,
                facts=_carried(programme, latest.facts),
                subject_type=latest.kind,
                members=latest.members,
            )
    return None


def _awards(entries: list[Entry]) -> tuple[Award, ...]:
    return tuple(award for entry in entries for award in entry.awards)


def _way_in(programme: Programme, tree: UnitTree, unit: str, route: Route) -> str:
    """The first unit from here upward whose stage takes in winners, if the route leads on from there."""
    if unit not in tree.by_code:
        return tree.root if _takes_in(programme, tree.by_code[tree.root].rank) else ""
    for one in tree.ancestors(unit, by_industry=route.by_industry):
        if _takes_in(programme, one.rank) and _leads_up(tree, one.code, route):
            return one.code
    return ""


def _takes_in(programme: Programme, rank: str) -> bool:
    step = next((stage.steps[0] for at, stage in programme.stages.items() if at == rank), None)
    return isinstance(step, Intake) and Channel.FEED in step.channels


def _leads_up(tree: UnitTree, unit: str, route: Route) -> bool:
    try:
        return bool(tree.path(unit, route))
    except ValueError:
        return False


def _carried(programme: Programme, facts: Facts) -> tuple[FactValue, ...]:
    """The facts that are asked for here too, in the same form; what else is asked stays unknown."""
    return tuple(
        FactValue(id=id, value=facts[id])
        for id, declared in programme.asked.items()
        if id in facts and fits(declared, facts[id])
    )


def nominations(cycle: str, winners: Iterable[Winner], now: datetime) -> tuple[Command, ...]:
    """The engine's nomination of each winner of a pool; its id is the same whenever it is asked."""
    return tuple(
        Command(
            id=names.feed_command(cycle, one.subject),
            stream=names.nomination_stream(cycle, id),
            actor=ENGINE,
            received_at=now,
            body=SubmitNomination(
                nomination=id,
                cycle=cycle,
                unit=one.unit,
                route=one.route,
                channel=Channel.FEED,
                subject=one.subject,
                entry=one.entry,
                commitment=one.commitment,
                facts=one.facts,
                subject_type=SubjectType(one.subject_type) if one.subject_type else None,
                members=one.members,
            ),
        )
        for one in winners
        for id in [digest(f"{cycle}/feed/{one.subject}".encode())[:16]]
    )


def guards(feeds: Feeds) -> tuple[Guard, ...]:
    """No other cycle of the programme takes the same at the same moment."""
    return tuple(HeadIs(stream=stream, seq=seq) for stream, seq in sorted(feeds.siblings.items()))


def attested(
    standings: dict[str, Standing], programme: Programme, by_engine: Callable[[str], Facts]
) -> dict[str, Standing]:
    """The standings with the declared facts that the engine attests."""
    declared = programme.facts.keys() - programme.asked.keys()
    declared |= {"points"} if programme.points else set()
    if not declared:
        return standings
    return {
        id: replace(one, facts=one.facts | {k: v for k, v in by_engine(one.subject).items() if k in declared})
        for id, one in standings.items()
    }
