"""A backup of an external database server, by a role that `migrate` creates, during writes."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import make_url

from tests.functional.backup.place import Place, refused

pytestmark = pytest.mark.processes

OWNER, READER = "backup_owner", "backup_reader"


def external(original, directory, owner=OWNER, reader=READER):
    """A place whose ini file names the original's server as if it were any other."""
    url = original.server.url
    urls = {"sqlalchemy.url": url("shop", "autonomy_app"), "autonomy.owner_url": url("shop", owner)}
    if reader:
        urls["autonomy.backup_url"] = url("shop", reader)
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in urls.items()]
    return Place(directory, tuple(lines)).make()


@pytest.fixture(scope="module")
def prepared(original, tmp_path_factory):
    """A server with a role without privileges, and with a migrated database of its own to copy."""
    original.sql(f"CREATE ROLE {OWNER} LOGIN", "postgres")
    with shop_on(original):
        external(original, tmp_path_factory.mktemp("prepared") / "site", reader=None).succeed("migrate")
        original.sql("ALTER DATABASE shop RENAME TO migrated", "postgres")
    yield original
    original.server.drop_database("migrated")
    original.sql(f"DROP ROLE {OWNER}", "postgres")


@contextmanager
def shop_on(original, template="template1"):
    original.sql(f"CREATE DATABASE shop OWNER {OWNER} TEMPLATE {template}", "postgres")
    yield
    original.server.drop_database("shop")
    original.sql(f"DROP ROLE IF EXISTS {READER}", "postgres")


@pytest.fixture
def owned(prepared):
    """An empty database that belongs to a role without privileges."""
    with shop_on(prepared):
        yield prepared


@pytest.fixture
def migrated(prepared):
    """A migrated database that belongs to a role without privileges."""
    with shop_on(prepared, template="migrated"):
        yield prepared


def test_a_backup_needs_a_role_that_sees_every_row(migrated, tmp_path):
    place = external(migrated, tmp_path / "site", reader=None)
    told = refused(place, "backup", tmp_path / "backup")
    assert "autonomy.backup_url is missing" in told
    assert not (tmp_path / "backup").exists()


def test_a_role_bound_by_the_policies_is_refused(migrated, tmp_path):
    place = external(migrated, tmp_path / "site", reader=OWNER)
    place.data.mkdir()
    (place.data / "secret").write_text("a secret of a server, and long enough for it")
    told = refused(place, "backup", tmp_path / "backup")
    assert f"'{OWNER}' is bound by row-level security" in told
    assert f'ALTER ROLE "{OWNER}" BYPASSRLS' in told


def test_migrate_prints_the_admins_statement_and_then_completes(owned, tmp_path):
    place = external(owned, tmp_path / "site")
    told = " ".join(place.succeed("migrate").stderr.split())
    statement = f'CREATE ROLE "{READER}" LOGIN BYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION'
    assert statement in told
    owned.sql(statement, "postgres")
    assert f"role {READER}: may read everything" in " ".join(place.succeed("migrate").stderr.split())
    place.succeed("backup", tmp_path / "backup")


def test_migrate_mentions_the_roles_password_without_showing_it(migrated, tmp_path):
    place = external(migrated, tmp_path / "site")
    place.ini.write_text(place.ini.read_text().replace(f"//{READER}@", f"//{READER}:swordfish@"))
    told = " ".join(place.succeed("migrate").stderr.split())
    assert "NOREPLICATION PASSWORD '…', the one in autonomy.backup_url; then autonomy --config" in told
    assert "swordfish" not in told


def test_the_applications_role_is_never_the_one_for_backups(owned, tmp_path):
    place = external(owned, tmp_path / "site", reader="autonomy_app")
    assert "must name a role of its own" in refused(place, "migrate")


@contextmanager
def writing(original):
    """Insert rows in a thread until the block ends."""
    stopping = threading.Event()
    url = make_url(original.server.url("shop")).set(drivername="postgresql").render_as_string()

    def add():
        number = 0
        with psycopg.connect(url, autocommit=True) as connection:
            while not stopping.is_set():
                number += 1
                connection.execute(
                    "INSERT INTO customers (organisation_id, id, email, name, created_at)"
                    " VALUES ('acme', gen_random_uuid(), %s, 'Ada', now())",
                    [f"{number}@example.org"],
                )

    thread = threading.Thread(target=add)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def test_a_backup_during_writes_is_a_consistent_snapshot(migrated, tmp_path, elsewhere):
    migrated.sql(f"REASSIGN OWNED BY {OWNER} TO postgres", "shop")
    place = external(migrated, tmp_path / "site", owner="postgres")
    assert f"role {READER}: may read everything" in place.succeed("migrate").stderr
    with writing(migrated):
        place.succeed("backup", tmp_path / "backup", "--secret-to", tmp_path / "kept")
    counted = json.loads((tmp_path / "backup" / "manifest.json").read_text())["tables"]["public.customers"]
    elsewhere.data.joinpath("secret").write_text((tmp_path / "kept").read_text())
    elsewhere.succeed("restore", tmp_path / "backup")
    assert elsewhere.sql("SELECT count(*) FROM customers") == [(counted,)]
    later = migrated.sql("SELECT count(*) FROM customers", "shop")[0][0]
    assert 0 < counted < later


def test_a_backup_is_restored_by_an_owner_without_privileges(owned, original, tmp_path):
    original.succeed("backup", tmp_path / "backup", "--secret-to", tmp_path / "kept")
    place = external(owned, tmp_path / "site", reader=None)
    place.data.mkdir()
    place.data.joinpath("secret").write_text((tmp_path / "kept").read_text())
    place.succeed("restore", tmp_path / "backup")
    assert owned.sql("SELECT count(*) FROM customers", "shop") == owned.sql("SELECT count(*) FROM customers")
    assert len(json.loads(place.succeed("keys", "list", "harbour", "--json").stdout)) == 1
    assert place.succeed("restore", "--activate").stdout == "The copy is activated.\n"
