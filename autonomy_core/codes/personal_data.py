"""What download codes keep of a customer. An erasure keeps it: it has ids and times only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autonomy_core.catalog.models import Product
from autonomy_core.codes.models import CodeBatch, CodeUse, DownloadCode
from autonomy_core.kernel.personal_data import PersonalData
from autonomy_core.kernel.scope import TenantScope


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield the codes that the customer has redeemed, oldest first."""
    code = (DownloadCode.organisation_id == CodeUse.organisation_id) & (DownloadCode.id == CodeUse.code_id)
    batch = (CodeBatch.organisation_id == DownloadCode.organisation_id) & (
        CodeBatch.id == DownloadCode.batch_id
    )
    product = (Product.organisation_id == CodeBatch.organisation_id) & (Product.id == CodeBatch.product_id)
    found = scope.session.execute(
        select(CodeUse.used_at, DownloadCode.starts_with, Product.id, Product.title)
        .join(DownloadCode, code)
        .join(CodeBatch, batch)
        .join(Product, product)
        .where(CodeUse.customer_id == customer_id)
        .order_by(CodeUse.used_at)
    )
    yield (
        "codes.json",
        [
            {
                "starts_with": row.starts_with,
                "product_id": row.id,
                "product": row.title,
                "redeemed_at": row.used_at,
            }
            for row in found
        ],
    )


def erase(scope: TenantScope, customer_id: UUID) -> None:
    """Do nothing."""


PERSONAL_DATA = PersonalData("codes", export, erase)
