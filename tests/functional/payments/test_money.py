"""Constraints of the database on amounts."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError


@pytest.mark.parametrize("table", ["products", "payments"])
@pytest.mark.parametrize("change", ["amount = -1", "currency = 'EUR'", "currency = ''", "currency = 'euro'"])
def test_an_invalid_amount_is_refused_by_the_database(autonomy, table, change):
    autonomy.organisation("acme")
    autonomy.payment(autonomy.customer(), autonomy.product())
    with pytest.raises(IntegrityError, match=f"ck_{table}_"), autonomy.scope() as scope:
        scope.session.execute(text(f"UPDATE {table} SET {change}"))
