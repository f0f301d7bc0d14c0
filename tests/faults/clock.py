"""Time passes at once: what waits for minutes or hours in the database is due now.

The server is not changed. The suite writes, as the owner of the tables, the effects of the time.
"""

import time

import procrastinate
import psycopg

from tests.faults.installation import SHOPS, wait_until_none

DUE = "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo' AND scheduled_at > now()"
WAITING = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
AT_WORK = (
    "SELECT count(*) FROM procrastinate_jobs"
    " WHERE status = 'doing' OR status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())"
)
NO_SIGN_OF_LIFE = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
END_OF_LEASES = (
    "UPDATE idempotency_keys SET valid_until = now() "
    "WHERE fingerprint IS NULL AND began_at < to_timestamp(%s)"
)
MAIL_DUE = (
    "UPDATE mail_messages SET due_at = now() WHERE status IN ('queued', 'sending') AND NOT EXISTS ("
    " SELECT FROM procrastinate_jobs WHERE status = 'doing' AND task_name LIKE 'mail.%')"
)
"""The claims of dead workers end, and failed attempts are repeated; not while a worker hands mail over."""
STARTS_WITHIN_S = 60
PERIODIC = ("payments.sweep", "webhooks.fetch_events", "mail.sweep")


class Clock:
    """The time of an installation's database, seen by its owner."""

    def __init__(self, installation):
        self._installation = installation
        self.url = installation.database.url("autonomy").replace("postgresql+psycopg", "postgresql")

    def connection(self):
        """A connection, as soon as PostgreSQL accepts one: a test may be restarting it."""
        until = time.monotonic() + STARTS_WITHIN_S
        while True:
            try:
                return psycopg.connect(self.url)
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def rows(self, statement):
        with self.connection() as connection:
            return connection.execute(statement).fetchall()

    def do(self, statement, *values):
        with self.connection() as connection:
            connection.execute(statement, values or None)

    def end_leases(self, before):
        """Two minutes pass for requests from before a moment (seconds since 1970)."""
        self.do(END_OF_LEASES, before)

    def bury_dead_workers(self):
        """A minute passes for the jobs that killed workers were running, and for the stopped worker's."""
        self._installation.stop("worker")
        self.do(NO_SIGN_OF_LIFE)
        self._installation.start("worker")
        self._defer("jobs.rescue_stalled", timestamp=int(time.time()))

    def let_a_day_pass(self):
        """Whatever waits is due, and every periodic job has a turn; returns when all of that is done."""
        self.do(DUE)
        self.do(MAIL_DUE)
        for shop in SHOPS:
            for name in PERIODIC:
                self._defer(name, organisation_id=shop)
        wait_until_none(lambda: self.rows(AT_WORK)[0][0], "the jobs' end")

    def waiting_jobs(self):
        return self.rows(WAITING)[0][0]

    def _defer(self, name, **arguments):
        app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=self.url))
        with app.open():
            app.configure_task(name).defer(**arguments)
