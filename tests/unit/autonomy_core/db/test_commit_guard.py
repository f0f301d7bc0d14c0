"""Which SQL ends a transaction."""

import pytest

from autonomy_core.db.commit_guard import ends_transaction


@pytest.mark.parametrize(
    "sql",
    [
        "COMMIT",
        " commit work;",
        "END",
        "Abort",
        "ROLLBACK",
        "rollback transaction",
        "ROLLBACK AND CHAIN",
        "COMMIT AND CHAIN",
        "PREPARE  TRANSACTION 'a'",
        "SELECT 1; COMMIT",
        "-- all is well\nCOMMIT",
        "/* all is well */ ROLLBACK",
        "SELECT 'a;b', $x$ c $x$; END",
    ],
)
def test_what_commits_or_rolls_back_is_recognised(sql):
    assert ends_transaction(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "ROLLBACK TO SAVEPOINT sa_savepoint_1",
        "rollback work to a",
        "RELEASE SAVEPOINT a",
        "SELECT CASE WHEN a THEN b END FROM c",
        "SELECT 'a; COMMIT'",
        "SELECT 1 -- ; COMMIT",
        'SELECT 1 AS "; ROLLBACK"',
        "SELECT $body$ ; COMMIT; $body$",
        "SELECT a FROM ends; SELECT committed FROM b",
        "PREPARE one AS SELECT 1",
        "INSERT INTO a VALUES ('it''s; END')",
        "UPDATE a SET end_at = now()",
    ],
)
def test_what_does_neither_is_left_alone(sql):
    assert not ends_transaction(sql)
