"""Customers in the resource tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.authorization import Allow
from pyramid.decorator import reify
from pyramid.request import Request

from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import find_customer
from autonomy_core.errors import NotAuthenticated, NotFound
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Collection, Resource


class Me(Resource):
    """``…/customers/me``"""

    @reify
    def customer(self) -> Customer:
        """The customer who asks.

        Raises:
            NotAuthenticated: the customer does not exist any more.
        """
        customer = find_customer(self.scope, self.request.identity.id)
        if customer is None or not customer.is_current:
            raise NotAuthenticated
        return customer


class AdminCustomer(Resource):
    """``…/admin/customers/{customer_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, customer_id: UUID) -> None:
        super().__init__(request, parent, name)
        self.customer_id = customer_id

    @reify
    def customer(self) -> Customer:
        """The customer.

        Raises:
            NotFound: the organisation has no such customer.
        """
        customer = find_customer(self.scope, self.customer_id)
        if customer is None:
            raise NotFound
        return customer


class AdminCustomers(Collection):
    """``…/admin/customers``"""

    item = AdminCustomer
    parameter = "customer_id"

    __acl__ = (
        (Allow, f"scope:{Permission.READ_CUSTOMERS}", Permission.READ_CUSTOMERS),
        (
            Allow,
            f"scope:{Permission.WRITE_CUSTOMERS}",
            (Permission.READ_CUSTOMERS, Permission.WRITE_CUSTOMERS),
        ),
        (Allow, f"scope:{Permission.READ_PAYMENTS}", Permission.READ_PAYMENTS),
    )

    def item_for(self, identifier: UUID, name: str) -> AdminCustomer:
        """Return any customer of the organisation."""
        return AdminCustomer(self.request, self, name, identifier)


class OfAdminCustomer(Resource):
    """A part of a customer, for staff. Features above customers add parts of their own."""

    @property
    def customer(self) -> Customer:
        """The customer in the URL."""
        parent = self.__parent__
        assert isinstance(parent, AdminCustomer)  # noqa: S101 - for the type checker: it has no other parent
        return parent.customer


class AdminCustomerNotes(OfAdminCustomer):
    """``…/admin/customers/{customer_id}/notes``"""


class AdminCustomerMails(OfAdminCustomer):
    """``…/admin/customers/{customer_id}/mail``"""
