"""The account of the embedded server. No closed directory is opened for it."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from autonomy_core.db import embedded_home
from autonomy_core.db.embedded import EmbeddedServer, EmbeddedServerError
from autonomy_core.db.embedded_account import account_of, make_private

pytestmark = pytest.mark.processes
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about running as root")


def owner_of_process(server: EmbeddedServer) -> int:
    return Path(f"/proc/{server_pid(server)}").stat().st_uid


def server_pid(server: EmbeddedServer) -> int:
    return int((server.directory / "pgdata" / "postmaster.pid").read_text().split()[0])


def test_a_link_or_an_open_directory_is_not_taken_for_a_private_one(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    make_private(tmp_path / "real", None)
    for name in ("open", "link"):
        with pytest.raises(EmbeddedServerError, match="is not a directory of"):
            make_private(tmp_path / name, None)


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A directory that every account can pass through, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(dir="/var/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def modes(directory: Path) -> dict[Path, tuple[int, int]]:
    return {place: (place.stat().st_mode, place.stat().st_uid) for place in (directory, *directory.parents)}


@as_root
def test_root_runs_it_in_place_as_another_account_that_can_reach_it(
    reachable: Path, fresh: Callable[..., EmbeddedServer]
) -> None:
    before = modes(reachable)
    server = fresh(reachable / "new" / "data")
    server.ensure_running()
    assert server.directory.is_relative_to(reachable)
    assert owner_of_process(server) != 0
    assert modes(reachable) == before


@as_root
def test_root_uses_a_private_directory_and_opens_no_closed_one(
    reachable: Path, fresh: Callable[..., EmbeddedServer]
) -> None:
    home = reachable / "home"
    home.mkdir(mode=0o700)
    before = modes(home)
    server = fresh(home / "clone" / "data")
    server.ensure_running()
    assert modes(home) == before
    assert server.directory.is_relative_to("/var/tmp")
    assert not server.directory.is_relative_to(home)
    private = server.directory.parent
    assert (stat.S_IMODE(private.stat().st_mode), private.stat().st_uid) == (0o710, 0)
    server.stop()
    home.chmod(0o755)
    assert fresh(home / "clone" / "data").directory == server.directory, "the data stay where they are"
    server.remove()
    assert not private.exists()


@as_root
def test_binaries_out_of_the_accounts_reach_are_copied(
    reachable: Path, fresh: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = reachable / "closed"
    packages = embedded_home._packages_with_wheel()
    for part in (embedded_home.WHEEL_BINARIES, embedded_home.WHEEL_LIBRARIES):
        shutil.copytree(packages / part, closed / part)
    closed.chmod(0o700)
    monkeypatch.setattr(embedded_home, "_packages_with_wheel", lambda: closed)
    server = fresh(reachable / "data")
    server.ensure_running()
    program = Path(f"/proc/{server_pid(server)}/exe").readlink()
    assert program.is_relative_to(server.directory)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_a_private_directory_made_by_another_user_is_not_used(
    reachable: Path, fresh: Callable[..., EmbeddedServer]
) -> None:
    home = reachable / "home"
    home.mkdir(mode=0o700)
    server = fresh(home / "data")
    private = server.directory.parent
    (private / "server").mkdir(parents=True)
    os.chown(private, 65534, 65534)
    os.chown(private / "server", 65534, 65534)
    with pytest.raises(EmbeddedServerError, match="is not a directory of the user who runs this's alone"):
        fresh(home / "data").ensure_running()
    shutil.rmtree(private)


@as_root
def test_half_made_directories_are_completed(reachable: Path, fresh: Callable[..., EmbeddedServer]) -> None:
    home = reachable / "home"
    home.mkdir(mode=0o700)
    server = fresh(home / "data")
    private = server.directory.parent
    server._home.create()
    for half_made in (private, server.directory, server.directory / "socket"):
        shutil.rmtree(half_made)
        half_made.mkdir(mode=0o700)
        server._home.create()
    assert (stat.S_IMODE(private.stat().st_mode), private.stat().st_uid) == (0o710, 0)
    assert server.directory.stat().st_uid == (server.directory / "socket").stat().st_uid != 0


@as_root
def test_a_non_empty_directory_of_root_keeps_its_owner(reachable: Path) -> None:
    taken = reachable / "server"
    taken.mkdir(mode=0o700)
    (taken / "letters").touch()
    with pytest.raises(EmbeddedServerError, match="is not a directory of nobody's alone"):
        make_private(taken, account_of(pwd.getpwnam("nobody")))
    assert taken.stat().st_uid == 0


AS_NOBODY = """
import os, sys
from pathlib import Path
from autonomy_core.db.embedded import EmbeddedServer, EmbeddedServerError
import psycopg, encodings.idna
os.setgroups([]); os.setgid(65534); os.setuid(65534); os.chdir("/")
server = EmbeddedServer(Path(sys.argv[1]), fast=True)
try:
    server.create_database("mine")
    print(Path(f"/proc/{(server.directory / 'pgdata/postmaster.pid').read_text().split()[0]}").stat().st_uid)
    server.stop()
except EmbeddedServerError as error:
    print(error)
"""


def run_as_nobody(data_dir: Path) -> str:
    command = [sys.executable, "-c", AS_NOBODY, str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@as_root
def test_root_continues_as_the_user_who_created_the_server(
    reachable: Path, fresh: Callable[..., EmbeddedServer]
) -> None:
    reachable.chmod(0o777)
    assert run_as_nobody(reachable / "data").strip() == "65534"
    server = fresh(reachable / "data")
    server.ensure_running()
    assert owner_of_process(server) == 65534
    conninfo = make_url(server.url("mine")).set(drivername="postgresql").render_as_string()
    psycopg.connect(conninfo).close()


@as_root
def test_a_user_is_told_that_the_data_belong_to_another_user(reachable: Path) -> None:
    (reachable / "data" / "server").mkdir(parents=True, mode=0o700)
    assert "is not a directory of" in run_as_nobody(reachable / "data")
