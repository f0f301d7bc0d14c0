import re
import time
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from autonomy_core.db.database import Database
from autonomy_core.runtime import APPLICATION_ROLE
from tests.support.refused_port import REFUSING

HERE = {"REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture
def with_database(autonomy, monkeypatch):
    """Have the application use another database, by its URL."""
    opened = []

    def use(url):
        opened.append(Database(url))
        registry = autonomy.app.app.registry
        monkeypatch.setattr(registry, "_runtime", replace(autonomy.runtime, database=opened[0]))

    yield use
    for database in opened:
        database.dispose()


@pytest.fixture
def empty_database(postgresql):
    name = f"empty_{uuid4().hex}"
    postgresql.create_database(name)
    yield name
    postgresql.drop_database(name)


def ready(autonomy, **options):
    return autonomy.app.get("/health/ready", extra_environ=HERE, **options)


def see_a_worker(autonomy, ago="0 seconds"):
    with autonomy.scope() as scope:
        beat = text(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - CAST(:ago AS interval))"
        )
        scope.session.execute(beat, {"ago": ago})


def test_a_process_that_answers_is_live_on_any_host(autonomy):
    for host in ("nobody.example", "acme.example"):
        assert autonomy.app.get("/health/live", headers={"Host": host}).json == {"status": "live"}


def test_the_server_is_ok_with_a_worker(autonomy):
    autonomy.organisation("acme")
    see_a_worker(autonomy)
    answer = ready(autonomy)
    assert answer.json["status"] == "ok"
    assert set(answer.json["checks"]) == {
        "database",
        "role",
        "migrations",
        "worker",
        "rescue",
        "tenants",
        "online",
        "mail",
    }
    assert all(check["status"] == "ok" for check in answer.json["checks"].values())
    assert "no-store" in answer.headers["Cache-Control"]


def test_without_a_worker_the_server_is_degraded_and_serves(autonomy):
    autonomy.organisation("acme")
    see_a_worker(autonomy, ago="2 minutes")
    answer = ready(autonomy)
    assert answer.status_int == 200
    assert answer.json["status"] == "degraded"
    assert "autonomy worker" in answer.json["checks"]["worker"]["detail"][0]


def require_a_worker(autonomy, monkeypatch, seconds):
    settings = replace(autonomy.runtime.settings, worker_required_within=seconds)
    runtime = replace(autonomy.runtime, settings=settings)
    monkeypatch.setattr(autonomy.app.app.registry, "_runtime", runtime)


def test_a_server_that_needs_a_worker_is_not_ready_without_one(autonomy, monkeypatch):
    autonomy.organisation("acme")
    see_a_worker(autonomy, ago="2 minutes")
    require_a_worker(autonomy, monkeypatch, 600)
    assert ready(autonomy).json["checks"]["worker"]["status"] == "degraded"
    require_a_worker(autonomy, monkeypatch, 120)
    worker = ready(autonomy, status=503).json["checks"]["worker"]
    assert worker["status"] == "failed"
    assert "no worker has been seen for 12" in worker["detail"][0]


def test_a_stopped_worker_is_known_by_its_scheduled_jobs(autonomy):
    autonomy.organisation("acme")
    with autonomy.scope() as scope:
        scheduled = text(
            "INSERT INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)"
            " VALUES ('jobs.defer_periodic', '', extract(epoch FROM now())::bigint - 10)"
        )
        scope.session.execute(scheduled)
    assert ready(autonomy).json["checks"]["worker"] == {"status": "ok"}


def test_the_metrics_tell_when_a_worker_was_last_seen(autonomy):
    metric = r"^autonomy_worker_last_seen_timestamp_seconds (\S+)$"
    autonomy.organisation("acme")

    def shown():
        page = autonomy.app.get("/metrics", extra_environ=HERE).text
        return float(re.search(metric, page, re.MULTILINE).group(1))

    assert shown() == 0
    see_a_worker(autonomy, ago="2 minutes")
    assert 120 <= time.time() - shown() < 600


def test_an_exhausted_connection_pool_is_degraded(committed):
    committed.organisation("acme")
    pool = committed.database.engine.pool
    most = pool.size() + pool._max_overflow
    held = [committed.database.engine.connect() for _ in range(most)]
    try:
        database = ready(committed).json["checks"]["database"]
        assert database["status"] == "degraded"
        assert "all connections are in use" in database["detail"][0]
    finally:
        for connection in held:
            connection.close()
    assert ready(committed).json["checks"]["database"] == {"status": "ok"}


def test_a_broken_tenant_file_is_reported_with_its_line(autonomy):
    acme = autonomy.organisation("acme")
    see_a_worker(autonomy)
    path = autonomy.runtime.settings.tenants / "acme.ini"
    path.write_text(path.read_text() + "colour = blue\n")
    autonomy.runtime.tenants.reload()
    answer = ready(autonomy)
    assert answer.status_int == 200
    assert answer.json["checks"]["tenants"]["status"] == "degraded"
    assert "acme.ini:6" in answer.json["checks"]["tenants"]["detail"][0]
    assert autonomy.runtime.tenants.get("acme") == acme


def test_missing_tenant_files_are_reported_and_still_served(autonomy):
    # Other names than other tests use, whose loss has been accepted.
    autonomy.organisation("north")
    autonomy.organisation("south")
    for path in autonomy.runtime.settings.tenants.glob("*.ini"):
        path.unlink()
    autonomy.runtime.tenants.reload()
    tenants = ready(autonomy).json["checks"]["tenants"]
    assert tenants["status"] == "degraded"
    (detail,) = tenants["detail"]
    assert "organisations_missing: the files of 2 of 2 organisations are gone" in detail
    assert "autonomy tenants accept" in detail
    autonomy.app.get("/north/api/v1/products", status=200)


def test_remote_and_proxied_requests_see_no_reasons(autonomy):
    for asked in (
        {"extra_environ": {"REMOTE_ADDR": "203.0.113.9"}},
        {"extra_environ": HERE, "headers": {"X-Forwarded-For": "203.0.113.9"}},
    ):
        checks = autonomy.app.get("/health/ready", **asked).json["checks"]
        assert checks["worker"] == {"status": "degraded"}


def test_an_unmigrated_database_is_not_ready_with_the_remedy(
    autonomy, with_database, postgresql, empty_database
):
    with_database(postgresql.url(empty_database, APPLICATION_ROLE))
    answer = ready(autonomy, status=503)
    assert answer.json["status"] == "failed"
    detail = answer.json["checks"]["migrations"]["detail"]
    assert "autonomy_core: the database is at base" in detail[0]
    assert detail[-1] == "run: autonomy migrate"


def test_a_missing_database_is_reported_with_the_remedy(autonomy, with_database, postgresql):
    with_database(postgresql.url("nowhere", APPLICATION_ROLE))
    database = ready(autonomy, status=503).json["checks"]["database"]
    assert "run: autonomy migrate" in database["detail"][0]


@pytest.fixture
def migrated_further(committed, postgresql):
    """Make the database look as a newer version leaves it."""
    owner = create_engine(postgresql.url(make_url(committed.database.url).database), poolclass=NullPool)

    def set_version(component, oldest_code):
        table = f"{component}_alembic_version"
        newer = f"UPDATE {table} SET version_num = '9999', oldest_code = coalesce(:oldest, version_num)"
        with owner.begin() as connection:
            connection.execute(text(newer), {"oldest": oldest_code})

    return set_version


@pytest.mark.parametrize("component", ["autonomy_core", "stripe_payments"])
def test_newer_tables_that_allow_this_version_are_ready(committed, migrated_further, component):
    migrated_further(component, None)
    assert ready(committed).json["checks"]["migrations"] == {"status": "ok"}


@pytest.mark.parametrize("component", ["autonomy_core", "stripe_payments"])
def test_tables_that_are_too_new_are_reported_with_the_remedy(committed, migrated_further, component):
    migrated_further(component, "9998")
    detail = " ".join(ready(committed, status=503).json["checks"]["migrations"]["detail"])
    assert f"{component}: the database is at 9999, the code at" in detail
    assert "install the newer version" in detail
    assert "autonomy migrate" not in detail


def test_a_role_that_owns_the_tables_is_not_ready(autonomy, with_database, postgresql):
    with_database(postgresql.url(make_url(autonomy.runtime.database.url).database))
    role = ready(autonomy, status=503).json["checks"]["role"]
    assert role["status"] == "failed"
    assert "is a superuser" in role["detail"][0]


def test_requests_during_a_database_outage_are_answered_503(autonomy, with_database):
    autonomy.organisation("acme")
    with_database(f"postgresql+psycopg://autonomy_app:s3cret@{REFUSING}/autonomy")
    answer = ready(autonomy, status=503)
    assert answer.json["checks"]["database"]["status"] == "failed"
    assert "s3cret" not in answer.text
    problem = autonomy.app.get("/acme/api/v1/products", status=503)
    assert problem.content_type == "application/problem+json"
    assert problem.json["code"] == "unavailable"
    autonomy.app.get("/health/live", status=200)


def test_requests_to_a_database_that_is_not_migrated_are_answered_503(
    autonomy, with_database, postgresql, empty_database
):
    autonomy.organisation("acme")
    with_database(postgresql.url(empty_database, APPLICATION_ROLE))
    assert autonomy.app.get("/acme/api/v1/products", status=503).json["code"] == "unavailable"


def test_the_servers_own_urls_have_no_children_and_take_no_posts(autonomy):
    for path in ("/health", "/health/other", "/health/live/more", "/metrics/more"):
        autonomy.app.get(path, extra_environ=HERE, status=404)
    autonomy.app.post("/health/live", status=405)
