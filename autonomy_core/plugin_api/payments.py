"""Payments, for plugins: to settle them, and to prove what is said of them."""

from __future__ import annotations

from autonomy_core.db.group_commit import LONGEST_PAUSE_TOGETHER_S, Member
from autonomy_core.db.pipeline import Statement
from autonomy_core.kernel.copies import RestoredCopy, refuse_on_copy
from autonomy_core.kernel.settlements import (
    DisputeReport,
    DisputeStatus,
    PaymentStatus,
    RefundReport,
    RefundStatus,
    Settlement,
)
from autonomy_core.payments.at_once import (
    COMPLETING,
    LockedPayment,
    announce_completed,
    completing,
    settle_at_once,
)
from autonomy_core.payments.checks import check_later
from autonomy_core.payments.domain import UNPAID, ProofFailed
from autonomy_core.payments.journal import note_once
from autonomy_core.payments.models import Payment
from autonomy_core.payments.ownership import bought_at, first_bought_at
from autonomy_core.payments.refunds import RefundRefused
from autonomy_core.payments.services import PaymentsUnavailable, ProviderNotSetUp
from autonomy_core.payments.settlement import Settled, lock_payment, settle
from autonomy_core.tenancy.domain import Environment

__all__ = [
    "COMPLETING",
    "LONGEST_PAUSE_TOGETHER_S",
    "UNPAID",
    "DisputeReport",
    "DisputeStatus",
    "Environment",
    "LockedPayment",
    "Member",
    "Payment",
    "PaymentStatus",
    "PaymentsUnavailable",
    "ProofFailed",
    "ProviderNotSetUp",
    "RefundRefused",
    "RefundReport",
    "RefundStatus",
    "RestoredCopy",
    "Settled",
    "Settlement",
    "Statement",
    "announce_completed",
    "bought_at",
    "check_later",
    "completing",
    "first_bought_at",
    "lock_payment",
    "note_once",
    "refuse_on_copy",
    "settle",
    "settle_at_once",
]
