"""What Stripe says when it is asked: for the buyer who comes back, and for payments whose events did not arrive."""

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
    Environment,
    Payment,
    PaymentStatus,
    ProofFailed,
    Settlement,
    lock_payment,
    note_once,
)
from autonomy_core.plugin_api.scope import TenantScope
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
from stripe_payments.events.inbox import handle_waiting
from stripe_payments.models import StripePayment
from stripe_payments.reversals.refunds import reversals_of
from stripe_payments.services import Found, Search, SetAside, settle_session, settlement_of
from stripe_payments.settings import ENVIRONMENTS

log = structlog.get_logger(__name__)


class CheckoutNotFound(NotFound):
    """The organisation has opened no such checkout."""

    code, title = "checkout_not_found", "There is no such checkout"


def fetch_settlement(scope: TenantScope, payment_id: UUID) -> Settlement | None:
    """Ask Stripe what has become of a payment; None while nothing has.

    The scope's own transaction is not used, so that no connection is held while Stripe answers.

    Raises:
        Unavailable: Stripe does not answer.
        ProofFailed: Stripe's session is about another payment.
    """
    with scope.begin() as own:
        row = own.session.get_one(StripePayment, (scope.organisation.id, payment_id))
        payment = own.session.get_one(Payment, (scope.organisation.id, payment_id))
    if row.session_id is None and not _find_session(scope, row):
        return _settlement_without_session(payment)
    found = Found(row, payment)
    try:
        session, outcome = _fetch(scope, row)
        check_binding(session, row.environment, found.recorded())  # type: ignore[arg-type]
        return _whole_settlement(scope, found, session, outcome) if outcome else None
    except (NotBelieved, NotUnderstood) as error:
        raise ProofFailed(str(error)) from None


def _find_session(scope: TenantScope, row: StripePayment) -> bool:
    """Learn of a session that was opened, or not, when a crash came. Returns False when it cannot be told any more.

    Under the same idempotency key Stripe answers with the session that it has opened, or opens it now.
    """
    if not row.request or row.created_at + SESSION_LIFE < utcnow():
        return False
    session = create_session(scope, row.environment, row.payment_id, row.request)  # type: ignore[arg-type]
    row.session_id = session["id"]
    _note(scope, row.payment_id, session_id=row.session_id)
    return True


def _note(scope: TenantScope, payment_id: UUID, **learnt: str) -> None:
    """Note what was learnt, on the row as it is now: it may have changed while Stripe was asked."""
    with scope.begin() as own:
        key = (scope.organisation.id, payment_id)
        row = own.session.get_one(StripePayment, key, with_for_update=True)
        for name, value in learnt.items():
            setattr(row, name, value)


def _settlement_without_session(payment: Payment) -> Settlement:
    """Nobody can pay any more: a session that we do not know of has ended as well. An event of it would still count."""
    return Settlement(
        payment_id=payment.id,
        status=PaymentStatus.EXPIRED,
        environment=payment.environment,  # type: ignore[arg-type]
        amount=payment.amount,
        currency=payment.currency,
        source="reconciler",
    )


def _whole_settlement(
    scope: TenantScope, found: Found, session: CheckoutSession, outcome: Outcome
) -> Settlement:
    """What a session says, together with what has become of its money since."""
    settlement = settlement_of(found, session, outcome, "reconciler")
    if outcome != "completed" or session.payment_intent_id is None:
        return settlement
    # Refunds and disputes are found by it.
    _note(scope, found.row.payment_id, payment_intent_id=session.payment_intent_id)
    reversals = reversals_of(scope, session.environment, session.payment_intent_id)
    for reason in reversals.not_understood:
        log.warning("stripe.reversal_not_understood", payment_id=str(found.row.payment_id), reason=reason)
        _note_refused(scope, found.row, reason, source="reconciler")
    return replace(settlement, refunds=reversals.refunds, disputes=reversals.disputes)


def finish_checkout(scope: TenantScope, session_id: str) -> str:
    """Where a buyer goes who comes back from a checkout, after its payment has been settled if it can be.

    If the webhook is late the truth is read from Stripe. If Stripe does not answer, the webhook will settle.

    Args:
        scope: its own transaction is not used, so that no connection is held while Stripe answers.

    Raises:
        CheckoutNotFound: this organisation has opened no such session.
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
            # Both; named so that the index is used.
            StripePayment.environment.in_(ENVIRONMENTS),
            StripePayment.session_id == session_id,
        )
    ).one_or_none()
    if row is None:
        raise CheckoutNotFound
    return row


def _settle_from_stripe(scope: TenantScope, row: StripePayment) -> None:
    environment: Environment = row.environment  # type: ignore[assignment]
    try:
        session, outcome = _fetch(scope, row)
        if outcome is not None:
            with scope.begin() as own:
                search = Search(own, environment)
                settle_session(search, session, outcome, source="return_page")
                if search.payment_intent_id is not None:
                    handle_waiting(own, environment, search.payment_intent_id)
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
    """Note that Stripe's answer did not fit; once, however often it is asked."""
    with scope.begin() as own:
        payment = lock_payment(own, row.payment_id)
        note_once(own, payment.id, "report_refused", f"{source}: {reason}", reason=reason, source=source)


def _fetch(scope: TenantScope, row: StripePayment) -> tuple[CheckoutSession, Outcome | None]:
    assert row.session_id is not None  # noqa: S101 - for the type checker: callers have looked
    session = parse_session(retrieve_session(scope, row.environment, row.session_id))  # type: ignore[arg-type]
    return session, outcome_of_session(session)


def _with_payment(url: str, payment_id: UUID) -> str:
    """The URL with ``payment_id`` in its query, so that the page there can ask about it; once, and all else as it is."""
    parts = urlsplit(url)
    kept = [
        each for each in parts.query.split("&") if each and unquote(each.partition("=")[0]) != "payment_id"
    ]
    return urlunsplit(parts._replace(query="&".join([*kept, f"payment_id={payment_id}"])))
