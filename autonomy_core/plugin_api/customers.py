"""Customers, for plugins."""

from __future__ import annotations

from autonomy_core.customers.models import Customer
from autonomy_core.customers.schemas import CustomerSchema
from autonomy_core.customers.services import (
    EmailTaken,
    find_customer,
    find_customer_by_email,
    register_customer,
)

__all__ = [
    "Customer",
    "CustomerSchema",
    "EmailTaken",
    "find_customer",
    "find_customer_by_email",
    "register_customer",
]
