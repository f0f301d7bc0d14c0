"""A test finds the database as the migrations left it, although an earlier test has used it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.testing.copies import FEW_ROWS, Copies

SCHEMA = """
    CREATE TABLE shops (id int PRIMARY KEY);
    CREATE TABLE goods (id serial PRIMARY KEY, shop int NOT NULL REFERENCES shops);
    CREATE TABLE versions (number int);
    INSERT INTO versions VALUES (7)
"""


@pytest.fixture(scope="module")
def template(postgresql: EmbeddedServer) -> Iterator[str]:
    name = f"template_{uuid4().hex}"
    postgresql.create_database(name)
    with connect(postgresql, name) as owner:
        owner.execute(SCHEMA)
    yield name
    postgresql.drop_database(name)


@pytest.fixture
def copies(postgresql: EmbeddedServer, template: str) -> Copies:
    return Copies(postgresql, template)


def connect(server: EmbeddedServer, name: str) -> psycopg.Connection[tuple[int, ...]]:
    return psycopg.connect(server.url(name).replace("+psycopg", ""), autocommit=True)


def used_twice(server: EmbeddedServer, copies: Copies, statement: str) -> tuple[bool, list[int], int]:
    """Execute a statement in a copy. Of the next one: whether it is the same one, its rows, and a new id."""
    with copies.one() as first, connect(server, first) as owner:
        owner.execute(statement)
    with copies.one() as second, connect(server, second) as owner:
        rows = [
            count
            for table in ("shops", "goods", "versions")
            for (count,) in owner.execute(f"SELECT count(*) FROM {table}")
        ]
        owner.execute("INSERT INTO shops VALUES (1)")
        (new_id,) = owner.execute("INSERT INTO goods (shop) VALUES (1) RETURNING id").fetchone() or (0,)
        return first == second, rows, new_id


@pytest.mark.parametrize(
    ("statement", "same"),
    [
        ("SELECT 1", True),
        ("INSERT INTO shops VALUES (1); INSERT INTO goods (shop) VALUES (1), (1)", True),
        ("UPDATE versions SET number = 8", False),
        ("DELETE FROM versions", False),
        ("ALTER TABLE goods ADD COLUMN price int", False),
        ("CREATE TABLE others (id int)", False),
        ("GRANT SELECT ON goods TO PUBLIC", False),
        ("ALTER TABLE goods ENABLE ROW LEVEL SECURITY", False),
        (f"INSERT INTO shops SELECT generate_series(0, {FEW_ROWS})", False),
    ],
)
def test_the_next_test_finds_a_migrated_database(
    postgresql: EmbeddedServer, copies: Copies, statement: str, same: bool
) -> None:
    assert used_twice(postgresql, copies, statement) == (same, [0, 0, 1], 1)


def test_a_client_of_an_earlier_test_is_disconnected(postgresql: EmbeddedServer, copies: Copies) -> None:
    with copies.one() as name:
        left = connect(postgresql, name)
        left.execute("BEGIN; INSERT INTO shops VALUES (1)")
    with pytest.raises(psycopg.OperationalError):
        left.execute("COMMIT")


def test_two_tests_at_once_have_two_copies(copies: Copies) -> None:
    with copies.one() as one, copies.one() as other:
        assert one != other
