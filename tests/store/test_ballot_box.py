"""The ballot box: limits hold under concurrency, closing is exact, and a recount gives the sealed tally (DR-21, DR-22)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from proof import merkle
from schemas.canonical import canonical_bytes, leaf_hash
from schemas.errors import Conflict, Integrity, Refused
from schemas.ledger import Gate, GateStatus, SetGate
from schemas.programme import VoterLimits
from store.ballot_box import BallotBox, PaperReceipt
from store.postgres import PostgresEventStore
from tests.store.commands import EVENING, NOON, command, gate
from tests.support.databases import Database

CANDIDATES = ("nomination-1", "nomination-2", "nomination-3", "nomination-4")
ONE, TWO, THREE, FOUR = CANDIDATES
THREE_A_DAY = VoterLimits(per_day=3, choices_max=3)


@dataclass(frozen=True)
class Polls:
    """A box and its gates: the ballot `id` in a cycle of the same name."""

    box: BallotBox
    store: PostgresEventStore
    id: str

    async def begin(self, limits: VoterLimits = THREE_A_DAY) -> None:
        """Open the ballot, its cycle's gate and its own."""
        await self.box.open(self.id, limits, CANDIDATES)
        await self.set_gate(gate(f"cycle/{self.id}", cycle=self.id))
        await self.set_gate(gate(self.id, cycle=self.id))

    async def set_gate(self, new: Gate) -> None:
        head = (await self.store.heads([self.id]))[self.id]
        await self.store.append(command(self.id, f"gate-{head.seq}", head, effects=(SetGate(gate=new),)))

    async def close(self) -> None:
        await self.set_gate(gate(self.id, GateStatus.CLOSED, cycle=self.id))

    async def cast(self, voter: str, paper: str, *choices: str, at: datetime = NOON) -> PaperReceipt:
        return await self.box.cast(self.id, voter, paper, choices, at)

    async def refusal(self, voter: str, paper: str, *choices: str, at: datetime = NOON) -> str:
        """The code with which a paper is refused."""
        with pytest.raises(Refused) as caught:
            await self.cast(voter, paper, *choices, at=at)
        assert "<" not in str(caught.value), "every fact of the sentence is given"
        return caught.value.code


@pytest.fixture
async def polls(module_database: Database, name: str) -> AsyncIterator[Polls]:
    dsn = module_database.dsns.app
    async with PostgresEventStore(dsn) as store, BallotBox(dsn, connections_max=12) as box:
        yield Polls(box, store, name)


@pytest.fixture
async def admin(module_database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(module_database.owner_dsn)
    yield connection
    await connection.close()


def codes(answers: list[Any]) -> Counter[str]:
    """How often each code came back; `ok` for receipts, `again` for repeated ones."""
    return Counter(
        ("again" if answer.repeated else "ok") if isinstance(answer, PaperReceipt) else answer.code
        for answer in answers
    )


async def votes(polls: Polls) -> dict[str, int]:
    return {count.nomination: count.votes for count in (await polls.box.seal(polls.id)).counts}


# --- opening


async def test_opening_again_gives_the_same_hash_and_other_rules_conflict(polls: Polls) -> None:
    first = await polls.box.open(polls.id, THREE_A_DAY, CANDIDATES)
    assert await polls.box.open(polls.id, THREE_A_DAY, CANDIDATES) == first
    for limits, candidates in ((VoterLimits(per_day=4), CANDIDATES), (THREE_A_DAY, CANDIDATES[:3])):
        with pytest.raises(Conflict, match="BALLOT_RULES_DIFFER"):
            await polls.box.open(polls.id, limits, candidates)


# --- one paper


async def test_a_paper_handed_in_again_has_its_first_receipt_even_after_closing(polls: Polls) -> None:
    await polls.begin()
    first = await polls.cast("voter", "p1", ONE, TWO)
    later = await polls.cast("voter", "p1", ONE, TWO, at=NOON + timedelta(seconds=5))
    assert later == first.model_copy(update={"repeated": True})
    await polls.close()
    assert await polls.cast("voter", "p1", ONE, TWO) == later
    assert (await polls.box.seal(polls.id)).papers == 1


async def test_a_paper_id_with_other_content_is_a_conflict(polls: Polls) -> None:
    await polls.begin()
    await polls.cast("voter", "p1", ONE)
    for voter, choice in (("voter", TWO), ("another", ONE)):
        with pytest.raises(Conflict, match="KEY_REUSED"):
            await polls.cast(voter, "p1", choice)


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
        f"choices = '{{{ONE},{ONE}}}'",
        f"choices = '{{{ONE},{TWO},{THREE},{FOUR}}}'",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await admin.execute(f"UPDATE ballot.voter_day SET {change} WHERE ballot = $1", polls.id)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await admin.execute("UPDATE ballot.voter_day SET per_day = 99 WHERE ballot = $1", polls.id)


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


async def test_dr_22_the_root_is_over_every_accepted_paper_in_the_order_of_receipts(polls: Polls) -> None:
    await polls.begin()
    receipts = [await polls.cast(f"v{n}", f"p{n}", *CANDIDATES[: 1 + n % 3]) for n in range(7)]
    assert await polls.refusal("v0", "again", ONE) == "ALREADY_VOTED"
    await polls.close()
    tally = await polls.box.seal(polls.id)
    assert tally.root == merkle.root(bytes.fromhex(receipt.leaf) for receipt in receipts).hex()
    assert receipts[1].leaf == leaf_hash(
        canonical_bytes(
            {
                "ballot": polls.id,
                "paper": "p1",
                "voter": "v1",
                "choices": [ONE, TWO],
                "channel": "web",
                "received": NOON,
            }
        )
    )
    assert [(count.nomination, count.votes) for count in tally.counts] == [
        (ONE, 7),
        (TWO, 4),
        (THREE, 2),
        (FOUR, 0),
    ]
    assert tally.rules_hash == await polls.box.open(polls.id, THREE_A_DAY, CANDIDATES)


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
    [{"choices": [FOUR]}, {"choices": ["nobody"]}, {"choices": list(CANDIDATES)}, {"ballot": "another"}],
    ids=["vote moved to a full day", "no candidate", "too many", "another ballot"],
)
async def test_a_paper_stuffed_past_the_rules_is_found(
    polls: Polls, admin: asyncpg.Connection, change: dict[str, Any]
) -> None:
    await polls.begin()
    await polls.cast("voter", "p1", TWO, THREE, FOUR)
    body = await admin.fetchval("SELECT body FROM ballot.paper WHERE ballot = $1", polls.id)
    stuffed = canonical_bytes(orjson.loads(body) | {"paper": "p2"} | change)
    await admin.execute(
        "INSERT INTO ballot.paper (ballot, id, body) VALUES ($1, 'p2', $2)", polls.id, stuffed
    )
    await polls.close()
    for call in (polls.box.seal, polls.box.recount):
        with pytest.raises(Integrity, match="BALLOT_BROKEN"):
            await call(polls.id)


async def test_a_paper_changed_after_the_seal_changes_the_recount(
    polls: Polls, admin: asyncpg.Connection
) -> None:
    await polls.begin()
    await polls.cast("voter", "p1", ONE)
    await polls.close()
    tally = await polls.box.seal(polls.id)
    async with admin.transaction():
        await admin.execute("ALTER TABLE ballot.paper DISABLE TRIGGER no_change")
        await admin.execute(
            "UPDATE ballot.paper SET body = replace(convert_from(body, 'UTF8'), $2, $3)::bytea WHERE ballot = $1",
            polls.id,
            ONE,
            TWO,
        )
        await admin.execute("ALTER TABLE ballot.paper ENABLE ALWAYS TRIGGER no_change")
    assert (await polls.box.recount(polls.id)).root != tally.root
    assert await polls.box.seal(polls.id) == tally


async def test_papers_and_tallies_are_not_changed_by_anybody(
    polls: Polls, module_database: Database, admin: asyncpg.Connection
) -> None:
    await polls.begin()
    await polls.cast("voter", "p1", ONE)
    for table in ("ballot", "paper", "tally"):
        for verb, kind in (
            (f"DELETE FROM ballot.{table}", "XS002"),
            (f"TRUNCATE ballot.{table} CASCADE", "XS003"),
        ):
            with pytest.raises(asyncpg.PostgresError) as caught:
                await admin.execute(verb)
            assert caught.value.sqlstate == kind
    app = await asyncpg.connect(module_database.dsns.app)
    for statement in (
        "INSERT INTO ballot.paper (ballot, id, body) VALUES ('b', 'p', '')",
        "UPDATE ballot.voter_day SET choices = '{}'",
        "UPDATE ledger.gate SET status = 'open'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
    await app.close()


async def test_dr_23_papers_of_invalidated_voters_stay_and_do_not_count(polls: Polls) -> None:
    await polls.begin()
    for voter, candidate, channel in (("v1", ONE, "web"), ("v2", ONE, "app"), ("v3", TWO, "web")):
        await polls.box.cast(polls.id, voter, f"p-{voter}", [candidate], NOON, channel)
    await polls.close()
    tally = await polls.box.seal(polls.id, frozenset({"v1"}))
    assert tally.papers == 3
    assert {count.nomination: count.votes for count in tally.counts if count.votes} == {ONE: 2, TWO: 1}
    valid = {one.channel: {c.nomination: c.votes for c in one.counts if c.votes} for one in tally.valid}
    assert valid == {"app": {ONE: 1}, "web": {TWO: 1}}
    assert await polls.box.recount(polls.id, frozenset({"v1"})) == tally
