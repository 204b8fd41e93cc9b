"""The invented world of a demo: enterprises under real units, people with facts and a merit, all from one seed.

Nothing here is recorded from life: enterprises and people are called 测试 and their identities start with TEST.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import NamedTuple

from schemas.programme import (
    Channel,
    Clearance,
    Conferral,
    Decision,
    ExpertReview,
    Intake,
    Programme,
    Rank,
    Route,
)
from schemas.units import Unit, UnitTree

OPERATORS = ("op-1", "op-2")
HANDLERS = ("h-1", "h-2")
NOMINATIONS_A_PREFECTURE = 21
NOMINATIONS_A_UNION = 32
UNION_SHARE = 6  # one nomination in so many goes the industry's way
UNAFFILIATED_SHARE = 8  # one in so many has no enterprise, where the programme lets people enter higher up
SILENT = 4
_FAN_OUT = {Rank.PREFECTURE: 6, Rank.COUNTY: 3, Rank.TOWNSHIP: 2}
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_DIGITS = "〇一二三四五六七八九"


class Size(NamedTuple):
    """How many enterprises are invited and how many nominations they send in."""

    enterprises: int
    nominations: int


@dataclass(frozen=True)
class Person:
    """Somebody who is put forward. `merit`, 0 to 1000, is what nobody knows; officers and judges see it with errors."""

    number: int
    unit: str
    route: str
    channel: Channel
    merit: int
    facts: dict[str, str]
    sponsors: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"nominee-{self.number:04d}"

    @property
    def name(self) -> str:
        stem = _STEMS[self.number % 10] + _STEMS[self.number // 10 % 10]
        return f"测试·{stem}{''.join(_DIGITS[int(one)] for one in str(self.number))}"

    @property
    def head(self) -> bool:
        return self.facts.get("enterprise_head") == "true"


@dataclass(frozen=True)
class Incidents:
    """What is planned to go wrong or against the grain, by the person to whom it happens."""

    ineligible: Person
    rejected_low: Person
    rejected_high: Person
    returned: Person
    foreign: Person
    double: Person

    def all(self) -> tuple[Person, ...]:
        return (
            self.ineligible, self.rejected_low, self.rejected_high, self.returned, self.foreign, self.double
        )  # fmt: skip


@dataclass(frozen=True)
class World:
    """The units in play, the people, and what is to happen to some of them."""

    seed: int
    programme: Programme
    tree: UnitTree
    enterprises: tuple[Unit, ...]
    silent: tuple[str, ...]
    people: tuple[Person, ...]
    incidents: Incidents
    judges_of: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def draw(self, *about: object) -> Random:
        """A generator of its own for one question, so that the order of answers changes nothing."""
        return Random("/".join(map(str, (self.seed, *about))))  # noqa: S311 -- invented people, not secrets

    @cached_property
    def whole(self) -> UnitTree:
        """The pinned units with the enterprises."""
        units = sorted((*self.tree.units, *self.enterprises), key=lambda unit: unit.code)
        return UnitTree(root=self.tree.root, units=tuple(units))

    def path(self, person: Person) -> tuple[str, ...]:
        return self.whole.path(person.unit, self.programme.route(person.route))

    @cached_property
    def invited(self) -> tuple[str, ...]:
        """The enterprises of which a nomination is expected, whether or not it comes."""
        codes = {unit.code for unit in self.enterprises}
        return tuple(
            sorted({person.unit for person in self.people if person.unit in codes} | set(self.silent))
        )

    @cached_property
    def active(self) -> tuple[Unit, ...]:
        """Every unit on somebody's way, and the silent enterprises."""
        codes = {code for person in self.people for code in self.path(person)} | set(self.silent)
        return tuple(self.whole.by_code[code] for code in sorted(codes))

    def name_of(self, code: str) -> str:
        return self.whole.by_code[code].name

    def write_units(self, file: Path) -> None:
        """The enterprises as the CSV that `cycle start --units` reads."""
        columns = ("code", "parent", "name", "rank", "industry")
        rows = ([getattr(unit, name) for name in columns] for unit in self.enterprises)
        _write(file, columns, rows)

    def write_grants(self, file: Path) -> None:
        """Everybody's grants as the CSV that `cycle start --grants` reads."""
        _write(file, ("person", "role", "unit"), self._grants())

    def _grants(self) -> Iterable[tuple[str, str, str]]:
        root = self.tree.root
        for handler in HANDLERS:
            yield handler, "handler", root
        for unit in self.active:
            yield officer(unit.code), "officer", unit.code
            stage = self.programme.stages.get(unit.rank)
            for judge in self.judges_of.get(unit.code, ()):
                yield judge, "judge", unit.code
            for step in stage.steps if stage else ():
                yield from _grants_of_step(step, unit.code)


def officer(unit: str) -> str:
    return f"o-{unit}"


def clerk(department: str) -> str:
    return f"d-{department}"


def members_of(body: str, unit: str) -> tuple[str, str]:
    """The two people who act for a body."""
    return f"b-{body}-{unit}-1", f"b-{body}-{unit}-2"


def _grants_of_step(step: object, unit: str) -> Iterable[tuple[str, str, str]]:
    match step:
        case Clearance():
            for department in step.asked:
                yield clerk(department.id), f"department:{department.id}", unit
        case Decision():
            for person in members_of(step.body, unit):
                yield person, f"body:{step.body}", unit
        case Conferral():
            for person in members_of(step.body, unit):
                yield person, f"body:{step.body}", unit


def _write(file: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(columns)
        writer.writerows(dict.fromkeys(map(tuple, rows)))


# ---- inventing ----


def invent(programme: Programme, tree: UnitTree, size: Size, seed: int) -> World:
    """A world of that size under the programme's real units."""
    rng = Random(seed)  # noqa: S311 -- invented people, not secrets
    territory = programme.routes[0]
    industry = next((route for route in programme.routes[1:] if Rank.INDUSTRY_UNION in route.ranks), None)
    parents = _parents(tree, territory, size, rng)
    unions = _unions(tree, size, rng) if industry else []
    enterprises = _enterprises(programme, parents, unions, size)
    silent = tuple(unit.code for unit in enterprises[-SILENT:])
    people = _people(programme, tree, enterprises[:-SILENT], size, rng)
    world = World(seed, programme, tree, tuple(enterprises), silent, people, _incidents(people, enterprises))
    for unit in world.active:
        world.judges_of[unit.code] = tuple(_judges(programme, unit))
    return world


def _parents(tree: UnitTree, territory: Route, size: Size, rng: Random) -> list[str]:
    """Units of the rank above the lowest: a few in each of a few, down from the root."""
    ranks = list(territory.ranks)[1:-1][::-1]
    fan_out = _FAN_OUT | {ranks[0]: max(2, round(size.nominations / NOMINATIONS_A_PREFECTURE))}
    chosen = [tree.root]
    for rank in ranks:
        chosen = [code for above in chosen for code in _some_below(tree, above, rank, fan_out[rank], rng)]
    rng.shuffle(chosen)
    return chosen


def _some_below(tree: UnitTree, above: str, rank: Rank, count: int, rng: Random) -> list[str]:
    below = sorted(unit.code for unit in tree.units if unit.parent == above and unit.rank == rank)
    return sorted(rng.sample(below, min(count, len(below))))


def _unions(tree: UnitTree, size: Size, rng: Random) -> list[str]:
    codes = [unit.code for unit in tree.units if unit.rank is Rank.INDUSTRY_UNION]
    return sorted(rng.sample(codes, min(len(codes), max(1, size.nominations // NOMINATIONS_A_UNION))))


def _enterprises(programme: Programme, parents: list[str], unions: list[str], size: Size) -> list[Unit]:
    """Every sixth reports to an industry union; the rest to the territory alone."""
    lowest = programme.routes[0].ranks[0]
    made = []
    for number in range(size.enterprises):
        union = unions[number // UNION_SHARE % len(unions)] if unions and number % UNION_SHARE == 0 else ""
        parent = parents[number % len(parents)]
        name = f"测试企业·{_STEMS[number % 10]}{number:03d}"
        made.append(
            Unit(code=f"{parent}T{number:03d}", parent=parent, industry=union, name=name, rank=lowest)
        )
    return made


def _people(
    programme: Programme, tree: UnitTree, enterprises: list[Unit], size: Size, rng: Random
) -> tuple[Person, ...]:
    intake = _intakes(programme)[enterprises[0].rank]
    at_most = len(enterprises) * (intake.quota or size.nominations)
    people = []
    for number in range(min(size.nominations, at_most)):
        unit = enterprises[number % len(enterprises)]
        people.append(_unaffiliated(programme, tree, unit, _affiliated(programme, unit, number, rng)))
    return tuple(people)


def _intakes(programme: Programme) -> dict[Rank, Intake]:
    """The ranks at which people may enter."""
    return {
        rank: step
        for rank, stage in programme.stages.items()
        for step in stage.steps
        if isinstance(step, Intake)
    }


def _affiliated(programme: Programme, unit: Unit, number: int, rng: Random) -> Person:
    """Somebody of an enterprise, put forward by it or by oneself."""
    industry = next((route.id for route in programme.routes[1:] if Rank.INDUSTRY_UNION in route.ranks), "")
    by_itself = number % 9 == 4 and Channel.SELF in _intakes(programme)[unit.rank].channels
    return Person(
        number=number,
        unit=unit.code,
        route=industry if unit.industry else programme.routes[0].id,
        channel=Channel.SELF if by_itself else Channel.UNIT,
        merit=rng.randrange(1000),
        facts=_facts(programme, rng),
    )


def _unaffiliated(programme: Programme, tree: UnitTree, near: Unit, person: Person) -> Person:
    """Some belong to no enterprise: they enter higher up on its territory, by the channels that are open there."""
    territory = programme.routes[0]
    higher = {rank: intake for rank, intake in _intakes(programme).items() if rank in territory.ranks[1:]}
    if not higher or person.number % UNAFFILIATED_SHARE != UNAFFILIATED_SHARE - 1:
        return person
    turn = person.number // UNAFFILIATED_SHARE
    rank = sorted(higher)[turn % len(higher)]
    unit = next(one for one in tree.path(near.parent, territory) if tree.by_code[one].rank is rank)
    intake = higher[rank]
    channel = intake.channels[turn % len(intake.channels)]
    sponsors = [f"s-{person.key}-{n}" for n in range(1, intake.sponsors_min + 1)]
    return replace(
        person,
        unit=unit,
        route=territory.id,
        channel=channel,
        sponsors=tuple(sponsors) if channel is Channel.JOINT else (),
    )


def _facts(programme: Programme, rng: Random) -> dict[str, str]:
    """By the fact's declared type; in this world one in twelve heads an enterprise, six in ten work at the front."""
    chance = {"frontline_worker": 60, "enterprise_head": 8}
    facts: dict[str, str] = {}
    for id, fact in programme.asked.items():
        match fact.type:
            case "integer":
                facts[id] = str(rng.randrange(5, 39))
            case "boolean":
                facts[id] = "true" if rng.randrange(100) < chance.get(id, 50) else "false"
            case "choice":
                facts[id] = rng.choice(fact.of)
            case "date":
                facts[id] = f"{rng.randrange(1966, 1996)}-0{rng.randrange(1, 10)}-15"
    return facts


def _incidents(people: Sequence[Person], enterprises: Sequence[Unit]) -> Incidents:
    """They befall those of the territory's enterprises with the greatest merit, who surely come as far as it takes."""
    main = _main_route(people)
    codes = {unit.code for unit in enterprises}
    affiliated = [one for one in people if one.unit in codes]
    line = sorted(affiliated, key=lambda one: (one.channel != Channel.UNIT, -one.merit))
    territorial = [one for one in line if one.route == main]
    return Incidents(
        ineligible=territorial[-1],
        rejected_low=territorial[len(territorial) // 2],
        rejected_high=territorial[3],
        returned=territorial[1],
        foreign=territorial[2],
        double=territorial[0],
    )


def _main_route(people: Sequence[Person]) -> str:
    routes = [one.route for one in people]
    return max(sorted(set(routes)), key=routes.count)


def _judges(programme: Programme, unit: Unit) -> Iterable[str]:
    stage = programme.stages.get(unit.rank)
    size = max((s.panel_size for s in stage.steps if isinstance(s, ExpertReview)), default=0) if stage else 0
    return (f"j-{unit.code}-{number}" for number in range(1, size + 1))
