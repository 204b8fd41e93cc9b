"""Workbooks as officers send them: dates of both epochs, formulas, merged and hidden cells, titles, other formats."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table as OdfTable
from odf.table import TableCell, TableRow
from odf.text import P

from cli.office.identity import identity_of
from cli.sheets import BadCell, Expected, Table, day, decimal, narrow, plain, read_table
from runtime.settings import Language
from schemas.errors import BadFile
from schemas.programme import SubjectType
from tests.cli.workbooks import write_workbook

NAMES = {"编号": "code", "code": "code", "姓名": "name", "name": "name", "日期": "day", "day": "day"}
HEADER = ["编号", "姓名", "日期"]
ROW = ["T-1", "测试·甲一", "2024-01-30"]


def read(path: Path, sheet: str = "") -> tuple[Table, list[BadCell]]:
    return read_table(path, NAMES, ("code", "name"), sheet)


def addresses(bad: list[BadCell]) -> list[str]:
    return [cell.address for cell in bad]


def test_below_a_title_a_header_with_one_wrong_column_is_still_the_header(tmp_path: Path) -> None:
    rows = [["2026 年申报表"], ["工号", "姓名", "日期"], ROW]
    table, bad = read(write_workbook(tmp_path / "x.xlsx", rows))
    assert table.header == 2
    assert [(cell.address, cell.name) for cell in bad] == [("A2", "header"), ("A2", "code")]


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_a_date_cell_is_the_same_day_in_either_epoch(tmp_path: Path, epoch_1904: bool) -> None:
    rows = [HEADER, ["T-1", "测试·甲一", date(2024, 1, 30)]]
    table, bad = read(write_workbook(tmp_path / "x.xlsx", rows, date_1904=epoch_1904))
    assert bad == []
    assert day(table.rows[0].cells["day"]) == "2024-01-30"


@pytest.mark.parametrize(
    "written",
    [
        "2024-01-30",
        "2024年1月30日",
        "2024.1.30",
        "2024/1/30",
        "２０２４年１月３０日",
        "2024 年 1 月 30 日",
        "20240130",
        20240130.0,
    ],
)
def test_a_date_is_read_in_every_usual_form(written: object) -> None:
    assert day(written) == "2024-01-30"


@pytest.mark.parametrize(
    "written", ["2024-02-30", "30.1.2024", "去年", 45321.0, "2024年1月", True, "24-1-30"]
)
def test_what_is_no_date_is_not_guessed(written: object) -> None:
    with pytest.raises(Expected, match="a date such as"):
        day(written)


@pytest.mark.parametrize(
    ("cell", "text"), [(92.5, "92.5"), (9.450000000000001, "9.45"), (90.0, "90"), ("９２．５", "92.5")]
)
def test_a_score_typed_as_a_number_is_exact_to_what_excel_shows(cell: object, text: str) -> None:
    assert decimal(cell) == text


@pytest.mark.parametrize("cell", ["1e2", "九十", "", True, "9,5"])
def test_what_is_no_plain_number_is_refused(cell: object) -> None:
    with pytest.raises(Expected):
        decimal(cell)


def test_codes_are_narrowed_and_names_are_kept_as_typed() -> None:
    assert narrow(" ５１０１ ０４ ") == "510104"
    assert plain("测试　甲") == "测试　甲"
    assert plain("\ufa0c") == "\ufa0c"  # NFC would make it another character


def test_a_code_that_excel_made_a_date_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Expected, match="text format"):
        narrow(date(2024, 1, 1))


def test_a_formula_without_a_result_is_told_by_its_cell(tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "x.xlsx", [HEADER, ROW], also=lambda _, sheet: sheet.write_formula("B3", "=B2", value="")
    )
    _, bad = read(path)
    assert [(cell.address, "recalculate" in cell.expected_en) for cell in bad] == [("B3", True)]


def test_a_formula_with_its_result_is_read(tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "x.xlsx",
        [HEADER, ROW],
        also=lambda _, sheet: sheet.write_formula("A2", '="T-"&1', value="T-1"),
    )
    table, bad = read(path)
    assert (bad, table.rows[0].cells["code"]) == ([], "T-1")


def test_merged_cells_below_the_header_are_told_and_a_merged_title_above_it_is_not(tmp_path: Path) -> None:
    rows = [[None], HEADER, ROW, [None, "测试·乙二", None], ["T-3", "测试·丙三", None]]

    def merge(workbook, sheet) -> None:
        sheet.merge_range("A1:C1", "测试名单")
        sheet.merge_range("A4:A5", "T-2")

    table, bad = read(write_workbook(tmp_path / "x.xlsx", rows, also=merge))
    assert table.header == 2
    assert addresses(bad) == ["A4"]
    assert "未合并" in bad[0].message(Language.ZH)


def test_a_hidden_row_is_neither_taken_nor_passed_over_in_silence(tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "x.xlsx",
        [HEADER, ROW, ROW],
        also=lambda _, sheet: sheet.set_row(2, None, None, {"hidden": True}),
    )
    assert addresses(read(path)[1]) == ["A3"]


def test_the_sheet_with_the_columns_is_found_and_a_hidden_sheet_is_not_read(tmp_path: Path) -> None:
    def more(workbook, first) -> None:
        first.hide()
        workbook.add_worksheet("说明").write("A1", "如何填写")
        wanted = workbook.add_worksheet("申报")
        wanted.write_row(0, 0, HEADER)
        wanted.write_row(1, 0, ROW)
        wanted.activate()
        wanted.set_first_sheet()

    table, bad = read(write_workbook(tmp_path / "x.xlsx", [HEADER, ["T-9", "测试·隐", None]], also=more))
    assert (table.sheet, [row.cells["code"] for row in table.rows], bad) == ("申报", ["T-1"], [])


def test_a_sheet_that_is_not_there_is_answered_with_those_that_are_and_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as fault:
        read(write_workbook(tmp_path / "x.xlsx", [HEADER], sheet="名单一览"), sheet="名单一")
    assert "名单一览?" in fault.value.faults[0]


def test_missing_columns_are_all_told_with_their_chinese_name(tmp_path: Path) -> None:
    _, bad = read(write_workbook(tmp_path / "x.xlsx", [["日期"], ["2024-01-30"]]))
    assert [cell.expected_zh for cell in bad] == ["一列 编号（code）", "一列 姓名（name）"]


def test_an_encrypted_or_broken_workbook_is_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    with pytest.raises(BadFile) as fault:
        read(tmp_path / "x.xlsx")
    assert "不是可读的工作簿 / no workbook that can be read" in fault.value.faults[0]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("none.xlsx", "找不到文件 / there is no such file"),
        ("none.csv", "找不到文件 / there is no such file"),
        ("folder.xlsx", "是文件夹，不是文件 / it is a folder, not a file"),
        ("quote.csv", "CSV 无法读取 / the CSV cannot be read"),
    ],
)
def test_why_a_file_cannot_be_read_is_told_in_both_languages(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "folder.xlsx").mkdir()
    (tmp_path / "quote.csv").write_text('编号,姓名\n1,"甲\n', "utf-8")
    with pytest.raises(BadFile) as fault:
        read(tmp_path / name)
    assert told in fault.value.faults[0]


def test_an_ods_file_is_read_too(tmp_path: Path) -> None:
    document = OpenDocumentSpreadsheet()
    sheet = OdfTable(name="名单")
    for cells in (HEADER, ROW):
        line = TableRow()
        for text in cells:
            cell = TableCell(valuetype="string")
            cell.addElement(P(text=text))
            line.addElement(cell)
        sheet.addElement(line)
    document.spreadsheet.addElement(sheet)
    document.save(str(tmp_path / "x.ods"))
    table, bad = read(tmp_path / "x.ods")
    assert (bad, table.rows[0].cells["name"]) == ([], "测试·甲一")


# ---- identity numbers ----


@pytest.mark.parametrize(
    "good",
    [
        "99010119000101019X",
        "990101190001010018",
        "９９０１０１１９０００１０１０１９ｘ",
        "E12345678",
        "测试-0001",
        "H0123456789",
    ],
)
def test_a_right_id_number_and_other_documents_are_taken(good: str) -> None:
    assert identity_of(good)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("990101190001010019", "check digit"),
        ("990101191302310014", "check digit|birthday"),
        ("99010119000101001", "18 digits"),
        ("990101900101001", "18 digits"),
    ],
)
def test_an_id_number_with_a_wrong_digit_is_refused(wrong: str, expected: str) -> None:
    with pytest.raises(Expected, match=expected):
        identity_of(wrong)


def test_an_organisations_code_is_checked_by_its_check_character() -> None:
    assert identity_of("91990000MA0000001B", SubjectType.ORGANISATION) == "91990000MA0000001B"
    with pytest.raises(Expected, match="GB 32100"):
        identity_of("91990000MA0000001C", SubjectType.ORGANISATION)
