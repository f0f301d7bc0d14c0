"""Products, for plugins."""

from __future__ import annotations

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.services import NotForSale, find_product

__all__ = ["NotForSale", "Product", "find_product"]
