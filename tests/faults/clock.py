"""Time passes at once: what waits for minutes or hours in the database is due now.

Nothing in the server knows of it. The suite writes, as the owner of the tables, what the passing of time would bring about.
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
END_OF_LEASES = "UPDATE idempotency_keys SET valid_until = now() WHERE fingerprint IS NULL AND began_at < to_timestamp(%s)"
PERIODIC = ("payments.sweep", "stripe_payments.fetch_events")


class Clock:
    """The time of an installation's database, seen by its owner."""

    def __init__(self, installation):
        self._installation = installation
        self.url = installation.database.url("autonomy").replace("postgresql+psycopg", "postgresql")

    def connection(self):
        return psycopg.connect(self.url)

    def rows(self, statement):
        with self.connection() as connection:
            return connection.execute(statement).fetchall()

    def do(self, statement, *values):
        with self.connection() as connection:
            connection.execute(statement, values or None)

    def end_leases(self, before):
        """Two minutes pass for requests of before that moment (seconds since 1970): their server or database was away."""
        self.do(END_OF_LEASES, before)

    def bury_dead_workers(self):
        """A minute passes for the jobs that killed workers had in hand, as for the one that is stopped for this."""
        self._installation.stop("worker")
        self.do(NO_SIGN_OF_LIFE)
        self._installation.start("worker")
        self._defer("jobs.rescue_stalled", timestamp=int(time.time()))

    def let_a_day_pass(self):
        """Whatever waits is due, and every periodic job has a turn; returns when all of that is done."""
        self.do(DUE)
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
