"""The members of a balance transaction that are read. No framework, no SDK.

Source: https://docs.stripe.com/api/balance_transactions/object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from stripe_payments.domain import NotUnderstood, amount_of, id_of, text_of
from stripe_payments.reversals.reports import Subject, subject_of

Kind = Literal["payment", "refund", "dispute", "other"]

KINDS: Mapping[str, Kind] = {"charge": "payment", "refund": "refund", "dispute": "dispute"}
"""What changed the balance, by the object that the transaction belongs to."""

LARGEST = 2**63 - 1
"""The largest amount that the database stores. In one transaction, a larger one would undo all others."""

CURRENCY = re.compile(r"[a-z]{3}")

OF_CHARGES = ("charge", "payment")
"""The types that collect a charge. Others about a charge, such as its return by a bank, are not payments."""


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """A balance transaction; its amounts are in the minor unit of its currency.

    Attributes:
        id: Stripe's id.
        subject: identifies the payment.
        kind, amount, fee, currency, at, available_on: see `autonomy_core.plugin_api.payments.BalanceReport`.
    """

    id: str
    subject: Subject
    kind: Kind
    amount: int
    fee: int
    currency: str
    at: datetime
    available_on: datetime


def parse_change(transaction: Mapping[str, Any]) -> BalanceChange | None:
    """Parse a balance transaction with its expanded source.

    Returns:
        The change; None if it belongs to no payment, for example a payout.

    Raises:
        NotUnderstood: it is not a balance transaction, or its amounts contradict each other.
    """
    if transaction.get("object") != "balance_transaction":
        raise NotUnderstood("this is no balance transaction")
    source = transaction.get("source")
    if not isinstance(source, dict) or source.get("object") not in KINDS:
        return None
    currency = text_of(transaction, "currency")
    if not CURRENCY.fullmatch(currency):
        raise NotUnderstood("its currency is no code")
    amount, fee, net = (amount_of(transaction, name, currency) for name in ("amount", "fee", "net"))
    if max(map(abs, (amount, fee, net))) > LARGEST:
        raise NotUnderstood("its amounts are impossible")
    if net != amount - fee:
        raise NotUnderstood(f"of {amount} {currency}, {fee} are the fee and {net} remain")
    kind = KINDS[source["object"]]
    if kind == "payment" and text_of(transaction, "type") not in OF_CHARGES:
        kind = "other"
    return BalanceChange(
        id=id_of(transaction),
        subject=subject_of(source),
        kind=kind,
        amount=amount,
        fee=fee,
        currency=currency,
        at=_time(transaction, "created"),
        available_on=_time(transaction, "available_on"),
    )


def _time(transaction: Mapping[str, Any], name: str) -> datetime:
    value = transaction.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**35:
        raise NotUnderstood(f"the balance transaction has no {name}")
    return datetime.fromtimestamp(value, UTC)
