"""姓氏笔画: the numbers of strokes of common surnames, and the order in which custom lists names."""

from __future__ import annotations

import pytest

from cli.office.strokes import by_strokes, count, unknown

SURNAMES = "丁2 王4 毛4 刘6 朱6 李7 张7 陈7 杨7 周8 赵9 钱10 黄11 彭12 鲍13 蔡14 潘15 薛16 戴17 魏17 欧8 范8 闫6 阎11"


@pytest.mark.parametrize("written", SURNAMES.split())
def test_common_surnames_have_the_strokes_that_everybody_counts(written: str) -> None:
    assert count(written[0]) == int(written[1:])


def test_surnames_of_as_many_strokes_go_by_their_first_stroke_heng_shu_pie_dian_zhe() -> None:
    seven = ["陈", "沈", "何", "吴", "李", "邱", "肖", "张"]
    assert sorted(seven, key=by_strokes) == ["李", "肖", "吴", "邱", "何", "沈", "张", "陈"]


def test_names_of_one_surname_stay_together_and_go_by_their_second_character() -> None:
    names = ["王建国", "丁一", "王芳", "李娜", "王一", "土生", "王大力", "刘洋", "王 芳华"]
    wanted = ["丁一", "土生", "王一", "王大力", "王芳", "王 芳华", "王建国", "刘洋", "李娜"]
    assert sorted(names, key=by_strokes) == wanted


def test_a_dot_between_names_does_not_count_and_latin_names_come_last() -> None:
    assert by_strokes("买买提·吐尔逊") == by_strokes("买买提吐尔逊")
    assert sorted(["Anna", "魏一"], key=by_strokes) == ["魏一", "Anna"]


def test_a_character_that_nobody_counted_comes_last_and_is_named() -> None:
    assert unknown("王\U00020000") == "\U00020000"
    assert sorted(["王\U00020000", "王魏"], key=by_strokes) == ["王魏", "王\U00020000"]
