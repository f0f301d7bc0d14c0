"""Payments in the resource tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.authorization import Allow
from pyramid.request import Request

from autonomy_core.customers.resources import OfAdminCustomer
from autonomy_core.kernel.identity import Permission
from autonomy_core.payments.models import Payment
from autonomy_core.payments.services import find_payment, find_payment_of
from autonomy_core.traversal.resources import Collection, Resource


class PaymentNode(Resource):
    """A resource for one payment."""

    def __init__(self, request: Request, parent: Resource, name: str, payment: Payment) -> None:
        super().__init__(request, parent, name)
        self.payment = payment


class CustomerPayment(PaymentNode):
    """``…/customers/payments/{payment_id}``"""


class CustomerPayments(Collection):
    """``…/customers/payments``"""

    item = CustomerPayment
    parameter = "payment_id"

    def item_for(self, identifier: UUID, name: str) -> CustomerPayment:
        """Return the customer's own payment."""
        payment = find_payment_of(self.scope, self.request.identity.id, identifier)
        if payment is None:
            raise KeyError(name)
        return CustomerPayment(self.request, self, name, payment)


class GuestPurchase(Resource):
    """``…/purchases/{payment_id}``: a purchase, for a caller with its token."""

    def __init__(self, request: Request, parent: Resource, name: str, payment_id: UUID) -> None:
        super().__init__(request, parent, name)
        self.payment_id = payment_id


class GuestPurchases(Collection):
    """``…/purchases``: purchases without an account."""

    item = GuestPurchase
    parameter = "payment_id"

    def item_for(self, identifier: UUID, name: str) -> GuestPurchase:
        """Return the resource of any id; the view's service checks the token."""
        return GuestPurchase(self.request, self, name, identifier)


class AdminPayment(PaymentNode):
    """``…/admin/payments/{payment_id}``"""


class AdminPayments(Collection):
    """``…/admin/payments``"""

    item = AdminPayment
    parameter = "payment_id"

    __acl__ = (
        (Allow, f"scope:{Permission.READ_PAYMENTS}", Permission.READ_PAYMENTS),
        (
            Allow,
            f"scope:{Permission.REFUND_PAYMENTS}",
            (Permission.READ_PAYMENTS, Permission.REFUND_PAYMENTS),
        ),
        (Allow, f"scope:{Permission.SEND_MAIL}", Permission.SEND_MAIL),
    )

    def item_for(self, identifier: UUID, name: str) -> AdminPayment:
        """Return any payment of the organisation."""
        payment = find_payment(self.scope, identifier)
        if payment is None:
            raise KeyError(name)
        return AdminPayment(self.request, self, name, payment)


class AdminRefunds(Resource):
    """``…/admin/payments/{payment_id}/refunds``"""

    @property
    def payment(self) -> Payment:
        """The payment in the URL."""
        parent = self.__parent__
        assert isinstance(parent, AdminPayment)  # noqa: S101 - for the type checker: it has no other parent
        return parent.payment


class AdminCustomerPayments(OfAdminCustomer):
    """``…/admin/customers/{customer_id}/payments``"""
