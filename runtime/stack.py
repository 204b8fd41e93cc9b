"""The stack of servers that needs no installation: Postgres, Temporal, our migrations, and workers, under one roof.

    async with embedded_stack(settings, ephemeral=True) as stack:
        await stack.start_worker()
        ... stack.settings ...

One process holds the folder's lock and watches over the rest; on Linux the kernel ends the rest with it. What a
kill leaves (a pid file, a record, an ephemeral folder, elsewhere also servers) the next start clears.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from runtime.children import Child, Command
from runtime.dev_server import NAMESPACE, DevServer, DevServerOptions, start_dev_server
from runtime.embedded_postgres import PostgresServer, clear_remains, start_postgres
from runtime.migration import migrate
from runtime.places import (
    Places,
    cluster_folder,
    ephemeral_folders,
    held_ephemeral_folder,
    hold,
    places_for,
    server_account,
)
from runtime.processes import ProcessMark, end
from runtime.settings import CHECKOUT, DEVELOPMENT_KEY_MARK, Login, Settings, child_environment
from runtime.stack_record import StackRecord, write_private
from schemas.errors import Unavailable
from store.migrations import RolePasswords, role_dsns

_SECRETS_FILE = "secrets.json"
_CLEAR_SECONDS = 15.0
_STOP_SECONDS = 60.0


def _development_key() -> str:
    return (DEVELOPMENT_KEY_MARK + secrets.token_bytes(32 - len(DEVELOPMENT_KEY_MARK))).hex()


class StackSecrets(BaseModel):
    """What a data folder's servers are locked with; made once, kept beside the data with mode 0600."""

    model_config = ConfigDict(frozen=True)

    password: str = Field(default_factory=lambda: secrets.token_urlsafe(24))
    kek: str = Field(default_factory=_development_key)
    ballot_kek: str = Field(default_factory=_development_key)
    log_key: str = Field(default_factory=_development_key)
    payload_key: str = Field(default_factory=_development_key)

    @classmethod
    def of(cls, data: Path) -> StackSecrets:
        """The folder's secrets; what it lacks is made now."""
        file = data / _SECRETS_FILE
        made = cls.model_validate_json(file.read_bytes() if file.exists() else b"{}")
        write_private(file, made.model_dump_json())
        return made


class Stack:
    """Running servers, the settings that reach them, and the workers started beside them."""

    def __init__(
        self, settings: Settings, places: Places, postgres: PostgresServer, temporal: DevServer
    ) -> None:
        self.settings = settings
        self.places = places
        self.postgres = postgres
        self.temporal = temporal
        self.workers: list[Child] = []

    async def start_worker(self, *arguments: str) -> Child:
        """Start `worker.py` against this stack; its log is DATA/worker.log."""
        child = await self.start("worker", sys.executable, str(CHECKOUT / "worker.py"), *arguments)
        self.workers = [worker for worker in self.workers if worker.running] + [child]
        self.publish()
        return child

    async def stop_workers(self) -> None:
        """Let every worker finish what it holds, and go."""
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    def publish(self) -> None:
        """Tell the other terminals how to reach the stack, and the next start what to clear after a crash."""
        children = [self.postgres.child, self.temporal.child, *self.workers]
        StackRecord(
            supervisor=ProcessMark.of(),
            children=tuple(child.mark for child in children),
            settings=_connections(self.settings),
        ).write(self.places.data)

    async def start(self, name: str, *arguments: str) -> Child:
        """Start a program of ours with the environment that leads to this stack."""
        return await Child.start(
            Command(
                name=name,
                arguments=arguments,
                environment=self.environment(),
                folder=CHECKOUT,
                log=self.places.log(name),
            )
        )

    def environment(self) -> dict[str, str]:
        """The environment of any process that shall use this stack and no other server."""
        return child_environment(self.places.data)

    async def server_died(self) -> Unavailable:
        """Wait until Postgres or Temporal is gone, and say which."""
        servers = (self.postgres.child, self.temporal.child)
        waits = {asyncio.ensure_future(server.process.wait()): server for server in servers}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            gone = waits[done.pop()].command
            return Unavailable("SERVER_DIED", server=gone.name, log=gone.log)
        finally:
            for wait in waits:
                wait.cancel()


@asynccontextmanager
async def embedded_stack(settings: Settings, *, ephemeral: bool, ui: bool = False) -> AsyncIterator[Stack]:
    """Servers up and migrated inside, all gone outside, by whatever way one leaves.

    `ephemeral`: a fresh folder that is deleted, Temporal in memory; else `settings.data_dir`, which stays.
    SIGTERM and SIGHUP cancel the body and end in `SystemExit(128 + signal)`. Raises `Unavailable`.
    """
    await asyncio.to_thread(remove_abandoned)
    with ended_by_signals():
        async with AsyncExitStack() as exits:
            places = _take_place(settings, exits, ephemeral=ephemeral)
            await asyncio.to_thread(clear_children, places.data)
            exits.callback(StackRecord.remove, places.data)
            settings = settings.model_copy(update={"data_dir": places.data})
            stack = await _start_servers(settings, places, exits, durable=not ephemeral, ui=ui)
            await asyncio.to_thread(migrate, stack.settings)
            exits.push_async_callback(stack.stop_workers)
            stack.publish()
            yield stack


def _take_place(settings: Settings, exits: AsyncExitStack, *, ephemeral: bool) -> Places:
    if ephemeral:
        folder = exits.enter_context(held_ephemeral_folder(server_account(settings)))
        return places_for(settings.model_copy(update={"data_dir": folder}))
    places = places_for(settings)
    exits.enter_context(hold(places.data))
    return places


async def _start_servers(
    settings: Settings, places: Places, exits: AsyncExitStack, *, durable: bool, ui: bool
) -> Stack:
    StackRecord(supervisor=ProcessMark.of()).write(places.data)
    kept = StackSecrets.of(places.data)
    postgres = await start_postgres(places, kept.password, settings.postgres_port)
    exits.push_async_callback(postgres.child.stop)
    await postgres.ensure_database()
    options = DevServerOptions(settings.temporal_port, ui, settings.temporal_ui_port, durable)
    temporal = await start_dev_server(places, options)
    exits.push_async_callback(temporal.child.stop)
    return Stack(_reaching(settings, kept, postgres, temporal), places, postgres, temporal)


def _reaching(
    settings: Settings, kept: StackSecrets, postgres: PostgresServer, temporal: DevServer
) -> Settings:
    """The settings with this stack's servers in them, whatever the environment says about others."""
    logins = role_dsns(postgres.dsn(), RolePasswords.all_alike(kept.password))
    dsns = {f"postgres_{role}_dsn": SecretStr(dsn) for role, dsn in logins.model_dump().items()}
    return settings.model_copy(
        update=dsns
        | {
            f"postgres_{Login.OWNER}_dsn": SecretStr(postgres.dsn()),
            "postgres_vault_owner_dsn": None,
            "vault_kek": SecretStr(kept.kek),
            "ballot_kek": SecretStr(kept.ballot_kek),
            "log_key": SecretStr(kept.log_key),
            "payload_keys": SecretStr(kept.payload_key),
            "temporal_address": temporal.address,
            "temporal_namespace": NAMESPACE,
            "temporal_profile": None,
        }
    )


def _connections(settings: Settings) -> dict[str, str]:
    values = {name: getattr(settings, name) for name in Settings.model_fields if name.endswith("_dsn")}
    others = (
        "vault_kek",
        "ballot_kek",
        "payload_keys",
        "log_key",
        "log_origin",
        "temporal_address",
        "temporal_namespace",
    )
    values |= {name: getattr(settings, name) for name in others}
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: SecretStr | str) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Inside, the first SIGTERM or SIGHUP cancels the current task, which then ends in `SystemExit(128 + signal)`."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    received: list[signal.Signals] = []

    def leave(what: signal.Signals) -> None:
        if not received and task is not None:
            received.append(what)
            task.cancel()

    for what in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(what, leave, what)
    try:
        yield
    except asyncio.CancelledError:
        if received:
            raise SystemExit(128 + received[0]) from None
        raise
    finally:
        for what in (signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(what)


def clear_children(data: Path) -> None:
    """End what a killed stack left running; only for the holder of the folder's lock."""
    record = StackRecord.read(data)
    marks = record.children if record else ()
    left = [process for mark in marks if (process := mark.find())]
    end(left, ask=signal.SIGINT, patience_seconds=_CLEAR_SECONDS)


def remove_abandoned() -> None:
    """Clear and delete the ephemeral folders of stacks that were killed."""
    for folder in ephemeral_folders():
        with contextlib.suppress(Unavailable, FileNotFoundError), hold(folder):
            clear_children(folder)
            clear_remains(folder / "postgres")
            shutil.rmtree(folder, ignore_errors=True)


def down(settings: Settings) -> bool:
    """Stop the stack of `settings.data_dir`, or clear what is left of one; whether one was running."""
    data = settings.data_dir
    record = StackRecord.read(data)
    supervisor = record.supervisor.find() if record else None
    if supervisor is not None:
        end([supervisor], ask=signal.SIGTERM, patience_seconds=_STOP_SECONDS)
    if data.exists():
        with hold(data):
            clear_children(data)
            clear_remains(cluster_folder(data, server_account(settings)))
            StackRecord.remove(data)
    return supervisor is not None


def reset(settings: Settings) -> None:
    """`down`, and delete everything that a stack made; whatever else lies in the folder stays."""
    down(settings)
    data, cluster = settings.data_dir, cluster_folder(settings.data_dir, server_account(settings))
    for folder in (cluster, cluster.with_name("postgres.new")):
        shutil.rmtree(folder, ignore_errors=True)
    for pattern in ("*.log", "temporal.db*", _SECRETS_FILE, "lock"):
        for file in data.glob(pattern):
            file.unlink()
    for folder in {cluster.parent, data}:
        with contextlib.suppress(OSError):  # not empty: not ours alone
            folder.rmdir()
