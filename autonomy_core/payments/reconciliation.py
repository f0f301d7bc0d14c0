"""What never arrived is fetched: the provider is asked what has become of a payment.

Each payment is asked about a few times while its event is late, at moments that follow from when it was opened, so that
the questions are spread as the purchases were. What is still open after that is asked about once a day.
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
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import Settlement
from autonomy_core.payments.checks import CHECK_JOB
from autonomy_core.payments.domain import OPEN, ProofFailed
from autonomy_core.payments.journal import note_news
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
"""From one question about an open payment to the next: after 5 minutes, 1 hour, 6 hours and 1 day."""

MOST_AT_ONCE = 200
"""So many payments of one organisation are asked about in one sweep.

Where there are more, chance decides which: so those that stay open keep no other from its turn.
"""


def watch(scope: TenantScope, payment_id: UUID, *, asked: int = 0) -> None:
    """Have an open payment asked about when its event should have been here.

    Args:
        asked: how often it has been asked about.
    """
    if asked < len(WAITS_S):
        in_seconds = WAITS_S[asked]
        defer_with_commit(
            scope, CHECK_JOB, in_seconds=in_seconds, payment_id=str(payment_id), asked=asked + 1
        )


def check_and_watch(scope: TenantScope, payment_id: UUID, asked: int) -> None:
    """Ask about a payment that is still open, and again later if it stays so.

    Raises:
        Unavailable: the provider does not answer.
    """
    if _is_open(scope, payment_id):
        # For example without a key any more. The next question, and the sweep of each day, try it again.
        with suppress(PaymentsUnavailable):
            check(scope, payment_id)
    if _is_open(scope, payment_id):
        watch(scope, payment_id, asked=asked)


def _is_open(scope: TenantScope, payment_id: UUID) -> bool:
    payment = _read(scope, payment_id)
    return payment is not None and payment.status in OPEN


def _read(scope: TenantScope, payment_id: UUID) -> Payment | None:
    # In a transaction of its own, so that no connection is held while the provider answers.
    with scope.begin() as own:
        return find_payment(own, payment_id)


def check(scope: TenantScope, payment_id: UUID) -> bool:
    """Ask a payment's provider what has become of it, and settle that. Returns whether it changed anything.

    A report that does not fit the payment is noted in its journal and changes nothing.

    Args:
        scope: its own transaction is not used.

    Raises:
        PaymentsUnavailable: the provider refuses to answer, or the organisation is not set up for it any more.
        Unavailable: the provider does not answer.
    """
    payment = _read(scope, payment_id)
    if payment is None:
        return False
    provider = require_provider(scope, payment.provider)
    refuse_on_copy(scope, payment.environment)
    try:
        with scope.runtime.between_transactions(scope.organisation) as outside:
            settlement = provider.fetch_state(outside, payment_id)
        with scope.begin() as own:
            locked = _note(own, payment_id, "asked", answer=_in_words(settlement))
            if settlement is None:
                return False
            return settle(own, settlement, provider=provider.name, locked=locked).changed
    except Unavailable as error:
        with scope.begin() as own:
            _note(own, payment_id, "asked", answer=f"none: {error}")
        raise
    except ProofFailed as error:
        log.warning("payment.report_refused", payment_id=str(payment_id), reason=str(error))
        with scope.begin() as own:
            _note(own, payment_id, "report_refused", reason=str(error), source="reconciler")
        return False


def _note(own: TenantScope, payment_id: UUID, kind: str, **detail: Any) -> Payment:
    """Note what asking has come to, each answer once, however long the questions go on. Gives the payment, locked."""
    # First of all: the entry's foreign key would lock the payment as well, but share the lock with another check that
    # notes an answer, and then each would wait for the other to let go of it.
    payment = lock_payment(own, payment_id)
    note_news(own, payment_id, kind, **detail)
    return payment


def _in_words(settlement: Settlement | None) -> str:
    """What the provider has answered, for the journal."""
    if settlement is None:
        return "the buyer may still pay"
    counted = (("refunds", settlement.refunds), ("disputes", settlement.disputes))
    more = [f"{name}: {len(reports)}" for name, reports in counted if reports]
    return ", ".join([str(settlement.status or "nothing new"), *more])


def sweep(scope: TenantScope) -> None:
    """Ask about every payment that has been open for more than a day, whatever became of its other questions.

    A payment that cannot be asked about keeps no other from it. A question that the provider refuses counts as one of
    `MOST_AT_ONCE`; a payment of a provider for which the organisation is not set up does not.

    Raises:
        Unavailable: the provider does not answer; the next sweep asks again.
        SQLAlchemyError, EmbeddedServerError: the database has gone away.
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
    for _ in islice(asked, MOST_AT_ONCE):
        pass


def _is_asked(scope: TenantScope, payment_id: UUID) -> bool:
    """Ask about a payment of a sweep. Returns False where the provider was not called.

    Why a question has no answer is in the payment's journal, or in the log.
    """
    try:
        check(scope, payment_id)
    except ProviderNotSetUp:
        # For example because the organisation has removed its test keys.
        return False
    except PaymentsUnavailable:
        # For example because the provider does not take the key any more.
        return True
    except (Unavailable, *OUTAGES):
        raise
    except Exception as error:
        log.exception("payment.not_asked", payment_id=str(payment_id), error=described(error))
    return True
