"""Events on a fast track past every step that may be passed by, and a training: rehearsed, and every decision taken again."""

from collections import Counter
from pathlib import Path

from cli.rehearse.conductor import BEGINS, Conductor
from cli.rehearse.family import turns
from cli.rehearse.party import invent
from schemas.events import AttendanceRecorded, FastTracked, read
from store.memory import MemoryEventStore
from tests.programmes.test_rehearsals import taken_again

FESTIVALS = """\
programme: craft-festivals
edition: 1
title: {zh: 测试市工匠主题活动, en: Festivals of craft}
subject: event
units: {file: ../units.csv, root: "9"}
routes: [{id: own, ranks: [county, prefecture]}]
facts:
  recurring: {type: boolean, label: {zh: 连续举办}, required: true}
  visitors: {type: integer, label: {zh: 参与人次}, required: true}
titles: [{id: named, label: {zh: 品牌活动}}]
stages:
  county:
    fast_tracks:
      - {id: known, who: {id: is_recurring, fact: recurring, op: "==", value: true}, passes: [congress, endorsement]}
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 3, unit: work_day}, quota: 6}
      - {id: congress, type: congress, quorum: "1/2", threshold: {share: "1/2", comparator: ">", base: present}, period: {days: 3, unit: work_day}}
      - {id: endorsement, type: endorsement, period: {days: 3, unit: work_day}}
  prefecture:
    fast_tracks:
      - {id: known, who: {id: is_recurring, fact: recurring, op: "==", value: true}, passes: [eligibility, safety, vote]}
    steps:
      - id: eligibility
        type: eligibility
        predicates: [{id: large, fact: visitors, op: ">", value: 30}]
        correction: {days: 3, unit: work_day}
      - {id: safety, type: clearance, departments: [safety], silence: veto, period: {days: 3, unit: work_day}}
      - {id: vote, type: expert_review, mode: vote, panel_size: 3, quorum: "2/3", threshold: {share: "1/2", comparator: ">", base: present}, period: {days: 3, unit: work_day}}
      - {id: publicity, type: publicity, period: {days: 3, unit: work_day}}
      - {id: training, type: training, absent: out, period: {days: 3, unit: work_day}}
      - {id: conferral, type: conferral, body: office, grades: [{title: named}], period: {days: 3, unit: work_day}}
"""
UNITS = "code,parent,name,rank\n9,,测试市,prefecture\n901,9,测试区甲,county\n902,9,测试区乙,county\n"


async def test_events_pass_by_on_fast_tracks_and_every_decision_is_taken_again_the_same_dr_45(
    tmp_path: Path,
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "units.csv").write_text(UNITS, encoding="utf-8")
    file = tmp_path / "own" / "1.yaml"
    file.write_text(FESTIVALS, encoding="utf-8")
    [turn] = turns(file, BEGINS)
    store = MemoryEventStore()
    party = invent(turn.opened.programme, turn.opened.units, units=2, nominations=12)
    conductor = Conductor(store, party, turn.period)
    state = await conductor.run()
    assert state.status == "completed"
    assert state.conferred > 0
    events = [read(event) for event in await store.read_all(0, 100_000)]
    tracked = Counter(event.step for event in events if isinstance(event, FastTracked))
    assert set(tracked) == {"congress", "endorsement", "eligibility", "safety", "vote"}
    assert [event.step for event in events if isinstance(event, AttendanceRecorded)] == ["training"]
    tally = await taken_again(store)
    assert tally.events == len(events)
    assert not tally.folded
