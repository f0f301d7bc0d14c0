"""From a checkout session to a settled payment, whoever brings the session: an event, or whoever has asked Stripe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

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
    """A payment, and what Stripe calls it."""

    row: StripePayment
    payment: Payment

    def recorded(self) -> Recorded:
        """What Stripe's objects have to agree with."""
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
    """What Stripe says, where it grants nothing; the message says why."""


@dataclass(slots=True)
class Search:
    """Looks for the payment that something of Stripe's is about, and remembers what it has tried.

    What it remembers is there whatever becomes of the work afterwards: the payment's id and not the payment, which is
    forgotten where the work is undone.

    Attributes:
        scope: the organisation, in the transaction that is to contain the work.
        environment: the one whose secret, or key, vouches for what Stripe says.
        tried: each lookup that was made, in order, and what it gave.
        matched_by, payment_id: the lookup that found a payment, and which; None as long as none has.
        payment_intent_id: Stripe's name of that payment, where it has just been learnt.
    """

    scope: TenantScope
    environment: Environment
    tried: list[str] = field(default_factory=list)
    matched_by: str | None = None
    payment_id: UUID | None = None
    payment_intent_id: str | None = None

    def find(self, ways: Iterable[Lookup]) -> Found | None:
        """A payment by the first lookup that finds one, or None. It and its Stripe row are locked."""
        return next(filter(None, map(self._try, ways)), None)

    def _try(self, lookup: Lookup) -> Found | None:
        found = self._found_by(lookup)
        self.tried.append(f"{lookup.strategy}: {'found' if found else 'none'}")
        if found is not None:
            self.matched_by, self.payment_id = lookup.strategy, found.payment.id
        return found

    def _found_by(self, lookup: Lookup) -> Found | None:
        values = {
            "organisation_id": self.scope.organisation.id,
            "environment": self.environment,
            "value": lookup.value,
        }
        rows = self.scope.session.execute(LOCKED_BY[lookup.column], values).one_or_none()
        return Found(*rows) if rows else None


def settle_session(search: Search, session: CheckoutSession, outcome: Outcome, *, source: str) -> None:
    """Find the payment of a session, make sure that it is this one, and settle it.

    Args:
        outcome: what has become of the payment.
        source: who brings the news, for the record.

    Raises:
        SetAside: there is no such payment, or something does not agree.
    """
    found = search.find(lookups(session))
    if found is None:
        raise SetAside("no payment of this organisation belongs to the session")
    try:
        check_binding(session, search.environment, found.recorded())
        settlement = settlement_of(found, session, outcome, source)
        settled = settle(search.scope, settlement, provider=PLUGIN, locked=found.payment)
    except (NotBelieved, ProofFailed) as error:
        raise SetAside(str(error)) from None
    if settled.changed and utcnow() - found.payment.created_at > LATE:
        # Refunds and disputes may have come before, and not have known whose they are.
        check_later(search.scope, found.payment.id)
    found.row.session_id = session.id
    found.row.payment_intent_id = session.payment_intent_id or found.row.payment_intent_id
    search.payment_intent_id = found.row.payment_intent_id


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
