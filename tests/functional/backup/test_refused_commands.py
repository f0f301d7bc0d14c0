"""A refused command leaves no secret, no database and no directory."""

import re
import shutil

import psycopg
import pytest
from sqlalchemy import make_url

from autonomy_core.backup.database import LOCK
from tests.functional.backup.place import refused

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def made(original, tmp_path_factory):
    """A backup, with the secret apart."""
    directory = tmp_path_factory.mktemp("made")
    original.succeed("backup", directory / "backup", "--secret-to", directory / "kept-apart")
    return directory


def everything_in(place):
    return sorted(str(path.relative_to(place.directory)) for path in place.directory.rglob("*"))


@pytest.fixture
def untouched(empty):
    yield empty
    assert everything_in(empty) == ["server.ini", "tenants"]


def test_a_backup_without_a_database_is_refused(untouched, tmp_path):
    told = refused(untouched, "backup", tmp_path / "backup")
    assert f"There is no database in {untouched.server.directory}" in told
    assert "autonomy.data" in told
    assert not (tmp_path / "backup").exists()


def test_a_database_without_a_servers_tables_is_not_backed_up(elsewhere, tmp_path):
    (elsewhere.data / "secret").write_text("a secret of a server, and long enough for it")
    elsewhere.server.create_database("autonomy")
    told = refused(elsewhere, "backup", tmp_path / "backup")
    assert "'autonomy' has no tables of an Autonomy Server" in told
    assert re.search(r"autonomy --config \S+ migrate", told)
    assert not (tmp_path / "backup").exists()


def test_a_backup_without_the_servers_secret_is_refused(elsewhere, tmp_path):
    elsewhere.server.create_database("autonomy")
    told = refused(elsewhere, "backup", tmp_path / "backup")
    assert f"there is no {elsewhere.data / 'secret'}" in told
    assert not (elsewhere.data / "secret").exists()
    assert not (tmp_path / "backup").exists()


def test_activating_without_a_restoration_is_refused(untouched):
    assert f"There is no database in {untouched.server.directory}" in refused(
        untouched, "restore", "--activate"
    )


def test_an_empty_database_cannot_be_activated(elsewhere):
    elsewhere.server.create_database("autonomy")
    assert "Nothing was restored into this database" in refused(elsewhere, "restore", "--activate")


def test_a_directory_that_is_no_backup_is_refused_and_leaves_nothing(untouched, tmp_path):
    assert "is no backup" in refused(untouched, "restore", tmp_path / "nowhere")


def test_restoring_without_the_secret_is_refused_and_leaves_nothing(untouched, made):
    told = refused(untouched, "restore", made / "backup")
    assert "autonomy.secret is not the one" in told


def test_a_damaged_backup_is_refused_even_if_another_secret_is_allowed(untouched, made, tmp_path):
    backup = shutil.copytree(made / "backup", tmp_path / "backup")
    (backup / "tenants" / "harbour.ini").unlink()
    told = refused(untouched, "restore", backup, "--accept-other-secret")
    assert "harbour.ini: No such file" in told


def test_a_conflicting_file_is_found_before_the_database_is_created(empty, made):
    mine = empty.tenants / "harbour.ini"
    mine.write_text("[organisation]\nname = Mine\n")
    told = refused(empty, "restore", made / "backup", "--accept-other-secret")
    assert f"{mine} is there, and is not the one" in told
    assert everything_in(empty) == ["server.ini", "tenants", "tenants/harbour.ini"]


def test_an_interrupted_restoration_cannot_be_activated(elsewhere, made, monkeypatch):
    def crash(*_):
        raise MemoryError

    monkeypatch.setattr("autonomy_core.backup.services.mark", crash)
    restoring = elsewhere.run("restore", made / "backup", "--accept-other-secret")
    assert isinstance(restoring.exception, MemoryError)
    assert "was interrupted" in refused(elsewhere, "restore", "--activate")


def test_a_second_restoration_at_the_same_time_is_refused(elsewhere, made):
    elsewhere.server.create_database("autonomy")
    url = make_url(elsewhere.server.url("autonomy")).set(drivername="postgresql").render_as_string()
    with psycopg.connect(url) as first:
        first.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        told = refused(elsewhere, "restore", made / "backup", "--accept-other-secret")
    assert told.endswith("Error: Another process is restoring into this database.")
    assert not elsewhere.files()


def test_a_restored_server_without_a_secret_creates_one_at_start(empty, made):
    empty.succeed("restore", made / "backup", "--accept-other-secret")
    assert not (empty.data / "secret").exists()
    empty.succeed("keys", "list", "harbour")
    assert (empty.data / "secret").exists()
