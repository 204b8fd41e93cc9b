"""What is wrong with an environment, before anything is started in it: one finding a question, worst first to read.

A fault keeps the engine from working or from keeping its promises; a warning is a thing to know.
"""

from __future__ import annotations

import asyncio
import platform
import resource
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import asyncpg
from pydantic import BaseModel, ConfigDict
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest

from domain.audit.timing import CLOCKS_APART
from domain.calendar import NO_OVERRIDES, OVERRIDE_FILE, is_work_day, local_date
from runtime.doctor_words import WORDS
from runtime.ports import is_free
from runtime.settings import Environment, Language, Login, Settings, is_of_development
from runtime.temporal import connect_config, connect_to, temporal_runtime
from runtime.timestamps import trusted_certificates
from schemas.errors import Refused, Unavailable

_PYTHON_MIN = (3, 11)
_POSTGRES_MIN = 160_000
_OPEN_FILES_MIN = 4096
_SKEW_WARNING = timedelta(milliseconds=500)
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
_TEMPORAL_PATIENCE_SECONDS = 5.0
_POSTGRES_PATIENCE_SECONDS = 5.0


class Severity(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(BaseModel):
    """The answer to one question; `check` is a stable name for programs."""

    model_config = ConfigDict(frozen=True)

    check: str
    severity: Severity
    zh: str
    en: str
    remedy_zh: str = ""
    remedy_en: str = ""

    @property
    def ok(self) -> bool:
        """Whether one may go on; a warning does not stop anybody."""
        return self.severity is not Severity.FAULT

    def detail(self, language: Language) -> str:
        return self.zh if language is Language.ZH else self.en

    def remedy(self, language: Language) -> str:
        """What to do about it; empty when there is nothing to do."""
        return self.remedy_zh if language is Language.ZH else self.remedy_en


async def examine(settings: Settings, overrides: Mapping[date, bool] = NO_OVERRIDES) -> tuple[Finding, ...]:
    """Every check in a fixed order; starts nothing, writes nothing but a probe file in the data folder."""
    near = (check_python(), check_open_files(), check_data_dir(settings), *check_ports(settings))
    postgres, temporal = await asyncio.gather(check_postgres(settings), check_temporal(settings))
    years = check_calendar(local_date(datetime.now(UTC)).year, overrides)
    keys = (check_vault_key(settings), check_payload_keys(settings), *check_proof(settings))
    return (*near, *postgres, *temporal, *years, *keys)


def check_python() -> Finding:
    fine = sys.version_info >= _PYTHON_MIN
    return _finding("python", "python_ok" if fine else "python_old", version=platform.python_version())


def check_open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = soft == resource.RLIM_INFINITY or soft >= _OPEN_FILES_MIN
    return _finding(
        "open_files", "open_files_ok" if enough else "open_files_few", limit=soft, least=_OPEN_FILES_MIN
    )


def check_data_dir(settings: Settings) -> Finding:
    folder = settings.data_dir
    place = folder if folder.exists() else folder.parent
    try:
        with tempfile.TemporaryFile(dir=place):
            return _finding("data_dir", "data_dir_ok", place=folder)
    except OSError as fault:
        return _finding("data_dir", "data_dir_closed", place=folder, fault=fault.strerror)


def check_ports(settings: Settings) -> list[Finding]:
    """The fixed ports of the local stack, while it does not run."""
    names = ("postgres_port", "temporal_port", "temporal_ui_port")
    fixed = {name: port for name in names if (port := getattr(settings, name))}
    if not fixed or settings.postgres_app_dsn is not None:
        return [_finding("ports", "ports_any")]
    return [
        _finding("ports", "port_free" if is_free(port) else "port_taken", port=port, setting=name)
        for name, port in fixed.items()
    ]


async def check_postgres(settings: Settings) -> list[Finding]:
    """Reachability, version, durability, clock, tables and what the app's login may do."""
    if settings.postgres_app_dsn is None:
        return [_finding("postgres", _strict(settings, "postgres_missing", "postgres_none_yet"))]
    strangers = [found for login in _other_logins(settings) if (found := await _check_login(settings, login))]
    try:
        connection = await asyncpg.connect(settings.dsn(), timeout=_POSTGRES_PATIENCE_SECONDS)
    except (OSError, asyncpg.PostgresError, ValueError) as fault:
        return [_finding("postgres", "postgres_away", login=Login.APP, fault=_said(fault)), *strangers]
    try:
        return [*(await _check_server(settings, connection)), *strangers]
    finally:
        await connection.close()


def _other_logins(settings: Settings) -> list[Login]:
    logins = (Login.SEQUENCER, Login.AUDITOR, Login.VAULT, Login.WEB)
    return [login for login in logins if getattr(settings, f"postgres_{login}_dsn") is not None]


async def _check_login(settings: Settings, login: Login) -> Finding | None:
    try:
        connection = await asyncpg.connect(settings.dsn(login), timeout=_POSTGRES_PATIENCE_SECONDS)
    except (OSError, asyncpg.PostgresError, ValueError) as fault:
        return _finding("postgres", "postgres_away", login=login, fault=_said(fault))
    await connection.close()
    return None


async def _check_server(settings: Settings, connection: asyncpg.Connection) -> list[Finding]:
    version = await connection.fetchval("SHOW server_version")
    number = int(await connection.fetchval("SHOW server_version_num"))
    return [
        _finding("postgres", "postgres_ok" if number >= _POSTGRES_MIN else "postgres_old", version=version),
        await _check_durability(connection),
        await _check_clock(connection),
        await _check_tables(connection),
        await _check_privilege(settings, connection),
    ]


async def _check_durability(connection: asyncpg.Connection) -> Finding:
    values = {name: await connection.fetchval(f"SHOW {name}") for name in _DURABLE}
    weak = ", ".join(f"{name}={value}" for name, value in values.items() if value in ("off", "local"))
    return _finding("durability", "durability_weak" if weak else "durability_ok", values=weak)


async def _check_clock(connection: asyncpg.Connection) -> Finding:
    before = datetime.now(UTC)
    theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
    after = datetime.now(UTC)
    return judge_clock(theirs, before, after)


def judge_clock(theirs: datetime, before: datetime, after: datetime) -> Finding:
    """How far the database's clock is from ours, read between `before` and `after`; the doubt counts in its favour."""
    skew = max(before - theirs, theirs - after, timedelta())
    word = "clock_off" if skew > CLOCKS_APART else "clock_drifts" if skew > _SKEW_WARNING else "clock_ok"
    return _finding("clock", word, milliseconds=skew // timedelta(milliseconds=1))


async def _check_tables(connection: asyncpg.Connection) -> Finding:
    there = await connection.fetchval("SELECT to_regclass('ledger.event') IS NOT NULL")
    return _finding("tables", "tables_ok" if there else "tables_missing")


async def _check_privilege(settings: Settings, connection: asyncpg.Connection) -> Finding:
    mighty = await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    return _finding(
        "privilege", _strict(settings, "superuser", "superuser_here") if mighty else "privilege_ok"
    )


async def check_temporal(settings: Settings) -> list[Finding]:
    """Whether the namespace answers, and which server it is."""
    if settings.postgres_app_dsn is None and not (settings.temporal_address or settings.temporal_profile):
        return [_finding("temporal", _strict(settings, "temporal_missing", "temporal_none_yet"))]
    try:
        target = connect_config(settings)
        client = await connect_to(target, temporal_runtime(), patience_seconds=_TEMPORAL_PATIENCE_SECONDS)
    except Unavailable as away:
        return [_finding("temporal", "temporal_away", **away.facts)]
    told = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    return [_finding("temporal", "temporal_ok", version=told.server_version, namespace=client.namespace)]


def check_calendar(year: int, overrides: Mapping[date, bool] = NO_OVERRIDES) -> list[Finding]:
    """This year's work days and the next one's, into which a cycle may reach."""
    return [
        _check_year(year, overrides, missing="year_missing"),
        _check_year(year + 1, overrides, missing="next_year_missing"),
    ]


def _check_year(year: int, overrides: Mapping[date, bool], *, missing: str) -> Finding:
    try:
        is_work_day(date(year, 12, 31), overrides)
    except Refused:
        return _finding("calendar", missing, year=year, file=OVERRIDE_FILE)
    return _finding("calendar", "year_ok", year=year)


def check_vault_key(settings: Settings) -> Finding:
    if settings.vault_kek is None:
        return _finding("vault_key", _strict(settings, "key_missing", "key_none_yet"))
    if settings.has_development_key():
        return _finding("vault_key", _strict(settings, "key_of_development", "key_of_development_here"))
    return _finding("vault_key", "key_ok")


def check_proof(settings: Settings) -> list[Finding]:
    """Whether the log is signed by a key and under a name of its own, and kept by somebody outside the database."""
    return [_check_log_key(settings), _check_published(settings), _check_timestamps(settings)]


def _check_log_key(settings: Settings) -> Finding:
    if settings.log_key is None:
        return _finding("log_key", _strict(settings, "log_key_missing", "log_key_none_yet"))
    word = "log_key_ok"
    if settings.has_development_log_key():
        word = _strict(settings, "log_key_of_development", "log_key_of_development_here")
    return _finding("log_key", word, key=settings.trusted()[0])


def _check_published(settings: Settings) -> Finding:
    if settings.publish_dir is None:
        return _finding("published", _strict(settings, "published_nowhere", "published_nowhere_yet"))
    word = "published_ok" if settings.witnesses else "published_unwitnessed"
    return _finding("published", word, place=settings.publish_dir)


def _check_timestamps(settings: Settings) -> Finding:
    asked, file = settings.timestamp_urls(), settings.timestamp_certificates
    try:
        trusted = trusted_certificates(file)
    except Unavailable as unreadable:
        return _finding("timestamps", "certificates_unreadable", **unreadable.facts)
    if asked and not trusted:
        return _finding("timestamps", "certificates_missing")
    return _finding("timestamps", "timestamps_ok", asked=len(asked), trusted=len(trusted))


def check_payload_keys(settings: Settings) -> Finding:
    """Whether what goes to Temporal is sealed, and by a key that nobody else has."""
    if settings.payload_keys is None:
        return _finding("payload_keys", _strict(settings, "payloads_plain", "payloads_plain_here"))
    if is_of_development(settings.payload_key_ring()[0]):
        return _finding(
            "payload_keys", _strict(settings, "payload_key_of_development", "payload_key_of_development_here")
        )
    return _finding("payload_keys", "payloads_sealed")


def _strict(settings: Settings, in_production: str, in_development: str) -> str:
    return in_production if settings.environment is Environment.PRODUCTION else in_development


def _said(fault: Exception) -> str:
    return str(fault) or type(fault).__name__


def _finding(check: str, word: str, **facts: object) -> Finding:
    grade, zh, en, remedy_zh, remedy_en = WORDS[word]
    parts = {"zh": zh, "en": en, "remedy_zh": remedy_zh, "remedy_en": remedy_en}
    said = {name: part.format(**facts) for name, part in parts.items()}
    return Finding(check=check, severity=Severity(grade), **said)
