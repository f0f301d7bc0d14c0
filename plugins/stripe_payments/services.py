"""From a checkout session to a settled payment, whoever brings the session: an event, or whoever has asked Stripe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import (
    Environment,
    Payment,
    PaymentStatus,
    ProofFailed,
    Settlement,
    check_later,
    settle,
)
from autonomy_core.plugin_api.scope import TenantScope
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
"""An event that waits for its payment is given up after a bit more than this, see `inbox.MOST_WAITS`."""

LOCKED_WITH_PAYMENT = (
    select(StripePayment, Payment)
    .join(
        Payment,
        (Payment.organisation_id == StripePayment.organisation_id) & (Payment.id == StripePayment.payment_id),
    )
    .where(StripePayment.organisation_id == bindparam("organisation_id"))
    # Hooks and grants ask for the product; the payment holds it, so that the session does not forget it.
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
"""By a lookup's column."""


@dataclass(frozen=True, slots=True)
class Found:
    """A session's payment, and the lookup that found it."""

    row: StripePayment
    payment: Payment
    matched_by: str

    def recorded(self) -> Recorded:
        """What what was found has to agree with."""
        return Recorded(
            organisation_id=self.payment.organisation_id,
            environment=self.row.environment,  # type: ignore[arg-type]
            payment_id=self.payment.id,
            session_id=self.row.session_id,
            payment_intent_id=self.row.payment_intent_id,
            amount=self.payment.amount,
            currency=self.payment.currency,
        )


class SetAside(Exception):
    """A session that grants nothing; the message says why, ``found`` which payment it named, if any."""

    def __init__(self, reason: str, found: Found | None = None) -> None:
        super().__init__(reason)
        self.found = found


def settle_session(
    scope: TenantScope, session: CheckoutSession, outcome: Outcome, *, environment: Environment, source: str
) -> Found:
    """Find the payment of a session, make sure that it is this one, and settle it.

    Args:
        scope: the organisation, in the transaction that is to contain all of this.
        outcome: what has become of the payment.
        environment: the one whose secret, or key, vouches for the session.
        source: who brings the news, for the record.

    Raises:
        SetAside: there is no such payment, or something does not agree.
    """
    found = find(scope, lookups(session), environment)
    if found is None:
        raise SetAside("no payment of this organisation belongs to the session")
    try:
        check_binding(session, environment, found.recorded())
        settlement = settlement_of(found, session, outcome, source)
        settled = settle(scope, settlement, provider=PLUGIN, locked=found.payment)
    except (NotBelieved, ProofFailed) as error:
        raise SetAside(str(error), found) from None
    if settled.changed and utcnow() - found.payment.created_at > LATE:
        # Refunds and disputes may have come before, and not have known whose they are.
        check_later(scope, found.payment.id)
    found.row.session_id = session.id
    found.row.payment_intent_id = session.payment_intent_id or found.row.payment_intent_id
    return found


def find(scope: TenantScope, ways: Iterable[Lookup], environment: Environment) -> Found | None:
    """A payment by the first lookup that finds one, or None. It and its Stripe row are locked."""
    tried = (_found_by(scope, lookup, environment) for lookup in ways)
    return next((found for found in tried if found is not None), None)


def _found_by(scope: TenantScope, lookup: Lookup, environment: Environment) -> Found | None:
    values = {
        "organisation_id": scope.organisation.id,
        "environment": environment,
        "value": lookup.value,
    }
    rows = scope.session.execute(LOCKED_BY[lookup.column], values).one_or_none()
    return Found(*rows, lookup.strategy) if rows else None


def settlement_of(found: Found, session: CheckoutSession, outcome: Outcome, source: str) -> Settlement:
    """What a session says, in the core's words."""
    return Settlement(
        payment_id=found.payment.id,
        status=PaymentStatus(outcome),
        environment=session.environment,
        amount=session.amount,
        currency=session.currency,
        source=source,
        reason="The buyer's bank did not pay." if outcome == "failed" else None,
    )
