"""What payments keep of a customer. Amounts, dates and ids are the ledger, and stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from autonomy_core.kernel.personal_data import PersonalData
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.rendering import render
from autonomy_core.payments.models import (
    Payment,
    PaymentConsent,
    PaymentDispute,
    PaymentRefund,
    PaymentReturn,
)
from autonomy_core.payments.notices import RECEIPT, buyer_of, receipt_values
from autonomy_core.payments.schemas import PaymentSchema, RefundSchema
from autonomy_core.payments.services import payments_of


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield the customer's payments, with their refunds and disputes, and the receipts as texts."""
    payments = scope.session.scalars(payments_of(customer_id).order_by(Payment.id)).all()
    yield "payments.json", PaymentSchema(many=True).dump(payments)
    refunds = select(PaymentRefund).where(PaymentRefund.payment_id.in_(_ids_of(customer_id)))
    yield "refunds.json", RefundSchema(many=True).dump(scope.session.scalars(refunds).all())
    disputes = select(PaymentDispute).where(PaymentDispute.payment_id.in_(_ids_of(customer_id)))
    yield "disputes.json", [_described(dispute) for dispute in scope.session.scalars(disputes)]
    consents = select(PaymentConsent).where(PaymentConsent.payment_id.in_(_ids_of(customer_id)))
    yield "consents.json", [_described_consent(consent) for consent in scope.session.scalars(consents)]
    for payment in payments:
        if payment.completed_at is not None:
            yield f"receipts/{payment.id}.txt", _receipt(scope, payment)


def _receipt(scope: TenantScope, payment: Payment) -> bytes:
    """Return the receipt as a mail would show it now, without a link: nothing is created or claimed."""
    template, buyer = runtime_of(scope).mail_templates[RECEIPT], buyer_of(scope, payment)
    values = receipt_values(scope, payment)
    shown = render(scope, template, values, locale=buyer.locale, to=buyer.email)
    return f"{shown.subject}\n\n{shown.text}".encode()


def _described_consent(consent: PaymentConsent) -> dict[str, Any]:
    names = ("payment_id", "text_version", "locale", "text", "given_at", "client_network")
    return {name: getattr(consent, name) for name in names}


def _described(dispute: PaymentDispute) -> dict[str, Any]:
    return {
        "payment_id": dispute.payment_id,
        "amount": dispute.amount,
        "status": dispute.status,
        "reason": dispute.reason,
        "created_at": dispute.created_at,
    }


def erase(scope: TenantScope, customer_id: UUID) -> None:
    """Delete the return pages of the customer's payments, whose URLs may name a person.

    A consent stays as evidence of the purchase, without the network of the client.
    """
    scope.session.execute(
        delete(PaymentReturn)
        .where(PaymentReturn.payment_id.in_(_ids_of(customer_id)))
        .execution_options(synchronize_session=False)
    )
    scope.session.execute(
        update(PaymentConsent)
        .where(PaymentConsent.payment_id.in_(_ids_of(customer_id)))
        .values(client_network=None)
        .execution_options(synchronize_session=False)
    )


def _ids_of(customer_id: UUID) -> Any:
    return select(Payment.id).where(Payment.customer_id == customer_id)


PERSONAL_DATA = PersonalData("payments", export, erase)
