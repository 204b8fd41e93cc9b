"""One class of settings, and who goes before whom."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from proof.note import KeyKind, SigningKey
from runtime.processes import ProcessMark
from runtime.settings import (
    DEVELOPMENT_KEY_MARK,
    Language,
    Login,
    Settings,
    child_environment,
    language_of_locale,
)
from runtime.stack_record import StackRecord
from schemas.errors import Unavailable

HERE, THERE = "postgresql://xuanshu_app:here@127.0.0.1/x", "postgresql://xuanshu_app:there@127.0.0.1/x"


@pytest.fixture
def beside_a_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder in which this very process claims to run a stack."""
    monkeypatch.setenv("XUANSHU_DATA_DIR", str(tmp_path))
    record = StackRecord(supervisor=ProcessMark.of(), settings={"postgres_app_dsn": HERE})
    record.write(tmp_path)
    return tmp_path


def test_a_running_stack_is_found_by_every_process_of_the_folder(beside_a_stack: Path) -> None:
    assert Settings().dsn(Login.APP) == HERE


def test_the_environment_goes_before_a_running_stack(
    beside_a_stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XUANSHU_POSTGRES_APP_DSN", THERE)
    assert Settings().dsn(Login.APP) == THERE


def test_a_stack_that_is_dead_is_not_believed(beside_a_stack: Path) -> None:
    dead = ProcessMark.of().model_copy(update={"born": 1.0})
    StackRecord(supervisor=dead, settings={"postgres_app_dsn": HERE}).write(beside_a_stack)
    with pytest.raises(Unavailable, match="XUANSHU_POSTGRES_APP_DSN"):
        Settings().dsn(Login.APP)


def test_a_record_cut_short_by_a_crash_is_not_believed(beside_a_stack: Path) -> None:
    (beside_a_stack / "stack.json").write_text('{"supervisor": {"pid": 1')
    assert Settings().postgres_app_dsn is None


@pytest.mark.parametrize("written", ["tsa.test", "ftp://tsa.test", "https://", "https://时间.test"])
def test_an_authority_is_named_by_an_http_url_with_a_host(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XUANSHU_TIMESTAMP_AUTHORITIES", f"https://tsa.test/tsr,{written}")
    with pytest.raises(ValidationError, match="https://"):
        Settings()


def test_the_record_with_its_passwords_is_for_its_owner_alone(beside_a_stack: Path) -> None:
    assert stat.S_IMODE((beside_a_stack / "stack.json").stat().st_mode) == 0o600


def test_the_environment_of_a_child_leads_to_its_stack_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XUANSHU_POSTGRES_APP_DSN", THERE)
    monkeypatch.setenv("XUANSHU_VAULT_KEK", "ab" * 32)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "cloud.example:7233")
    monkeypatch.setenv("XUANSHU_LOG_LEVEL", "DEBUG")
    child = child_environment(tmp_path)
    ours = {name: value for name, value in child.items() if name.startswith(("XUANSHU_", "TEMPORAL_"))}
    assert ours == {"XUANSHU_DATA_DIR": str(tmp_path), "XUANSHU_LOG_LEVEL": "DEBUG"}


def test_no_secret_shows_when_settings_are_printed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, postgres_app_dsn=SecretStr(HERE), vault_kek=SecretStr("ab" * 32))
    assert "here" not in repr(settings)
    assert "abab" not in str(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("XUANSHU_VAULT_KEK", "ab" * 31),
        ("XUANSHU_VAULT_KEK", "not hex"),
        ("XUANSHU_LOG_LEVEL", "LOUD"),
        ("XUANSHU_LOG_FORMAT", "xml"),
        ("XUANSHU_POSTGRES_PORT", "70000"),
        ("XUANSHU_ENVIRONMENT", "somewhere"),
    ],
)
def test_a_wrong_value_fails_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError):
        Settings(data_dir=tmp_path)


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("zh_CN.UTF-8", Language.ZH),
        ("zh_TW", Language.ZH),
        ("en_US.UTF-8", Language.EN),
        ("C", Language.EN),
        ("", Language.EN),
    ],
)
def test_the_language_follows_the_locale(
    monkeypatch: pytest.MonkeyPatch, locale: str, language: Language
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", locale)
    assert language_of_locale() is language


def test_a_key_of_development_is_recognised(tmp_path: Path) -> None:
    made = SecretStr((DEVELOPMENT_KEY_MARK + bytes(16)).hex())
    assert Settings(data_dir=tmp_path, vault_kek=made).has_development_key()
    assert not Settings(data_dir=tmp_path, vault_kek=SecretStr("ab" * 32)).has_development_key()


def test_trusted_keys_are_those_given_and_the_log_s_own(tmp_path: Path) -> None:
    own = SigningKey("log.test/log", b"k" * 32).verifier
    other = SigningKey("log.test/witness", b"w" * 32, KeyKind.WITNESS).verifier
    settings = Settings(
        data_dir=tmp_path,
        log_origin="log.test/log",
        log_key=SecretStr((b"k" * 32).hex()),
        trusted_keys=f" {other}, {own}",
    )
    assert settings.trusted() == (own, other)
    with pytest.raises(ValidationError, match="id should be"):
        Settings(data_dir=tmp_path, trusted_keys=str(own).replace("log.test", "other.test"))


def test_a_witness_may_have_a_second_key_under_its_name() -> None:
    first = Settings(witness_name="office.test/w", witness_key=SecretStr((b"w" * 32).hex()))
    both = first.model_copy(update={"witness_ml_dsa_key": SecretStr((b"s" * 32).hex())})
    one = SigningKey("office.test/w", b"w" * 32, KeyKind.WITNESS).verifier
    other = SigningKey("office.test/w", b"s" * 32, KeyKind.WITNESS_ML_DSA).verifier
    assert [key.verifier for key in first.witness_signing_keys()] == [one]
    assert [key.verifier for key in both.witness_signing_keys()] == [one, other]
    with pytest.raises(Unavailable):
        Settings(witness_ml_dsa_key=SecretStr((b"s" * 32).hex())).witness_signing_keys()
    with pytest.raises(ValidationError, match="64 hex digits"):
        Settings(witness_ml_dsa_key=SecretStr("ab"))


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
