"""Services of refunds: staff refund a payment in whole or in part.

A refund is recorded before the provider is called, and sent under its own id. So a crash or a repeated call
neither loses nor duplicates it. A job repeats a call that failed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select

from autonomy_core.audit.services import change, record
from autonomy_core.db.base import uuid7
from autonomy_core.db.own_transactions import trying_again
from autonomy_core.errors import Conflict, NotFound, Unavailable
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.copies import refuse_on_copy
from autonomy_core.kernel.protocols import PaymentProvider, RefundOrder
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import RefundReport, RefundStatus, Settlement
from autonomy_core.payments import journal
from autonomy_core.payments.models import Payment, PaymentRefund
from autonomy_core.payments.refund_terms import NotRefundable, amount_of
from autonomy_core.payments.reversals import as_text
from autonomy_core.payments.services import ProviderNotSetUp, require_provider
from autonomy_core.payments.settlement import lock_payment, settle
from autonomy_core.web.schemas import paginate_by_time

REFUND_JOB = "payments.refund"
"""The job that sends a refund to the provider."""

RETRY_AFTER_S = 30
"""After how many seconds the job sends a recorded refund, in case the recording process could not."""


class RefundRefused(Conflict):
    """The provider refuses the refund permanently."""

    code, title = "refund_refused", "The payment provider refused the refund"


@dataclass(frozen=True, slots=True)
class Refunded:
    """The result of `refund`.

    Attributes:
        refund: the current row.
        answered: whether the provider has answered; if not, a job tries again.
    """

    refund: PaymentRefund
    answered: bool


def refund(
    scope: TenantScope,
    payment_id: UUID,
    amount: int | None,
    reason: str,
    *,
    actor: str,
    items: Collection[UUID] = (),
    wish: Sequence[str] = (),
) -> Refunded:
    """Record a refund, send it to the provider, and record the answer.

    After a crash a job sends the recorded refund.

    Args:
        scope: the organisation, in no transaction.
        payment_id: the payment.
        amount, reason, items, wish: see `request_refund`.
        actor: the caller, for the audit trail.

    Raises:
        RefundRefused: the provider refuses it, which is recorded.
        NotFound, NotRefundable, PaymentDisputed, RefundTooLarge, RestoredCopy
        RefundAmbiguous, ItemNotInPayment, ItemAlreadyRefunded
    """

    def requested() -> tuple[RefundOrder, PaymentProvider]:
        with scope.begin() as own:
            made = request_refund(own, payment_id, amount, reason, actor=actor, items=items, wish=wish)
            return order_of(own, made), provider_of(own, payment_id)

    order, provider = trying_again(requested)
    answered = True
    try:
        carry_out(scope, order, provider)
    except Unavailable:
        answered = False
    with scope.begin() as own:
        found = own.session.get_one(PaymentRefund, (scope.organisation.id, order.refund_id))
    return Refunded(found, answered)


def list_refunds(scope: TenantScope, payment_id: UUID, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of the refunds of a payment, oldest first.

    Args:
        scope: the scope of the organisation, in a transaction.
        payment_id: the payment.
        query: the values that `PageQuery` loaded.
    """
    found = select(PaymentRefund).where(PaymentRefund.payment_id == payment_id)
    # The ids are no order: one may be made of the request's key.
    return paginate_by_time(scope.session, found, (PaymentRefund.created_at, PaymentRefund.id), query)


def request_refund(
    scope: TenantScope,
    payment_id: UUID,
    amount: int | None,
    reason: str,
    *,
    actor: str,
    items: Collection[UUID] = (),
    wish: Sequence[str] = (),
) -> PaymentRefund:
    """Record a refund. Commit, and then call `carry_out`; otherwise a job does.

    Args:
        amount: in the minor unit of the payment's currency; None for the amount paid for the items, or
            without items the refundable rest.
        reason: the reason, for the record.
        items: the refunded products, instead of an amount.
        wish: names of the caller's request, if it may be repeated. Each name finds the refund that was
            recorded the first time, unless that has failed; a new refund gets the first name.

    Raises:
        NotFound, NotRefundable, PaymentDisputed, RefundTooLarge, RestoredCopy
        RefundAmbiguous, ItemNotInPayment, ItemAlreadyRefunded
    """
    payment = lock_payment(scope, payment_id)
    refuse_on_copy(scope, payment.environment)
    refund_id, known = _of_wish(scope, payment, wish)
    if known is not None:
        return known
    refund = PaymentRefund(
        organisation_id=scope.organisation.id,
        id=refund_id,
        payment_id=payment.id,
        amount=amount_of(scope, payment, amount, items),
        items=sorted(items),
        status=RefundStatus.REQUESTED,
        reason=reason,
        requested_by=actor,
    )
    scope.session.add(refund)
    payment.reversals = True
    scope.session.flush()
    _record_request(scope, refund, actor)
    defer(scope, REFUND_JOB, in_seconds=RETRY_AFTER_S, refund_id=str(refund.id))
    return refund


def _record_request(scope: TenantScope, refund: PaymentRefund, actor: str) -> None:
    facts = {"amount": refund.amount, "reason": refund.reason}
    products = as_text(refund.items)
    named = {"refund": str(refund.id), "products": products}
    journal.append(scope, refund.payment_id, "refund_requested", by=actor, **named, **facts)
    record(
        scope,
        actor=actor,
        action="refund.requested",
        target=f"refund:{refund.id}",
        detail={"payment_id": str(refund.payment_id), **change({}, {**facts, "items": products})},
    )


def _of_wish(scope: TenantScope, payment: Payment, wish: Sequence[str]) -> tuple[UUID, PaymentRefund | None]:
    """Return the id of the refund for a repeatable request, and the refund if it is recorded.

    The payment is locked.
    """
    found = [_of_name(scope, payment, name) for name in wish]
    known = next((each for each in found if each[1] is not None), None)
    return known or (found[0] if found else (uuid7(), None))


def _of_name(scope: TenantScope, payment: Payment, name: str) -> tuple[UUID, PaymentRefund | None]:
    for failures in count():
        refund_id = uuid5(payment.id, f"{name}/{failures}")
        refund = find_refund(scope, refund_id)
        if refund is None or refund.status != RefundStatus.FAILED:
            return refund_id, refund
    raise AssertionError  # for the type checker: counting does not end


def find_refund(scope: TenantScope, refund_id: UUID) -> PaymentRefund | None:
    """Return a refund of the organisation, or None."""
    return scope.session.get(PaymentRefund, (scope.organisation.id, refund_id), populate_existing=True)


def order_of(scope: TenantScope, refund: PaymentRefund) -> RefundOrder:
    """Return the provider's order for a refund."""
    payment = scope.session.get_one(Payment, (scope.organisation.id, refund.payment_id))
    return RefundOrder(
        refund_id=refund.id,
        payment_id=payment.id,
        amount=refund.amount,
        currency=payment.currency,
        environment=payment.environment,
        items=tuple(refund.items),
    )


def provider_of(scope: TenantScope, payment_id: UUID) -> PaymentProvider:
    """Return the provider that took a payment, which may differ from the organisation's current provider.

    Raises:
        NotRefundable: the organisation has disabled it.
    """
    name = scope.session.get_one(Payment, (scope.organisation.id, payment_id)).provider
    try:
        return require_provider(scope, name)
    except ProviderNotSetUp as error:
        raise NotRefundable(error.detail) from None


def settle_refund(scope: TenantScope, order: RefundOrder, report: RefundReport, provider: str) -> None:
    """Record the provider's result of a refund, with `settle`."""
    settlement = Settlement(
        payment_id=order.payment_id,
        status=None,
        environment=order.environment,
        amount=None,
        currency=order.currency,
        source="refund",
        refunds=(report,),
    )
    settle(scope, settlement, provider=provider)


def fail_refund(scope: TenantScope, refund_id: UUID, reason: str) -> None:
    """Record that the provider refused a refund, so that its amount can be refunded again."""
    refund = find_refund(scope, refund_id)
    if refund is None:
        raise NotFound
    lock_payment(scope, refund.payment_id)
    scope.session.refresh(refund)
    if refund.status == RefundStatus.REQUESTED:
        refund.status = RefundStatus.FAILED
        facts = {"refund": str(refund.id), "amount": refund.amount}
        journal.append(scope, refund.payment_id, "refund_refused", reason=reason, **facts)


def give_up_refund(scope: TenantScope, refund_id: UUID, *, actor: str) -> PaymentRefund:
    """End a refund that the provider has not paid and will not receive again.

    The amount can be refunded again. If the provider reports the refund later, it becomes a separate refund.

    Args:
        scope: the organisation.
        refund_id: the refund.
        actor: the person who confirmed that the provider has not paid it, for the audit trail.

    Raises:
        NotFound: the organisation has no such refund.
        Conflict: the provider has accepted or refused it.
    """
    refund = find_refund(scope, refund_id)
    if refund is None:
        raise NotFound(f"{scope.organisation.id} has no refund {refund_id}.")
    lock_payment(scope, refund.payment_id)
    scope.session.refresh(refund)
    if refund.status != RefundStatus.REQUESTED:
        raise Conflict(f"Refund {refund_id} is {refund.status}; only a requested refund can be given up.")
    refund.status = RefundStatus.FAILED
    journal.append(
        scope, refund.payment_id, "refund_given_up", by=actor, refund=str(refund.id), amount=refund.amount
    )
    record(
        scope,
        actor=actor,
        action="refund.given_up",
        target=f"refund:{refund.id}",
        detail={
            "payment_id": str(refund.payment_id),
            "amount": refund.amount,
            **change({"status": RefundStatus.REQUESTED}, {"status": RefundStatus.FAILED}),
        },
    )
    return refund


def carry_out(scope: TenantScope, order: RefundOrder, provider: PaymentProvider) -> None:
    """Send a recorded refund to the provider and record the answer, in separate transactions.

    Args:
        scope: the organisation; its own transaction is not used, so that no connection is held while the
            provider answers.
        order: the order.
        provider: the provider.

    Raises:
        RefundRefused: the provider refuses it, which is recorded.
        Unavailable: the provider does not answer; the job tries again.
    """
    refuse_on_copy(scope, order.environment)
    try:
        with runtime_of(scope).between_transactions(scope.organisation) as outside:
            report = provider.refund(outside, order)
    except RefundRefused as refusal:
        with scope.begin() as own:
            fail_refund(own, order.refund_id, str(refusal))
        raise
    with scope.begin() as own:
        settle_refund(own, order, report, provider.name)
