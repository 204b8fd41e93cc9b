"""Sheets made from a programme: what they hold, that they are read back, and that they are the same bytes again."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from zipfile import ZipFile

import pytest
from python_calamine import load_workbook

from cli import app
from cli.nomination_file import read_nominations
from cli.office import blanks
from cli.office.blanks import write_blank
from cli.office.score_file import read_marks
from cli.office.unit_sheets import read_seats, unit_sources
from cli.output import OK, USAGE, Outcome
from runtime.settings import CHECKOUT, Language, Settings
from schemas.events import FactValue
from schemas.loading import open_programme
from schemas.programme import Criterion, ExpertReview, Programme, Rank
from schemas.unit_files import load_units, merge_units
from schemas.units import Unit, UnitTree
from schemas.values import Label

SHIPPED = sorted((CHECKOUT / "programmes").glob("*/*.yaml"))
FIRST = CHECKOUT / "programmes" / "sichuan-craftsman" / "1.yaml"
LANGUAGES = pytest.mark.parametrize("language", list(Language))


async def run(*words: str) -> Outcome:
    return await app.run(words, Settings(language=Language.EN))


def craftsman() -> tuple[Programme, UnitTree]:
    opened = open_programme(FIRST)
    firm = Unit(code="F-001", parent="510104017", name="测试企业·一", rank=Rank.ENTERPRISE)
    return opened.programme, merge_units(opened.units, [firm])


def written(path: Path, blank: blanks.Blank, rows: list[dict[str, str]], language: Language) -> Path:
    """The sheet as it is handed out, with rows filled in."""
    cells = tuple(tuple(row.get(column.name, "") for column in blank.columns) for row in rows)
    path.write_bytes(write_blank(blank._replace(rows=cells), language))
    return path


@LANGUAGES
def test_a_filled_in_sheet_of_nominations_is_read_back(tmp_path: Path, language: Language) -> None:
    programme, tree = craftsman()
    row = {
        "unit": "F-001",
        "identity": "99010119800102001X",
        "name": "测试·甲一",
        "birth_date": "1980年1月2日",
        "years_in_craft": "22",
        "frontline_worker": "是",
        "enterprise_head": "no",
        "sector": "materials",
    }
    blank = blanks.nominations(programme, tree, language)
    found = read_nominations(written(tmp_path / "n.xlsx", blank, [row], language), programme, tree)
    assert found.bad == ()
    assert found.rows[0].fields == {"name": "测试·甲一", "birth_date": "1980-01-02"}
    assert FactValue(id="sector", value="materials") in found.rows[0].facts
    assert FactValue(id="enterprise_head", value=False) in found.rows[0].facts


@LANGUAGES
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_the_header_of_every_shipped_programmes_sheet_is_read_whole(
    tmp_path: Path, path: Path, language: Language
) -> None:
    opened = open_programme(path)
    blank = blanks.nominations(opened.programme, opened.units, language)
    found = read_nominations(
        written(tmp_path / "n.xlsx", blank, [], language), opened.programme, opened.units
    )
    assert found == ((), ())
    assert {column.name for column in blank.columns} >= {"unit", "identity", "name", *opened.programme.asked}


@LANGUAGES
def test_a_filled_in_score_sheet_is_read_back(tmp_path: Path, language: Language) -> None:
    programme, _ = craftsman()
    review = programme.stages[Rank.PROVINCE].step("expert_review")
    assert isinstance(review, ExpertReview)
    blank = blanks.scores(programme, review, language, ("N-1", "N-2"))
    assert [row[0] for row in blank.rows] == ["N-1", "N-2"]
    path = written(tmp_path / "s.xlsx", blank, [{"nomination": "N-1", "score": "92.5"}], language)
    assert read_marks(path, "score") == ([("N-1", "92.5")], [])


@LANGUAGES
def test_under_a_rubric_the_sheet_has_a_column_a_criterion(tmp_path: Path, language: Language) -> None:
    programme, _ = craftsman()
    review = programme.stages[Rank.PROVINCE].step("expert_review")
    assert isinstance(review, ExpertReview)
    rubric = (
        Criterion(id="skill", label=Label(zh="测试·技艺", en="skill"), share=Fraction(3, 4)),
        Criterion(id="deeds", label=Label(zh="测试·事迹", en="deeds"), share=Fraction(1, 4)),
    )
    blank = blanks.scores(programme, review.model_copy(update={"rubric": rubric}), language, ("N-1",))
    filled = {"nomination": "N-1", "skill": "92.5", "deeds": "80"}
    path = written(tmp_path / "s.xlsx", blank, [filled], language)
    assert read_marks(path, "score", rubric=rubric) == ([("N-1", "skill:92.5,deeds:80")], [])
    half = written(tmp_path / "h.xlsx", blank, [filled | {"deeds": ""}], language)
    assert [cell.name for cell in read_marks(half, "score", rubric=rubric)[1]] == ["deeds"]


@LANGUAGES
def test_a_filled_in_sheet_of_units_and_one_of_seats_are_read_back(
    tmp_path: Path, language: Language
) -> None:
    programme, tree = craftsman()
    top = {"code": "99", "name": "测试省", "rank": "province"}
    sheet = written(tmp_path / "u.xlsx", blanks.units(programme, language), [top], language)
    assert load_units(*unit_sources([sheet], language)).by_code["99"].name == "测试省"
    blank = blanks.seats(programme, tree, Rank.PREFECTURE, language)
    assert len(blank.rows) == 21
    row = {"unit": "5101", "name": "…", "seats": "12", "minimum": "4"}
    asked = {"5101": {"seats": 12, "seats_min": 4}}
    assert read_seats(written(tmp_path / "s.xlsx", blank, [row], language), tree) == (asked, [])


def test_a_vote_sheet_offers_the_four_votes() -> None:
    programme, _ = craftsman()
    review = programme.stages[Rank.PROVINCE].step("expert_review")
    assert isinstance(review, ExpertReview)
    blank = blanks.scores(programme, review.model_copy(update={"mode": "vote"}), Language.ZH)
    assert blank.columns[1].options == ("同意", "不同意", "弃权", "退回")


def test_the_workbook_carries_drop_downs_checks_text_formats_and_what_is_assumed() -> None:
    programme, tree = craftsman()
    content = write_blank(blanks.nominations(programme, tree, Language.ZH), Language.ZH)
    with ZipFile(io.BytesIO(content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        styles = parts.read("xl/styles.xml").decode()
    assert "<formula1>&quot;是,否&quot;</formula1>" in sheet or '<formula1>"是,否"</formula1>' in sheet
    assert "electronics,equipment" in sheet
    assert 'type="whole"' in sheet
    assert "'单位'!$A$1:$A$1" in sheet
    assert 'numFmtId="49"' in styles  # text
    book = load_workbook(io.BytesIO(content))
    guide = "\n".join(str(cell) for row in book.get_sheet_by_name("说明").to_python() for cell in row)
    assert all(one.path in guide for one in programme.assumptions)
    assert "从事本技艺年数" in guide


def test_a_choice_too_long_for_a_cells_own_list_is_chosen_from_a_sheet(tmp_path: Path) -> None:
    programme, tree = craftsman()
    many = tuple(f"sector_{n:03}" for n in range(60))
    sector = programme.facts["sector"].model_copy(update={"of": many})
    programme = programme.model_copy(update={"facts": {**programme.facts, "sector": sector}})
    blank = blanks.nominations(programme, tree, Language.ZH)
    content = write_blank(blank, Language.ZH)
    with ZipFile(io.BytesIO(content)) as parts:
        assert "'选项 1'!$A$1:$A$60" in parts.read("xl/worksheets/sheet1.xml").decode()
    assert load_workbook(io.BytesIO(content)).get_sheet_by_name("选项 1").to_python()[-1] == ["sector_059"]


def test_the_same_programme_gives_the_same_bytes() -> None:
    programme, tree = craftsman()
    one, two = (write_blank(blanks.nominations(programme, tree, Language.ZH), Language.ZH) for _ in range(2))
    assert one == two


async def test_a_template_is_written_once_with_its_hash_and_never_over_another_file(tmp_path: Path) -> None:
    words = (
        "template",
        "scores",
        "--programme",
        str(FIRST),
        "--rank",
        "province",
        "--out",
        str(tmp_path / "s.xlsx"),
    )
    said = await run(*words)
    assert said.exit_code == OK
    assert len(said.json["files"][0]["sha256"]) == 64
    again = await run(*words)
    assert (again.exit_code, again.json["error"]["code"]) == (USAGE, "OUT_FILE")


async def test_a_sheet_of_one_judge_is_of_a_round(tmp_path: Path) -> None:
    words = ("template", "scores", "--programme", str(FIRST), "--rank", "province", "--judge", "j-1")
    said = await run(*words, "--out", str(tmp_path / "s.xlsx"))
    assert (said.exit_code, said.json["error"]["code"]) == (USAGE, "USAGE")


async def test_a_score_sheet_for_several_reviews_asks_which(tmp_path: Path) -> None:
    said = await run("template", "scores", "--programme", str(FIRST), "--out", str(tmp_path / "s.xlsx"))
    assert said.exit_code == USAGE
    assert "--rank province --step expert_review" in said.json["error"]["message"]
