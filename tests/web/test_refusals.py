"""The vote intake over real HTTP: what it takes, and every way in which it says no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from schemas.errors import CATALOGUE
from schemas.ledger import GateStatus
from schemas.programme import VoterLimits
from store.ballots import Paper, day_and_minute
from store.polling_place import PollingPlace
from store.voter_keys import Voter
from tests.support import people
from tests.support.databases import Database
from tests.web.caller import Caller, Reply
from tests.web.conftest import CANDIDATES, FOUR, KEK, ONE, THREE, TWO, Ballot, Serve, Voters

LIMITS = VoterLimits(per_day=3, choices_max=3)


@dataclass
class Booth:
    ballot: Ballot
    caller: Caller
    voters: Voters
    port: int


@pytest.fixture
async def booth(ballot: Ballot, serve: Serve) -> AsyncIterator[Booth]:
    await ballot.begin(LIMITS)
    service = await serve()
    async with service.caller() as caller:
        yield Booth(ballot, caller, Voters(ballot, caller), service.port)


def refused(reply: Reply, status: int, code: str) -> None:
    """The status, the code, and a whole sentence in both languages."""
    assert (reply.status, reply.code) == (status, code), reply.raw
    assert code in CATALOGUE
    error = reply.body["error"]
    assert "<" not in error["zh"] + error["en"], "every fact of the sentence is given"


async def test_a_paper_is_taken_and_a_retry_has_the_same_receipt(booth: Booth) -> None:
    paper = str(uuid4())
    first = await booth.voters.vote("one", ONE, TWO, paper=paper)
    again = await booth.voters.vote("one", ONE, TWO, paper=paper)
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    assert first.body["status"] == "accepted"
    assert ONE not in first.raw.decode()


async def test_a_pass_of_another_day_finds_a_paper_and_hands_none_in(
    booth: Booth, module_database: Database
) -> None:
    ballot, paper, now = booth.ballot, uuid4(), datetime.now(UTC)
    before = now - timedelta(days=2)
    await ballot.set_gate(ballot.id, GateStatus.OPEN, opens_at=now - timedelta(days=3))
    async with PollingPlace(module_database.dsns.web, KEK) as place:
        key = await place.key_of(ballot.id)
    voter = Voter(key.token("member", "one"), "web", day_and_minute(before)[0])
    first = await ballot.box.submit(
        Paper(ballot.id, voter.token, key.paper_id(paper.bytes), (0,), voter.channel, before)
    )

    async def hand_in(paper: UUID) -> Reply:
        body = {"paper": str(paper), "voter": key.voter_pass(voter), "choices": [ONE]}
        return await booth.caller.post(f"{ballot.path}/papers", body)

    again = await hand_in(paper)
    assert (again.status, again.body["receipt"]) == (200, first.id)
    refused(await hand_in(uuid4()), 401, "NOT_THE_DAY")


async def test_each_refusal_of_the_box_has_its_code_and_status(booth: Booth) -> None:
    vote = booth.voters.vote
    paper = str(uuid4())
    assert (await vote("one", ONE, paper=paper)).status == 201
    reused = await vote("one", TWO, paper=paper)
    refused(reused, 409, "KEY_REUSED")
    assert paper in reused.body["error"]["en"], (
        "the id of the voter's own, not the box's, which would open the leaf"
    )
    refused(await vote("one", ONE), 409, "ALREADY_VOTED")
    refused(await vote("one", TWO, THREE, FOUR), 409, "LIMIT_REACHED")
    refused(await vote("one", *CANDIDATES[:4]), 422, "TOO_MANY_CHOICES")
    refused(await vote("one"), 422, "TOO_FEW_CHOICES")
    refused(await vote("one", TWO, TWO), 422, "DUPLICATE_CHOICE")
    refused(await vote("one", "nobody"), 422, "NOT_A_CANDIDATE")
    await booth.ballot.set_gate(f"cycle/{booth.ballot.cycle}", GateStatus.PAUSED)
    refused(await vote("one", TWO), 409, "CYCLE_PAUSED")
    await booth.ballot.set_gate(f"cycle/{booth.ballot.cycle}", GateStatus.OPEN)
    await booth.ballot.set_gate(
        booth.ballot.id, GateStatus.OPEN, opens_at=datetime.now(UTC) + timedelta(hours=1)
    )
    refused(await vote("one", TWO), 409, "STAGE_NOT_OPEN")
    await booth.ballot.close()
    refused(await vote("one", TWO), 409, "BALLOT_CLOSED")
    assert (await vote("one", ONE, paper=paper)).status == 200, "what was taken keeps its receipt"


async def test_a_pass_is_good_for_its_ballot_alone_and_cannot_be_made_up(booth: Booth) -> None:
    given = await booth.voters.pass_of("one")
    for wrong in ("", "x", given[:-4] + "AAAA", "A" * len(given)):
        body = {"paper": str(uuid4()), "voter": wrong, "choices": [ONE]}
        refused(await booth.caller.post(f"{booth.ballot.path}/papers", body), 401, "BAD_TOKEN")
    body = {"paper": str(uuid4()), "voter": given, "choices": [ONE]}
    refused(await booth.caller.post("/ballots/round/none/all/51/vote/papers", body), 404, "NOT_FOUND")


async def test_a_link_must_be_signed_for_this_ballot_and_not_be_over(booth: Booth) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    no_zone = datetime(2100, 1, 1)  # noqa: DTZ001 -- that is what is wrong with it
    for changes in ({"seed": bytes(32)}, {"ballot": "another"}, {"until": past}, {"until": no_zone}):
        reply = await booth.caller.post(f"{booth.ballot.path}/voters", booth.voters.link("one", **changes))
        refused(reply, 403, "IDENTITY_REFUSED")
    for by, proof in (("nothing", {}), ("signed_link", {}), ("signed_link", {"link": "é.é"})):
        reply = await booth.caller.post(f"{booth.ballot.path}/voters", {"by": by, "proof": proof})
        refused(reply, 403, "IDENTITY_REFUSED")


async def test_malformed_requests_have_clear_answers(booth: Booth) -> None:
    path, post = f"{booth.ballot.path}/papers", booth.caller.post
    whole = {"paper": str(uuid4()), "voter": "x", "choices": [ONE]}
    for body in (
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"paper": "\xff"}',
        b'{"paper": 1}',
        whole | {"more": 1},
        whole | {"choices": ONE},
    ):
        refused(await post(path, body), 400, "BODY_MALFORMED")
    refused(
        await post(path, whole | {"voter": await booth.voters.pass_of("one"), "paper": "p"}),
        400,
        "BODY_MALFORMED",
    )
    for kind in ("text/plain", "application/jsonx", ""):
        refused(await post(path, whole, content_type=kind), 415, "NOT_JSON")
    refused(await post(path, whole, content_type="Application/JSON;charset=utf-8"), 401, "BAD_TOKEN")
    refused(await post(path, b" " * 20_000), 413, "BODY_TOO_LARGE")
    chunked = {"content-type": "application/json", "transfer-encoding": "chunked"}
    refused(await booth.caller.send("POST", path, b"0\r\n\r\n", chunked), 411, "LENGTH_MISSING")
    both = {"content-type": "application/json", "content-length": "1", "transfer-encoding": "chunked"}
    refused(await booth.caller.send("POST", path, b"0\r\n\r\n", both), 411, "LENGTH_MISSING")
    refused(await booth.caller.get("/nowhere"), 404, "NO_SUCH_ROUTE")
    refused(await booth.caller.get("/ballots/%00"), 404, "NO_SUCH_ROUTE")
    reply = await booth.caller.get(path)
    refused(reply, 405, "METHOD_NOT_ALLOWED")
    assert reply.headers["allow"] == "post"
    refused(await booth.caller.get("/receipts/none"), 404, "NOT_FOUND")
    refused(await booth.caller.get("/ballots/none"), 404, "NOT_FOUND")


async def test_whoever_leaves_before_the_body_is_whole_is_no_fault_in_the_log(
    booth: Booth, tmp_path: Path
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", booth.port)
    head = f"POST {booth.ballot.path}/papers HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: 200\r\n\r\n{{".encode())

    async def is_inside() -> bool:
        return bool((await booth.caller.get("/healthz")).body["inside"])

    async def is_gone() -> bool:
        return not await is_inside()

    await people.until(is_inside)
    writer.transport.abort()
    await people.until(is_gone)
    assert "intake_broken" not in await asyncio.to_thread((tmp_path / "intake.log").read_text)


async def test_whatever_may_be_got_may_be_asked_for_by_head(booth: Booth) -> None:
    for path in ("/", "/healthz", booth.ballot.path):
        reader, writer = await asyncio.open_connection("127.0.0.1", booth.port)
        writer.write(f"HEAD {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert (head.split()[1], body) == (b"200", b"")


async def test_a_ballot_shows_its_rules_and_no_counts_before_they_are_published(booth: Booth) -> None:
    await booth.voters.vote("one", ONE)
    escaped = booth.ballot.id.replace("/", "%2F")
    for path in (booth.ballot.path, f"/ballots/{escaped}"):
        shown = (await booth.caller.get(path)).body
        assert shown["rules"]["candidates"] == list(CANDIDATES)
        assert shown["rules"]["limits"]["per_day"] == 3
        assert (shown["status"], shown["provisional"], shown["sealed"]) == ("open", None, None)


async def test_a_sealed_ballot_proves_a_receipt(booth: Booth) -> None:
    receipt = (await booth.voters.vote("one", ONE)).body
    for n in range(5):
        await booth.voters.vote(f"other-{n}", TWO)
    path = f"/receipts/{receipt['receipt']}"
    assert (await booth.caller.get(path)).body["status"] == "accepted_not_yet_sealed"
    await booth.ballot.close()
    tally = await booth.ballot.box.seal(booth.ballot.id)
    proof = (await booth.caller.get(path)).body
    assert (proof["status"], proof["root"], proof["leaf"]) == ("sealed", tally.root, receipt["leaf"])
