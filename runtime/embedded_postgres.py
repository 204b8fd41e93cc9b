"""A PostgreSQL of our own from the wheel's programs: made, started, cleared after a crash, stopped.

It listens on the loopback with passwords, keeps the durable settings, and does not depend on the machine's locales.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg

from runtime.children import Child, Command, tail
from runtime.places import Places
from runtime.ports import LOOPBACK, free_port
from runtime.processes import end, processes_inside
from runtime.settings import bare_environment
from schemas.errors import Unavailable

SUPERUSER = "postgres"
DATABASE = "xuanshu"

_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_HOUSE = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "300",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
_START_TRIES = 5
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0


@dataclass(frozen=True)
class PostgresServer:
    """A running server and its superuser's password."""

    child: Child
    port: int
    password: str

    def dsn(self, database: str = DATABASE) -> str:
        """The superuser's DSN."""
        return f"postgresql://{SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    async def ensure_database(self, database: str = DATABASE) -> None:
        """Create the database where it is missing."""
        connection = await asyncpg.connect(self.dsn(database="postgres"))
        try:
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", database):
                await connection.execute(f'CREATE DATABASE "{database}"')
        finally:
            await connection.close()


async def start_postgres(places: Places, password: str, wanted_port: int = 0) -> PostgresServer:
    """Bring the cluster in `places.postgres` up, making it where there is none.

    Raises `Unavailable(SERVER_DID_NOT_START)` with the end of the server's log.
    """
    await asyncio.to_thread(clear_remains, places.postgres)
    await _make_cluster(places, password)
    for attempt in range(_START_TRIES):
        port = free_port(wanted_port)
        child = await Child.start_until(_server(places, port), partial(_answers, port, password))
        if child is not None:
            return PostgresServer(child, port, password)
        await asyncio.to_thread(clear_remains, places.postgres)
        await asyncio.sleep(
            0.2 * 2**attempt
        )  # shared memory of a killed server goes away with its last process
    raise Unavailable(
        "SERVER_DID_NOT_START", server="PostgreSQL", fault=_reason(places), log=places.log("postgres")
    )


def clear_remains(cluster: Path) -> None:
    """Stop every process that still works in this cluster and drop the pid file that a killed server left.

    Only for the holder of the folder's lock: nobody else may be starting it.
    """
    remains = processes_inside(cluster)
    end(remains, ask=signal.SIGINT, patience_seconds=_STOP_SECONDS)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        (cluster / "postmaster.pid").unlink()


async def _make_cluster(places: Places, password: str) -> None:
    """Run initdb into a folder beside it, then one rename: a kill half-way leaves no half cluster."""
    if (places.postgres / "PG_VERSION").exists():
        return
    fresh = places.postgres.with_name("postgres.new")
    secret = places.postgres.with_name("postgres.password")
    shutil.rmtree(fresh, ignore_errors=True)
    _own_folder(fresh.parent, 0o711, "")
    _own_folder(fresh, 0o700, places.account)
    try:
        _own_file(secret, password, places.account)
        await _run(places, _initdb(places, fresh, secret), "PostgreSQL (initdb)")
    finally:
        secret.unlink(missing_ok=True)
    fresh.rename(places.postgres)


def _initdb(places: Places, folder: Path, secret: Path) -> list[str]:
    return [
        str(places.postgres_bin / "initdb"),
        f"--pgdata={folder}",
        f"--username={SUPERUSER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]


def _server(places: Places, port: int) -> Command:
    settings = _HOUSE | _DURABLE | {"port": str(port)}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return _command(
        places, "postgres", [str(places.postgres_bin / "postgres"), "-D", str(places.postgres), *options]
    )


def _command(places: Places, name: str, arguments: list[str]) -> Command:
    return Command(
        name=name,
        arguments=arguments,
        environment=bare_environment(places.postgres),
        folder=places.postgres_bin,
        log=places.log("postgres"),
        stop=signal.SIGINT,  # "fast": sessions are ended, the data is checkpointed
        patience_seconds=_STOP_SECONDS,
        account=places.account,
    )


async def _run(places: Places, arguments: list[str], what: str) -> None:
    child = await Child.start(_command(places, "initdb", arguments))
    try:
        status = await child.process.wait()
    finally:
        await child.stop()
    if status:
        raise Unavailable(
            "SERVER_DID_NOT_START", server=what, fault=_reason(places), log=places.log("postgres")
        )


def _reason(places: Places) -> str:
    return tail(places.log("postgres")) or "it said nothing"


def _own_folder(folder: Path, mode: int, account: str) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(mode)
        if account:
            shutil.chown(folder, account)


def _own_file(file: Path, text: str, account: str) -> None:
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)
    if account:
        shutil.chown(file, account)


async def _answers(port: int, password: str, child: Child) -> bool:
    """Whether it lets the superuser in before it exits or the patience ends."""
    server = PostgresServer(child, port, password)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_READY_SECONDS):
            while child.running:
                if await _lets_in(server):
                    return True
                await asyncio.sleep(0.05)
    return False


async def _lets_in(server: PostgresServer) -> bool:
    try:
        connection = await asyncpg.connect(server.dsn("postgres"))
    except (OSError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True
