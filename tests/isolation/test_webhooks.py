"""Events of one organisation's Stripe account, and the other organisation."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from autonomy_core.grants.models import Grant
from autonomy_core.operations.flushing import flush_all
from autonomy_core.payments.models import Payment
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy
from autonomy_core.webhooks.deliveries import UNKNOWN, count_deliveries
from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.testing import checkout_session, signed, stripe_event, stripe_settings, webhook_secret
from tests.isolation import intruder
from tests.isolation.sides import Side, World, payment_at
from tests.isolation.tables import content_of

COMPLETED = "checkout.session.completed"


@pytest.fixture
def pending(world: World) -> Payment:
    """A payment of beacon's that waits for its event."""
    return payment_of(world, world.other)


def payment_of(world: World, side: Side) -> Payment:
    product = world.autonomy.product(side.id)
    return payment_at(world.autonomy, side, "stripe_payments", product)[0]


def post(world: World, event: dict, *, secret_of: str, to: str, status: int) -> dict:
    body, headers = signed(event, webhook_secret(secret_of))
    return world.autonomy.app.post(f"/api/webhook/stripe/{to}", body, headers=headers, status=status).json


def state(world: World, payment: Payment) -> tuple[str, int, int]:
    """The payment's status, how many grants came of it, and how many events beacon has."""
    with world.autonomy.scope("beacon") as scope:
        status = scope.session.get_one(Payment, ("beacon", payment.id)).status
        grants = select(func.count()).select_from(Grant).where(Grant.payment_id == payment.id)
        events = select(func.count()).select_from(WebhookEvent)
        return status, scope.session.scalar(grants), scope.session.scalar(events)


def test_an_event_with_the_own_signature_completes_the_payment(world: World, pending: Payment) -> None:
    event = stripe_event(COMPLETED, checkout_session(pending))
    _, grants, events = state(world, pending)
    assert post(world, event, secret_of="beacon", to="beacon", status=200)["status"] == "processed"
    assert state(world, pending) == ("completed", grants + 1, events + 1)


def test_an_event_signed_with_another_organisations_secret_is_refused(world: World, pending: Payment) -> None:
    before = content_of(world.runtime, world.other)
    event = stripe_event(COMPLETED, checkout_session(pending))
    assert post(world, event, secret_of="acme", to="beacon", status=400)["code"] == "bad_signature"
    assert content_of(world.runtime, world.other) == before


def test_an_event_posted_to_another_organisation_is_refused(world: World, pending: Payment) -> None:
    before = content_of(world.runtime, world.one), content_of(world.runtime, world.other)
    event = stripe_event(COMPLETED, checkout_session(pending))
    post(world, event, secret_of="beacon", to="acme", status=400)
    assert (content_of(world.runtime, world.one), content_of(world.runtime, world.other)) == before


@pytest.mark.parametrize("claimed", ["acme", "beacon"])
def test_an_event_about_another_organisations_payment_is_set_aside(
    world: World, pending: Payment, claimed: str
) -> None:
    """The owner of an account can make it send any content, correctly signed."""
    before = content_of(world.runtime, world.other)
    metadata = {"organisation_id": claimed, "payment_id": str(pending.id)}
    event = stripe_event(COMPLETED, checkout_session(pending, metadata=metadata))
    assert post(world, event, secret_of="acme", to="acme", status=200)["status"] == "set_aside"
    assert content_of(world.runtime, world.other) == before
    with world.autonomy.scope("acme") as scope:
        stored = scope.session.scalars(select(WebhookEvent).where(WebhookEvent.event_id == event["id"])).one()
        grants = select(func.count()).select_from(Grant).where(Grant.payment_id == pending.id)
        assert (stored.payment_id, scope.session.scalar(grants)) == (None, 0)


def test_an_own_payment_with_a_foreign_organisation_id_is_set_aside(world: World) -> None:
    payment = payment_of(world, world.one)
    metadata = {"organisation_id": "beacon", "payment_id": str(payment.id)}
    event = stripe_event(COMPLETED, checkout_session(payment, metadata=metadata))
    assert post(world, event, secret_of="acme", to="acme", status=200)["status"] == "set_aside"
    with world.autonomy.scope("acme") as scope:
        assert scope.session.get_one(Payment, ("acme", payment.id)).status == "pending"


def test_the_same_event_id_in_two_accounts_is_two_events(world: World) -> None:
    for organisation in ("acme", "beacon"):
        event = stripe_event("charge.updated", {"livemode": False}, id="evt_of_both")
        assert post(world, event, secret_of=organisation, to=organisation, status=200)["status"] == "ignored"
        with world.autonomy.scope(organisation) as scope:
            assert (
                scope.session.get(WebhookEvent, (organisation, "stripe", "test", "evt_of_both")) is not None
            )


SHARED = "whsec_of_both"


def with_secret(world: World, side: Side, **secrets: str) -> None:
    """Have an organisation's file say other secrets."""
    organisation = world.autonomy.get_organisation(side.id)
    settings = {"stripe_payments": stripe_settings(side.id, **secrets)}
    settings |= {"customer_auth": {"failed_logins_per_address": "100000"}}
    world.autonomy.organisation(side.id, plugins=organisation.plugins, hosts=(side.host,), settings=settings)


def post_shared(world: World, event: dict, to: str) -> str:
    body, headers = signed(event, SHARED)
    return world.autonomy.app.post(f"/api/webhook/stripe/{to}", body, headers=headers).json["status"]


def test_a_shared_endpoints_event_is_stored_at_its_organisation_only(world: World, pending: Payment) -> None:
    for side in (world.one, world.other):
        with_secret(world, side, test_webhook_secret=SHARED)
    before, (_, grants, events) = content_of(world.runtime, world.one), state(world, pending)
    for to in ("acme", "beacon"):
        with world.undone():
            assert post_shared(world, stripe_event(COMPLETED, checkout_session(pending)), to) == "processed"
            assert content_of(world.runtime, world.one) == before
            assert state(world, pending) == ("completed", grants + 1, events + 1)


def test_a_shared_endpoints_dispute_is_stored_at_its_payment_only(world: World, pending: Payment) -> None:
    for side in (world.one, world.other):
        with_secret(world, side, test_webhook_secret=SHARED)
    post_shared(world, stripe_event(COMPLETED, checkout_session(pending)), "beacon")
    before, (*_, events) = content_of(world.runtime, world.one), state(world, pending)
    about = {"object": "dispute", "livemode": False, "payment_intent": f"pi_{pending.id.hex}"}
    post_shared(world, stripe_event("charge.dispute.created", about), "acme")
    assert content_of(world.runtime, world.one) == before
    assert state(world, pending)[2] == events + 1


def test_an_organisation_without_the_shared_secret_gets_no_event(world: World, pending: Payment) -> None:
    """The owner of an account can name any organisation, and may know payment intents."""
    with_secret(world, world.one, test_webhook_secret=SHARED)
    settled = stripe_event(COMPLETED, checkout_session(pending))
    post(world, settled, secret_of="beacon", to="beacon", status=200)
    before = content_of(world.runtime, world.other)
    theirs: list[dict[str, str]] = [{}, {"webhook_secret": SHARED}, {"previous_webhook_secret": SHARED}]
    named = {"metadata": {"organisation_id": "beacon"}}
    about = {"object": "dispute", "livemode": False, "payment_intent": f"pi_{pending.id.hex}"}
    for secrets in theirs:
        with_secret(world, world.other, **secrets)
        for subject in (about, about | named):
            for event_type in ("charge.dispute.created", "refund.created", COMPLETED):
                post_shared(world, stripe_event(event_type, subject), "acme")
    assert content_of(world.runtime, world.other) == before


def test_deliveries_are_counted_for_their_organisation_only(world: World, pending: Payment) -> None:
    flush_all(world.runtime)
    before = content_of(world.runtime, world.one)
    event = stripe_event(COMPLETED, checkout_session(pending))
    post(world, event, secret_of="acme", to="beacon", status=400)
    post(world, event, secret_of="beacon", to="beacon", status=200)
    flush_all(world.runtime)
    assert content_of(world.runtime, world.one) == before
    with world.autonomy.scope("beacon") as scope:
        assert count_deliveries(scope, "stripe", UNKNOWN, days=1).refused >= 1


def test_an_organisation_without_the_plugin_has_no_webhook(autonomy: Autonomy) -> None:
    autonomy.organisation("acme", plugins=(stand_ins.NAME, intruder.NAME))
    event = stripe_event("charge.updated", {"livemode": False})
    body, headers = signed(event, webhook_secret("acme"))
    autonomy.app.post("/api/webhook/stripe/acme", body, headers=headers, status=404)
