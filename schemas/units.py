"""The frozen tree of units that a cycle runs over: two routes that meet at the top, keyed by rank (DR-02)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from schemas.ledger import Frozen
from schemas.programme import Intake, Rank, Route

SEATS, SEATS_MIN = "seats", "seats_min"
"""The figures that an allocation (名额分配) gives a unit: its seats, and how many it puts forward at least."""


class Unit(Frozen):
    """A node. `parent` is the territorial parent, `industry` the industry union that it may report to instead.

    `figures` are whole numbers about it, such as its headcount, by which seats can be allotted (DR-06).
    """

    code: str
    parent: str = ""
    industry: str = ""
    name: str
    rank: Rank
    figures: dict[str, int] = Field(default_factory=dict)

    def quota(self, intake: Intake) -> int | None:
        """How many it may put forward there: what an allocation gives it, else what the programme says (DR-06)."""
        return self.figures.get(SEATS, intake.quota)

    def quota_min(self, intake: Intake) -> int | None:
        """How many it is to put forward there at least: an allocation that names it goes before the programme (DR-06)."""
        return self.figures.get(SEATS_MIN) if SEATS in self.figures else intake.quota_min


class UnitTree(BaseModel):
    """All units of a cycle; its canonical bytes have a hash that the cycle pins."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    root: str
    units: tuple[Unit, ...]

    def allotted(self, seats: Mapping[str, Mapping[str, int]]) -> UnitTree:
        """The tree with an allocation in it, its figures by code; KeyError for a code that is not in the tree."""
        units = self.by_code | {
            code: self.by_code[code].model_copy(update={"figures": {**self.by_code[code].figures, **figures}})
            for code, figures in seats.items()
        }
        return UnitTree(root=self.root, units=tuple(units.values()))

    @cached_property
    def by_code(self) -> dict[str, Unit]:
        return {unit.code: unit for unit in self.units}

    def ancestors(self, code: str, *, by_industry: bool) -> Iterator[Unit]:
        """The unit and those above it, lowest first, by territory or by industry; KeyError for a code not in the tree."""
        unit = self.by_code[code]
        while True:
            yield unit
            above = unit.industry if by_industry and unit.industry else unit.parent
            if not above:
                return
            unit = self.by_code[above]

    def path(self, code: str, route: Route) -> tuple[str, ...]:
        """The codes of the units that a nomination entered at `code` passes on `route`, lowest first.

        Ranks that the route skips are left out; a route with the rank leads through an industry union, and no other does.

        Raises ValueError where the way does not begin on the route or does not end at the root.
        """
        known = self._paths.get((code, route.id, route.ranks))
        if known is None:
            known = self._paths[code, route.id, route.ranks] = self._path(code, route)
        return known

    @cached_property
    def _paths(self) -> dict[tuple[str, str, tuple[Rank, ...]], tuple[str, ...]]:
        return {}

    def _path(self, code: str, route: Route) -> tuple[str, ...]:
        above = list(self.ancestors(code, by_industry=route.by_industry))
        path = tuple(unit.code for unit in above if unit.rank in route.ranks)
        if not path or path[0] != code or path[-1] != self.root:
            raise ValueError(f"{code} has no way to {self.root} by {route.id}")
        if route.by_industry != (Rank.INDUSTRY_UNION in {unit.rank for unit in above}):
            raise ValueError(f"{code} belongs to {'no' if route.by_industry else 'an'} industry union alone")
        return path

    def within(self, code: str, top: str) -> bool:
        """True where `code` is `top` or lies below it, by territory or by industry."""
        above = self._above.get(code)
        if above is None:
            ways = (self.ancestors(code, by_industry=by_industry) for by_industry in (False, True))
            above = self._above[code] = frozenset(unit.code for way in ways for unit in way)
        return top in above

    @cached_property
    def _above(self) -> dict[str, frozenset[str]]:
        return {}

    def below(self, top: str) -> list[str]:
        """The codes of `top` and all units below it, by territory or by industry."""
        found, frontier = [], [top]
        while frontier:
            code = frontier.pop()
            found.append(code)
            frontier.extend(self._children.get(code, ()))
        return found

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for unit in self.units:
            for parent in {unit.parent, unit.industry} - {""}:
                children.setdefault(parent, []).append(unit.code)
        return children
