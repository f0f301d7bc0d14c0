"""An invalid backup or target is refused before anything is written, with the remedy."""

import hashlib
import json
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from autonomy_core.backup.domain import FORMAT
from autonomy_core.backup.programs import Programs
from tests.functional.backup.place import refused

pytestmark = pytest.mark.processes

TIMEOUT_S = 60


@pytest.fixture(scope="module")
def made(original, tmp_path_factory):
    """A backup that all tests here share."""
    directory = tmp_path_factory.mktemp("made")
    original.succeed("backup", directory / "backup", "--secret-to", directory / "kept-apart")
    return directory


@pytest.fixture
def backup(made, tmp_path):
    """A copy of the backup, which a test may damage."""
    shutil.copy(made / "kept-apart", tmp_path / "kept-apart")
    return shutil.copytree(made / "backup", tmp_path / "backup")


def change_manifest(backup, **changes):
    path = backup / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def is_untouched(place):
    """Whether nothing has been restored."""
    tables = place.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    return tables == [(0,)] and not place.files()


@pytest.fixture
def unchanged(elsewhere):
    """The place to restore to; it is as empty afterwards as before."""
    elsewhere.server.create_database("autonomy")
    yield elsewhere
    assert is_untouched(elsewhere)


def test_a_backup_is_never_written_into_an_existing_one(original, backup):
    assert "is not empty" in refused(original, "backup", backup)


def test_the_secret_is_not_written_into_the_backup(original, tmp_path):
    told = refused(original, "backup", tmp_path / "new", "--secret-to", tmp_path / "new" / "secret")
    assert "is within the backup" in told
    assert not (tmp_path / "new").exists()


def test_the_secret_is_not_written_into_the_backup_by_another_spelling(original, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    told = refused(original, "backup", tmp_path / "new", "--secret-to", tmp_path / "link" / "new" / "secret")
    assert "is within the backup" in told
    assert not (tmp_path / "new").exists()


def test_the_dump_is_private_while_it_is_written(original, tmp_path, monkeypatch):
    modes, dump = [], Programs.dump

    def look_and_dump(self, url, snapshot, target):
        modes.append(stat.S_IMODE(target.stat().st_mode))
        dump(self, url, snapshot, target)

    monkeypatch.setattr(Programs, "dump", look_and_dump)
    directory = tmp_path / "open-to-all"
    directory.mkdir(mode=0o755)
    original.succeed("backup", directory)
    assert modes == [0o600]


def test_a_killed_backup_is_recognised_as_unfinished(original, tmp_path, unchanged):
    directory = tmp_path / "killed"
    url = make_url(original.server.url("autonomy")).set(drivername="postgresql").render_as_string()
    with psycopg.connect(url) as locking:
        locking.execute("LOCK TABLE customers")
        command = [Path(sys.executable).with_name("autonomy"), "--config", original.ini, "backup", directory]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + TIMEOUT_S
        while not (directory / "manifest.json.unfinished").exists():
            assert time.monotonic() < deadline, "waited in vain for the backup to begin"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait(TIMEOUT_S)
    assert "was never finished" in refused(unchanged, "restore", directory)


def test_a_link_among_the_recordings_is_refused(original, tmp_path):
    link = original.data / "media" / "files" / "harbour" / "elsewhere"
    link.symlink_to(tmp_path)
    try:
        assert f"{link} is a symbolic link" in refused(original, "backup", tmp_path / "backup")
    finally:
        link.unlink()


def test_a_directory_that_is_no_backup_is_refused(tmp_path, unchanged):
    assert "is no backup: it has no manifest.json" in refused(unchanged, "restore", tmp_path)


def test_a_damaged_manifest_is_refused(backup, unchanged):
    (backup / "manifest.json").write_text("{")
    assert "manifest.json is damaged" in refused(unchanged, "restore", backup)


def test_a_manifest_in_a_newer_format_is_refused(backup, unchanged):
    change_manifest(backup, format=FORMAT + 1, version="99.1")
    assert "version 99.1 in a newer format" in refused(unchanged, "restore", backup)


def test_tables_of_a_newer_version_are_refused(backup, unchanged):
    change_manifest(backup, revisions={"autonomy_core": "9999"}, version="99.1")
    assert "tables of autonomy_core at 9999" in refused(unchanged, "restore", backup)


def test_a_manifest_that_leads_out_of_the_backup_is_refused(backup, unchanged):
    change_manifest(backup, files={"../../etc/passwd": {"size": 1, "sha256": "0"}})
    assert "leads out of the backup" in refused(unchanged, "restore", backup)


@pytest.mark.parametrize("part", ["database.dump", "tenants/harbour.ini", "server.ini"])
def test_a_file_with_another_checksum_is_refused_by_name(backup, unchanged, part):
    with (backup / part).open("r+b") as file:
        file.write(b"x")
    told = refused(unchanged, "restore", backup)
    assert part in told
    assert "is not the file that was backed up" in told


def test_a_recording_that_is_missing_is_refused_by_name(backup, unchanged):
    (recording, _) = backup.rglob("*.mp3")
    recording.unlink()
    assert str(recording) in refused(unchanged, "restore", backup)


def test_another_secret_is_refused_unless_it_is_accepted(backup, unchanged, tmp_path):
    (unchanged.data / "secret").write_text("another secret that is long enough, at least")
    told = refused(unchanged, "restore", backup)
    assert "autonomy.secret is not the one" in told
    assert "--accept-other-secret" in told


def test_a_backup_can_be_restored_without_its_secret(backup, elsewhere):
    (elsewhere.data / "secret").write_text("another secret that is long enough, at least")
    elsewhere.succeed("restore", backup, "--accept-other-secret")


def test_a_database_that_is_not_empty_is_refused_and_unchanged(original, backup):
    before = original.rows()
    assert "'autonomy' is not empty" in refused(original, "restore", backup)
    assert original.rows() == before


def test_a_different_file_in_place_is_refused_and_unchanged(made, empty):
    empty.data.mkdir()
    shutil.copy(made / "kept-apart", empty.data / "secret")
    mine = empty.tenants / "harbour.ini"
    mine.write_text("[organisation]\nname = Mine\n")
    assert f"{mine} is there, and is not the one in the backup" in refused(empty, "restore", made / "backup")
    assert "Mine" in mine.read_text()
    assert not empty.server.has_data


def test_a_conflict_of_one_part_restores_no_other_part(backup, unchanged):
    (unchanged.data / "tenants.sqlite3").write_bytes(b"another server's")
    assert "tenants.sqlite3 is there, and is not the one" in refused(unchanged, "restore", backup)


@pytest.fixture
def interrupted(backup, elsewhere, monkeypatch):
    """A place where a restoration has crashed."""

    def crash(*_):
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("autonomy_core.backup.services.mark", crash)
        assert isinstance(elsewhere.run("restore", backup).exception, MemoryError)
    return elsewhere


def test_a_half_restored_server_cannot_be_used(interrupted, backup):
    assert "was interrupted" in refused(interrupted, "migrate")
    assert "The database operation failed" in refused(interrupted, "keys", "list", "harbour")
    assert "is not empty" in refused(interrupted, "restore", backup)


def test_an_interrupted_restoration_can_be_repeated(original, interrupted, backup):
    interrupted.server.drop_database("autonomy")
    interrupted.succeed("restore", backup)
    assert interrupted.files() == original.files()
    assert interrupted.sql("SELECT count(*) FROM restorations WHERE activated_at IS NULL") == [(1,)]


def test_a_dump_that_cannot_be_restored_leaves_the_database_empty(made, backup, elsewhere):
    dump = backup / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-1000])
    manifest = json.loads((backup / "manifest.json").read_text())
    content = dump.read_bytes()
    facts = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    change_manifest(backup, files=manifest["files"] | {"database.dump": facts})
    assert "pg_restore failed" in refused(elsewhere, "restore", backup)
    assert elsewhere.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    elsewhere.succeed("restore", made / "backup")


def test_restore_needs_either_a_directory_or_activate(elsewhere, tmp_path):
    assert "Name a DIRECTORY" in refused(elsewhere, "restore")
    assert "Name a DIRECTORY" in refused(elsewhere, "restore", tmp_path, "--activate")
