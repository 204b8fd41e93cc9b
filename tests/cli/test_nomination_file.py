"""Nominations from files: what is read from a good one, and each kind of bad cell with its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from cli.nomination_file import NominationFile, facts_of, read_nominations
from cli.sheets import BadCell
from runtime.settings import CHECKOUT, Language
from schemas.errors import BadFile, BadUsage
from schemas.events import FactValue
from schemas.faults import column_letters as letter
from schemas.loading import open_programme
from schemas.programme import Programme, Rank, Route
from schemas.unit_files import merge_units
from schemas.units import Unit, UnitTree
from tests.cli.workbooks import write_workbook

FIRM = "F-001"
HEADER = [
    "unit",
    "channel",
    "sponsors",
    "identity",
    "name",
    "years_in_craft",
    "frontline_worker",
    "enterprise_head",
]
GOOD: list[object] = [FIRM, "unit", "", "测试-0001", "测试·甲一", "22", "是", "否"]


class Cycle(NamedTuple):
    programme: Programme
    tree: UnitTree


@pytest.fixture(scope="module")
def cycle() -> Cycle:
    """The first edition of 四川工匠 with one invented enterprise."""
    opened = open_programme(CHECKOUT / "programmes" / "sichuan-craftsman" / "1.yaml")
    town = next(unit.code for unit in opened.units.units if unit.rank is Rank.TOWNSHIP)
    firm = Unit(code=FIRM, parent=town, name="测试企业·一", rank=Rank.ENTERPRISE)
    return Cycle(opened.programme, merge_units(opened.units, [firm]))


def with_cell(column: str, value: object) -> list[object]:
    return [value if name == column else cell for name, cell in zip(HEADER, GOOD, strict=True)]


def read_csv(cycle: Cycle, folder: Path, rows: Sequence[Sequence[object]]) -> NominationFile:
    file = folder / "名单.csv"
    text = "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in rows)
    file.write_text(text, encoding="utf-8-sig")
    return read_nominations(file, cycle.programme, cycle.tree)


def read_excel(cycle: Cycle, folder: Path, rows: Sequence[Sequence[object]]) -> NominationFile:
    return read_nominations(write_workbook(folder / "名单.xlsx", rows), cycle.programme, cycle.tree)


def only(found: NominationFile) -> BadCell:
    (cell,) = found.bad
    assert found.rows == ()
    return cell


@pytest.mark.parametrize("read", [read_csv, read_excel])
def test_a_good_row_is_read_whole(cycle: Cycle, tmp_path: Path, read: type) -> None:
    found: NominationFile = read(cycle, tmp_path, [HEADER, GOOD])
    assert found.bad == ()
    (row,) = found.rows
    assert (row.unit, row.route, row.channel, row.identity) == (FIRM, "territorial", "unit", "测试-0001")
    assert row.fields == {"name": "测试·甲一"}
    assert set(row.facts) == {
        FactValue(id="years_in_craft", value=22),
        FactValue(id="frontline_worker", value=True),
        FactValue(id="enterprise_head", value=False),
    }


def test_headers_may_be_in_chinese_and_numbers_and_booleans_typed_in_excel(
    cycle: Cycle, tmp_path: Path
) -> None:
    header: list[object] = ["单位代码", "证件号", "姓名", "从事本技艺年数", "一线职工", "企业负责人"]
    found = read_excel(cycle, tmp_path, [header, [FIRM, "测试-0001", "测试·甲一", 22, True, False]])
    assert found.bad == ()
    assert found.rows[0].facts[0] == FactValue(id="years_in_craft", value=22)


def test_full_width_digits_are_made_narrow(cycle: Cycle, tmp_path: Path) -> None:
    row = with_cell("identity", "９９０１０１１９０００１０１０１９ｘ")
    row[HEADER.index("years_in_craft")] = "２２"
    found = read_csv(cycle, tmp_path, [HEADER, row])
    assert found.bad == ()
    assert found.rows[0].identity == "99010119000101019X"
    assert found.rows[0].facts[0].value == 22


@pytest.mark.parametrize("number", [110101190001010011, 1.10101190001e17, 10**15])
def test_an_identity_typed_as_a_number_has_lost_digits_and_is_refused(
    cycle: Cycle, tmp_path: Path, number: object
) -> None:
    cell = only(read_excel(cycle, tmp_path, [HEADER, with_cell("identity", number)]))
    assert (cell.sheet, cell.row, cell.column, cell.name) == ("名单", 2, "D", "identity")
    assert "digits are lost" in cell.expected_en
    assert "末位已丢失" in cell.message(Language.ZH)


BAD_CELLS: dict[str, tuple[str, object, str]] = {
    "an identity in scientific form": ("identity", "1.10101E+17", "digits are lost"),
    "no identity": ("identity", "", "may not be empty"),
    "no name": ("name", " ", "may not be empty"),
    "no unit": ("unit", "", "may not be empty"),
    "a unit that the tree lacks": ("unit", "F-999", "a unit in this cycle's tree"),
    "a unit whose rank takes no nominations": ("unit", "5101", "takes nominations"),
    "a channel that is none": ("channel", "unti", "did you mean unit?"),
    "a joint nomination with too few sponsors": ("channel", "joint", "different sponsors"),
    "years that are no number": ("years_in_craft", "很久", "a whole number"),
    "years with a fraction": ("years_in_craft", "22.5", "a whole number"),
    "a required fact left out": ("years_in_craft", "", "may not be empty"),
    "a yes or no that is neither": ("frontline_worker", "也许", "yes or no"),
    "a formula that failed": ("name", "#N/A", "formula's error"),
    "a control character": ("name", "甲\x07一", "control characters"),
}


@pytest.mark.parametrize(("column", "value", "expected"), BAD_CELLS.values(), ids=BAD_CELLS.keys())
def test_each_kind_of_bad_cell_is_told_with_its_place_and_what_was_expected(
    cycle: Cycle, tmp_path: Path, column: str, value: object, expected: str
) -> None:
    cell = only(read_csv(cycle, tmp_path, [HEADER, with_cell(column, value)]))
    wrong = "sponsors" if value == "joint" else column
    assert (cell.row, cell.column, cell.name) == (2, letter(HEADER.index(wrong)), wrong)
    assert expected in cell.message(Language.EN)


def test_a_birthday_unlike_the_one_in_the_identity_is_refused(cycle: Cycle, tmp_path: Path) -> None:
    row = [*with_cell("identity", "99010119800102001X"), "1980年1月2日"]
    assert read_csv(cycle, tmp_path, [[*HEADER, "birth_date"], row]).bad == ()
    row[-1] = "1981-01-02"
    assert only(read_csv(cycle, tmp_path, [[*HEADER, "birth_date"], row])).expected_en.startswith(
        "1980-01-02"
    )


def test_a_choice_a_route_and_a_date_are_checked_against_what_is_declared(
    cycle: Cycle, tmp_path: Path
) -> None:
    header = [*HEADER, "sector", "route", "birth_date"]
    found = read_csv(cycle, tmp_path, [header, [*GOOD, "electronic", "sideways", "1980/13/2"]])
    assert [(cell.column, cell.name) for cell in found.bad] == [
        ("I", "sector"),
        ("J", "route"),
        ("K", "birth_date"),
    ]
    assert "did you mean electronics?" in found.bad[0].expected_en


def test_a_route_without_a_way_up_from_the_unit_is_refused(cycle: Cycle, tmp_path: Path) -> None:
    unions = Route(id="industry", ranks=(Rank.INDUSTRY_UNION, Rank.PROVINCE))
    elsewhere = cycle.programme.model_copy(update={"routes": (cycle.programme.routes[0], unions)})
    found = read_csv(Cycle(elsewhere, cycle.tree), tmp_path, [[*HEADER, "route"], [*GOOD, "industry"]])
    assert only(found).name == "route"


def test_every_bad_cell_of_a_file_is_told_at_once_and_good_rows_are_kept_apart(
    cycle: Cycle, tmp_path: Path
) -> None:
    second = with_cell("identity", "测试-0002")
    third = with_cell("years_in_craft", "x")
    third[HEADER.index("name")] = ""
    found = read_csv(cycle, tmp_path, [HEADER, with_cell("unit", "?"), second, third])
    assert [(cell.row, cell.name) for cell in found.bad] == [(2, "unit"), (4, "name"), (4, "years_in_craft")]
    assert [row.row for row in found.rows] == [3]


def test_the_same_person_twice_is_told_with_the_first_row(cycle: Cycle, tmp_path: Path) -> None:
    found = read_csv(cycle, tmp_path, [HEADER, GOOD, GOOD])
    assert [(cell.row, cell.name) for cell in found.bad] == [(3, "identity")]
    assert "row 2" in found.bad[0].expected_en


def test_an_unknown_column_is_answered_with_the_nearest(cycle: Cycle, tmp_path: Path) -> None:
    cell = only(read_csv(cycle, tmp_path, [[*HEADER, "sectr"], [*GOOD, ""]]))
    assert (cell.row, cell.column, cell.found) == (1, "I", "sectr")
    assert "did you mean sector?" in cell.expected_en


def test_bad_cells_below_a_wrong_header_are_told_with_it_and_no_row_is_kept(
    cycle: Cycle, tmp_path: Path
) -> None:
    bad_year = with_cell("years_in_craft", "many")
    unknown = read_csv(cycle, tmp_path, [[*HEADER, "sectr"], [*bad_year, ""], [*GOOD, ""]])
    assert [(cell.address, cell.name) for cell in unknown.bad] == [("I1", "header"), ("F2", "years_in_craft")]
    assert unknown.rows == ()
    missing = read_csv(
        cycle, tmp_path, [["identiti", *HEADER[:3], *HEADER[4:]], ["", *GOOD[:3], *bad_year[4:]]]
    )
    assert [(cell.row, cell.name) for cell in missing.bad] == [
        (1, "header"),
        (1, "identity"),
        (2, "years_in_craft"),
    ]
    assert missing.rows == ()


def test_a_column_twice_and_a_column_missing_are_faults_of_the_header(cycle: Cycle, tmp_path: Path) -> None:
    found = read_csv(cycle, tmp_path, [["unit", "name", "name"], [FIRM, "a", "b"]])
    assert {(cell.row, cell.name) for cell in found.bad} == {(1, "header"), (1, "identity")}


def test_a_cell_beyond_the_header_is_told(cycle: Cycle, tmp_path: Path) -> None:
    assert only(read_csv(cycle, tmp_path, [HEADER, [*GOOD, "stray"]])).column == "I"


def test_empty_rows_are_passed_over_and_rows_keep_their_numbers(cycle: Cycle, tmp_path: Path) -> None:
    found = read_excel(cycle, tmp_path, [HEADER, [None] * 8, GOOD])
    assert [row.row for row in found.rows] == [3]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gbk.csv", "单位代码".encode("gbk")),
        ("broken.csv", b'a,"b'),
        ("broken.xlsx", b"no workbook"),
    ],
)
def test_a_file_that_holds_no_table_is_a_bad_file(
    cycle: Cycle, tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(BadFile):
        read_nominations(file, cycle.programme, cycle.tree)


def test_a_missing_file_and_a_missing_sheet_are_bad_files(cycle: Cycle, tmp_path: Path) -> None:
    with pytest.raises(BadFile):
        read_nominations(tmp_path / "none.csv", cycle.programme, cycle.tree)
    there = write_workbook(tmp_path / "名单.xlsx", [HEADER, GOOD])
    with pytest.raises(BadFile) as fault:
        read_nominations(there, cycle.programme, cycle.tree, sheet="别处")
    assert "名单" in fault.value.faults[0]


def test_facts_at_the_terminal_are_read_by_their_declared_types(cycle: Cycle) -> None:
    facts = facts_of([("years_in_craft", "２２"), ("enterprise_head", "no")], cycle.programme)
    assert [fact.value for fact in facts] == [22, False]
    for pair in [("years", "22"), ("years_in_craft", "many")]:
        with pytest.raises(BadUsage):
            facts_of([pair], cycle.programme)


def test_columns_are_named_as_excel_names_them() -> None:
    assert [letter(at) for at in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
