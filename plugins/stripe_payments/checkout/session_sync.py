"""Settle payments from queries of Stripe: on the return page, and if events did not arrive."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import UUID

import structlog
from sqlalchemy import select

from autonomy_core.plugin_api.errors import NotFound, Unavailable
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import (
    UNPAID,
    Payment,
    PaymentStatus,
    ProofFailed,
    Settlement,
    journal,
    lock_payment,
)
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.webhooks import Search, SetAside, handle_waiting
from stripe_payments.api.client import create_session, retrieve_session
from stripe_payments.checkout.orders import SESSION_LIFE
from stripe_payments.domain import (
    CheckoutSession,
    NotBelieved,
    NotUnderstood,
    Outcome,
    check_binding,
    outcome_of_session,
    parse_session,
)
from stripe_payments.models import StripePayment
from stripe_payments.reversals.refunds import reversals_of
from stripe_payments.services import Found, settle_session, settlement_of
from stripe_payments.settings import ENVIRONMENTS, SOURCE

log = structlog.get_logger(__name__)


class CheckoutNotFound(NotFound):
    """The organisation has no such checkout."""

    code, title = "checkout_not_found", "There is no such checkout"


def fetch_settlement(scope: TenantScope, payment_id: UUID) -> Settlement | None:
    """Read the outcome of a payment from Stripe; None while the buyer may still pay.

    Args:
        scope: its own transaction is not used, so that no connection is held during the calls of Stripe.
        payment_id: of a payment of this provider.

    Raises:
        Unavailable: Stripe does not answer.
        ProofFailed: Stripe's session belongs to another payment.
    """
    with scope.begin() as own:
        row = own.session.get_one(StripePayment, (scope.organisation.id, payment_id))
        payment = own.session.get_one(Payment, (scope.organisation.id, payment_id))
    if row.session_id is None and find_session(scope, row) is None:
        return _settlement_without_session(payment)
    found = Found(row, payment)
    try:
        session, outcome = _fetch(scope, row)
        check_binding(session, row.environment, found.recorded())
        return _whole_settlement(scope, found, session, outcome) if outcome else None
    except (NotBelieved, NotUnderstood) as error:
        raise ProofFailed(str(error)) from None


def find_session(scope: TenantScope, row: StripePayment) -> str | None:
    """Get and store the ID of a session that a crash has kept from being stored.

    With the same idempotency key Stripe returns the session that it has created, or creates it now.

    Args:
        scope: its own transaction is not used, so that no connection is held during the call of Stripe.
        row: without a session; gets its ID.

    Returns:
        The session's ID; None if Stripe has dropped the idempotency key, so that it cannot be found.

    Raises:
        Unavailable: Stripe does not answer, or another call uses the idempotency key at this moment.
    """
    if not row.request or row.created_at + SESSION_LIFE < utcnow():
        return None
    session = create_session(scope, row.environment, row.payment_id, row.request)
    session_id: str = session["id"]
    row.session_id = session_id
    _store_learnt(scope, row.payment_id, session_id=session_id)
    return session_id


def _store_learnt(scope: TenantScope, payment_id: UUID, **learnt: str) -> None:
    """Update the row in its current version: it may have changed during the call of Stripe."""
    with scope.begin() as own:
        key = (scope.organisation.id, payment_id)
        row = own.session.get_one(StripePayment, key, with_for_update=True)
        for name, value in learnt.items():
            setattr(row, name, value)


def _settlement_without_session(payment: Payment) -> Settlement:
    """Return an expired settlement: an unknown session has expired too. Its event would still count."""
    return Settlement(
        payment_id=payment.id,
        status=PaymentStatus.EXPIRED,
        environment=payment.environment,
        amount=payment.amount,
        currency=payment.currency,
        source="reconciler",
    )


def _whole_settlement(
    scope: TenantScope, found: Found, session: CheckoutSession, outcome: Outcome
) -> Settlement:
    """Return the settlement of a session, with the refunds and disputes that followed."""
    settlement = settlement_of(found.payment.id, session, outcome, "reconciler")
    if outcome != "completed" or session.payment_intent_id is None:
        return settlement
    # Events of refunds and disputes find the payment by this ID.
    _store_learnt(scope, found.row.payment_id, payment_intent_id=session.payment_intent_id)
    reversals = reversals_of(scope, session.environment, session.payment_intent_id)
    for reason in reversals.not_understood:
        log.warning("stripe.reversal_not_understood", payment_id=str(found.row.payment_id), reason=reason)
        _note_refused(scope, found.row, reason, source="reconciler")
    return replace(settlement, refunds=reversals.refunds, disputes=reversals.disputes)


def finish_checkout(scope: TenantScope, session_id: str) -> str:
    """Settle the payment of a buyer that returns from the checkout page.

    If the webhook is late, Stripe is queried. If Stripe does not answer, the webhook will settle the payment.

    Args:
        scope: its own transaction is not used, so that no connection is held during the calls of Stripe.
        session_id: of the checkout session, from the return URL.

    Returns:
        The URL to which the buyer is redirected.

    Raises:
        CheckoutNotFound: the organisation has no such session.
    """
    with scope.begin() as own:
        row = _row_of_session(own, session_id)
        payment = own.session.get_one(Payment, (scope.organisation.id, row.payment_id))
    if payment.status in UNPAID:
        _settle_from_stripe(scope, row)
    return _with_payment(row.success_url, row.payment_id)


def _row_of_session(scope: TenantScope, session_id: str) -> StripePayment:
    row = scope.session.scalars(
        select(StripePayment).where(
            StripePayment.organisation_id == scope.organisation.id,
            # Lists both environments, so that the index is used.
            StripePayment.environment.in_(ENVIRONMENTS),
            StripePayment.session_id == session_id,
        )
    ).one_or_none()
    if row is None:
        raise CheckoutNotFound
    return row


def _settle_from_stripe(scope: TenantScope, row: StripePayment) -> None:
    try:
        session, outcome = _fetch(scope, row)
        if outcome is not None:
            with scope.begin() as own:
                search = Search(own, row.environment)
                settle_session(search, session, outcome, source="return_page")
                if search.reference is not None:
                    handle_waiting(own, SOURCE, row.environment, search.reference)
    except (NotUnderstood, SetAside) as error:
        _log_not_settled(row, error)
        _note_refused(scope, row, str(error), source="return_page")
    except Unavailable as error:
        _log_not_settled(row, error)


def _log_not_settled(row: StripePayment, error: Exception) -> None:
    log.warning(
        "stripe.return_not_settled",
        payment_id=str(row.payment_id),
        error=type(error).__name__,
        reason=str(error),
    )


def _note_refused(scope: TenantScope, row: StripePayment, reason: str, *, source: str) -> None:
    """Record once in the journal that Stripe's answer did not fit."""
    with scope.begin() as own:
        payment = lock_payment(own, row.payment_id)
        journal.append_unless_known(
            own, payment.id, "report_refused", f"{source}: {reason}", reason=reason, source=source
        )


def _fetch(scope: TenantScope, row: StripePayment) -> tuple[CheckoutSession, Outcome | None]:
    assert row.session_id is not None  # noqa: S101 - for the type checker: callers have checked
    session = parse_session(retrieve_session(scope, row.environment, row.session_id))
    return session, outcome_of_session(session)


def _with_payment(url: str, payment_id: UUID) -> str:
    """Set ``payment_id`` in the query of a URL, so that its page can read the payment."""
    parts = urlsplit(url)
    kept = [
        each for each in parts.query.split("&") if each and unquote(each.partition("=")[0]) != "payment_id"
    ]
    return urlunsplit(parts._replace(query="&".join([*kept, f"payment_id={payment_id}"])))
