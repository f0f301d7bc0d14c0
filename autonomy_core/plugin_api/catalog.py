"""Products, and their prices, for plugins."""

from __future__ import annotations

from autonomy_core.catalog.availability import NotAvailableYet, available_at, is_offered, require_available
from autonomy_core.catalog.details import index_again
from autonomy_core.catalog.models import Product
from autonomy_core.catalog.query_schemas import ProductsQuery
from autonomy_core.catalog.services import (
    NotForSale,
    change_product,
    create_product,
    find_by_slug,
    find_product,
)
from autonomy_core.catalog.showing import shown_product, shown_products
from autonomy_core.prices.errors import PRICE_ERRORS
from autonomy_core.prices.models import ProductPrice
from autonomy_core.prices.schemas import NewPrices

__all__ = [
    "PRICE_ERRORS",
    "NewPrices",
    "NotAvailableYet",
    "NotForSale",
    "Product",
    "ProductPrice",
    "ProductsQuery",
    "available_at",
    "change_product",
    "create_product",
    "find_by_slug",
    "find_product",
    "index_again",
    "is_offered",
    "require_available",
    "shown_product",
    "shown_products",
]
