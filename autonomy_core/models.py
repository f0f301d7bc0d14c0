"""Imports every model of the core, so that its metadata are complete, for example for Alembic."""

from __future__ import annotations

from autonomy_core.accounting.models import PaymentBalance
from autonomy_core.alarms.models import Alarm
from autonomy_core.audit.models import AuditEntry
from autonomy_core.backup.models import Restoration
from autonomy_core.catalog.kept.models import CatalogueVersion
from autonomy_core.catalog.models import (
    ArchivedProduct,
    BundleItem,
    Product,
    ProductDetails,
    ProductSlug,
    ProductTerm,
    WordTrigram,
)
from autonomy_core.codes.models import CodeBatch, CodeUse, DownloadCode
from autonomy_core.coupons.models import Coupon, CouponProduct, CouponRedemption
from autonomy_core.customers.models import Customer, CustomerNote
from autonomy_core.db.base import Base
from autonomy_core.files.models import PendingUpload, UnreferencedUploadPart, UploadPart
from autonomy_core.grants.models import Grant
from autonomy_core.idempotency.models import IdempotencyKey
from autonomy_core.images.models import (
    ImageRendition,
    ImageUse,
    StoredImage,
    UnreferencedImageFile,
)
from autonomy_core.jobs.models import JobFailure
from autonomy_core.mail.models import MailMessage, MailSuppression
from autonomy_core.payments.models import (
    HookRun,
    JournalEntry,
    Payment,
    PaymentConsent,
    PaymentDispute,
    PaymentItem,
    PaymentRefund,
    PaymentReturn,
    PaymentTax,
    ReversalHookRun,
)
from autonomy_core.prices.models import OpenPrice, ProductPrice
from autonomy_core.security.models import ApiKey, RateCount, StaffMember
from autonomy_core.staff.models import StaffInvitation
from autonomy_core.webhooks.models import WebhookDeliveries, WebhookEvent

__all__ = [
    "Alarm",
    "ApiKey",
    "ArchivedProduct",
    "AuditEntry",
    "Base",
    "BundleItem",
    "CatalogueVersion",
    "CodeBatch",
    "CodeUse",
    "Coupon",
    "CouponProduct",
    "CouponRedemption",
    "Customer",
    "CustomerNote",
    "DownloadCode",
    "Grant",
    "HookRun",
    "IdempotencyKey",
    "ImageRendition",
    "ImageUse",
    "JobFailure",
    "JournalEntry",
    "MailMessage",
    "MailSuppression",
    "OpenPrice",
    "Payment",
    "PaymentBalance",
    "PaymentConsent",
    "PaymentDispute",
    "PaymentItem",
    "PaymentRefund",
    "PaymentReturn",
    "PaymentTax",
    "PendingUpload",
    "Product",
    "ProductDetails",
    "ProductPrice",
    "ProductSlug",
    "ProductTerm",
    "RateCount",
    "Restoration",
    "ReversalHookRun",
    "StaffInvitation",
    "StaffMember",
    "StoredImage",
    "UnreferencedImageFile",
    "UnreferencedUploadPart",
    "UploadPart",
    "WebhookDeliveries",
    "WebhookEvent",
    "WordTrigram",
]
