"""`audit what-if`: who would be in or out under other rules, said as what it is: imagined, read-only, and honest."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from rich.console import Console

from activities.retaking import Retaker
from cli import app
from cli.audit.what_if import _courses, _votes
from cli.output import OK, REFUSED, USAGE
from cli.rehearse.conductor import Conductor
from domain import round as rounds
from domain.audit.otherwise import Changes, Course, Told, Where, changed, otherwise
from domain.audit.settings import with_settings
from domain.vote import counted_as
from runtime.embedded_postgres import PostgresServer
from runtime.settings import Settings
from schemas.commands import Body, HandInSheet, WrittenMark
from schemas.errors import BadUsage
from schemas.events import ChannelCounts, Count, TallySealed
from schemas.ledger import Actor
from schemas.programme import Programme, Publicity, PublicVote, Rank, Selection
from store.ballots import BallotBox
from store.memory import MemoryEventStore
from store.postgres import PostgresEventStore
from store.screening import Traces
from tests.activities.test_retaking import Withdrawing, party
from tests.cli.test_audit import settings_of, settle
from tests.store.polls import CANDIDATES, Polls
from tests.support.databases import Database, fresh_database

CYCLE = "sichuan-craftsman.1.rehearsal"
UNION = "industry/51I05"
ENEMY = "j-1"
PANEL = f"round/{CYCLE}/{UNION}"


class Spiteful(Conductor):
    """One judge gives nothing to whom the others rate best, and all to everybody else."""

    async def _do(self, stream: str, body: Body, actor: Actor | None = None, key: str = "") -> None:
        if isinstance(body, HandInSheet) and actor is not None and actor.id == ENEMY:
            best = max(body.marks, key=lambda mark: self.people[mark.nomination].merit)
            marks = tuple(
                WrittenMark(nomination=mark.nomination, score="0" if mark is best else "100")
                for mark in body.marks
            )
            body = body.model_copy(update={"marks": marks})
        await (super()._do(stream, body, key=key) if actor is None else super()._do(stream, body, actor, key))


async def courses_of(conductor: Conductor, store: MemoryEventStore) -> list[Course]:
    await conductor.run()
    return await _courses(store, Retaker(store), conductor.cycle)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def courses() -> list[Course]:
    store = MemoryEventStore()
    return await courses_of(Spiteful(store, party(30)), store)


@pytest.fixture(scope="module")
def programme() -> Programme:
    return party(2).programme


def final_of(programme: Programme) -> Selection:
    step = programme.stages[Rank.PROVINCE].step("final")
    assert isinstance(step, Selection)
    return step


def imagined(courses: list[Course], **changes: Any) -> dict[tuple[str, str], Told]:
    return {(one.round.split("/", 2)[2], one.step): one for one in otherwise(courses, Changes(**changes))}


def test_where_nothing_is_changed_nobodys_place_is_another(
    courses: list[Course], programme: Programme
) -> None:
    same = otherwise(courses, Changes(programme=with_settings(programme, ())))
    assert list(changed(same)) == []
    assert all(one.before == one.after for one in same)


def test_with_fewer_seats_the_last_are_out_and_missing_from_every_pool_above(
    courses: list[Course], programme: Programme
) -> None:
    told = imagined(courses, programme=with_settings(programme, ["industry_union.selection.seats=2"]))
    here = told[UNION, "selection"]
    assert here.seats == (4, 2)
    assert here.lost
    above = {flip.nomination: flip for flip in told["all/51", "shortlist"].flips}
    for id in here.lost & set(above):
        assert (above[id].after.where, above[id].why) == (Where.OUT, "NOT_RECOMMENDED_BELOW")
    final = {flip.nomination for flip in told["all/51", "final"].flips if flip.after.where == Where.OUT}
    assert not final & set(told["all/51", "final"].after)


def test_who_would_come_up_newly_was_never_judged_above_and_is_said_to_be_unknown(
    courses: list[Course], programme: Programme
) -> None:
    told = imagined(courses, programme=with_settings(programme, ["township.selection.seats=3"]))
    gained = {id for one in told.values() if one.round.endswith("510623104") for id in one.gained}
    assert gained
    county = told["territorial/510623", "selection"]
    unknown = {flip.nomination for flip in county.flips if flip.after.where == Where.UNKNOWN}
    assert gained <= unknown
    assert {flip.why for flip in county.flips if flip.nomination in gained} == {"NEVER_JUDGED_HERE"}
    assert not gained & set(county.after)


def test_without_a_spiteful_reviewer_their_victim_moves_up(courses: list[Course]) -> None:
    told = imagined(courses, reviewers=frozenset({ENEMY}))
    question = next(one for one in courses if one.stream.endswith(UNION)).questions["selection"]
    sheet = question.state.steps["expert_review"].sheets[ENEMY]
    victim = next(id for id, mark in sheet.items() if mark.score == 0)
    before = next(one for one in question.made.ranked if one.nomination == victim)
    flips = {flip.nomination: flip for one in told.values() for flip in one.flips if one.round == PANEL}
    assert flips, "somebody else was in for them"
    if victim in flips:
        after = flips[victim].after
        assert (flips[victim].before.rank, flips[victim].before.score) == (before.rank, before.score)
        assert after.score is not None
        assert after.score > before.score
        assert after.where == Where.IN


def test_without_any_reviewer_nobody_can_say_and_that_is_what_is_said(courses: list[Course]) -> None:
    judges = frozenset(f"j-{n}" for n in range(1, 10))
    told = imagined(courses, reviewers=judges)
    here = told[UNION, "selection"]
    assert here.after == ()
    assert {flip.after.where for flip in here.flips} == {Where.UNDECIDED}
    assert {flip.why for flip in here.flips} == {"SCORES_MISSING"}
    assert any(note.startswith("QUORUM_UNMET") for note in here.notes)
    above = {flip.nomination: flip for flip in told["all/51", "shortlist"].others}
    assert here.undecided & above.keys()
    for id in here.undecided & above.keys():
        assert (above[id].after.where, above[id].why) == (Where.UNDECIDED, "UNDECIDED_BELOW")
    assert not here.lost


def test_another_step_than_those_taken_again_is_noted_and_stays(
    courses: list[Course], programme: Programme
) -> None:
    stage = programme.stages[Rank.PREFECTURE]
    notice = stage.step("publicity")
    assert isinstance(notice, Publicity)
    assert notice.period.days != 30
    told = imagined(courses, programme=with_settings(programme, ["industry_union.publicity.period.days=30"]))
    assert told[UNION, "selection"].notes == ("NOT_RETAKEN: publicity",)
    assert told[UNION, "selection"].flips == ()


def test_under_a_condition_that_nobody_meets_nobody_goes_up_from_where_it_is_checked(
    courses: list[Course], programme: Programme
) -> None:
    setting = "enterprise.eligibility.predicates.craft_years.value=90"
    told = imagined(courses, programme=with_settings(programme, [setting]))
    entered = [one for one in told.values() if one.round.rsplit("/", 1)[-1].startswith("510623104T")]
    assert entered
    for one in entered:
        assert one.before
        assert one.after == ()
        assert {flip.why for flip in one.flips} == {"INELIGIBLE"}
    assert told["territorial/510623104", "selection"].after == ()


# ---- settings ----


def test_a_setting_names_items_of_lists_by_their_ids(programme: Programme) -> None:
    step = final_of(programme)
    first, second = (one.component for one in step.weights[:2])
    changed_ = with_settings(
        programme,
        [f"province.final.weights.{first}.share=50%", f"province.final.weights.{second}.share=50%"],
    )
    found = final_of(changed_)
    assert {one.component: one.share for one in found.weights} == {
        first: Fraction(1, 2),
        second: Fraction(1, 2),
    }


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("province", "RANK.STEP.FIELD=VALUE"),
        ("moon.final.seats=1", "province"),
        ("province.moon.seats=1", "final"),
        ("province.final.moon=1", "seats"),
        ("province.final.seats=many", "seats"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_with_what_there_is(
    programme: Programme, setting: str, told: str
) -> None:
    with pytest.raises(BadUsage, match="SETTING") as raised:
        with_settings(programme, [setting])
    assert told in str(raised.value.facts["fault"])


def test_weights_that_are_not_whole_are_refused(programme: Programme) -> None:
    step = final_of(programme)
    with pytest.raises(BadUsage, match="not exactly 100"):
        with_settings(programme, [f"province.final.weights.{step.weights[0].component}.share=1%"])


# ---- votes ----


def test_a_channel_left_out_of_a_sealed_tally_gives_the_component_of_the_others(programme: Programme) -> None:
    step = programme.stages[Rank.PROVINCE].step("public_vote")
    assert isinstance(step, PublicVote)
    plain = step.model_copy(update={"channels": (), "normalise": "top"})
    web = ChannelCounts(channel="web", papers=5, counts=_counts(1, 4))
    hall = ChannelCounts(channel="hall", papers=9, counts=_counts(8, 1))
    sealed = TallySealed(
        step=step.id,
        component="public",
        ballot="b",
        papers=14,
        root="0" * 64,
        counts=_counts(9, 5),
        valid=(web, hall),
        values=(),
    )
    assert counted_as(sealed, plain) == {"a": 100, "b": Fraction(500, 9)}
    assert counted_as(sealed, plain, {"hall"}) == {"a": 25, "b": 100}


def _counts(a: int, b: int) -> tuple[Count, ...]:
    return (Count(nomination="a", votes=a), Count(nomination="b", votes=b))


def test_votes_counted_again_without_some_voters_change_what_rests_on_them(courses: list[Course]) -> None:
    summit = next(one for one in courses if one.stream.endswith("/all/51"))
    sealed = summit.tallies["public_vote"]
    last = sealed.counts[-1].nomination
    counts = tuple(
        one.model_copy(update={"votes": 10**6 if one.nomination == last else 0}) for one in sealed.counts
    )
    again = sealed.model_copy(update={"counts": counts, "valid": ()})
    told = imagined(courses, tallies={sealed.ballot: again})["all/51", "final"]
    assert "OWN_SCORE" in {flip.why for flip in told.flips}
    assert last not in {flip.nomination for flip in told.flips if flip.after.where == Where.OUT}


async def test_a_cohort_of_votes_is_left_out_by_the_auditors_login_alone_dr_23(database: Database) -> None:
    dsn, cohort = database.dsns.app, "1/one_device/n1"
    async with PostgresEventStore(dsn) as store, BallotBox(dsn) as box, Traces(dsn) as traces:
        polls = Polls(box, store, "poll-1")
        await traces.begin(polls.id)
        await polls.begin()
        for n in range(5):
            await polls.cast(f"v{n}", f"p{n}", CANDIDATES[0])
        papers = [one async for page in traces.traces(polls.id) for one in page]
        async with traces.screening(polls.id, 0) as marking:
            await marking.mark([(cohort, one) for one in papers[:3]])
        await polls.close()
        tally = await box.seal(polls.id)
    said = tally.model_dump(include=set(TallySealed.model_fields))
    sealed = TallySealed.model_validate({**said, "step": "vote", "component": "public", "values": ()})
    held = rounds.Cohort("one_device", nomination="n1", papers=3, of=5)
    end = rounds.State(steps={"vote": rounds.StepRun(cohorts={cohort: held})})
    found = await _votes(database.dsns.auditor, [Course("r", tallies={"vote": sealed}, end=end)], (cohort,))
    assert [one.papers for one in sealed.valid] == [5]
    assert [one.papers for one in found["tallies"][polls.id].valid] == [2]
    assert found["channels"] == set()


# ---- at the terminal ----


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def whole(module_database: Database) -> str:
    """The name of a database with a whole cycle by invented people."""
    async with PostgresEventStore(module_database.dsns.app) as store:
        await Withdrawing(store, party(16)).run()
        await settle(module_database, store)
    return module_database.name


@pytest_asyncio.fixture
async def database(postgres_server: PostgresServer, whole: str) -> AsyncIterator[Database]:
    """A copy of it for this test alone."""
    async with fresh_database(postgres_server, whole) as copied:
        yield copied


@pytest.fixture
def told(database: Database) -> Settings:
    return settings_of(database)


async def rows_of(database: Database) -> dict[str, int]:
    """How many rows every table of the database has, and how often any of them was written."""
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        tables = await connection.fetch(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        return {
            row["name"]: await connection.fetchval(f"SELECT count(*) FROM {row['name']}") for row in tables
        }
    finally:
        await connection.close()


async def test_what_if_is_visibly_hypothetical_and_writes_nothing_at_all(
    told: Settings, database: Database
) -> None:
    before = await rows_of(database)
    words = [
        "audit",
        "what-if",
        CYCLE,
        "--set",
        "industry_union.selection.seats=1",
        "--without-reviewer",
        "j-2",
    ]
    outcome = await app.run(words, told)
    assert outcome.exit_code == OK, outcome.json
    assert outcome.json["hypothetical"] is True
    assert outcome.json["changes"]["set"] == ["industry_union.selection.seats=1"]
    flips = [flip for one in outcome.json["changed"] for flip in one["flips"]]
    assert flips
    assert {"nomination", "before", "after", "why"} == flips[0].keys()
    shown = io.StringIO()
    Console(file=shown, width=200).print(outcome.shown)
    assert "HYPOTHETICAL" in shown.getvalue()
    assert await rows_of(database) == before


async def test_what_if_needs_something_to_change_and_a_reviewer_that_there_was(told: Settings) -> None:
    nothing = await app.run(["audit", "what-if", CYCLE], told)
    assert nothing.exit_code == USAGE
    stranger = await app.run(["audit", "what-if", CYCLE, "--without-reviewer", "nobody"], told)
    assert (stranger.exit_code, stranger.json["error"]["code"]) == (REFUSED, "NOT_ON_PANEL")
    unknown = await app.run(["audit", "what-if", "no-such.1", "--without-reviewer", "j-1"], told)
    assert (unknown.exit_code, unknown.json["error"]["code"]) == (REFUSED, "NOT_FOUND")
