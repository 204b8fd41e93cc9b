"""DR-02: units come from CSV; every bad cell is told at once, and what is left is one tree."""

from pathlib import Path

import pytest

from schemas.errors import BadFile
from schemas.programme import Rank, Route
from schemas.unit_files import check_units, load_units, merge_units
from schemas.units import Unit

HEAD = "code,parent,name,rank,industry\n"
SOUND = (
    HEAD
    + "9,,测试省,province,\n901,9,测试市,prefecture,\n90101,901,测试县,county,\n9I1,9,测试行业工会,industry_union,\n"
)


def units_file(folder: Path, text: str, name: str = "units.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(folder: Path, text: str, root: str | None = None) -> list[tuple[str, int, int]]:
    tree, faults = check_units(units_file(folder, text), root=root)
    assert (tree is None) == bool(faults)
    return [(fault.code, fault.line, fault.column) for fault in faults]


def test_a_tree_is_read_with_its_root(tmp_path: Path) -> None:
    tree = load_units(units_file(tmp_path, SOUND))
    assert tree.root == "9"
    assert [unit.code for unit in tree.units] == ["9", "901", "90101", "9I1"]
    assert tree.by_code["9I1"].rank is Rank.INDUSTRY_UNION


def test_a_byte_order_mark_full_width_digits_and_blank_lines_are_no_fault(tmp_path: Path) -> None:
    text = (
        "\ufeff"
        + SOUND.replace("901,9,测试市", "９０１, ９ ,测试市").replace("90101", "９０１０１")
        + ",,,,\n\n"
    )
    assert (
        load_units(units_file(tmp_path, text)).units == load_units(units_file(tmp_path, SOUND, "b.csv")).units
    )


def test_the_order_of_rows_and_columns_does_not_matter(tmp_path: Path) -> None:
    text = "rank,name,code,parent\ncounty,测试县,90101,901\nprefecture,测试市,901,9\nprovince,测试省,9,\n"
    tree = load_units(units_file(tmp_path, text))
    assert [unit.code for unit in tree.units] == ["9", "901", "90101"]


def test_figures_of_units_are_whole_numbers_in_columns_of_their_own(tmp_path: Path) -> None:
    text = "code,parent,name,rank,figure:headcount\n9,,测试省,province,\n901,9,测试市,prefecture,１２０\n"
    assert [unit.figures for unit in load_units(units_file(tmp_path, text)).units] == [{}, {"headcount": 120}]
    assert ("figure_form", 3, 5) in faults_of(tmp_path, text.replace("１２０", "-3"))


@pytest.mark.parametrize(
    ("rows", "code", "line", "column"),
    [
        ("902,9,,prefecture,", "cell_empty", 6, 3),
        (",9,无,prefecture,", "cell_empty", 6, 1),
        ("902,9,甲\0乙,prefecture,", "control_character", 6, 3),
        ("902,9,甲\x1b[2J,prefecture,", "control_character", 6, 3),
        ("9 02,9,甲,prefecture,", "code_form", 6, 1),
        ("902,=9+1,甲,prefecture,", "code_form", 6, 2),
        ("902,9,甲,city,", "one_of", 6, 4),
        ("902,9,甲", "row_width", 6, 1),
        ("902,9,甲,prefecture,,x", "row_width", 6, 1),
        ("901,9,甲,prefecture,", "code_repeated", 6, 1),
        ("902,8,甲,prefecture,", "parent_unknown", 6, 1),
        ("902,90101,甲,prefecture,", "parent_not_above", 6, 1),
        ("902,90101,甲,county,", "parent_not_above", 6, 1),
        ("902,9I1,甲,township,", "parent_not_above", 6, 1),
        ("902,9I1,甲,industry_union,", "parent_not_above", 6, 1),
        ("902,901,甲,enterprise,90101", "industry_unknown", 6, 1),
        ("902,901,甲,enterprise,9I7", "industry_unknown", 6, 1),
        ("902,,甲,prefecture,", "root_twice", 6, 1),
        ('902,9,"甲,prefecture,', "csv_broken", 6, 1),
    ],
)
def test_a_bad_row_is_told_by_line_and_cell(
    tmp_path: Path, rows: str, code: str, line: int, column: int
) -> None:
    assert (code, line, column) in faults_of(tmp_path, SOUND + rows + "\n")


def test_all_bad_rows_are_told_at_once(tmp_path: Path) -> None:
    text = SOUND + "902,9,甲,city,\n903,9,,prefecture,\n904,7,乙,prefecture\n901,9,丙,prefecture,\n"
    assert faults_of(tmp_path, text) == [
        ("one_of", 6, 4),
        ("cell_empty", 7, 3),
        ("row_width", 8, 1),
        ("code_repeated", 9, 1),
    ]


def test_a_rank_of_another_word_is_told_the_nearest(tmp_path: Path) -> None:
    _, faults = check_units(units_file(tmp_path, SOUND + "902,9,甲,prefectur,\n"))
    assert faults[0].nearest == "prefecture"


def test_a_circle_of_parents_is_told_once_and_wholly(tmp_path: Path) -> None:
    text = HEAD + "9,,省,province,\na,c,甲,prefecture,\nb,a,乙,county,\nc,b,丙,township,\nd,d,丁,county,\n"
    _, faults = check_units(units_file(tmp_path, text), root="9")
    circles = [(fault.line, fault.en) for fault in faults if fault.code == "unit_cycle"]
    assert circles == [
        (3, "The units hang in a circle: a → c → b → a."),
        (6, "The units hang in a circle: d → d."),
    ]


@pytest.mark.parametrize(
    ("text", "root", "code"),
    [
        (SOUND, "8", "root_missing"),
        (SOUND, "901", "root_twice"),
        (SOUND, "901", "root_has_parent"),
        (HEAD + "a,b,甲,county,\nb,a,乙,prefecture,\n", None, "root_missing"),
    ],
)
def test_the_root_is_there_and_on_top(tmp_path: Path, text: str, root: str | None, code: str) -> None:
    assert code in [fault[0] for fault in faults_of(tmp_path, text, root)]


def test_columns_are_known_and_complete(tmp_path: Path) -> None:
    _, faults = check_units(units_file(tmp_path, "code,parents,name,name\n1,,a,b\n"))
    assert [(fault.code, fault.column, fault.nearest) for fault in faults] == [
        ("column_missing", 1, ""),
        ("column_missing", 1, ""),
        ("column_unknown", 2, "parent"),
        ("column_unknown", 4, "name"),
    ]


def test_a_file_that_is_no_text_or_not_there_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    path.write_bytes(SOUND.encode("gb18030"))
    assert [(fault.code, fault.line) for fault in check_units(path)[1]] == [("not_utf8", 2)]
    with pytest.raises(BadFile) as refused:
        load_units(tmp_path / "none.csv")
    assert refused.value.code == "FILE_FAULTS"


def test_the_file_that_is_named_is_the_one_with_the_fault(tmp_path: Path) -> None:
    sound, more = units_file(tmp_path, SOUND), units_file(tmp_path, HEAD + "902,9,甲,city,\n", "more.csv")
    with pytest.raises(BadFile) as refused:
        load_units(sound, more)
    assert refused.value.facts == {"file": str(more), "count": "1"}


def test_enterprises_from_a_second_file_hang_into_the_tree(tmp_path: Path) -> None:
    tree = load_units(units_file(tmp_path, SOUND))
    more = units_file(
        tmp_path, HEAD + "E1,90101,测试企业·一,enterprise,9I1\nE2,901,测试企业·二,enterprise,\n", "more.csv"
    )
    merged = merge_units(tree, more)
    assert merged == load_units(units_file(tmp_path, SOUND), more)
    industry = Route(id="industry", ranks=(Rank.ENTERPRISE, Rank.INDUSTRY_UNION, Rank.PROVINCE))
    territorial = Route(
        id="territorial", ranks=(Rank.ENTERPRISE, Rank.TOWNSHIP, Rank.COUNTY, Rank.PREFECTURE, Rank.PROVINCE)
    )
    assert merged.path("E1", industry) == ("E1", "9I1", "9")
    assert merged.path("E1", territorial) == ("E1", "90101", "901", "9")
    assert merged.path("E2", territorial) == ("E2", "901", "9")


def test_a_route_leads_through_an_industry_union_by_its_ranks_and_not_by_its_name_dr_02(
    tmp_path: Path,
) -> None:
    """Unions stand below a prefecture too (S1: 各区、行业和企业), and an enterprise may belong to a union alone."""
    tree = load_units(
        units_file(
            tmp_path,
            SOUND
            + "901I,901,测试市行业工会,industry_union,\nE1,90101,甲,enterprise,901I\nE2,901I,乙,enterprise,\n",
        )
    )
    trade = Route(id="trade", ranks=(Rank.ENTERPRISE, Rank.INDUSTRY_UNION, Rank.PREFECTURE, Rank.PROVINCE))
    industry = Route(id="industry", ranks=(Rank.ENTERPRISE, Rank.COUNTY, Rank.PREFECTURE, Rank.PROVINCE))
    assert [tree.path(code, trade) for code in ("E1", "E2")] == [
        ("E1", "901I", "901", "9"),
        ("E2", "901I", "901", "9"),
    ]
    assert tree.path("E1", industry) == ("E1", "90101", "901", "9")
    with pytest.raises(ValueError, match="E2 belongs to an industry union alone"):
        tree.path("E2", industry)


def test_an_industry_union_may_be_the_root_dr_02(tmp_path: Path) -> None:
    tree = load_units(units_file(tmp_path, HEAD + "U,,测试行业工会,industry_union,\nE1,U,甲,enterprise,\n"))
    own = Route(id="own", ranks=(Rank.ENTERPRISE, Rank.INDUSTRY_UNION))
    assert tree.path("E1", own) == ("E1", "U")


def test_merging_refuses_codes_that_are_taken_and_parents_that_are_not_there(tmp_path: Path) -> None:
    tree = load_units(units_file(tmp_path, SOUND))
    more = units_file(tmp_path, HEAD + "901,9,甲,enterprise,\nE2,8,乙,enterprise,\n", "more.csv")
    with pytest.raises(BadFile) as refused:
        merge_units(tree, more)
    assert [fault.split(": ")[0] for fault in refused.value.faults] == [f"{more}:2:1", f"{more}:3:1"]


def test_units_that_are_made_in_memory_are_checked_too(tmp_path: Path) -> None:
    tree = load_units(units_file(tmp_path, SOUND))
    good = Unit(code="E1", parent="90101", name="测试企业·一", rank=Rank.ENTERPRISE)
    assert "E1" in merge_units(tree, [good]).by_code
    with pytest.raises(BadFile):
        merge_units(tree, [good.model_copy(update={"parent": "none"})])
