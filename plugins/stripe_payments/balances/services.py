"""Fetch changes of the balance from Stripe, in pages, and record those of the organisation's payments.

Stripe is asked about one day after the other, and what is read is recorded page by page. So an interruption
loses nothing, and a first reading of several years goes on in the next turns of the job.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import (
    BalanceKind,
    BalanceReport,
    Environment,
    Payment,
    PaymentsUnavailable,
    RestoredCopy,
    record_balances,
)
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.api.environments import usable_environments
from stripe_payments.balances.listing import list_balance_transactions
from stripe_payments.balances.reports import BalanceChange, parse_change
from stripe_payments.checkout.finding import payments_of
from stripe_payments.domain import NotUnderstood
from stripe_payments.models import StripeBalance
from stripe_payments.settings import PLUGIN

T = TypeVar("T")

log = structlog.get_logger(__name__)

A_DAY = timedelta(days=1)

OVERLAP = timedelta(hours=1)
"""How much is read again each time: Stripe lists a new change late, or its payment was not known yet."""

REACH = timedelta(days=7)
"""How much is read again once a day, for payments that became known late."""

MOST_DAYS = 400
"""The maximum number of days of one turn, each of which takes at least one call."""

PAGE = 100


def read_new(scope: TenantScope) -> None:
    """Read what was not read yet, in each environment.

    Args:
        scope: its own transaction is not used.

    Raises:
        Unavailable: Stripe does not answer.
    """
    for environment in usable_environments(scope):
        since = _unread_since(scope, environment)
        if since is not None:
            _read(scope, environment, since - OVERLAP, keeping_place=True)


def read_again(scope: TenantScope) -> None:
    """Read the last week again. Arguments and errors as for `read_new`."""
    now = utcnow()
    for environment in usable_environments(scope):
        since = _unread_since(scope, environment)
        if since is not None and since > now - REACH:
            _read(scope, environment, now - REACH, keeping_place=False)


def _unread_since(scope: TenantScope, environment: Environment) -> datetime | None:
    """Return until when the balance was read; at first, the time of the first paid payment, or None."""
    of_environment = StripeBalance.environment == environment
    paid = (Payment.provider == PLUGIN) & (Payment.environment == environment) & (Payment.amount > 0)
    with scope.begin() as own:
        known = own.session.scalar(select(StripeBalance.read_until).where(of_environment))
        return known or own.session.scalar(select(func.min(Payment.completed_at)).where(paid))


def _read(scope: TenantScope, environment: Environment, since: datetime, *, keeping_place: bool) -> None:
    try:
        for begin, end in islice(_days(since, utcnow()), MOST_DAYS):
            found = list_balance_transactions(scope, environment, begin, end)
            for page in _pages(found, PAGE):
                _record(scope, environment, page)
            if keeping_place:
                _keep_place(scope, environment, end)
    except RestoredCopy:
        return
    except PaymentsUnavailable as error:
        remedy = "let the restricted key read balance transactions, charges, refunds and disputes"
        log.warning("stripe.balance_not_read", environment=environment, reason=str(error), remedy=remedy)


def _days(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        end = min(since + A_DAY, until)
        yield since, end
        since = end


def _pages(found: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(found)
    return iter(lambda: list(islice(rest, size)), [])


def _record(scope: TenantScope, environment: Environment, page: Sequence[Mapping[str, Any]]) -> None:
    changes = [change for each in page if (change := _readable(each)) is not None]
    with scope.begin() as own:
        payment_ids = payments_of(own, environment, [each.subject for each in changes])
        record_balances(
            own,
            PLUGIN,
            [
                BalanceReport(
                    payment_id=payment_id,
                    reference=change.id,
                    kind=BalanceKind(change.kind),
                    amount=change.amount,
                    fee=change.fee,
                    currency=change.currency,
                    at=change.at,
                    available_on=change.available_on,
                )
                for change, payment_id in zip(changes, payment_ids, strict=True)
                if payment_id is not None
            ],
        )


def _readable(transaction: Mapping[str, Any]) -> BalanceChange | None:
    try:
        return parse_change(transaction)
    except NotUnderstood as error:
        log.warning("stripe.balance_not_understood", reference=transaction.get("id"), reason=str(error))
        return None


def _keep_place(scope: TenantScope, environment: Environment, until: datetime) -> None:
    row = {"organisation_id": scope.organisation.id, "environment": environment, "read_until": until}
    place = insert(StripeBalance).values(row)
    # Never back: a slower turn of the same job may end later.
    latest = func.greatest(StripeBalance.read_until, place.excluded.read_until)
    with scope.begin() as own:
        own.session.execute(
            place.on_conflict_do_update(
                index_elements=["organisation_id", "environment"], set_={"read_until": latest}
            )
        )
