"""What the database itself refuses, whoever writes it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError


@pytest.mark.parametrize("table", ["products", "payments"])
@pytest.mark.parametrize("change", ["amount = -1", "currency = 'EUR'", "currency = ''", "currency = 'euro'"])
def test_money_that_is_none_is_refused(autonomy, table, change):
    autonomy.organisation("acme")
    autonomy.payment(autonomy.customer(), autonomy.product())
    with pytest.raises(IntegrityError, match=f"ck_{table}_"), autonomy.scope() as scope:
        scope.session.execute(text(f"UPDATE {table} SET {change}"))
