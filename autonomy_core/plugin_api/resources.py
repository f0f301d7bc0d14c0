"""The resource tree: base classes of contexts, and the core's resources that may have children of plugins."""

from __future__ import annotations

from autonomy_core.catalog.resources import AdminProduct, AdminProducts, ProductDetail, ProductNode, Products
from autonomy_core.customers.resources import AdminCustomer, OfAdminCustomer
from autonomy_core.grants.resources import CustomerProduct, CustomerProducts
from autonomy_core.payments.resources import AdminPayment, AdminPayments, CustomerPayment, CustomerPayments
from autonomy_core.traversal.resources import (
    Admin,
    ApiV1,
    Collection,
    Customers,
    Resource,
    Site,
)

__all__ = [
    "Admin",
    "AdminCustomer",
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
    "OfAdminCustomer",
    "ProductDetail",
    "ProductNode",
    "Products",
    "Resource",
    "Site",
]
