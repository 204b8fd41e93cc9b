"""The demo's invented world and its closing words, without any server."""

from __future__ import annotations

import shlex
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from cli.app import build
from cli.demo.progress import Progress
from cli.demo.rehearsal import Rehearsal, Wishes
from cli.demo.report import absent, further
from cli.demo.scenario import Size, World, invent
from cli.demo.watching import Seen
from cli.output import clock
from runtime.children import Child
from runtime.door import Door
from runtime.settings import CHECKOUT, Language, Settings
from runtime.stack import Stack
from schemas.loading import Opened, open_programme
from schemas.programme import Channel, Rank
from tests.support.pages import printed

EDITIONS = [
    CHECKOUT / "programmes" / "sichuan-craftsman" / "1.yaml",
    CHECKOUT / "programmes" / "sichuan-craftsman" / "4.yaml",
    CHECKOUT / "programmes" / "qingzhou-double-three" / "1.yaml",
]


def world_of(opened: Opened) -> World:
    return invent(opened.programme, opened.units, Size(60, 128), seed=1)


def test_who_has_no_enterprise_enters_at_the_county_by_oneself_or_with_enough_sponsors() -> None:
    world = world_of(open_programme(EDITIONS[1]))
    entered = [one for one in world.people if world.whole.by_code[one.unit].rank is Rank.COUNTY]
    assert {one.channel for one in entered} == {Channel.SELF, Channel.JOINT}
    assert all(len(one.sponsors) == (3 if one.channel is Channel.JOINT else 0) for one in entered)
    assert all(world.path(one)[0] == one.unit for one in entered)


def test_where_the_programme_has_one_intake_everybody_enters_there() -> None:
    world = world_of(open_programme(EDITIONS[0]))
    assert {world.whole.by_code[one.unit].rank for one in world.people} == {Rank.ENTERPRISE}


@pytest.mark.parametrize("file", EDITIONS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_incidents_befall_people_of_enterprises_which_alone_are_invited(file: Path) -> None:
    world = world_of(open_programme(file))
    lowest = {unit.code for unit in world.enterprises}
    assert {one.unit for one in world.incidents.all()} | set(world.invited) <= lowest


@pytest.mark.parametrize("file", EDITIONS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_the_commands_that_the_demo_ends_with_are_words_that_the_terminal_knows(file: Path) -> None:
    *typed, again = further(file, open_programme(file), seed=2)
    for line in typed:
        interpreter, script, *words = shlex.split(line)
        assert (interpreter, script) == (".venv/bin/python", "starter.py")
        build(Language.EN).parse_args(words, print_error=False, exit_on_error=False)
    build(Language.EN).parse_args(["demo", *shlex.split(shlex.split(again)[2].partition("=")[2])])


class Servers:
    """A stack whose workers are told apart by how many were started."""

    settings = Settings()

    def __init__(self) -> None:
        self.started = 0

    async def start_worker(self) -> SimpleNamespace:
        self.started += 1
        return SimpleNamespace(running=True)


async def test_a_worker_that_somebody_else_killed_is_replaced_and_one_that_the_demo_kills_is_not_twice() -> (
    None
):
    servers = Servers()
    wishes = Wishes(EDITIONS[0], Size(12, 12), speed=1, seed=1)
    progress = Progress(Language.EN, quiet=True)
    rehearsal = Rehearsal(cast("Stack", servers), cast("Door", None), wishes, progress)
    rehearsal._worker = cast("Child", SimpleNamespace(running=False))
    rehearsal._kill = {"planned": True}
    await rehearsal._keep_a_worker()
    assert servers.started == 0
    rehearsal._kill = {}
    await rehearsal._keep_a_worker()
    await rehearsal._keep_a_worker()
    assert servers.started == 1


def test_what_people_are_told_is_in_beijing_time_and_a_day_ends_at_24_00() -> None:
    assert clock(datetime(2026, 4, 28, 18, 7, tzinfo=UTC)) == "2026-04-29 02:07"
    assert clock(datetime(2026, 5, 9, 16, tzinfo=UTC)) == "2026-05-09 24:00"


def test_a_place_that_is_missing_from_the_list_is_explained() -> None:
    summit = "round/c.1/all/51"
    ranked = [{"nomination": who, "rank": rank} for rank, who in enumerate("abcde", 1)]
    story = [
        {"type": "SelectionMade", "stream": summit, "data": {"ranked": ranked, "selected": ["a", "c", "d"]}},
        {"type": "Substituted", "stream": summit, "data": {"out": "a", "into": "e"}},
        {"type": "Substituted", "stream": summit, "data": {"out": "c"}},
        {"type": "Substituted", "stream": "round/c.1/all/5101", "data": {"out": "d", "into": "a"}},
    ]
    listed = [{"rank": 4}, {"rank": 5}, {"rank": None}]
    assert absent(story, {"round": summit, "listed": listed}) == [
        {"rank": 1, "selected": True, "substitute": 5},
        {"rank": 2, "selected": False, "substitute": None},
        {"rank": 3, "selected": True, "substitute": None},
    ]


@pytest.mark.parametrize(
    ("language", "head", "steps"),
    [
        (Language.ZH, "届内时间（北京时间） 2026-03-25 00:30", "final 1, 大众票选 2"),
        (Language.EN, "cycle time (Beijing) 2026-03-25 00:30", "final 1, public vote 2"),
    ],
)
def test_the_live_picture_is_in_one_language(language: Language, head: str, steps: str) -> None:
    counted = {"province": Counter({"open": 3, "members": 9, "step public_vote": 2, "step final": 1})}
    at = datetime(2026, 3, 24, 16, 30, tzinfo=UTC)
    seen = cast(Seen, SimpleNamespace(at=at, recorded=at, nominations={}))
    page = printed(Progress(language, quiet=True).picture(seen, 0, counted))
    assert head in page
    assert steps in page
