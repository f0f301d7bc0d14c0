"""A restored backup equals its original, and acts on no live payment until it is activated."""

import json
import sqlite3
import stat
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from autonomy_core.backup.domain import read_manifest
from autonomy_core.jobs.waiting import obstacle
from tests.functional.backup.place import Place, signed_event

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def rows(original):
    """The original's rows, as they were when `copy` was made."""
    return original.rows()


@pytest.fixture(scope="module")
def copy(original, rows, tmp_path_factory):
    """A copy on a server that the restoration has created, for tests that change nothing."""
    directory = tmp_path_factory.mktemp("copy")
    place = Place(directory / "place").make()
    place.data.mkdir()
    original.succeed("backup", directory / "backup", "--secret-to", place.data / "secret")
    place.succeed("restore", directory / "backup")
    yield place
    place.server.remove()


@pytest.fixture
def restored(backup, elsewhere):
    """A copy for one test."""
    elsewhere.succeed("restore", backup)
    return elsewhere


def test_every_table_and_every_file_is_the_same_on_another_cluster(original, rows, copy):
    before, after = dict(rows), copy.rows()
    assert len(after.pop("restorations")) == 1
    assert before.pop("restorations") == []
    assert after == before
    assert len(before["customers"]) == 2
    assert len(before["media_mp3_tracks"]) == 2
    assert copy.files() == original.files()
    assert {".mp3", ".ini", ".md"} <= {Path(path).suffix for path in copy.files()}


def test_the_copy_has_the_record_of_host_owners(original, copy):
    def claims(place):
        with closing(sqlite3.connect(place.data / "tenants.sqlite3")) as record:
            return record.execute("SELECT * FROM claims ORDER BY number").fetchall()

    assert claims(copy) == claims(original)
    assert len(claims(original)) >= 2


def test_the_printed_activation_names_the_ini_file(backup, elsewhere):
    done = elsewhere.succeed("restore", backup)
    assert "record: 1 file\n" in done.stderr
    assert done.stdout.splitlines()[-1] == f"autonomy --config {elsewhere.ini} restore --activate"


def test_organisations_are_kept_apart_in_the_copy_too(copy):
    assert copy.succeed("migrate", "--check").stdout == "The database is up to date.\n"
    assert len(json.loads(copy.succeed("keys", "list", "harbour", "--json").stdout)) == 1


def test_a_backup_is_private_and_has_no_secret(original, backup, tmp_path):
    secret = (original.data / "secret").read_text()
    assert (tmp_path / "kept-apart").read_text().strip() == secret
    files = [path for path in backup.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in [*files, tmp_path / "kept-apart"]} == {0o600}
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    assert not any(secret.encode() in path.read_bytes() for path in files)


def test_the_manifest_lists_every_table_and_every_file(original, backup):
    manifest = json.loads((backup / "manifest.json").read_text())
    assert manifest["tables"]["public.customers"] == 2
    files = {str(path.relative_to(backup)) for path in backup.rglob("*") if path.is_file()}
    assert files == {*manifest["files"], "manifest.json"}
    assert len([name for name in files if name.startswith("files/media_mp3/recordings/")]) == 2


def test_a_backup_of_the_first_format_is_restored(original, backup, elsewhere):
    path = backup / "manifest.json"
    before = json.loads(path.read_text())
    left_out = {"postgresql", "gaps"}
    older = {key: value for key, value in before.items() if key not in left_out} | {"format": 1}
    path.write_text(json.dumps(older))
    assert read_manifest(backup).postgresql == before["postgresql"]
    elsewhere.succeed("restore", backup)
    assert elsewhere.files() == original.files()


def test_a_copy_refuses_live_payments_and_webhooks_until_activation(restored):
    runtime = restored.runtime()
    app = restored.app(runtime)
    body, headers = signed_event("harbour", "live")
    try:
        ready = app.get("/health/ready", extra_environ={"REMOTE_ADDR": "127.0.0.1"})
        assert ready.json["checks"]["copy"]["status"] == "degraded"
        assert "autonomy restore --activate" in ready.json["checks"]["copy"]["detail"][0]
        assert purchase(app, status=503).json["code"] == "restored_copy"
        posted = app.post("/api/webhook/stripe/harbour", body, headers=headers, status=503)
        assert posted.json["code"] == "restored_copy"
        for table in ("payments", "webhook_events"):
            assert restored.sql(f"SELECT count(*) FROM {table}") == [(0,)]
        test_body, test_headers = signed_event("harbour", "test")
        app.post("/api/webhook/stripe/harbour", test_body, headers=test_headers, status=200)

        assert restored.succeed("restore", "--activate").stdout == "The copy is activated.\n"
        app.post("/api/webhook/stripe/harbour", body, headers=headers, status=200)
        assert (
            "copy" not in app.get("/health/ready", extra_environ={"REMOTE_ADDR": "127.0.0.1"}).json["checks"]
        )
        assert "Nothing to do" in restored.succeed("restore", "--activate").stdout
    finally:
        runtime.close()


def test_worker_and_command_line_of_a_copy_change_nothing_live(restored):
    runtime = restored.runtime()
    try:
        assert "restored copy" in obstacle(runtime)
        refused = restored.run("stripe", "webhook", "list", "harbour")
        assert refused.exit_code == 1
        assert "is a restored copy" in refused.stderr
        looked = restored.run("tenants", "check", "--online")
        assert "warning: restored_copy" in looked.output
        assert "Traceback" not in looked.output
        restored.succeed("restore", "--activate")
        assert obstacle(runtime) is None
    finally:
        runtime.close()


def purchase(app, **options):
    api = "/harbour/api/v1"
    login = {"email": "ada@example.org", "password": "a long engine"}
    token = app.post_json(f"{api}/customers/login", login).json["access_token"]
    (product,) = app.get(f"{api}/products").json["items"]
    urls = {"success_url": "http://localhost/thanks", "cancel_url": "http://localhost/"}
    headers = {"Authorization": f"Bearer {token}"}
    return app.post_json(
        f"{api}/customers/products/{product['id']}/purchase", urls, headers=headers, **options
    )


def test_a_login_at_the_original_is_valid_at_the_copy(original, request):
    with running(original) as app:
        login = {"email": "ada@example.org", "password": "a long engine"}
        token = app.post_json("/harbour/api/v1/customers/login", login).json["access_token"]
    with running(request.getfixturevalue("restored")) as app:
        me = app.get("/harbour/api/v1/customers/me", headers={"Authorization": f"Bearer {token}"})
        assert me.json["email"] == "ada@example.org"


@contextmanager
def running(place):
    """The server's application."""
    runtime = place.runtime()
    try:
        yield place.app(runtime)
    finally:
        runtime.close()
