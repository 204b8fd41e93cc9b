"""Which process is meant: a pid alone may have been given to somebody else, a pid and its birth may not."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict

_SAME_BIRTH_SECONDS = 2.0


class ProcessMark(BaseModel):
    """A process that can be recognised after a crash: `pid`, and `born` in seconds since the epoch."""

    model_config = ConfigDict(frozen=True)

    pid: int
    born: float

    @classmethod
    def of(cls, pid: int | None = None) -> ProcessMark:
        """The mark of a live process, by default of this one; `psutil.NoSuchProcess` if it is gone."""
        process = psutil.Process(pid)
        return cls(pid=process.pid, born=process.create_time())

    def find(self) -> psutil.Process | None:
        """The process if it is still the one that was marked."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < _SAME_BIRTH_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def processes_inside(folder: Path) -> list[psutil.Process]:
    """Live processes whose working folder is `folder`: every process of a Postgres server has its data there."""
    target = folder.resolve()
    return [process for process in psutil.process_iter() if _works_in(process, target)]


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()) == folder
    except (psutil.Error, OSError):
        return False


def end(processes: Iterable[psutil.Process], *, ask: signal.Signals, patience_seconds: float) -> None:
    """Ask each process to stop, wait, and kill those that did not."""
    waiting = list(processes)
    for process in waiting:
        _send(process, ask)
    _, stubborn = psutil.wait_procs(waiting, timeout=patience_seconds)
    for process in stubborn:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=patience_seconds)


def _send(process: psutil.Process, what: signal.Signals) -> None:
    try:
        process.send_signal(what)
    except psutil.NoSuchProcess:
        return
