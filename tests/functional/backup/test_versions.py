"""Backups between the embedded PostgreSQL and an older version of the system."""

from pathlib import Path

import pytest

from autonomy_core.backup.domain import DUMP
from autonomy_core.backup.dump_header import pg_dump_version
from autonomy_core.db.embedded import EmbeddedServer
from tests.functional.backup.place import SHOP, Place, refused, sell_and_upload

OLDER = next(iter(sorted(Path("/usr/lib/postgresql").glob("1[4-7]/bin"))), None)

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(OLDER is None, reason="the system has no PostgreSQL 14 to 17"),
]


@pytest.fixture(scope="module")
def older_cluster(tmp_path_factory):
    server = EmbeddedServer(tmp_path_factory.mktemp("older") / "postgresql", bin_dir=OLDER, fast=True)
    yield server
    server.remove()


@pytest.fixture
def older(older_cluster, tmp_path):
    """A place whose embedded server is of the older version."""
    place = Place(tmp_path / "older", (f"embedded.bin_dir = {OLDER}",), bin_dir=OLDER).make()
    yield place.on(older_cluster)
    place.clear()


def test_a_backup_of_an_older_postgresql_is_restored_on_a_newer_one(older, tmp_path, elsewhere):
    for name in ("harbour", "nightjar"):
        (older.tenants / f"{name}.ini").write_text(SHOP.format(name=name))
    older.succeed("migrate")
    sell_and_upload(older)
    older.succeed("backup", tmp_path / "backup", "--secret-to", tmp_path / "kept-apart")
    its = int(older.sql("SHOW server_version_num")[0][0]) // 10_000
    assert pg_dump_version(tmp_path / "backup" / DUMP) == its
    elsewhere.succeed("restore", tmp_path / "backup", "--accept-other-secret")
    before, after = older.rows(), elsewhere.rows()
    assert len(after.pop("restorations")) == 1
    before.pop("restorations")
    assert after == before


def test_an_older_postgresql_refuses_a_newer_backup_in_one_line(original, older, tmp_path):
    original.succeed("backup", tmp_path / "backup")
    told = refused(older, "restore", tmp_path / "backup", "--accept-other-secret")
    newer, its = (place.sql("SHOW server_version_num")[0][0][:2] for place in (original, older))
    assert f"made for PostgreSQL {newer} or newer, and the database is on PostgreSQL {its}" in told
    assert not older.files()
