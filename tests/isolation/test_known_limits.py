"""Known limits of the isolation (docs/security.md): plugins are trusted, not everything has policies."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy


@pytest.fixture
def shops(autonomy: Autonomy) -> Autonomy:
    for organisation in ("acme", "beacon"):
        autonomy.organisation(organisation, plugins=(stand_ins.NAME,))
        autonomy.product(organisation)
    return autonomy


def test_plugin_sql_can_set_another_organisation_in_its_transaction(
    shops: Autonomy,
) -> None:
    seen = text("SELECT DISTINCT organisation_id FROM products")
    with shops.scope("acme") as scope:
        scope.session.execute(text("SELECT set_config('autonomy.organisation', 'beacon', true)"))
        assert list(scope.session.scalars(seen)) == ["beacon"]
    with shops.scope("acme") as scope:
        assert list(scope.session.scalars(seen)) == ["acme"]


def test_large_objects_are_shared_by_all_organisations(shops: Autonomy) -> None:
    with shops.scope("acme") as scope:
        number = scope.session.scalar(text("SELECT lo_from_bytea(0, 'shared')"))
    with shops.scope("beacon") as scope:
        assert scope.session.scalar(text("SELECT lo_get(:number)"), {"number": number}) == b"shared"


def test_statement_texts_are_visible_without_their_parameters(shops: Autonomy) -> None:
    statement = text("SELECT query FROM pg_stat_activity WHERE usename = current_user AND :word <> ''")
    with shops.scope("acme") as scope:
        texts = list(scope.session.scalars(statement, {"word": "confidential"}))
    assert any("pg_stat_activity" in query for query in texts)
    assert not any("confidential" in query for query in texts)
