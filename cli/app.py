"""The whole terminal as one function, `run`: words in, an outcome out, by the same path for people, tests and the demo.

A caller with many calls hands in one open door; otherwise each `run` opens what it needs and closes it again.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from functools import cache
from itertools import pairwise
from typing import Annotated, Any
from unicodedata import normalize

from cyclopts import App, CycloptsError, Parameter, UnknownCommandError
from pydantic import ValidationError

from cli import (
    audit,
    ballot,
    controls,
    cycle,
    decide,
    doctor,
    export,
    grants,
    nominate,
    panel,
    points,
    privacy,
    programme,
    recover,
    register,
    rounds,
    schedule,
    template,
    titles,
    units,
    vetting,
    views,
)
from cli.desk import REGISTRY, Desk, Registered
from cli.output import OK, Outcome, console, emit, failure, say_anywhere
from cli.rehearse import command as rehearse
from runtime.door import Door
from runtime.garbage import collect_seldom
from runtime.logging import configure_logging
from runtime.settings import Language, Settings, language_of_locale, read_settings
from schemas.errors import BadUsage, EngineError
from schemas.faults import nearest_word

NOUNS = (
    audit,
    ballot,
    controls,
    cycle,
    decide,
    doctor,
    export,
    grants,
    nominate,
    panel,
    points,
    privacy,
    programme,
    recover,
    register,
    rehearse,
    rounds,
    schedule,
    template,
    titles,
    units,
    vetting,
    views,
)
"""The modules whose commands are registered by importing them."""

_GROUPS: dict[str, tuple[str, str]] = {
    "programme": (
        "评选办法：列出、检查、新建、演练、长期目标",
        "Programmes: list, check, new, rehearse, targets",
    ),
    "units": ("单位：检查导入文件", "Units: check a file"),
    "seats": ("名额：检查分配表、调剂", "Seats: check an allocation, move places"),
    "template": ("按评选办法生成填报表", "Sheets to fill in, made from a programme"),
    "export": ("导出：汇总表、推荐表、公示公告、审批表、证书", "Lists, forms, notices and certificates"),
    "cycle": (
        "届次：开启、状态、暂停、恢复、延期、取消",
        "Cycles: start, status, pause, resume, extend, cancel",
    ),
    "schedule": (
        "各届按期自动开启：设定、列出、暂停、恢复、删除",
        "Cycles that open by themselves: create, list, pause, resume, delete",
    ),
    "privacy": (
        "个人信息：留存、解除留存、销毁、按日志重新销毁",
        "Personal data: hold, release, erase, enforce what was erased",
    ),
    "views": ("查询视图：按日志重建", "The read side: rebuild it from the log"),
    "points": ("办法所设积分：记分、查询", "Points in a programme's ledger: add, show"),
    "register": (
        "各批次共用的名录：入库、出库、结对、查询",
        "The register of all batches: enter, leave, pair, show",
    ),
    "outcome": ("外部系统所授称号：登记", "Titles given by systems not run here: record"),
    "grants": ("授权：授予、撤销、列出", "Grants: give, revoke, list"),
    "panel": (
        "评委：指定或抽签、组长、关系申报、回避、更换、评分、表决、双人录入",
        "Panels: form or draw, chair, ties, recuse, replace, score, vote-sheet, enter",
    ),
    "clearance": ("部门意见：征求、答复、事后反对", "Clearance by departments: request, reply, reopen"),
    "congress": ("职代会：登记票数", "The workers' congress: record its count"),
    "training": ("集中培训：登记参加者", "A training: record who attended"),
    "publicity": ("公示：更正公示内容", "Publicity: change what is published"),
    "objection": (
        "异议：查看异议人（提出用 object，裁定用 rule）",
        "Who objected (`object` files one, `rule` rules on it)",
    ),
    "resolve": ("裁定并列", "Resolve what no rule could: a tie"),
    "waive": ("经授权免予：差额、规则、条件（破格）", "Waive, by authority: differential, rules, predicate"),
    "round": (
        "评审轮：暂停、恢复、取消、提前结束环节、延长上报",
        "Rounds: pause, resume, cancel, close-early, extend-reports",
    ),
    "ballot": (
        "大众票选：投票、现状、重新计票、刷票筛查与处置",
        "The public vote: vote, state, recount, what is done about stuffing",
    ),
    "title": (
        "称号：列出、考核、撤销、申诉、摘牌",
        "Titles: list, show, assess, revoke, appeal, delist",
    ),
    "reward": ("称号所附奖励：应发、发放、追缴", "Rewards that go with titles: due, pay, recover"),
    "honour": ("外部荣誉：录入", "Honours of elsewhere: record"),
    "audit": ("审计：复现、核验、说明、假设推演", "Audit: replay and verify the log, explain, ask what if"),
}
_TITLE = (
    """选树：自下而上的评选，逐级推荐，事事入账。

先看 `programme list`，再用 `programme rehearse ID --in-memory` 数秒演练一届；每条命令的 --help 都有示例。""",
    """Xuanshu: selections from the bottom up, every step of them an event in the log.

Begin with `programme list`; `programme rehearse ID --in-memory` runs one in seconds. Every command's --help has an example.""",
)
_EVERYWHERE = (
    """任何命令均可加 --json（输出一个 JSON 对象）和 --language zh|en。
退出码：0 成功，1 规则不允许，2 用法，3 文件有误，4 冲突，5 服务不可用，6 日志校验不符。""",
    """Everywhere: --json prints one JSON object; --language zh|en.
Exit codes: 0 ok, 1 refused by a rule, 2 usage, 3 bad file, 4 conflict, 5 unavailable, 6 integrity.""",
)
_HELP_WIDTH = 110
_FOR_META = ("--json", "--language", "--help", "-h")
"""Without one of these the meta app has nothing to take; parsing is most of what a short command costs."""
_DEMO_EXAMPLE = "demo --units 200 --nominations 300 --pace 2"
_DEMO = ("在自带的服务上跑完一届演练", "Run a whole rehearsed cycle on servers of its own")
_EXAMPLE = ("示例", "For example")


async def run(argv: Sequence[str], settings: Settings | None = None, door: Door | None = None) -> Outcome:
    """Do what the words say. Every error of the engine, and wrong words, become an outcome; nothing is printed
    but help. `door`: an open one to share; it stays open.
    """
    settings = settings or Settings()
    words = [normalize("NFC", word) for word in argv]
    language = _language_of(words, settings.language)
    try:
        async with AsyncExitStack() as exits:
            desk = Desk(settings, language, exits, shared=door)
            return await _dispatch(words, desk)
    except EngineError as fault:
        return failure(fault, language)
    except CycloptsError as fault:
        return failure(BadUsage("USAGE", fault=_wrong_words(fault)), language)
    except ValidationError as fault:
        return failure(BadUsage("USAGE", fault=_validation(fault)), language)


def main(argv: Sequence[str]) -> int:
    """Run and print; 130 after Ctrl-C."""
    say_anywhere()
    try:
        settings = read_settings()
    except EngineError as fault:
        wrong = failure(fault, _language_of(argv, language_of_locale()))
        emit(wrong, as_json=_wants_json(argv))
        return wrong.exit_code
    configure_logging(settings)
    collect_seldom()
    try:
        outcome = asyncio.run(run(argv, settings))
    except KeyboardInterrupt:
        return 130
    emit(outcome, as_json=_wants_json(argv))
    return outcome.exit_code


@cache
def build(language: Language) -> App:
    """The tree of commands with help in one language; its meta app takes the options that go everywhere."""
    pick = list(Language).index(language)
    app = App(
        name="starter.py",
        help=_TITLE[pick],
        help_format="plaintext",
        help_epilogue=_EVERYWHERE[pick],
        version_flags=[],
        default_parameter=Parameter(negative=()),
        result_action="return_value",
    )
    for noun, says in _GROUPS.items():
        app.command(App(name=noun, help=says[pick]))
    for one in REGISTRY:
        _add(app, one, pick)
    app.command("cli.demo:command", name="demo", help=_taught(_DEMO[pick], _DEMO_EXAMPLE, pick))
    app.meta.default(_everywhere)
    return app


def _add(app: App, one: Registered, pick: int) -> None:
    *nouns, name = one.words
    for noun in nouns:
        app = app[noun]
    app.command(one.function, name=name, help=_taught((one.zh, one.en)[pick], one.example, pick))


def _taught(says: str, example: str, pick: int) -> str:
    return f"{says}\n\n{_EXAMPLE[pick]}:\n\n  starter.py {example}"


def _everywhere(
    *words: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    json: Annotated[bool, Parameter(help="输出一个 JSON 对象 · print one JSON object")] = False,  # noqa: ARG001 -- read by main
    language: Annotated[Language | None, Parameter(help="语言 · language")] = None,  # noqa: ARG001 -- known before parsing
) -> tuple[str, ...]:
    return words


async def _dispatch(words: Sequence[str], desk: Desk) -> Outcome:
    app = build(desk.language)
    quiet: dict[str, Any] = {"print_error": False, "exit_on_error": False}
    left: Sequence[str] = words
    if any(word.partition("=")[0] in _FOR_META for word in words):
        taken, bound, _ = app.meta.parse_args(words, **quiet)
        if taken is not _everywhere:  # --help
            taken(*bound.args, **bound.kwargs | {"console": console(width=_HELP_WIDTH)})
            return Outcome()
        left = taken(*bound.args, **bound.kwargs)
    act, bound, context = app.parse_args(left, **quiet)
    answer = act(*bound.args, **bound.kwargs, **{name: _given(name, desk, words) for name in context})
    answer = await answer if inspect.isawaitable(answer) else answer
    if isinstance(answer, Outcome):
        return answer
    return Outcome(answer if isinstance(answer, int) else OK)


def _given(name: str, desk: Desk, words: Sequence[str]) -> Any:
    """What a command may ask for beside its words: `desk`, or `as_json`, whether one object is wanted."""
    return desk if name == "desk" else _wants_json(words)


def _language_of(words: Sequence[str], otherwise: Language) -> Language:
    """Needed before the words are parsed, as help and errors are said in it."""
    written = [right for left, right in pairwise(words) if left == "--language"]
    written += [word.partition("=")[2] for word in words if word.startswith("--language=")]
    return Language(written[-1]) if written and written[-1] in list(Language) else otherwise


def _wants_json(words: Iterable[str]) -> bool:
    return "--json" in words


def _wrong_words(fault: CycloptsError) -> str:
    if not isinstance(fault, UnknownCommandError):
        return " ".join(str(fault).split())
    written = next(iter(fault.unused_tokens or ()), "")
    nearest = nearest_word(written, {word for one in REGISTRY for word in one.words})
    return f"{written} → {nearest}?" if nearest else written


def _validation(fault: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in fault.errors())
