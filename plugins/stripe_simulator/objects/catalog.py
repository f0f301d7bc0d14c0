"""Products and prices (https://docs.stripe.com/api/products, https://docs.stripe.com/api/prices)."""

from __future__ import annotations

import time
from typing import Any

from stripe_simulator.identifiers import new_id

Document = dict[str, Any]

UNUSED_BY_PRODUCTS = (
    "default_price",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "unit_label",
    "url",
)

UNUSED_BY_PRICES = (
    "custom_unit_amount",
    "lookup_key",
    "nickname",
    "recurring",
    "tiers_mode",
    "transform_quantity",
)


def product(parameters: Document) -> Document:
    """Return a new product."""
    now = int(time.time())
    return {
        "id": new_id("prod", 14),
        "object": "product",
        **dict.fromkeys(UNUSED_BY_PRODUCTS),
        "active": True,
        "created": now,
        "description": parameters.get("description"),
        "images": parameters.get("images", []),
        "livemode": False,
        "marketing_features": [],
        "metadata": parameters.get("metadata", {}),
        "name": parameters["name"],
        "tax_code": parameters.get("tax_code"),
        "updated": now,
    }


def price(parameters: Document, *, product: str, active: bool = True) -> Document:
    """Return a new price of a ``product`` (its id). A price for a single session is not ``active``."""
    return {
        "id": new_id("price"),
        "object": "price",
        **dict.fromkeys(UNUSED_BY_PRICES),
        "active": active,
        "billing_scheme": "per_unit",
        "created": int(time.time()),
        "currency": parameters["currency"],
        "livemode": False,
        "metadata": parameters.get("metadata", {}),
        "product": product,
        "tax_behavior": parameters.get("tax_behavior", "unspecified"),
        "type": "one_time",
        "unit_amount": parameters["unit_amount"],
        "unit_amount_decimal": str(parameters["unit_amount"]),
    }
