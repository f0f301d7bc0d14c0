"""Revision 0008 moves the events of Stripe into the core's inbox, and back, whatever had become of them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import NullPool, create_engine, text

from autonomy_core.db.isolation import unisolated_tables
from autonomy_core.db.migrations import MigrationError, core_migrations, downgrade, upgrade
from autonomy_core.kernel.manager import Plugins
from tests.support.plain_owner import owned_by_a_plain_role

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STATUSES = ("received", "processed", "ignored", "set_aside", "failed")
OLD = "SELECT * FROM stripe_payments_events ORDER BY organisation_id, event_id"
NEW = "SELECT * FROM webhook_events ORDER BY organisation_id, event_id"


@pytest.fixture(scope="module")
def stripe():
    (component,) = (
        each for _, each in Plugins.from_entry_points(["stripe_payments"]).registered("register_migrations")
    )
    return component


@pytest.fixture
def before(postgresql, stripe):
    """A database at revision 0007, with rows of two organisations, and an owner whom the policies bind."""
    name = f"moved_{uuid4().hex}"
    postgresql.create_database(name)
    superuser = create_engine(postgresql.url(name), poolclass=NullPool)
    upgrade(superuser, [core_migrations(), stripe])
    downgrade(superuser, stripe, "0007")
    with superuser.begin() as connection:
        for organisation in ("one", "two"):
            fill(connection, organisation)
    return superuser, owned_by_a_plain_role(superuser)


def insert(connection, table, **values):
    names, placeholders = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({placeholders})"), values)


def fill(connection, organisation):
    key = {"organisation_id": organisation, "id": UUID(int=1)}
    times = {"created_at": NOW, "updated_at": NOW}
    insert(connection, "customers", **key, email="a@example.org", name="", created_at=NOW)
    facts = {"title": "A", "description": "", "kind": "thing", "active": True, "amount": 1, "currency": "eur"}
    insert(connection, "products", **key, **facts, **times)
    bought = {"customer_id": UUID(int=1), "product_id": UUID(int=1), "amount": 1, "currency": "eur"}
    how = {"provider": "stripe_payments", "environment": "test", "status": "completed", "reversals": False}
    insert(connection, "payments", **key, **bought, **how, **times, discount=0, refunded_amount=0)
    for status in STATUSES:
        for environment in ("test", "live"):
            event = {"environment": environment, "event_id": f"evt_{status}", "status": status}
            fill_event(connection, organisation_id=organisation, **event)
    thin = {"payload": json.dumps({"object": "v2.core.event"}), "fetched": json.dumps({"id": "re_1"})}
    waiting = {"event_id": "evt_thin", "status": "received", "waits_for": "pi_1", "source": "fetched"}
    fill_event(connection, organisation_id=organisation, environment="test", **thin | waiting)
    for environment in ("test", "live", "unknown"):
        day = {"organisation_id": organisation, "environment": environment, "day": date(2026, 1, 1)}
        insert(connection, "stripe_payments_deliveries", **day, verified=3, refused=1, last_verified_at=NOW)
    alarm = {"name": "stripe_payments.event_set_aside", "subject": "evt_set_aside", "message": "amount"}
    insert(connection, "alarms", organisation_id=organisation, **alarm, raised_at=NOW)
    defer(connection, "stripe_payments.handle_event", organisation, environment="test", event_id="evt_failed")
    defer(connection, "stripe_payments.fetch_events", organisation)


def fill_event(connection, **changes):
    handled = changes["status"] in ("processed", "set_aside")
    values = {
        "type": "refund.created",
        "payload": json.dumps({"id": changes["event_id"], "data": {"object": {"amount": 12.5, "note": "é"}}}),
        "reason": "a reason" if changes["status"] != "processed" else None,
        "lookups": "session_id: found" if handled else None,
        "matched_by": "session_id" if handled else None,
        "payment_id": UUID(int=1) if handled else None,
        "attempts": 3,
        "source": "webhook",
        "received_at": NOW,
        "processed_at": NOW if handled else None,
    }
    insert(connection, "stripe_payments_events", **values | changes)


def defer(connection, name, organisation, **arguments):
    told = json.dumps({"organisation_id": organisation, **arguments})
    insert(connection, "procrastinate_jobs", queue_name="default", task_name=name, args=told)


def fail_jobs(engine):
    """Record a failure of each job that has none."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO job_failures (organisation_id, job_id, attempt, error, failed_at)"
                " SELECT args->>'organisation_id', id, 1, 'TryAgain', now() FROM procrastinate_jobs"
                " ON CONFLICT DO NOTHING"
            )
        )


def rows(engine, query):
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def state(engine):
    """Everything that the revision may touch, as it is before it."""
    deliveries = "SELECT * FROM stripe_payments_deliveries ORDER BY organisation_id, environment"
    alarms = "SELECT * FROM alarms ORDER BY organisation_id"
    jobs = "SELECT task_name, args FROM procrastinate_jobs WHERE task_name LIKE '%handle_event' ORDER BY id"
    return [rows(engine, query) for query in (OLD, deliveries, alarms, jobs)]


def test_every_event_is_moved_with_all_that_is_recorded_of_it(before, stripe):
    superuser, owner = before
    old = rows(superuser, OLD)
    upgrade(owner, [stripe])
    new = rows(superuser, NEW)
    assert len(new) == len(old) == 22
    assert {row.pop("source") for row in new} == {"stripe"}
    for row in new:
        row["source"] = row.pop("origin")
    by_key = sorted(new, key=lambda row: (row["organisation_id"], row["environment"], row["event_id"]))
    assert by_key == sorted(
        old, key=lambda row: (row["organisation_id"], row["environment"], row["event_id"])
    )


def test_counts_alarms_and_jobs_go_on_under_their_new_names(before, stripe):
    superuser, owner = before
    upgrade(owner, [stripe])
    counted = rows(superuser, "SELECT source, verified, refused FROM webhook_deliveries")
    assert counted == [{"source": "stripe", "verified": 3, "refused": 1}] * 6
    alarms = rows(superuser, "SELECT name, subject FROM alarms")
    assert alarms == [{"name": "webhooks.event_set_aside", "subject": "stripe/live/evt_set_aside"}] * 2
    jobs = rows(superuser, "SELECT task_name, args->>'source' AS source FROM procrastinate_jobs")
    assert jobs == [{"task_name": "webhooks.handle_event", "source": "stripe"}] * 2


def test_the_old_tables_are_gone_and_the_new_ones_isolated(before, stripe):
    superuser, owner = before
    upgrade(owner, [stripe])
    tables = "SELECT tablename FROM pg_tables WHERE tablename LIKE 'stripe_payments_%'"
    assert {row["tablename"] for row in rows(superuser, tables)} == {
        "stripe_payments_payments",
        "stripe_payments_balances",
        "stripe_payments_alembic_version",
    }
    with superuser.connect() as connection:
        assert unisolated_tables(connection) == []


def test_undone_and_made_again_it_ends_in_the_same_rows(before, stripe):
    superuser, owner = before
    old = state(superuser)
    upgrade(owner, [stripe])
    new = rows(superuser, NEW)
    downgrade(owner, stripe, "0007")
    assert state(superuser) == old
    assert rows(superuser, NEW) == []
    upgrade(owner, [stripe])
    assert rows(superuser, NEW) == new


def test_undone_it_leaves_no_job_that_the_old_version_does_not_know(before, stripe):
    superuser, owner = before
    upgrade(owner, [stripe])
    with superuser.begin() as connection:
        defer(connection, "webhooks.fetch_events", "one")
    downgrade(owner, stripe, "0007")
    jobs = rows(superuser, "SELECT DISTINCT task_name FROM procrastinate_jobs")
    assert jobs == [{"task_name": "stripe_payments.handle_event"}]


def test_a_removed_job_leaves_no_failure(before, stripe):
    superuser, owner = before
    failures = "SELECT task_name FROM job_failures JOIN procrastinate_jobs ON id = job_id"
    all_failures = "SELECT job_id FROM job_failures"
    fail_jobs(superuser)
    upgrade(owner, [stripe])
    kept = rows(superuser, failures)
    assert kept == [{"task_name": "webhooks.handle_event"}] * 2
    assert len(rows(superuser, all_failures)) == 2
    with superuser.begin() as connection:
        defer(connection, "webhooks.fetch_events", "one")
    fail_jobs(superuser)
    downgrade(owner, stripe, "0007")
    assert rows(superuser, failures) == [{"task_name": "stripe_payments.handle_event"}] * 2
    assert len(rows(superuser, all_failures)) == 2


def test_the_core_keeps_its_tables_until_the_events_are_taken_back(before, stripe):
    superuser, owner = before
    upgrade(owner, [stripe])
    with pytest.raises(MigrationError, match=r"webhook_deliveries has 6 rows.*stripe_payments: 0008"):
        downgrade(owner, core_migrations(), "0012")
    assert len(rows(superuser, NEW)) == 22
    with superuser.begin() as connection:
        connection.execute(text("DELETE FROM webhook_deliveries"))
    with pytest.raises(MigrationError, match=r"webhook_events has 22 rows.*stripe_payments: 0008"):
        downgrade(owner, core_migrations(), "0012")
    downgrade(owner, stripe, "0007")
    downgrade(owner, core_migrations(), "0012")
    assert rows(superuser, "SELECT FROM pg_tables WHERE tablename LIKE 'webhook_%'") == []


def test_undone_it_leaves_the_events_of_other_sources(before, stripe):
    superuser, owner = before
    upgrade(owner, [stripe])
    with superuser.begin() as connection:
        event = {"source": "postpay", "environment": "test", "event_id": "evt_failed", "type": "paid"}
        values = {"payload": "{}", "status": "failed", "attempts": 1, "origin": "webhook", "received_at": NOW}
        insert(connection, "webhook_events", organisation_id="one", **event, **values)
    downgrade(owner, stripe, "0007")
    assert [row["source"] for row in rows(superuser, NEW)] == ["postpay"]


def test_if_a_row_is_not_copied_the_revision_is_undone(before, stripe):
    superuser, owner = before
    with superuser.begin() as connection:
        connection.execute(
            text("CREATE FUNCTION loses() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        )
        loses = "BEFORE INSERT ON webhook_deliveries FOR EACH ROW WHEN (NEW.environment = 'live')"
        connection.execute(text(f"CREATE TRIGGER loses {loses} EXECUTE FUNCTION loses()"))
    with pytest.raises(MigrationError, match="has 6 rows, and webhook_deliveries has 4"):
        upgrade(owner, [stripe])
    assert len(rows(superuser, OLD)) == 22
    assert rows(superuser, NEW) == []
