"""Products, for plugins."""

from __future__ import annotations

from autonomy_core.catalog.availability import NotAvailableYet, available_at, require_available
from autonomy_core.catalog.models import Product
from autonomy_core.catalog.services import NotForSale, find_product
from autonomy_core.prices.models import ProductPrice

__all__ = [
    "NotAvailableYet",
    "NotForSale",
    "Product",
    "ProductPrice",
    "available_at",
    "find_product",
    "require_available",
]
