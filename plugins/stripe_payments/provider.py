"""The payment provider: what the core calls to open a checkout, and to ask what has become of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from autonomy_core.plugin_api.payments import Environment, RefundReport, Settlement
from autonomy_core.plugin_api.protocols import Checkout, CheckoutOrder, RefundOrder, TimelineEntry
from autonomy_core.plugin_api.scope import Organisation, TenantScope
from stripe_payments.models import StripePayment
from stripe_payments.settings import PLUGIN
from stripe_payments.timeline import timeline_of

# Stripe's SDK takes a third of a second to import. What needs it is imported by the methods that call Stripe,
# so that a command line that does not is spared.


class StripeCheckout:
    """Collects money through Stripe Checkout, see `autonomy_core.plugin_api.protocols.PaymentProvider`."""

    name = PLUGIN

    def environment(self, organisation: Organisation) -> Environment:
        """The one that the organisation's ini file names."""
        chosen: Environment = organisation.settings[PLUGIN]["environment"]
        return chosen

    def prepare(self, scope: TenantScope, order: CheckoutOrder) -> None:
        """Note that a checkout is about to be opened."""
        scope.session.add(
            StripePayment(
                organisation_id=scope.organisation.id,
                payment_id=order.payment_id,
                environment=order.environment,
                success_url=order.success_url,
            )
        )

    def begin_checkout(self, scope: TenantScope, order: CheckoutOrder) -> Checkout:
        """Open a checkout session.

        Raises:
            Unavailable: Stripe does not answer, or does not take the order.
        """
        from stripe_payments.client import create_session

        session = create_session(scope, order)
        expires_at = datetime.fromtimestamp(session["expires_at"], UTC)
        return Checkout(reference=session["id"], url=session["url"], expires_at=expires_at)

    def attach(self, scope: TenantScope, order: CheckoutOrder, checkout: Checkout) -> None:
        """Note the session, unless an event was quicker and has brought it already."""
        row = scope.session.get_one(
            StripePayment, (scope.organisation.id, order.payment_id), with_for_update=True
        )
        row.session_id = checkout.reference
        row.checkout_url = checkout.url
        row.expires_at = checkout.expires_at

    def fetch_state(self, scope: TenantScope, payment_id: UUID) -> Settlement | None:
        """Ask Stripe what has become of a payment; None while the buyer may still pay.

        Raises:
            Unavailable: Stripe does not answer.
            ProofFailed: Stripe's session is about another payment.
        """
        from stripe_payments.asking import fetch_settlement

        return fetch_settlement(scope, payment_id)

    def refund(self, scope: TenantScope, order: RefundOrder) -> RefundReport:
        """Have Stripe give money back.

        Raises:
            Unavailable: Stripe does not answer.
            RefundRefused: Stripe does not give it back.
        """
        from stripe_payments.refunds import give_back

        return give_back(scope, order)

    def timeline(self, scope: TenantScope, payment_id: UUID) -> Sequence[TimelineEntry]:
        """The checkout, and every event about the payment with what came of it."""
        return timeline_of(scope, payment_id)
