"""Reconciliation: queries the provider for payments whose event did not arrive.

Each open payment is queried a few times, at fixed intervals after its creation, so that the queries are
spread like the purchases. Payments that are open for longer are queried once a day.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import islice
from random import shuffle
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select

from autonomy_core.db.base import utcnow
from autonomy_core.db.outages import OUTAGES
from autonomy_core.errors import Unavailable
from autonomy_core.jobs.failures import described
from autonomy_core.jobs.services import defer_with_commit
from autonomy_core.kernel.copies import refuse_on_copy
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import Settlement
from autonomy_core.payments import journal
from autonomy_core.payments.checks import CHECK_JOB
from autonomy_core.payments.domain import OPEN, ProofFailed
from autonomy_core.payments.models import Payment
from autonomy_core.payments.services import (
    PaymentsUnavailable,
    ProviderNotSetUp,
    find_payment,
    require_provider,
)
from autonomy_core.payments.settlement import lock_payment, settle

log = structlog.get_logger(__name__)

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
WAITS_S = (5 * MINUTE_S, 55 * MINUTE_S, 5 * HOUR_S, 18 * HOUR_S)
"""The intervals between queries about an open payment: after 5 minutes, 1 hour, 6 hours and 1 day."""

MOST_IN_A_SWEEP = 200
"""The maximum number of payments of one organisation that a sweep queries.

A larger number is sampled at random, so that every payment is queried eventually.
"""


def watch(scope: TenantScope, payment_id: UUID, *, asked: int = 0) -> None:
    """Defer the next query about an open payment.

    Args:
        scope: the organisation.
        payment_id: the payment.
        asked: the number of earlier queries.
    """
    if asked < len(WAITS_S):
        in_seconds = WAITS_S[asked]
        defer_with_commit(
            scope, CHECK_JOB, in_seconds=in_seconds, payment_id=str(payment_id), asked=asked + 1
        )


def check_and_watch(scope: TenantScope, payment_id: UUID, asked: int) -> None:
    """Query an open payment, and defer the next query if it stays open.

    Raises:
        Unavailable: the provider does not answer.
    """
    if _is_open(scope, payment_id):
        # For example after the key was removed. The next query and the daily sweep try again.
        with suppress(PaymentsUnavailable):
            check(scope, payment_id)
    if _is_open(scope, payment_id):
        watch(scope, payment_id, asked=asked)


def _is_open(scope: TenantScope, payment_id: UUID) -> bool:
    payment = _read(scope, payment_id)
    return payment is not None and payment.status in OPEN


def _read(scope: TenantScope, payment_id: UUID) -> Payment | None:
    # In a separate transaction, so that no connection is held while the provider answers.
    with scope.begin() as own:
        return find_payment(own, payment_id)


def check(scope: TenantScope, payment_id: UUID) -> bool:
    """Query a payment's provider, and settle the result; return whether it changed anything.

    A report that does not match the payment is recorded in its journal and changes nothing.

    Args:
        scope: the organisation; its own transaction is not used.
        payment_id: the payment.

    Raises:
        PaymentsUnavailable: the provider refuses the call, or the organisation is no longer set up for it.
        Unavailable: the provider does not answer.
    """
    payment = _read(scope, payment_id)
    if payment is None:
        return False
    provider = require_provider(scope, payment.provider)
    refuse_on_copy(scope, payment.environment)
    try:
        with runtime_of(scope).between_transactions(scope.organisation) as outside:
            settlement = provider.fetch_state(outside, payment_id)
        with scope.begin() as own:
            locked = _record_answer(own, payment_id, "asked", answer=_in_words(settlement))
            if settlement is None:
                return False
            return settle(own, settlement, provider=provider.name, locked=locked).changed
    except Unavailable as error:
        with scope.begin() as own:
            _record_answer(own, payment_id, "asked", answer=f"none: {error}")
        raise
    except ProofFailed as error:
        log.warning("payment.report_refused", payment_id=str(payment_id), reason=str(error))
        with scope.begin() as own:
            _record_answer(own, payment_id, "report_refused", reason=str(error), source="reconciler")
        return False


def _record_answer(own: TenantScope, payment_id: UUID, kind: str, **detail: Any) -> Payment:
    """Record the result of a query, each result once per payment; return the locked payment."""
    # Lock the payment first. The entry's foreign key takes only a shared lock. Two concurrent checks that
    # hold it would deadlock when both try to upgrade it.
    payment = lock_payment(own, payment_id)
    journal.append_if_new(own, payment_id, kind, **detail)
    return payment


def _in_words(settlement: Settlement | None) -> str:
    """Return the provider's answer as text for the journal."""
    if settlement is None:
        return "the buyer may still pay"
    counted = (("refunds", settlement.refunds), ("disputes", settlement.disputes))
    more = [f"{name}: {len(reports)}" for name, reports in counted if reports]
    return ", ".join([str(settlement.status or "nothing new"), *more])


def sweep(scope: TenantScope, most: int = MOST_IN_A_SWEEP) -> None:
    """Query every payment that has been open for more than a day, regardless of earlier queries.

    An error of one payment does not affect the others. A query that the provider refuses counts for
    ``most``; a payment of a provider for which the organisation is not set up does not.

    Args:
        scope: of the organisation.
        most: the largest number of queries.

    Raises:
        Unavailable: the provider does not answer; the next sweep tries again.
        SQLAlchemyError, EmbeddedServerError: the connection to the database is lost.
    """
    old = select(Payment.id).where(
        Payment.status.in_(OPEN),
        Payment.created_at < utcnow() - timedelta(seconds=DAY_S),
        Payment.provider.in_(scope.organisation.plugins),
    )
    with scope.begin() as own:
        found = list(own.session.scalars(old))
    shuffle(found)
    asked = (payment_id for payment_id in found if _is_asked(scope, payment_id))
    for _ in islice(asked, most):
        pass


def _is_asked(scope: TenantScope, payment_id: UUID) -> bool:
    """Query a payment in a sweep; return False if the provider was not called.

    The payment's journal or the log contains the reason of a failure.
    """
    try:
        check(scope, payment_id)
    except ProviderNotSetUp:
        # For example because the test keys were removed.
        return False
    except PaymentsUnavailable:
        # For example because the provider no longer accepts the key.
        return True
    except (Unavailable, *OUTAGES):
        raise
    except Exception as error:
        log.exception("payment.not_asked", payment_id=str(payment_id), error=described(error))
    return True
