"""A limit on guessing codes: the database counts wrong codes, so all processes share the limit."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.coupons.domain import MISSES, MISSES_PERIOD, wait_after_misses
from autonomy_core.coupons.models import CouponMisses
from autonomy_core.db.base import utcnow
from autonomy_core.errors import TooManyRequests
from autonomy_core.kernel.scope import TenantScope


def count_attempt(scope: TenantScope, customer_id: UUID) -> None:
    """Count an attempt before the code is checked, so that concurrent attempts cannot exceed the limit.

    Raises:
        TooManyRequests: the customer has tried too many wrong codes. A correct code is refused as well.
    """
    now = utcnow()
    change = MISSES_PERIOD / MISSES
    new = insert(CouponMisses).values(
        organisation_id=scope.organisation.id, customer_id=customer_id, drained_at=now + change
    )
    statement = new.on_conflict_do_update(
        index_elements=[CouponMisses.organisation_id, CouponMisses.customer_id],
        set_={"drained_at": func.greatest(CouponMisses.drained_at, now) + change},
    ).returning(CouponMisses.drained_at)
    wait = wait_after_misses(scope.session.execute(statement).scalar_one(), now)
    if wait:
        raise TooManyRequests("Too many wrong coupon codes; try again later.", extra={"retry_after": wait})


def forgive(scope: TenantScope, customer_id: UUID) -> None:
    """Undo `count_attempt`, because the code was correct."""
    misses = scope.session.get_one(CouponMisses, (scope.organisation.id, customer_id), populate_existing=True)
    misses.drained_at -= MISSES_PERIOD / MISSES
