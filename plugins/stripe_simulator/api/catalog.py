"""The calls about products and prices.

Source: https://docs.stripe.com/api/products, https://docs.stripe.com/api/prices.
"""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validate, validates_schema

from stripe_simulator import currencies, objects
from stripe_simulator.api.call import Call, Document
from stripe_simulator.parameters import Array, Integer, Metadata, Name, Parameters, Text, Url
from stripe_simulator.schemas import between, one_of

LARGEST_AMOUNT = 99_999_999
KNOWN_CURRENCY = validate.OneOf(currencies.SUPPORTED, error="$param must be a currency code in lower case.")


class ProductData(Parameters):
    """A product."""

    name = Name(required=True)
    description = Text()
    images = Array(Url(), validate=validate.Length(max=8, error="$param must have at most 8 items."))
    metadata = Metadata()
    tax_code = Text()


class Price(Parameters):
    """A price in minor units."""

    currency = Text(required=True, validate=KNOWN_CURRENCY)
    unit_amount = Integer(required=True, validate=between(0, LARGEST_AMOUNT))
    tax_behavior = Text(validate=one_of("exclusive", "inclusive", "unspecified"))

    @validates_schema
    def whole_steps(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse an amount that the currency cannot express."""
        step = currencies.unit_step(data["currency"])
        if data["unit_amount"] % step:
            raise ValidationError(
                f"$param in {data['currency']} must be a multiple of {step}.", "unit_amount"
            )


class PriceCreate(Price):
    """A price of a product."""

    product = Text(required=True)
    metadata = Metadata()


def create_product(call: Call) -> Document:
    """Create a product."""
    body = objects.product(call.parameters)
    call.simulator.ledger.put("product", body["id"], call.account, body)
    call.simulator.events.publish(call.account, "product.created", body, call.cause)
    return body


def create_price(call: Call) -> Document:
    """Create a price of a product."""
    product = call.own("product", call.parameters["product"], "product", param="product")
    body = objects.price(call.parameters, product=product.id)
    call.simulator.ledger.put("price", body["id"], call.account, body)
    call.simulator.events.publish(call.account, "price.created", body, call.cause)
    return body
