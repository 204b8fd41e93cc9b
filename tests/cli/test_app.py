"""The terminal's manners: usage, help, languages, exit codes, one JSON object; no server is needed for these."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from cli import app
from cli.desk import REGISTRY, Registered, nomination_at, round_at
from cli.output import BAD_FILE, OK, UNAVAILABLE, USAGE, Outcome
from cli.words import EVENT_WORDS
from domain.cycle import Status as CycleStatus
from runtime.settings import CHECKOUT, Language, Settings
from schemas.errors import BadUsage
from schemas.events import EVENTS
from schemas.loading import load_programme
from schemas.programme import Rank
from schemas.words import CYCLE_WORDS, RANK_WORDS

CRAFTSMAN = CHECKOUT / "programmes" / "sichuan-craftsman"
SIGNED = ["--as", "s-1", "--role", "operator"]

ROUND = "round/c/all/51"
CONGRESS = [*("--step", "s", "--entitled", "100", "--present", "80", "--minutes", __file__), *SIGNED]


async def run(*words: str) -> Outcome:
    return await app.run(words, Settings(language=Language.EN))


USAGE_FAULTS = {
    "an unknown command": ["aprove", "c/n"],
    "no word at all after a noun's verb": ["cycle", "start"],
    "nobody who acts": ["cycle", "pause", "c", "--reason", "r"],
    "an option without its value": ["cycle", "pause", "c", *SIGNED, "--reason"],
    "an option that nobody knows": ["cycle", "resume", "c", *SIGNED, "--why", "r"],
    "a nomination without its cycle": ["withdraw", "n-1", "--reason", "r", *SIGNED],
    "a nomination of two cycles": ["withdraw", "a/n-1", "--cycle", "b", "--reason", "r", *SIGNED],
    "a round that is none": ["confer", "all", "--step", "conferral", *SIGNED],
    "a tie of no kind": ["panel", "ties", ROUND, "j-1:n-1=friend", "--step", "s", *SIGNED],
    "a tie without its judge": ["panel", "ties", ROUND, "n-1=kin", "--step", "s", *SIGNED],
    "no tie at all": ["panel", "ties", ROUND, "--step", "s", *SIGNED],
    "a group without judges": ["panel", "form", ROUND, "--group", "boats", "--step", "s", *SIGNED],
    "a place without a group": ["panel", "form", ROUND, "--place", "n-1", "--step", "s", *SIGNED],
    "a criterion without its score": ["panel", "score", ROUND, "n-1=skill:90,spirit", "--step", "s", *SIGNED],
    "a count of two numbers": ["congress", "record", ROUND, "n-1=70/5", *CONGRESS],
    "a count below nothing": ["congress", "record", ROUND, "n-1=70/-5/5", *CONGRESS],
    "nobody who attended": ["training", "record", ROUND, "--step", "s", "--roll", __file__, *SIGNED],
    "nobody, and somebody": [
        *("training", "record", ROUND, "n-1", "--nobody", "--step", "s", "--roll", __file__),
        *SIGNED,
    ],
    "nobody to ask about again": ["clearance", "request", ROUND, "--step", "s", *SIGNED],
    "a time that is none": [
        "cycle",
        "extend",
        "c",
        "--rank",
        "county",
        "--until",
        "soon",
        "--reason",
        "r",
        *SIGNED,
    ],
    "a day where a time is wanted": [
        *("cycle", "extend", "c", "--rank", "county", "--until", "2026-05-20", "--reason", "r"),
        *SIGNED,
    ],
    "an intake and a step at once": [
        *("cycle", "extend", "c", "--rank", "county", "--round", "c/all/51", "--until", "2026-05-20T18:00"),
        *("--reason", "r", *SIGNED),
    ],
    "a mark without a score": ["panel", "score", "c/all/51", "n-1", "--step", "s", *SIGNED],
    "no marks": ["panel", "score", "c/all/51", "--step", "s", *SIGNED],
    "a vote that is none": ["panel", "vote-sheet", "c/all/51", "n-1=maybe", "--step", "s", *SIGNED],
    "a tie of one": ["resolve", "tie", "c/all/51", "n-1", "--step", "s", "--reason", "r", *SIGNED],
    "an empty reason": ["cycle", "pause", "c", "--reason", "", *SIGNED],
    "a ruling that is none": ["rule", "c/n", "o", "perhaps", "--reason", "r", *SIGNED],
    "half a grant": ["grants", "give", "c", "--person", "p", *SIGNED],
    "a language that nobody speaks here": ["doctor", "--language", "xx"],
}


@pytest.mark.parametrize("words", USAGE_FAULTS.values(), ids=USAGE_FAULTS.keys())
async def test_wrong_words_are_usage_and_reach_no_server(words: list[str]) -> None:
    outcome = await run(*words)
    assert outcome.exit_code == USAGE
    assert outcome.json["error"]["code"] in {"USAGE", "ADDRESS", "INSTANT", "PAIR"}


async def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    assert "approve" in (await run("aprove", "c/n")).json["error"]["message"]


@pytest.mark.parametrize(
    "words",
    [["audit", "verify"], ["audit", "replay", "c"], ["grants", "list", "c"], ["cycle", "status", "c"]],
    ids=" ".join,
)
async def test_without_a_database_the_answer_is_unavailable(words: list[str]) -> None:
    outcome = await run(*words)
    assert (outcome.exit_code, outcome.json["error"]["code"]) == (UNAVAILABLE, "SETTING_MISSING")


async def test_a_sound_programme_is_told_with_its_hash_and_assumptions() -> None:
    outcome = await run("programme", "check", str(CRAFTSMAN / "1.yaml"))
    assert outcome.exit_code == OK
    assert len(outcome.json["hash"]) == 64
    assert outcome.json["assumptions"]


async def test_every_fault_of_a_programme_is_told_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "1.yaml"
    broken.write_text("programme: x\nedition: 0\nnonsense: 1\n", encoding="utf-8")
    outcome = await run("programme", "check", str(broken))
    assert outcome.exit_code == BAD_FILE
    assert len(outcome.json["faults"]) > 1
    assert {"file", "line", "column"} <= outcome.json["faults"][0].keys()


async def test_units_are_counted_by_rank() -> None:
    outcome = await run("units", "import", str(CRAFTSMAN / "units.csv"), "--root", "51")
    assert outcome.json["by_rank"] == {
        "township": 3111,
        "county": 183,
        "prefecture": 21,
        "province": 1,
        "industry_union": 48,
    }


async def test_a_bad_unit_file_lists_every_fault(tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_text("code,parent,name,rank\n51,,四川省,provinc\n5101,99,,prefecture\n", encoding="utf-8")
    outcome = await run("units", "import", str(file))
    assert outcome.exit_code == BAD_FILE
    assert len(outcome.json["error"]["faults"]) == 2


async def test_starting_a_cycle_from_a_missing_file_is_a_bad_file(tmp_path: Path) -> None:
    outcome = await run("cycle", "start", str(tmp_path / "none.yaml"), "--operator", "s-1")
    assert outcome.exit_code == BAD_FILE


@pytest.mark.parametrize(
    "words",
    [
        ("congress", "record", ROUND, "n-1=70/5/5", *CONGRESS[:6], "--minutes", "no.pdf"),
        ("training", "record", ROUND, "n-1", "--step", "s", "--roll", "no.pdf"),
        ("title", "hear", "title/c.1/n-1/t", "--document", "no.pdf", "--reason", "r"),
    ],
    ids=lambda words: words[0],
)
async def test_a_paper_that_is_not_there_is_a_bad_file_for_every_command(words: tuple[str, ...]) -> None:
    assert (await run(*words, *SIGNED)).exit_code == BAD_FILE


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("one", REGISTRY, ids=lambda one: " ".join(one.words))
async def test_help_teaches_every_command_with_an_example_in_both_languages(
    one: Registered, language: Language, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await app.run([*one.words, "--help", "--language", language], Settings())
    told = "".join(capsys.readouterr().out.split())
    assert outcome.exit_code == OK
    says = one.zh if language is Language.ZH else one.en
    assert "".join(says.split()) in told
    assert "".join(f"starter.py {one.example}".split()) in told


async def test_help_of_the_demo_has_an_example_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert (await app.run(["demo", "--help"], Settings())).exit_code == OK
    assert "starter.py demo --units 200" in capsys.readouterr().out


@pytest.mark.parametrize("one", REGISTRY, ids=lambda one: " ".join(one.words))
def test_every_example_begins_with_its_own_command(one: Registered) -> None:
    assert one.example.split()[: len(one.words)] == list(one.words)


@cache
def steps_of(file: Path) -> set[str]:
    """The ids of all the steps of a programme, which most examples share."""
    return {step.id for stage in load_programme(file).stages.values() for step in stage.steps}


@pytest.mark.parametrize("one", REGISTRY, ids=lambda one: " ".join(one.words))
def test_every_example_is_of_a_programme_and_a_step_that_there_are(one: Registered) -> None:
    named = re.search(r"\b([a-z][a-z-]+)(?:\.|/)([1-9])\b", one.example.replace("programmes/", ""))
    if named is None:
        return
    steps = steps_of(CHECKOUT / "programmes" / named[1] / f"{named[2]}.yaml")
    assert set(re.findall(r"--step (\w+)", one.example)) <= steps | {
        "congress"
    }  # which none of those shipped has


def test_with_json_stdout_holds_one_object_and_without_it_errors_go_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = ["withdraw", "n-1", "--reason", "r", *SIGNED, "--language", "en"]
    assert app.main([*wrong, "--json"]) == USAGE
    as_json = capsys.readouterr()
    assert json.loads(as_json.out)["error"]["code"] == "ADDRESS"
    assert app.main(wrong) == USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("ADDRESS: The address n-1")


@pytest.mark.parametrize(
    "words", [("--help",), ("withdraw", "无"), ("programme", "list", "--json")], ids=" ".join
)
def test_a_terminal_that_is_not_utf8_is_answered_all_the_same(words: tuple[str, ...]) -> None:
    command = [sys.executable, "starter.py", *words, "--language", "zh"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(command, capture_output=True, check=False, cwd=CHECKOUT, env=environment)
    assert ran.returncode == (USAGE if "withdraw" in words else OK)
    assert b"Traceback" not in ran.stderr
    assert ran.stdout or b"USAGE" in ran.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("starter.py", "programme", "list"),
        ("worker.py",),
        ("-m", "runtime", "down"),
        ("-m", "web.witness"),
        ("-m", "web.published"),
        ("-m", "web"),
    ],
    ids=" ".join,
)
def test_wrong_settings_are_named_without_their_values(command: tuple[str, ...], tmp_path: Path) -> None:
    environment = os.environ | {
        "XUANSHU_DATA_DIR": str(tmp_path),
        "XUANSHU_LOG_KEY": "5ec2e7",
        "XUANSHU_LOG_ORIGIN": "a b",
        "LC_ALL": "C.UTF-8",
    }
    ran = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, cwd=CHECKOUT, env=environment
    )
    assert ran.returncode == UNAVAILABLE
    assert ran.stderr.startswith("SETTING_WRONG: Wrong settings: ")
    assert "XUANSHU_LOG_ORIGIN" in ran.stderr
    assert "XUANSHU_LOG_KEY" in ran.stderr
    assert "5ec2e7" not in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("module", ["web.witness", "web.published"])
def test_a_server_without_its_folder_says_which_setting_it_needs(module: str, tmp_path: Path) -> None:
    environment = os.environ | {"XUANSHU_DATA_DIR": str(tmp_path), "LC_ALL": "C.UTF-8"}
    ran = subprocess.run(
        [sys.executable, "-m", module],
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
        env=environment,
    )
    assert (ran.returncode, ran.stderr.startswith("SETTING_MISSING: ")) == (UNAVAILABLE, True)


async def test_errors_are_said_in_the_language_asked_for() -> None:
    outcome = await app.run(["withdraw", "n-1", "--reason", "r", *SIGNED, "--language=zh"], Settings())
    assert "应写作" in outcome.json["error"]["message"]


def test_addresses_are_taken_whole_or_beside_their_cycle() -> None:
    whole = nomination_at("nomination/c/n")
    assert whole == nomination_at("c/n") == nomination_at("n", "c")
    assert whole.stream == "nomination/c/n"
    assert round_at("round/c/all/51") == round_at("c/all/51") == round_at("all/51", "c") == "round/c/all/51"
    with pytest.raises(BadUsage):
        round_at("round/c/all/")


def test_every_event_rank_and_status_of_a_cycle_has_its_words() -> None:
    assert CYCLE_WORDS.keys() == {status.value for status in CycleStatus}
    assert EVENT_WORDS.keys() == EVENTS.keys()
    assert RANK_WORDS.keys() == {rank.value for rank in Rank}
