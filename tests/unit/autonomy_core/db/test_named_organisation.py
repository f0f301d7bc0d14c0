"""SQL that does not pass through a session names the organisation itself: see docs/decisions/0040."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from sqlalchemy import Select, TextClause

import autonomy_core
import customer_auth
import media_mp3
import stripe_payments
from autonomy_core.db.pipeline import Statement
from autonomy_core.db.statements import compiled
from tests.support.statements import unnamed

OF_ALL_ORGANISATIONS = {"autonomy_core.alarms.services.COUNTS"}
"""Statements of readiness and metrics, which a policy of their own lets read all rows."""


def modules() -> Iterator[object]:
    for package in (autonomy_core, customer_auth, media_mp3, stripe_payments):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not {"versions", "migrations", "__main__"} & set(found.name.split(".")):
                yield importlib.import_module(found.name)


def statements() -> dict[str, str]:
    """The SQL of every statement that a module has, by the name of the module and of the statement."""
    found = {}
    for module in modules():
        for name, value in vars(module).items():
            statement = compiled(value) if isinstance(value, Select) else value
            if isinstance(statement, Statement | TextClause):
                sql = statement.text
                found[f"{module.__name__}.{name}"] = sql.decode() if isinstance(sql, bytes) else sql
    return found


def test_every_statement_of_a_module_names_the_organisation() -> None:
    texts = statements()
    assert len(texts) > 20
    forgetful = {name: unnamed(sql) for name, sql in texts.items() if unnamed(sql)}
    assert forgetful.keys() == OF_ALL_ORGANISATIONS


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT * FROM payments WHERE id = 1", ["payments"]),
        ("SELECT * FROM payments WHERE organisation_id = 'acme'", []),
        ("SELECT p.id FROM payments AS p, grants WHERE p.organisation_id = 'acme'", ["grants"]),
        ("SELECT * FROM payments JOIN grants ON grants.organisation_id = payments.organisation_id", []),
        ("SELECT payments.id, payments.organisation_id FROM payments", ["payments"]),
        ("UPDATE payments SET amount = 1 WHERE payments.id = 2", ["payments"]),
        ("DELETE FROM grants WHERE grants.organisation_id = 'acme'", []),
        ("INSERT INTO grants (organisation_id, id) VALUES ('acme', 1)", []),
    ],
)
def test_a_table_whose_organisation_is_not_named_is_found(sql: str, names: list[str]) -> None:
    assert unnamed(sql) == names
