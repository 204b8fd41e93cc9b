"""Where a process connects: a profile of temporal.toml, Temporal's own environment, or a running stack."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.settings import CHECKOUT, Settings
from runtime.temporal import connect, connect_config, worker_there
from schemas.errors import Unavailable

SAMPLE = CHECKOUT / "docker" / "temporal.toml"


@pytest.fixture(autouse=True)
def _no_environment_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XUANSHU_DATA_DIR", str(tmp_path))
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_each_profile_of_the_sample_is_understood(tmp_path: Path) -> None:
    sample = tmp_path / "temporal.toml"
    sample.write_text(SAMPLE.read_text().replace("/etc/temporal", str(tmp_path)))
    for name in ("ca.pem", "client.pem", "client.key"):
        (tmp_path / name).write_text(name)
    local, tls, cloud = (
        connect_config(Settings(temporal_config_file=sample, temporal_profile=profile))
        for profile in ("default", "tls", "cloud")
    )
    assert (local["target_host"], local.get("tls")) == ("127.0.0.1:7233", None)
    assert tls.get("tls")
    assert cloud["target_host"].endswith(".tmprl.cloud:7233")
    assert cloud.get("api_key")


@pytest.mark.parametrize("profile", ["tls", "no-such-profile"])
def test_a_profile_that_cannot_be_read_is_named(profile: str) -> None:
    with pytest.raises(Unavailable, match=profile):
        connect_config(Settings(temporal_config_file=SAMPLE, temporal_profile=profile))


def test_a_profile_goes_before_a_plain_address() -> None:
    settings = Settings(
        temporal_config_file=SAMPLE, temporal_profile="default", temporal_address="10.0.0.1:1"
    )
    assert connect_config(settings)["target_host"] == "127.0.0.1:7233"


def test_temporal_s_own_variables_are_heard_where_no_address_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:7777")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "awards")
    target = connect_config(Settings())
    assert (target["target_host"], target.get("namespace")) == ("127.0.0.1:7777", "awards")


async def test_a_server_that_is_away_is_unavailable_and_named() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        await connect(Settings(temporal_address="127.0.0.1:1"), patience_seconds=0.5)


async def test_a_namespace_that_does_not_exist_is_unavailable(temporal: Client) -> None:
    address = temporal.service_client.config.target_host
    with pytest.raises(Unavailable, match="not found"):
        await connect(
            Settings(temporal_address=address, temporal_namespace="nobody-made-me"), patience_seconds=0.5
        )


async def test_waiting_for_a_worker_says_that_temporal_is_away() -> None:
    class Away:
        async def describe_task_queue(self, _request: object) -> None:
            raise RPCError("tcp connect error", RPCStatusCode.UNAVAILABLE, b"")

    client = SimpleNamespace(namespace="default", workflow_service=Away())
    with pytest.raises(Unavailable, match="TEMPORAL_UNAVAILABLE"):
        await worker_there(cast("Client", client), "queue")
