"""Every setting, in one class; no other module reads the environment.

Order, the first that speaks wins: arguments, `XUANSHU_*` variables, files under /run/secrets, what a running
`make up` left in DATA/stack.json, defaults.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from proof.note import KeyKind, SigningKey, VerifierKey, check_key_name
from runtime.reading import is_url
from runtime.stack_record import StackRecord
from schemas import names
from schemas.errors import EngineError, Unavailable

CHECKOUT = Path(__file__).resolve().parent.parent
DEVELOPMENT_KEY_MARK = b"development-only"
"""The first half of every key that a local stack makes, so that one in production is recognised."""

_PREFIX = "XUANSHU_"
_SECRETS = Path("/run/secrets")
_CONNECTIONS = (
    "XUANSHU_POSTGRES",
    "XUANSHU_TEMPORAL",
    "XUANSHU_VAULT",
    "XUANSHU_LOG_KEY",
    "XUANSHU_PAYLOAD",
    "TEMPORAL_",
)


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


class Login(StrEnum):
    """Who connects to Postgres; the value names its setting `postgres_{value}_dsn`."""

    OWNER = "owner"
    MIGRATOR = "migrator"
    APP = "app"
    SEQUENCER = "sequencer"
    AUDITOR = "auditor"
    VAULT = "vault"
    WEB = "web"


def language_of_locale() -> Language:
    """Chinese where the terminal's locale is Chinese, English elsewhere."""
    locale = next(
        (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), ""
    )
    return Language.ZH if locale.lower().startswith("zh") else Language.EN


class Settings(BaseSettings):
    """Read once at the start of a process and handed on; wrong values fail there, all at once."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        secrets_dir=_SECRETS if _SECRETS.is_dir() else None,
        frozen=True,
        populate_by_name=True,
        extra="ignore",
        hide_input_in_errors=True,  # a key with a digit too few is a key all the same
    )

    environment: Environment = Field(
        Environment.DEVELOPMENT, description="production makes the doctor stricter"
    )
    data_dir: Path = Field(
        CHECKOUT / ".data", description="where a local stack keeps its data, logs and keys"
    )
    language: Language = Field(default_factory=language_of_locale, description="zh or en; by locale")
    log_format: LogFormat = Field(LogFormat.CONSOLE, description="console for people, json for collectors")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    postgres_owner_dsn: SecretStr | None = Field(
        None, description="makes roles and schemas; for migrations only"
    )
    postgres_migrator_dsn: SecretStr | None = Field(None, description="applies migrations")
    postgres_app_dsn: SecretStr | None = Field(None, description="the worker and the terminal")
    postgres_sequencer_dsn: SecretStr | None = Field(None, description="gives events their global order")
    postgres_auditor_dsn: SecretStr | None = Field(None, description="reads the log, writes nothing")
    postgres_vault_dsn: SecretStr | None = Field(None, description="the vault of personal data")
    postgres_web_dsn: SecretStr | None = Field(None, description="the vote intake: hands papers in")
    postgres_vault_owner_dsn: SecretStr | None = Field(
        None, description="if the vault has a server of its own"
    )
    vault_kek: SecretStr | None = Field(
        None, description="64 hex digits: the key that wraps each person's key"
    )

    ballot_kek: SecretStr | None = Field(
        None, description="64 hex digits: the key that seals each ballot's key; another than the vault's"
    )

    workflow_sandbox: bool = Field(
        False,
        description="Temporal's sandbox around workflows, which finds what replay forbids: slower, for development",
    )

    web_address: str = Field("127.0.0.1:8090", description="host:port on which the vote intake listens")
    web_workers: int = Field(1, ge=1, description="processes of the vote intake that share its port")
    web_inside_max: int = Field(
        1024, ge=1, description="requests that an intake process holds at once; beyond, it answers 503"
    )
    web_sender_header: str = Field(
        "", description="header in which your own proxy names the sender's address; unset: the connection's"
    )
    web_link_key: str = Field(
        "",
        pattern=r"^([0-9a-f]{64})?$",
        description="64 hex digits: who signs voters' links, Ed25519 public key",
    )
    web_code_file: Path | None = Field(
        None, description="phone codes go into this file instead of to phones: on one's own machine alone"
    )
    web_codes_network_max: int = Field(
        1000, ge=1, description="phone codes that one network (/24 or /48) may ask for in an hour, a ballot"
    )
    web_wechat_app: str = Field("", description="WeChat's app id; unset: nobody votes by WeChat")
    web_wechat_secret: SecretStr = Field(SecretStr(""), description="the secret of that app")
    web_wechat_url: str = Field("https://api.weixin.qq.com", description="where WeChat's codes are exchanged")

    log_origin: str = Field("xuanshu.localhost/log", description="the name under which the log is signed")
    log_key: SecretStr | None = Field(None, description="64 hex digits: the key that signs the log")
    trusted_keys: str = Field(
        "", description="public keys (vkeys) of the log and of witnesses, with commas between"
    )
    publish_dir: Path | None = Field(None, description="the folder to which the signed log is published")
    publish_entries: bool = Field(False, description="publish the events too, not their hashes alone")
    publish_address: str = Field(
        "127.0.0.1:8790", description="host:port where `python -m web.published` serves that folder"
    )
    witnesses: str = Field("", description="URLs of the witnesses of the log, with commas between")
    witness_name: str = Field("xuanshu.localhost/witness", description="a witness's own name")
    witness_key: SecretStr | None = Field(None, description="64 hex digits: a witness's own key")
    witness_ml_dsa_key: SecretStr | None = Field(
        None, description="64 hex digits: a witness's second key, ML-DSA-44"
    )
    witness_dir: Path | None = Field(None, description="the folder where a witness keeps what it has seen")
    witness_address: str = Field(
        "127.0.0.1:8791", description="host:port where `python -m web.witness` answers"
    )
    timestamp_authorities: str = Field(
        "", description="URLs that stamp the log's checkpoints once a day (RFC 3161), with commas between"
    )
    timestamp_certificates: Path | None = Field(
        None, description="PEM file: the roots to which their certificates must lead"
    )
    payload_keys: SecretStr | None = Field(
        None,
        description="64 hex digits each, a comma between: the first seals what goes to Temporal, all open",
    )

    temporal_profile: str | None = Field(None, description="a profile of temporal.toml; unset: `default`")
    temporal_config_file: Path | None = Field(None, description="temporal.toml; unset: Temporal's own places")
    temporal_address: str | None = Field(None, description="host:port without TLS; a profile goes before it")
    temporal_namespace: str = Field("default", description="the namespace at `temporal_address`")
    task_queue: str = Field(names.MAIN_QUEUE, description="workflows and short activities")
    metrics_address: str | None = Field(None, description="host:port for Prometheus; unset: none")

    postgres_port: int = Field(0, ge=0, le=65535, description="of the local stack; 0 = any free one")
    temporal_port: int = Field(0, ge=0, le=65535, description="of the local stack; 0 = any free one")
    temporal_ui_port: int = Field(0, ge=0, le=65535, description="of the local stack; 0 = any free one")
    server_account: str = Field("nobody", description="who runs the local Postgres when root starts it")
    pg_bin_dir: Path | None = Field(
        None,
        validation_alias=AliasChoices("XUANSHU_PG_BIN_DIR", "PG_BIN_DIR"),
        description="another PostgreSQL (17 or later) for the local stack",
    )

    @field_validator("data_dir", "publish_dir", "witness_dir", "timestamp_certificates")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value is not None else None

    @field_validator("log_origin", "witness_name")
    @classmethod
    def _name_of_a_key(cls, value: str) -> str:
        check_key_name(value)
        return value

    @field_validator("trusted_keys")
    @classmethod
    def _known_keys(cls, value: str) -> str:
        for written in _listed(value):
            VerifierKey.parse(written)
        return value

    @field_validator("timestamp_authorities")
    @classmethod
    def _known_schemes(cls, value: str) -> str:
        if not all(is_url(one) and one.isascii() and urlsplit(one).hostname for one in _listed(value)):
            raise ValueError("http:// or https://, and a host in ASCII")
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @field_validator("vault_kek", "ballot_kek", "log_key", "witness_key", "witness_ml_dsa_key")
    @classmethod
    def _key_of_32_bytes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(bytes.fromhex(value.get_secret_value())) != 32:
            raise ValueError("64 hex digits")
        return value

    @field_validator("payload_keys")
    @classmethod
    def _keys_of_32_bytes(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and any(len(key) != 32 for key in _keys(value)):
            raise ValueError("64 hex digits each, a comma between")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- called by keyword; there is no .env
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, file_secret_settings, RunningStackSource(settings_cls)

    def dsn(self, login: Login = Login.APP) -> str:
        """The DSN of a login; `Unavailable(SETTING_MISSING)` when neither a setting nor a running stack has it."""
        return self._secret(f"postgres_{login}_dsn")

    def kek(self) -> bytes:
        """The 32 bytes that wrap each person's key; `Unavailable(SETTING_MISSING)` when there are none."""
        return self._seed("vault_kek")

    def payload_key_ring(self) -> tuple[bytes, ...]:
        """The keys of what goes to Temporal, the sealing one first; none seals nothing, which production refuses.

        Raises `Unavailable(SETTING_MISSING)`.
        """
        if self.payload_keys is None and self.environment is Environment.PRODUCTION:
            self._secret("payload_keys")
        return _keys(self.payload_keys) if self.payload_keys is not None else ()

    def ballot_key_kek(self) -> bytes:
        """The 32 bytes that seal each ballot's key; `Unavailable(SETTING_MISSING)` when there are none."""
        return self._seed("ballot_kek")

    def has_development_key(self) -> bool:
        return self.vault_kek is not None and is_of_development(self.kek())

    def log_signing_key(self) -> SigningKey | None:
        """The key that signs the log under its origin; none where no log is signed."""
        return SigningKey(self.log_origin, self._seed("log_key")) if self.log_key is not None else None

    def has_development_log_key(self) -> bool:
        return self.log_key is not None and self._seed("log_key").startswith(DEVELOPMENT_KEY_MARK)

    def witness_signing_keys(self) -> tuple[SigningKey, ...]:
        """A witness's own key, and its second one if it has one; `Unavailable(SETTING_MISSING)` without the first."""
        kinds = {"witness_key": KeyKind.WITNESS}
        if self.witness_ml_dsa_key is not None:
            kinds["witness_ml_dsa_key"] = KeyKind.WITNESS_ML_DSA
        return tuple(SigningKey(self.witness_name, self._seed(one), kind) for one, kind in kinds.items())

    def trusted(self) -> tuple[VerifierKey, ...]:
        """The public keys to verify by: those of `trusted_keys`, and the log's own where its key is here."""
        own = self.log_signing_key()
        keys = (*([own.verifier] if own else []), *map(VerifierKey.parse, _listed(self.trusted_keys)))
        return tuple(dict.fromkeys(keys))

    def witness_urls(self) -> tuple[str, ...]:
        return _listed(self.witnesses)

    def timestamp_urls(self) -> tuple[str, ...]:
        return _listed(self.timestamp_authorities)

    def _seed(self, setting: str) -> bytes:
        return bytes.fromhex(self._secret(setting))

    def _secret(self, setting: str) -> str:
        value: SecretStr | None = getattr(self, setting)
        if value is None:
            raise Unavailable("SETTING_MISSING", setting=setting, variable=f"{_PREFIX}{setting.upper()}")
        return value.get_secret_value()


def read_settings() -> Settings:
    """What the environment says; Unavailable SETTING_WRONG with every wrong variable, and no value, which may be secret."""
    try:
        return Settings()
    except ValidationError as fault:
        wrong = fault.errors(include_url=False, include_input=False)
        raise Unavailable("SETTING_WRONG", fault="; ".join(map(_wrong, wrong))) from None


def _wrong(one: ErrorDetails) -> str:
    name = str(one["loc"][0]).upper() if one["loc"] else ""
    return f"{_PREFIX}{name.removeprefix(_PREFIX)}: {one['msg']}"


def answering(act: Callable[[Settings], None]) -> int:
    """The exit code of a process that only serves: its settings are read, and an error is said in the reader's language."""
    language = language_of_locale()
    try:
        settings = read_settings()
        language = settings.language
        act(settings)
    except EngineError as fault:
        sys.stderr.write(f"{fault.code}: {fault.message(language)}\n")
        return fault.exit_code
    return 0


def _listed(value: str) -> tuple[str, ...]:
    return tuple(one for part in value.split(",") if (one := part.strip()))


def is_of_development(key: bytes) -> bool:
    """Whether a local stack made this key."""
    return key.startswith(DEVELOPMENT_KEY_MARK)


def _keys(listed: SecretStr) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(key) for key in listed.get_secret_value().split(","))


class RunningStackSource(PydanticBaseSettingsSource):
    """What the stack that now runs in the data folder says about itself; nothing when none runs."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 -- the base class wants it
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        folder = Path(self.current_state.get("data_dir", CHECKOUT / ".data")).expanduser()
        record = StackRecord.read(folder)
        return record.settings if record is not None and record.supervisor.find() else {}


def child_environment(data_dir: Path) -> dict[str, str]:
    """The environment of a process that shall use the stack in `data_dir` and no other server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_CONNECTIONS)}
    return kept | {f"{_PREFIX}DATA_DIR": str(data_dir)}


def bare_environment(home: Path) -> dict[str, str]:
    """The environment of a server: no locale, no profile and no proxy of the person who starts it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LC_ALL": "C", "TZ": "UTC"}
