"""A backup omits no file silently, and restored files belong to the server's user."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autonomy_core.backup.domain import BackupError, FileFacts
from autonomy_core.backup.files import (
    copy,
    copy_sqlite,
    copy_tree,
    facts_of,
    files_below,
    missing_in,
    put_back,
)

SERVERS_USER = 12345

for_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another user")


@pytest.fixture
def unreadable(tmp_path: Path) -> Iterator[Path]:
    """A directory with a recording below it that this user may not enter."""
    inner = tmp_path / "recordings" / "harbour"
    inner.mkdir(parents=True)
    (inner / "first.mp3").write_bytes(b"music")
    tmp_path.chmod(0o755)
    inner.chmod(0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(SERVERS_USER)
    yield tmp_path / "recordings"
    if is_root:
        os.seteuid(0)
    inner.chmod(0o700)


def test_an_unreadable_directory_fails_the_backup(unreadable: Path) -> None:
    with pytest.raises(PermissionError):
        list(files_below(unreadable))


def test_a_plugin_that_has_stored_nothing_yet_has_no_directory(tmp_path: Path) -> None:
    assert list(copy_tree(tmp_path / "nowhere", tmp_path / "backup", "files")) == []


@pytest.fixture
def backup(tmp_path: Path) -> dict[str, FileFacts]:
    """A backup in ``backup`` with one file in a directory."""
    (tmp_path / "first.mp3").write_bytes(b"music")
    name = "files/media/harbour/first.mp3"
    return {name: copy(tmp_path / "first.mp3", tmp_path / "backup" / name)}


def test_every_directory_of_a_backup_is_for_its_owner_only(
    backup: dict[str, FileFacts], tmp_path: Path
) -> None:
    made = [path for path in (tmp_path / "backup").rglob("*") if path.is_dir()]
    assert len(made) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}


@pytest.mark.processes
def test_a_full_disk_is_reported_with_the_file_being_written(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 10_000)
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from autonomy_core.backup.files import copy\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try:\n"
        "    copy(Path('source'), Path('target'))\n"
        "except OSError as error:\n"
        "    print(error.filename, error.strerror)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout == "target File too large\n"


@for_root
def test_files_restored_by_root_belong_to_the_directorys_owner(
    backup: dict[str, FileFacts], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, SERVERS_USER, SERVERS_USER)
    put_back(tmp_path / "backup", backup, missing_in(backup, "files/media", data / "media"))
    restored = data / "media" / "harbour" / "first.mp3"
    owners = {path.stat().st_uid for path in (restored, restored.parent, restored.parent.parent)}
    assert owners == {SERVERS_USER}
    assert stat.S_IMODE(restored.parent.stat().st_mode) == 0o700
    assert facts_of(restored) in backup.values()
    assert missing_in(backup, "files/media", data / "media") == {}


@pytest.mark.processes
def test_a_sqlite_file_with_a_hot_journal_is_copied_as_committed(tmp_path: Path) -> None:
    source = tmp_path / "source"
    with sqlite3.connect(source) as database:
        database.execute("CREATE TABLE things (name TEXT)")
        database.execute("INSERT INTO things VALUES ('good')")
    database.close()
    script = (
        "import os, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA cache_size = 1')\n"
        "db.execute('BEGIN IMMEDIATE')\n"
        "db.executemany('INSERT INTO things VALUES (?)', [('x' * 500,)] * 500)\n"
        "os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(source)]).returncode == 9
    copy_sqlite(source, tmp_path / "copy")
    copied = sqlite3.connect(tmp_path / "copy")
    assert copied.execute("SELECT * FROM things").fetchall() == [("good",)]
    copied.close()


def test_a_file_that_is_no_sqlite_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 4096)
    with pytest.raises(BackupError, match="cannot be copied"):
        copy_sqlite(tmp_path / "source", tmp_path / "copy")
