"""A programme is rehearsed: in memory in seconds, and on servers of its own, where the log verifies."""

from __future__ import annotations

import pytest

from cli.app import run
from cli.output import OK, REFUSED
from runtime.settings import Settings


async def test_a_rehearsal_in_memory_runs_to_the_titles() -> None:
    words = ("programme", "rehearse", "weifang-craftsman@2", "--in-memory", "--nominations", "20", "--json")
    told = await run(words, Settings())
    assert told.exit_code == OK
    assert (told.json["programme"], told.json["status"]) == ("weifang-craftsman@2", "completed")
    assert told.json["ends"]["conferred"] > 0
    assert sum(told.json["ends"].values()) == told.json["nominations"]


async def test_the_same_seed_rehearses_the_same() -> None:
    words = ("programme", "rehearse", "qingzhou-double-three", "--in-memory", "--nominations", "12")
    once, again = [await run((*words, "--seed", "7"), Settings()) for _ in range(2)]
    assert once.json == again.json


@pytest.mark.parametrize("said", ["nobody-knows", "weifang-craftsman@99"])
async def test_a_programme_that_is_not_there_is_refused(said: str) -> None:
    told = await run(("programme", "rehearse", said, "--in-memory"), Settings())
    assert (told.exit_code, told.json["error"]["code"]) == (REFUSED, "NOT_FOUND")


async def test_a_rehearsal_on_servers_ends_with_titles_and_a_log_that_verifies() -> None:
    sized = ("--units", "3", "--nominations", "8", "--pace", "0.3")
    words = ("programme", "rehearse", "beijing-boost", *sized, "--json")
    told = await run(words, Settings())
    assert told.exit_code == OK, told.json
    assert (told.json["status"], told.json["late"]) == ("completed", 0)
    assert told.json["final"]["final"]
    assert told.json["conferred"] > 0
    assert told.json["worker_mb"] > 0
    assert told.json["log"]["events"] == told.json["log"]["positions"]
