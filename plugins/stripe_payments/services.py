"""From a checkout session to a settled payment, whoever brings the session: an event, or the returning buyer."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload

from autonomy_core.plugin_api.errors import NotFound, Unavailable
from autonomy_core.plugin_api.payments import (
    Environment,
    Payment,
    PaymentStatus,
    ProofFailed,
    Settlement,
    settle,
)
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.client import retrieve_session
from stripe_payments.domain import (
    CheckoutSession,
    Lookup,
    NotBelieved,
    NotUnderstood,
    Outcome,
    Recorded,
    check_binding,
    lookups,
    outcome_of_session,
    parse_session,
)
from stripe_payments.models import StripePayment
from stripe_payments.settings import ENVIRONMENTS, PLUGIN

log = structlog.get_logger(__name__)

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


class CheckoutNotFound(NotFound):
    """The organisation has opened no such checkout."""

    code, title = "checkout_not_found", "There is no such checkout"


@dataclass(frozen=True, slots=True)
class Found:
    """A session's payment, and the lookup that found it."""

    row: StripePayment
    payment: Payment
    matched_by: str


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
    found = find(scope, session, environment)
    try:
        check_binding(session, environment, _recorded(found))
        settlement = _settlement(found, session, outcome, source)
        settle(scope, settlement, provider=PLUGIN, locked=found.payment)
    except (NotBelieved, ProofFailed) as error:
        raise SetAside(str(error), found) from None
    found.row.session_id = session.id
    found.row.payment_intent_id = session.payment_intent_id or found.row.payment_intent_id
    return found


def find(scope: TenantScope, session: CheckoutSession, environment: Environment) -> Found:
    """The payment that a session names, by the first lookup that finds one. It and its Stripe row are locked.

    Raises:
        SetAside: none does.
    """
    for lookup in lookups(session):
        found = _found_by(scope, lookup, environment)
        if found is not None:
            return found
    raise SetAside("no payment of this organisation belongs to the session")


def _found_by(scope: TenantScope, lookup: Lookup, environment: Environment) -> Found | None:
    values = {
        "organisation_id": scope.organisation.id,
        "environment": environment,
        "value": lookup.value,
    }
    rows = scope.session.execute(LOCKED_BY[lookup.column], values).one_or_none()
    return Found(*rows, lookup.strategy) if rows else None


def fetch_settlement(scope: TenantScope, payment_id: UUID) -> Settlement | None:
    """Ask Stripe what has become of a payment; None while nothing has.

    The scope's own transaction is not used, so that no connection is held while Stripe answers.

    Raises:
        Unavailable: Stripe does not answer.
        ProofFailed: Stripe's session is about another payment.
    """
    with scope.runtime.transaction(scope.organisation) as own:
        row = own.session.get_one(StripePayment, (scope.organisation.id, payment_id))
        payment = own.session.get_one(Payment, (scope.organisation.id, payment_id))
    if row.session_id is None:
        return None
    found = Found(row, payment, "session_id")
    try:
        session, outcome = _fetch(scope, row)
        check_binding(session, row.environment, _recorded(found))  # type: ignore[arg-type]
    except (NotBelieved, NotUnderstood) as error:
        raise ProofFailed(str(error)) from None
    return _settlement(found, session, outcome, "reconciler") if outcome else None


def finish_checkout(scope: TenantScope, session_id: str) -> str:
    """Where a buyer goes who comes back from a checkout, after its payment has been settled if it can be.

    If the webhook is late the truth is read from Stripe. If Stripe does not answer, the webhook will settle.

    Args:
        scope: its own transaction is not used, so that no connection is held while Stripe answers.

    Raises:
        CheckoutNotFound: this organisation has opened no such session.
    """
    with scope.runtime.transaction(scope.organisation) as own:
        row = _row_of_session(own, session_id)
        payment = own.session.get_one(Payment, (scope.organisation.id, row.payment_id))
    if payment.status != PaymentStatus.COMPLETED:
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
            with scope.runtime.transaction(scope.organisation) as own:
                settle_session(own, session, outcome, environment=environment, source="return_page")
    except (Unavailable, NotUnderstood, SetAside) as error:
        log.warning(
            "stripe.return_not_settled",
            payment_id=str(row.payment_id),
            error=type(error).__name__,
            reason=str(error),
        )


def _fetch(scope: TenantScope, row: StripePayment) -> tuple[CheckoutSession, Outcome | None]:
    assert row.session_id is not None  # noqa: S101 - for the type checker: callers have looked
    session = parse_session(retrieve_session(scope, row.environment, row.session_id))  # type: ignore[arg-type]
    return session, outcome_of_session(session)


def _recorded(found: Found) -> Recorded:
    return Recorded(
        organisation_id=found.payment.organisation_id,
        environment=found.row.environment,  # type: ignore[arg-type]
        payment_id=found.payment.id,
        session_id=found.row.session_id,
        amount=found.payment.amount,
        currency=found.payment.currency,
    )


def _settlement(found: Found, session: CheckoutSession, outcome: Outcome, source: str) -> Settlement:
    return Settlement(
        payment_id=found.payment.id,
        status=PaymentStatus(outcome),
        environment=session.environment,
        amount=session.amount,
        currency=session.currency,
        source=source,
        reason="The buyer's bank did not pay." if outcome == "failed" else None,
    )


def _with_payment(url: str, payment_id: UUID) -> str:
    """The URL with ``payment_id`` in its query, so that the page there can ask about it."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("payment_id", str(payment_id))]
    return urlunsplit(parts._replace(query=urlencode(query)))
