"""The tree: what a plugin's contexts are made of, and the core's nodes that it may hang children from."""

from __future__ import annotations

from autonomy_core.catalog.resources import AdminProduct, AdminProducts, ProductNode, Products
from autonomy_core.grants.resources import CustomerProduct, CustomerProducts
from autonomy_core.payments.resources import AdminPayment, AdminPayments, CustomerPayment, CustomerPayments
from autonomy_core.traversal.resources import (
    Admin,
    ApiV1,
    Collection,
    Customers,
    Resource,
    WebhookProvider,
    Webhooks,
)

__all__ = [
    "Admin",
    "AdminPayment",
    "AdminPayments",
    "AdminProduct",
    "AdminProducts",
    "ApiV1",
    "Collection",
    "CustomerPayment",
    "CustomerPayments",
    "CustomerProduct",
    "CustomerProducts",
    "Customers",
    "ProductNode",
    "Products",
    "Resource",
    "WebhookProvider",
    "Webhooks",
]
