"""Refunds and disputes (https://docs.stripe.com/api/refunds, https://docs.stripe.com/api/disputes)."""

from __future__ import annotations

import time
from typing import Any

from stripe_simulator.identifiers import new_id

Document = dict[str, Any]

WEEK = 7 * 86_400

EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
"""The kinds of evidence against a dispute."""


def refund(charge: Document, amount: int, status: str, **chosen: Any) -> Document:
    """Return a new refund of ``amount`` minor units; ``chosen`` are members from the caller."""
    kind = charge["payment_method_details"]["type"]
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": int(time.time()),
        "currency": charge["currency"],
        "destination_details": {kind: _card_refund() if kind == "card" else {}, "type": kind},
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
        **({"pending_reason": "processing"} if status == "pending" else {}),
        **chosen,
    }


def _card_refund() -> Document:
    return {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}


def dispute(charge: Document, amount: int, reason: str, *, inquiry: bool) -> Document:
    """Return a new dispute about ``amount`` minor units. An ``inquiry`` withdraws no money."""
    now = int(time.time())
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + WEEK,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
        **_disputed_method(charge, inquiry=inquiry),
    }


def _disputed_method(charge: Document, *, inquiry: bool) -> Document:
    """Return the member for the payment method; disputes about a bank debit lack it."""
    if charge["payment_method_details"]["type"] != "card":
        return {}
    card = {
        "brand": "visa",
        "case_type": "inquiry" if inquiry else "chargeback",
        "network": "visa",
        "network_reason_code": "10.4",
    }
    return {"payment_method_details": {"card": card, "type": "card"}}
