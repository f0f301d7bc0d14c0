"""Settle a payment from its checkout session, which an event or a query of Stripe has brought."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import (
    Payment,
    PaymentStatus,
    ProofFailed,
    Settlement,
    check_later,
    settle,
)
from autonomy_core.plugin_api.webhooks import Search, SetAside
from stripe_payments.domain import (
    CheckoutSession,
    Lookup,
    NotBelieved,
    Outcome,
    Recorded,
    check_binding,
    lookups,
)
from stripe_payments.models import StripePayment
from stripe_payments.settings import PLUGIN

log = structlog.get_logger(__name__)

LATE = timedelta(hours=1)
"""Age of a payment after which its events may have expired unhandled.

An event that waits for its payment is given up a little later, see
`autonomy_core.webhooks.domain.ATTEMPT_LIMIT`.
"""

LOCKED_WITH_PAYMENT = (
    select(StripePayment, Payment)
    .join(
        Payment,
        (Payment.organisation_id == StripePayment.organisation_id) & (Payment.id == StripePayment.payment_id),
    )
    .where(StripePayment.organisation_id == bindparam("organisation_id"))
    # Hooks and grants read the product. The payment references it, so that the session keeps it loaded.
    .options(joinedload(Payment.product, innerjoin=True))
    .limit(1)
    .with_for_update(of=(StripePayment, Payment))
    .execution_options(populate_existing=True)
)
IN_ENVIRONMENT = LOCKED_WITH_PAYMENT.where(StripePayment.environment == bindparam("environment"))
LOCKED_BY = {
    "session_id": IN_ENVIRONMENT.where(StripePayment.session_id == bindparam("value")),
    "payment_intent_id": IN_ENVIRONMENT.where(StripePayment.payment_intent_id == bindparam("value")),
    # Unique in both environments; the binding compares them.
    "payment_id": LOCKED_WITH_PAYMENT.where(StripePayment.payment_id == bindparam("value")),
}
"""The statements by the column of the lookup."""


@dataclass(frozen=True, slots=True)
class Found:
    """A payment and its row of Stripe IDs, both locked if `find` returned them."""

    row: StripePayment
    payment: Payment

    def recorded(self) -> Recorded:
        """Return the facts that Stripe's objects have to agree with."""
        return Recorded(
            organisation_id=self.payment.organisation_id,
            environment=self.row.environment,
            payment_id=self.payment.id,
            session_id=self.row.session_id,
            payment_intent_id=self.row.payment_intent_id,
            amount=self.payment.amount,
            currency=self.payment.currency,
        )


def find(search: Search, ways: Iterable[Lookup]) -> Found | None:
    """Find a payment by the first lookup that matches, and lock it and its Stripe row.

    Args:
        search: records the result of each lookup.
        ways: the lookups, in the order in which they are tried.

    Returns:
        The payment, or None.
    """
    return next(filter(None, (_try(search, lookup) for lookup in ways)), None)


def _try(search: Search, lookup: Lookup) -> Found | None:
    values = {
        "organisation_id": search.scope.organisation.id,
        "environment": search.environment,
        "value": lookup.value,
    }
    rows = search.scope.session.execute(LOCKED_BY[lookup.column], values).one_or_none()
    found = Found(*rows) if rows else None
    search.record(lookup.strategy, found.payment.id if found else None)
    return found


def settle_session(search: Search, session: CheckoutSession, outcome: Outcome, *, source: str) -> None:
    """Find the payment of a session, check that the two agree, and settle it.

    Args:
        search: for the payment, in its environment.
        session: the checkout session, from Stripe.
        outcome: the new status of the payment.
        source: "webhook", "return_page" or "reconciler", for the journal.

    Raises:
        SetAside: no payment belongs to the session, or the two contradict each other.
    """
    found = find(search, lookups(session))
    if found is None:
        raise SetAside("no payment of this organisation belongs to the session")
    try:
        check_binding(session, search.environment, found.recorded())
        settlement = settlement_of(found.payment.id, session, outcome, source)
        settled = settle(search.scope, settlement, provider=PLUGIN, locked=found.payment)
    except (NotBelieved, ProofFailed) as error:
        raise SetAside(str(error)) from None
    if settled.changed and utcnow() - found.payment.created_at > LATE:
        # Events of refunds and disputes may have been given up before the payment was known.
        check_later(search.scope, found.payment.id)
    found.row.session_id = session.id
    found.row.payment_intent_id = session.payment_intent_id or found.row.payment_intent_id
    search.reference = found.row.payment_intent_id


def settlement_of(payment_id: UUID, session: CheckoutSession, outcome: Outcome, source: str) -> Settlement:
    """Return the settlement that a session reports."""
    return Settlement(
        payment_id=payment_id,
        status=PaymentStatus(outcome),
        environment=session.environment,
        amount=session.amount,
        currency=session.currency,
        source=source,
        reason="The buyer's bank did not pay." if outcome == "failed" else None,
        tax=session.tax,
    )
