"""Recount = tally = proof: every receipt leads to the sealed root, and the query of the docs counts what was sealed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from random import Random

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proof import merkle
from schemas.errors import Refused
from schemas.programme import VoterLimits
from store.ballots import BallotBox, PaperReceipt
from store.ballots.tree import Node, Tree, outside_the_page, path
from store.postgres import PostgresEventStore
from tests.store.commands import EVENING, NOON
from tests.store.polls import CANDIDATES, Polls
from tests.support.databases import Database

DOC = Path(__file__).parents[2] / "docs" / "voting.md"
ID_IN_DOC = "round/sichuan-craftsman.1/all/51/public_vote"


@pytest.fixture
async def polls(ballot_database: Database, name: str) -> AsyncIterator[Polls]:
    dsn = ballot_database.dsns.app
    async with PostgresEventStore(dsn) as store, BallotBox(dsn) as box:
        yield Polls(box, store, name)


async def some_papers(polls: Polls, count: int) -> list[PaperReceipt]:
    """Papers of one to three choices on two days; a few voters hand in several."""
    await polls.begin(
        VoterLimits(per_day=3, choices_max=3), ("web", "app"), closes_at=EVENING + timedelta(days=1)
    )
    draw = Random(count)
    papers = [
        polls.paper(
            f"v{draw.randrange(count)}",
            f"p{n}",
            *draw.sample(CANDIDATES, draw.randint(1, 3)),
            at=NOON + timedelta(days=n % 2),
            channel=draw.choice(["web", "app"]),
        )
        for n in range(count)
    ]
    return [one for one in await polls.box.submit_many(papers) if isinstance(one, PaperReceipt)]


@pytest.mark.parametrize("count", [1, 900])
async def test_dr_22_every_receipt_leads_to_the_sealed_root_and_tells_no_choice(
    polls: Polls, count: int
) -> None:
    receipts = await some_papers(polls, count)
    with pytest.raises(Refused, match="TALLY_NOT_SEALED"):
        await polls.box.inclusion(receipts[0].id)
    await polls.close()
    tally = await polls.box.seal(polls.id)
    assert tally.papers == len(receipts)
    assert await polls.box.recount(polls.id) == tally
    seen = set()
    for receipt in receipts:
        proof = await polls.box.inclusion(receipt.id)
        assert (proof.leaf, proof.size, proof.root) == (receipt.leaf, len(receipts), tally.root)
        hashes = [bytes.fromhex(one) for one in proof.path]
        leaf, root = bytes.fromhex(proof.leaf), bytes.fromhex(proof.root)
        assert merkle.verify_inclusion(leaf, proof.index, proof.size, hashes, root)
        seen.add(proof.index)
    assert seen == set(range(len(receipts)))


async def test_a_receipt_of_no_paper_has_no_proof(polls: Polls) -> None:
    (receipt,) = await some_papers(polls, 1)
    sheet, voter = receipt.id[:4], receipt.id[4:36]
    wrong = (
        "",
        "zz",
        receipt.id[:-2],
        receipt.id[:-2] + "01",
        sheet + "00" * 17,
        "7fff" + voter + "00",
    )
    await no_proof(polls, receipt.id, "TALLY_NOT_SEALED")
    for one in wrong:
        await no_proof(polls, one, "NOT_FOUND")
    await polls.close()
    await polls.box.seal(polls.id)
    for one in wrong:
        await no_proof(polls, one, "NOT_FOUND")


async def no_proof(polls: Polls, receipt: str, code: str) -> None:
    with pytest.raises(Refused, match=code):
        await polls.box.inclusion(receipt)


async def test_dr_22_the_query_of_the_docs_counts_what_was_sealed(
    polls: Polls, ballot_database: Database
) -> None:
    await some_papers(polls, 300)
    await polls.close()
    tally = await polls.box.seal(polls.id)
    (query,) = [
        one for one in re.findall(r"```sql\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL) if "count(*)" in one
    ]
    auditor = await asyncpg.connect(ballot_database.dsns.auditor)
    assert query.count(ID_IN_DOC) == 1
    rows = await auditor.fetch(query.replace(ID_IN_DOC, polls.id))
    await auditor.close()
    sealed = {
        (one.channel, count.nomination): count.votes
        for one in tally.channels
        for count in one.counts
        if count.votes
    }
    assert {(row["channel"], row["candidate"]): row["votes"] for row in rows} == sealed


async def test_an_auditor_counts_again_and_can_write_nothing(polls: Polls, ballot_database: Database) -> None:
    await some_papers(polls, 50)
    await polls.close()
    tally = await polls.box.seal(polls.id)
    async with BallotBox(ballot_database.dsns.auditor) as box:
        assert await box.recount(polls.id) == tally
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await box.seal(polls.id)


async def test_live_counts_are_those_of_the_papers_so_far(polls: Polls) -> None:
    await polls.begin(channels=("web", "app"))
    assert await polls.box.live_counts(polls.id) == ()
    await polls.cast("v1", "p1", *CANDIDATES[:2])
    await polls.cast("v1", "p2", CANDIDATES[2])
    (web,) = await polls.box.live_counts(polls.id)
    assert (web.channel, web.papers, [one.votes for one in web.counts]) == ("web", 2, [1, 1, 1, 0])


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 2100), draw=st.randoms(use_true_random=False))
def test_a_tree_kept_in_part_gives_the_root_and_the_proofs_of_the_whole(size: int, draw: Random) -> None:
    leaves = [sha256(n.to_bytes(4, "big")).digest() for n in range(size)]
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    assert tree.finish() == merkle.root(leaves)
    kept = {Node(level, n): one for level, n, one in tree.nodes}
    for index in {0, size - 1, draw.randrange(size)}:
        page = leaves[index // 256 * 256 :][:256]
        beside = {node: kept[node] for node in outside_the_page(index, size)}
        assert path(index, size, page, beside) == merkle.inclusion_path(leaves, index, size)
