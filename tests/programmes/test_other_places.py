"""Definitions of invented places, written from the rules of the domain and run to their end as the shipped ones are:
what they combine, no shipped programme does.
"""

from __future__ import annotations

from collections import Counter
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.rehearse.conductor import BEGINS, Conductor
from cli.rehearse.family import turns
from cli.rehearse.party import body_members, clerk, invent, operator
from domain import cycle as cycles
from domain import round as rounds
from domain.nomination import State, Status
from schemas import names
from schemas.commands import Confer, Recuse, ReplyClearance, RequestClearance
from schemas.errors import Refused
from schemas.events import StepHeld, read
from schemas.ledger import Actor
from schemas.values import SHANGHAI
from store.memory import MemoryEventStore
from tests.programmes.test_rehearsals import taken_again

UNITS = """\
code,parent,name,rank,industry
9,,测试市,prefecture,
901,9,测试区甲,county,
902,9,测试区乙,county,
9I1,9,测试轻工工会,industry_union,
E1,901,测试一厂,enterprise,
E2,902,测试二厂,enterprise,9I1
E3,9I1,测试三厂,enterprise,
"""

HARBOUR = """\
programme: harbour-craftsman
edition: 1
title: {zh: 测试港工匠, en: Craftsman of the harbour}
subject: person
units: {file: ../units.csv, root: "9"}
routes: # each district, industry and enterprise chooses its own first
  - {id: districts, ranks: [enterprise, county, prefecture]}
  - {id: trades, ranks: [enterprise, industry_union, prefecture]}
facts:
  born_on: {type: date, label: {zh: 出生日期}, required: true}
  retired: {type: boolean, label: {zh: 已退休}, required: true}
  trade: {type: choice, label: {zh: 工种}, of: [boats, docks, nets, kitchen], required: true}
  points: {type: integer, label: {zh: 积分}, attested: engine}
points:
  dimensions:
    - {id: training, label: {zh: 培训}, cap: 40}
    - {id: x, label: {zh: 其他}, open: true}
titles:
  - {id: chief, label: {zh: 首席工匠}, requires: {title: craftsman, mode: strict}}
  - {id: craftsman, label: {zh: 工匠}, requires: {title: seed, mode: strict}}
  - {id: seed, label: {zh: 种子工匠}}
stages:
  enterprise:
    steps:
      - {id: intake, type: intake, channels: [unit, self], period: {days: 10, unit: work_day}, quota: 4}
      - {id: by_merit, type: endorsement, ranked: true, period: {days: 5, unit: work_day}}
      - {id: line, type: selection, seats: 4, weights: [{component: recommendation, share: "100%"}], ties: [authority]}
      - id: tiers
        type: conferral
        body: leading_group
        grades: [{title: chief, seats: 1}, {title: craftsman, seats: 2}, {title: seed}]
        period: {days: 5, unit: work_day}
  county: &level
    pool: {holder_of: [seed, craftsman, chief]}
    steps:
      - {id: endorsement, type: endorsement, period: {days: 5, unit: work_day}}
  industry_union: *level
  prefecture:
    steps:
      - id: eligibility
        type: eligibility
        predicates:
          - {id: in_age, fact: born_on, op: ">", value: "2005-05-01"}
          - {id: at_work, fact: retired, op: "!=", value: true}
          - {id: trade_open, fact: trade, op: not_in, value: [boats, kitchen]}
          - {id: some_points, any_of: [{id: any_points, fact: points, op: ">=", value: 1}, {id: docker, fact: trade, op: "==", value: docks}, {id: net, fact: trade, op: "==", value: nets}]}
        correction: {days: 3, unit: work_day}
      - {id: first_review, type: endorsement, ranked: true, period: {days: 5, unit: work_day}}
      - {id: region, type: publicity, audience: region, period: {days: 5, unit: work_day}}
      - {id: second_review, type: endorsement, period: {days: 5, unit: work_day}}
      - id: selection
        type: selection
        seats: 4
        weights: [{component: recommendation, share: "100%"}]
        ties: [authority]
        shares:
          - {id: at_least_one_netter, who: {id: netter, fact: trade, op: "==", value: nets}, op: ">=", share: "1/4", base: seats}
      - {id: public, type: publicity, audience: public, period: {days: 5, unit: work_day}}
"""

UNION = """\
programme: trade-studios
edition: 1
title: {zh: 测试轻工工会工作室, en: Studios of a union}
subject: studio
members: {studio: {minimum: 2, maximum: 9, in_several: true}}
units: {file: ../units.csv, root: "9I1"}
routes: [{id: own, ranks: [enterprise, industry_union]}]
facts:
  results: {type: integer, label: {zh: 成果数}, required: true}
titles:
  - {id: star, label: {zh: 星级工作室}, term_years: 3, annual_assessment: {fails: 1}, bar_years: 2}
stages:
  enterprise:
    steps:
      - {id: intake, type: intake, channels: [association, joint], sponsors_min: 2, period: {days: 3, unit: natural_day, count_first_day: true}, quota: 4}
      - {id: congress, type: congress, quorum: "1/2", quorum_comparator: ">", threshold: {share: "2/3", comparator: ">=", base: entitled}, without_quorum: out, period: {days: 5, unit: work_day}}
      - {id: posted, type: publicity, audience: unit, holds: step, accept_anonymous: true, substitute: false, period: {days: 7, unit: natural_day, roll_to_work_day: true}, minimum: {days: 5, unit: natural_day}}
  industry_union:
    steps:
      - {id: safety, type: clearance, departments: [safety], silence: consent, valid_for: {days: 90, unit: natural_day}, period: {days: 3, unit: work_day}}
      - {id: audit, type: clearance, departments: [{id: audit, says: advisory}], silence: veto, period: {days: 3, unit: work_day}}
      - {id: web, type: public_vote, component: web, limits: {per_day: 1}, period: {days: 3, unit: natural_day}}
      - {id: app, type: public_vote, component: app, limits: {per_day: 3, choices_max: 3}, period: {days: 3, unit: natural_day}, adjudication: {days: 1, unit: natural_day}}
      - {id: quality, type: expert_review, component: quality, mode: vote, panel_size: 3, quorum: "2/3", threshold: {share: "1/2", comparator: ">", base: present}, form: site_visit, period: {days: 3, unit: work_day}}
      - id: pick
        type: selection
        seats: 6
        weights: [{component: web, share: "40%", normalise: share}, {component: app, share: "40%", normalise: top}, {component: quality, share: "20%"}]
        prefer: [{id: many, who: {id: productive, fact: results, op: ">=", value: 30}, bonus: "5/2"}]
        ties: [app, web, include_all, authority]
        ceiling: 7
        categories:
          - {id: young, who: {id: few, fact: results, op: "<", value: 30}, seats: 3}
        reserve: 2
      - {id: public, type: publicity, audience: public, period: {days: 3, unit: work_day}}
      - {id: decide, type: decision, body: office, period: {days: 3, unit: work_day}}
      - {id: confer, type: conferral, body: office, grades: [{title: star}], period: {days: 3, unit: work_day}}
rewards:
  - {title: star, type: instalments, instalments: [1000, 500, 250], after_assessment: true, label: {zh: 资助}}
  - {title: star, id: nursery, type: yearly, amount_fen: 10001, payers: [{id: union, share: "1/3"}, {id: enterprise, share: "2/3"}], members: true, remainder: first, label: {zh: 年补}}
"""
FIELDS = """\
programme: field-craftsman
edition: 1
title: {zh: 测试市工匠, en: Craftsman by field}
subject: person
units: {file: ../units.csv, root: "9"}
routes: [{id: districts, ranks: [enterprise, county, prefecture]}]
facts:
  trade: {type: choice, label: {zh: 工种}, of: [boats, nets, kitchen], required: true}
titles: [{id: craftsman, label: {zh: 工匠}}]
stages:
  enterprise:
    steps: [{id: intake, type: intake, channels: [unit], period: {days: 5, unit: work_day}, quota: 8}]
  county: # each trade's own judges vote, and two scorekeepers type their sheets
    steps:
      - {id: by_field, type: expert_review, mode: vote, groups: {fact: trade}, panel_size: 3, scorekeepers: 2, quorum: "2/3", threshold: {share: "1/2", comparator: ">", base: entitled}, period: {days: 3, unit: work_day}}
  prefecture: # first in groups drawn by lot, then all together (分组评审、综合评审)
    steps:
      - id: in_groups
        type: expert_review
        component: field
        mode: score
        groups: {fact: trade, normalise: top}
        panel_size: 4
        draw: {pool_role: expert, kinds: {boats: 2, nets: 1, theory: 1}}
        quorum: "2/3"
        scale: {minimum: 0, maximum: 100, step: 1}
        trim: {drop: 1, min_left: 2}
        scores_min: 3
        period: {days: 5, unit: work_day}
      - {id: shortlist, type: selection, seats: 9, weights: [{component: field, share: "100%"}], ties: [authority], categories: [{id: cooks, who: {id: cook, fact: trade, op: "==", value: kitchen}, seats: 3}]}
      - {id: together, type: expert_review, component: overall, mode: score, panel_size: 5, quorum: "2/3", scale: {minimum: 0, maximum: 100, step: 1}, period: {days: 5, unit: work_day}}
      - {id: final, type: selection, seats: 6, weights: [{component: field, share: "40%"}, {component: overall, share: "60%"}], ties: [overall, authority]}
      - {id: publicity, type: publicity, period: {days: 5, unit: work_day}}
      - {id: conferral, type: conferral, body: office, grades: [{title: craftsman}], period: {days: 5, unit: work_day}}
"""
UNION_UNITS = """\
code,parent,name,rank
9I1,,测试轻工工会,industry_union
E1,9I1,测试一厂,enterprise
E2,9I1,测试二厂,enterprise
E3,9I1,测试三厂,enterprise
"""


BRIDGE = """\
programme: bridge-keepers
edition: 1
title: {zh: 测试守桥人, en: Keepers of the bridges}
subject: person
units: {file: ../units.csv, root: "9"}
routes: [{id: districts, ranks: [county, prefecture]}]
titles:
  - {id: keeper, label: {zh: 守桥人}}
stages:
  county:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 5, unit: work_day}, quota: 3}
      - {id: asked, type: clearance, departments: [tax], silence: consent, valid_for: {days: 30, unit: natural_day}, period: {days: 3, unit: work_day}}
  prefecture:
    steps:
      - {id: review, type: expert_review, mode: score, panel_size: 3, quorum: "2/3", scale: {minimum: 0, maximum: 100, step: "0.5"}, trim: {drop: 1, min_left: 1, otherwise: stop}, period: {days: 5, unit: work_day}}
      - {id: pick, type: selection, seats: 4, weights: [{component: expert, share: "100%"}], ties: [authority]}
      - {id: confer, type: conferral, body: office, grades: [{title: keeper}], period: {days: 5, unit: work_day}}
"""


RIVERS_UNITS = """\
code,parent,name,rank,industry
0,,两河联盟,nation,
1,0,东河省,province,
2,0,西河省,province,
11,1,东河一市,prefecture,
21,2,西河一市,prefecture,
2I,2,西河航运工会,industry_union,
W1,21,西河一公司,enterprise,2I
"""
RIVERS = """\
programme: river-league-days
edition: 1
title: {zh: 两河联盟技能节, en: Skill days of the two rivers}
subject: event
units: {file: ../units.csv, root: "0"}
routes:
  - {id: land, ranks: [prefecture, province, nation]}
  - {id: water, ranks: [enterprise, industry_union, province, nation]}
facts:
  first_held: {type: date, label: {zh: 首次举办日期}, required: true}
  field: {type: choice, of: [rescue, repair], label: {zh: 类别}, required: true}
two_reviews_three_publicities: true
stages:
  prefecture: &entry
    steps:
      - {id: intake, type: intake, channels: [joint], sponsors_min: 3, period: {days: 10, unit: natural_day, closes: "17:30"}, quota: 3, quota_min: 1}
      - {id: posted, type: publicity, audience: unit, period: {days: 5, unit: work_day}, substitute: false}
  enterprise: *entry
  industry_union:
    steps:
      - {id: look, type: endorsement, period: {days: 5, unit: work_day}}
  province:
    fast_tracks:
      - {id: old_days, who: {id: held_long, fact: first_held, op: "<=", value: "1980-12-31"}, passes: [second_look]}
    steps:
      - {id: first_look, type: endorsement, period: {days: 5, unit: work_day}, returns_max: 1}
      - {id: second_look, type: endorsement, period: {days: 3, unit: work_day, closes: "12:00"}}
      - {id: order, type: endorsement, ranked: true, period: {days: 5, unit: work_day}}
      - {id: cut, type: selection, seats: 8, weights: [{component: recommendation, share: "100%"}], ties: [authority], reserve: 2}
      - {id: regional, type: publicity, audience: region, period: {days: 5, unit: work_day}, by_post: {days: 3, unit: work_day}, substitute: {times_max: 1}}
  nation:
    steps:
      - {id: jury, type: expert_review, mode: score, panel_size: 4, quorum: "1/2", scale: {minimum: 0, maximum: 10, step: "0.5"}, trim: {drop: 1, min_left: 2, otherwise: stop}, groups: {fact: field, normalise: rank}, period: {days: 10, unit: work_day}}
      - {id: pick, type: selection, seats: 5, differential: "3/2", weights: [{component: expert, share: "100%"}], ties: [include_all, authority], ceiling: 6, reserve: 3, children: {max: 4}}
      - {id: everybody, type: publicity, audience: public, period: {days: 7, unit: natural_day}, accept_anonymous: with_evidence_only, substitute: {within: {days: 20, unit: natural_day}}}
"""


SPANS = """\
programme: span-builders
edition: 1
title: {zh: 测试架桥人, en: Builders of spans}
subject: person
units: {file: ../units.csv, root: "9"}
routes: [{id: own, ranks: [prefecture]}]
titles:
  - {id: gold, label: {zh: 金桥人}}
  - {id: silver, label: {zh: 银桥人}}
stages:
  prefecture: # marks of 0 and 1: half of the field shares the first place
    steps:
      - {id: intake, type: intake, channels: [self], period: {days: 5, unit: work_day}}
      - {id: review, type: expert_review, mode: score, panel_size: 1, quorum: "1/2", scale: {minimum: 0, maximum: 1, step: 1}, period: {days: 5, unit: work_day}}
      - {id: pick, type: selection, seats: 24, weights: [{component: expert, share: "100%"}]}
      - {id: confer, type: conferral, body: office, grades: [{title: gold, seats: 2}, {title: silver, seats: 5}], period: {days: 5, unit: work_day}}
"""


class Bridge(Conductor):
    """A judge steps back from somebody; the titles wait until the counties' answers have run out, and one veto comes late."""

    refused = ""
    spared = vetoed = ""

    async def _act(self, state: rounds.State) -> bool:
        step, run = state.current, rounds.run_of(state, state.current)
        if step == "review" and run.judges and not self.spared:
            self.spared = next(iter(state.members))
            recuse = Recuse(step=step, nomination=self.spared, reason="师徒")
            await self._do(state.stream, recuse, Actor(id=run.judges[0], role="judge"))
            state = await self._state(state.stream)
        if step == "confer" and not self.refused and not state.over:
            await self._ask_again(state)
        return await super()._act(state)

    async def _ask_again(self, state: rounds.State) -> None:
        self._now += timedelta(days=40)
        with pytest.raises(Refused) as refusal:
            await self._do(state.stream, Confer(step="confer"), body_members("office")[0])
        self.refused, self.vetoed = refusal.value.code, next(iter(state.members))
        assert state.opened is not None
        for below in state.opened.children:
            here = tuple(id for id in (await self._state(below)).members if id in state.members)
            await self._do(below, RequestClearance(step="asked", nominations=here), operator())
            for id in here:
                outcome: Any = "object" if id == self.vetoed else "clear"
                said = ReplyClearance(step="asked", department="tax", nomination=id, outcome=outcome)
                await self._do(below, said, clerk("tax"))


async def ends(
    folder: Path, text: str, units: str = UNITS, kind: type[Conductor] = Conductor
) -> tuple[Any, dict[str, State]]:
    """Everybody's end in a rehearsed cycle of this programme."""
    (folder / "own").mkdir()
    (folder / "units.csv").write_text(units, encoding="utf-8")
    file = folder / "own" / "1.yaml"
    file.write_text(text, encoding="utf-8")
    [turn] = turns(file, BEGINS)
    party = invent(turn.opened.programme, turn.opened.units, units=3, nominations=24)
    conductor = kind(MemoryEventStore(), party, turn.period)
    assert (await conductor.run()).status == "completed"
    streams = {id: names.nomination_stream(conductor.cycle, id) for id in conductor.people}
    folded = await conductor.decider.nominations.get_many(list(streams.values()))
    return conductor, {id: folded[stream].state for id, stream in streams.items()}


async def test_a_prefecture_with_unions_a_strict_ladder_and_two_reviews_recommends_upward(
    tmp_path: Path,
) -> None:
    """DR-02, DR-04, DR-09, DR-14, DR-28: nobody leaves for want of what the definition gives them."""
    conductor, told = await ends(tmp_path, HARBOUR)
    root = names.round_stream(conductor.cycle, names.ROOT_ROUTE, "9")
    recommended = (await conductor.decider.rounds.get(root)).state.reported
    assert recommended is not None
    assert len(recommended.recommended) == 4
    went_up = {id for id, one in told.items() if one.status == Status.RECOMMENDED}
    assert went_up == set(recommended.recommended)
    assert all(one.over for one in told.values())
    ways = {conductor.people[id].route for id, one in told.items() if one.level > 1}
    assert ways == {"districts", "trades"}
    assert {one.titles for one in told.values()} == {("seed",)}
    left = Counter(one.reason.partition(":")[0] for one in told.values() if one.gone)
    assert set(left) <= {"NOT_SELECTED", "INELIGIBLE"}


async def test_rules_that_cannot_hold_are_told_where_the_rehearsal_stands_still_dr_26(tmp_path: Path) -> None:
    """Nobody of the kitchen passes the eligibility, and one seat is theirs at least."""
    impossible = HARBOUR.replace("at_least_one_netter", "a_cook").replace(
        "value: nets}, op", "value: kitchen}, op"
    )
    with pytest.raises(Refused) as refused:
        await ends(tmp_path, impossible)
    assert refused.value.code == "REHEARSAL_STUCK"
    assert refused.value.facts["held"] == "RULES_INFEASIBLE"
    assert refused.value.facts["detail"].startswith("a_cook: ")


async def test_where_nominations_are_joint_alone_invented_people_sponsor_them_dr_05(tmp_path: Path) -> None:
    joint = UNION.replace("[association, joint], sponsors_min: 2", "[joint], sponsors_min: 4")
    _, told = await ends(tmp_path, joint, UNION_UNITS)
    entered = [one.submitted for one in told.values() if one.submitted]
    assert {(one.channel, len(set(one.sponsors))) for one in entered} == {("joint", 4)}
    assert Counter(one.titles for one in told.values())[("star",)] == 6


async def test_a_city_judges_by_field_in_groups_and_then_together_and_it_is_taken_again_the_same_dr_13_dr_45(
    tmp_path: Path,
) -> None:
    """分组评审, then 综合评审: by hand and by vote below, by lot and on one scale above."""
    conductor, told = await ends(tmp_path, FIELDS)
    assert Counter(one.titles for one in told.values())[("craftsman",)] == 6
    root = names.round_stream(conductor.cycle, names.ROOT_ROUTE, "9")
    run = (await conductor.decider.rounds.get(root)).state.steps["in_groups"]
    assert set(run.seated) == set(run.grouped.values()) == {"boats", "nets", "kitchen"}
    assert sorted(judge for judges in run.seated.values() for judge in judges) == sorted(run.judges)
    assert run.panel is not None
    best = {group: max(one.value for one in run.panel.results if one.group == group) for group in run.seated}
    assert best == dict.fromkeys(run.seated, 100)
    assert isinstance(conductor.store, MemoryEventStore)
    tally = await taken_again(conductor.store)
    assert tally.events == await conductor.store.last_position()
    assert not tally.folded


async def test_two_provinces_recommend_events_that_people_put_forward_together_dr_02_dr_05_dr_08_dr_28(
    tmp_path: Path,
) -> None:
    """No union of theirs puts anything forward, a track passes one of three endorsements, and no title is conferred."""
    conductor, told = await ends(tmp_path, RIVERS, RIVERS_UNITS)
    assert isinstance(conductor.store, MemoryEventStore)
    events = [event for event in await conductor.store.read_all(0, 100_000) if event.type == "FastTracked"]
    assert {event.stream.split("/")[2] for event in events} == {"land", "water"}
    assert {one.submitted.channel for one in told.values() if one.submitted} == {"joint"}
    cycle = (await conductor.decider.cycles.get(names.cycle_stream(conductor.cycle))).state
    assert cycles.intake_closes_at(cycle).astimezone(SHANGHAI).time() == time(17, 30)
    ways = Counter(conductor.people[id].route for id, one in told.items() if one.status == Status.RECOMMENDED)
    assert ways.total() >= 5
    assert ways.keys() == {"land", "water"}
    assert all(one.over and not one.titles for one in told.values())
    assert not (await taken_again(conductor.store)).folded


async def test_an_industry_union_chooses_studios_by_two_votes_and_a_panel_s_dr_02_dr_19_dr_33(
    tmp_path: Path,
) -> None:
    conductor, told = await ends(tmp_path, UNION, UNION_UNITS)
    assert Counter(one.titles for one in told.values())[("star",)] == 6
    assert {one.submitted.channel for one in told.values() if one.submitted} == {"association", "joint"}
    root = (
        await conductor.decider.rounds.get(names.round_stream(conductor.cycle, names.ROOT_ROUTE, "9I1"))
    ).state
    assert set(root.components) == {"web", "app", "quality"}
    assert all(one.over for one in told.values())


async def test_answers_that_run_out_before_the_conferral_are_given_once_more_dr_11(tmp_path: Path) -> None:
    """The invented people of a rehearsal ask anew, as people would: such a programme can be seen to its end."""
    shown = "      - {id: shown, type: publicity, period: {days: 5, unit: work_day}}\n"
    before, confer, after = BRIDGE.replace("days: 30", "days: 2").partition("      - {id: confer,")
    conductor, told = await ends(tmp_path, before + shown + confer + after)
    assert Counter(one.titles for one in told.values())[("keeper",)] == 4
    events = await conductor.store.read_all(0, 100_000)
    again = {event.stream.rsplit("/", 1)[-1] for event in events if event.type == "ClearanceRequested"}
    assert again == {"901", "902"}
    assert not (await taken_again(conductor.store)).folded


async def test_nor_is_anybody_recommended_upward_on_such_answers_dr_11(tmp_path: Path) -> None:
    shown = "      - {id: shown, type: publicity, period: {days: 5, unit: work_day}}\n"
    before, _, _ = BRIDGE.replace("days: 30", "days: 2").partition("      - {id: confer,")
    conductor, _ = await ends(tmp_path, before + shown)
    root = names.round_stream(conductor.cycle, names.ROOT_ROUTE, "9")
    held = [read(event) for event in await conductor.store.load(root) if event.type == "StepHeld"]
    assert {one.code for one in held if isinstance(one, StepHeld)} >= {"CLEARANCE_EXPIRED"}
    reported = (await conductor.decider.rounds.get(root)).state.reported
    assert reported is not None
    assert len(reported.recommended) == 4
    assert not (await taken_again(conductor.store)).folded


async def test_answers_from_below_and_too_few_scores_wait_for_people_and_every_decision_is_taken_again_the_same(
    tmp_path: Path,
) -> None:
    """DR-11, DR-16, DR-45."""
    conductor, told = await ends(tmp_path, BRIDGE, kind=Bridge)
    root = names.round_stream(conductor.cycle, names.ROOT_ROUTE, "9")
    state: rounds.State = (await conductor.decider.rounds.get(root)).state
    assert state.steps["review"].waived_rules == {"trim"}
    assert state.steps["review"].panel is not None
    methods = {one.nomination: one.method for one in state.steps["review"].panel.results}
    assert {id for id, method in methods.items() if method == "plain"} == {conductor.spared}
    assert conductor.refused == "CLEARANCE_EXPIRED"
    assert state.out[conductor.vetoed] == ("confer", "CLEARANCE_OBJECTED")
    assert told[conductor.vetoed].titles == ()
    assert Counter(one.titles for one in told.values())[("keeper",)] == 3
    assert not (await taken_again(conductor.store)).folded


async def test_equals_between_two_grades_are_ordered_before_anybody_is_given_a_title_dr_17_dr_33(
    tmp_path: Path,
) -> None:
    conductor, told = await ends(tmp_path, SPANS)
    root = names.round_stream(conductor.cycle, names.ROOT_ROUTE, "9")
    state: rounds.State = (await conductor.decider.rounds.get(root)).state
    assert Counter(one.titles for one in told.values()) == {("gold",): 2, ("silver",): 5, (): 17}
    assert {one.reason for one in told.values() if one.gone} == {"NO_GRADE_LEFT"}
    assert {id for id, one in told.items() if one.titles} <= set(state.steps["confer"].resolution)
    assert not (await taken_again(conductor.store)).folded
