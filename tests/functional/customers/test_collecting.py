"""Guests who have not paid, and events that arrive after an erasure, keep no personal data."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from autonomy_core.customers.erasing import erase
from autonomy_core.customers.models import Customer
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments.guest_collection import KEPT_FOR, collect_guests
from autonomy_core.webhooks.models import WebhookEvent
from autonomy_core.webhooks.personal_data import redact_late

ADA = "ada@example.org"


def let_pass(desk, time):
    with desk.autonomy.scope() as scope:
        scope.session.execute(update(Customer).values(created_at=Customer.created_at - time))


def collect(desk):
    with desk.autonomy.scope() as scope:
        collect_guests(scope)


def addresses(desk):
    return {row.email for row in desk.rows(select(Customer))}


@pytest.mark.parametrize("status", [None, PaymentStatus.EXPIRED, PaymentStatus.FAILED])
def test_a_guest_who_has_not_paid_is_erased_after_a_month(desk, status):
    payment = desk.autonomy.payment(desk.guest(ADA), desk.autonomy.product())
    if status is not None:
        desk.autonomy.settle(payment, status)
    let_pass(desk, KEPT_FOR - timedelta(minutes=1))
    collect(desk)
    assert addresses(desk) == {ADA}
    let_pass(desk, timedelta(minutes=1))
    collect(desk)
    assert addresses(desk) == {""}


@pytest.mark.parametrize("status", [PaymentStatus.PROCESSING, PaymentStatus.COMPLETED])
def test_a_guest_who_pays_or_has_paid_is_kept(desk, status):
    desk.autonomy.settle(desk.autonomy.payment(desk.guest(ADA), desk.autonomy.product()), status)
    let_pass(desk, 2 * KEPT_FOR)
    collect(desk)
    assert addresses(desk) == {ADA}


def test_an_account_without_payments_is_kept(desk):
    desk.autonomy.customer(email=ADA)
    let_pass(desk, 2 * KEPT_FOR)
    collect(desk)
    assert addresses(desk) == {ADA}


def test_an_event_that_arrives_after_the_erasure_loses_the_address(desk):
    guest = desk.guest(ADA)
    payment = desk.autonomy.buy(guest, desk.autonomy.product())
    with desk.autonomy.scope() as scope:
        erase(scope, guest.id, actor="test")
    with desk.autonomy.scope() as scope:
        scope.session.add(
            WebhookEvent(
                organisation_id="acme",
                source="stripe",
                environment="test",
                event_id="evt_1",
                type="charge.refunded",
                payload={"object": {"id": "ch_1", "billing_details": {"email": ADA}}},
                status="processed",
                payment_id=payment.id,
                received_at=utcnow(),
            )
        )
    with desk.autonomy.scope() as scope:
        redact_late(scope, members=frozenset({"billing_details"}))
    (event,) = desk.rows(select(WebhookEvent))
    assert event.payload == {"object": {"id": "ch_1", "billing_details": None}}
