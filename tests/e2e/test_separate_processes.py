"""One whole cycle on the dev server, each command a process of its own: `python starter.py … --json`, beside `worker.py`."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio

from runtime.settings import CHECKOUT, Login, Settings
from runtime.stack import Stack, embedded_stack
from schemas import names
from store.postgres import PostgresEventStore

PROGRAMME = """
programme: test-lantern
edition: 1
title: {zh: 测试灯匠}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, province]}]
facts: {years: {type: integer, label: {zh: 年数}, required: true}}
titles: [{id: lantern, label: {zh: 灯匠}}]
stages:
  county:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 6, unit: natural_day}}
      - {id: word, type: endorsement, period: {days: 40, unit: natural_day}}
  province:
    reports_within: {days: 60, unit: natural_day}
    steps:
      - id: panel
        type: expert_review
        mode: score
        panel_size: 3
        quorum: "2/3"
        scale: {minimum: 0, maximum: 100, step: 1}
        period: {days: 40, unit: natural_day}
      - {id: vote, type: public_vote, period: {days: 6, unit: natural_day}, limits: {per_day: 2, choices_max: 2}}
      - id: choice
        type: selection
        seats: 2
        weights: [{component: public, share: "40%"}, {component: expert, share: "60%"}]
        ties: [expert]
      - {id: notice, type: publicity, period: {days: 4, unit: natural_day}}
      - {id: sealed, type: decision, body: jury, period: {days: 40, unit: natural_day}}
      - {id: honour, type: conferral, body: jury, grades: [{title: lantern}], period: {days: 40, unit: natural_day}}
"""
UNITS = """code,parent,name,rank
P,,测试省,province
C,P,测试县,county
D,P,测试二县,county
"""
GRANTS = """person,role,unit
o-C,officer,C
o-D,officer,D
j-1,judge,P
j-2,judge,P
j-3,judge,P
h-1,handler,P
b-1,body:jury,P
b-2,body:jury,P
"""
CYCLE = "test-lantern.1"
COUNTY = names.round_stream(CYCLE, "territorial", "C")
SUMMIT = names.round_stream(CYCLE, names.ROOT_ROUTE, "P")
OFFICER = ("--as", "o-C", "--role", "officer", "--unit", "C")
STRANGER = ("--as", "o-D", "--role", "officer", "--unit", "D")
OPERATOR = ("--as", "op-1", "--role", "operator", "--unit", "P")
HANDLER = ("--as", "h-1", "--role", "handler", "--unit", "P")
SECONDS = 120
Said = dict[str, Any]


@dataclass
class Town:
    """A folder of files and a stack; `type` is one person's one command at the terminal."""

    folder: Path
    stack: Stack
    store: PostgresEventStore
    seen: set[int] = field(default_factory=set)

    async def type(self, *words: str, code: int = 0) -> Said:
        """The object that the command prints, and its exit code is the one expected."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(CHECKOUT / "starter.py"), *words, "--json", "--language", "en",
            cwd=self.folder, env=self.stack.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == code, (words, out.decode(), err.decode())
        self.seen.add(code)
        said: Said = json.loads(out)
        return said

    async def refused(self, code: int, *words: str) -> str:
        """The error's code, where the exit code is the one expected."""
        return str((await self.type(*words, code=code))["error"]["code"])

    async def write(self, name: str, text: str) -> str:
        """A file of this folder."""
        (self.folder / name).write_text(text, "utf-8")
        return name

    async def waits_for(self, stream: str, step: str) -> None:
        """Until the log says that the round has opened this step."""
        async with asyncio.timeout(SECONDS):
            while not await self._has_opened(stream, step):  # noqa: ASYNC110 -- of a table
                await asyncio.sleep(0.1)

    async def _has_opened(self, stream: str, step: str) -> bool:
        events = await self.store.load(stream)
        return any(event.type == "StepOpened" and event.data["step"] == step for event in events)


@pytest_asyncio.fixture(loop_scope="session")
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A dev server, a Postgres and a worker process of this test alone; the test may stop them."""
    async with embedded_stack(Settings(), ephemeral=True) as stack:
        await stack.start_worker()
        async with PostgresEventStore(stack.settings.dsn(Login.APP)) as store:
            yield Town(tmp_path, stack, store)


async def test_a_whole_cycle_each_command_a_process_of_its_own(town: Town) -> None:
    speed = await _check_the_files(town)
    await _start_the_same_cycle_twice(town, speed)
    first, second = await _nominate_from_a_file_with_a_bad_row(town)
    await _hear_the_county(town, first, second)
    await _judge(town, first, second)
    await _vote(town, first, second)
    await _object_and_rule(town, second)
    await _decide_and_confer(town, first)
    await _audit_with_temporal_stopped(town, first)
    assert town.seen == {0, 1, 2, 3, 4, 5}


async def _check_the_files(town: Town) -> int:
    """A cycle's day lasts as long as a command here takes, so windows are as many commands long as they have days.

    What is measured is a command that reaches no server; those that do take up to twice as long.
    """
    await town.write("units.csv", UNITS)
    await town.write("1.yaml", PROGRAMME)
    await town.write("faulty.yaml", PROGRAMME.replace("seats: 2", "seat: 2"))
    assert (await town.type("programme", "check", "1.yaml"))["faults"] == []
    faulty, imported = await asyncio.gather(
        town.type("programme", "check", "faulty.yaml", code=3), town.type("units", "import", "units.csv")
    )
    assert len(faulty["faults"]) > 0
    assert imported["by_rank"] == {"county": 2, "province": 1}
    began = time.monotonic()
    assert await town.refused(2, "cycle", "start", "1.yaml", "--operatr", "op-1") == "USAGE"
    seconds = time.monotonic() - began
    return int(86_400 / (2 * seconds))


async def _start_the_same_cycle_twice(town: Town, speed: int) -> None:
    await town.write("grants.csv", GRANTS)
    words = ["cycle", "start", "1.yaml", "--operator", "op-1", "--operator", "op-2", "--grants", "grants.csv"]
    words += ["--begins", "2026-01-05T09:00", "--speed", str(speed)]
    once, twice = await asyncio.gather(town.type(*words), town.type(*words))
    assert sorted((once["already"], twice["already"])) == [False, True]
    assert once["hash"] == twice["hash"]


async def _nominate_from_a_file_with_a_bad_row(town: Town) -> tuple[str, str]:
    rows = "unit,identity,name,years\nC,TEST-1,测试·甲一,12\nC,TEST-2,测试·甲二,9\nC,TEST-3,测试·甲三,many\n"
    file = await town.write("nominations.csv", rows)
    nominate = ("nominate", CYCLE, "--file", file, "--key", "row", *OFFICER)
    bad = await town.type(*nominate, code=3)
    assert [(cell["row"], cell["column"]) for cell in bad["error"]["cells"]] == [(4, "D")]
    assert not await town.store.streams(f"nomination/{CYCLE}/")
    partly = await town.type(*nominate, "--partial", code=3)
    first, second = [str(one["nomination"]) for one in partly["stored"]]
    assert await town.refused(1, "approve", f"{CYCLE}/{first}", *OFFICER) == "STAGE_MISMATCH"  # too early
    return first, second


async def _hear_the_county(town: Town, first: str, second: str) -> None:
    """Returned, corrected, refused to a stranger, approved by a double click; then the officer closes the step."""
    await town.waits_for(COUNTY, "word")
    approve = ("approve", f"{CYCLE}/{first}")
    assert await town.refused(1, *approve, *STRANGER) == "NOT_AUTHORISED"
    await town.type("return", f"{CYCLE}/{second}", "--reason", "papers missing", *OFFICER)
    corrected = await town.type("correct", f"{CYCLE}/{second}", "--fact", "years=10", *OFFICER)
    assert corrected["events"][0]["data"]["revision"] == 2
    once, twice = await asyncio.gather(town.type(*approve, *OFFICER), town.type(*approve, *OFFICER))
    assert once["events"] == twice["events"]
    assert sorted((once["repeated"], twice["repeated"])) == [False, True]
    await town.type("approve", f"{CYCLE}/{second}", *OFFICER)
    await town.type("round", "close-early", COUNTY, "--step", "word", "--reason", "all heard", *OFFICER)


async def _judge(town: Town, first: str, second: str) -> None:
    """One of three steps back from one nomination; the others score both, and the panel closes by itself."""
    await town.waits_for(SUMMIT, "panel")
    here = (SUMMIT, "--step", "panel")
    await town.type("panel", "form", *here, *(w for n in "123" for w in ("--judge", f"j-{n}")), *OPERATOR)

    async def one(n: int, *marks: str) -> None:
        judge = ("--as", f"j-{n}", "--role", "judge", "--unit", "P")
        if second not in marks[-1]:
            await town.type("panel", "recuse", *here, "--nomination", second, "--reason", "kin", *judge)
        await town.type("panel", "score", SUMMIT, *marks, *here[1:], *judge)

    await asyncio.gather(
        one(1, f"{first}=91"),
        one(2, f"{first}=92", f"{second}=82"),
        one(3, f"{first}=93", f"{second}=83"),
    )


async def _vote(town: Town, first: str, second: str) -> None:
    await town.waits_for(SUMMIT, "vote")
    here = (SUMMIT, "--step", "vote")
    opened = await town.type("ballot", "state", *here)
    assert (opened["status"], set(opened["candidates"]), opened["tally"]) == ("open", {first, second}, None)
    paper = ("ballot", "vote", SUMMIT, first, *here[1:], "--voter", "v-1", "--paper", "p-1")
    once, again = await asyncio.gather(town.type(*paper), town.type(*paper))
    assert sorted((once["repeated"], again["repeated"])) == [False, True]
    assert once["leaf"] == again["leaf"]


async def _object_and_rule(town: Town, nomination: str) -> None:
    await town.waits_for(SUMMIT, "notice")
    objector = ("--identity", "TEST-X", "--field", "name=测试·乙", "--as", "x-1", "--role", "citizen")
    objection = await town.type("object", f"{CYCLE}/{nomination}", "--ground", "false_record", *objector)
    ruling = (str(objection["objection"]), "dismissed", "--reason", "checked")
    ruled = await town.type("rule", f"{CYCLE}/{nomination}", *ruling, *HANDLER)
    assert [event["type"] for event in ruled["events"]] == ["ObjectionRuled"]


async def _decide_and_confer(town: Town, winner: str) -> None:
    """Each takes two people; one alone, twice, has no effect."""
    one, two = (("--as", person, "--role", "body:jury", "--unit", "P") for person in ("b-1", "b-2"))
    for verb, step in (("decide", "sealed"), ("confer", "honour")):
        await town.waits_for(SUMMIT, step)
        assert (await town.type(verb, SUMMIT, "--step", step, *one))["awaits_second_person"]
        if verb == "decide":
            assert await town.refused(1, verb, SUMMIT, "--step", step, *one) == "SECOND_PERSON_REQUIRED"
        assert not (await town.type(verb, SUMMIT, "--step", step, *two))["awaits_second_person"]
    async with asyncio.timeout(SECONDS):
        while (status := await town.type("cycle", "status", CYCLE))["status"] != "completed":
            pass
    assert {level["rank"]: level["recommended"] for level in status["levels"]}["county"] == 2
    listed = (await town.type("cycle", "result", CYCLE))["listed"]
    assert [one["certificates"] for one in listed] == [["test-lantern-1-P-0001"], ["test-lantern-1-P-0002"]]
    assert listed[0]["nomination"] == winner


async def _audit_with_temporal_stopped(town: Town, nomination: str) -> None:
    other = await town.write("other.yaml", PROGRAMME.replace("seats: 2", "seats: 1"))
    start = ("cycle", "start", other, "--operator", "op-1", "--operator", "op-2")
    assert await town.refused(4, *start) == "CYCLE_EXISTS"
    await town.stack.temporal.child.stop()
    told, verified, unheard = await asyncio.gather(
        town.type("audit", "replay", CYCLE),
        town.type("audit", "verify"),
        town.refused(5, "approve", f"{CYCLE}/{nomination}", *OFFICER),
    )
    assert (told["rehearsal"], unheard) == (True, "TEMPORAL_UNAVAILABLE")
    assert told["state"][names.nomination_stream(CYCLE, nomination)]["status"] == "conferred"
    assert [one["type"] for one in told["story"]].count("NominationEndorsed") == 2
    assert verified["events"] == verified["positions"] == told["events"]
    vote = await town.type("ballot", "state", SUMMIT, "--step", "vote")
    again = await town.type("ballot", "recount", vote["ballot"])
    assert (again["sealed"], again["papers"]) == (True, 1)
    assert again["root"] == vote["tally"]["root"]
    await town.stack.postgres.child.stop()
    assert await town.refused(5, "audit", "verify") == "STORE_UNAVAILABLE"
