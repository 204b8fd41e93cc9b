"""The ballot box: limits hold under concurrency, closing is exact, and a recount gives the sealed tally (DR-21, DR-22)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta

import asyncpg
import pytest
from msgspec.structs import replace

from proof import merkle
from schemas.errors import Conflict, Integrity, Refused, Unavailable
from schemas.events import ChannelCounts
from schemas.ledger import GateStatus, Head, NewEvent
from schemas.programme import VoterLimits
from store.ballots import BallotBox, PaperReceipt, day_and_minute
from store.ballots.flush import Flusher, Sheet, Waiting
from store.postgres import PostgresEventStore
from tests.store.commands import EVENING, NOON, command, gate
from tests.store.polls import CANDIDATES, THREE_A_DAY, Polls, code, codes
from tests.support.databases import Database

ONE, TWO, THREE, FOUR = CANDIDATES


@pytest.fixture
async def polls(ballot_database: Database, name: str) -> AsyncIterator[Polls]:
    dsn = ballot_database.dsns.app
    async with PostgresEventStore(dsn) as store, BallotBox(dsn) as box:
        yield Polls(box, store, name)


@pytest.fixture
async def admin(ballot_database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(ballot_database.owner_dsn)
    yield connection
    await connection.close()


async def sheet(polls: Polls, admin: asyncpg.Connection) -> int:
    """The number of the ballot's first day."""
    return int(await admin.fetchval("SELECT no FROM ballot.sheet WHERE ballot = $1 ORDER BY day", polls.id))


async def votes(polls: Polls) -> dict[str, int]:
    return {count.nomination: count.votes for count in (await polls.box.seal(polls.id)).counts}


# --- opening


async def test_opening_again_gives_the_same_hash_and_other_rules_conflict(polls: Polls) -> None:
    first = await polls.box.open(polls.id, THREE_A_DAY, CANDIDATES)
    assert await polls.box.open(polls.id, THREE_A_DAY, CANDIDATES) == first
    for limits, candidates in ((VoterLimits(per_day=4), CANDIDATES), (THREE_A_DAY, CANDIDATES[:3])):
        with pytest.raises(Conflict, match="BALLOT_RULES_DIFFER"):
            await polls.box.open(polls.id, limits, candidates)


async def test_a_ballot_has_no_more_candidates_than_two_bytes_can_tell(polls: Polls) -> None:
    many = tuple(f"nomination-{n}" for n in range(2049))
    with pytest.raises(Refused, match="TOO_MANY_CANDIDATES"):
        await polls.box.open(polls.id, THREE_A_DAY, many)
    await polls.box.open(polls.id, THREE_A_DAY, many[:-1])


# --- one paper


async def test_a_paper_handed_in_again_has_its_first_receipt_even_after_closing(polls: Polls) -> None:
    await polls.begin()
    first = await polls.cast("voter", "p1", ONE, TWO)
    later = await polls.cast("voter", "p1", ONE, TWO, at=NOON + timedelta(seconds=5))
    assert later == replace(first, repeated=True)
    await polls.close()
    assert await polls.cast("voter", "p1", ONE, TWO) == later
    assert (await polls.box.seal(polls.id)).papers == 1


async def test_a_paper_id_with_other_content_is_a_conflict(polls: Polls) -> None:
    await polls.begin()
    await polls.cast("voter", "p1", ONE)
    for changed in (polls.paper("voter", "p1", TWO), polls.paper("voter", "p1", ONE, TWO)):
        with pytest.raises(Conflict, match="KEY_REUSED"):
            await polls.box.submit(changed)
    assert not (await polls.cast("another", "p1", TWO)).repeated, "an id is a voter's own secret"


async def test_a_paper_that_breaks_the_rules_is_refused(polls: Polls) -> None:
    await polls.begin(VoterLimits(per_day=3, choices_min=2, choices_max=3))
    assert await polls.refusal("voter", "p1", ONE) == "TOO_FEW_CHOICES"
    assert await polls.refusal("voter", "p2", *CANDIDATES) == "TOO_MANY_CHOICES"
    assert await polls.refusal("voter", "p3", ONE, "nobody") == "NOT_A_CANDIDATE"
    assert await polls.refusal("voter", "p4", ONE, ONE) == "DUPLICATE_CHOICE"
    await polls.cast("voter", "p1", ONE, TWO)  # a refused id may be used
    await polls.close()
    tally = await polls.box.seal(polls.id)
    assert (tally.papers, tally.refused) == (1, 4)


async def test_a_ballot_that_nobody_opened_is_not_found(polls: Polls) -> None:
    assert await polls.refusal("voter", "p1", ONE) == "NOT_FOUND"
    with pytest.raises(Refused, match="NOT_FOUND"):
        await polls.box.seal(polls.id)


async def test_a_ballot_whose_opening_is_in_the_log_and_not_yet_in_the_box_is_not_ready(
    polls: Polls, name: str
) -> None:
    stream, ballot = f"round/{name}", f"round/{name}/public_vote"
    opened = NewEvent(type="BallotOpened", data={"step": "public_vote", "ballot": ballot, "candidates": []})
    await polls.store.append(command(stream, "open", Head(), opened))
    with pytest.raises(Unavailable, match="STORE_UNAVAILABLE"):
        await Polls(polls.box, polls.store, ballot).cast("voter", "p1", ONE)
    with pytest.raises(Refused, match="NOT_FOUND"):
        await Polls(polls.box, polls.store, f"round/{name}/self_nomination").cast("voter", "p1", ONE)


# --- DR-21: limits a day


async def test_dr_21_limits_of_a_voters_day(polls: Polls) -> None:
    await polls.begin()
    await polls.cast("voter", "p1", ONE)
    assert await polls.refusal("voter", "p2", ONE) == "ALREADY_VOTED"
    assert await polls.refusal("voter", "p3", TWO, THREE, FOUR) == "LIMIT_REACHED"
    await polls.cast("voter", "p4", TWO, THREE)
    assert await polls.refusal("voter", "p5", FOUR) == "LIMIT_REACHED"
    assert await polls.refusal("voter", "p6", ONE) == "ALREADY_VOTED"
    await polls.cast("another", "p7", FOUR)


async def test_dr_21_a_programme_may_let_a_candidate_have_several_votes_a_day(polls: Polls) -> None:
    await polls.begin(VoterLimits(per_day=5, per_candidate_per_day=5))
    for n in range(5):
        await polls.cast("voter", f"p{n}", ONE)
    assert await polls.refusal("voter", "p5", ONE) == "ALREADY_VOTED"
    assert await polls.refusal("voter", "p6", TWO) == "LIMIT_REACHED"


async def test_dr_21_the_day_begins_at_midnight_in_shanghai(polls: Polls) -> None:
    await polls.begin(VoterLimits(per_day=1))
    await polls.set_gate(gate(polls.id, cycle=polls.id, closes_at=EVENING + timedelta(days=2)))
    midnight = NOON.replace(hour=16)  # 00:00 of the 31st
    await polls.cast("voter", "p1", ONE, at=midnight - timedelta(microseconds=1))
    await polls.cast("voter", "p2", ONE, at=midnight)
    assert await polls.refusal("voter", "p3", TWO, at=midnight + timedelta(hours=23)) == "LIMIT_REACHED"
    await polls.close()
    assert (await polls.box.recount(polls.id)).papers == 2


async def test_a_paper_is_of_one_day_and_on_any_other_it_is_only_looked_for(polls: Polls) -> None:
    await polls.begin(closes_at=NOON + timedelta(days=4))
    midnight = NOON.replace(hour=16)
    today, _ = day_and_minute(NOON)

    async def cast(paper: str, at: datetime) -> PaperReceipt:
        return await polls.box.submit(polls.paper("voter", paper, ONE, at=at)._replace(day=today))

    first = await cast("p1", midnight - timedelta(seconds=1))
    for later in (timedelta(), timedelta(days=1), timedelta(days=2)):
        assert await cast("p1", midnight + later) == replace(first, repeated=True)
    with pytest.raises(Unavailable, match="DAY_ENDING"):
        await cast("p2", midnight + timedelta(seconds=119))  # its first try may be on its way
    with pytest.raises(Refused, match="NOT_THE_DAY"):
        await cast("p2", midnight + timedelta(seconds=120))
    with pytest.raises(Conflict, match="KEY_REUSED"):
        await polls.box.submit(polls.paper("voter", "p1", TWO, at=midnight)._replace(day=today))
    await polls.close()
    assert await cast("p1", midnight + timedelta(days=3)) == replace(first, repeated=True)
    assert await votes(polls) == {ONE: 1, TWO: 0, THREE: 0, FOUR: 0}


async def test_a_paper_is_found_on_whatever_day_it_was_taken(polls: Polls) -> None:
    await polls.begin()
    await polls.set_gate(gate(polls.id, cycle=polls.id, closes_at=EVENING + timedelta(days=2)))
    tomorrow = NOON + timedelta(days=1)
    paper = polls.paper("voter", "p1", ONE, at=NOON)
    assert await polls.box.find(paper) is None
    first = await polls.box.submit(paper)
    again = await polls.box.submit(polls.paper("voter", "p2", ONE, at=tomorrow))
    for at in (NOON, tomorrow):
        assert await polls.box.find(polls.paper("voter", "p1", ONE, at=at)) == replace(first, repeated=True)
        assert await polls.box.find(polls.paper("voter", "p2", ONE, at=at)) == replace(again, repeated=True)
    assert await polls.box.find(polls.paper("another", "p1", ONE, at=NOON)) is None
    with pytest.raises(Conflict, match="KEY_REUSED"):
        await polls.box.find(polls.paper("voter", "p1", TWO, at=tomorrow))


async def test_a_window_that_is_extended_takes_papers_on_its_new_days(polls: Polls) -> None:
    await polls.begin()
    tomorrow = NOON + timedelta(days=1)
    assert await polls.refusal("voter", "p1", ONE, at=tomorrow) == "BALLOT_CLOSED"
    await polls.set_gate(gate(polls.id, cycle=polls.id, closes_at=EVENING + timedelta(days=1)))
    await polls.cast("voter", "p1", ONE, at=tomorrow)
    await polls.close()
    assert (await polls.box.seal(polls.id)).papers == 1


async def test_a_paper_by_a_channel_that_the_ballot_has_not_is_refused(polls: Polls) -> None:
    await polls.begin(channels=("web", "app"))
    assert await polls.refusal("voter", "p1", ONE, channel="post") == "NOT_A_CHANNEL"
    await polls.cast("voter", "p1", ONE, channel="app")


async def test_dr_21_a_paper_may_name_a_candidate_twice_only_where_repeats_are_allowed(polls: Polls) -> None:
    await polls.begin(VoterLimits(per_day=4, per_candidate_per_day=2, choices_max=3))
    assert await polls.refusal("voter", "p1", ONE, ONE) == "DUPLICATE_CHOICE"
    other = Polls(polls.box, polls.store, f"{polls.id}-repeats")
    await other.begin(VoterLimits(per_day=4, per_candidate_per_day=2, choices_max=3, repeats=True))
    assert await other.refusal("voter", "p1", ONE, ONE, ONE) == "ALREADY_VOTED"
    await other.cast("voter", "p1", ONE, ONE)
    assert await other.refusal("voter", "p2", TWO, ONE) == "ALREADY_VOTED"


async def test_a_batch_that_reaches_over_the_window_is_judged_paper_by_paper(polls: Polls) -> None:
    await polls.begin()
    moments = (NOON - timedelta(seconds=1), NOON, EVENING - timedelta(seconds=1), EVENING)
    outcomes = await polls.box.submit_many(
        [polls.paper(f"v{n}", f"p{n}", ONE, at=at) for n, at in enumerate(moments)]
    )
    assert [code(one) for one in outcomes] == ["STAGE_NOT_OPEN", "ok", "ok", "BALLOT_CLOSED"]


async def test_fifty_papers_at_once_for_one_candidate_count_once(polls: Polls) -> None:
    await polls.begin()
    answers = await asyncio.gather(
        *(polls.cast("voter", f"p{n}", ONE) for n in range(50)), return_exceptions=True
    )
    assert codes(answers) == {"ok": 1, "ALREADY_VOTED": 49}
    await polls.close()
    assert await votes(polls) == {ONE: 1, TWO: 0, THREE: 0, FOUR: 0}


@pytest.mark.parametrize("per_candidate", [1, 60])
async def test_one_paper_fifty_times_at_once_counts_once(polls: Polls, per_candidate: int) -> None:
    await polls.begin(VoterLimits(per_day=60, per_candidate_per_day=per_candidate))
    answers = await asyncio.gather(
        *(polls.cast("voter", "p1", ONE) for _ in range(50)), return_exceptions=True
    )
    assert codes(answers) == {"ok": 1, "again": 49}
    assert len({answer.leaf for answer in answers if isinstance(answer, PaperReceipt)}) == 1
    await polls.close()
    assert (await votes(polls))[ONE] == 1


async def test_more_papers_at_once_than_the_day_allows_fill_it_exactly(polls: Polls) -> None:
    await polls.begin()
    for voter in range(10):
        answers = await asyncio.gather(
            *(polls.cast(f"voter-{voter}", f"{voter}-{n}", CANDIDATES[n]) for n in range(4)),
            return_exceptions=True,
        )
        assert codes(answers) == {"ok": 3, "LIMIT_REACHED": 1}
    await polls.close()
    assert (await polls.box.seal(polls.id)).papers == 30


async def test_the_table_itself_holds_the_limits(polls: Polls, admin: asyncpg.Connection) -> None:
    await polls.begin()
    await polls.cast("voter", "p1", ONE)
    for change in (
        r"'\x00000000'",  # the first candidate twice
        r"'\x0000000100020003'",  # four of three
        r"'\x00000004'",  # no such candidate
        r"'\x00000801'",  # no such channel
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await admin.execute(
                f"UPDATE ballot.voter_day SET choices = {change} WHERE sheet = $1", await sheet(polls, admin)
            )
    row = "SELECT voter, sheet, papers, choices FROM ballot.voter_day WHERE sheet = $1"
    with pytest.raises(asyncpg.UniqueViolationError):
        await admin.execute(f"INSERT INTO ballot.voter_day {row}", await sheet(polls, admin))


@pytest.mark.parametrize("per_day", [1, 2, 4, 60])
async def test_the_table_itself_holds_the_limits_of_a_day_of_any_length(
    polls: Polls, admin: asyncpg.Connection, per_day: int
) -> None:
    await polls.begin(VoterLimits(per_day=per_day, choices_max=per_day))
    most = min(per_day, len(CANDIDATES))
    await polls.cast("voter", "p1", *CANDIDATES[:most])
    full = [bytes([0, place]) for place in range(most)]
    for bad in (
        [*full[:-1], b"\x00\x04"],  # no such candidate
        [*full[:-1], b"\x08\x00"],  # no such channel
        [full[0]] * max(2, most),  # the first candidate twice or more
        [b"\x00\x00"] * (per_day + 1),
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await admin.execute(
                "INSERT INTO ballot.voter_day VALUES (gen_random_uuid(), $1, $2, $3)",
                await sheet(polls, admin),
                bytes(18),
                b"".join(bad),
            )


async def test_a_voter_who_left_before_the_answer_holds_up_nobody(polls: Polls) -> None:
    await polls.begin()
    left = asyncio.create_task(polls.cast("voter-1", "p1", ONE))
    stayed = asyncio.create_task(polls.cast("voter-2", "p2", ONE))
    await asyncio.sleep(0)
    left.cancel()
    assert code(await stayed) == "ok"
    assert code(await polls.cast("voter-3", "p3", ONE)) == "ok"


# --- the window


async def test_dr_21_the_window_is_closed_at_its_end_and_open_at_its_start(polls: Polls) -> None:
    await polls.begin()
    assert await polls.refusal("v1", "p1", ONE, at=NOON - timedelta(microseconds=1)) == "STAGE_NOT_OPEN"
    await polls.cast("v2", "p2", ONE, at=NOON)
    await polls.cast("v3", "p3", ONE, at=EVENING - timedelta(microseconds=1))
    assert await polls.refusal("v4", "p4", ONE, at=EVENING) == "BALLOT_CLOSED"
    await polls.close()
    assert await polls.refusal("v5", "p5", ONE) == "BALLOT_CLOSED"


async def test_a_ballot_without_a_gate_takes_no_paper(polls: Polls) -> None:
    await polls.box.open(polls.id, THREE_A_DAY, CANDIDATES)
    assert await polls.refusal("voter", "p1", ONE) == "BALLOT_CLOSED"


async def test_a_paused_cycle_takes_no_paper_until_the_window_is_computed_again(polls: Polls) -> None:
    await polls.begin()
    cycle = f"cycle/{polls.id}"
    await polls.set_gate(gate(cycle, GateStatus.PAUSED, cycle=polls.id))
    assert await polls.refusal("voter", "p1", ONE) == "CYCLE_PAUSED"
    await polls.set_gate(gate(cycle, cycle=polls.id, epoch=1))
    assert await polls.refusal("voter", "p1", ONE) == "CYCLE_PAUSED"
    await polls.set_gate(gate(polls.id, cycle=polls.id, epoch=1))
    await polls.cast("voter", "p1", ONE)
    await polls.set_gate(gate(cycle, GateStatus.CLOSED, cycle=polls.id, epoch=1))
    assert await polls.refusal("voter", "p2", TWO) == "CYCLE_NOT_OPEN"


async def test_a_ballot_that_stands_still_says_so_also_past_its_end_and_is_not_called_the_cycle_dr_23(
    polls: Polls,
) -> None:
    await polls.begin()
    await polls.set_gate(gate(polls.id, GateStatus.PAUSED, cycle=polls.id, closes_at=EVENING))
    for at in (NOON, EVENING):
        assert await polls.refusal("voter", "p1", ONE, at=at) == "BALLOT_PAUSED"
    await polls.set_gate(gate(polls.id, cycle=polls.id, closes_at=EVENING))
    await polls.cast("voter", "p1", ONE)
    assert await polls.refusal("voter", "p2", TWO, at=EVENING) == "BALLOT_CLOSED"


async def test_of_many_papers_handed_in_at_once_a_batch_waits_at_a_time(
    polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    await polls.begin()
    waiting: list[int] = []
    add = Flusher.add

    def counted(flusher: Flusher, sheet: Sheet, papers: Sequence[Waiting]) -> None:
        add(flusher, sheet, papers)
        waiting.append(len(sheet.queue))

    monkeypatch.setattr(Flusher, "add", counted)
    monkeypatch.setattr("store.ballots.box.PAPERS_MAX", 4)
    papers = [polls.paper(f"v{n % 9}", f"p{n}", ONE) for n in range(10)]
    assert [code(one) for one in await polls.box.submit_many(papers)] == [*["ok"] * 9, "ALREADY_VOTED"]
    assert waiting == [4, 4, 2]


async def test_closing_while_papers_come_in_loses_none_and_lets_none_in_later(polls: Polls) -> None:
    taken = refused = 0
    for n in range(50):
        one = Polls(polls.box, polls.store, f"{polls.id}-{n}")
        await one.begin()
        papers = [asyncio.create_task(one.cast(f"v{k}", f"p{k}", CANDIDATES[k % 4])) for k in range(16)]
        for _ in range(n // 2):
            await asyncio.sleep(0)
        await papers[n // 4]
        closing = asyncio.create_task(one.close())
        for k in range(16, 24):  # one after the other, so that the last of them come when it is closed
            papers.append(asyncio.create_task(one.cast(f"v{k}", f"p{k}", CANDIDATES[k % 4])))
            await asyncio.wait(papers[-1:] if n % 2 else [closing])
        await closing
        tally = await one.box.seal(one.id)
        answers = await asyncio.gather(*papers, return_exceptions=True)
        seen = codes(answers)
        assert tally.papers == seen["ok"]
        assert seen["ok"] + seen["BALLOT_CLOSED"] == 24
        assert await one.refusal("late", "late", ONE) == "BALLOT_CLOSED"
        again = await one.box.recount(one.id)
        assert again == tally
        assert sum(count.votes for count in again.counts) == seen["ok"]
        taken, refused = taken + seen["ok"], refused + seen["BALLOT_CLOSED"]
    assert taken > 0
    assert refused > 0, "some papers met the closing"


# --- DR-22: the sealed tally


async def test_an_open_ballot_is_neither_sealed_nor_counted(polls: Polls) -> None:
    await polls.begin()
    for call in (polls.box.seal, polls.box.recount):
        with pytest.raises(Refused, match="BALLOT_OPEN"):
            await call(polls.id)


async def test_dr_22_the_root_is_over_every_accepted_paper_by_day_voter_and_slot(polls: Polls) -> None:
    await polls.begin(channels=("web", "app"))
    await polls.set_gate(gate(polls.id, cycle=polls.id, closes_at=EVENING + timedelta(days=2)))
    receipts = []
    for n in range(7):
        at = NOON + timedelta(days=n % 2)
        paper = polls.paper(f"v{n}", f"p{n}", *CANDIDATES[: 1 + n % 3], at=at, channel="app")
        receipts.append((paper, await polls.box.submit(paper)))
    second = polls.paper("v0", "p-second", TWO)
    receipts.append((second, await polls.box.submit(second)))
    assert await polls.refusal("v0", "again", ONE) == "ALREADY_VOTED"
    await polls.close()
    tally = await polls.box.seal(polls.id)
    receipts.sort(key=lambda one: (one[0].received_at.date(), one[0].voter, one[1].id))
    assert tally.root == merkle.root(bytes.fromhex(receipt.leaf) for _, receipt in receipts).hex()
    body = (
        bytes.fromhex(tally.rules_hash)
        + (NOON.date() - date(2000, 1, 1)).days.to_bytes(4, "big")
        + second.voter
        + second.paper_id
        + (12 * 60).to_bytes(2, "big")  # noon in Shanghai
        + (1).to_bytes(2, "big")  # the second candidate by the first channel
    )
    assert dict(receipts)[second].leaf == merkle.leaf(body).hex()
    votes = {count.nomination: count.votes for count in tally.counts}
    assert votes == {ONE: 7, TWO: 5, THREE: 2, FOUR: 0}
    assert tally.rules_hash == await polls.box.open(polls.id, THREE_A_DAY, CANDIDATES, ("web", "app"))


async def test_dr_22_a_seal_stays_and_a_recount_gives_it_again(polls: Polls) -> None:
    await polls.begin()
    await polls.cast("voter", "p1", ONE)
    await polls.close()
    tally = await polls.box.seal(polls.id)
    assert await polls.refusal("late", "p2", ONE) == "BALLOT_CLOSED"
    assert await polls.box.seal(polls.id) == tally == await polls.box.recount(polls.id)
    assert tally.refused == 0


async def test_a_gate_opened_again_after_the_seal_lets_nothing_in(polls: Polls) -> None:
    await polls.begin()
    await polls.close()
    await polls.box.seal(polls.id)
    await polls.set_gate(gate(polls.id, cycle=polls.id))
    assert await polls.refusal("voter", "p1", ONE) == "BALLOT_CLOSED"


async def test_an_empty_ballot_has_the_root_of_no_leaves(polls: Polls) -> None:
    await polls.begin()
    await polls.close()
    tally = await polls.box.seal(polls.id)
    assert (tally.papers, tally.root) == (0, merkle.EMPTY_ROOT.hex())
    assert {count.votes for count in tally.counts} == {0}


@pytest.mark.parametrize(
    "change",
    [
        r"choices = '\x00010001'",
        r"choices = '\x00010063'",
        r"choices = '\x00010002000300000001'",
        r"choices = '\x0801'",
        r"papers = substr(papers, 1, 16) || '\xffff'",
        r"papers = papers || '\x00'",
    ],
    ids=["twice", "no candidate", "too many", "no channel", "no minute", "no whole paper"],
)
async def test_a_row_that_could_not_have_been_accepted_is_found(
    polls: Polls, admin: asyncpg.Connection, change: str
) -> None:
    await polls.begin()
    await polls.cast("voter", "p1", TWO, THREE)
    await _forge(admin, await sheet(polls, admin), change)
    await polls.close()
    with pytest.raises(Integrity, match="BALLOT_BROKEN"):
        await polls.box.recount(polls.id)


async def test_a_paper_changed_after_the_seal_changes_the_recount(
    polls: Polls, admin: asyncpg.Connection
) -> None:
    await polls.begin()
    receipt = await polls.cast("voter", "p1", ONE)
    await polls.close()
    tally = await polls.box.seal(polls.id)
    await _forge(admin, await sheet(polls, admin), r"choices = '\x0001'")
    assert (await polls.box.recount(polls.id)).root != tally.root
    assert await polls.box.seal(polls.id) == tally
    with pytest.raises(Integrity, match="BALLOT_BROKEN"):
        await polls.box.inclusion(receipt.id)


async def _forge(admin: asyncpg.Connection, number: int, change: str) -> None:
    """As somebody who owns the tables and drops what stands in the way."""
    leaf = f"ballot.voter_day_{number}"
    checks = await admin.fetch(
        "SELECT conname FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype = 'c'", leaf
    )
    async with admin.transaction():
        await admin.execute(f"ALTER TABLE {leaf} DISABLE TRIGGER only_more")
        for check in checks:
            await admin.execute(f"ALTER TABLE {leaf} DROP CONSTRAINT {check['conname']}")
        await admin.execute(f"UPDATE {leaf} SET {change}")
        await admin.execute(f"ALTER TABLE {leaf} ENABLE ALWAYS TRIGGER only_more")


async def test_papers_and_tallies_are_not_changed_by_anybody(
    polls: Polls, ballot_database: Database, admin: asyncpg.Connection
) -> None:
    await polls.begin()
    await polls.cast("voter", "p1", ONE)
    number = await sheet(polls, admin)
    for change in (r"papers = '\x00' || substr(papers, 2)", r"voter = gen_random_uuid()"):
        with pytest.raises(asyncpg.PostgresError) as caught:
            await admin.execute(f"UPDATE ballot.voter_day SET {change} WHERE sheet = {number}")
        assert caught.value.sqlstate == "XS001"
    for table in ("ballot", f"voter_day_{number}", "tally", "node", "page", "sheet"):
        for verb, kind in (
            (f"DELETE FROM ballot.{table}", "XS002"),
            (f"TRUNCATE ballot.{table} CASCADE", "XS003"),
        ):
            with pytest.raises(asyncpg.PostgresError) as caught:
                await admin.execute(verb)
            assert caught.value.sqlstate == kind
    app = await asyncpg.connect(ballot_database.dsns.app)
    for statement in (
        f"INSERT INTO ballot.voter_day_{number} VALUES (gen_random_uuid(), {number}, '', '')",
        "UPDATE ballot.voter_day SET choices = ''",
        "DROP TABLE ballot.voter_day",
        "UPDATE ledger.gate SET status = 'open'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
    await app.close()


async def test_dr_23_papers_of_invalidated_voters_stay_and_do_not_count(polls: Polls) -> None:
    await polls.begin(channels=("web", "app"))
    for voter, candidate, channel in (("v1", ONE, "web"), ("v2", ONE, "app"), ("v3", TWO, "web")):
        await polls.cast(voter, f"p-{voter}", candidate, channel=channel)
    await polls.close()
    tally = await polls.box.seal(polls.id, frozenset({"v1"}))
    assert tally.papers == 3
    assert {count.nomination: count.votes for count in tally.counts if count.votes} == {ONE: 2, TWO: 1}
    assert _by_channel(tally.channels) == {"web": {ONE: 1, TWO: 1}, "app": {ONE: 1}}
    assert _by_channel(tally.valid) == {"web": {TWO: 1}, "app": {ONE: 1}}
    assert await polls.box.recount(polls.id, frozenset({"v1"})) == tally


def _by_channel(channels: tuple[ChannelCounts, ...]) -> dict[str, dict[str, int]]:
    return {one.channel: {c.nomination: c.votes for c in one.counts if c.votes} for one in channels}
