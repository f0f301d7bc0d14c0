"""The shop's handler of an event that dj-stripe has verified and stored."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.utils import timezone
from djstripe.event_handlers import djstripe_receiver

from bench.webhooks.djstripe_shop.models import Grant, Payment


@djstripe_receiver("checkout.session.completed")
def complete_payment(sender: Any, event: Any, **_: Any) -> None:
    """Complete the payment once, and grant the product; an event that does not match is rolled back."""
    checkout = event.data["object"]
    if checkout["payment_status"] == "unpaid":
        return
    payment = Payment.objects.select_for_update().filter(session_id=checkout["id"]).first()
    if payment is None or (payment.amount, payment.currency) != (
        checkout["amount_total"],
        checkout["currency"],
    ):
        raise SuspiciousOperation("no such payment")
    if payment.status == "pending":
        payment.status, payment.completed_at = "completed", timezone.now()
        payment.save(update_fields=["status", "completed_at"])
        Grant.objects.create(payment=payment, customer_id=payment.customer_id, product_id=payment.product_id)
