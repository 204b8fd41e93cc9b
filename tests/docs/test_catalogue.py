"""The documents name everything that the code has: events, commands, error codes, commands at the terminal, settings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from cli.app import NOUNS
from cli.desk import REGISTRY
from runtime.settings import CHECKOUT, Settings
from schemas import commands, programme
from schemas.editor import schema_text
from schemas.errors import CATALOGUE, BadFile, BadUsage, Conflict, Integrity, Refused, Unavailable
from schemas.events import EVENTS

DOCS = CHECKOUT / "docs"
BODIES = {
    "cycle": commands.CycleBody,
    "authority": commands.AuthorityBody,
    "nomination": commands.NominationBody,
    "round": commands.RoundBody,
    "points": commands.PointsBody,
    "register": commands.RegisterBody,
    "person": commands.PersonBody,
}
STEPS = get_args(get_args(programme.Step)[0])
FAMILIES = (Refused, BadUsage, BadFile, Conflict, Unavailable, Integrity)
PAGES = [
    CHECKOUT / "README.md",
    CHECKOUT / "README.zh-CN.md",
    CHECKOUT / "CHANGELOG.md",
    *sorted(DOCS.glob("*.md")),
]


def section(page: str, heading: str) -> str:
    """From a second-level heading to the next one."""
    text = (DOCS / page).read_text("utf-8")
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def rows(text: str) -> dict[str, list[str]]:
    """Tables' rows by what their first cell has in backticks; the other cells as they are."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and (named := re.fullmatch(r"`([^`]+)`", cells[0])):
            found[named[1]] = cells[1:]
    return found


def written(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_event_is_listed_with_its_fields_and_no_other() -> None:
    told = {name: written(cells[0]) for name, cells in rows(section("events.md", "Events")).items()}
    assert told == {name: list(event.model_fields) for name, event in EVENTS.items()}


@pytest.mark.parametrize("stream", BODIES)
def test_every_command_is_listed_under_its_stream_with_its_fields(stream: str) -> None:
    part = section("events.md", "Commands").split(f"### To `{stream}/…`\n", 1)[1].split("\n### ", 1)[0]
    told = {name: (written(cells[0]), written(cells[1])) for name, cells in rows(part).items()}
    bodies: tuple[Any, ...] = get_args(BODIES[stream]) or (BODIES[stream],)
    assert told == {body.__name__: _kind_and_fields(body) for body in bodies}


def _kind_and_fields(body: Any) -> tuple[list[str], list[str]]:
    return [body.model_fields["kind"].default], [name for name in body.model_fields if name != "kind"]


def test_every_error_code_is_listed_with_its_exit_code_and_sentence() -> None:
    told = rows(section("events.md", "Error codes"))
    assert {code: cells[2] for code, cells in told.items()} == {
        code: en for code, (_, en) in CATALOGUE.items()
    }
    exits = {family.__name__: str(family.exit_code) for family in FAMILIES}
    assert [code for code, cells in told.items() if exits.get(cells[0]) != cells[1]] == []


def test_every_command_of_the_terminal_is_listed() -> None:
    assert NOUNS  # importing them registered their commands
    assert set(rows(section("runbook.md", "Commands"))) == {" ".join(one.words) for one in REGISTRY} | {
        "demo"
    }


def test_every_setting_is_listed_with_its_description() -> None:
    told = {name: cells[1] for name, cells in rows(section("runbook.md", "Settings")).items()}
    assert told == {
        f"XUANSHU_{name.upper()}": field.description for name, field in Settings.model_fields.items()
    }


def test_every_reason_for_which_a_round_is_held_is_explained() -> None:
    told = set(written(section("runbook.md", "A held round")))
    sources = "".join(path.read_text("utf-8") for path in sorted((CHECKOUT / "domain").glob("*.py")))
    codes = set(re.findall(r'hold\(state, step\.id, "([A-Z_]+)"', sources))
    assert codes
    assert codes - told == set()
    assert {"DECISION_OVERDUE", "CONFERRAL_OVERDUE"} <= told


def test_every_check_of_the_doctor_is_explained() -> None:
    told = set(written(section("runbook.md", "Before anything: `doctor`")))
    source = (CHECKOUT / "runtime" / "doctor.py").read_text("utf-8")
    checks = set(re.findall(r'_finding\(\s*"([a-z_]+)"', source))
    assert checks
    assert checks - told == set()


def test_every_kind_of_step_is_explained() -> None:
    told = set(written(section("programmes.md", "The parts")))
    assert {step.model_fields["type"].default for step in STEPS} - told == set()


def test_every_key_of_the_language_is_explained() -> None:
    """As code, in the page on programmes or in that on votes: whoever writes one has no other."""
    models = json.loads(schema_text())["$defs"]
    del models["AssumptionPart"]  # what a check tells of a file
    keys = {
        key for name, model in models.items() if name.endswith("Part") for key in model.get("properties", ())
    }
    pages = "".join((DOCS / page).read_text("utf-8") for page in ("programmes.md", "voting.md"))
    told = set(re.findall(r"\w+", "".join(re.findall(r"```.*?```|`[^`\n]+`", pages, re.DOTALL))))
    assert {"grades", "holder_of"} <= keys
    assert keys - told == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
