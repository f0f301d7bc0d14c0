"""The payment provider that the core calls: it opens checkouts, reads their state and makes refunds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import (
    Environment,
    PaymentsUnavailable,
    RefundReport,
    Settlement,
)
from autonomy_core.plugin_api.protocols import Checkout, CheckoutOrder, RefundOrder, TimelineEntry
from autonomy_core.plugin_api.scope import Organisation, TenantScope
from autonomy_core.plugin_api.statements import Statement
from stripe_payments.api.amounts import CurrencyNotTaken, InexactAmount
from stripe_payments.checkout.orders import SESSION_LIFE, price_problem, session_parameters
from stripe_payments.models import StripePayment
from stripe_payments.settings import PLUGIN

# Stripe's SDK takes a third of a second to import. So the methods that call Stripe import it, and a command
# line without such a call starts faster.

log = structlog.get_logger(__name__)

ENOUGH_TIME = timedelta(minutes=5)
"""A session that expires sooner than this is not given to a buyer again."""


ATTACH = Statement("""
UPDATE stripe_payments_payments AS s
SET session_id = known.session_id, checkout_url = known.checkout_url, expires_at = known.expires_at
FROM unnest(
    %(organisation_id)s::text[], %(payment_id)s::uuid[], %(session_id)s::text[], %(checkout_url)s::text[],
    %(expires_at)s::timestamptz[]
) AS known(organisation_id, payment_id, session_id, checkout_url, expires_at)
WHERE s.organisation_id = known.organisation_id AND s.payment_id = known.payment_id
""")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The parameters of a checkout session, as `StripePayment` stores them."""

    environment: Environment
    request: dict[str, Any]


class StripeCheckout:
    """Collects money through Stripe Checkout, see `autonomy_core.plugin_api.protocols.PaymentProvider`."""

    name = PLUGIN

    def environment(self, organisation: Organisation) -> Environment:
        """Return the environment that the organisation's ini file selects."""
        chosen: Environment = organisation.settings[PLUGIN]["environment"]
        return chosen

    def price_problem(self, organisation: Organisation, amount: int, currency: str) -> str | None:
        """Return why Stripe refuses a price: its currency, a minimum, or no round amount; else None."""
        return price_problem(amount, currency)

    def prepare(self, scope: TenantScope, order: CheckoutOrder) -> Prepared:
        """Store the parameters of the checkout session before Stripe is called.

        Raises:
            PaymentsUnavailable: Stripe does not collect this amount in this currency.
        """
        try:
            with_tax = scope.settings(PLUGIN)["automatic_tax"]
            request = session_parameters(scope.organisation.id, order, automatic_tax=with_tax)
        except (CurrencyNotTaken, InexactAmount) as error:
            log.warning("stripe.price_not_collected", payment_id=str(order.payment_id), reason=str(error))
            raise PaymentsUnavailable("The price cannot be collected in this currency.") from None
        scope.add(
            StripePayment(
                organisation_id=scope.organisation.id,
                payment_id=order.payment_id,
                environment=order.environment,
                success_url=order.success_url,
                request=request,
            )
        )
        return Prepared(order.environment, request)

    def begin_checkout(
        self, scope: TenantScope, payment_id: UUID, prepared: Prepared | None = None
    ) -> Checkout:
        """Return the checkout session of a payment, and create it if there is none.

        Raises:
            Unavailable: Stripe does not answer, or refuses the order.
        """
        from stripe_payments.api.client import create_session  # noqa: PLC0415 - the SDK loads slowly

        if prepared is None:
            with scope.begin() as own:
                row = _row_of(own, payment_id)
            if row.session_id is not None and row.checkout_url is not None:
                return Checkout(reference=row.session_id, url=row.checkout_url, expires_at=row.expires_at)
            prepared = Prepared(row.environment, row.request)
        session = create_session(scope, prepared.environment, payment_id, prepared.request)
        expires_at = datetime.fromtimestamp(session["expires_at"], UTC)
        return Checkout(reference=session["id"], url=session["url"], expires_at=expires_at)

    def attach(self, scope: TenantScope, payment_id: UUID, checkout: Checkout) -> None:
        """Store the session. An event may have stored the same values before."""
        row = {
            "organisation_id": scope.organisation.id,
            "payment_id": payment_id,
            "session_id": checkout.reference,
            "checkout_url": checkout.url,
            "expires_at": checkout.expires_at,
        }
        scope.execute_later(ATTACH, row)

    def can_be_paid(self, scope: TenantScope, payment_id: UUID) -> bool:
        """Whether a buyer may still pay.

        This ends shortly before the session expires, or without one, when Stripe drops the idempotency key.
        """
        row = _row_of(scope, payment_id)
        if not row.request:
            return False
        return utcnow() + ENOUGH_TIME < (row.expires_at or row.created_at + SESSION_LIFE)

    def has_checkout(self, scope: TenantScope, payment_id: UUID) -> bool:
        """Whether a session is stored."""
        return _row_of(scope, payment_id, populate_existing=True).session_id is not None

    def expire(self, scope: TenantScope, payment_id: UUID) -> None:
        """Have Stripe expire the session.

        If no session is stored, a crash may have lost it while the buyer has the page's URL, so Stripe is
        queried for it. If Stripe has none either, the query creates one, and this expires it.

        Raises:
            Unavailable: Stripe does not answer, or the session is no longer open; or another call creates the
                session at this moment.
        """
        from stripe_payments.api.client import expire_session  # noqa: PLC0415 - the SDK loads slowly
        from stripe_payments.checkout.session_sync import find_session  # noqa: PLC0415 - the SDK loads slowly

        with scope.begin() as own:
            row = _row_of(own, payment_id)
        session_id = row.session_id or find_session(scope, row)
        if session_id is not None:
            expire_session(scope, row.environment, session_id)

    def fetch_state(self, scope: TenantScope, payment_id: UUID) -> Settlement | None:
        """Read the outcome of a payment from Stripe; None while the buyer may still pay.

        Raises:
            Unavailable: Stripe does not answer.
            ProofFailed: Stripe's session belongs to another payment.
        """
        from stripe_payments.checkout.session_sync import fetch_settlement  # noqa: PLC0415 - the SDK loads slowly

        return fetch_settlement(scope, payment_id)

    def refund(self, scope: TenantScope, order: RefundOrder) -> RefundReport:
        """Have Stripe refund money.

        Raises:
            Unavailable: Stripe does not answer.
            RefundRefused: Stripe refuses the refund.
        """
        from stripe_payments.reversals.refunds import give_back  # noqa: PLC0415 - the SDK loads slowly

        return give_back(scope, order)

    def find(self, scope: TenantScope, reference: str) -> UUID | None:
        """Return the payment of a checkout session, payment intent, charge, refund or dispute.

        Raises:
            Unavailable: Stripe does not answer.
        """
        from stripe_payments.checkout.finding import find_payment  # noqa: PLC0415 - the SDK loads slowly

        return find_payment(scope, reference)

    def timeline(self, scope: TenantScope, payment_id: UUID) -> Sequence[TimelineEntry]:
        """Return the checkout; the core adds the events."""
        row = scope.session.get(StripePayment, (scope.organisation.id, payment_id))
        if row is None:
            return ()
        detail = {"session": row.session_id, "payment_intent": row.payment_intent_id}
        return [TimelineEntry(row.created_at, "checkout_prepared", detail)]


def _row_of(scope: TenantScope, payment_id: UUID, **options: Any) -> StripePayment:
    return scope.session.get_one(StripePayment, (scope.organisation.id, payment_id), **options)
