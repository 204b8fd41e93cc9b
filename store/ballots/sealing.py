"""Counting a closed ballot: by Postgres for the seal, from the raw rows for the recount; and the proof of one paper."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import date
from hashlib import sha256
from itertools import product
from typing import Any, NamedTuple

import asyncpg
from asyncpg.pgproto.pgproto import UUID
from asyncpg.pool import PoolConnectionProxy

from proof.merkle import Frontier, verify_inclusion
from schemas.canonical import canonical_bytes
from schemas.errors import Integrity, Refused
from store.ballots.paper import PAPER_BYTES, Place, day_number, leaf_head, place_of, split_row, token
from store.ballots.rules import Opened
from store.ballots.tally import Counts, Inclusion, Recount, SealedTally
from store.ballots.tree import PAGE_LEAVES, PAGE_LEVEL, Node, Tree, outside_the_page, path
from store.statements import statement

_PATIENCE_SECONDS = 6 * 3600.0  # for what reads eighty million rows
_ROWS = 5000


class SheetOf(NamedTuple):
    """A day of a ballot."""

    number: int
    day: date


class Excluded(NamedTuple):
    """Whose papers do not count although they stay (DR-23): voters' tokens, and cohorts of `ballot.mark`."""

    voters: frozenset[bytes] = frozenset()
    cohorts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, voters: Iterable[str], cohorts: frozenset[str]) -> Excluded:
        """Voters as people name them."""
        return cls(frozenset(map(token, voters)), cohorts)


async def sheets_of(connection: PoolConnectionProxy, ballot: str) -> list[SheetOf]:
    """A ballot's days in their order."""
    return [SheetOf(row["no"], row["day"]) for row in await connection.fetch(statement("sheets"), ballot)]


async def count(connection: PoolConnectionProxy, sheets: Iterable[SheetOf]) -> Counts:
    """Count all papers of these days."""
    counts = Counts()
    for sheet in sheets:
        rows = await connection.fetch(statement("count_choices"), sheet.number, timeout=_PATIENCE_SECONDS)
        for channel, candidate, votes, papers in rows:
            counts.votes[channel, candidate] += votes
            counts.papers[channel] += papers
    return counts


async def settle(connection: PoolConnectionProxy, ballot: str) -> None:
    """Put the rows of an unsealed ballot into the order of its tree, day by day: the seal reads them so."""
    closed = await connection.fetchval(statement("gate_status"), ballot) == "closed"
    if closed and await connection.fetchval(statement("tally"), ballot) is None:
        for sheet in await sheets_of(connection, ballot):
            await connection.execute(statement("settle"), sheet.number, timeout=_PATIENCE_SECONDS)


async def seal(connection: PoolConnectionProxy, ballot: Opened, excluded: Excluded) -> SealedTally:
    """Count, keep the tree and pin the tally, or give the tally that is pinned; the caller is in a transaction."""
    name = ballot.rules.ballot
    if await connection.fetchval(statement("hold_seal"), name, timeout=_PATIENCE_SECONDS) != "closed":
        raise Refused("BALLOT_OPEN", ballot=name)
    if (kept := await connection.fetchval(statement("tally"), name)) is not None:
        return SealedTally.model_validate_json(kept)
    sheets = await sheets_of(connection, name)
    counts = await count(connection, sheets)
    root = await _keep_tree(connection, ballot, sheets)
    tally = await _tally(connection, ballot, sheets, counts, root, excluded)
    await connection.execute(statement("keep_tally"), name, canonical_bytes(tally))
    return tally


async def recount(connection: PoolConnectionProxy, ballot: Opened, excluded: Excluded) -> SealedTally:
    """Count again, paper by paper and with nothing that the seal used.

    The caller is in a transaction of one snapshot, which has every paper if it has the closed gate.
    """
    if await connection.fetchval(statement("gate_status"), ballot.rules.ballot) != "closed":
        raise Refused("BALLOT_OPEN", ballot=ballot.rules.ballot)
    sheets = await sheets_of(connection, ballot.rules.ballot)
    again, tree, number = Recount(ballot), Tree(), 0
    for sheet in sheets:
        head = leaf_head(ballot.rules_hash, day_number(sheet.day))
        async for rows in _rows(connection, statement("sheet_rows"), sheet.number):
            await asyncio.to_thread(_recount_rows, again, tree, head, number, rows)
            number += len(rows)
    await _check_totals(connection, ballot, sheets)
    return await _tally(connection, ballot, sheets, again.counts, tree.finish(), excluded)


async def inclusion(connection: PoolConnectionProxy, receipt: str) -> Inclusion:
    """The proof of the paper that a receipt names."""
    place = place_of(receipt)
    row = await connection.fetchrow(statement("sheet_of"), place.sheet)
    if row is None:
        raise Refused("NOT_FOUND", what=f"receipt {receipt}")
    kept = await connection.fetchval(statement("tally"), row["ballot"])
    if kept is None:
        there = await _is_held(connection, row["ballot"], place)
        raise Refused(
            "TALLY_NOT_SEALED" if there else "NOT_FOUND", ballot=row["ballot"], what=f"receipt {receipt}"
        )
    tally = SealedTally.model_validate_json(kept)
    begins, page, at = await _page(connection, row, place)
    if at is None:
        raise Refused("NOT_FOUND", what=f"receipt {receipt}")
    index = begins + at
    wanted = outside_the_page(index, tally.papers)
    nodes = await connection.fetch(
        statement("nodes"), row["ballot_no"], [one.level for one in wanted], [one.n for one in wanted]
    )
    found = path(index, tally.papers, page, {Node(one["level"], one["n"]): one["hash"] for one in nodes})
    if not verify_inclusion(page[at], index, tally.papers, found, bytes.fromhex(tally.root)):
        raise Integrity(
            "BALLOT_BROKEN", ballot=tally.ballot, paper=index, fault="the paper is not in the sealed tree"
        )
    return Inclusion(
        ballot=tally.ballot,
        leaf=page[at].hex(),
        index=index,
        size=tally.papers,
        path=tuple(one.hex() for one in found),
        root=tally.root,
    )


async def _is_held(connection: PoolConnectionProxy, ballot: str, place: Place) -> bool:
    rows = await connection.fetch(statement("held_papers"), ballot, [place.sheet], [UUID(place.voter)])
    return any(
        place.slot <= len(row["papers"]) // (PAPER_BYTES + 1) for row in rows if row["sheet"] is not None
    )


async def _rows(
    connection: PoolConnectionProxy, query: str, *arguments: Any
) -> AsyncIterator[list[asyncpg.Record]]:
    cursor = await connection.cursor(query, *arguments, timeout=_PATIENCE_SECONDS)
    while rows := await cursor.fetch(_ROWS, timeout=_PATIENCE_SECONDS):
        yield rows


async def _keep_tree(connection: PoolConnectionProxy, ballot: Opened, sheets: Iterable[SheetOf]) -> bytes:
    """Build the tree over all papers and keep what proofs will need; the root."""
    tree, pages = Tree(), list[tuple[int, int, date, UUID, int]]()
    for sheet in sheets:
        head = leaf_head(ballot.rules_hash, day_number(sheet.day))
        async for rows in _rows(connection, statement("sheet_leaves"), sheet.number, head):
            await asyncio.to_thread(_grow, tree, pages, ballot.number, sheet.day, rows)
            await _keep(connection, ballot.number, tree, pages)
    root = tree.finish()
    await _keep(connection, ballot.number, tree, pages)
    return root


def _grow(
    tree: Tree,
    pages: list[tuple[int, int, date, UUID, int]],
    number: int,
    day: date,
    rows: Iterable[asyncpg.Record],
) -> None:
    size, append = tree.size, tree.append
    for voter, leaves in rows:
        for slot in range(len(leaves) // 32):
            if not size % PAGE_LEAVES:
                pages.append((number, size >> PAGE_LEVEL, day, voter, slot))
            append(leaves[32 * slot : 32 * slot + 32])
            size += 1


async def _keep(
    connection: PoolConnectionProxy, number: int, tree: Tree, pages: list[tuple[int, int, date, UUID, int]]
) -> None:
    nodes = [(number, *one) for one in tree.nodes]
    await connection.copy_records_to_table("node", schema_name="ballot", records=nodes)
    await connection.copy_records_to_table("page", schema_name="ballot", records=pages)
    tree.nodes.clear()
    pages.clear()


def _recount_rows(
    again: Recount, tree: Tree, head: bytes, number: int, rows: Iterable[asyncpg.Record]
) -> None:
    for at, (voter, papers, choices) in enumerate(rows, start=number):
        for paper, chosen in again.row(at, papers, choices):
            tree.append(sha256(head + voter.bytes + paper + chosen).digest())


async def _check_totals(connection: PoolConnectionProxy, ballot: Opened, sheets: Iterable[SheetOf]) -> None:
    limits = ballot.rules.limits
    if limits.in_total or limits.per_candidate_in_total:
        bounds = (limits.in_total or 65535, limits.per_candidate_in_total or 65535)
        numbers = [sheet.number for sheet in sheets]
        over = await connection.fetchval(
            statement("voter_over_total"), numbers, *bounds, timeout=_PATIENCE_SECONDS
        )
        if over is not None:
            fault = "the voter is past the limits in total"
            raise Integrity("BALLOT_BROKEN", ballot=ballot.rules.ballot, paper=over, fault=fault)


async def _tally(
    connection: PoolConnectionProxy,
    ballot: Opened,
    sheets: Iterable[SheetOf],
    counts: Counts,
    root: bytes,
    excluded: Excluded,
) -> SealedTally:
    left_out, uncounted = await _left_out(connection, ballot, sheets, excluded)
    return SealedTally(
        ballot=ballot.rules.ballot,
        papers=counts.papers.total(),
        refused=await _refused(connection, ballot.rules.ballot),
        root=root.hex(),
        uncounted_root=uncounted.hex(),
        counts=counts.of_candidates(ballot),
        rules_hash=ballot.rules_hash.hex(),
        channels=counts.by_channel(ballot),
        valid=counts.without(left_out).by_channel(ballot),
    )


async def _refused(connection: PoolConnectionProxy, ballot: str) -> int:
    """Refused papers: those of the pinned tally, else those counted so far."""
    kept = await connection.fetchval(statement("tally"), ballot)
    if kept is not None:
        return SealedTally.model_validate_json(kept).refused
    return int(await connection.fetchval(statement("refusals"), ballot))


async def _left_out(
    connection: PoolConnectionProxy, ballot: Opened, sheets: Iterable[SheetOf], excluded: Excluded
) -> tuple[Counts, bytes]:
    """The counts of the papers that do not count, and the root over their leaves in the order of the ballot's tree."""
    marked = set[tuple[bytes, bytes]]()
    if excluded.cohorts:
        rows = await connection.fetch(
            statement("marked"), ballot.rules.ballot, list(excluded.cohorts), timeout=_PATIENCE_SECONDS
        )
        marked = {(row["voter"], row["paper"]) for row in rows}
    counts, tree = Counts(), Frontier()
    voters = sorted(excluded.voters | {voter for voter, _ in marked})
    chunks = [[UUID(voter) for voter in voters[at : at + _ROWS]] for at in range(0, len(voters), _ROWS)]
    for sheet, asked in product(sheets, chunks):
        head = leaf_head(ballot.rules_hash, day_number(sheet.day))
        for voter, papers, choices in await connection.fetch(
            statement("rows_of_voters"), sheet.number, asked
        ):
            token = voter.bytes
            for paper, chosen in split_row(papers, choices):
                if token in excluded.voters or (token, paper[:16]) in marked:
                    counts.add(chosen)
                    tree.append(sha256(head + token + paper + chosen).digest())
    return counts, tree.root()


async def _page(
    connection: PoolConnectionProxy, sheet: asyncpg.Record, place: Place
) -> tuple[int, list[bytes], int | None]:
    """The index of a page's first leaf, its leaves, and which of them the paper is, if any."""
    begins = await connection.fetchrow(
        statement("page_of"), sheet["ballot_no"], sheet["day"], UUID(place.voter), place.slot
    )
    if begins is None:
        return 0, [], None
    leaves: list[bytes] = []
    at = None
    skip, voter = begins["slot"], begins["voter"]
    for number, day in await sheets_of(connection, sheet["ballot"]):
        if day >= begins["day"] and len(leaves) < PAGE_LEAVES:
            rows = await connection.fetch(statement("leaves_from"), number, voter, PAGE_LEAVES)
            for row in rows:
                found = row["found"]
                slots = range(skip, len(found) // 32)
                if number == place.sheet and row["voter"].bytes == place.voter and place.slot in slots:
                    at = len(leaves) + place.slot - skip
                leaves += [found[32 * slot : 32 * slot + 32] for slot in slots]
                skip = 0
            voter = UUID(bytes(16))
    page = leaves[:PAGE_LEAVES]
    return begins["n"] << PAGE_LEVEL, page, at if at is not None and at < len(page) else None
