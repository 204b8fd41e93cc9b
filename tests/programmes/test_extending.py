"""`extends` lays one edition's file on another's, and faults stand in the file that has them."""

from fractions import Fraction
from pathlib import Path

from schemas.loading import check_programme, load_programme
from schemas.programme import ExpertReview, Rank, Selection
from tests.programmes.drafting import SOUND, Seen, seen, spoiled, written

HEAD = "extends: ferry-pilots@1\nedition: 2\n"


def second(folder: Path, text: str, base: str = SOUND) -> tuple[Path, list[tuple[int, int]]]:
    written(folder / "ferry-pilots", base)
    return written(folder / "ferry-pilots", HEAD + text, "2.yaml")


def final(path: Path) -> Selection:
    step = load_programme(path).stages[Rank.PROVINCE].step("final")
    assert isinstance(step, Selection)
    return step


def steps(path: Path, rank: Rank = Rank.PROVINCE) -> list[str]:
    return [step.id for step in load_programme(path).stages[rank].steps]


def test_mappings_merge_deep_and_other_values_are_replaced(tmp_path: Path) -> None:
    path, _ = second(tmp_path, "title: {en: Second}\nfacts: {sector: {of: [nets, sails, boats]}}\n")
    programme = load_programme(path)
    assert programme.edition == 2
    assert (programme.title.zh, programme.title.en) == ("测试项目", "Second")
    assert programme.facts["sector"].of == ("nets", "sails", "boats")
    assert programme.facts["born_on"].type == "date"


def test_things_with_an_id_merge_by_id_and_keep_their_order(tmp_path: Path) -> None:
    path, _ = second(
        tmp_path, "stages: {province: {steps: [{id: final, seats: 5}, {id: review, panel_size: 7}]}}\n"
    )
    assert steps(path) == ["review", "vote", "shortlist", "final", "publicity", "decision", "conferral"]
    review = load_programme(path).stages[Rank.PROVINCE].step("review")
    assert isinstance(review, ExpertReview)
    assert (final(path).seats, final(path).differential, review.panel_size) == (5, Fraction(3, 2), 7)


def test_a_new_thing_stands_beside_its_neighbour(tmp_path: Path) -> None:
    new = "{{id: {}, type: endorsement, period: {{days: 1, unit: work_day}}}}"
    listed = ", ".join([new.format("a"), "{id: review}", new.format("b"), "{id: decision}", new.format("c")])
    path, _ = second(tmp_path, f"stages: {{province: {{steps: [{listed}]}}}}\n")
    order = ["a", "review", "b", "vote", "shortlist", "final", "publicity", "decision", "c", "conferral"]
    assert steps(path) == order


def test_a_new_thing_without_a_neighbour_stands_last(tmp_path: Path) -> None:
    path, _ = second(tmp_path, "titles: [{id: captain, label: {zh: 船长}}]\n")
    assert [title.id for title in load_programme(path).titles] == ["pilot", "helper", "captain"]


def test_null_removes_a_key_and_remove_takes_a_thing_away(tmp_path: Path) -> None:
    over = "rewards: ~\nstages: {province: {steps: [{id: final, differential: ~}, {id: decision, remove: true}]}}\n"
    path, _ = second(tmp_path, over)
    programme = load_programme(path)
    assert programme.rewards == ()
    assert final(path).differential is None
    assert "decision" not in steps(path)


def test_removing_what_is_not_there_is_a_fault(tmp_path: Path) -> None:
    path, positions = second(tmp_path, "titles:\n  - §{id: captain, remove: true}\n")
    assert [seen(fault) for fault in check_programme(path).faults] == [
        Seen("remove_unknown", "titles.captain", *positions[0], "")
    ]


def test_a_thing_of_another_type_replaces_the_old_one_whole(tmp_path: Path) -> None:
    over = "stages: {province: {steps: [{id: decision, type: endorsement, period: {days: 1, unit: work_day}}]}}\n"
    path, _ = second(tmp_path, over)
    assert load_programme(path).stages[Rank.PROVINCE].step("decision").type == "endorsement"


def test_an_assumed_value_may_be_stated_and_a_stated_one_assumed(tmp_path: Path) -> None:
    base = spoiled(SOUND, ("seats: 10,", "seats: {assumed: 10, why: silent},"))
    stated, _ = second(tmp_path, "stages: {province: {steps: [{id: shortlist, seats: 12}]}}\n", base)
    assert load_programme(stated).assumptions == ()
    shortlist = load_programme(stated).stages[Rank.PROVINCE].step("shortlist")
    assert isinstance(shortlist, Selection)
    assert shortlist.seats == 12
    over = "stages: {province: {steps: [{id: final, seats: {assumed: 5, why: a guess}}]}}\n"
    assumed, _ = second(tmp_path, over, base)
    assert [(a.path, a.value, a.why) for a in load_programme(assumed).assumptions] == [
        ("stages.province.steps.shortlist.seats", "10", "silent"),
        ("stages.province.steps.final.seats", "5", "a guess"),
    ]


def test_a_fault_of_the_base_points_at_the_base(tmp_path: Path) -> None:
    path, positions = second(tmp_path, "§cadense: yearly\n", spoiled(SOUND, ("quota: 3", "quotta: 3")))
    base = path.parent / "1.yaml"
    line = SOUND[: SOUND.index("quota")].count("\n") + 1
    faults = check_programme(path).faults
    assert [(fault.file, fault.line, fault.nearest) for fault in faults] == [
        (str(base), line, "quota"),
        (str(path), positions[0][0], "cadence"),
    ]


def test_an_override_that_breaks_the_whole_points_at_the_override(tmp_path: Path) -> None:
    path, positions = second(
        tmp_path, "stages:\n  province:\n    steps:\n      - {id: final, seats: §20, differential: ~}\n"
    )
    assert [(f.file, seen(f)) for f in check_programme(path).faults] == [
        (str(path), Seen("candidates_too_few", "stages.province.steps.final.seats", *positions[0], ""))
    ]


def test_a_circle_of_extends_is_refused(tmp_path: Path) -> None:
    path, _ = second(tmp_path, "", "extends: ferry-pilots@2\n" + SOUND)
    fault = check_programme(path).faults[0]
    assert (fault.code, fault.file, fault.line) == ("extends_cycle", str(path.parent / "1.yaml"), 1)
    assert "ferry-pilots/2.yaml → ferry-pilots/1.yaml → ferry-pilots/2.yaml" in fault.en


def test_a_base_that_is_missing_misnamed_or_badly_referred_to_is_told_at_the_line(tmp_path: Path) -> None:
    for text, code in (
        ("extends: §ferry-pilots@9\n" + SOUND, "file_missing"),
        ("extends: §ferry-pilots\n" + SOUND, "extends_form"),
        ("extends: §{a: 1}\n" + SOUND, "extends_form"),
        ("extends: §?\n" + SOUND, "extends_form"),
        ("extends: §ferry-pilots@1\n" + SOUND, "extends_mismatch"),
    ):
        written(tmp_path / "ferry-pilots", spoiled(SOUND, ("edition: 1", "edition: 5")))
        path, positions = written(tmp_path / "ferry-pilots", text, "3.yaml")
        assert [(f.code, f.line, f.column) for f in check_programme(path).faults] == [(code, *positions[0])]


def test_a_programme_may_extend_one_in_another_folder(tmp_path: Path) -> None:
    written(tmp_path / "ferry-pilots", SOUND)
    text = "extends: ferry-pilots@1\nprogramme: barge-pilots\n"
    path, _ = written(tmp_path / "barge-pilots", text)
    assert load_programme(path).programme == "barge-pilots"
