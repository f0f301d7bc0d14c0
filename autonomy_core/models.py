"""Every model of the core, imported for the metadata: what Alembic compares with the database."""

from __future__ import annotations

from autonomy_core.alarms.models import Alarm
from autonomy_core.audit.models import AuditEntry
from autonomy_core.backup.models import Restoration
from autonomy_core.catalog.models import ArchivedProduct, BundleItem, Product
from autonomy_core.coupons.models import Coupon, CouponMisses, CouponProduct, CouponRedemption
from autonomy_core.customers.models import Customer
from autonomy_core.db.base import Base
from autonomy_core.grants.models import Grant
from autonomy_core.idempotency.models import IdempotencyKey
from autonomy_core.jobs.models import JobFailure
from autonomy_core.payments.models import (
    HookRun,
    JournalEntry,
    Payment,
    PaymentDispute,
    PaymentItem,
    PaymentRefund,
    PaymentReturn,
)
from autonomy_core.security.models import ApiKey

__all__ = [
    "Alarm",
    "ApiKey",
    "ArchivedProduct",
    "AuditEntry",
    "Base",
    "BundleItem",
    "Coupon",
    "CouponMisses",
    "CouponProduct",
    "CouponRedemption",
    "Customer",
    "Grant",
    "HookRun",
    "IdempotencyKey",
    "JobFailure",
    "JournalEntry",
    "Payment",
    "PaymentDispute",
    "PaymentItem",
    "PaymentRefund",
    "PaymentReturn",
    "Product",
    "Restoration",
]
