"""The stack through the deaths that it must survive: nothing stays behind that the next start cannot clear."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from runtime.children import Child, Command
from runtime.embedded_postgres import clear_remains, start_postgres
from runtime.places import held_ephemeral_folder, places_for, server_account
from runtime.processes import ProcessMark, processes_inside
from runtime.settings import CHECKOUT, Login, Settings, child_environment
from runtime.stack import down, remove_abandoned, reset
from runtime.stack_record import StackRecord
from schemas.errors import Unavailable

PATIENCE_SECONDS = 60.0


def test_the_programs_are_run_by_their_real_path_as_a_link_may_lead_through_a_closed_folder(
    tmp_path: Path,
) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        programs, link = Path(folder), tmp_path / "link"
        programs.chmod(0o755)
        link.symlink_to(programs)
        assert places_for(Settings(data_dir=tmp_path / "data", pg_bin_dir=link)).postgres_bin == programs


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A data folder that the tests of this module start again and again."""
    folder = Path(tempfile.mkdtemp(prefix="xuanshu-test-", dir="/var/tmp"))
    folder.chmod(0o711)
    yield folder
    reset(Settings(data_dir=folder))
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(data: Path, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A stack in another process, ready; killed at the end if the test has not ended it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.stack_process", *words],
        cwd=CHECKOUT,
        env=child_environment(data) | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("ready"), process.communicate()[1]
        process.folder = Path(said.split()[1])  # type: ignore[attr-defined]
        yield process
    finally:
        process.kill()
        process.communicate()


def children_of(data: Path) -> list[psutil.Process]:
    record = StackRecord.read(data)
    assert record is not None
    found = [mark.find() for mark in record.children]
    assert None not in found
    return [process for process in found if process]


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE_SECONDS)
    assert alive == []


def one(processes: list[psutil.Process], name: str) -> psutil.Process:
    return next(process for process in processes if name in process.name())


async def ask(data: Path, question: str) -> object:
    connection = await asyncpg.connect(Settings(data_dir=data).dsn(Login.OWNER))
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_servers_die_with_a_killed_supervisor_and_the_next_start_keeps_the_data(data: Path) -> None:
    with running(data) as stack:
        await ask(data, "CREATE TABLE kept AS SELECT 42 AS answer")
        servers = children_of(data)
        stack.kill()
        assert_gone(servers)
        assert processes_inside(data / "postgres") == []
    with running(data):
        assert await ask(data, "SELECT answer FROM kept") == 42
        await ask(data, "DROP TABLE kept")


@pytest.mark.parametrize("victim", ["postgres", "temporal"])
def test_a_killed_server_ends_the_stack_and_the_next_start_clears_what_it_left(
    data: Path, victim: str
) -> None:
    with running(data) as stack:
        servers = children_of(data)
        one(servers, victim).kill()
        _, said = stack.communicate(timeout=PATIENCE_SECONDS)
        assert f"SERVER_DIED: {victim}" in said
        assert_gone(servers)
    with running(data):
        assert len(children_of(data)) == 2


@pytest.mark.parametrize("request_to_leave", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_end_leaves_no_process_and_no_record(data: Path, request_to_leave: signal.Signals) -> None:
    with running(data) as stack:
        servers = children_of(data)
        stack.send_signal(request_to_leave)
        stack.communicate(timeout=PATIENCE_SECONDS)
        assert stack.returncode in (128 + request_to_leave, -request_to_leave)
        assert_gone(servers)
    assert StackRecord.read(data) is None
    assert not (data / "postgres" / "postmaster.pid").exists()


def test_a_second_stack_in_the_same_folder_is_refused_and_another_folder_is_not(data: Path) -> None:
    with running(data):
        said = subprocess.run(
            [sys.executable, "-m", "runtime", "up"],
            cwd=CHECKOUT,
            env=child_environment(data),
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == Unavailable.exit_code
        assert "STACK_RUNNING" in said.stderr
        with running(data, "ephemeral") as second:
            assert len(children_of(second.folder)) == 2  # type: ignore[attr-defined]


def test_the_folder_of_a_killed_rehearsal_is_cleared_by_the_next_start(data: Path) -> None:
    with running(data, "ephemeral") as stack:
        folder: Path = stack.folder  # type: ignore[attr-defined]
        remove_abandoned()
        assert folder.exists(), "a running stack keeps its folder"
        servers = children_of(folder)
        stack.kill()
        stack.wait()
        remove_abandoned()
        assert_gone(servers)
    assert not folder.exists()


def test_it_starts_under_a_locale_that_this_machine_does_not_have(data: Path) -> None:
    with running(data, LC_ALL="zh_CN.UTF-8", LANG="zh_CN.UTF-8"):
        assert len(children_of(data)) == 2


def test_another_terminal_finds_the_running_stack_and_no_stale_one(data: Path) -> None:
    with running(data) as stack:
        found = Settings(data_dir=data)
        assert found.dsn().startswith("postgresql://xuanshu_app:")
        assert found.temporal_address is not None
        assert found.has_development_key()
        stack.kill()
        stack.wait()
        with pytest.raises(Unavailable, match="SETTING_MISSING"):
            Settings(data_dir=data).dsn()


def test_down_from_another_terminal_stops_it_and_says_whether_there_was_one(data: Path) -> None:
    with running(data) as stack:
        servers = children_of(data)
        assert down(Settings(data_dir=data)) is True
        stack.communicate(timeout=PATIENCE_SECONDS)
        assert_gone(servers)
    assert down(Settings(data_dir=data)) is False


async def test_a_pid_file_that_names_a_stranger_does_not_stop_postgres() -> None:
    with held_ephemeral_folder(server_account(Settings())) as folder:
        places = places_for(Settings(data_dir=folder))
        first = await start_postgres(places, "secret")
        pid_file = (places.postgres / "postmaster.pid").read_text()
        await first.child.kill()
        await asyncio.to_thread(clear_remains, places.postgres)
        stranger = await Child.start(
            Command(
                "stranger",
                ["/bin/sleep", "60"],
                {},
                places.data,
                places.log("stranger"),
                account=places.account,
            )
        )
        lines = [str(stranger.process.pid), *pid_file.splitlines()[1:]]
        (places.postgres / "postmaster.pid").write_text("\n".join(lines) + "\n")
        second = await start_postgres(places, "secret")
        await second.child.stop()
        assert stranger.running
        await stranger.stop()


async def test_an_orphaned_postgres_is_stopped_before_another_is_started() -> None:
    with held_ephemeral_folder(server_account(Settings())) as folder:
        places = places_for(Settings(data_dir=folder))
        orphan = await start_postgres(places, "secret")
        heir = await start_postgres(places, "secret")
        assert orphan.child.mark.find() is None
        connection = await asyncpg.connect(heir.dsn("postgres"))
        assert await connection.fetchval("SHOW fsync") == "on"
        await connection.close()
        await heir.child.stop()


async def test_a_password_is_asked_even_on_the_loopback(postgres: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.replace("for-tests-only", "wrong"))


def test_a_mark_does_not_mistake_another_process_for_its_own() -> None:
    own = ProcessMark.of()
    assert own.find() is not None
    assert own.model_copy(update={"born": own.born - 3600}).find() is None


def test_reset_deletes_what_a_stack_made_and_nothing_else(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    settings.data_dir.mkdir()
    for name in ("temporal.db", "temporal.db-wal", "worker.log", "secrets.json", "lock", "notes.txt"):
        (settings.data_dir / name).touch()
    reset(settings)
    assert [left.name for left in settings.data_dir.iterdir()] == ["notes.txt"]
