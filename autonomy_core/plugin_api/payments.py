"""Payments, for plugins: settle payments, and prove claims about them."""

from __future__ import annotations

from autonomy_core.accounting.domain import BalanceKind, BalanceReport
from autonomy_core.accounting.services import record_balances
from autonomy_core.kernel.copies import RestoredCopy, refuse_on_copy
from autonomy_core.kernel.settlements import (
    DisputeReport,
    DisputeStatus,
    PaymentFacts,
    PaymentStatus,
    RefundReport,
    RefundStatus,
    Settlement,
)
from autonomy_core.payments import journal
from autonomy_core.payments.batch_lookup import BatchLookup, PaidReport
from autonomy_core.payments.batches import settle_batch
from autonomy_core.payments.checks import check_later
from autonomy_core.payments.domain import UNPAID, ProofFailed
from autonomy_core.payments.fields import ReturnUrl
from autonomy_core.payments.models import Payment
from autonomy_core.payments.ownership import all_bought_at, bought_at, first_bought_at
from autonomy_core.payments.refunds import RefundRefused
from autonomy_core.payments.return_urls import ForeignReturnUrl, check_return_url
from autonomy_core.payments.services import PaymentsUnavailable, ProviderNotSetUp
from autonomy_core.payments.settlement import Settled, lock_payment, settle
from autonomy_core.payments.terms import PurchaseRefused, VerifiedEmailRequired
from autonomy_core.tenancy.domain import Environment

__all__ = [
    "UNPAID",
    "BalanceKind",
    "BalanceReport",
    "BatchLookup",
    "DisputeReport",
    "DisputeStatus",
    "Environment",
    "ForeignReturnUrl",
    "PaidReport",
    "Payment",
    "PaymentFacts",
    "PaymentStatus",
    "PaymentsUnavailable",
    "ProofFailed",
    "ProviderNotSetUp",
    "PurchaseRefused",
    "RefundRefused",
    "RefundReport",
    "RefundStatus",
    "RestoredCopy",
    "ReturnUrl",
    "Settled",
    "Settlement",
    "VerifiedEmailRequired",
    "all_bought_at",
    "bought_at",
    "check_later",
    "check_return_url",
    "first_bought_at",
    "journal",
    "lock_payment",
    "record_balances",
    "refuse_on_copy",
    "settle",
    "settle_batch",
]
