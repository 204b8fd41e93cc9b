"""A first file for a new programme: whole, sound and openable, with every value that somebody must settle marked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from schemas.errors import BadUsage
from schemas.programme import Rank

WHY = "待按评选办法核定 · to be settled by your rule book"


class Plan(NamedTuple):
    """What a new programme starts from: its id, its units' file and root, its ranks from the lowest up, its names."""

    programme: str
    units: Path
    root: str
    ranks: tuple[Rank, ...]
    zh: str
    en: str


def write_programme(folder: Path, plan: Plan) -> Path:
    """Write `folder/ID/1.yaml`; BadUsage USAGE where it is there already, or with fewer than two ranks."""
    file = folder / plan.programme / "1.yaml"
    if file.exists():
        raise BadUsage("USAGE", fault=f"{file} 已存在 · is there already")
    if len(set(plan.ranks)) < 2:
        raise BadUsage("USAGE", fault="至少两级 · at least two ranks (--rank LOWEST --rank HIGHEST)")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(_lines(plan, Path(os.path.relpath(plan.units, file.parent)))) + "\n", "utf-8")
    return file


def unwrite(file: Path) -> None:
    """Take back what was just written, and its folder if nothing else is in it."""
    file.unlink()
    if not any(file.parent.iterdir()):
        file.parent.rmdir()


def _lines(plan: Plan, units: Path) -> Iterator[str]:
    yield from (
        "# yaml-language-server: $schema=../programme.schema.json",
        f"# {plan.zh} · {plan.en}. `{{assumed: VALUE, why: TEXT}}` marks what no rule book states yet; `?` blocks opening.",
        f"programme: {plan.programme}",
        "edition: 1",
        f"title: {{zh: {_text(plan.zh)}, en: {_text(plan.en)}}}",
        "subject: person",
        "sources: []",
        f"units: {{file: {_text(str(units))}, root: {_text(plan.root)}}}",
        "routes:",
        f"  - {{id: main, ranks: [{', '.join(plan.ranks)}]}}",
        "facts:",
        "  years_in_craft: {type: integer, label: {zh: 从事本技艺年数, en: years in the craft}, required: true}",
        "titles:",
        f"  - {{id: craftsman, label: {{zh: {_text(plan.zh)}, en: {_text(plan.en)}}}}}",
        "stages:",
    )
    yield from _stage(plan.ranks[0], _ENTRY)
    for rank in plan.ranks[1:-1]:
        yield from _stage(rank, _BETWEEN, reports=True)
    yield from _stage(plan.ranks[-1], _TOP, reports=True)


def _stage(rank: Rank, steps: tuple[str, ...], reports: bool = False) -> Iterator[str]:
    yield from (f"  {rank}:", "    assumed:")
    if reports:
        yield "      reports_within: {days: 60, unit: work_day}"
    yield "      steps:"
    yield from (f"        - {step}" for step in steps)
    yield f"    why: {WHY}"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_WEEKS = "period: {days: 10, unit: work_day}"
_ENTRY = (
    f"{{id: intake, type: intake, channels: [unit, self], {_WEEKS}, quota: 3}}",
    (
        "id: eligibility\n          type: eligibility\n          predicates:\n"
        '            - {id: craft_years, fact: years_in_craft, op: ">=", value: 3}\n'
        "          correction: {days: 5, unit: work_day}"
    ),
    f"{{id: endorsement, type: endorsement, {_WEEKS}}}",
)
_BETWEEN = (
    f"{{id: endorsement, type: endorsement, ranked: true, {_WEEKS}}}",
    (
        "{id: selection, type: selection, seats: 5,"
        ' weights: [{component: recommendation, share: "100%"}], ties: [authority]}'
    ),
)
_TOP = (
    (
        '{id: expert_review, type: expert_review, mode: score, panel_size: 5, quorum: "2/3",'
        f' scale: {{minimum: 0, maximum: 100, step: "0.1"}}, scores_min: 3, {_WEEKS}}}'
    ),
    (
        '{id: selection, type: selection, seats: 10, weights: [{component: expert, share: "100%"}],'
        " ties: [authority], reserve: 2}"
    ),
    "{id: publicity, type: publicity, period: {days: 5, unit: work_day}}",
    f"{{id: decision, type: decision, body: leading_group, {_WEEKS}}}",
    f"{{id: conferral, type: conferral, body: leading_group, grades: [{{title: craftsman}}], {_WEEKS}}}",
)
