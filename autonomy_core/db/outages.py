"""Why the database does not answer, in words for an operator."""

from __future__ import annotations

import psycopg
from sqlalchemy import URL, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from autonomy_core.db.embedded_account import EmbeddedServerError

OUTAGES = (OperationalError, InterfaceError, NoConnectionLeft, EmbeddedServerError)
"""What is raised while the database is away."""

PATIENCE = {
    # A server that has not taken a connection by then is away.
    "connect_timeout": "10",
    # One whose machine is gone acknowledges nothing. By default TCP waits for a quarter of an hour, or for two if idle.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "tcp_user_timeout": "60000",
}
"""Parameters of libpq, in seconds, the last in milliseconds."""

SECRETS = ("sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""Parameters of libpq that are not to be seen, beside the password."""

MIGRATE = "run: autonomy migrate"


def explain_outage(error: Exception) -> str:
    """In a line or two why the database does not answer, and what to do.

    Args:
        error: what SQLAlchemy, the driver or a probe has raised.
    """
    cause = getattr(error, "orig", None) or error
    # Where the server has answered: its sentence, without the statement that it quotes.
    told = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    reason = " ".join((told or str(cause)).split())
    missing = "does not exist" in reason
    return f"{reason} ({MIGRATE})" if missing else reason


def bounded(url: str) -> URL:
    """A database's URL with limits for what the network does, except for those that it says itself."""
    made = make_url(url)
    return made.set(query=PATIENCE | dict(made.query))


def without_secrets(url: URL) -> URL:
    """A database's URL as it may be shown."""
    return url.difference_update_query(["password", *SECRETS])._replace(password=None)
