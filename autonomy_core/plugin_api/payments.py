"""Payments, for plugins: to settle them, and to prove what is said of them."""

from __future__ import annotations

from autonomy_core.payments.domain import Environment, PaymentStatus, ProofFailed, Settlement
from autonomy_core.payments.models import Payment
from autonomy_core.payments.services import PaymentsUnavailable
from autonomy_core.payments.settlement import Settled, lock_payment, settle

__all__ = [
    "Environment",
    "Payment",
    "PaymentStatus",
    "PaymentsUnavailable",
    "ProofFailed",
    "Settled",
    "Settlement",
    "lock_payment",
    "settle",
]
