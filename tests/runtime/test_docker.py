"""The image and the compose file, as far as they can be checked without an engine to run them."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from runtime.dev_server import UPDATE_LIMITS
from runtime.settings import CHECKOUT, Settings
from runtime.temporal import SEARCH_ATTRIBUTES

DOCKER = CHECKOUT / "docker"
BIN = Path(sys.executable).parent
JOBS = {"migrations", "temporal-schema", "temporal-namespace"}
SERVERS = {"postgres", "temporal-postgres", "temporal", "intake"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(DOCKER / "compose.yaml")
    return loaded


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_the_compose_file_obeys_the_compose_specification() -> None:
    said = run(
        str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "docker/compose.yaml"
    )
    assert said.returncode == 0, said.stdout


def test_the_schema_check_would_notice_a_slip(tmp_path: Path) -> None:
    broken = tmp_path / "compose.yaml"
    broken.write_text((DOCKER / "compose.yaml").read_text().replace("healthcheck:", "healthchek:"))
    said = run(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(broken))
    assert said.returncode != 0


def test_the_dockerfile_passes_hadolint() -> None:
    said = run(str(BIN / "hadolint"), "docker/Dockerfile")
    assert said.returncode == 0, said.stdout


def test_the_server_of_the_compose_file_takes_as_many_updates_as_ours(compose: dict[str, Any]) -> None:
    server = compose["services"]["temporal"]
    (mounted,) = server["volumes"]
    file, place, _ = mounted.split(":")
    assert place == server["environment"]["DYNAMIC_CONFIG_FILE_PATH"]
    limits = YAML(typ="safe").load(DOCKER / file)
    assert {name: str(one["value"]) for name, (one,) in limits.items()} == UPDATE_LIMITS


@pytest.mark.parametrize("script", sorted(DOCKER.glob("*.sh")), ids=lambda path: path.name)
def test_the_scripts_are_shell(script: Path) -> None:
    assert run("sh", "-n", str(script)).returncode == 0


def test_the_image_runs_as_an_account_without_rights() -> None:
    *_, user = re.findall(r"^USER (\S+)$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    assert user == "10001:10001"


def test_the_image_has_compiled_what_its_processes_may_not_keep() -> None:
    text = (DOCKER / "Dockerfile").read_text()
    assert "PYTHONDONTWRITEBYTECODE=1" in text
    assert re.search(r"uv pip install .*--compile-bytecode .*-r /build/requirements.txt", text)
    assert text.index("COPY . .") < text.index("RUN python -m compileall -q .") < text.index("USER ")


def test_the_image_has_every_package_and_no_other_file() -> None:
    lines = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    taken = {line.removeprefix("!").rstrip("/") for line in lines if line.startswith("!")}
    layers = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0][
        "layers"
    ]
    packages = {name.strip(" ()") for layer in layers for name in layer.split("|")}
    others = {"LICENSE", "programmes", "requirements.txt", "requirements-uv.txt", "starter.py", "worker.py"}
    assert taken == packages | others
    assert lines[1] == "*"


def test_every_server_is_asked_for_its_health_and_every_job_is_waited_for(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {name for name, service in services.items() if "healthcheck" in service} == SERVERS
    awaited = {
        name
        for service in services.values()
        for name, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    assert awaited == JOBS


def test_every_setting_in_the_compose_file_exists(compose: dict[str, Any]) -> None:
    named = {
        name.removeprefix("XUANSHU_").lower()
        for service in compose["services"].values()
        for name in service.get("environment", {})
        if name.startswith("XUANSHU_")
    }
    named |= set(re.findall(r"^\s+XUANSHU_(\w+)=", (DOCKER / "Dockerfile").read_text(), re.MULTILINE))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_the_example_environment_asks_for_every_variable_and_sets_none() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (DOCKER / "compose.yaml").read_text()))
    asked |= {"VAULT_KEK", "BALLOT_KEK", "LOG_KEY", "PAYLOAD_KEYS"}
    lines = (DOCKER / "example.env").read_text().splitlines()
    assert {line for line in lines if not line.startswith("#")} == {f"{name}=" for name in asked}


def test_the_worker_has_neither_the_owner_s_login_nor_the_migrator_s(compose: dict[str, Any]) -> None:
    given = compose["services"]["worker"]["environment"]
    assert not {"XUANSHU_POSTGRES_OWNER_DSN", "XUANSHU_POSTGRES_MIGRATOR_DSN"} & given.keys()


def test_the_intake_has_no_login_but_its_own_and_not_the_vault_s_key(compose: dict[str, Any]) -> None:
    intake = compose["services"]["intake"]
    assert [name for name in intake["environment"] if "DSN" in name] == ["XUANSHU_POSTGRES_WEB_DSN"]
    (secret,) = intake["secrets"]
    assert (
        Settings.model_fields[secret["target"].removeprefix("xuanshu_")]
        is Settings.model_fields["ballot_kek"]
    )


def test_the_keys_come_as_secrets_that_the_settings_read(compose: dict[str, Any], tmp_path: Path) -> None:
    for secret in compose["services"]["worker"]["secrets"]:
        (tmp_path / secret["target"]).write_text("cd" * 32)
    settings = Settings(_secrets_dir=tmp_path, data_dir=tmp_path)
    assert settings.kek() == bytes([0xCD]) * 32
    assert settings.log_signing_key() is not None
    assert settings.payload_key_ring() == (settings.kek(),)


def test_the_namespace_job_registers_our_search_attributes() -> None:
    script = (DOCKER / "temporal-namespace.sh").read_text()
    (names,) = re.findall(r"for name in (.+); do", script)
    assert names.split() == [key.name for key in SEARCH_ATTRIBUTES]
