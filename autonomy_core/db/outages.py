"""Explains to an operator why the database does not answer."""

from __future__ import annotations

import psycopg
from sqlalchemy import URL, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from autonomy_core.db.embedded_account import EmbeddedServerError

OUTAGES = (OperationalError, InterfaceError, NoConnectionLeft, EmbeddedServerError)
"""Exceptions that mean that the database is unavailable."""

CONNECTION_LIMITS = {
    # A server that has not accepted a connection by then counts as unavailable.
    "connect_timeout": "10",
    # A dead machine acknowledges no packets. TCP's default limits are 15 minutes, or two hours when idle.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "tcp_user_timeout": "60000",
}
"""Parameters of libpq, in seconds; ``tcp_user_timeout`` in milliseconds."""

SECRETS = ("sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""Parameters of libpq that must not be shown, in addition to the password."""

MIGRATE = "run: autonomy migrate"


def explain_outage(error: Exception) -> str:
    """The reason for an outage, in one or two lines, and what the operator can do.

    Args:
        error: the exception of SQLAlchemy, the driver or a probe.
    """
    cause = getattr(error, "orig", None) or error
    # If the server answered: its message, without the statement that SQLAlchemy adds.
    message = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    reason = " ".join((message or str(cause)).split())
    missing = "does not exist" in reason
    return f"{reason} ({MIGRATE})" if missing else reason


def bounded(url: str) -> URL:
    """The database URL with network time limits added. Limits that the URL already has are kept."""
    made = make_url(url)
    return made.set(query=CONNECTION_LIMITS | dict(made.query))


def without_secrets(url: URL) -> URL:
    """The database URL without passwords and secrets, for output."""
    return url.difference_update_query(["password", *SECRETS])._replace(password=None)
