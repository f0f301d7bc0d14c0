"""Events, and how their deliveries fared, move into the core's inbox of webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autonomy_core.plugin_api.migrations import every_organisations_rows, isolate

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
oldest_code = "0008"

TABLES = {
    "stripe_payments_events": "webhook_events",
    "stripe_payments_deliveries": "webhook_deliveries",
}
"""Of each old table the new one."""

EVENT_COLUMNS = (
    "organisation_id, environment, event_id, type, payload, fetched, status, reason, lookups, matched_by,"
    " payment_id, waits_for, attempts, received_at, processed_at"
)
DELIVERY_COLUMNS = "organisation_id, environment, day, verified, refused, last_verified_at, last_refused_at"

COPY = (
    (
        f"INSERT INTO webhook_events (source, origin, {EVENT_COLUMNS})"  # noqa: S608 - made of constants
        f" SELECT 'stripe', source, {EVENT_COLUMNS} FROM stripe_payments_events"
    ),
    (
        f"INSERT INTO webhook_deliveries (source, {DELIVERY_COLUMNS})"  # noqa: S608
        f" SELECT 'stripe', {DELIVERY_COLUMNS} FROM stripe_payments_deliveries"
    ),
)
COPY_BACK = (
    (
        f"INSERT INTO stripe_payments_events (source, {EVENT_COLUMNS})"  # noqa: S608
        f" SELECT origin, {EVENT_COLUMNS} FROM webhook_events WHERE source = 'stripe'"
    ),
    (
        f"INSERT INTO stripe_payments_deliveries ({DELIVERY_COLUMNS})"  # noqa: S608
        f" SELECT {DELIVERY_COLUMNS} FROM webhook_deliveries WHERE source = 'stripe'"
    ),
)
FORGET_FAILURES = (
    "DELETE FROM job_failures failure USING procrastinate_jobs job"
    " WHERE job.id = failure.job_id AND job.status = 'todo' AND job.task_name = '{}'"
)
"""Removes the failures of the jobs with a name that a later statement removes."""

RENAME = (
    # The subject was the event's ID. If both environments have an event with this ID, the alarm is about the
    # event that was set aside.
    """
    UPDATE alarms SET name = 'webhooks.event_set_aside', subject = 'stripe/' || coalesce((
        SELECT environment FROM webhook_events event
        WHERE event.organisation_id = alarms.organisation_id AND event.source = 'stripe'
            AND event.event_id = alarms.subject
        ORDER BY event.status = 'set_aside' DESC, event.environment LIMIT 1
    ), 'live') || '/' || subject
    WHERE name = 'stripe_payments.event_set_aside'
    """,
    (
        "UPDATE procrastinate_jobs SET task_name = 'webhooks.handle_event',"
        """ args = args || '{"source": "stripe"}' WHERE task_name = 'stripe_payments.handle_event'"""
    ),
    # A periodic job: its next turn comes within the hour.
    FORGET_FAILURES.format("stripe_payments.fetch_events"),
    "DELETE FROM procrastinate_jobs WHERE task_name = 'stripe_payments.fetch_events' AND status = 'todo'",
)
RENAME_BACK = (
    (
        "UPDATE alarms SET name = 'stripe_payments.event_set_aside',"
        " subject = regexp_replace(subject, '^stripe/(test|live)/', '')"
        " WHERE name = 'webhooks.event_set_aside' AND starts_with(subject, 'stripe/')"
    ),
    (
        "UPDATE procrastinate_jobs SET task_name = 'stripe_payments.handle_event', args = args - 'source'"
        " WHERE task_name = 'webhooks.handle_event' AND args->>'source' = 'stripe'"
    ),
    # The old version does not have this periodic job, and would keep it for ever.
    FORGET_FAILURES.format("webhooks.fetch_events"),
    "DELETE FROM procrastinate_jobs WHERE task_name = 'webhooks.fetch_events' AND status = 'todo'",
    "DELETE FROM webhook_events WHERE source = 'stripe'",
    "DELETE FROM webhook_deliveries WHERE source = 'stripe'",
)


def upgrade() -> None:
    """Copy every row, compare the counts, and remove the old tables.

    Waiting jobs and alarms get the new names.
    """
    with _every_row():
        _run(*COPY)
        _compare_counts()
        _run(*RENAME)
    for old in TABLES:
        op.drop_table(old)


def downgrade() -> None:
    """Take back Stripe's rows; those of other sources stay where they are."""
    _make_events()
    _make_deliveries()
    with _every_row():
        _run(*COPY_BACK)
        _compare_counts()
        _run(*RENAME_BACK)


@contextmanager
def _every_row() -> Iterator[None]:
    """Reach the rows of every organisation during the block.

    The tables are locked, so no other transaction changes them meanwhile.
    """
    with ExitStack() as stack:
        for table in (*TABLES, *TABLES.values(), "alarms", "procrastinate_jobs", "job_failures"):
            stack.enter_context(every_organisations_rows(op, table))
        yield


def _run(*statements: str) -> None:
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


def _compare_counts() -> None:
    """Make sure that every row was copied.

    Raises:
        ValueError: not every one was; the revision is undone.
    """
    for old, new in TABLES.items():
        counted = f"SELECT (SELECT count(*) FROM {old}), count(*) FROM {new} WHERE source = 'stripe'"  # noqa: S608
        before, after = op.get_bind().exec_driver_sql(counted).one()
        if before != after:
            raise ValueError(f"{old} has {before} rows, and {new} has {after} of Stripe's")


def _make_events() -> None:
    op.create_table(
        "stripe_payments_events",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("matched_by", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("lookups", sa.Text(), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column("fetched", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(
            "environment IN ('test', 'live')", name=op.f("ck_stripe_payments_events_environment")
        ),
        sa.CheckConstraint(
            "status IN ('received', 'processed', 'ignored', 'set_aside', 'failed')",
            name=op.f("ck_stripe_payments_events_status"),
        ),
        sa.CheckConstraint("source IN ('webhook', 'fetched')", name=op.f("ck_stripe_payments_events_source")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_stripe_payments_events_organisation_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "environment", "event_id", name=op.f("pk_stripe_payments_events")
        ),
    )
    isolate(op, "stripe_payments_events")
    for name, columns in (
        ("payment", ["organisation_id", "payment_id"]),
        ("status", ["organisation_id", "status", "received_at"]),
    ):
        op.create_index(f"ix_stripe_payments_events_{name}", "stripe_payments_events", columns)
    op.create_index(
        "ix_stripe_payments_events_waits_for",
        "stripe_payments_events",
        ["organisation_id", "environment", "waits_for"],
        postgresql_where=sa.text("waits_for IS NOT NULL"),
    )


def _make_deliveries() -> None:
    op.create_table(
        "stripe_payments_deliveries",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("verified", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("last_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "environment IN ('test', 'live', 'unknown')",
            name=op.f("ck_stripe_payments_deliveries_environment"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "environment", "day", name=op.f("pk_stripe_payments_deliveries")
        ),
    )
    isolate(op, "stripe_payments_deliveries")
