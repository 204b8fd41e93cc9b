"""What the intake keeps of who sends papers: keyed hashes of the network and the device, and only where rules need them (DR-23)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from schemas.programme import VoterLimits
from schemas.traces import Traced
from store.screening import Traces
from store.voter_keys import VoterKey
from tests.support.databases import Database
from tests.web.conftest import ONE, TWO, Ballot, Serve, Voters
from web.senders import network_of, trace_of

KEY = VoterKey("ballot", b"k" * 32)
LIMITS = VoterLimits(per_day=3)


class Scope:
    """A call from an address, with what a proxy may have written."""

    def __init__(self, client: str, forwarded: str = "") -> None:
        self.client = client
        self.headers = {"x-forwarded-for": forwarded} if forwarded else {}


@pytest.fixture
async def traces(module_database: Database) -> AsyncIterator[Traces]:
    async with Traces(module_database.dsns.app) as opened:
        yield opened


async def kept(traces: Traces, ballot: Ballot) -> list[Traced]:
    return [one async for page in traces.traces(ballot.id) for one in page]


def network(client: str, forwarded: str = "", proxies: int = 0) -> bytes:
    return trace_of(KEY, Scope(client, forwarded), "", proxies).network


def test_addresses_of_one_network_are_one_and_of_two_are_two() -> None:
    assert network_of("203.0.113.7") == network_of("::ffff:203.0.113.250") != network_of("203.0.114.7")
    assert network_of("2001:db8:1:2::3") == network_of("2001:db8:1:ffff::") != network_of("2001:db8:2::")
    assert network_of("nonsense") == b""


def test_what_is_forwarded_is_believed_of_our_own_proxies_alone() -> None:
    near, far = network("10.0.0.1:5000"), network("203.0.113.7:5000")
    assert network("10.0.0.1:5000", "203.0.113.7") == near
    assert network("10.0.0.1:5000", "198.51.100.1, 203.0.113.7", proxies=1) == far
    assert network("10.0.0.1:5000", "203.0.113.7, 10.0.0.2", proxies=2) == far
    assert network("10.0.0.1:5000", proxies=1) == b""
    assert network("[2001:db8::1]:5000") == KEY.sender(b"network", network_of("2001:db8::1"))


def test_hashes_are_the_ballots_own_and_tell_a_network_from_a_device() -> None:
    other = VoterKey("ballot", b"o" * 32)
    one = trace_of(KEY, Scope("10.0.0.1:5000"), "device", 0)
    assert one != trace_of(other, Scope("10.0.0.1:5000"), "device", 0)
    assert (len(one.network), len(one.device)) == (8, 8)
    assert KEY.sender(b"network", b"x") != KEY.sender(b"device", b"x")


async def test_papers_of_a_ballot_with_rules_leave_traces_and_of_another_none_dr_23(
    ballot: Ballot, serve: Serve, traces: Traces
) -> None:
    await traces.begin(ballot.id)
    await ballot.begin(LIMITS)
    plain = Ballot(f"round/{uuid4().hex}/all/51/public_vote", ballot.box, ballot.store)
    await plain.begin(LIMITS)
    service = await serve()
    async with service.caller() as caller:
        for one in (ballot, plain):
            voters = Voters(one, caller)
            for name, choice in (("甲", ONE), ("乙", TWO)):
                body: dict[str, Any] = {
                    "paper": str(uuid4()),
                    "voter": await voters.pass_of(name),
                    "choices": [choice],
                    "device": "a telephone",
                }
                assert (await caller.post(f"{one.path}/papers", body)).status == 201
    first, second = await kept(traces, ballot)
    assert first.network == second.network != b""
    assert first.device == second.device != b""
    assert first.voter != second.voter
    assert b"telephone" not in first.device
    assert await kept(traces, plain) == []
