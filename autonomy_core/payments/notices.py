"""Sends the mails about payments, each in the transaction of what it is about, and once.

The outbox has the ids only. The worker reads the rest when it renders a mail, so that a hot path writes one
small row, and a mail that is sent late shows what is true then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select

from autonomy_core.catalog.availability import later_releases
from autonomy_core.catalog.models import Product
from autonomy_core.customers.models import Customer
from autonomy_core.customers.proving import claim_guests
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.mail import Mail, NotSent
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.services import send
from autonomy_core.mail.settings import mail_settings
from autonomy_core.payments.consents import find_consent
from autonomy_core.payments.domain import shares
from autonomy_core.payments.items import paid_for
from autonomy_core.payments.models import Payment, PaymentDispute, PaymentRefund
from autonomy_core.payments.taxes import find_tax

RECEIPT = "payments.receipt"
REFUND = "payments.refund"
FAILED = "payments.failed"
DISPUTE = "payments.dispute"


def send_receipt(
    scope: TenantScope, payment_id: UUID, customer_id: UUID, email: str, locale: str | None
) -> None:
    """Send the receipt of a completed payment, once per payment.

    The statement of `batch_lookup` does the same for the payments that it completes.

    Args:
        scope: the organisation, in a transaction of either kind.
        payment_id: the payment.
        customer_id, email, locale: its customer.
    """
    once = f"receipt:{payment_id}"
    values = {"payment_id": str(payment_id)}
    send(scope, RECEIPT, email, values, customer_id=customer_id, locale=locale, once=once)


def send_refund(scope: TenantScope, payment: Payment, refund: PaymentRefund) -> None:
    """Tell the buyer that money is on its way back, once per refund."""
    values = {"payment_id": str(payment.id), "refund_id": str(refund.id)}
    _send_to_buyer(scope, REFUND, payment, values, once=f"refund:{refund.id}")


def send_failed(scope: TenantScope, payment: Payment) -> None:
    """Tell the buyer that a payment by a method that takes days has failed.

    Other payments fail while the buyer looks at them.
    """
    _send_to_buyer(scope, FAILED, payment, {"payment_id": str(payment.id)}, once=f"failed:{payment.id}")


def send_dispute(scope: TenantScope, payment: Payment, dispute: PaymentDispute) -> None:
    """Tell the organisation's staff of a dispute, once, if they have an address for notices."""
    staff = mail_settings(scope).staff
    if staff is not None:
        values = {"payment_id": str(payment.id), "dispute_id": str(dispute.id)}
        send(scope, DISPUTE, staff, values, once=f"dispute:{dispute.id}")


def _send_to_buyer(
    scope: TenantScope, template: str, payment: Payment, values: Mapping[str, Any], *, once: str
) -> None:
    buyer = buyer_of(scope, payment)
    send(scope, template, buyer.email, values, customer_id=buyer.id, locale=buyer.locale, once=once)


def buyer_of(scope: TenantScope, payment: Payment) -> Customer:
    """Return the customer of a payment."""
    return scope.session.get_one(Customer, (scope.organisation.id, payment.customer_id))


def prepare_receipt(scope: TenantScope, mail: Mail) -> Mapping[str, Any]:
    """Return the content of a receipt.

    The address of a guest may have been proven before the money arrived. Then the purchase belongs to the
    account from now on.
    """
    payment = _payment_of(scope, mail)
    buyer = buyer_of(scope, payment)
    if buyer.guest and buyer.is_current:
        claim_guests(scope, buyer)
    return receipt_values(scope, payment)


def receipt_values(scope: TenantScope, payment: Payment) -> Mapping[str, Any]:
    """Return the content of the receipt of a payment. Products have the price before the discount."""
    consent = find_consent(scope, payment.id)
    tax = find_tax(scope, payment.id)
    paid = paid_for(scope, payment)
    prices = shares(payment.amount + payment.discount, list(paid.values()))
    return {
        "payment_id": str(payment.id),
        "items": _items(scope, dict(zip(paid, prices, strict=True))),
        "releases": [
            {"title": title, "at": released_at.isoformat()}
            for title, released_at in later_releases(scope, list(paid))
        ],
        "amount": payment.amount,
        "currency": payment.currency,
        "discount": payment.discount,
        "coupon": payment.coupon_code,
        "taxes": [{"name": None, "amount": tax}] if tax else [],
        "completed_at": (payment.completed_at or payment.created_at).isoformat(),
        "is_test": payment.environment == "test",
        "library_url": None,
        "account_url": None,
        "consent": consent and {"text": consent.text, "at": consent.given_at.isoformat()},
    }


def prepare_refund(scope: TenantScope, mail: Mail) -> Mapping[str, Any]:
    """Return the content of the mail about a refund."""
    payment = _payment_of(scope, mail)
    refund = scope.session.get_one(PaymentRefund, (scope.organisation.id, UUID(mail.values["refund_id"])))
    paid = paid_for(scope, payment)
    refunded = {each: paid[each] for each in refund.items} or paid
    return {
        "items": _items(scope, refunded),
        "amount": refund.amount,
        "currency": payment.currency,
        "refunded_at": refund.created_at.isoformat(),
        "access_ended": _are_revoked(scope, payment, refunded),
    }


def prepare_failed(scope: TenantScope, mail: Mail) -> Mapping[str, Any]:
    """Return the content of the mail about a failed payment."""
    payment = _payment_of(scope, mail)
    return {
        "items": _items(scope, paid_for(scope, payment)),
        "amount": payment.amount,
        "currency": payment.currency,
        "shop_url": None,
    }


def prepare_dispute(scope: TenantScope, mail: Mail) -> Mapping[str, Any]:
    """Return the content of the notice about a dispute."""
    payment = _payment_of(scope, mail)
    dispute = scope.session.get_one(PaymentDispute, (scope.organisation.id, UUID(mail.values["dispute_id"])))
    return {
        "items": _items(scope, paid_for(scope, payment)),
        "amount": payment.amount,
        "currency": payment.currency,
        "customer_email": buyer_of(scope, payment).email,
        "reason": dispute.reason,
        "opened_at": dispute.created_at.isoformat(),
        "evidence_due_at": None,
    }


def _payment_of(scope: TenantScope, mail: Mail) -> Payment:
    payment = scope.session.get(Payment, (scope.organisation.id, UUID(mail.values["payment_id"])))
    if payment is None:
        raise NotSent("the payment does not exist any more")
    return payment


def _items(scope: TenantScope, amounts: Mapping[UUID, int]) -> list[dict[str, Any]]:
    """Return products with their amounts, in the order of their titles."""
    found = scope.session.execute(select(Product.title, Product.id).where(Product.id.in_(amounts)))
    ordered = sorted((row.title, row.id) for row in found)
    return [{"title": title, "amount": amounts[product_id]} for title, product_id in ordered]


def _are_revoked(scope: TenantScope, payment: Payment, product_ids: Collection[UUID]) -> bool:
    """Return whether a payment has granted products, and none of these is granted any more."""
    granted = (Grant.payment_id == payment.id) & Grant.product_id.in_(product_ids)
    valid = select(exists(Grant.id).where(granted & Grant.revoked_at.is_(None)))
    ever = select(exists(Grant.id).where(granted))
    return bool(scope.session.scalar(ever)) and not scope.session.scalar(valid)
