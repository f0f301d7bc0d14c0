"""Payments in the tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.request import Request

from autonomy_core.payments.models import Payment
from autonomy_core.payments.services import find_payment_of
from autonomy_core.traversal.resources import Collection, Resource


class CustomerPayment(Resource):
    """``…/customers/payments/{payment_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, payment: Payment) -> None:
        super().__init__(request, parent, name)
        self.payment = payment


class CustomerPayments(Collection):
    """``…/customers/payments``"""

    item = CustomerPayment
    parameter = "payment_id"

    def item_for(self, identifier: UUID, name: str) -> CustomerPayment:
        """The customer's own payment."""
        payment = find_payment_of(self.scope, self.request.identity.id, identifier)
        if payment is None:
            raise KeyError(name)
        return CustomerPayment(self.request, self, name, payment)
