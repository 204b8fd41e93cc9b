"""What the register tells people is in words of their language; programs read the identifiers."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from cli.desk import Desk
from cli.output import Outcome
from cli.rehearse.conductor import BEGINS, Conductor
from cli.rehearse.family import find, turns
from cli.rehearse.party import invent
from cli.titles import due, list_, show
from runtime.settings import Language, Settings
from schemas.errors import Refused
from store.memory import MemoryEventStore
from tests.support.pages import printed


@pytest.fixture(scope="module")
async def told() -> Conductor:
    """A rehearsed cycle whose titles pay a subsidy each year, from the second on after an assessment."""
    [turn] = turns(find("sichuan-studios@1"), BEGINS)
    party = invent(turn.opened.programme, turn.opened.units, 4, 12, 1)
    conductor = Conductor(MemoryEventStore(), party, turn.period)
    await conductor.run()
    return conductor


def desk(told: Conductor, language: Language) -> Desk:
    return Desk(Settings(), language, AsyncExitStack(), auditing=told.store)


def shown(outcome: Outcome) -> list[str]:
    """The lines, with one space between their cells."""
    return [" ".join(line.split()) for line in printed(outcome.shown).splitlines()]


@pytest.mark.parametrize(("language", "status"), [(Language.ZH, "有效"), (Language.EN, "in force")])
async def test_how_titles_stand(told: Conductor, language: Language, status: str) -> None:
    outcome = await list_(told.cycle, desk=desk(told, language))
    assert {one["status"] for one in outcome.json["titles"]} == {"active"}
    assert all(
        f"/{one['title']} {status} " in line
        for one, line in zip(outcome.json["titles"], shown(outcome)[1:], strict=True)
    )


@pytest.mark.parametrize(
    ("language", "status", "lines"),
    [
        (
            Language.ZH,
            "有效",
            (
                "称号 省级创新工作室（provincial_studio）",
                "追授 否",
                "命名日期 2026-04-01",
                "奖励 yearly_subsidy 第 1 期 650000 分 应发",
            ),
        ),
        (
            Language.EN,
            "in force",
            (
                "title Provincial Studio (provincial_studio)",
                "posthumous no",
                "since 2026-04-01",
                "reward yearly_subsidy, period 1 650000 fen due",
            ),
        ),
    ],
)
async def test_one_title(told: Conductor, language: Language, status: str, lines: tuple[str, ...]) -> None:
    [stream, *_] = [one for one in await told.store.streams("title/") if one.endswith("/provincial_studio")]
    outcome = await show(stream, as_of="2027-05-01", desk=desk(told, language))
    assert (outcome.json["status"], outcome.json["rewards"][1]["status"]) == (
        "active",
        "withheld: assessment of year 1 not passed",
    )
    page = shown(outcome)
    assert any(line.endswith(f" {status}") for line in page)
    assert set(lines) <= set(page)


@pytest.mark.parametrize(
    ("language", "columns", "status"),
    [
        (Language.ZH, "称号 奖励 期次 出资方 领受人 金额（分） 应发日期 状态", "暂缓：第 1 年考核未合格"),
        (
            Language.EN,
            "title item period payer payee amount (fen) due on status",
            "withheld: assessment of year 1 not passed",
        ),
    ],
)
async def test_what_is_due(told: Conductor, language: Language, columns: str, status: str) -> None:
    outcome = await due(told.cycle, as_of="2027-05-01", desk=desk(told, language))
    page = shown(outcome)
    assert page[0] == columns
    assert page[1].endswith({Language.ZH: " 应发", Language.EN: " due"}[language])
    assert page[2].endswith(status)
    assert outcome.json["due"][1]["status"] == "withheld: assessment of year 1 not passed"


@pytest.mark.parametrize(
    ("why", "zh", "en"),
    [
        ("leader left", "领衔人已离开", "leader left"),
        ("shares not agreed", "成员份额尚未约定", "shares not agreed"),
        ("assessment of year 2 not passed", "第 2 年考核未合格", "assessment of year 2 not passed"),
        ("revocation_proposed", "已提议撤销", "proposed for revocation"),
        ("expired", "已到期", "expired"),
    ],
)
def test_why_a_reward_is_withheld(why: str, zh: str, en: str) -> None:
    refusal = Refused("REWARD_WITHHELD", item="cash", period="2", why=why)
    assert refusal.message("zh") == f"cash 第 2 期暂不能发放：{zh}。"
    assert refusal.message("en") == f"cash, period 2, may not be paid now: {en}."
    assert refusal.facts["why"] == why
