"""From a refund or a dispute to what the core makes of it, whoever brings the news; and giving money back."""

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
    note_once,
    settle,
)
from autonomy_core.plugin_api.protocols import RefundOrder
from autonomy_core.plugin_api.scope import TenantScope
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
from stripe_payments.services import Found, Search, SetAside
from stripe_payments.settings import PLUGIN

T = TypeVar("T")

UNKNOWN_PAYMENT = "no payment of this organisation is known to belong to it"


class NotYet(Exception):
    """No payment is known that this is about; it may be ours, and its payment's event on the way.

    Attributes:
        payment_intent_id: Stripe's name of the payment.
    """

    def __init__(self, payment_intent_id: str) -> None:
        super().__init__(UNKNOWN_PAYMENT)
        self.payment_intent_id = payment_intent_id


def settle_refund(search: Search, refund: Mapping[str, Any]) -> None:
    """Settle what a refund says of its payment.

    Raises:
        NotYet, NotUnderstood, SetAside
    """
    found = _find(search, subject_of(refund))
    parsed = parse_refund(refund)
    _settle(search, found, parsed.currency, refunds=(refund_report(parsed),))


def settle_dispute(search: Search, dispute: Mapping[str, Any]) -> None:
    """Settle what a dispute says of its payment. Errors as `settle_refund`."""
    found = _find(search, subject_of(dispute))
    _settle(search, found, None, disputes=(dispute_report(parse_dispute(dispute)),))


def notice_refunds(search: Search, charge: Mapping[str, Any]) -> None:
    """Have Stripe asked about a charge whose refunds we do not know: it says how much, and not which.

    Errors as `settle_refund`.
    """
    found = _find(search, subject_of(charge))
    if refunded_by(charge) != found.payment.refunded_amount:
        check_later(search.scope, found.payment.id)


def note_failed_attempt(search: Search, intent: Mapping[str, Any]) -> None:
    """Note why a buyer could not pay. That decides nothing: they may try again on the same checkout page.

    Errors as `settle_refund`.
    """
    found = _find(search, subject_of(intent))
    reference, why = failure_of(intent)
    note_once(search.scope, found.payment.id, "attempt_failed", reference, **why)


def _find(search: Search, subject: Subject) -> Found:
    found = search.find(lookups(subject))
    if found is None and subject.payment_intent_id is None:
        raise SetAside(UNKNOWN_PAYMENT)
    if found is None:
        raise NotYet(str(subject.payment_intent_id))
    try:
        check_subject(subject, search.environment, found.recorded())
    except NotBelieved as error:
        raise SetAside(str(error)) from None
    if found.row.payment_intent_id is None:
        found.row.payment_intent_id = search.payment_intent_id = subject.payment_intent_id
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
    """A refund in the core's words."""
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
    """A dispute in the core's words."""
    return DisputeReport(
        reference=dispute.id,
        amount=dispute.amount,
        currency=dispute.currency,
        status=DisputeStatus(dispute.outcome),
        reason=dispute.reason,
    )


def give_back(scope: TenantScope, order: RefundOrder) -> RefundReport:
    """Have Stripe give money back, unless it has for this very order.

    Raises:
        Unavailable: Stripe does not answer, or has learnt a status that we have not.
        RefundRefused: Stripe does not give it back.
    """
    with scope.begin() as own:
        row = own.session.get_one(StripePayment, (scope.organisation.id, order.payment_id))
    if row.payment_intent_id is None:
        raise RefundRefused("Stripe has not told which charge it was.")
    # Stripe forgets idempotency keys after a day, and the job may be older.
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
    """What Stripe knows of a payment's refunds and disputes.

    Attributes:
        not_understood: which cannot be read, and why: for example because Stripe has learnt a status that we
            have not.
    """

    refunds: tuple[RefundReport, ...]
    disputes: tuple[DisputeReport, ...]
    not_understood: tuple[str, ...]


def reversals_of(scope: TenantScope, environment: Environment, payment_intent_id: str) -> Reversals:
    """All refunds and disputes that Stripe knows of a payment intent.

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
