"""Services of prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.prices.domain import Priced, every_price, problem_of
from autonomy_core.prices.errors import AmountNotCollectable, PriceRefused, PricesContradict
from autonomy_core.prices.models import OpenPrice, ProductPrice

OF_PRICES = ("pay_what_you_want", "suggested_amount", "other_prices")
"""The values of a product that `keep_prices` writes."""


def keep_prices(scope: TenantScope, product: Priced, wanted: Mapping[str, Any]) -> None:
    """Check the prices of a product, and write those that are not in its own row.

    Args:
        scope: the scope of the organisation.
        product: the locked product, whose own row is written. Its attributes are stale afterwards.
        wanted: new values by the names of `OF_PRICES`; absent values stay. Without ``pay_what_you_want``
            there are no suggestions.

    Raises:
        PricesContradict: there are two prices in a currency, or a suggestion has no place.
        PriceRefused: the payment provider does not accept one of the prices.
    """
    values = {name: wanted.get(name, getattr(product, name)) for name in OF_PRICES}
    if wanted.get("pay_what_you_want") is False:
        # What was suggested before goes with the choice; what the caller suggests now is an error.
        values["suggested_amount"] = wanted.get("suggested_amount")
        if "other_prices" not in wanted:
            values["other_prices"] = [{**each, "suggested_amount": None} for each in values["other_prices"]]
    after = _After(product, values)
    if (problem := problem_of(after)) is not None:
        raise PricesContradict(problem)
    for currency, *amounts in every_price(after):
        for amount in amounts:
            require_collectable(scope, amount or 0, currency)
    if wanted:
        _write(scope, after)


class _After:
    """A product with its prices as they will be."""

    def __init__(self, product: Priced, values: Mapping[str, Any]) -> None:
        self.id, self.amount, self.currency = product.id, product.amount, product.currency
        self.pay_what_you_want: bool = values["pay_what_you_want"]
        self.suggested_amount: int | None = values["suggested_amount"]
        self.other_prices: list[Mapping[str, Any]] = values["other_prices"]


def _write(scope: TenantScope, product: Priced) -> None:
    of_product = {"organisation_id": scope.organisation.id, "product_id": product.id}
    scope.session.execute(delete(OpenPrice).where(OpenPrice.product_id == product.id))
    scope.session.execute(delete(ProductPrice).where(ProductPrice.product_id == product.id))
    if product.pay_what_you_want:
        suggested = {"suggested_amount": product.suggested_amount}
        scope.session.execute(insert(OpenPrice).values(of_product | suggested))
    if product.other_prices:
        rows = [of_product | dict(each) for each in product.other_prices]
        scope.session.execute(insert(ProductPrice).values(rows))


def require_collectable(scope: TenantScope, amount: int, currency: str) -> None:
    """Check that the payment provider accepts a price that staff set. Nothing is free of charge.

    Raises:
        PriceRefused: it does not.
    """
    if (problem := problem_of_provider(scope, amount, currency)) is not None:
        raise PriceRefused(problem)


def require_chosen_collectable(scope: TenantScope, amount: int, currency: str) -> None:
    """Check that the payment provider accepts an amount that a buyer has chosen.

    Raises:
        AmountNotCollectable: it does not, for example 20 cents.
    """
    if (problem := problem_of_provider(scope, amount, currency)) is not None:
        raise AmountNotCollectable(problem)


def problem_of_provider(scope: TenantScope, amount: int, currency: str) -> str | None:
    """Return why the organisation's payment provider cannot collect an amount; None if it can."""
    provider = runtime_of(scope).payment_provider_for(scope.organisation)
    if not amount or provider is None:
        return None
    return provider.price_problem(scope.organisation, amount, currency)
