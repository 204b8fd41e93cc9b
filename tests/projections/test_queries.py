"""What status pages are told: counts, places and the result, each as of a position, and no sealed score."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from fractions import Fraction

import asyncpg
import pytest

from domain.nomination import Status
from projections.answers import CutLine, HeldRound, Level, Place
from projections.projector import Projector
from projections.queries import Queries
from schemas.errors import Refused, Unavailable
from store.memory import MemoryEventStore
from tests.projections import story
from tests.projections.story import CYCLE
from tests.support.databases import Database

Tell = Callable[..., Awaitable[None]]


@pytest.fixture
async def told(log: MemoryEventStore, projector: Projector) -> Tell:
    """Write chapters of the story and let the views read them."""

    async def tell(*chapters: Callable[[], Iterable[story.Written]]) -> None:
        for chapter in chapters:
            await story.write(log, chapter())
        while await projector.step():
            pass

    return tell


TO_THE_TIE = (story.intake, story.enterprises, story.county, story.county_held)


async def test_the_status_of_a_cycle_counts_and_names_the_rounds_that_wait(
    told: Tell, queries: Queries, log: MemoryEventStore
) -> None:
    await told(*TO_THE_TIE)
    status = await queries.cycle_status(CYCLE)
    assert (status.status, status.intake_closed, status.silent) == ("open", True, 1)
    assert status.below_minimum == (story.BELOW,)
    assert status.nominations == {"open": 6, "rejected": 1}
    assert status.rounds == {"reported": 2, "held": 1}
    held = HeldRound(round=story.round_of("C"), unit="C", rank="county", step="select", code="TIE_UNRESOLVED")
    assert status.held == (held,)
    assert status.position == await log.last_position()


async def test_levels_count_what_each_rank_received_and_passed_on(told: Tell, queries: Queries) -> None:
    await told(story.whole_cycle)
    levels = await queries.levels(CYCLE)
    assert levels.levels == (
        Level(
            rank="enterprise",
            received=7,
            returned=1,
            rejected=1,
            recommended=6,
            silent=1,
            below_minimum=1,
            reported=2,
        ),
        Level(rank="county", received=6, eliminated=1, recommended=5, reported=1),
        Level(rank="province", received=5, conferred=2, recommended=2, reported=1),
    )


async def test_nominations_come_in_pages_and_by_where_they_stand(told: Tell, queries: Queries) -> None:
    await told(*TO_THE_TIE)
    first = await queries.nominations(CYCLE, limit=5)
    rest = await queries.nominations(CYCLE, limit=5, after=first.after)
    ids = [line.nomination for line in (*first.nominations, *rest.nominations)]
    assert (ids, rest.after) == (["n1", "n2", "n3", "n4", "n5", "n6", "n7"], "")
    assert (first.nominations[0].rank, first.nominations[0].round) == ("county", story.round_of("C"))
    assert first.nominations[0].revision == 2
    at_enterprises = await queries.nominations(CYCLE, rank="enterprise")
    assert [line.nomination for line in at_enterprises.nominations] == ["n7"]
    rejected = await queries.nominations(CYCLE, unit="E2", status=Status.REJECTED, route="territorial")
    assert rejected.nominations == at_enterprises.nominations


async def test_a_mark_is_nowhere_to_be_read_before_its_panel_closes_dr_14(
    told: Tell, queries: Queries, database: Database
) -> None:
    await told(story.intake, story.enterprises, story.county)
    answers = [
        await queries.cycle_status(CYCLE),
        await queries.levels(CYCLE),
        await queries.nominations(CYCLE),
        await queries.result(CYCLE),
    ]
    connection = await asyncpg.connect(database.owner_dsn)
    rows = [
        await connection.fetch(f"SELECT v::text FROM views.{view} v")
        for view in ("cycle", "nomination", "round")
    ]
    await connection.close()
    assert "987654321" in repr(story.SEALED)
    assert "987654321" not in repr(answers)
    assert "987654321" not in repr(rows)


async def test_before_the_summit_has_selected_the_result_is_empty(told: Tell, queries: Queries) -> None:
    await told(*TO_THE_TIE)
    result = await queries.result(CYCLE)
    assert (result.listed, result.cut_line, result.final) == ((), None, False)


async def test_a_list_in_its_publicity_period_has_the_substitute_and_is_not_final(
    told: Tell, queries: Queries
) -> None:
    await told(*TO_THE_TIE, story.county_done, story.province_selected)
    result = await queries.result(CYCLE)
    assert [one.nomination for one in result.listed] == ["n2", "n4"]
    assert (result.final, result.reserve) == (False, ("n3",))
    assert [one.titles for one in result.listed] == [(), ()]


async def test_a_summit_that_only_recommends_has_a_final_list_of_those_whom_it_recommended(
    told: Tell, queries: Queries
) -> None:
    await told(*TO_THE_TIE, story.county_done, story.province_selected, story.province_recommended)
    result = await queries.result(CYCLE)
    assert (result.final, [one.nomination for one in result.listed]) == (True, ["n2", "n4"])
    assert {one.status for one in result.listed} == {"recommended"}
    status = await queries.cycle_status(CYCLE)
    assert status.nominations["recommended"] == 2
    summit = (await queries.levels(CYCLE)).levels[-1]
    assert (summit.received, summit.recommended, summit.conferred) == (5, 2, 0)
    page = await queries.nominations(CYCLE, status=Status.RECOMMENDED)
    assert [(one.nomination, one.stands_at) for one in page.nominations] == [("n2", "P"), ("n4", "P")]


async def test_the_final_list_has_ranks_components_routes_titles_and_the_line(
    told: Tell, queries: Queries
) -> None:
    await told(story.whole_cycle)
    result = await queries.result(CYCLE)
    assert (result.final, result.seats, result.step) == (True, 2, "final")
    best, substitute = result.listed
    assert (best.nomination, best.rank, best.route, best.certificates) == (
        "n2",
        1,
        "territorial",
        ("T-001",),
    )
    assert (substitute.nomination, substitute.rank, substitute.score) == ("n4", 3, Fraction(271, 3))
    assert (substitute.titles, substitute.status) == (("测试工匠",), "conferred")
    assert [(one.component, one.value) for one in best.components] == [("expert", Fraction(95))]
    assert result.cut_line == CutLine(
        last_in=Place(nomination="n1", rank=2, score=Fraction("90.5")),
        first_out=Place(nomination="n4", rank=3, score=Fraction(271, 3)),
    )


async def test_a_cycle_that_the_views_do_not_have_is_not_found(queries: Queries) -> None:
    with pytest.raises(Refused, match="NOT_FOUND"):
        await queries.cycle_status("nobody.1")


async def test_one_may_wait_for_ones_own_write_but_not_for_ever(
    told: Tell, queries: Queries, log: MemoryEventStore
) -> None:
    await told(story.intake)
    last = await log.last_position()
    await queries.wait_for(last, 5)
    assert await queries.position() == last
    with pytest.raises(Unavailable, match="STORE_UNAVAILABLE"):
        await queries.wait_for(last + 1, 0.1)
