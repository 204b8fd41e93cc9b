"""Who votes: each adapter vouches, nothing of a person is kept, and a key that is destroyed makes no more tokens."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from runtime.embedded_postgres import PostgresServer
from schemas.errors import Integrity, Refused
from schemas.events import BallotKeysDestroyed
from schemas.ledger import NewEvent
from schemas.programme import VoterLimits
from store.polling_place import PollingPlace
from store.screening import Traces
from store.voter_keys import Voter, VoterKey, fresh_key
from tests.store.commands import command
from tests.support.databases import Database
from tests.web.caller import Caller, Reply
from tests.web.conftest import KEK, ONE, TWO, Ballot, Serve, Voters
from web.app import network_of
from web.identity.wechat import EXCHANGES_MAX
from web.polls import FRESH_SECONDS

LIMITS = VoterLimits(per_day=1)
NUMBER = "13900000000"
NOW = datetime(2026, 5, 20, tzinfo=UTC)


@asynccontextmanager
async def wechat(open_ids: dict[str, str], codes: list[str]) -> AsyncIterator[str]:
    """Stands in for WeChat's server: a code is good once, `c-cut` ends the connection, `c-slow` has no answer.

    The codes that reach it are added to `codes`.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
        code = asked.rpartition("code=")[2]
        codes.append(code)
        if code == "c-cut":
            writer.close()
            await writer.wait_closed()
            return
        if code == "c-slow":
            await asyncio.sleep(60)
        failed = {"errcode": -1 if code == "c-busy" else 40029}
        said = {"openid": open_ids.pop(code)} if code in open_ids else failed
        raw = json.dumps(said).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(raw) + raw)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


def files_with(text: str, *places: Path) -> str:
    """The files at or below these places that hold a text anywhere, binary ones too."""
    found = subprocess.run(["grep", "-rlaF", text, *places], capture_output=True, text=True, check=False)
    assert found.returncode in (0, 1), found.stderr
    return found.stdout


async def vote(caller: Caller, ballot: Ballot, voter: str, *choices: str) -> Reply:
    return await caller.post(
        f"{ballot.path}/papers", {"paper": str(uuid4()), "voter": voter, "choices": choices}
    )


async def identified(caller: Caller, ballot: Ballot, by: str, **proof: str) -> Reply:
    return await caller.post(f"{ballot.path}/voters", {"by": by, "proof": proof})


async def sent(caller: Caller, ballot: Ballot, file: Path, number: str = NUMBER) -> tuple[str, str]:
    """The challenge, and the code that reached the phone."""
    reply = await caller.post(f"{ballot.path}/challenges", {"by": "phone_code", "proof": {"number": number}})
    assert reply.status == 201, reply.raw
    lines = await asyncio.to_thread(file.read_text)
    return reply.body["challenge"], json.loads(lines.splitlines()[-1])["code"]


async def test_a_phone_code_makes_one_voter_however_the_number_is_written(
    ballot: Ballot, serve: Serve, tmp_path: Path
) -> None:
    await ballot.begin(LIMITS)
    codes = tmp_path / "codes"
    service = await serve(web_code_file=str(codes))
    async with service.caller() as caller:
        for number, expected in ((NUMBER, 201), ("+86 139 0000 0000", 409)):
            challenge, code = await sent(caller, ballot, codes)
            shown = await identified(
                caller, ballot, "phone_code", number=number, code=code, challenge=challenge
            )
            assert (await vote(caller, ballot, shown.body["voter"], ONE)).status == expected
        challenge, code = await sent(caller, ballot, codes)
        wrong = f"{(int(code) + 1) % 1_000_000:06}"
        for n in range(5):
            shown = await identified(
                caller, ballot, "phone_code", number=NUMBER, code=wrong, challenge=challenge + "\n" * n
            )
            assert (shown.status, shown.code) == (403, "IDENTITY_REFUSED")
        shown = await identified(caller, ballot, "phone_code", number=NUMBER, code=code, challenge=challenge)
        assert (shown.status, shown.code) == (429, "TOO_MANY_TRIES"), "even the right one comes too late"
        assert shown.headers["retry-after"]
        for _ in range(2):
            await sent(caller, ballot, codes)
        again = {"by": "phone_code", "proof": {"number": NUMBER}}
        reply = await caller.post(f"{ballot.path}/challenges", again)
        assert reply.code == "TOO_MANY_TRIES", "a phone is not flooded with codes"


async def test_a_network_gets_so_many_codes_an_hour_however_many_ask_at_once_for_whatever_numbers(
    ballot: Ballot, serve: Serve, tmp_path: Path, rows: asyncpg.Connection
) -> None:
    await ballot.begin(LIMITS)
    codes = tmp_path / "codes"
    settings = {
        "web_code_file": str(codes),
        "web_codes_network_max": "7",
        "web_sender_header": "x-real-ip",
    }
    services = [await serve(**settings) for _ in range(2)]

    async def asked(n: int, address: str) -> Reply:
        body = {"by": "phone_code", "proof": {"number": f"139{n:08}"}}
        async with services[n % 2].caller() as caller:
            return await caller.post(f"{ballot.path}/challenges", body, x_real_ip=address)

    replies = await asyncio.gather(*(asked(n, f"203.0.113.{n}") for n in range(40)))
    assert Counter(reply.status for reply in replies) == {201: 7, 429: 33}
    shut = [reply for reply in replies if reply.status == 429]
    assert {reply.code for reply in shut} == {"TOO_MANY_CODES"}
    assert all(int(reply.headers["retry-after"]) > 3500 for reply in shut)
    # Of those at once one may have come before the first that was counted; this one cannot.
    late = await asked(40, "203.0.113.40")
    assert late.code == "TOO_MANY_CODES"
    assert 3500 < int(late.headers["retry-after"]) <= 3600
    assert len((await asyncio.to_thread(codes.read_text)).splitlines()) == 7
    assert (await asked(41, "203.0.114.1")).status == 201
    kept = await rows.fetch("SELECT mark, times FROM ballot.tried WHERE ballot = $1", ballot.id)
    assert Counter(row["times"] for row in kept) == {41: 1, 1: 1 + 8}, "two networks, eight numbers"
    assert {len(row["mark"]) for row in kept} == {16}


async def test_no_code_is_sent_for_a_ballot_that_is_closed(
    ballot: Ballot, serve: Serve, tmp_path: Path
) -> None:
    await ballot.begin(LIMITS)
    await ballot.close()
    service = await serve(web_code_file=str(tmp_path / "codes"))
    async with service.caller() as caller:
        body = {"by": "phone_code", "proof": {"number": NUMBER}}
        reply = await caller.post(f"{ballot.path}/challenges", body)
    assert (reply.status, reply.code) == (409, "BALLOT_CLOSED")
    assert not (tmp_path / "codes").exists()


async def test_a_wechat_code_is_exchanged_for_an_open_id(ballot: Ballot, serve: Serve) -> None:
    await ballot.begin(LIMITS)
    async with wechat({"c-1": "openid-of-one", "c-2": "openid-of-one"}, []) as url:
        service = await serve(web_wechat_url=url, web_wechat_app="app", web_wechat_secret="s")
        async with service.caller() as caller:
            first = await identified(caller, ballot, "wechat", code="c-1")
            second = await identified(caller, ballot, "wechat", code="c-2")
            assert (await identified(caller, ballot, "wechat", code="c-1")).code == "IDENTITY_REFUSED"
            for failing in ("c-cut", "c-busy"):
                assert (await identified(caller, ballot, "wechat", code=failing)).code == "IDENTITY_AWAY"
            assert (await vote(caller, ballot, first.body["voter"], ONE)).status == 201
            assert (await vote(caller, ballot, second.body["voter"], TWO)).code == "LIMIT_REACHED"
    async with service.caller() as caller:
        away = await identified(caller, ballot, "wechat", code="c-3")
        assert (away.status, away.code) == (503, "IDENTITY_AWAY")


async def test_a_slow_wechat_holds_few_places_of_the_intake_and_no_others_wait_for_it(
    ballot: Ballot, serve: Serve
) -> None:
    await ballot.begin(LIMITS)
    codes: list[str] = []
    async with wechat({}, codes) as url:
        service = await serve(web_wechat_url=url, web_wechat_app="app", web_wechat_secret="s")

        async def asked() -> Reply:
            async with service.caller() as caller:
                return await identified(caller, ballot, "wechat", code="c-slow")

        replies = await asyncio.gather(*(asked() for _ in range(EXCHANGES_MAX + 20)))
    assert {(reply.status, reply.code) for reply in replies} == {(503, "IDENTITY_AWAY")}
    assert len(codes) == EXCHANGES_MAX, "none waits behind the others for its turn"


async def test_a_code_that_cannot_be_sent_is_told_as_that(
    ballot: Ballot, serve: Serve, tmp_path: Path
) -> None:
    await ballot.begin(LIMITS)
    service = await serve(web_code_file=str(tmp_path))
    async with service.caller() as caller:
        body = {"by": "phone_code", "proof": {"number": NUMBER}}
        reply = await caller.post(f"{ballot.path}/challenges", body)
    assert (reply.status, reply.code) == (503, "IDENTITY_AWAY")
    assert reply.headers["retry-after"]


async def test_no_identity_is_kept_in_postgres_nor_in_logs(
    ballot: Ballot, serve: Serve, tmp_path: Path, postgres_server: PostgresServer, rows: asyncpg.Connection
) -> None:
    await ballot.begin(LIMITS)
    codes, member, number, open_id = (
        tmp_path / "codes",
        "canary-member-7c1e",
        "13912345678",
        "canary-openid-51af",
    )
    async with wechat({"c": open_id}, []) as url:
        service = await serve(
            web_code_file=str(codes),
            web_wechat_url=url,
            web_wechat_app="app",
            web_wechat_secret="s",
            log_level="DEBUG",
        )
        async with service.caller() as caller:
            voters = Voters(ballot, caller)
            assert (await voters.vote(member, ONE)).status == 201
            challenge, code = await sent(caller, ballot, codes, number)
            proof = {"number": number, "code": code, "challenge": challenge}
            for shown in (
                await identified(caller, ballot, "phone_code", **proof),
                await identified(caller, ballot, "wechat", code="c"),
            ):
                assert (await vote(caller, ballot, shown.body["voter"], ONE)).status == 201
            broken = {"by": "phone_code", "proof": {"number": number, "code": [member]}}
            await caller.post(f"{ballot.path}/voters", broken)
            assert await service.stop() == 0
    await rows.execute("CHECKPOINT")
    (folder,) = (
        row["setting"]
        for row in await rows.fetch("SELECT setting FROM pg_settings WHERE name = 'data_directory'")
    )
    logs = [service.child.command.log, *postgres_server.child.command.log.parent.glob("*.log")]
    for canary in (member, number, open_id):
        assert await asyncio.to_thread(files_with, canary, Path(folder), *logs) == ""
    assert await asyncio.to_thread(files_with, number, codes), "the search would have found it"


async def test_of_a_watched_ballot_hashes_of_network_and_device_are_kept_and_no_address(
    ballot: Ballot, serve: Serve, module_database: Database
) -> None:
    senders = (("203.0.113.7", "d-1"), ("203.0.113.200", "d-1"), ("2001:db8:1:2::3", ""), ("nonsense", "d-2"))
    async with Traces(module_database.dsns.app) as traces:
        await traces.begin(ballot.id)
        await ballot.begin(LIMITS)
        service = await serve(web_sender_header="x-real-ip")
        async with service.caller() as caller:
            voters = Voters(ballot, caller)
            for n, (address, device) in enumerate(senders):
                paper = {
                    "paper": str(uuid4()),
                    "voter": await voters.pass_of(str(n)),
                    "choices": [ONE],
                    "device": device,
                }
                reply = await caller.post(f"{ballot.path}/papers", paper, x_real_ip=address)
                assert reply.status == 201, reply.raw
        seen = [one async for page in traces.traces(ballot.id) for one in page]
    networks, devices = [one.network for one in seen], [one.device for one in seen]
    assert networks[0] == networks[1] != networks[2]
    assert devices[0] == devices[1] != devices[3]
    assert [len(one) for one in networks + devices] == [8, 8, 8, 0, 8, 8, 0, 8]


def test_addresses_of_one_network_are_one_also_on_a_socket_that_hears_both_kinds() -> None:
    assert network_of("203.0.113.7") == network_of("::ffff:203.0.113.250") != network_of("::ffff:203.0.114.7")
    assert network_of("2001:db8:1:2::3") == network_of("2001:db8:1:ffff::") != network_of("2001:db8:2::")
    assert network_of("nonsense") == ""


# ---- the key of a ballot ----


def test_a_token_says_nothing_without_the_key_and_is_the_same_for_the_same_person() -> None:
    key, other = VoterKey("b", b"k" * 32), VoterKey("b", b"l" * 32)
    assert key.token("phone", "1") == key.token("phone", "1")
    assert (
        len(
            {
                key.token("phone", "1"),
                key.token("phone", "2"),
                key.token("wechat", "1"),
                other.token("phone", "1"),
            }
        )
        == 4
    )


def test_a_pass_shows_neither_its_token_nor_works_elsewhere() -> None:
    key, voter = VoterKey("b", b"k" * 32), Voter(b"t" * 16, "wechat", 9_573)
    given = key.voter_pass(voter)
    assert key.voter(given) == voter
    assert given != key.voter_pass(voter)
    with pytest.raises(Refused, match="BAD_TOKEN"):
        VoterKey("c", b"k" * 32).voter(given)


def test_a_key_opens_only_for_its_ballot_and_under_its_own_kek() -> None:
    sealed = fresh_key("b", KEK)
    assert VoterKey.opened("b", sealed, KEK).mark("x") == VoterKey.opened("b", sealed, KEK).mark("x")
    for ballot, kek in (("c", KEK), ("b", bytes(32))):
        with pytest.raises(Integrity, match="VAULT_BROKEN"):
            VoterKey.opened(ballot, sealed, kek)


async def test_two_who_ask_for_a_key_at_once_get_the_same(ballot: Ballot, module_database: Database) -> None:
    await ballot.begin(LIMITS)
    async with PollingPlace(module_database.dsns.web, KEK, connections_max=8) as place:
        keys = await asyncio.gather(*(place.key_of(ballot.id) for _ in range(16)))
        with pytest.raises(Refused, match="NOT_FOUND"):
            await place.key_of("another")
    assert len({key.mark("x") for key in keys}) == 1


async def test_the_event_itself_destroys_the_keys_of_its_cycle_and_no_other(
    ballot: Ballot, serve: Serve, rows: asyncpg.Connection
) -> None:
    await ballot.begin(LIMITS)
    other = Ballot(f"round/{uuid4().hex}/all/51/public_vote", ballot.box, ballot.store)
    await other.begin(LIMITS)
    service = await serve()
    async with service.caller() as caller:
        voters = Voters(ballot, caller)
        await voters.pass_of("one")
        await Voters(other, caller).pass_of("one")
        event = NewEvent(type=BallotKeysDestroyed.__name__, data={})
        cycle = f"cycle/{ballot.cycle}"
        head = (await ballot.store.heads([cycle]))[cycle]
        await ballot.store.append(command(cycle, "complete", head, event))
        kept = await rows.fetch(
            "SELECT ballot, sealed FROM ballot.voter_key WHERE ballot = ANY($1)", [ballot.id, other.id]
        )
        assert {row["ballot"]: row["sealed"] is None for row in kept} == {ballot.id: True, other.id: False}
        await asyncio.sleep(FRESH_SECONDS)
        reply = await voters.vote("one", ONE)
        assert (reply.status, reply.code) == (410, "BALLOT_KEY_DESTROYED")
        reply = await caller.post(f"{ballot.path}/voters", voters.link("two"))
        assert (reply.status, reply.code) == (410, "BALLOT_KEY_DESTROYED")


async def test_the_web_role_may_hand_papers_in_and_read_nothing_of_people(module_database: Database) -> None:
    connection = await asyncpg.connect(module_database.dsns.web)
    for table in (
        "ballot.voter_key",
        "ballot.voter_day",
        "ballot.tried",
        "ledger.event",
        "vault.subject",
        "ledger.gate",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"SELECT FROM {table}")
    for act in (
        "INSERT INTO ballot.tally VALUES ('a', '')",
        "SELECT ballot.open_ballot('a','','{}','{}',1,1,1,1,1,1,true)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(act)
    await connection.close()
