"""Units, seats and score sheets from workbooks: what is read, and every bad cell at once with its address."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import app
from cli.grants import read_grants
from cli.office.score_file import read_marks
from cli.office.unit_sheets import read_seats, unit_sources
from cli.output import BAD_FILE, OK, Outcome
from cli.sheets import BadCells
from domain.authority import roles_of
from runtime.settings import CHECKOUT, Language, Settings
from schemas.errors import BadFile
from schemas.loading import load_programme, open_programme
from schemas.unit_files import load_units, merge_units
from tests.cli.workbooks import write_workbook

PROGRAMME = CHECKOUT / "programmes" / "sichuan-craftsman" / "1.yaml"
UNITS = ["单位代码", "上级单位代码", "单位名称", "层级", "产业工会代码"]


async def run(*words: str) -> Outcome:
    return await app.run(words, Settings(language=Language.EN))


def test_units_are_read_from_a_workbook_as_from_a_csv_file(tmp_path: Path) -> None:
    rows = [UNITS, [99, None, "测试省", "省", None], [9901, 99, "测试市", "prefecture", None]]
    (source,) = unit_sources([write_workbook(tmp_path / "units.xlsx", rows, "单位")], Language.EN)
    csv = tmp_path / "units.csv"
    csv.write_text("code,parent,name,rank\n99,,测试省,province\n9901,99,测试市,prefecture\n", "utf-8")
    assert load_units(source) == load_units(csv)


def test_units_are_read_from_a_csv_file_with_chinese_columns_below_a_title(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(f"单位表,,,,\n{','.join(UNITS)}\n99,,测试省,省,\n9901,99,测试市,市州,\n", "utf-8-sig")
    plain = tmp_path / "units.csv"
    plain.write_text("code,parent,name,rank\n99,,测试省,province\n9901,99,测试市,prefecture\n", "utf-8")
    (source,) = unit_sources([sheet], Language.EN)
    assert load_units(source) == load_units(plain)


def test_a_fault_of_the_tree_is_told_with_the_cell_of_the_workbook(tmp_path: Path) -> None:
    rows = [UNITS, ["99", None, "测试省", "省", None], ["9901", "98", "测试市", "市州", None]]
    (source,) = unit_sources([write_workbook(tmp_path / "units.xlsx", rows, "单位")], Language.EN)
    with pytest.raises(BadFile) as fault:
        load_units(source)
    assert "units.xlsx 单位 A3:" in fault.value.faults[0]


def test_every_cell_of_units_that_lost_digits_is_told_at_once(tmp_path: Path) -> None:
    rows = [UNITS, [1.5, None, "测试省", "省", None], ["9901", 10**16, "#REF!", "市州", None]]
    with pytest.raises(BadCells) as fault:
        unit_sources([write_workbook(tmp_path / "units.xlsx", rows)], Language.EN)
    assert [cell.address for cell in fault.value.cells] == ["A2", "B3", "C3"]


def test_enterprises_of_a_workbook_hang_into_the_programmes_tree(tmp_path: Path) -> None:
    tree = open_programme(PROGRAMME).units
    rows = [UNITS, ["F-1", "510104017", "测试·一号厂", "企业", None]]
    (source,) = unit_sources([write_workbook(tmp_path / "firms.xlsx", rows)], Language.EN)
    assert merge_units(tree, source).by_code["F-1"].parent == "510104017"


def test_scores_are_read_exactly_and_columns_for_the_eye_are_passed_over(tmp_path: Path) -> None:
    rows = [["申报编号", "姓名", "评分"], ["N-1", "测试·甲一", 92.5], ["N-2", "测试·乙二", "８８"]]
    assert read_marks(write_workbook(tmp_path / "s.xlsx", rows), "score") == (
        [("N-1", "92.5"), ("N-2", "88")],
        [],
    )


def test_votes_are_read_in_chinese_or_english(tmp_path: Path) -> None:
    rows = [["nomination", "vote"], ["N-1", "同意"], ["N-2", "abstain"]]
    marks, bad = read_marks(write_workbook(tmp_path / "s.xlsx", rows), "vote")
    assert (marks, bad) == ([("N-1", "approve"), ("N-2", "abstain")], [])


def test_a_score_sheet_tells_every_bad_mark_repeated_and_unlisted_ones_too(tmp_path: Path) -> None:
    rows = [["申报编号", "评分"], ["N-1", "九十"], ["N-2", 90], ["N-2", 91], ["N-9", 92], [None, 93]]
    _, bad = read_marks(write_workbook(tmp_path / "s.xlsx", rows), "score", ("N-1", "N-2"))
    assert [cell.address for cell in bad] == ["B2", "A4", "A5", "A6"]


def test_dr_07_seats_are_read_by_unit_and_their_sum_is_checked(tmp_path: Path) -> None:
    tree = open_programme(PROGRAMME).units
    rows: list[list[object]] = [["单位代码", "单位名称", "名额"], ["5101", "", 12], [5103, "", "３"]]
    path = write_workbook(tmp_path / "seats.xlsx", rows)
    assert read_seats(path, tree) == ({"5101": {"seats": 12}, "5103": {"seats": 3}}, [])
    (wrong,) = read_seats(path, tree, total=16)[1]
    assert "16 in all" in wrong.expected_en


def test_dr_06_the_least_that_a_unit_puts_forward_is_read_beside_its_seats(tmp_path: Path) -> None:
    tree = open_programme(PROGRAMME).units
    rows: list[list[object]] = [
        ["单位代码", "名额", "最低申报数"],
        ["5101", 12, 4],
        ["5103", 3, ""],
        ["5104", 3, 0],
    ]
    path = write_workbook(tmp_path / "seats.xlsx", rows)
    asked = {
        "5101": {"seats": 12, "seats_min": 4},
        "5103": {"seats": 3},
        "5104": {"seats": 3, "seats_min": 0},
    }
    assert read_seats(path, tree) == (asked, [])
    rows[1:] = [["5101", 2, 3], ["5103", 3, "x"]]
    _, bad = read_seats(write_workbook(tmp_path / "wrong.xlsx", rows), tree)
    assert [cell.address for cell in bad] == ["C2", "C3"]
    assert "2 seats" in bad[0].expected_en


async def test_seats_import_prints_the_allocation_or_every_fault_with_its_exit_code(tmp_path: Path) -> None:
    good = write_workbook(tmp_path / "a.xlsx", [["单位代码", "名额"], ["5101", 12]])
    bad = write_workbook(tmp_path / "b.xlsx", [["单位代码", "名额"], ["5101", 1.5], ["5101", 2], ["x", -1]])
    words = ("--programme", str(PROGRAMME))
    said = await run("seats", "import", str(good), *words)
    assert (said.exit_code, said.json) == (OK, {"seats": {"5101": 12}, "minimum": {}, "total": 12})
    refused = await run("seats", "import", str(bad), *words)
    assert refused.exit_code == BAD_FILE
    assert [cell["cell"] for cell in refused.json["error"]["cells"]] == ["B2", "A3", "A4", "B4"]
    assert [line.split(" (")[0] for line in refused.json["error"]["faults"]] == [
        f"名单 {at}" for at in ("B2", "A3", "A4", "B4")
    ]


def test_a_grant_s_role_is_one_of_the_programme_s_and_else_told_with_its_row_and_the_nearest(
    tmp_path: Path,
) -> None:
    roles = roles_of(load_programme(PROGRAMME))
    file = tmp_path / "grants.csv"
    file.write_text(
        "person,role,unit\ns-1,body：leading_group,51\ns-2,oficer,51\ns-3,department:taxx,51\n", "utf-8"
    )
    with pytest.raises(BadCells) as met:
        read_grants(file, roles, Language.EN)
    assert [(cell.row, cell.column, cell.found) for cell in met.value.cells] == [
        (3, "B", "oficer"),
        (4, "B", "department:taxx"),
    ]
    first, second = met.value.faults
    assert "did you mean officer?" in first
    assert "did you mean department:" in second
