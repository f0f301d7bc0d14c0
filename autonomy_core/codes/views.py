"""Download codes over HTTP: staff make and revoke them, customers and guests redeem them."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.addresses import client_network
from autonomy_core.catalog.cover_documents import with_cover_later
from autonomy_core.catalog.resources import AdminProduct
from autonomy_core.codes import redemption, schemas, services
from autonomy_core.codes.errors import CodeNotValid, RedemptionRefused
from autonomy_core.codes.models import CodeBatch, DownloadCode
from autonomy_core.codes.resources import AdminCodeBatch, AdminCodes, CustomerCodes, GuestCodes
from autonomy_core.customers.staff.services import AddressInReason
from autonomy_core.errors import TooManyRequests
from autonomy_core.kernel.identity import Permission
from autonomy_core.payments.buyers import Guest
from autonomy_core.payments.terms import AlreadyOwned
from autonomy_core.traversal.resources import ApiV1, Customers
from autonomy_core.web.operations import PUBLIC, api_view
from autonomy_core.web.schemas import PageQuery, page_of, paginate

MEDIA_TYPE = "text/csv"


@api_view(
    context=AdminCodes,
    method="POST",
    summary="Make download codes",
    permission=Permission.WRITE_CATALOG,
    body=schemas.NewCodesSchema,
    status=201,
    media={MEDIA_TYPE: "one line for each code: `code`, `id`, `expires_at`"},
    headers={
        "Content-Disposition": "`attachment`, with a file name",
        "Location": "the URL of the batch of codes",
    },
    transaction="none",
    errors=(AddressInReason,),
)
def make_codes(context: AdminCodes, request: Request) -> Response:
    """Returns the codes as CSV, once, because the server keeps hashes only.

    If the answer is lost, revoke the batch, and make another one.
    """
    new = services.make_codes(context.scope, context.product.id, request.validated, actor=request.actor)
    answer = Response(status=201, app_iter=services.table_of(new), content_type=MEDIA_TYPE, charset="utf-8")
    answer.content_disposition = f'attachment; filename="codes-{new.batch.id}.csv"'
    answer.cache_control = "no-store"
    answer.location = request.resource_url(context, str(new.batch.id))
    return answer


@api_view(
    context=AdminCodes,
    method="GET",
    summary="List the batches of download codes of a product",
    permission=Permission.READ_CATALOG,
    query=PageQuery,
    returns=page_of(schemas.CodeBatchSchema),
)
def list_code_batches(context: AdminCodes, request: Request) -> dict[str, Any]:
    """Newest first, each with its use."""
    found = services.batches_of(context.product.id)
    return paginate(context.scope.session, found, CodeBatch.id, request.query)


@api_view(
    context=AdminCodeBatch,
    method="GET",
    summary="Get a batch of download codes",
    permission=Permission.READ_CATALOG,
    returns=schemas.CodeBatchSchema,
)
def get_code_batch(context: AdminCodeBatch, request: Request) -> CodeBatch:
    """The batch with its use."""
    return context.batch


@api_view(
    context=AdminCodeBatch,
    name="list",
    method="GET",
    summary="List the download codes of a batch",
    permission=Permission.READ_CATALOG,
    query=schemas.CodesQuery,
    returns=page_of(schemas.CodeSchema),
)
def list_codes(context: AdminCodeBatch, request: Request) -> dict[str, Any]:
    """Each code with its use, and without its text."""
    found = services.codes_of(context.batch, request.query["starts_with"])
    return paginate(context.scope.session, found, DownloadCode.id, request.query)


@api_view(
    context=AdminCodeBatch,
    name="revoke",
    method="POST",
    summary="Revoke download codes",
    permission=Permission.WRITE_CATALOG,
    body=schemas.RevocationSchema,
    returns=schemas.CodeBatchSchema,
)
def revoke_codes(context: AdminCodeBatch, request: Request) -> CodeBatch:
    """Revokes those that can still be redeemed. Customers keep what they have redeemed."""
    code_ids = request.validated["code_ids"]
    return services.revoke(context.scope, context.batch, code_ids, actor=request.actor)


@api_view(
    context=CustomerCodes,
    method="POST",
    summary="Redeem a download code",
    permission=Permission.OWN,
    body=schemas.RedemptionSchema,
    returns=schemas.RedeemedSchema,
    status=201,
    also={200: schemas.RedeemedSchema},
    transaction="none",
    errors=(CodeNotValid, AlreadyOwned, TooManyRequests),
)
def redeem_code(context: CustomerCodes, request: Request) -> dict[str, Any]:
    """You own the product from now on. A repeated call answers 200 and uses up nothing.

    If you own the product already, the answer is `already_owned`, and another person can use the code.
    """
    redeemed = redemption.redeem(
        context.scope,
        request.identity.id,
        request.validated["code"],
        client_network=client_network(request.remote_addr),
    )
    request.response.status_int = 201 if redeemed.is_new else 200
    return {"product": with_cover_later(context, redeemed.product)}


@api_view(
    context=GuestCodes,
    method="POST",
    summary="Redeem a download code without an account",
    permission=PUBLIC,
    body=schemas.GuestRedemptionSchema,
    returns=schemas.RedeemedSchema,
    status=201,
    transaction="none",
    errors=(CodeNotValid, RedemptionRefused, TooManyRequests),
)
def redeem_code_as_guest(context: GuestCodes, request: Request) -> dict[str, Any]:
    """A link to the product goes to the address. Every call needs a code that can still be redeemed.

    Send an `Idempotency-Key`, and a repeated call gets the same answer.
    """
    wanted = request.validated
    redeemed = redemption.redeem(
        context.scope,
        Guest(wanted["email"], wanted.get("locale")),
        wanted["code"],
        client_network=client_network(request.remote_addr),
    )
    return {"product": with_cover_later(context, redeemed.product)}


def includeme(config: Any) -> None:
    """Add the download codes to the resource tree."""
    config.add_child(AdminProduct, "codes", AdminCodes)
    config.add_child(Customers, "codes", CustomerCodes)
    config.add_child(ApiV1, "codes", GuestCodes)
    config.scan(__name__)
