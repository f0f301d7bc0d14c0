"""Report refunds and disputes from Stripe to the core, and make refunds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.payments import (
    DisputeReport,
    DisputeStatus,
    Environment,
    ProofFailed,
    RefundRefused,
    RefundReport,
    RefundStatus,
    Settlement,
    check_later,
    journal,
    settle,
)
from autonomy_core.plugin_api.protocols import RefundOrder
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.webhooks import NotYet, Search, SetAside
from stripe_payments.api import client
from stripe_payments.domain import NotBelieved, NotUnderstood
from stripe_payments.models import StripePayment
from stripe_payments.reversals.reports import (
    DisputeObject,
    RefundObject,
    Subject,
    check_subject,
    failure_of,
    lookups,
    parse_dispute,
    parse_refund,
    refunded_by,
    subject_of,
)
from stripe_payments.services import Found, find
from stripe_payments.settings import PLUGIN

T = TypeVar("T")

UNKNOWN_PAYMENT = "no payment of this organisation is known to belong to it"


def settle_refund(search: Search, refund: Mapping[str, Any]) -> None:
    """Report a refund to the core.

    Args:
        search: for the payment of the refund.
        refund: Stripe's refund object.

    Raises:
        NotYet, NotUnderstood, SetAside
    """
    found = _find(search, subject_of(refund))
    parsed = parse_refund(refund)
    _settle(search, found, parsed.currency, refunds=(refund_report(parsed),))


def settle_dispute(search: Search, dispute: Mapping[str, Any]) -> None:
    """Report a dispute to the core. Arguments and errors as for `settle_refund`."""
    found = _find(search, subject_of(dispute))
    _settle(search, found, None, disputes=(dispute_report(parse_dispute(dispute)),))


def notice_refunds(search: Search, charge: Mapping[str, Any]) -> None:
    """Schedule a query of Stripe if a charge has refunds that are not recorded here.

    The charge has only the refunded amount, not the refunds. Arguments and errors as for `settle_refund`.
    """
    found = _find(search, subject_of(charge))
    if refunded_by(charge) != found.payment.refunded_amount:
        check_later(search.scope, found.payment.id)


def note_failed_attempt(search: Search, intent: Mapping[str, Any]) -> None:
    """Record in the journal why a payment attempt failed.

    The status does not change: the buyer may try again on the same checkout page. Arguments and errors as for
    `settle_refund`.
    """
    found = _find(search, subject_of(intent))
    reference, why = failure_of(intent)
    journal.append_unless_known(search.scope, found.payment.id, "attempt_failed", reference, **why)


def _find(search: Search, subject: Subject) -> Found:
    found = find(search, lookups(subject))
    if found is None and subject.payment_intent_id is None:
        raise SetAside(UNKNOWN_PAYMENT)
    if found is None:
        raise NotYet(UNKNOWN_PAYMENT, str(subject.payment_intent_id))
    try:
        check_subject(subject, search.environment, found.recorded())
    except NotBelieved as error:
        raise SetAside(str(error)) from None
    if found.row.payment_intent_id is None:
        found.row.payment_intent_id = search.reference = subject.payment_intent_id
    return found


def _settle(search: Search, found: Found, currency: str | None, **reports: Any) -> None:
    settlement = Settlement(
        payment_id=found.payment.id,
        status=None,
        environment=search.environment,
        amount=None,
        currency=currency or found.payment.currency,
        source="webhook",
        **reports,
    )
    try:
        settle(search.scope, settlement, provider=PLUGIN, locked=found.payment)
    except ProofFailed as error:
        raise SetAside(str(error)) from None


def refund_report(refund: RefundObject) -> RefundReport:
    """Return the report of a refund for the core."""
    return RefundReport(
        reference=refund.id,
        amount=refund.amount,
        currency=refund.currency,
        status=RefundStatus(refund.outcome),
        refund_id=refund.refund_id,
        items=refund.items,
        reason=refund.reason,
    )


def dispute_report(dispute: DisputeObject) -> DisputeReport:
    """Return the report of a dispute for the core."""
    return DisputeReport(
        reference=dispute.id,
        amount=dispute.amount,
        currency=dispute.currency,
        status=DisputeStatus(dispute.outcome),
        reason=dispute.reason,
    )


def give_back(scope: TenantScope, order: RefundOrder) -> RefundReport:
    """Have Stripe refund money, unless it has already for this order.

    Raises:
        Unavailable: Stripe does not answer, or returns an unknown status.
        RefundRefused: Stripe refuses the refund.
    """
    with scope.begin() as own:
        row = own.session.get_one(StripePayment, (scope.organisation.id, order.payment_id))
    if row.payment_intent_id is None:
        raise RefundRefused("Stripe has not named the charge.")
    # Stripe drops idempotency keys after a day, and the job may be older.
    known = client.list_refunds(scope, order.environment, row.payment_intent_id)
    wanted = str(order.refund_id)
    made = next((each for each in known if each["metadata"].get("refund_id") == wanted), None)
    answer = made or client.create_refund(scope, order, row.payment_intent_id)
    try:
        return refund_report(parse_refund(answer))
    except NotUnderstood as error:
        raise Unavailable(f"Stripe's answer is not understood: {error}.") from None


@dataclass(frozen=True, slots=True)
class Reversals:
    """The refunds and disputes of a payment, from Stripe.

    Attributes:
        refunds: the readable refunds.
        disputes: the readable disputes.
        not_understood: for each unreadable object its type, ID and problem, such as an unknown status.
    """

    refunds: tuple[RefundReport, ...]
    disputes: tuple[DisputeReport, ...]
    not_understood: tuple[str, ...]


def reversals_of(scope: TenantScope, environment: Environment, payment_intent_id: str) -> Reversals:
    """Read all refunds and disputes of a payment intent from Stripe.

    Raises:
        Unavailable: Stripe does not answer.
    """
    not_understood: list[str] = []
    refunds = client.list_refunds(scope, environment, payment_intent_id)
    disputes = client.list_disputes(scope, environment, payment_intent_id)
    return Reversals(
        tuple(_readable(refunds, lambda each: refund_report(parse_refund(each)), not_understood)),
        tuple(_readable(disputes, lambda each: dispute_report(parse_dispute(each)), not_understood)),
        tuple(not_understood),
    )


def _readable(
    objects: Iterable[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], T], not_understood: list[str]
) -> Iterator[T]:
    for each in objects:
        try:
            yield read(each)
        except NotUnderstood as error:
            not_understood.append(f"{each.get('object')} {each.get('id')}: {error}")
