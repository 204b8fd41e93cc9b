"""The papers of a round: what they say, who may have them, the same bytes again, and that no name reaches the log."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import asyncpg
import pypdfium2
import pytest
import pytest_asyncio
from pydantic import SecretStr
from python_calamine import load_workbook

from cli import app
from cli.audit.anchors import anchors_of
from cli.office.papers import how_to_object, until
from cli.output import BAD_FILE, OK, REFUSED, USAGE, Outcome
from proof.note import SigningKey
from runtime.settings import CHECKOUT, Language, Settings
from schemas import names
from schemas.canonical import canonical_bytes
from schemas.events import (
    ComponentScore,
    Conferred,
    CycleOpened,
    DecisionTaken,
    Dropped,
    Event,
    FactValue,
    GrantsGiven,
    GrantTerms,
    JudgeRecused,
    ListPublished,
    Member,
    MembersOut,
    NominationEndorsed,
    NominationSubmitted,
    PanelClosed,
    PanelResult,
    PoolFrozen,
    Ranked,
    RoundOpened,
    SelectionMade,
    StepOpened,
    TitlesConferred,
    Window,
)
from schemas.ledger import Actor, Append, Provenance
from schemas.loading import open_programme
from schemas.programme import Channel, Publicity, Rank
from schemas.unit_files import merge_units
from schemas.units import Unit
from schemas.values import SHANGHAI, Label, Pace
from store.auditing import snapshot, verify_log
from store.checkpoints import CheckpointSigner
from store.postgres import PostgresEventStore
from store.sequencer import Sequencer
from store.vault import Vault
from tests.support.databases import Database

CYCLE = "sichuan-craftsman.1.test"
SUMMIT = names.round_stream(CYCLE, names.ROOT_ROUTE, "51")
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
WINDOW = Window(opens_at=NOON, closes_at=datetime(2026, 3, 9, 16, tzinfo=UTC))
CANARIES = {"n1": "王测甲", "n2": "丁测乙", "n3": "李测丙", "n4": "张测丁"}
"""Invented names, by nomination, which nothing but the vault and the papers may hold."""
IDENTITY = "99010119800102001X"
OPERATOR = ("--as", "s-1", "--role", "operator", "--unit", "51")
KEK = bytes.fromhex("ab" * 32)
CONTACT = "测试总工会，028-0000000"


class Office(NamedTuple):
    settings: Settings
    database: Database

    async def run(self, *words: str) -> Outcome:
        return await app.run(words, self.settings)


async def write(
    store: PostgresEventStore, rules: str, stream: str, *events: Event, at: datetime = NOON
) -> None:
    head = (await store.heads([stream]))[stream]
    said = Provenance(
        log=names.log_origin(CYCLE),
        command_id=f"command-{head.seq + 1}",
        payload_hash="0" * 64,
        actor=Actor(id="s-1", role="operator", unit="51"),
        occurred_at=at,
        recorded_at=at,
        rules=rules,
    )
    subject = f"s-{stream.rsplit('/', 1)[-1]}" if stream.startswith("nomination/") else ""
    new = tuple(event.new(subject) for event in events)
    await store.append(Append(stream=stream, expected=head, provenance=said, events=new))


def ranked(id: str, rank: int, score: str) -> Ranked:
    parts = (ComponentScore(component="expert", value=Fraction(score)),)
    return Ranked(nomination=id, rank=rank, score=Fraction(score), components=parts)


def summit() -> Sequence[Event]:
    """Four in the pool, two selected, one in reserve, one out; published, decided, conferred."""
    ids = tuple(CANARIES)
    results = tuple(
        PanelResult(nomination=id, value=Fraction(str(92.5 - n)), method="mean", counted=5)
        for n, id in enumerate(ids)
    )
    places = tuple(ranked(id, n + 1, str(92.5 - n)) for n, id in enumerate(ids))
    return (
        RoundOpened(round=SUMMIT, unit="51", rank="province", route="all"),
        PoolFrozen(members=tuple(Member(nomination=id, subject=f"s-{id}", unit="F-1", seq=1) for id in ids)),
        StepOpened(step="expert_review", type="expert_review", window=WINDOW),
        PanelClosed(step="expert_review", component="expert", present=5, entitled=7, results=results),
        StepOpened(step="final", type="selection"),
        SelectionMade(step="final", seats=2, ranked=places, selected=("n1", "n2"), reserve=("n3",)),
        MembersOut(step="final", out=(Dropped(nomination="n4", reason="NOT_SELECTED: rank 4, seats 2"),)),
        StepOpened(step="publicity", type="publicity", window=WINDOW),
        ListPublished(
            step="publicity",
            nominations=("n1", "n2"),
            window=WINDOW,
            day_count="5个工作日（不含发布当日）",
            rehearsal=True,
        ),
        StepOpened(step="decision", type="decision", window=WINDOW),
        DecisionTaken(step="decision", body="leading_group", confirmed=("n1", "n2")),
        StepOpened(step="conferral", type="conferral", window=WINDOW),
        TitlesConferred(
            step="conferral",
            body="leading_group",
            conferred=tuple(
                Conferred(
                    nomination=id, subject=f"s-{id}", title="sichuan_craftsman", certificate=f"SC-1-{n:04}"
                )
                for n, id in enumerate(("n1", "n2"), 1)
            ),
        ),
    )


async def submit(store: PostgresEventStore, vault: Vault, rules: str, id: str, name: str) -> None:
    fields = {
        "name": name,
        "gender": "女",
        "birth_date": "1980-01-02",
        "phone": "000-测试",
        "post": "=1+1",
        "employer": "测试·一号厂",
    }
    fields["deeds"] = "攻克<测试>难题 & 带徒；" * 20
    deposit = await vault.deposit(f"{IDENTITY}/{id}", fields, id)
    event = NominationSubmitted(
        nomination=id,
        cycle=CYCLE,
        unit="F-1",
        route="territorial",
        path=("F-1", "510104017", "510104", "5101", "51"),
        channel=Channel.UNIT,
        entry=deposit.entry_id,
        commitment=deposit.commitment,
        facts=(FactValue(id="years_in_craft", value=22), FactValue(id="frontline_worker", value=True)),
    )
    stream = names.nomination_stream(CYCLE, id)
    endorsed = NominationEndorsed(
        round=names.round_stream(CYCLE, "territorial", "510104"),
        step="endorsement",
        revision=1,
        recommendation_rank=1,
    )
    await write(store, rules, stream, event)
    await write(store, rules, stream, endorsed)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(module_database: Database) -> AsyncIterator[Office]:
    """A rehearsed cycle whose titles are conferred, and an officer's machine: Postgres and the vault, no Temporal."""
    dsns = module_database.dsns
    opened = open_programme(CHECKOUT / "programmes" / "sichuan-craftsman" / "1.yaml")
    firm = Unit(code="F-1", parent="510104017", name="测试·一号厂", rank=Rank.ENTERPRISE)
    tree = merge_units(opened.units, [firm])
    grants = (
        GrantTerms(id="g-1", person="s-1", role="operator", unit="51"),
        GrantTerms(id="g-2", person="s-2", role="officer", unit="5101"),
        GrantTerms(id="g-3", person="j-1", role="judge", unit="51"),
    )
    async with PostgresEventStore(dsns.app) as store, Vault(dsns.vault, KEK) as vault:
        rules = await store.put_document("programme", canonical_bytes(opened.programme))
        units = await store.put_document("units", canonical_bytes(tree))
        cycle = CycleOpened(
            cycle=CYCLE,
            programme="sichuan-craftsman",
            edition=1,
            title=Label(zh="四川工匠（第一届）"),
            units=units,
            calendar="test",
            pace=Pace(real_epoch=NOON, cycle_epoch=NOON, speed=20_000),
            intakes=(),
        )
        await write(store, rules, names.cycle_stream(CYCLE), cycle)
        await write(store, rules, names.authority_stream(CYCLE), GrantsGiven(grants=grants))
        for id, name in CANARIES.items():
            await submit(store, vault, rules, id, name)
        for n, event in enumerate(summit()):
            await write(store, rules, SUMMIT, event, at=NOON + timedelta(hours=n))
    settings = Settings(
        language=Language.EN,
        postgres_app_dsn=SecretStr(dsns.app),
        postgres_auditor_dsn=SecretStr(dsns.auditor),
        postgres_vault_dsn=SecretStr(dsns.vault),
        vault_kek=SecretStr(KEK.hex()),
    )
    yield Office(settings, module_database)


def words_of_docx(content: bytes) -> str:
    with ZipFile(io.BytesIO(content)) as parts:
        text = "".join(parts.read(f"word/{part}").decode() for part in ("document.xml", "footer1.xml"))
    return re.sub(r"<[^>]+>", "", text.replace("</w:p>", "\n").replace("<w:br/>", "\n"))


def words_of_pdf(content: bytes) -> list[str]:
    """The text of each page, lines joined."""
    document = pypdfium2.PdfDocument(content)
    return ["".join(page.get_textpage().get_text_bounded().split()) for page in document]


def read_bytes(file: Path) -> bytes:
    return file.read_bytes()


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def made(office: Office, file: Path, *words: str) -> bytes:
    said = await office.run("export", *words, "--out", str(file), *OPERATOR)
    assert said.exit_code == OK, said.json
    content = read_bytes(file)
    assert said.json["files"][0]["sha256"] == sha256(content).hexdigest()
    assert not any(name in str(said.json) for name in CANARIES.values())
    return content


# ---- 汇总表 ----


async def test_the_summary_has_everybody_with_facts_scores_places_and_outcomes(
    office: Office, tmp_path: Path
) -> None:
    content = await made(office, tmp_path / "s.xlsx", "summary", CYCLE)
    rows = load_workbook(io.BytesIO(content)).get_sheet_by_name("汇总表").to_python(skip_empty_area=False)
    header, lines = rows[3], rows[4:]
    cells = [dict(zip(header, line, strict=True)) for line in lines]
    assert [cell["姓名"] for cell in cells] == list(CANARIES.values())
    assert [cell["结果"] for cell in cells] == ["命名", "命名", "候补", "未入选（名次在名额之外）"]
    assert (cells[0]["总分"], cells[0]["名次"], cells[0]["证书编号"]) == ("92.5", "1", "SC-1-0001")
    assert (cells[0]["一线职工"], cells[0]["从事本技艺年数"], cells[0]["专家评审"]) == ("是", "22", "92.5")
    assert "演练" in str(rows[2][0])
    assert SUMMIT in str(rows[1][0])


async def test_a_text_that_looks_like_a_formula_stays_a_text(office: Office, tmp_path: Path) -> None:
    content = await made(office, tmp_path / "s.xlsx", "summary", CYCLE)
    with ZipFile(io.BytesIO(content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        shared = parts.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet
    assert "=1+1" in shared


async def test_a_summary_in_the_order_of_strokes_says_so(office: Office, tmp_path: Path) -> None:
    content = await made(office, tmp_path / "s.xlsx", "summary", CYCLE, "--order", "strokes")
    rows = load_workbook(io.BytesIO(content)).get_sheet_by_name("汇总表").to_python(skip_empty_area=False)
    assert [row[2] for row in rows[4:]] == ["丁测乙", "王测甲", "李测丙", "张测丁"]
    assert "姓氏笔画" in str(rows[0][0])


async def test_a_score_sheet_of_a_round_lists_its_members(office: Office, tmp_path: Path) -> None:
    programme = str(CHECKOUT / "programmes" / "sichuan-craftsman" / "1.yaml")
    words = ("--rank", "province", "--round", SUMMIT, "--out", str(tmp_path / "s.xlsx"))
    assert (await office.run("template", "scores", "--programme", programme, *words)).exit_code == OK
    rows = load_workbook(tmp_path / "s.xlsx").get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows] == ["nomination*", "n1", "n2"]


# ---- 推荐表, 审批表 ----


async def test_each_nomination_still_in_has_a_form_of_recommendation(office: Office, tmp_path: Path) -> None:
    said = await office.run("export", "recommendation", CYCLE, "--out", str(tmp_path), *OPERATOR)
    assert said.exit_code == OK
    assert files_in(tmp_path) == ["n1.docx", "n2.docx"]
    text = words_of_docx((tmp_path / "n1.docx").read_bytes())
    for wanted in (
        "王测甲",
        "推荐表",
        "从事本技艺年数：22",
        "同意推荐（排序第 1）",
        "攻克&lt;测试&gt;难题 &amp; 带徒",
        "演练",
        SUMMIT,
    ):
        assert wanted in text
    assert "{{" not in text
    assert "{%" not in text


async def test_the_form_of_approval_tells_result_publicity_decision_and_certificate(
    office: Office, tmp_path: Path
) -> None:
    said = await office.run(
        "export", "approval", CYCLE, "--nomination", "n2", "--out", str(tmp_path), *OPERATOR
    )
    assert said.exit_code == OK
    text = words_of_docx((tmp_path / "n2.docx").read_bytes())
    for wanted in (
        "丁测乙",
        "总分 91.5，第 2 名，命名",
        "5个工作日（不含发布当日）",
        "审定：同意",
        "SC-1-0002",
        "授予“四川工匠”称号",
    ):
        assert wanted in text
    assert "000-测试" not in text  # the body needs no phone


async def test_a_layout_of_ones_own_is_filled_in_and_has_no_power(office: Office, tmp_path: Path) -> None:
    from docx import Document

    own, bad = tmp_path / "own.docx", tmp_path / "bad.docx"
    document = Document()
    document.add_paragraph("本单位版式：{{ name }}")
    document.save(str(own))
    document.add_paragraph("{{ name.__class__.__mro__ }}")
    document.save(str(bad))
    words = ("export", "approval", CYCLE, "--nomination", "n1", "--out", str(tmp_path), *OPERATOR)
    assert (await office.run(*words, "--layout", str(bad))).exit_code == BAD_FILE
    assert (await office.run(*words, "--layout", str(own))).exit_code == OK
    with ZipFile(tmp_path / "n1.docx") as parts:
        assert "本单位版式：王测甲" in re.sub(r"<[^>]+>", "", parts.read("word/document.xml").decode())


# ---- 公示公告 ----


@pytest.mark.parametrize("kind", ["docx", "pdf"])
async def test_dr_46_a_notice_has_name_unit_title_and_deeds_and_nothing_else_of_a_person(
    office: Office, tmp_path: Path, kind: str
) -> None:
    content = await made(office, tmp_path / f"n.{kind}", "publicity", CYCLE, "--contact", CONTACT)
    text = "".join(words_of_pdf(content)) if kind == "pdf" else words_of_docx(content)
    for wanted in (
        "王测甲",
        "丁测乙",
        "测试·一号厂",
        "四川工匠",
        "5个工作日（不含发布当日）",
        CONTACT,
        "演练",
        "2026年3月9日24:00",
    ):
        assert wanted in text
    for secret in (IDENTITY, "990101", "000-测试", "1980", "李测丙", "张测丁", "92.5"):
        assert secret not in text


def test_a_window_s_end_is_printed_as_24_00_or_as_its_business_close_dr_08() -> None:
    midnight = datetime(2026, 3, 9, tzinfo=SHANGHAI)
    assert until(midnight) == "2026年3月8日24:00"
    assert until(midnight + timedelta(hours=17, minutes=30)) == "2026年3月9日17:30"


@pytest.mark.parametrize("kind", ["docx", "pdf"])
async def test_a_notice_prints_the_signed_root_that_holds_it_and_the_log_is_verified_against_it(
    office: Office, tmp_path: Path, kind: str
) -> None:
    sequencer = Sequencer(office.database.dsns.sequencer)
    signer = CheckpointSigner(office.database.dsns.sequencer, SigningKey("xuanshu.test/log", b"k" * 32))
    while await sequencer.step():
        pass
    await signer.step()
    await sequencer.close()
    await signer.close()
    words = ("publicity", CYCLE, "--contact", CONTACT, "--out", str(tmp_path / f"n.{kind}"))
    printed = (await office.run("export", *words, *OPERATOR)).json["checkpoint"]
    content = read_bytes(tmp_path / f"n.{kind}")
    text = "".join(words_of_pdf(content)) if kind == "pdf" else words_of_docx(content)
    assert re.fullmatch(r"[0-9]+:[A-Za-z0-9+/]{43}=", printed)
    assert "日志存证" + printed in text.replace(" ", "")
    async with snapshot(office.database.dsns.auditor) as connection:
        found = await verify_log(connection, NOON, (), await anchors_of([printed], ()))
    assert found.checkpoints >= 1  # that somebody exported is an event of its own, which a later one holds


def test_a_notice_says_in_whose_name_one_may_object_dr_29() -> None:
    said = {"id": "p", "period": {"days": 5, "unit": "work_day"}}
    for accepted, words in (
        (False, "匿名反映不予受理"),
        (True, "可实名或匿名反映"),
        ("with_evidence_only", "匿名反映未附证据材料的不予受理"),
    ):
        assert words in how_to_object(Publicity.model_validate(said | {"accept_anonymous": accepted}))
    by_post = Publicity.model_validate(said | {"by_post": {"days": 3, "unit": "natural_day"}})
    assert "以邮戳日期为准，并须在公示期满后3个自然日内寄达" in how_to_object(by_post)


async def test_a_notice_in_the_order_of_strokes_lists_ding_before_wang(
    office: Office, tmp_path: Path
) -> None:
    content = await made(
        office, tmp_path / "n.pdf", "publicity", CYCLE, "--contact", CONTACT, "--order", "strokes"
    )
    (page,) = words_of_pdf(content)
    assert page.index("丁测乙") < page.index("王测甲")
    assert "按姓氏笔画为序" in page


async def test_a_publication_that_never_was_and_another_kind_of_file_are_refused(
    office: Office, tmp_path: Path
) -> None:
    words = ("export", "publicity", CYCLE, "--contact", CONTACT, *OPERATOR)
    never = await office.run(*words, "--published", "2", "--out", str(tmp_path / "n.pdf"))
    assert (never.exit_code, never.json["error"]["code"]) == (REFUSED, "NOT_FOUND")
    assert (await office.run(*words, "--out", str(tmp_path / "n.txt"))).exit_code == USAGE
    assert files_in(tmp_path) == []


# ---- 证书 ----


async def test_certificates_have_a_page_for_each_number_with_an_embedded_font(
    office: Office, tmp_path: Path
) -> None:
    content = await made(office, tmp_path / "c.pdf", "certificates", CYCLE)
    pages = words_of_pdf(content)
    assert [re.findall(r"SC-1-[0-9]{4}", page) for page in pages] == [["SC-1-0001"], ["SC-1-0002"]]
    assert "王测甲" in pages[0]
    assert all("荣誉证书" in page and "演练" in page for page in pages)
    assert b"/FontFile3" in content or b"/FontFile2" in content or b"NotoSansCJK" in content


async def test_a_notice_is_the_same_bytes_after_more_has_happened_as_it_tells_of_its_own_event(
    office: Office, tmp_path: Path
) -> None:
    before = await made(office, tmp_path / "a.pdf", "publicity", CYCLE, "--contact", CONTACT)
    assert f"{SUMMIT}@9" in "".join(words_of_pdf(before)).replace("·", "")
    async with PostgresEventStore(office.database.dsns.app) as store:
        recused = JudgeRecused(step="expert_review", judge="j-1", nomination="n4", reason="近亲属")
        await write(store, "0" * 64, SUMMIT, recused, at=NOON + timedelta(days=9))
    assert before == await made(office, tmp_path / "b.pdf", "publicity", CYCLE, "--contact", CONTACT)


async def test_before_the_conferral_there_are_no_certificates(office: Office, tmp_path: Path) -> None:
    words = ("--round", f"round/{CYCLE}/territorial/5101", "--out", str(tmp_path / "c.pdf"), *OPERATOR)
    said = await office.run("export", "certificates", CYCLE, *words)
    assert said.exit_code == REFUSED


# ---- who, how often, and what stays out of the log ----


@pytest.mark.parametrize(
    "signed",
    [
        ("--as", "s-2", "--role", "officer", "--unit", "5101"),  # of a unit below
        ("--as", "j-1", "--role", "judge", "--unit", "51"),  # no role for it
        ("--as", "nobody", "--role", "operator", "--unit", "51"),
    ],
)
async def test_names_are_for_those_with_a_grant_over_the_round(
    office: Office, tmp_path: Path, signed: tuple[str, ...]
) -> None:
    said = await office.run("export", "summary", CYCLE, "--out", str(tmp_path / "s.xlsx"), *signed)
    assert (said.exit_code, said.json["error"]["code"]) == (REFUSED, "NOT_AUTHORISED")
    assert files_in(tmp_path) == []


async def test_where_one_file_is_in_the_way_none_is_written(office: Office, tmp_path: Path) -> None:
    in_the_way = tmp_path / "n2.docx"
    in_the_way.touch()
    said = await office.run("export", "recommendation", CYCLE, "--out", str(tmp_path), *OPERATOR)
    assert said.json["error"]["code"] == "OUT_FILE"
    assert files_in(tmp_path) == ["n2.docx"]


async def test_one_who_never_was_in_the_round_is_not_exported(office: Office, tmp_path: Path) -> None:
    words = ("--nomination", "n9", "--out", str(tmp_path), *OPERATOR)
    said = await office.run("export", "recommendation", CYCLE, *words)
    assert said.json["error"]["code"] == "NOT_A_MEMBER"


async def test_who_takes_names_out_is_in_the_log_before_any_file_is_there_dr_46(
    office: Office, tmp_path: Path
) -> None:
    before = len((await office.run("privacy", "exports", CYCLE)).json)
    await made(office, tmp_path / "s.xlsx", "summary", CYCLE)
    words = ("--nomination", "n1", "--out", str(tmp_path / "c.pdf"), *OPERATOR)
    (tmp_path / "c.pdf").touch()
    assert (await office.run("export", "certificates", CYCLE, *words)).json["error"]["code"] == "OUT_FILE"
    told = (await office.run("privacy", "exports", CYCLE)).json[before:]
    taken = [(one["by"], one["grant"], one["paper"], one["round"], one["people"]) for one in told]
    assert taken == [("s-1", "g-1", "summary", SUMMIT, 4), ("s-1", "g-1", "certificates", SUMMIT, 1)]
    assert (await office.run("privacy", "exports", f"{CYCLE}/n3")).json[before:] == told


@pytest.mark.parametrize(
    "words",
    [
        ("summary", CYCLE, "--out", "x.xlsx"),
        ("publicity", CYCLE, "--contact", CONTACT, "--out", "x.docx"),
        ("publicity", CYCLE, "--contact", CONTACT, "--out", "x.pdf"),
        ("certificates", CYCLE, "--out", "x.pdf"),
        ("recommendation", CYCLE, "--nomination", "n1", "--out", "."),
        ("approval", CYCLE, "--nomination", "n1", "--out", "."),
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)
async def test_the_same_paper_twice_is_the_same_bytes(
    office: Office, tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = set()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        said = await office.run("export", *words, *OPERATOR)
        assert said.exit_code == OK
        hashes.add(said.json["files"][0]["sha256"])
    assert len(hashes) == 1


async def test_dr_46_after_every_export_no_table_of_the_database_holds_a_name_or_an_identity(
    office: Office, tmp_path: Path
) -> None:
    for n, words in enumerate((("summary",), ("publicity", "--contact", CONTACT), ("certificates",))):
        out = tmp_path / f"{n}{'.xlsx' if words == ('summary',) else '.pdf'}"
        assert (
            await office.run("export", words[0], CYCLE, *words[1:], "--out", str(out), *OPERATOR)
        ).exit_code == OK
    connection = await asyncpg.connect(office.database.owner_dsn)
    try:
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        held = {
            f"{schema}.{name}": "\n".join(
                row[0] for row in await connection.fetch(f'SELECT t::text FROM "{schema}"."{name}" t')
            )
            for schema, name in tables
        }
    finally:
        await connection.close()
    texts = [
        text + bytes.fromhex("".join(re.findall(r"\\x((?:[0-9a-f]{2})+)", text))).decode("utf-8", "replace")
        for text in held.values()
    ]
    assert any("SC-1-0001" in text for text in texts)  # the log was looked at
    for secret in (*CANARIES.values(), IDENTITY):
        assert not any(secret in text for text in texts)


async def test_an_erased_person_is_exported_without_a_name(office: Office, tmp_path: Path) -> None:
    async with Vault(office.database.dsns.vault, KEK) as vault:
        other = await vault.deposit("TEST-erased", {"name": "测试·消"}, "erased")
        await vault.erase(other.subject_id)
    opened = open_programme(CHECKOUT / "programmes" / "sichuan-craftsman" / "1.yaml")
    async with PostgresEventStore(office.database.dsns.app) as store:
        rules = await store.put_document("programme", canonical_bytes(opened.programme))
        event = NominationSubmitted(
            nomination="n8",
            cycle=CYCLE,
            unit="F-1",
            route="territorial",
            path=("F-1", "51"),
            channel=Channel.UNIT,
            entry=other.entry_id,
            commitment=other.commitment,
        )
        stream = names.round_stream(CYCLE, "territorial", "510104")
        await write(store, rules, names.nomination_stream(CYCLE, "n8"), event)
        members = (Member(nomination="n8", subject="s-n8", unit="F-1", seq=1),)
        opening = RoundOpened(round=stream, unit="510104", rank="county", route="territorial")
        await write(store, rules, stream, opening, PoolFrozen(members=members))
    officer = ("--as", "s-2", "--role", "officer", "--unit", "5101")
    out = tmp_path / "s.xlsx"
    said = await office.run("export", "summary", CYCLE, "--round", stream, "--out", str(out), *officer)
    assert said.exit_code == OK
    rows = load_workbook(out).get_sheet_by_name("汇总表").to_python(skip_empty_area=False)
    assert rows[-1][2] == "（已销毁）"
