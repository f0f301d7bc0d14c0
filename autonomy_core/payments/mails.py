"""The kinds of mail about payments. The texts are in the directory ``mail``.

All amounts are in the minor unit of ``currency``. ``items`` are the products that the mail is about.
"""

from __future__ import annotations

from typing import Any

from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.payments.notices import (
    DISPUTE,
    FAILED,
    RECEIPT,
    REFUND,
    prepare_dispute,
    prepare_failed,
    prepare_receipt,
    prepare_refund,
)

PACKAGE = "autonomy_core.payments"

_PAYMENT: dict[str, Any] = {
    "payment_id": "019a0000-0000-7000-8000-000000000001",
    "items": [{"title": "First Light", "amount": 1200}, {"title": "Second Light", "amount": 600}],
    "amount": 1620,
    "currency": "eur",
}

TEMPLATES = (
    MailTemplate(
        RECEIPT,
        PACKAGE,
        prepare=prepare_receipt,
        sample={
            **_PAYMENT,
            "releases": [{"title": "Second Light", "at": "2027-03-01T00:00:00+00:00"}],
            "discount": 180,
            "coupon": "SPRING",
            "taxes": [{"name": "VAT 19 %", "amount": 259}],
            "completed_at": "2026-11-30T13:05:00+00:00",
            "is_test": False,
            "library_url": "https://shop.example/library#token=sample",
            "account_url": "https://shop.example/library",
            "consent": {
                "text": "Deliver at once. I know that I lose my right of withdrawal.",
                "at": "2026-11-30T13:01:00+00:00",
            },
        },
    ),
    MailTemplate(
        REFUND,
        PACKAGE,
        prepare=prepare_refund,
        sample={
            **_PAYMENT,
            "refund_id": "019a0000-0000-7000-8000-000000000002",
            "refunded_at": "2026-12-02T09:30:00+00:00",
            "access_ended": True,
        },
    ),
    MailTemplate(
        FAILED,
        PACKAGE,
        prepare=prepare_failed,
        sample={**_PAYMENT, "shop_url": "https://shop.example/"},
    ),
    MailTemplate(
        DISPUTE,
        PACKAGE,
        prepare=prepare_dispute,
        sample={
            **_PAYMENT,
            "dispute_id": "019a0000-0000-7000-8000-000000000003",
            "customer_email": "reader@example.org",
            "reason": "fraudulent",
            "opened_at": "2026-12-03T08:00:00+00:00",
            "evidence_due_at": "2026-12-12T23:59:00+00:00",
        },
    ),
)
"""``payments.dispute`` goes to the organisation's staff, the others to the customer."""
