"""The core's migrations with existing rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from autonomy_core.db.migrations import core_migrations, downgrade, upgrade

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAID = 1000


def insert(connection: Connection, table: str, **values: Any) -> None:
    names, placeholders = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({placeholders})"), values)


def add_product(connection: Connection, organisation: str, number: int, amount: int, currency: str) -> UUID:
    key = {"organisation_id": organisation, "id": UUID(int=number)}
    facts = {"title": "A", "description": "", "kind": "thing", "active": True}
    times = {"created_at": NOW, "updated_at": NOW}
    insert(connection, "products", **key, **facts, **times, amount=amount, currency=currency)
    return UUID(int=number)


def sell_bundle(connection: Connection, organisation: str, prices: Sequence[int], currency: str) -> None:
    """An organisation with one payment for a bundle of products with these prices."""
    key = {"organisation_id": organisation, "id": UUID(int=0)}
    insert(connection, "customers", **key, email="a@example.org", name="", created_at=NOW)
    bundle = add_product(connection, organisation, 0, PAID, "eur")
    bought = {"customer_id": UUID(int=0), "product_id": bundle, "amount": PAID, "currency": "eur"}
    how = {"provider": "nobody", "environment": "test", "status": "completed", "reversals": False}
    none = {"discount": 0, "refunded_amount": 0, "created_at": NOW, "updated_at": NOW}
    insert(connection, "payments", **key, **bought, **how, **none)
    for number, price in enumerate(prices, start=1):
        product = add_product(connection, organisation, number, price, currency)
        item = {"payment_id": UUID(int=0), "product_id": product}
        insert(connection, "payment_items", organisation_id=organisation, **item)


@pytest.fixture
def sold(owner: Engine) -> Engine:
    """The database at the revision before refunds of items, with a sold bundle."""
    upgrade(owner, [core_migrations()])
    downgrade(owner, core_migrations(), "0005")
    with owner.begin() as connection:
        sell_bundle(connection, "before", [1200, 800], "eur")
    return owner


def test_the_previous_version_keeps_selling_and_refunding(
    sold: Engine,
) -> None:
    upgrade(sold, [core_migrations()])
    with sold.begin() as connection:
        sell_bundle(connection, "meanwhile", [100, 100], "eur")
        key = {"organisation_id": "meanwhile", "id": UUID(int=1), "payment_id": UUID(int=0)}
        times = {"created_at": NOW, "updated_at": NOW}
        insert(connection, "payment_refunds", **key, **times, amount=1, status="requested")
        amounts = connection.scalars(text("SELECT amount FROM payment_items")).all()
        items = connection.scalars(text("SELECT items FROM payment_refunds")).all()
    assert (amounts, items) == ([None] * 4, [[]])


def test_the_amount_paid_for_a_product_is_never_negative(sold: Engine) -> None:
    upgrade(sold, [core_migrations()])
    with sold.begin() as connection, pytest.raises(IntegrityError, match="amount_not_negative"):
        connection.execute(text("UPDATE payment_items SET amount = -1"))


def test_readers_of_payments_and_products_block_no_migration(sold: Engine, database: str) -> None:
    with sold.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {database} SET lock_timeout = '1s'"))
    with sold.begin() as reader:
        reader.execute(text("SELECT FROM payments, products"))
        upgrade(sold, [core_migrations()])
