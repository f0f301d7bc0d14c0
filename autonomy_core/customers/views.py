"""Customers over HTTP."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.customers import services
from autonomy_core.customers.models import Customer
from autonomy_core.customers.schemas import CustomerSchema
from autonomy_core.errors import NotAuthenticated
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Admin, ApiV1, Customers
from autonomy_core.web.operations import api_view


@api_view(
    context=Customers,
    method="GET",
    name="me",
    summary="Get the customer who asks",
    permission=Permission.OWN,
    returns=CustomerSchema,
)
def me(context: Customers, request: Request) -> Customer:
    """The customer to whom the token was given."""
    customer = services.find_customer(context.scope, request.identity.id)
    if customer is None:
        raise NotAuthenticated
    return customer


def includeme(config: Any) -> None:
    """Hang the customers' and the staff's part into the tree."""
    config.add_child(ApiV1, "customers", Customers)
    config.add_child(ApiV1, "admin", Admin)
    config.scan(__name__)
