"""YAML is read with positions, and a hostile or ambiguous file is refused before it costs anything."""

from pathlib import Path

import pytest

from schemas.documents import ALIASES_MAX, BYTES_MAX, DEPTH_MAX, UNSUPPLIED, Document, read_document


def read(folder: Path, text: str | bytes) -> Document:
    path = folder / "a.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_document(path, "a.yaml")


def found(document: Document) -> list[tuple[str, int, int]]:
    return [(fault.code, fault.line, fault.column) for fault in document.faults]


def test_values_are_text_integers_truths_and_nothing_else(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb: '1'\nc: true\nd: yes\ne: 2024-01-30\nf: 12:30\ng: 35%\nh: ~\ni: -7\n")
    assert document.faults == []
    assert document.root.plain() == {
        "a": 1, "b": "1", "c": True, "d": "yes", "e": "2024-01-30", "f": "12:30", "g": "35%", "i": -7,
    }  # fmt: skip


def test_a_value_knows_its_line_and_column(tmp_path: Path) -> None:
    root = read(tmp_path, "a:\n  b: [1, {id: x, c: 2}]\n").root
    mark = root.at(("a", "b", "x", "c")).mark
    assert (mark.line, mark.column) == (2, 21)


@pytest.mark.parametrize("value", ["0.35", "35.0", "1e3", ".5", "-1.5e-3", ".inf", ".nan", "1_0.5"])
def test_a_float_is_told_the_one_accepted_form(tmp_path: Path, value: str) -> None:
    document = read(tmp_path, f"a: {value}\n")
    assert found(document) == [("float_refused", 1, 4)]
    assert '"35%"' in document.faults[0].zh
    assert '"35%"' in document.faults[0].en


@pytest.mark.parametrize("value", ["0x10", "0o7", "1_000", "9" * 16])
def test_an_integer_is_decimal_and_of_bounded_length(tmp_path: Path, value: str) -> None:
    assert found(read(tmp_path, f"a: {value}\n")) == [("integer_refused", 1, 4)]


def test_every_repeated_key_is_found_and_the_first_kept(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n")
    assert found(document) == [("key_repeated", 3, 1), ("key_repeated", 4, 11)]
    assert document.root.plain()["a"] == 1


def test_an_alias_bomb_is_refused_while_it_is_read(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    document = read(tmp_path, "\n".join(lines))
    assert [fault.code for fault in document.faults] == ["too_many_nodes"]
    assert not document.whole


def test_too_many_aliases_are_refused(tmp_path: Path) -> None:
    text = "a: &a 1\nb: [" + ", ".join(["*a"] * (ALIASES_MAX + 1)) + "]\n"
    assert [fault.code for fault in read(tmp_path, text).faults] == ["too_many_aliases"]


def test_an_alias_means_what_its_anchor_holds(tmp_path: Path) -> None:
    assert read(tmp_path, "a: &a {b: 1}\nc: *a\n").root.plain() == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: &a [*a]\n", "alias_unknown", 1, 8),
        ("a: *b\n", "alias_unknown", 1, 4),
        ("a: !!python/object:os.system x\n", "tag_refused", 1, 4),
        ("a: !secret [1]\n", "tag_refused", 1, 4),
        ("a: 1\n---\nb: 2\n", "one_document", 2, 1),
        ("? {a: 1}\n: 2\n", "key_not_text", 1, 3),
        ("- 1\n", "mapping_wanted", 1, 1),
        ("a: [1, 2\nb: 3\n", "yaml_broken", 2, 2),
        ("a: 'x\n", "yaml_broken", 2, 1),
        ("a: \tb: c\n", "yaml_broken", 1, 4),
        ("[" * (DEPTH_MAX + 1), "too_deep", 1, DEPTH_MAX + 1),
        ("{a: " * 100_000, "too_deep", 1, DEPTH_MAX * 4 + 1),
    ],
)
def test_what_no_programme_needs_is_refused(
    tmp_path: Path, text: str, code: str, line: int, column: int
) -> None:
    document = read(tmp_path, text)
    assert found(document) == [(code, line, column)]
    assert not document.whole


def test_bytes_that_are_no_text_are_refused_at_their_line(tmp_path: Path) -> None:
    assert found(read(tmp_path, b"a: 1\nb: \xff\xfe\n")) == [("not_utf8", 2, 1)]


def test_control_characters_are_refused(tmp_path: Path) -> None:
    assert [fault.code for fault in read(tmp_path, b"a: \x00\n").faults] == ["yaml_broken"]


def test_a_file_that_is_too_large_is_not_parsed(tmp_path: Path) -> None:
    assert found(read(tmp_path, b"#" * (BYTES_MAX + 1))) == [("file_too_large", 0, 0)]


def test_a_missing_file_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    assert found(read_document(tmp_path / "none.yaml", "none.yaml")) == [("file_missing", 0, 0)]
    assert found(read_document(tmp_path, "folder")) == [("file_missing", 0, 0)]


def test_a_byte_order_mark_and_other_line_ends_change_nothing(tmp_path: Path) -> None:
    document = read(tmp_path, "\ufeffa: 1\r\nb: ?\r\nc: 2\r\n")
    assert document.faults == []
    assert document.root.plain() == {"a": 1, "b": "?", "c": 2}


@pytest.mark.parametrize(
    "text", ["a: ?\n", "a: ? # later\n", "a: '?'\n", "a:   ?  \n", "{a: ?}\n", "{a: ?, b: 1}\n"]
)
def test_a_question_mark_is_a_value_that_nobody_has_supplied(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).root.at(("a",)).scalar is UNSUPPLIED


def test_question_marks_in_lists_are_seen_and_in_text_left_alone(tmp_path: Path) -> None:
    document = read(tmp_path, "a: [?, ?, 1]\nb:\n  - ?\n  - x\nc: 'why, ? no'\nd: is it? yes\ne: |\n  a: ?\n")
    assert document.faults == []
    assert [entry.scalar is UNSUPPLIED for entry in document.root.at(("a",)).entries or ()] == [
        True,
        True,
        False,
    ]
    assert document.root.at(("b", 0)).mark.column == 5
    assert document.root.plain()["c"] == "why, ? no"
    assert document.root.plain()["d"] == "is it? yes"
    assert document.root.plain()["e"] == "a: ?\n"


def test_text_is_kept_in_one_normal_form(tmp_path: Path) -> None:
    assert read(tmp_path, "a: e\u0301\n").root.plain() == {"a": "\u00e9"}


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("a: {assumed: 1}\n", "assumed_form", 5),
        ("a: {assumed: 1, why: ''}\n", "assumed_form", 5),
        ("a: {assumed: 1, why: 3}\n", "assumed_form", 5),
        ("a: {assumed: 1, why: x, whom: y}\n", "assumed_key", 25),
    ],
)
def test_an_assumption_has_a_value_and_a_reason(tmp_path: Path, text: str, code: str, column: int) -> None:
    assert found(read(tmp_path, text)) == [(code, 1, column)]


def test_an_assumption_is_unwrapped_where_it_stands(tmp_path: Path) -> None:
    root = read(tmp_path, "a: [{assumed: {id: x, b: {assumed: 2, why: inner}}, why: outer}]\n").root
    assert root.plain() == {"a": [{"id": "x", "b": 2}]}
    assert root.at(("a", "x")).why == "outer"
    assert root.at(("a", "x", "b")).why == "inner"
