"""The payment provider: what the core calls to open a checkout, and to ask what has become of one."""

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
    Statement,
)
from autonomy_core.plugin_api.protocols import Checkout, CheckoutOrder, RefundOrder, TimelineEntry
from autonomy_core.plugin_api.scope import Organisation, TenantScope
from stripe_payments.api.amounts import CurrencyNotTaken, InexactAmount
from stripe_payments.checkout.orders import SESSION_LIFE, price_problem, session_parameters
from stripe_payments.events.timeline import timeline_of
from stripe_payments.models import StripePayment
from stripe_payments.settings import PLUGIN

# Stripe's SDK takes a third of a second to import. What needs it is imported by the methods that call Stripe,
# so that a command line that does not is spared.

log = structlog.get_logger(__name__)

ENOUGH_TIME = timedelta(minutes=5)
"""A session that expires sooner is not handed to a buyer again."""


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
    """What Stripe is asked for, as `StripePayment` keeps it."""

    environment: Environment
    request: dict[str, Any]


class StripeCheckout:
    """Collects money through Stripe Checkout, see `autonomy_core.plugin_api.protocols.PaymentProvider`."""

    name = PLUGIN

    def environment(self, organisation: Organisation) -> Environment:
        """The one that the organisation's ini file names."""
        chosen: Environment = organisation.settings[PLUGIN]["environment"]
        return chosen

    def price_problem(self, organisation: Organisation, amount: int, currency: str) -> str | None:
        """Stripe does not take every currency, has minimums, and takes only round amounts of a few currencies."""
        return price_problem(amount, currency)

    def prepare(self, scope: TenantScope, order: CheckoutOrder) -> Prepared:
        """Note what Stripe is about to be asked for.

        Raises:
            PaymentsUnavailable: Stripe would not collect the amount.
        """
        try:
            request = session_parameters(scope.organisation.id, order)
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
        """The checkout session of a payment, opened if it is not yet.

        Raises:
            Unavailable: Stripe does not answer, or does not take the order.
        """
        from stripe_payments.api.client import create_session  # noqa: PLC0415 - the SDK loads slowly

        if prepared is None:
            with scope.begin() as own:
                row = _row_of(own, payment_id)
            if row.session_id is not None and row.checkout_url is not None:
                return Checkout(reference=row.session_id, url=row.checkout_url, expires_at=row.expires_at)
            prepared = Prepared(row.environment, row.request)  # type: ignore[arg-type]
        session = create_session(scope, prepared.environment, payment_id, prepared.request)
        expires_at = datetime.fromtimestamp(session["expires_at"], UTC)
        return Checkout(reference=session["id"], url=session["url"], expires_at=expires_at)

    def attach(self, scope: TenantScope, payment_id: UUID, checkout: Checkout) -> None:
        """Note the session, unless an event was quicker and has brought it already."""
        row = {
            "organisation_id": scope.organisation.id,
            "payment_id": payment_id,
            "session_id": checkout.reference,
            "checkout_url": checkout.url,
            "expires_at": checkout.expires_at,
        }
        scope.execute_later(ATTACH, row)

    def can_be_paid(self, scope: TenantScope, payment_id: UUID) -> bool:
        """Until shortly before the session expires; without one, as long as Stripe keeps the idempotency key."""
        row = _row_of(scope, payment_id)
        if not row.request:
            return False
        return utcnow() + ENOUGH_TIME < (row.expires_at or row.created_at + SESSION_LIFE)

    def has_checkout(self, scope: TenantScope, payment_id: UUID) -> bool:
        """Whether a session is noted."""
        return _row_of(scope, payment_id, populate_existing=True).session_id is not None

    def expire(self, scope: TenantScope, payment_id: UUID) -> None:
        """Have Stripe close the session, if there is one.

        Raises:
            Unavailable: Stripe does not answer, or the session is not open any more.
        """
        from stripe_payments.api.client import expire_session  # noqa: PLC0415 - the SDK loads slowly

        with scope.begin() as own:
            row = _row_of(own, payment_id)
        if row.session_id is not None:
            expire_session(scope, row.environment, row.session_id)  # type: ignore[arg-type]

    def fetch_state(self, scope: TenantScope, payment_id: UUID) -> Settlement | None:
        """Ask Stripe what has become of a payment; None while the buyer may still pay.

        Raises:
            Unavailable: Stripe does not answer.
            ProofFailed: Stripe's session is about another payment.
        """
        from stripe_payments.checkout.session_sync import fetch_settlement  # noqa: PLC0415 - the SDK loads slowly

        return fetch_settlement(scope, payment_id)

    def refund(self, scope: TenantScope, order: RefundOrder) -> RefundReport:
        """Have Stripe give money back.

        Raises:
            Unavailable: Stripe does not answer.
            RefundRefused: Stripe does not give it back.
        """
        from stripe_payments.reversals.refunds import give_back  # noqa: PLC0415 - the SDK loads slowly

        return give_back(scope, order)

    def timeline(self, scope: TenantScope, payment_id: UUID) -> Sequence[TimelineEntry]:
        """The checkout, and every event about the payment with what came of it."""
        return timeline_of(scope, payment_id)


def _row_of(scope: TenantScope, payment_id: UUID, **options: Any) -> StripePayment:
    return scope.session.get_one(StripePayment, (scope.organisation.id, payment_id), **options)
