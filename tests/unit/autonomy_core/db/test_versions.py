"""What the core's own migrations make of rows that are there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from autonomy_core.db.migrations import core_migrations, downgrade, upgrade
from autonomy_core.payments.domain import shares

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAID = 1000


@pytest.fixture
def landlord(owner: Engine, connect: Callable[..., Engine], database: str) -> Engine:
    """The owner of the database, who is no superuser: the policies count for them as well."""
    with owner.begin() as connection:
        connection.execute(text("CREATE ROLE landlord LOGIN"))
        connection.execute(text(f"ALTER DATABASE {database} OWNER TO landlord"))
    return connect("landlord")


def insert(connection: Connection, table: str, **values: Any) -> None:
    names, placeholders = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({placeholders})"), values)


def add_product(connection: Connection, organisation: str, number: int, amount: int, currency: str) -> UUID:
    key = {"organisation_id": organisation, "id": UUID(int=number)}
    facts = {"title": "A", "description": "", "kind": "thing", "active": True}
    times = {"created_at": NOW, "updated_at": NOW}
    insert(connection, "products", **key, **facts, **times, amount=amount, currency=currency)
    return UUID(int=number)


def sell_bundle(
    connection: Connection, organisation: str, prices: Sequence[int], currencies: Sequence[str]
) -> None:
    """An organisation with one payment, for a bundle of products that cost so much by themselves."""
    key = {"organisation_id": organisation, "id": UUID(int=0)}
    insert(connection, "customers", **key, email="a@example.org", name="", created_at=NOW)
    bundle = add_product(connection, organisation, 0, PAID, "eur")
    bought = {"customer_id": UUID(int=0), "product_id": bundle, "amount": PAID, "currency": "eur"}
    how = {"provider": "nobody", "environment": "test", "status": "completed", "reversals": False}
    none = {"discount": 0, "refunded_amount": 0, "created_at": NOW, "updated_at": NOW}
    insert(connection, "payments", **key, **bought, **how, **none)
    for number, (price, currency) in enumerate(zip(prices, currencies, strict=True), start=1):
        product = add_product(connection, organisation, number, price, currency)
        item = {"payment_id": UUID(int=0), "product_id": product}
        insert(connection, "payment_items", organisation_id=organisation, **item)


def test_what_was_paid_for_products_of_old_bundles_is_divided_as_it_would_be_now(
    owner: Engine, landlord: Engine
) -> None:
    bundles = {
        "in_proportion": ([1200, 800, 7], "eur"),
        "with_a_rest": ([100, 100, 100], "eur"),
        "with_a_larger_rest": ([1, 2, 4, 4, 4], "eur"),
        "free": ([0, 0], "eur"),
        "partly_free": ([0, 500], "eur"),
    }
    upgrade(landlord, [core_migrations()])
    downgrade(landlord, core_migrations(), "0005")
    with owner.begin() as connection:
        for organisation, (prices, currency) in bundles.items():
            sell_bundle(connection, organisation, prices, [currency] * len(prices))
        sell_bundle(connection, "in_two_currencies", [900, 100], ["eur", "usd"])
    upgrade(landlord, [core_migrations()])
    with owner.begin() as connection:
        amounts = text(
            "SELECT organisation_id, array_agg(amount ORDER BY product_id) FROM payment_items GROUP BY 1"
        )
        divided = {organisation: found for organisation, found in connection.execute(amounts)}  # noqa: C416
    expected = {organisation: shares(PAID, prices) for organisation, (prices, _) in bundles.items()}
    assert divided == expected | {"in_two_currencies": [500, 500]}
