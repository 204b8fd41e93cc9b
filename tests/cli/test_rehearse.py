"""A programme is rehearsed: in memory in seconds, and on servers of its own, where the log verifies."""

from __future__ import annotations

from typing import Any, cast

import pytest

from cli.app import run
from cli.output import OK, REFUSED
from cli.rehearse.conductor import BEGINS
from cli.rehearse.family import find, turns
from cli.rehearse.party import invent
from cli.rehearse.stage import Stage
from runtime.door import Door
from runtime.settings import Settings
from schemas.errors import Refused
from store.memory import MemoryEventStore


async def test_a_rehearsal_in_memory_runs_to_the_titles() -> None:
    words = ("programme", "rehearse", "weifang-craftsman@2", "--in-memory", "--nominations", "20", "--json")
    told = await run(words, Settings())
    assert told.exit_code == OK
    assert (told.json["programme"], told.json["status"]) == ("weifang-craftsman@2", "completed")
    assert told.json["ends"]["conferred"] > 0
    assert sum(told.json["ends"].values()) == told.json["nominations"]
    assert sum(told.json["left"].values()) == told.json["nominations"] - told.json["ends"]["conferred"]
    counts = [line.split()[0] for line in str(told.shown).splitlines()[1:]]
    assert counts == [str(count) for count in told.json["left"].values()]


async def test_the_same_seed_rehearses_the_same() -> None:
    words = ("programme", "rehearse", "qingzhou-double-three", "--in-memory", "--nominations", "12")
    once, again = [await run((*words, "--seed", "7"), Settings()) for _ in range(2)]
    assert once.json == again.json


async def test_a_rehearsal_tells_subjects_and_titles_apart_in_either_language() -> None:
    """In sichuan-studios the best hold two titles each, so there are more titles than nominations."""
    words = ("programme", "rehearse", "sichuan-studios", "--in-memory", "--nominations", "6", "--language")
    zh, en = [await run((*words, language), Settings()) for language in ("zh", "en")]
    assert zh.json == en.json
    assert zh.json["conferred"] == zh.json["ends"]["conferred"] < zh.json["titles"]
    assert f"{zh.json['conferred']} 个对象获 {zh.json['titles']} 个称号，已完成" in str(zh.shown)
    assert f"{en.json['titles']} titles to {en.json['conferred']}, completed" in str(en.shown)


async def test_a_rehearsal_says_what_was_rehearsed_before_it() -> None:
    words = ("programme", "rehearse", "chongqing-contest-quarter", "--in-memory", "--nominations", "6")
    told = await run(words, Settings())
    assert told.json["before"]
    assert all(one in str(told.shown) for one in told.json["before"])


@pytest.mark.parametrize("said", ["nobody-knows", "weifang-craftsman@99"])
async def test_a_programme_that_is_not_there_is_refused(said: str) -> None:
    told = await run(("programme", "rehearse", said, "--in-memory"), Settings())
    assert (told.exit_code, told.json["error"]["code"]) == (REFUSED, "NOT_FOUND")


class ClosedDoor:
    """A door behind which intake has closed."""

    store = MemoryEventStore()

    async def nominate(self, *_: Any) -> Any:
        raise Refused("STAGE_CLOSED", step="intake", closed_at="-")


async def test_whoever_comes_after_the_intake_has_closed_is_counted_and_stops_no_rehearsal_dr_08() -> None:
    """Days pass in parts of a second, and a short intake may be over before everybody was put forward."""
    [turn] = turns(find("weifang-craftsman"), BEGINS)
    party = invent(turn.opened.programme, turn.opened.units, units=2, nominations=3)
    stage = Stage(cast(Door, ClosedDoor()), party, turn.file, speed=1)
    stage.cycle = "weifang-craftsman.1.rehearsal"
    for entrant in party.entrants:
        await stage._nominate(entrant)
    assert (stage.late, stage.people) == (3, {})


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
