"""What a connection to the database is told of a network that says nothing."""

from __future__ import annotations

from contextlib import closing

import pytest

from autonomy_core.db.database import Database
from autonomy_core.db.embedded import EmbeddedServer


@pytest.mark.parametrize(("asked_for", "limit"), [("", "60000"), ("&tcp_user_timeout=5000", "5000")])
def test_a_database_whose_machine_is_gone_is_given_up_after_a_minute(
    server: EmbeddedServer, asked_for: str, limit: str
) -> None:
    database = Database(server.url("postgres") + asked_for)
    try:
        with closing(database.engine.raw_connection()) as connection:
            told = connection.driver_connection.info.get_parameters()
            assert told["tcp_user_timeout"] == limit
            assert (told["connect_timeout"], told["keepalives_idle"]) == ("10", "30")
    finally:
        database.dispose()
