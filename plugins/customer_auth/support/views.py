"""Support over HTTP."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.operations import api_view
from autonomy_core.plugin_api.resources import AdminCustomer
from autonomy_core.plugin_api.schemas import PageQuery, page_of, paginate
from autonomy_core.plugin_api.security import Permission
from customer_auth.models import LoginSession
from customer_auth.schemas import CustomerLoginSchema
from customer_auth.sessions.services import open_sessions
from customer_auth.support import services
from customer_auth.support.errors import AlreadyVerified, NoAccount
from customer_auth.support.resources import AdminCustomerSessions


@api_view(
    context=AdminCustomerSessions,
    method="GET",
    summary="List a customer's logins",
    permission=Permission.READ_CUSTOMERS,
    query=PageQuery,
    returns=page_of(CustomerLoginSchema),
)
def list_logins(context: AdminCustomerSessions, request: Request) -> dict[str, Any]:
    """Lists the open logins, newest first. Browser and system are what the client says of itself."""
    statement = open_sessions(context.scope, context.customer.id)
    return paginate(context.scope.session, statement, LoginSession.id, request.query)


@api_view(
    context=AdminCustomerSessions,
    method="DELETE",
    summary="End a customer's logins",
    permission=Permission.WRITE_CUSTOMERS,
    status=204,
)
def end_logins(context: AdminCustomerSessions, request: Request) -> None:
    """Access tokens become invalid within seconds. The customer can log in again.

    Connected players and feeds end, too.
    """
    services.end_logins(context.scope, context.customer, actor=request.actor)


@api_view(
    context=AdminCustomer,
    name="verification",
    method="POST",
    summary="Send a customer another mail that verifies the address",
    permission=Permission.WRITE_CUSTOMERS,
    status=202,
    errors=(NoAccount, AlreadyVerified, NotFound),
)
def resend_verification(context: AdminCustomer, request: Request) -> None:
    """The mail goes to the customer only."""
    services.resend_verification(context.scope, context.customer, actor=request.actor)


@api_view(
    context=AdminCustomer,
    name="reset",
    method="POST",
    summary="Send a customer a link to set a new password",
    permission=Permission.WRITE_CUSTOMERS,
    status=202,
    errors=(NoAccount, NotFound),
)
def start_reset(context: AdminCustomer, request: Request) -> None:
    """The mail goes to the customer only, who keeps the old password until the link is used."""
    services.start_reset(context.scope, context.customer, actor=request.actor)
