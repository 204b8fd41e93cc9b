"""Titles and what comes of them: conferral, rewards, terms, assessments, revocation, and history in later editions."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from domain.entry import ended_here
from domain.history import Past, counted, longest_run, passes
from domain.nomination import Status as Nominated
from domain.rewards import entries, split
from domain.title import Status, is_paid, label_at, schedule
from schemas.commands import (
    AgreeShares,
    AppealRevocation,
    AssessTitle,
    Confer,
    DecideRevocation,
    DelistTitle,
    Disqualify,
    HearHolder,
    NoteDeath,
    NoteLeaderLeft,
    NoteTransfer,
    PayReward,
    ProposeRevocation,
    RecordHonour,
    RecoverRewards,
    ReplaceLeader,
    RuleOnAppeal,
    WaivePredicate,
)
from schemas.errors import Refused
from schemas.events import (
    EligibilityChecked,
    EntitlementIssued,
    HeldTitle,
    HonourRecorded,
    MemberShare,
    PoolFrozen,
    RevocationDecided,
    RewardPaid,
    RewardRecovered,
    TitleAssessed,
    TitleDelisted,
    TitlesConferred,
)
from schemas.ledger import Actor
from schemas.programme import History, Reward
from schemas.units import UnitTree
from tests.domain.specification import (
    COUNCIL,
    COUNCIL_2,
    DAY,
    HANDLER,
    INTAKE,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    STRANGER,
    World,
    declared,
    refused,
    step,
)

PAPER = "ab" * 32
CASH = {"title": "pilot", "type": "cash", "amount_fen": 2_000_000, "label": {"zh": "奖金"}}
THREE_YEARS = {
    "id": "support",
    "title": "pilot",
    "type": "instalments",
    "amount_fen": 20_000_000,
    "parts": 3,
    "after_assessment": True,
    "label": {"zh": "资助"},
}
YEARLY = {
    "id": "matching",
    "title": "pilot",
    "type": "yearly",
    "amount_fen": 1_000_001,
    "years": 2,
    "payers": [{"id": "union", "share": "1/2"}, {"id": "enterprise", "share": "1/2"}],
    "label": {"zh": "配套"},
}
CARD = {
    "id": "card",
    "title": "pilot",
    "type": "entitlement",
    "issuer": {"zh": "测试·景区"},
    "valid_years": 3,
    "label": {"zh": "匠星卡"},
}


def world_of(
    *members: str,
    pilot: dict[str, Any] | None = None,
    grades: tuple[dict[str, Any], ...] = ({"title": "pilot"},),
    before: tuple[dict[str, Any], ...] = (),
    stage: dict[str, Any] | None = None,
    past: Mapping[str, tuple[HeldTitle, ...]] | None = None,
    **said: Any,
) -> World:
    """A world of one unit that confers on everybody who passes `before`; its intake is over, its pool frozen."""
    titles = [
        {"id": "helper", "label": {"zh": "助手"}},
        {"id": "pilot", "label": {"zh": "领航员"}} | (pilot or {}),
        {"id": "gold_pilot", "label": {"zh": "金牌领航员"}, "requires": {"title": "pilot", "mode": "strict"}},
    ]
    steps = [INTAKE, *before, step("conferral", body="council", grades=list(grades))]
    programme = declared(
        [{"id": "river", "ranks": ["province"]}],
        {"province": {"steps": steps} | (stage or {})},
        titles=titles,
        **said,
    )
    tree = UnitTree.model_validate(
        {"root": "9", "units": [{"code": "9", "name": "测试省", "rank": "province"}]}
    )
    world = World(programme, tree, past=dict(past or {})).open()
    for id in members:
        world.submit(id, years=20)
    return world


def begun(world: World) -> World:
    world.close_intake()
    return world.begin()


def confer(world: World, **said: Any) -> None:
    if not world.round().steps.get("conferral"):
        world.open_step("conferral")
    for one in (COUNCIL, COUNCIL_2):
        world.at(Confer(step="conferral", **said), one)


def holder(**said: Any) -> World:
    """A world in which `a` is a pilot."""
    world = begun(world_of("a", **said))
    confer(world)
    return world


def to_a(world: World, body: Any, by: Actor = OPERATOR, command: str = "") -> Any:
    return world.on_title("a", "pilot", body, by, command)


def by_two(world: World, body: Any, first: Actor = COUNCIL, second: Actor = COUNCIL_2) -> Any:
    to_a(world, body, first)
    return to_a(world, body, second)


def revoke(world: World) -> Any:
    to_a(world, ProposeRevocation(ground="fraud", document=PAPER, reason="材料造假"), HANDLER)
    to_a(world, HearHolder(attended=True, reason="已听取"), HANDLER)
    return by_two(world, DecideRevocation(outcome="revoked", reason="查实"))


def past_title(
    title: str = "pilot",
    year: int = 2020,
    programme: str = "harbour",
    edition: int | None = None,
    **said: Any,
) -> HeldTitle:
    """A title of another cycle of the same engine, or of elsewhere."""
    stream = f"title/{programme}.{year}/x/{title}"
    values = {"stream": stream, "seq": 1, "title": title, "programme": programme, "edition": edition or year}
    return HeldTitle.model_validate(values | {"since": date(year, 6, 1)} | said)


def history(id: str = "past", severity: str = "hard", **said: Any) -> dict[str, Any]:
    return {"id": id, "history": said, "severity": severity}


def eligibility(*conditions: dict[str, Any]) -> dict[str, Any]:
    return step("eligibility", predicates=list(conditions), correction={"days": 3, "unit": "work_day"})


# ---- conferral: DR-33 ----


def test_a_conferred_title_begins_a_stream_of_its_own_once_dr_33() -> None:
    world = holder(pilot={"term_years": 3})
    state = world.title("a", "pilot")
    assert state.conferred is not None
    assert (state.status, state.subject, state.conferred.certificate) == (
        Status.ACTIVE,
        "subject-a",
        "harbour-1-9-0001",
    )
    assert (state.conferred.effective_on, state.conferred.expires_on) == (
        date(2024, 3, 12),
        date(2027, 3, 12),
    )
    assert state.seq == 1  # though its message came twice


def test_three_for_two_seats_that_no_selection_ranked_are_refused_whole_dr_33() -> None:
    world = begun(world_of("a", "b", "c", grades=({"title": "pilot", "seats": 2},)))
    world.open_step("conferral")
    refusal = refused("SEATS_EXCEEDED", lambda: world.at(Confer(step="conferral"), COUNCIL))
    assert refusal.facts == {"wanted": "3", "seats": "2"}
    assert world.events(world.round_stream(), TitlesConferred) == []
    world.withdraw("c")
    confer(world)
    assert [world.title(id, "pilot").status for id in "abc"] == ["active", "active", "new"]


@pytest.mark.parametrize(
    "first", [{"title": "helper", "seats": 1}, {"title": "helper", "seats": 1, "also": True}], ids=str
)
def test_no_id_says_who_has_the_grade_of_a_list_that_no_selection_ranked_dr_17_dr_33(
    first: dict[str, Any],
) -> None:
    world = begun(world_of("a", "b", grades=(first, {"title": "pilot"})))
    world.open_step("conferral")
    refusal = refused("SEATS_EXCEEDED", lambda: world.at(Confer(step="conferral"), COUNCIL))
    assert refusal.facts == {"wanted": "2", "seats": "1"}
    world.withdraw("b")
    confer(world)
    assert world.title("a", "helper").status == Status.ACTIVE


def test_a_posthumous_title_and_its_effective_day_are_written_dr_33() -> None:
    world = begun(world_of("a", "b"))
    refused("NOT_ON_LIST", lambda: confer(world, posthumous=("c",)))
    confer(world, posthumous=("b",), effective_on=date(2024, 5, 1))
    first, second = world.title("a", "pilot").conferred, world.title("b", "pilot").conferred
    assert first is not None
    assert second is not None
    assert (first.posthumous, second.posthumous) == (False, True)
    assert first.effective_on == second.effective_on == date(2024, 5, 1)


@pytest.mark.parametrize("goes_on", [True, False])
def test_who_dies_after_submission_is_honoured_if_the_programme_says_so_dr_37(goes_on: bool) -> None:
    world = begun(world_of("a", "b", continue_after_death=goes_on))
    early = NoteDeath(died_on=date(2025, 1, 1), document=PAPER)
    refused("NOT_YET", lambda: world.on("a", early))
    refused("NOT_AUTHORISED", lambda: world.on("a", early, STRANGER))
    died = NoteDeath(died_on=date(2024, 3, 8), document=PAPER)
    world.on("a", died)
    confer(world)
    conferred = world.title("a", "pilot").conferred
    assert (conferred is not None and conferred.posthumous) is goes_on
    assert world.nomination("a").status == ("conferred" if goes_on else "withdrawn")
    assert world.title("b", "pilot").status == Status.ACTIVE


def test_a_transfer_changes_the_unit_and_never_the_route_dr_37_dr_02() -> None:
    world = world_of("a")
    refused("NOT_FOUND", lambda: world.on("a", NoteTransfer(unit="77", reason="调动")))
    assert world.on("a", NoteTransfer(unit="9", reason="调动")) == ()
    units = [*world.tree.units, world.tree.units[0].model_copy(update={"code": "91", "parent": "9"})]
    world.tree = UnitTree(root="9", units=tuple(units))
    before = world.nomination("a")
    world.on("a", NoteTransfer(unit="91", reason="调动"))
    after = world.nomination("a")
    assert (after.works_at, after.submitted, after.round) == ("91", before.submitted, before.round)


@pytest.mark.parametrize(
    ("pilot", "held", "blocked"),
    [
        ({}, past_title(), True),
        ({"repeatable": True}, past_title(), False),
        ({}, past_title(until=date(2023, 6, 1)), False),
        ({}, past_title(revoked_on=date(2021, 1, 1), until=date(2021, 1, 1)), False),
    ],
    ids=["held", "repeatable", "its term is over", "revoked"],
)
def test_the_same_title_twice_is_refused_unless_repeatable_dr_33(
    pilot: dict[str, Any], held: HeldTitle, blocked: bool
) -> None:
    world = begun(world_of("a", "b", pilot=pilot, past={"a": (held,)}))
    if not blocked:
        confer(world)
        assert world.title("a", "pilot").status == Status.ACTIVE
        return
    refusal = refused("CONFERRAL_BLOCKED", lambda: confer(world))
    assert refusal.facts["nominations"] == "a pilot: TITLE_HELD"
    assert world.title("b", "pilot").status == Status.NEW
    for one in (OPERATOR, OPERATOR_2):
        world.on("a", Disqualify(reason="已获得"), one)
    confer(world)
    assert world.title("b", "pilot").status == Status.ACTIVE


def test_exclusive_titles_do_not_go_to_one_nomination_dr_33() -> None:
    grades = ({"title": "helper", "seats": 1, "also": True}, {"title": "pilot", "seats": 1})
    both = begun(world_of("a", grades=grades))
    confer(both)
    assert both.nomination("a").titles == ("helper", "pilot")
    world = begun(world_of("a", grades=grades, pilot={"exclusive_with": ["helper"]}))
    confer(world)
    assert world.nomination("a").titles == ("helper",)


def test_a_title_is_called_as_the_unit_calls_it_dr_04() -> None:
    world = holder(pilot={"labels": [{"unit": "9", "label": {"zh": "青烟工匠"}}]})
    conferred = world.title("a", "pilot").conferred
    assert conferred is not None
    assert (conferred.title, conferred.label.zh) == ("pilot", "青烟工匠")
    title = world.programme.title_of("helper")
    assert title is not None
    assert label_at(title, "9", world.tree).zh == "助手"


# ---- rewards: DR-34 ----


@drawn(st.integers(0, 10**12), st.lists(st.integers(1, 10**6), min_size=1, max_size=40), st.booleans())
def test_parts_add_up_to_the_fen_and_the_rest_goes_where_the_rule_says_dr_34(
    amount: int, weights: list[int], first: bool
) -> None:
    shares = [Fraction(weight, sum(weights)) for weight in weights]
    parts = split(amount, shares, "first" if first else "last")
    assert sum(parts) == amount
    exact = [int(amount * share) for share in shares]
    rest = slice(1, None) if first else slice(None, -1)
    assert parts[rest] == exact[rest]
    assert 0 <= parts[0 if first else -1] - exact[0 if first else -1] < len(parts)


def test_twenty_ten_thousands_over_three_years_fall_due_year_by_year_dr_34() -> None:
    reward = Reward.model_validate(THREE_YEARS)
    due = entries(reward, date(2024, 2, 29), date(2099, 1, 1))
    assert [(one.period, one.amount_fen, one.due_on) for one in due] == [
        ("1", 6_666_666, date(2024, 2, 28)),
        ("2", 6_666_666, date(2025, 2, 28)),
        ("3", 6_666_668, date(2026, 2, 28)),
    ]
    listed = reward.model_copy(update={"instalments": (10, 5, 5), "parts": None, "amount_fen": None})
    assert [one.amount_fen for one in entries(listed, date(2024, 1, 1), date(2025, 1, 1))] == [10, 5]


def test_a_double_click_pays_once_and_gets_the_first_receipt_dr_34() -> None:
    world = holder(rewards=[CASH])
    pay = PayReward(item="cash", period="1", reference="T-1")
    [paid] = to_a(world, pay)
    assert paid == RewardPaid(item="cash", period="1", amount_fen=2_000_000, reference="T-1")
    again = world.decide(world.command("title/harbour.1/a/pilot", pay, OPERATOR_2))
    assert (again.events, again.already) == (
        (),
        world.title("a", "pilot").ledger["cash", "1", "", ""].command,
    )
    assert to_a(world, pay, OPERATOR_2) == (paid,)
    assert world.title("a", "pilot").seq == 2


def test_nothing_is_paid_early_twice_or_to_a_stranger_dr_34() -> None:
    world = holder(rewards=[CASH, THREE_YEARS], pilot={"annual_assessment": {"fails": 2}})
    refused("NOT_AUTHORISED", lambda: to_a(world, PayReward(item="cash", period="1"), STRANGER))
    refused("NOT_FOUND", lambda: to_a(world, PayReward(item="cash", period="2")))
    refused("NOT_FOUND", lambda: to_a(world, PayReward(item="cash", period="99999999999")))
    refused("NOT_FOUND", lambda: to_a(world, PayReward(item="gold", period="1")))
    to_a(world, AssessTitle(year=1, result="pass"))
    refusal = refused("NOT_YET", lambda: to_a(world, PayReward(item="support", period="2")))
    assert refusal.facts["on"] == "2025-03-12"


def test_an_instalment_waits_for_the_assessment_before_it_dr_34() -> None:
    world = holder(rewards=[THREE_YEARS], pilot={"annual_assessment": {"fails": 2}})
    to_a(world, PayReward(item="support", period="1"))
    world.now += 370 * DAY
    second = PayReward(item="support", period="2")
    refused("REWARD_WITHHELD", lambda: to_a(world, second))
    to_a(world, AssessTitle(year=1, result="fail", reason="未达标"))
    refusal = refused("REWARD_WITHHELD", lambda: to_a(world, second))
    assert refusal.facts["why"] == "assessment of year 1 not passed"
    to_a(world, AssessTitle(year=1, result="pass", reason="复核"))
    [paid] = to_a(world, second)
    assert paid.amount_fen == 6_666_666
    assert len(world.events("title/harbour.1/a/pilot", TitleAssessed)) == 2


def test_yearly_support_is_borne_by_two_to_the_fen_dr_34() -> None:
    world = holder(rewards=[YEARLY])
    [union] = to_a(world, PayReward(item="matching", period="1", payer="union"))
    [enterprise] = to_a(world, PayReward(item="matching", period="1"))
    assert (union.amount_fen, enterprise.payer, enterprise.amount_fen) == (500_000, "enterprise", 500_001)
    due = schedule(world.title("a", "pilot"), world.programme, date(2030, 1, 1))
    assert [(one.period, one.payer) for one in due] == [
        ("1", "union"),
        ("1", "enterprise"),
        ("2", "union"),
        ("2", "enterprise"),
    ]


def test_a_teams_reward_is_shared_among_its_members_exactly_dr_34() -> None:
    world = holder(rewards=[CASH | {"amount_fen": 100, "members": True, "remainder": "first"}])
    pay = PayReward(item="cash", period="1")
    refused("REWARD_WITHHELD", lambda: to_a(world, pay))
    thirds = tuple(MemberShare(member=f"m-{n}", share=Fraction(1, 3)) for n in range(3))
    refused("SHARES_NOT_WHOLE", lambda: to_a(world, AgreeShares(shares=thirds[:2])))
    refused("SHARES_NOT_WHOLE", lambda: to_a(world, AgreeShares(shares=(thirds[0],) * 3)))
    to_a(world, AgreeShares(shares=thirds))
    paid = to_a(world, pay)
    assert [(one.payee, one.amount_fen) for one in paid] == [("m-0", 34), ("m-1", 33), ("m-2", 33)]
    alone = (MemberShare(member="m-0", share=Fraction(1)),)
    refused("SHARES_IN_USE", lambda: to_a(world, AgreeShares(shares=alone)))


def test_an_entitlement_has_an_issuer_and_an_end_dr_34() -> None:
    world = holder(rewards=[CARD])
    [issued] = to_a(world, PayReward(item="card", period="1", reference="K-1"))
    assert isinstance(issued, EntitlementIssued)
    assert issued.issuer is not None
    assert (issued.issuer.zh, issued.expires_on) == ("测试·景区", date(2027, 3, 12))
    assert to_a(world, PayReward(item="card", period="1")) == (issued,)


def test_rewards_end_with_the_term_dr_35() -> None:
    world = holder(rewards=[YEARLY | {"years": None}], pilot={"term_years": 2})
    due = schedule(world.title("a", "pilot"), world.programme, date(2040, 1, 1))
    assert {one.period for one in due} == {"1", "2"}
    refused("NOT_FOUND", lambda: to_a(world, PayReward(item="matching", period="3")))


def test_all_eligible_get_the_entitlement_without_a_contest_dr_34() -> None:
    """北京助推 (S3): conditions and a service card, no selection."""
    has_card = {"id": "has_card", "fact": "frontline", "op": "==", "value": True}
    world = world_of(before=(eligibility(has_card),), rewards=[CARD])
    for id, card in {"a": True, "b": False, "c": True}.items():
        world.submit(id, frontline=card)
    begun(world)
    world.open_step("eligibility")
    confer(world)
    assert [world.title(id, "pilot").status for id in "abc"] == ["active", "new", "active"]
    assert world.nomination("b").status is Nominated.ELIMINATED
    [issued] = world.on_title("c", "pilot", PayReward(item="card", period="1"), OPERATOR)
    assert isinstance(issued, EntitlementIssued)


ACTS: dict[str, tuple[Any, Actor]] = {
    "pay": (PayReward(item="cash", period="1"), OPERATOR),
    "pay first": (PayReward(item="support", period="1"), OPERATOR),
    "pay second": (PayReward(item="support", period="2"), OPERATOR_2),
    "union pays": (PayReward(item="matching", period="1", payer="union"), OPERATOR),
    "all pay": (PayReward(item="matching", period="1"), OPERATOR),
    "pass": (AssessTitle(year=1, result="pass"), OPERATOR),
    "propose": (ProposeRevocation(ground="g", document=PAPER, reason="r"), HANDLER),
    "hear": (HearHolder(attended=False, reason="r"), HANDLER),
    "revoke": (DecideRevocation(outcome="revoked", reason="r"), COUNCIL),
    "revoke too": (DecideRevocation(outcome="revoked", reason="r"), COUNCIL_2),
    "appeal": (AppealRevocation(reason="r"), OFFICER),
    "restore": (RuleOnAppeal(outcome="restored", reason="r"), COUNCIL),
    "restore too": (RuleOnAppeal(outcome="restored", reason="r"), COUNCIL_2),
    "recover": (RecoverRewards(reference="r"), OPERATOR),
}


@settings(deadline=None, max_examples=150)
@drawn(st.lists(st.sampled_from(sorted(ACTS)), max_size=40), st.integers(0, 800))
def test_whatever_people_do_each_entry_of_the_ledger_is_paid_at_most_once_dr_34(
    acts: list[str], days: int
) -> None:
    world = holder(rewards=[CASH, THREE_YEARS, YEARLY], pilot={"annual_assessment": {"fails": 2}})
    world.now += days * DAY
    everything = schedule(world.title("a", "pilot"), world.programme, date(2099, 1, 1))
    worth = {entry.key: entry.amount_fen for entry in everything}
    for act in acts:
        body, who = ACTS[act]
        before = world.title("a", "pilot")
        try:
            events = to_a(world, body, who)
        except Refused:
            assert world.title("a", "pilot") == before
            continue
        stream = "title/harbour.1/a/pilot"
        balance = dict.fromkeys(worth, 0)
        for event in world.events(stream, RewardPaid) + world.events(stream, RewardRecovered):
            balance[event.item, event.period, event.payer, event.payee] += event.amount_fen
        assert all(balance[key] in (0, amount) for key, amount in worth.items())
        assert isinstance(events, tuple)
    state = world.title("a", "pilot")
    assert {e.key for e in everything if is_paid(state, e)} == {
        k for k, p in state.ledger.items() if p.amount_fen
    }


# ---- terms and assessments: DR-35 ----


@pytest.mark.parametrize(
    ("counted", "results", "gone"),
    [
        ("consecutive", {1: "fail", 2: "warn", 3: "fail"}, False),
        ("consecutive", {1: "pass", 2: "fail", 3: "fail"}, True),
        ("total", {1: "fail", 2: "pass", 3: "fail"}, True),
    ],
)
def test_failures_take_a_title_off_the_register_dr_35(
    counted: str, results: dict[int, Any], gone: bool
) -> None:
    world = holder(pilot={"annual_assessment": {"fails": 2, "counted": counted}})
    world.now += 800 * DAY
    for year, result in results.items():
        to_a(world, AssessTitle(year=year, result=result))
    assert (world.title("a", "pilot").status == Status.DELISTED) is gone
    assert bool(world.events("title/harbour.1/a/pilot", TitleDelisted)) is gone


def test_an_assessment_is_of_a_year_that_has_begun_and_of_a_title_that_has_them_dr_35() -> None:
    world = holder(pilot={"annual_assessment": {"fails": 1}, "term_years": 1})
    refused("NOT_YET", lambda: to_a(world, AssessTitle(year=2, result="pass")))
    world.now += 366 * DAY
    refusal = refused("TITLE_STATUS", lambda: to_a(world, AssessTitle(year=1, result="pass")))
    assert refusal.facts["status"] == "expired"
    refused("NO_ASSESSMENT", lambda: to_a(holder(), AssessTitle(year=1, result="pass")))
    refused("NOT_FOUND", lambda: world.on_title("b", "pilot", AssessTitle(year=1, result="pass"), OPERATOR))


def test_when_the_leader_leaves_they_are_replaced_or_the_title_cancelled_dr_35() -> None:
    world = holder(rewards=[CASH])
    to_a(world, NoteLeaderLeft(reason="退休"))
    assert to_a(world, NoteLeaderLeft(reason="退休")) == ()
    refused("REWARD_WITHHELD", lambda: to_a(world, PayReward(item="cash", period="1")))
    to_a(world, ReplaceLeader(leader="subject-z", entry="e", commitment="0" * 64, reason="接任"))
    to_a(world, PayReward(item="cash", period="1"))
    to_a(world, NoteLeaderLeft(reason="调离"))
    by_two(world, DelistTitle(reason="无人接任"), OPERATOR, OPERATOR_2)
    assert world.title("a", "pilot").status == Status.DELISTED
    refused("TITLE_STATUS", lambda: to_a(world, NoteLeaderLeft(reason="r")))


def test_a_title_is_delisted_by_two_who_both_may_dr_44() -> None:
    world = holder()
    to_a(world, DelistTitle(reason="无人接任"), OPERATOR)
    world.revoke(OPERATOR)
    to_a(world, DelistTitle(reason="无人接任"), OPERATOR_2)
    assert world.title("a", "pilot").status == Status.ACTIVE


# ---- revocation: DR-36 ----


def test_a_title_is_revoked_in_order_by_two_of_the_body_and_never_deleted_dr_36_dr_44() -> None:
    world = holder(pilot={"bar_years": 3})
    decide = DecideRevocation(outcome="revoked", reason="查实")
    refused("TITLE_STATUS", lambda: to_a(world, decide, COUNCIL))
    to_a(world, ProposeRevocation(ground="fraud", document=PAPER, reason="材料造假"), HANDLER)
    refused("TITLE_STATUS", lambda: to_a(world, decide, COUNCIL))
    to_a(world, HearHolder(attended=True, reason="已听取"), HANDLER)
    refused("NOT_AUTHORISED", lambda: to_a(world, decide, OPERATOR))
    to_a(world, decide, COUNCIL)
    assert world.title("a", "pilot").status == Status.HEARD
    refused("SECOND_PERSON_REQUIRED", lambda: to_a(world, decide, COUNCIL))
    to_a(world, decide, COUNCIL_2)
    state = world.title("a", "pilot")
    assert (state.status, state.revoked_on, state.barred_until) == (
        Status.REVOKED,
        date(2024, 3, 12),
        date(2027, 3, 12),
    )
    assert state.conferred is not None
    assert world.nomination("a").titles == ("pilot",)  # the past is not rewritten


def test_kept_is_kept_and_an_appeal_restores_or_ends_it_dr_36() -> None:
    world = holder()
    to_a(world, ProposeRevocation(ground="fraud", document=PAPER, reason="r"), OFFICER)
    to_a(world, HearHolder(attended=False, reason="r"), HANDLER)
    by_two(world, DecideRevocation(outcome="kept", reason="查无实据"))
    assert world.title("a", "pilot").status == Status.ACTIVE
    revoke(world)
    to_a(world, AppealRevocation(reason="不服"), OFFICER)
    refused("TITLE_STATUS", lambda: to_a(world, RecoverRewards()))
    by_two(world, RuleOnAppeal(outcome="restored", reason="r"))
    assert world.title("a", "pilot").stands(date(2024, 4, 1))
    revoke(world)
    to_a(world, AppealRevocation(reason="不服"), OFFICER)
    by_two(world, RuleOnAppeal(outcome="upheld", reason="r"))
    refused("APPEAL_OVER", lambda: to_a(world, AppealRevocation(reason="不服"), OFFICER))


def test_what_was_paid_with_a_revoked_title_is_owed_back_once_dr_34_dr_36() -> None:
    world = holder(rewards=[CASH, YEARLY])
    refused("TITLE_STATUS", lambda: to_a(world, RecoverRewards()))
    to_a(world, PayReward(item="cash", period="1"))
    to_a(world, PayReward(item="matching", period="1", payer="union"))
    revoke(world)
    refused("REWARD_WITHHELD", lambda: to_a(world, PayReward(item="matching", period="1")))
    back = to_a(world, RecoverRewards(reference="R-1"))
    assert [(one.item, one.amount_fen) for one in back] == [("cash", -2_000_000), ("matching", -500_000)]
    assert to_a(world, RecoverRewards(reference="R-1"), OPERATOR_2) == back
    assert sum(paid.amount_fen for paid in world.title("a", "pilot").ledger.values()) == 0


def test_titles_that_rest_on_a_revoked_one_are_flagged_and_stay_dr_36() -> None:
    grades = ({"title": "pilot", "seats": 1, "also": True}, {"title": "gold_pilot"})
    world = begun(world_of("a", grades=grades))
    confer(world)
    revoke(world)
    [decided] = world.events("title/harbour.1/a/pilot", RevocationDecided)
    assert decided.dependents == ("title/harbour.1/a/gold_pilot",)
    assert world.title("a", "gold_pilot").status == Status.ACTIVE


@pytest.mark.parametrize(("until", "barred"), [(date(2024, 3, 5), True), (date(2024, 3, 4), False)])
def test_a_bar_holds_until_its_day_dr_36(until: date, barred: bool) -> None:
    past = {"a": (past_title(revoked_on=date(2021, 3, 4), barred_until=until),)}
    if barred:
        refusal = refused("BARRED", lambda: world_of("a", pilot={"bar_years": 3}, past=past))
        assert refusal.facts["until"] == "2024-03-05"
    else:
        assert world_of("a", pilot={"bar_years": 3}, past=past).nomination("a").status is Nominated.OPEN


def test_whoever_is_barred_meanwhile_fails_the_check_and_blocks_the_conferral_dr_36() -> None:
    bar = past_title(revoked_on=date(2024, 3, 5), barred_until=date(2027, 3, 5))
    years = {"id": "years", "fact": "years", "op": ">=", "value": 5}
    world = world_of("a", "b", before=(eligibility(years),), pilot={"bar_years": 3})
    world.past = {"a": (bar,)}
    begun(world)
    world.open_step("eligibility")
    assert world.round().out["a"] == ("eligibility", "INELIGIBLE: barred")
    world.past = {"b": (bar,)}
    refusal = refused("CONFERRAL_BLOCKED", lambda: confer(world))
    assert refusal.facts["nominations"] == "b pilot: BARRED"


def test_a_bar_of_another_programme_is_none_of_ours_dr_36() -> None:
    past = {"a": (past_title(programme="elsewhere", barred_until=date(2099, 1, 1)),)}
    assert world_of("a", pilot={"bar_years": 3}, past=past).nomination("a").status is Nominated.OPEN


# ---- history: DR-09, 鲁碧 ----

TODAY = date(2024, 3, 12)
YEARS = (2018, 2020, 2021, 2023)


@pytest.mark.parametrize(
    ("test", "passed"),
    [
        ({"kind": "holds"}, True),
        ({"kind": "holds", "titles": ["gold_pilot"]}, False),
        ({"kind": "holds", "active": True}, True),
        ({"kind": "holds", "active": True, "within_years": 3}, False),
        ({"kind": "not_held"}, False),
        ({"kind": "not_held", "titles": ["gold_pilot"]}, True),
        ({"kind": "count", "number": 4}, True),
        ({"kind": "count", "number": 5}, False),
        ({"kind": "count", "number": 3, "within_years": 3}, False),
        ({"kind": "count", "number": 2, "within_years": 3}, True),
        ({"kind": "count", "number": 1, "programme": "elsewhere"}, False),
        ({"kind": "consecutive", "number": 2}, True),
        ({"kind": "consecutive", "number": 3}, False),
        ({"kind": "best_rank", "number": 3}, True),
        ({"kind": "best_rank", "number": 2}, False),
    ],
    ids=str,
)
def test_history_is_counted_over_editions_rows_places_and_years_dr_09(
    test: dict[str, Any], passed: bool
) -> None:
    until = {2018: None, 2020: date(2023, 1, 1), 2021: date(2024, 3, 12), 2023: date(2024, 1, 1)}
    given = tuple(past_title(year=year, until=until[year], place=3 if year == 2021 else 9) for year in YEARS)
    past = Past(given, TODAY, world_of().programme)
    assert passes(History.model_validate({"titles": ["pilot"]} | test), past) is passed


def test_what_is_later_than_the_day_or_revoked_by_then_does_not_count_dr_09() -> None:
    programme = world_of().programme
    holds = History(kind="holds", titles=("pilot",))
    later = past_title(since=date(2024, 3, 13))
    revoked = past_title(revoked_on=date(2024, 3, 12), until=date(2024, 3, 12))
    for one in (later, revoked):
        assert not passes(holds, Past((one,), TODAY, programme))
    assert passes(holds, Past((later,), date(2024, 3, 13), programme))
    assert passes(holds, Past((revoked,), date(2024, 3, 11), programme))


def test_an_equivalent_of_elsewhere_counts_as_the_title_dr_43() -> None:
    programme = world_of(pilot={"equivalents": ["river_master"]}).programme
    held = past_title("river_master", programme="elsewhere")
    assert passes(History(kind="holds", titles=("pilot",)), Past((held,), TODAY, programme))
    assert not passes(History(kind="holds", titles=("helper",)), Past((held,), TODAY, programme))


@drawn(st.lists(st.integers(1, 12), max_size=12))
def test_the_longest_row_is_of_neighbouring_editions_in_one_programme_dr_09(editions: list[int]) -> None:
    given = [past_title(year=2000, edition=n, programme=p) for p in ("one", "two") for n in editions]
    rows = {n: next(m for m in range(20) if n + m not in editions) for n in editions}
    assert longest_run(given) == max(rows.values(), default=0)


LUBI = {
    "id": "lubi",
    "any_of": [
        history("contest_first", kind="best_rank", titles=["company_contest"], number=1),
        history("top_three", kind="best_rank", titles=["provincial_contest", "municipal_contest"], number=3),
        history("three_years", kind="count", titles=["company_model"], number=3),
        history("twice_running", kind="consecutive", titles=["pilot"], number=2),
    ],
}


@pytest.mark.parametrize(
    ("held", "passed"),
    [
        ((past_title("company_contest", place=1),), True),
        ((past_title("company_contest", place=2),), False),
        ((past_title("municipal_contest", place=3),), True),
        (tuple(past_title("company_model", year=year) for year in (2015, 2018, 2022)), True),
        (
            (past_title(year=2022, until=date(2023, 1, 1)), past_title(year=2023, until=date(2024, 1, 1))),
            True,
        ),
        (
            (past_title(year=2021, until=date(2022, 1, 1)), past_title(year=2023, until=date(2024, 1, 1))),
            False,
        ),
        ((), False),
    ],
    ids=["first", "second", "third in the city", "three years", "twice running", "with a gap", "nothing"],
)
def test_any_one_of_several_feats_is_enough_dr_09_dr_42(held: tuple[HeldTitle, ...], passed: bool) -> None:
    world = begun(world_of("a", before=(eligibility(LUBI),), past={"a": held}))
    world.open_step("eligibility")
    [checked] = world.events(world.round_stream(), EligibilityChecked)
    assert (checked.results[0].result == "pass") is passed
    assert checked.results[0].held == held  # replay needs nothing else
    assert checked.as_of == date(2024, 3, 12)


def test_all_of_and_any_of_know_what_is_unknown_dr_09() -> None:
    born = {"id": "born", "fact": "born_on", "op": "<", "value": "1990-01-01"}
    years = {"id": "long", "fact": "years", "op": ">=", "value": 5}
    fails = {"id": "short", "fact": "years", "op": "<", "value": 5}
    cases = {
        "unknown": {"id": "c", "all_of": [born, years]},
        "fail": {"id": "c", "all_of": [born, fails]},
        "pass": {"id": "c", "any_of": [born, years]},
    }
    for result, condition in cases.items():
        world = begun(world_of("a", before=(eligibility(condition),)))
        world.open_step("eligibility")
        [checked] = world.events(world.round_stream(), EligibilityChecked)
        assert checked.results[0].result == result
    world = begun(world_of("a", before=(eligibility({"id": "c", "any_of": [born, fails]}),)))
    world.open_step("eligibility")
    assert world.events(world.round_stream(), EligibilityChecked)[0].results[0].result == "unknown"


def test_history_is_judged_as_of_the_cut_off_and_again_at_the_conferral_dr_03() -> None:
    asks = history(kind="holds", titles=["helper"], active=True)
    world = begun(world_of("a", before=(eligibility(asks),), past={"a": (past_title("helper"),)}))
    revoked = past_title("helper", seq=4, revoked_on=date(2024, 3, 13), until=date(2024, 3, 13))
    world.past = {"a": (revoked,)}
    world.now += 2 * DAY
    world.open_step("eligibility")
    assert list(world.round().members) == ["a"]  # it was held at the cut-off
    refusal = refused("CONFERRAL_BLOCKED", lambda: confer(world))
    assert refusal.facts["nominations"] == "a pilot: INELIGIBLE past"


def test_a_pool_takes_holders_from_past_editions_and_blocks_those_who_lost_it_dr_03() -> None:
    pool = {"pool": {"holder_of": ["helper"]}}
    past = {"a": (past_title("helper"),), "b": (past_title("helper", until=date(2023, 1, 1)),)}
    world = begun(world_of("a", "b", "c", stage=pool, past=past))
    [frozen] = world.events(world.round_stream(), PoolFrozen)
    assert [one.nomination for one in frozen.members] == ["a"]
    assert {one.nomination: one.reason for one in frozen.dropped} == {"b": "NOT_IN_POOL", "c": "NOT_IN_POOL"}
    world.past = {"a": (past_title("helper", revoked_on=date(2024, 3, 12), until=date(2024, 3, 12)),)}
    refusal = refused("CONFERRAL_BLOCKED", lambda: confer(world))
    assert refusal.facts["nominations"] == "a pilot: NOT_IN_POOL"


def test_a_title_of_this_edition_that_was_revoked_since_serves_for_nothing_dr_03_dr_36() -> None:
    world = holder()
    inputs = world.inputs(world.command(world.round_stream(), Confer(step="conferral")))
    today = date(2024, 3, 12)
    assert ended_here(world.standing("a"), inputs, Past(world.held("a"), today, world.programme)) == set()
    revoke(world)
    standing = world.standing("a")
    assert standing.titles == ("pilot",)
    assert ended_here(standing, inputs, Past(standing.held, today, world.programme)) == {"pilot"}


# ---- the ladder: DR-04, DR-10 ----

GOLD = ({"title": "gold_pilot"},)
YEARS_5 = {"id": "years", "fact": "years", "op": ">=", "value": 5}


def test_a_strict_ladder_asks_for_the_title_below_unless_it_is_waived_dr_04_dr_10() -> None:
    world = world_of("a", "b", "c", grades=GOLD, before=(eligibility(YEARS_5),), past={"a": (past_title(),)})
    waive = WaivePredicate(predicate="requires_gold_pilot", reason="贡献特别突出")
    refused("NOT_AUTHORISED", lambda: world.on("b", waive, OFFICER))
    unheard = WaivePredicate(predicate="unheard_of", reason="r")
    refused("NOT_FOUND", lambda: world.on("b", unheard, OPERATOR))
    world.on("b", waive, OPERATOR)
    refused("SECOND_PERSON_REQUIRED", lambda: world.on("b", waive, OPERATOR))
    world.on("b", waive, OPERATOR_2)
    assert world.on("b", waive, OPERATOR) == ()
    begun(world)
    world.open_step("eligibility")
    assert world.round().out == {"c": ("eligibility", "INELIGIBLE: requires_gold_pilot")}
    [checked] = world.events(world.round_stream(), EligibilityChecked)
    assert {one.nomination: one.waived for one in checked.results} == {
        "a": (),
        "b": ("requires_gold_pilot",),
        "c": (),
    }
    confer(world)
    assert world.title("b", "gold_pilot").status == Status.ACTIVE


def test_a_ladder_that_was_met_and_then_lost_blocks_the_conferral_dr_03_dr_04() -> None:
    world = begun(world_of("a", grades=GOLD))
    refusal = refused("CONFERRAL_BLOCKED", lambda: confer(world))
    assert refusal.facts["nominations"] == "a gold_pilot: REQUIRES pilot"


def test_where_a_ladder_begins_whoever_lacks_the_tier_below_is_in_line_for_the_next_grade_dr_04_dr_10() -> (
    None
):
    """种子工匠 → 工匠 → 首席工匠 in one conferral (S2): a strict tier is climbed to, and the first is open to all."""
    pilot = {"requires": {"title": "helper", "mode": "strict"}, "repeatable": True}
    ladder = ({"title": "gold_pilot", "seats": 1}, {"title": "pilot", "seats": 2}, {"title": "helper"})
    past = {"b": (past_title(),), "c": (past_title("helper"),)}
    world = world_of("a", "b", "c", "d", grades=ladder, pilot=pilot, past=past)
    for one in (OPERATOR, OPERATOR_2):
        world.on("d", WaivePredicate(predicate="requires_pilot", reason="破格"), one)
    confer(begun(world))
    [conferred] = world.events(world.round_stream(), TitlesConferred)
    assert {one.nomination: one.title for one in conferred.conferred} == {
        "a": "helper",
        "b": "gold_pilot",
        "c": "pilot",
        "d": "pilot",
    }


def test_a_tier_held_at_the_cut_off_and_lost_since_blocks_the_conferral_dr_03_dr_04() -> None:
    lost = past_title(until=date(2024, 6, 1))
    grades = ({"title": "gold_pilot", "seats": 1}, {"title": "helper"})
    world = begun(world_of("a", grades=grades, past={"a": (lost,)}))
    world.now += 120 * DAY
    refusal = refused("CONFERRAL_BLOCKED", lambda: confer(world))
    assert refusal.facts["nominations"] == "a gold_pilot: REQUIRES pilot"


def test_an_advisory_ladder_is_reported_and_bars_nobody_dr_04() -> None:
    advice = {"requires": {"title": "helper"}}
    world = begun(world_of("a", before=(eligibility(YEARS_5),), pilot=advice))
    world.open_step("eligibility")
    [checked] = world.events(world.round_stream(), EligibilityChecked)
    assert checked.results[0].reported == ("requires_pilot",)
    confer(world)
    assert world.title("a", "pilot").status == Status.ACTIVE


def test_a_waiver_is_for_one_predicate_of_one_nomination_dr_10() -> None:
    hard = {"id": "long", "fact": "years", "op": ">", "value": 30}
    world = world_of("a", "b", before=(eligibility(hard, YEARS_5),))
    for one in (OPERATOR, OPERATOR_2):
        world.on("a", WaivePredicate(predicate="long", reason="破格"), one)
    begun(world)
    world.open_step("eligibility")
    assert list(world.round().members) == ["a"]
    refused("NOMINATION_OVER", lambda: world.on("b", WaivePredicate(predicate="long", reason="r"), OPERATOR))


# ---- honours of elsewhere: DR-43 ----


def test_an_honour_of_elsewhere_is_recorded_with_source_verifier_and_paper_and_counts_dr_43() -> None:
    asks = history(kind="best_rank", titles=["national_contest"], number=3)
    world = world_of("a", "b", before=(eligibility(asks),))
    honour = RecordHonour(
        title="national_contest",
        programme="elsewhere",
        edition=7,
        conferred_on=date(2021, 10, 1),
        place=2,
        source="测试·第七届大赛公报",
        document=PAPER,
    )
    refused("NOT_AUTHORISED", lambda: world.on_title("a", "honour-1", honour, OFFICER))
    refused("NOT_FOUND", lambda: world.on_title("nobody", "honour-1", honour, HANDLER))
    future = honour.model_copy(update={"conferred_on": date(2030, 1, 1)})
    refused("NOT_YET", lambda: world.on_title("a", "honour-2", future, HANDLER))
    world.on_title("a", "honour-1", honour, HANDLER)
    [recorded] = world.events("title/harbour.1/a/honour-1", HonourRecorded)
    assert (recorded.verifier, recorded.document) == ("handler-1", PAPER)
    refused("TITLE_STATUS", lambda: world.on_title("a", "honour-1", honour, OPERATOR))
    begun(world)
    world.open_step("eligibility")
    assert list(world.round().members) == ["a"]


def test_a_recorded_honour_that_was_revoked_elsewhere_counts_no_more_dr_43() -> None:
    world = world_of("a", before=(eligibility(history(kind="holds", titles=["medal"])),))
    honour = RecordHonour(title="medal", conferred_on=date(2021, 10, 1), source="测试·公报", document=PAPER)
    world.on_title("a", "honour-1", honour, HANDLER)
    for body in (
        ProposeRevocation(ground="revoked_elsewhere", document=PAPER, reason="公告"),
        HearHolder(attended=False, reason="由授予机关办理"),
    ):
        world.on_title("a", "honour-1", body, HANDLER)
    for one in (OPERATOR, OPERATOR_2):
        world.on_title("a", "honour-1", DecideRevocation(outcome="revoked", reason="公告"), one)
    begun(world)
    world.open_step("eligibility")
    assert world.round().out["a"] == ("eligibility", "INELIGIBLE: past")


def test_rehearsals_and_other_runs_of_the_edition_count_for_nobody_else() -> None:
    programme = world_of().programme

    real, rehearsed = past_title(), past_title(year=2019, rehearsal=True)
    same_edition = past_title(year=2024, edition=1)
    own = past_title(edition=1, rehearsal=True, stream="title/harbour.1/a/pilot")
    everything = (real, rehearsed, same_edition, own)
    assert counted(everything, "harbour.1", programme, rehearsal=False) == (real, own)
    assert counted(everything, "harbour.1", programme, rehearsal=True) == (real, rehearsed, own)
