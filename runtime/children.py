"""A server or a worker that we started: its log, its death with ours, and its orderly stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from runtime import tether
from runtime.processes import ProcessMark

_TAIL_BYTES = 1_000


@dataclass(frozen=True)
class Command:
    """What to run. `stop` asks it to leave, `patience_seconds` is how long it may take before it is killed."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    stop: signal.Signals = signal.SIGTERM
    patience_seconds: float = 15.0
    account: str = ""


class Child:
    """A running command; in a session of its own, so that Ctrl-C reaches the supervisor alone."""

    def __init__(self, command: Command, process: asyncio.subprocess.Process) -> None:
        self.command = command
        self.process = process
        self.mark = _mark(process.pid)

    @classmethod
    async def start(cls, command: Command) -> Child:
        """Start it, its output appended to its log."""
        tie = [
            sys.executable,
            "-IS",
            tether.__file__,
            str(os.getpid()),
            str(int(command.stop)),
            command.account,
        ]
        command.log.touch(mode=0o600)
        with command.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *tie,
                *command.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                cwd=command.folder,
                env=dict(command.environment),
                start_new_session=True,
            )
        return cls(command, process)

    @classmethod
    async def start_until(cls, command: Command, answers: Callable[[Child], Awaitable[bool]]) -> Child | None:
        """Start it and keep it once it answers; if it does not, or we are interrupted, it is stopped again."""
        child = await cls.start(command)
        kept = False
        try:
            kept = await answers(child)
            return child if kept else None
        finally:
            if not kept:
                await child.stop()

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    async def stop(self) -> None:
        """Ask, wait, kill; returns when the process is gone."""
        if self.running:
            self._send(self.command.stop)
            try:
                await asyncio.wait_for(self.process.wait(), self.command.patience_seconds)
            except TimeoutError:
                await self.kill()

    async def kill(self) -> None:
        self._send(signal.SIGKILL)
        await self.process.wait()

    def _send(self, what: signal.Signals) -> None:
        try:
            self.process.send_signal(what)
        except ProcessLookupError:
            return

    def memory_mb(self) -> int:
        """Resident memory now, in megabytes of 10^6 bytes, of the process and all below it: the first only holds it."""
        first = psutil.Process(self.process.pid)
        used = sum(one.memory_info().rss for one in (first, *first.children(recursive=True)))
        return int(used // 1_000_000)

    def last_words(self) -> str:
        """The end of its log, for the sentence that says why it failed."""
        return tail(self.command.log)


def _mark(pid: int) -> ProcessMark:
    try:
        return ProcessMark.of(pid)
    except psutil.NoSuchProcess:  # it is gone already: a mark that matches nobody
        return ProcessMark(pid=pid, born=0)


def tail(log: Path) -> str:
    """The last lines of a log, at most 1,000 bytes."""
    return log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").strip() if log.exists() else ""
