"""A programme is loaded whole or not at all; its hash is that of what it means, not of how it was written."""

from pathlib import Path

import pytest

from schemas.errors import BadFile
from schemas.loading import Unknown, check_programme, load_programme, open_programme, programme_hash
from schemas.programme import Programme
from tests.programmes.drafting import SOUND, UNITS, checked, spoiled, written


def test_the_sound_programme_is_sound(tmp_path: Path) -> None:
    path, _ = written(tmp_path, SOUND)
    report = check_programme(path)
    assert report.faults == ()
    assert report.exit_code == 0
    assert report.programme == load_programme(path)
    assert report.hash == programme_hash(load_programme(path))


def test_all_faults_of_all_kinds_are_told_at_once_and_in_order(tmp_path: Path) -> None:
    report, positions = checked(
        tmp_path,
        ("subject: person", "subject: §persson"),
        ("quota: 3", "§quotta: 3"),
        ("{component: public, ", "{component: §publik, "),
        ('share: "50%"', "share: §0.5"),
        ("value: true", "value: §1"),
        ("amount_fen: 100, ", "§amount: 100, "),
        ("file: units.csv", "file: units.csv, §rot: 9"),
    )
    marked = [(fault.line, fault.column) for fault in report.faults]
    assert set(positions) <= set(marked)
    assert marked == sorted(marked)
    assert {fault.code for fault in report.faults} == {
        "one_of", "extra_forbidden", "component_unknown", "float_refused", "value_unfit", "amount_missing",
    }  # fmt: skip


def test_a_fault_reads_well_in_both_languages(tmp_path: Path) -> None:
    path, positions = written(tmp_path, spoiled(SOUND, ("quota: 3", "§quotta: 3")))
    fault = check_programme(path).faults[0]
    assert fault.message("zh") == "未知的键 quotta。是否想写 quota？"
    assert fault.message("en") == "The key quotta is not known here. Did you mean quota?"
    line, column = positions[0]
    assert str(fault).startswith(f"{path}:{line}:{column}: stages.enterprise.steps.intake.quotta: ")


def test_loading_refuses_with_every_fault(tmp_path: Path) -> None:
    path, _ = written(
        tmp_path, spoiled(SOUND, ("quota: 3", "quotta: 3"), ("subject: person", "subject: dog"))
    )
    with pytest.raises(BadFile) as refused:
        load_programme(path)
    assert refused.value.code == "FILE_FAULTS"
    assert refused.value.exit_code == 3
    assert refused.value.faults == tuple(str(fault) for fault in check_programme(path).faults)
    assert len(refused.value.faults) == 2


def test_an_unknown_value_blocks_opening_and_not_the_check(tmp_path: Path) -> None:
    report, positions = checked(
        tmp_path,
        ("per_day: 5,", "per_day: §?,"),
        ("seats: 6\n", "seats: §?\n"),
        ("title: {zh: 测试项目", "cadence: §?\ntitle: {zh: 测试项目"),
    )
    path = tmp_path / "1.yaml"
    assert report.faults == ()
    assert report.exit_code == 0
    assert report.programme is None
    assert report.unknowns == tuple(
        Unknown(path=place, file=str(path), line=line, column=column)
        for place, (line, column) in zip(
            ("cadence", "stages.province.steps.vote.limits.per_day", "stages.province.steps.final.seats"),
            positions,
            strict=True,
        )
    )
    for door in (load_programme, open_programme):
        with pytest.raises(BadFile) as refused:
            door(path)
        assert refused.value.code == "VALUES_UNSUPPLIED"
        assert len(refused.value.faults) == 3


def test_faults_are_found_beside_unknown_values(tmp_path: Path) -> None:
    report, _ = checked(tmp_path, ("per_day: 5,", "per_day: ?,"), ("ties: [expert", "ties: [exprt"))
    assert [fault.code for fault in report.faults] == ["component_unknown"]
    assert len(report.unknowns) == 1


def test_assumptions_are_listed_with_place_value_and_reason(tmp_path: Path) -> None:
    report, _ = checked(tmp_path, ('share: "35%"', 'share: {assumed: "35%", why: nobody says}'))
    assert [(a.path, a.value, a.why) for a in report.assumptions] == [
        ("stages.province.steps.final.shares.floor.share", "35%", "nobody says")
    ]
    assert report.programme is not None
    assert report.programme.assumptions == report.assumptions


def test_the_hash_is_of_the_meaning_and_not_of_the_writing(tmp_path: Path) -> None:
    first, _ = written(tmp_path / "a", SOUND)
    rewritten = spoiled(SOUND, ('share: "35%"', 'share: "7/20"'), ("edition: 1", "edition: 1 # the first"))
    second, _ = written(tmp_path / "b", rewritten, "other.yaml")
    third, _ = written(tmp_path / "c", spoiled(SOUND, ("quota: 3", "quota: 4")))
    hashes = [programme_hash(load_programme(path)) for path in (first, second, third)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == 64


def test_a_programme_that_was_stored_comes_back_the_same(tmp_path: Path) -> None:
    path, _ = written(tmp_path, SOUND)
    programme = load_programme(path)
    again = Programme.model_validate_json(programme.model_dump_json())
    assert again == programme
    assert programme_hash(again) == programme_hash(programme)


def test_opening_gives_the_programme_with_its_units_and_hash(tmp_path: Path) -> None:
    path, _ = written(tmp_path, SOUND)
    opened = open_programme(path)
    assert opened.programme == load_programme(path)
    assert opened.units.root == "9"
    assert len(opened.units.units) == 4
    assert opened.hash == programme_hash(opened.programme)


def test_faults_of_the_units_file_are_told_with_those_of_the_programme(tmp_path: Path) -> None:
    units = UNITS.replace("902,9,测试县乙,county", "902,999,测试县乙,conty")
    path, _ = written(tmp_path, spoiled(SOUND, ("quota: 3", "quotta: 3")), units=units)
    faults = check_programme(path).faults
    assert [(Path(fault.file).name, fault.code) for fault in faults] == [
        ("1.yaml", "extra_forbidden"),
        ("units.csv", "one_of"),
    ]


def test_an_empty_file_is_told_what_it_lacks(tmp_path: Path) -> None:
    path, _ = written(tmp_path, "")
    faults = check_programme(path).faults
    assert {fault.code for fault in faults} == {"missing"}
    assert {fault.path for fault in faults} == {
        "programme", "edition", "title", "subject", "units", "routes", "stages",
    }  # fmt: skip


def test_text_that_json_cannot_hold_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    report, _ = checked(tmp_path, ("en: A test", r'en: "\ud800"'))
    assert report.programme is None
    assert report.faults
