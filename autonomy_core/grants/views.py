"""A customer's products over HTTP."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.traversal import find_interface

from autonomy_core.catalog.availability import load_purchasable
from autonomy_core.catalog.bundles import UnknownProduct
from autonomy_core.catalog.cover_documents import with_cover, with_covers_of_page
from autonomy_core.catalog.listing import load_tracks
from autonomy_core.catalog.models import Product
from autonomy_core.catalog.schemas import ProductDetailSchema, ProductSchema
from autonomy_core.customers.resources import AdminCustomer
from autonomy_core.customers.schemas import ReasonSchema
from autonomy_core.customers.staff.services import AddressInReason
from autonomy_core.errors import NotFound
from autonomy_core.grants import giving, schemas, services
from autonomy_core.grants.models import Grant
from autonomy_core.grants.resources import (
    AdminCustomerGrant,
    AdminCustomerGrants,
    CustomerProduct,
    CustomerProducts,
)
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import ApiV1, Customers
from autonomy_core.web.operations import api_view
from autonomy_core.web.schemas import PageQuery, page_of, paginate


@api_view(
    context=CustomerProducts,
    method="GET",
    summary="List what you own",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(ProductSchema),
)
def list_owned(context: CustomerProducts, request: Request) -> dict[str, Any]:
    """Products stay in this list when they are withdrawn from sale."""
    owned = services.owned_products(context.scope, request.identity.id)
    page = paginate(context.scope.session, owned, Product.id, request.query)
    return with_covers_of_page(context, page)


@api_view(
    context=CustomerProduct,
    method="GET",
    summary="Get a product that you own",
    permission=Permission.OWN,
    returns=ProductDetailSchema,
)
def get_owned(context: CustomerProduct, request: Request) -> Product:
    """The answer is 404 for a product that you do not own."""
    if not services.owns(context.scope, request.identity.id, context.product.id):
        raise NotFound
    root = request.resource_url(find_interface(context, ApiV1))
    product = load_tracks(context.scope, load_purchasable(context.scope, context.product), root)
    return with_cover(context, product)


@api_view(
    context=AdminCustomerGrants,
    method="GET",
    summary="List what a customer owns",
    permission=Permission.READ_CUSTOMERS,
    query=PageQuery,
    returns=page_of(schemas.GrantSchema),
)
def list_grants(context: AdminCustomerGrants, request: Request) -> dict[str, Any]:
    """Newest first, with what was revoked and what was bought in test."""
    found = giving.grants_of(context.customer.id)
    return paginate(context.scope.session, found, Grant.id, request.query)


@api_view(
    context=AdminCustomerGrants,
    method="POST",
    summary="Give a product to a customer",
    permission=Permission.WRITE_CUSTOMERS,
    body=schemas.NewGrantSchema,
    returns=schemas.GivenSchema,
    status=201,
    errors=(giving.AlreadyGranted, UnknownProduct, AddressInReason),
)
def give_product(context: AdminCustomerGrants, request: Request) -> dict[str, Any]:
    """The customer owns it as if it was bought, and gets a mail. The reason stays in the ledger."""
    wanted = request.validated
    given = giving.give(
        context.scope, context.customer, wanted["product_id"], wanted["reason"], actor=request.actor
    )
    return {"items": given}


@api_view(
    context=AdminCustomerGrant,
    name="revoke",
    method="POST",
    summary="Take back what staff gave",
    permission=Permission.WRITE_CUSTOMERS,
    body=ReasonSchema,
    returns=schemas.GrantSchema,
    errors=(giving.GrantOfPayment, giving.AlreadyRevoked, AddressInReason),
)
def take_product_back(context: AdminCustomerGrant, request: Request) -> Grant:
    """Only what was given by hand. What was bought ends with a refund of its payment."""
    reason = request.validated["reason"]
    return giving.take_back(context.scope, context.customer, context.grant, reason, actor=request.actor)


def includeme(config: Any) -> None:
    """Add the customers' products to the resource tree, for customers and for staff."""
    config.add_child(Customers, "products", CustomerProducts)
    config.add_child(AdminCustomer, "grants", AdminCustomerGrants)
    config.scan(__name__)
