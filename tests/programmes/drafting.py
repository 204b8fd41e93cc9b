"""A small sound programme that tests spoil on purpose; `§` marks where a fault is expected and is not written."""

from pathlib import Path
from typing import NamedTuple

from schemas.faults import Fault
from schemas.loading import CheckReport, check_programme

SOUND = """\
programme: ferry-pilots
edition: 1
title: {zh: 测试项目, en: A test}
subject: person
units: {file: units.csv, root: "9"}
routes:
  - {id: river, ranks: [enterprise, county, province]}
  - {id: trade, ranks: [enterprise, industry_union, province]}
facts:
  years_in_craft: {type: integer, label: {zh: 年数}}
  frontline_worker: {type: boolean, label: {zh: 一线}}
  sector: {type: choice, label: {zh: 行业}, of: [boats, docks, nets]}
  born_on: {type: date, label: {zh: 出生}}
titles:
  - {id: pilot, label: {zh: 领航员}}
  - {id: helper, label: {zh: 助手}}
stages:
  enterprise:
    steps:
      - {id: intake, type: intake, channels: [unit, self], period: {days: 5, unit: work_day}, quota: 3}
      - id: eligibility
        type: eligibility
        predicates:
          - {id: craft, fact: years_in_craft, op: ">=", value: 5}
        correction: {days: 3, unit: work_day}
      - {id: conferral, type: conferral, body: office, grades: [{title: helper}], period: {days: 2, unit: work_day}}
  county:
    pool: {holder_of: [helper]}
    steps:
      - {id: endorsement, type: endorsement, ranked: true, period: {days: 5, unit: work_day}}
      - {id: selection, type: selection, seats: 4, weights: [{component: recommendation, share: "100%"}]}
  industry_union:
    steps:
      - {id: endorsement, type: endorsement, period: {days: 5, unit: work_day}}
  province:
    steps:
      - id: review
        type: expert_review
        mode: score
        panel_size: 5
        quorum: "2/3"
        scale: {minimum: 0, maximum: 100, step: "0.5"}
        trim: {drop: 1, min_left: 3}
        scores_min: 3
        period: {days: 5, unit: work_day}
      - id: vote
        type: public_vote
        period: {days: 7, unit: natural_day}
        limits: {per_day: 5, per_candidate_per_day: 1, choices_min: 1, choices_max: 5}
      - {id: shortlist, type: selection, seats: 10, weights: [{component: expert, share: "100%"}]}
      - id: final
        type: selection
        seats: 6
        differential: "3/2"
        weights: [{component: expert, share: "70%"}, {component: public, share: "30%"}]
        ties: [expert, authority]
        shares:
          - {id: floor, who: {id: f, fact: frontline_worker, op: "==", value: true}, op: ">=", share: "35%"}
          - {id: cap, who: {id: c, fact: sector, op: "==", value: boats}, op: "<=", share: "50%"}
      - {id: publicity, type: publicity, period: {days: 5, unit: work_day}}
      - {id: decision, type: decision, body: office, period: {days: 5, unit: work_day}}
      - {id: conferral, type: conferral, body: office, grades: [{title: pilot, seats: 5}], period: {days: 5, unit: work_day}}
rewards:
  - {title: pilot, type: cash, amount_fen: 100, label: {zh: 奖金}}
"""

UNITS = """\
code,parent,name,rank
9,,测试省,province
901,9,测试县甲,county
902,9,测试县乙,county
9I1,9,测试行业工会,industry_union
"""


class Seen(NamedTuple):
    """What a test asserts of a fault."""

    code: str
    path: str
    line: int
    column: int
    nearest: str


def spoiled(text: str, *edits: tuple[str, str]) -> str:
    """`text` with each edit made once; it is an error if an edit does not fit."""
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def written(
    folder: Path, text: str, name: str = "1.yaml", units: str = UNITS
) -> tuple[Path, list[tuple[int, int]]]:
    """Write a programme and its units; the path, and the positions of `§` from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    positions: list[tuple[int, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = [i for i, letter in enumerate(line) if letter == "§"]
        positions += [(number, at + 1 - before) for before, at in enumerate(found)]
    path = folder / name
    path.write_text(text.replace("§", ""), encoding="utf-8")
    (folder / "units.csv").write_text(units, encoding="utf-8")
    return path, positions


def checked(folder: Path, *edits: tuple[str, str]) -> tuple[CheckReport, list[tuple[int, int]]]:
    """The report on the sound programme with these edits, and the positions of `§`."""
    path, positions = written(folder, spoiled(SOUND, *edits))
    return check_programme(path), positions


def seen(fault: Fault) -> Seen:
    """A fault as a test asserts it."""
    return Seen(fault.code, fault.path, fault.line, fault.column, fault.nearest)
