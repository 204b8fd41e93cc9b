"""What status pages ask. An answer is of one moment and says up to which position of the log it has read."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import asyncpg

from domain.nomination import Status as NominationStatus
from projections.answers import (
    CutLine,
    CycleOverview,
    HeldRound,
    Level,
    Levels,
    Listed,
    NominationLine,
    Nominations,
    Place,
    Result,
)
from projections.standing import CycleRow, NominationRow, RoundRow, RoundStatus, Selection
from projections.statements import statement
from schemas import names
from schemas.errors import Refused, Unavailable
from schemas.events import Ranked
from schemas.programme import Rank
from schemas.units import UnitTree
from store.contract import EventStore
from store.pool import open_pool
from store.statements import lost_server_is_unavailable

_POLL_SECONDS = 0.05
_NO_RESULT = RoundRow(stream="", cycle="", last_seq=0, unit="", rank="", route="")


class Queries:
    """The views of `dsn` (app or auditor), and the pinned unit trees of `store`; an async context manager.

    Each method raises Refused `NOT_FOUND` for a cycle that the views do not have, Unavailable `STORE_UNAVAILABLE`.
    """

    def __init__(self, store: EventStore, dsn: str, readers_max: int = 4) -> None:
        self._store = store
        self._dsn = dsn
        self._readers_max = readers_max
        self._pool: asyncpg.Pool | None = None
        self._trees: dict[str, UnitTree] = {}

    async def __aenter__(self) -> Self:
        with lost_server_is_unavailable():
            self._pool = await open_pool(self._dsn, self._readers_max)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def position(self) -> int:
        """How far the views have read."""
        async with self._moment() as moment:
            return await moment.position()

    async def wait_for(self, position: int, timeout_seconds: float) -> None:
        """Wait until the views have read this far, to see one's own write; Unavailable when the time is up."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while await self.position() < position:  # noqa: ASYNC110 -- of a table
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as late:
            fault = f"the views have not read to {position} after {timeout_seconds} s"
            raise Unavailable("STORE_UNAVAILABLE", fault=fault) from late

    async def cycle_status(self, cycle: str) -> CycleOverview:
        """The cycle, how many nominations and rounds have which status, and the rounds that wait for a person."""
        async with self._moment() as moment:
            row = await moment.cycle(cycle)
            counts = await moment.fetch("counts_by_status", cycle)
            held = await moment.fetch("held_rounds", cycle)
            position = await moment.position()
        shown = row.model_dump(exclude={"stream", "last_seq", "units", "silent"})
        return CycleOverview(
            **shown,
            position=position,
            silent=len(row.silent),
            nominations={one["status"]: one["n"] for one in counts if one["kind"] == "nomination"},
            rounds={one["status"]: one["n"] for one in counts if one["kind"] == "round"},
            held=tuple(HeldRound(**one) for one in held),
        )

    async def levels(self, cycle: str) -> Levels:
        """What happened at each rank, lowest first."""
        async with self._moment() as moment:
            row = await moment.cycle(cycle)
            nominations = await moment.fetch("nominations_by_unit", cycle)
            rounds = await moment.fetch("rounds_by_unit", cycle)
            position = await moment.position()
        tree = await self._tree(row)
        counts: defaultdict[Rank, Counter[str]] = defaultdict(Counter)
        for one in nominations:
            counts[tree.by_code[one["unit"]].rank][one["what"]] += one["n"]
        for one in rounds:
            counts[tree.by_code[one["unit"]].rank].update(
                {one["status"]: 1, "recommended": one["recommended"]}
            )
        for unit in row.silent:
            counts[tree.by_code[unit].rank]["silent"] += 1
        for below in row.below_minimum:
            counts[tree.by_code[below.unit].rank]["below_minimum"] += 1
        levels = tuple(Level(rank=rank, **counts[rank]) for rank in _from_below(tree) if rank in counts)
        return Levels(position=position, cycle=cycle, levels=levels)

    async def nominations(
        self,
        cycle: str,
        *,
        rank: str | None = None,
        unit: str | None = None,
        status: NominationStatus | None = None,
        route: str | None = None,
        after: str = "",
        limit: int = 100,
    ) -> Nominations:
        """A page of nominations by id: those that stand at `rank` or `unit`, of a status, of a route."""
        async with self._moment() as moment:
            row = await moment.cycle(cycle)
            tree = await self._tree(row)
            places = _places(tree, rank, unit)
            found = await moment.fetch("nominations", cycle, places, status, route, after, limit)
            position = await moment.position()
        lines = tuple(NominationLine(**one, rank=tree.by_code[one["stands_at"]].rank) for one in found)
        more = lines[-1].nomination if lines and len(lines) == limit else ""
        return Nominations(position=position, cycle=cycle, nominations=lines, after=more)

    async def result(self, cycle: str) -> Result:
        """The list of the round where all routes meet; empty while that round has selected nobody."""
        async with self._moment() as moment:
            tree = await self._tree(await moment.cycle(cycle))
            summit = await moment.round(names.round_stream(cycle, names.ROOT_ROUTE, tree.root)) or _NO_RESULT
            listed = _listed(summit)
            rows = await moment.nominations([names.nomination_stream(cycle, one) for one in listed])
            position = await moment.position()
        made = summit.selection
        return Result(
            position=position,
            cycle=cycle,
            round=summit.stream,
            step=made.step if made else "",
            seats=made.seats if made else 0,
            final=bool(summit.conferred) or summit.status is RoundStatus.REPORTED,
            listed=_in_order(_line(row, summit, tree) for row in rows),
            reserve=summit.reserve,
            cut_line=_cut_line(made) if made else None,
        )

    @asynccontextmanager
    async def _moment(self) -> AsyncIterator[_Moment]:
        assert self._pool is not None, "queries are used inside `async with`"
        with lost_server_is_unavailable():
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield _Moment(connection)

    async def _tree(self, row: CycleRow) -> UnitTree:
        """The pinned tree; by its hash, so it is read once."""
        if row.units not in self._trees:
            content = await self._store.document(row.units)
            self._trees[row.units] = UnitTree.model_validate_json(content)
        return self._trees[row.units]


class _Moment:
    """The views as of one moment."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, name: str, *arguments: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._connection.fetch(statement(name), *arguments)
        return rows

    async def position(self) -> int:
        return int((await self.fetch("cursor"))[0]["position"])

    async def cycle(self, cycle: str) -> CycleRow:
        rows = await self.fetch("load_cycle", [names.cycle_stream(cycle)])
        if not rows:
            raise Refused("NOT_FOUND", what=names.cycle_stream(cycle))
        return CycleRow.model_validate_json(rows[0][0])

    async def round(self, stream: str) -> RoundRow | None:
        rows = await self.fetch("load_round", [stream])
        return RoundRow.model_validate_json(rows[0][0]) if rows else None

    async def nominations(self, streams: list[str]) -> list[NominationRow]:
        rows = await self.fetch("load_nomination", streams)
        return [NominationRow.model_validate_json(text) for (text,) in rows]


def _from_below(tree: UnitTree) -> list[Rank]:
    """The ranks of the tree, the one that lies deepest first."""
    depth: dict[Rank, int] = {}
    for unit in tree.units:
        steps = sum(1 for _ in tree.ancestors(unit.code, by_industry=False))
        depth[unit.rank] = max(steps, depth.get(unit.rank, 0))
    return sorted(depth, key=lambda rank: (-depth[rank], list(Rank).index(rank)))


def _places(tree: UnitTree, rank: str | None, unit: str | None) -> list[str] | None:
    if rank is None:
        return None if unit is None else [unit]
    return [one.code for one in tree.units if one.rank == rank and unit in (None, one.code)]


def _listed(summit: RoundRow) -> tuple[str, ...]:
    """Whom the titles were conferred on; before that, once a selection was made or a list recommended, who is in."""
    if summit.conferred:
        return tuple(dict.fromkeys(given.nomination for given in summit.conferred))
    return summit.members if summit.selection or summit.reported else ()


def _line(row: NominationRow, summit: RoundRow, tree: UnitTree) -> Listed:
    ranked = summit.selection.ranked if summit.selection else ()
    place = next((one for one in ranked if one.nomination == row.nomination), None)
    given = [one for one in summit.conferred if one.nomination == row.nomination]
    return Listed(
        nomination=row.nomination,
        subject=row.subject,
        unit=row.unit,
        unit_name=tree.by_code[row.unit].name,
        route=row.route,
        status=row.status,
        rank=place.rank if place else None,
        score=place.score if place else None,
        components=place.components if place else (),
        titles=tuple(one.title for one in given),
        certificates=tuple(one.certificate for one in given),
    )


def _in_order(lines: Iterable[Listed]) -> tuple[Listed, ...]:
    return tuple(sorted(lines, key=lambda one: (one.rank is None, one.rank or 0, one.nomination)))


def _cut_line(made: Selection) -> CutLine:
    chosen = [one for one in made.ranked if one.nomination in made.selected]
    others = [one for one in made.ranked if one.nomination not in made.selected]
    return CutLine(
        last_in=_place(max(chosen, key=lambda one: one.rank)) if chosen else None,
        first_out=_place(min(others, key=lambda one: one.rank)) if others else None,
    )


def _place(ranked: Ranked) -> Place:
    return Place(nomination=ranked.nomination, rank=ranked.rank, score=ranked.score)
