"""The doctor names what is wrong, and nothing else."""

from __future__ import annotations

import resource
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from domain.calendar import declared_year
from runtime import doctor
from runtime.dev_server import DevServer
from runtime.doctor import Finding, Severity, examine
from runtime.doctor_words import WORDS
from runtime.settings import DEVELOPMENT_KEY_MARK, Environment, Language, Settings
from tests.support.databases import Database
from tests.support.timestamps import Authority

NOON = datetime(2026, 5, 6, 4, tzinfo=UTC)


@pytest.fixture
def healthy(database: Database, temporal_server: DevServer, tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        postgres_app_dsn=SecretStr(database.dsns.app),
        postgres_sequencer_dsn=SecretStr(database.dsns.sequencer),
        postgres_auditor_dsn=SecretStr(database.dsns.auditor),
        temporal_address=temporal_server.address,
        vault_kek=SecretStr("ab" * 32),
        log_key=SecretStr("cd" * 32),
        payload_keys=SecretStr("cd" * 32),
        environment=Environment.PRODUCTION,
    )


def changed(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update=values)


def one(findings: tuple[Finding, ...], check: str) -> Finding:
    (found,) = [finding for finding in findings if finding.check == check]
    return found


async def test_a_healthy_environment_has_no_fault_even_in_production(healthy: Settings) -> None:
    findings = await examine(healthy, _next_years())
    assert [finding for finding in findings if not finding.ok] == []
    assert {"python", "postgres", "durability", "clock", "tables", "temporal", "calendar", "vault_key"} <= {
        finding.check for finding in findings
    }


def _next_years() -> dict[date, bool]:
    this = datetime.now(UTC).year
    return declared_year(this) | declared_year(this + 1)


@pytest.mark.parametrize(
    ("written", "severity"),
    [(Authority().pem, Severity.OK), (b"no PEM", Severity.FAULT), (None, Severity.FAULT)],
)
def test_time_stamps_need_a_file_of_certificates_that_is_there_and_is_pem(
    tmp_path: Path, written: bytes | None, severity: Severity
) -> None:
    if written is not None:
        (tmp_path / "roots.pem").write_bytes(written)
    asked = Settings(timestamp_authorities="https://tsa.test", timestamp_certificates=tmp_path / "roots.pem")
    *_, found = doctor.check_proof(asked)
    assert (found.check, found.severity) == ("timestamps", severity)
    unset = changed(asked, timestamp_certificates=None)
    assert doctor.check_proof(unset)[-1].severity is Severity.FAULT
    assert doctor.check_proof(changed(unset, timestamp_authorities=""))[-1].severity is Severity.OK


async def test_a_server_that_may_lose_commits_is_a_fault(healthy: Settings, database: Database) -> None:
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(f'ALTER DATABASE "{database.name}" SET synchronous_commit = off')
    await owner.close()
    found = one(await examine(healthy), "durability")
    assert found.severity is Severity.FAULT
    assert "synchronous_commit=off" in found.en


async def test_a_database_without_tables_is_a_fault(healthy: Settings, postgres: str) -> None:
    empty = changed(healthy, postgres_app_dsn=SecretStr(postgres))
    findings = await examine(empty)
    assert one(findings, "tables").severity is Severity.FAULT
    assert one(findings, "privilege").severity is Severity.FAULT, "the superuser is no login for the app"


async def test_servers_that_do_not_answer_are_faults_and_the_rest_is_still_told(healthy: Settings) -> None:
    nowhere = changed(
        healthy,
        postgres_app_dsn=SecretStr("postgresql://xuanshu_app:x@127.0.0.1:1/x"),
        postgres_sequencer_dsn=None,
        postgres_auditor_dsn=None,
        temporal_address="127.0.0.1:1",
    )
    findings = await examine(nowhere, _next_years())
    assert {finding.check for finding in findings if not finding.ok} == {"postgres", "temporal"}


async def test_a_login_with_a_wrong_password_is_named(healthy: Settings) -> None:
    wrong = changed(
        healthy, postgres_auditor_dsn=SecretStr(healthy.dsn().replace("xuanshu_app", "xuanshu_auditor1"))
    )
    faults = [finding for finding in await examine(wrong, _next_years()) if not finding.ok]
    assert ["auditor" in fault.en for fault in faults] == [True]


@pytest.mark.parametrize("environment", list(Environment))
async def test_nothing_configured_stops_production_alone(tmp_path: Path, environment: Environment) -> None:
    bare = Settings(data_dir=tmp_path, environment=environment)
    faults = {finding.check for finding in await examine(bare, _next_years()) if not finding.ok}
    assert faults == (
        {"postgres", "temporal", "vault_key", "log_key", "payload_keys"}
        if environment is Environment.PRODUCTION
        else set()
    )


@pytest.mark.parametrize(
    ("ahead", "severity"),
    [
        (timedelta(), Severity.OK),
        (timedelta(milliseconds=900), Severity.WARNING),
        (timedelta(milliseconds=-900), Severity.WARNING),
        (timedelta(seconds=3), Severity.FAULT),
        (timedelta(seconds=-3), Severity.FAULT),
    ],
)
def test_a_clock_is_judged_by_its_distance(ahead: timedelta, severity: Severity) -> None:
    assert doctor.judge_clock(NOON + ahead, NOON, NOON).severity is severity


def test_a_slow_answer_is_not_held_against_the_clock() -> None:
    assert (
        doctor.judge_clock(NOON, NOON - timedelta(seconds=4), NOON + timedelta(seconds=4)).severity
        is Severity.OK
    )


def test_a_year_without_data_is_a_fault_now_and_a_warning_ahead() -> None:
    assert [found.severity for found in doctor.check_calendar(2026)] == [Severity.OK, Severity.WARNING]
    assert [found.severity for found in doctor.check_calendar(2300)] == [Severity.FAULT, Severity.WARNING]
    assert [found.severity for found in doctor.check_calendar(2026, declared_year(2027))] == [Severity.OK] * 2


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_fixed_port_that_is_taken_is_a_fault(tmp_path: Path, taken_port: int) -> None:
    (found,) = doctor.check_ports(Settings(data_dir=tmp_path, postgres_port=taken_port))
    assert (found.check, found.severity) == ("ports", Severity.FAULT)
    assert "postgres_port" in found.remedy(Language.ZH)


def test_a_data_folder_that_cannot_be_written_is_a_fault() -> None:
    assert doctor.check_data_dir(Settings(data_dir=Path("/proc/nothing"))).severity is Severity.FAULT


def test_few_open_files_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    assert doctor.check_open_files().severity is Severity.WARNING


@pytest.mark.parametrize("check", [doctor.check_vault_key, doctor.check_payload_keys])
def test_a_development_key_is_a_fault_in_production_alone(
    tmp_path: Path, check: Callable[[Settings], Finding]
) -> None:
    key = SecretStr((DEVELOPMENT_KEY_MARK + bytes(16)).hex())
    here, there = (
        check(Settings(data_dir=tmp_path, vault_kek=key, payload_keys=key, environment=environment))
        for environment in (Environment.DEVELOPMENT, Environment.PRODUCTION)
    )
    assert (here.severity, there.severity) == (Severity.WARNING, Severity.FAULT)


@pytest.mark.parametrize(
    ("key", "here", "there"),
    [
        (None, Severity.WARNING, Severity.FAULT),
        ((DEVELOPMENT_KEY_MARK + bytes(16)).hex(), Severity.WARNING, Severity.FAULT),
        ("ab" * 32, Severity.OK, Severity.OK),
    ],
)
def test_production_signs_its_log_by_a_key_of_its_own(
    tmp_path: Path, key: str | None, here: Severity, there: Severity
) -> None:
    for environment, severity in ((Environment.DEVELOPMENT, here), (Environment.PRODUCTION, there)):
        secret = SecretStr(key) if key else None
        signed, published, _stamped = doctor.check_proof(
            Settings(data_dir=tmp_path, log_key=secret, environment=environment)
        )
        assert signed.severity is severity
        assert published.ok, "publishing is advised, not required"


def test_a_log_published_with_witnesses_is_as_it_should_be(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        publish_dir=tmp_path,
        environment=Environment.PRODUCTION,
        log_key=SecretStr("ab" * 32),
    )
    assert doctor.check_proof(settings)[1].severity is Severity.WARNING
    witnessed = changed(settings, witnesses="https://audit.example.org/witness")
    assert doctor.check_proof(witnessed)[1].severity is Severity.OK


def test_whatever_is_not_right_comes_with_a_remedy_in_both_languages() -> None:
    for word, (severity, *texts) in WORDS.items():
        assert all(texts) is (severity != "ok"), word
