"""The rules for refunds: whether a payment can be refunded, and the amount."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar
from uuid import UUID

from autonomy_core.errors import Conflict, InvalidInput
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments.domain import PaymentState
from autonomy_core.payments.items import keep_paid_for
from autonomy_core.payments.models import Payment
from autonomy_core.payments.reversals import state_of


class NotRefundable(Conflict):
    """The payment cannot be refunded."""

    code, title = "not_refundable", "This payment cannot be refunded"


class PaymentDisputed(Conflict):
    """The buyer's bank has the money, so a refund would pay the buyer twice."""

    code, title = "payment_disputed", "This payment is disputed and cannot be refunded"


class RefundTooLarge(InvalidInput):
    """The amount is larger than the refundable rest of the payment."""

    code, title = "refund_too_large", "More than what is left of the payment cannot be refunded"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {"refundable": {"type": "integer"}}


class RefundAmbiguous(InvalidInput):
    """The request contains both an amount and items."""

    code, title = "refund_ambiguous", "A refund has an amount or items, not both"


class ItemNotInPayment(InvalidInput):
    """The payment does not contain the product."""

    code, title = "item_not_in_payment", "The payment is not for this product"


class ItemAlreadyRefunded(Conflict):
    """The product has been refunded, or a refund is pending."""

    code, title = "item_already_refunded", "This product of the payment has been refunded already"


def amount_of(scope: TenantScope, payment: Payment, amount: int | None, items: Collection[UUID]) -> int:
    """Return the amount of a refund, if it is allowed.

    Args:
        scope: the organisation.
        payment: the locked payment.
        amount: in the minor unit of its currency; None for the amount paid for the items, or without items
            the refundable rest.
        items: the refunded products.

    Raises:
        NotRefundable, PaymentDisputed, RefundTooLarge, RefundAmbiguous, ItemNotInPayment, ItemAlreadyRefunded
    """
    if items and amount is not None:
        raise RefundAmbiguous
    state = state_of(scope, payment)
    _require_refundable(state)
    wanted = _paid_for(scope, payment, state, items) if items else amount
    if wanted is not None and wanted > state.refundable:
        raise RefundTooLarge(f"{state.refundable} are left.", extra={"refundable": state.refundable})
    return state.refundable if wanted is None else wanted


def _paid_for(scope: TenantScope, payment: Payment, state: PaymentState, items: Collection[UUID]) -> int:
    paid = keep_paid_for(scope, payment)
    unknown, again = set(items) - set(paid), state.items_spoken_for.intersection(items)
    if unknown:
        raise ItemNotInPayment(f"It is not for {_listed(unknown)}.")
    if again:
        raise ItemAlreadyRefunded(f"{_listed(again)} cannot be refunded again.")
    amount = sum(paid[each] for each in items)
    if not amount:
        raise NotRefundable("Nothing was paid for it.")
    return amount


def _listed(product_ids: Collection[UUID]) -> str:
    return ", ".join(sorted(map(str, product_ids)))


def _require_refundable(state: PaymentState) -> None:
    if state.disputed:
        raise PaymentDisputed("Answer the dispute at the payment provider.")
    if state.collected != PaymentStatus.COMPLETED or state.status == PaymentStatus.DISPUTE_LOST:
        raise NotRefundable(f"It is {state.status}.")
    if state.refundable <= 0:
        raise NotRefundable("All of it has been refunded." if state.amount else "Nothing was paid.")
