"""Customers over HTTP, for staff. `grants.views` and `payments.views` add what a customer owns and paid."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.customers import schemas
from autonomy_core.customers.merging import NotMergeable
from autonomy_core.customers.models import Customer, CustomerNote
from autonomy_core.customers.outbox import mails_of
from autonomy_core.customers.resources import (
    AdminCustomer,
    AdminCustomerMails,
    AdminCustomerNotes,
    AdminCustomers,
)
from autonomy_core.customers.staff import services as staff
from autonomy_core.errors import NotFound, Unavailable
from autonomy_core.kernel.identity import Permission
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.schemas import MailSchema
from autonomy_core.web.operations import api_view
from autonomy_core.web.schemas import PageQuery, page_of, paginate


@api_view(
    context=AdminCustomers,
    method="GET",
    summary="Find customers",
    permission=Permission.READ_CUSTOMERS,
    query=schemas.CustomerQuery,
    returns=page_of(schemas.AdminCustomerSchema),
    errors=(Unavailable,),
    transaction="none",
)
def list_customers(context: AdminCustomers, request: Request) -> dict[str, Any]:
    """Newest first. A `reference` is a payment's id, or the payment provider's id of a payment or refund.

    Stripe's ids begin with `pi_`, `cs_`, `ch_`, `re_` or `dp_`. Erased and merged customers are not listed.
    """
    return staff.find_customers(context.scope, request.query)


@api_view(
    context=AdminCustomer,
    method="GET",
    summary="Get a customer",
    permission=Permission.READ_CUSTOMERS,
    returns=schemas.AdminCustomerSchema,
)
def get_customer(context: AdminCustomer, request: Request) -> Customer:
    """Also an erased customer, whose row has no address any more, and a merged one: see `merged_into`."""
    return context.customer


@api_view(
    context=AdminCustomer,
    name="block",
    method="POST",
    summary="Block a customer",
    permission=Permission.WRITE_CUSTOMERS,
    body=schemas.ReasonSchema,
    returns=schemas.AdminCustomerSchema,
    errors=(staff.AddressInReason, staff.CustomerIsStaff, NotFound),
)
def block_customer(context: AdminCustomer, request: Request) -> Customer:
    """The customer can neither log in nor buy, and all logins end within seconds. Bought products stay.

    Connected players and feeds end, too.
    """
    return staff.block(context.scope, context.customer, request.validated["reason"], actor=request.actor)


@api_view(
    context=AdminCustomer,
    name="unblock",
    method="POST",
    summary="Unblock a customer",
    permission=Permission.WRITE_CUSTOMERS,
    returns=schemas.AdminCustomerSchema,
)
def unblock_customer(context: AdminCustomer, request: Request) -> Customer:
    """The customer can log in and buy again."""
    return staff.unblock(context.scope, context.customer, actor=request.actor)


@api_view(
    context=AdminCustomer,
    name="merge",
    method="POST",
    summary="Merge a customer into an account",
    permission=Permission.WRITE_CUSTOMERS,
    body=schemas.MergeSchema,
    returns=schemas.AdminCustomerSchema,
    errors=(staff.AddressInReason, staff.CustomerIsStaff, staff.UnknownCustomer, NotMergeable),
)
def merge_customer(context: AdminCustomer, request: Request) -> Customer:
    """Everything that the customer has goes to the account, which is returned. It cannot be undone.

    Check first that both are the same person: the account's owner gets the other customer's products.
    """
    wanted = request.validated
    return staff.merge_into(
        context.scope, context.customer, wanted["into"], wanted["reason"], actor=request.actor
    )


@api_view(
    context=AdminCustomer,
    method="DELETE",
    summary="Erase a customer",
    permission=Permission.WRITE_CUSTOMERS,
    returns=schemas.DeletionSchema,
    status=202,
    errors=(staff.CustomerIsStaff,),
)
def erase_customer(context: AdminCustomer, request: Request) -> dict[str, Any]:
    """A job erases what identifies the customer, now and without a way back. The ledger stays."""
    due = staff.have_erased(context.scope, context.customer, actor=request.actor)
    return {"deletion_due_at": due}


@api_view(
    context=AdminCustomerNotes,
    method="GET",
    summary="List the notes about a customer",
    permission=Permission.READ_CUSTOMERS,
    query=PageQuery,
    returns=page_of(schemas.NoteSchema),
)
def list_notes(context: AdminCustomerNotes, request: Request) -> dict[str, Any]:
    """Newest first."""
    found = staff.notes_of(context.customer.id)
    return paginate(context.scope.session, found, CustomerNote.id, request.query)


@api_view(
    context=AdminCustomerNotes,
    method="POST",
    summary="Write a note about a customer",
    permission=Permission.WRITE_CUSTOMERS,
    body=schemas.NewNoteSchema,
    returns=schemas.NoteSchema,
    status=201,
)
def write_note(context: AdminCustomerNotes, request: Request) -> CustomerNote:
    """Staff see it, and it is part of the customer's export. It is erased with the customer."""
    return staff.add_note(context.scope, context.customer, request.validated["text"], actor=request.actor)


@api_view(
    context=AdminCustomerMails,
    method="GET",
    summary="List the mails to a customer",
    permission=Permission.READ_CUSTOMERS,
    query=PageQuery,
    returns=page_of(MailSchema),
)
def list_mails(context: AdminCustomerMails, request: Request) -> dict[str, Any]:
    """Newest first, with the state and the mail server's answer."""
    found = mails_of(context.scope, context.customer.id)
    return paginate(context.scope.session, found, MailMessage.id, request.query)
