"""Staff send the receipt of a payment again."""

from __future__ import annotations

from autonomy_core.audit.services import record
from autonomy_core.db.base import utcnow
from autonomy_core.errors import Conflict
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.mail.services import send
from autonomy_core.payments.domain import collected
from autonomy_core.payments.models import Payment
from autonomy_core.payments.notices import RECEIPT, buyer_of


class NoReceipt(Conflict):
    """Nothing was paid, or the buyer's address was erased."""

    code, title = "no_receipt", "This payment has no receipt to send"


def send_receipt_again(scope: TenantScope, payment: Payment, *, actor: str) -> None:
    """Put another receipt of a completed payment into the outbox, at most one in a minute.

    It goes to the customer's current address, and shows what is true when it is sent.

    Args:
        scope: the organisation.
        payment: the payment.
        actor: the caller, for the audit trail.

    Raises:
        NoReceipt: the payment is not completed, or its customer's data were erased.
    """
    buyer = buyer_of(scope, payment)
    if collected(PaymentStatus(payment.status)) != PaymentStatus.COMPLETED:
        raise NoReceipt(f"It is {payment.status}.")
    if buyer.erased_at is not None:
        raise NoReceipt("The customer's data were erased.")
    # A second click, or a repeated request, within the minute sends no second mail.
    once = f"receipt:{payment.id}:{utcnow():%Y-%m-%dT%H:%M}"
    values = {"payment_id": str(payment.id)}
    send(scope, RECEIPT, buyer.email, values, customer_id=buyer.id, locale=buyer.locale, once=once)
    record(scope, actor=actor, action="receipt.sent_again", target=f"payment:{payment.id}", detail={})
