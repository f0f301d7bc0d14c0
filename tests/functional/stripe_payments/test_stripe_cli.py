"""The official Stripe CLI offline: it triggers, receives and resends the simulator's events."""

from uuid import UUID, uuid4

import pytest
import requests

from autonomy_core.webhooks.models import WebhookEvent
from stripe_simulator.app import HANDLED_EVENTS
from tests.functional.openapi.serving import served
from tests.functional.stripe_payments.shop import COMPLETED, Shop
from tests.functional.stripe_payments.stripe_cli import StripeCli
from tests.unit.stripe_simulator.support import until

pytestmark = [pytest.mark.processes, pytest.mark.concurrent]


def paid_with(card):
    return "--override", f"payment_intent:payment_method=pm_card_{card}"


WINNING = ("--add", "disputes_update:evidence.uncategorized_text=winning_evidence")

TRIGGERS = [
    ((COMPLETED,), (COMPLETED,)),
    (("checkout.session.async_payment_succeeded",), ("checkout.session.async_payment_succeeded",)),
    (("checkout.session.async_payment_failed",), ("checkout.session.async_payment_failed",)),
    (("checkout.session.expired",), ("checkout.session.expired",)),
    (("payment_intent.payment_failed",), ("payment_intent.payment_failed",)),
    (("charge.refunded",), ("refund.created", "charge.refunded")),
    (("charge.refund.updated",), ("refund.updated",)),
    (("charge.refunded", *paid_with("refundFail")), ("refund.failed",)),
    (("charge.dispute.created",), ("charge.dispute.created",)),
    (("charge.dispute.created", *paid_with("createDispute")), ("charge.dispute.funds_withdrawn",)),
    (("charge.dispute.updated",), ("charge.dispute.updated",)),
    (("charge.dispute.closed",), ("charge.dispute.closed",)),
    (("charge.dispute.updated", *paid_with("createDispute"), *WINNING), ("charge.dispute.funds_reinstated",)),
]
"""Arguments of ``stripe trigger``, and the events that follow, among others."""


@pytest.fixture
def shop(committed, simulator):
    return Shop(committed, simulator)


@pytest.fixture
def cli(shop, tmp_path):
    return StripeCli(shop.simulator.url, shop.key, tmp_path)


@pytest.fixture
def listening(shop, cli):
    """`stripe listen`, forwarding to the shop's webhook; gives what it prints."""
    with (
        served(shop.autonomy.app.app) as server,
        cli.listening(f"{server}/api/webhook/stripe/{shop.id}") as printed,
    ):
        until(lambda: shop.simulator.simulator.listeners.of(shop.account()))
        yield printed


def use_the_secret_of(cli, shop):
    """Write the secret that the CLI prints into the organisation's file, as the documents say."""
    shop.configure(test_webhook_secret=cli.run("listen", "--print-secret").strip())


def events_of(simulator, key, **filters):
    """The events of the account of a key, from Stripe's API."""
    found = requests.get(
        f"{simulator.url}/v1/events", params={"limit": 100, **filters}, auth=(key, ""), timeout=10
    )
    return found.json()["data"]


def undelivered(shop):
    return [event["id"] for event in events_of(shop.simulator, shop.key, delivery_success="false")]


def deliveries(shop):
    """The ends of all deliveries, oldest first: the event's type and id, and how it was answered."""

    def ended():
        found = shop.ledger("deliveries")
        return found if found and all(each["status"] != "pending" for each in found) else None

    return [
        (each["type"], each["event"], each["status"], each["attempts"][-1]["status"])
        for each in reversed(until(ended))
    ]


def test_every_handled_event_can_be_triggered():
    assert {event for _, events in TRIGGERS for event in events} == set(HANDLED_EVENTS)


@pytest.mark.parametrize(("arguments", "events"), TRIGGERS, ids=" ".join)
def test_an_event_is_triggered(simulator, tmp_path, arguments, events):
    key = f"sk_test_{uuid4().hex}"
    assert "Trigger succeeded" in StripeCli(simulator.url, key, tmp_path).run("trigger", *arguments)
    assert set(events) <= {event["type"] for event in events_of(simulator, key)}


def test_a_triggered_event_reaches_the_webhook_and_is_set_aside(shop, cli, listening):
    use_the_secret_of(cli, shop)
    cli.run("trigger", COMPLETED)
    assert {answer for _, _, _, answer in deliveries(shop)} == {200}
    statuses = {row.type: row.status for row in shop.rows(WebhookEvent)}
    assert statuses.pop(COMPLETED) == "set_aside"
    assert {"product.created", "price.created"} <= set(statuses)
    assert set(statuses.values()) <= {"ignored", "set_aside"}
    assert [row.reason for row in shop.rows(WebhookEvent) if row.type == COMPLETED] != [None]
    assert shop.grants() == []


def test_events_forwarded_by_listen_complete_a_purchase(shop, cli, listening):
    use_the_secret_of(cli, shop)
    answer = shop.purchase().json
    assert shop.visit(answer["checkout_url"], "pay")
    until(lambda: shop.status(UUID(answer["payment"]["id"])) == "completed")
    assert (COMPLETED, "delivered", 200) in [(kind, how, answer) for kind, _, how, answer in deliveries(shop)]
    until(lambda: any(COMPLETED in line for line in listening))
    assert len(shop.grants()) == 1


def test_a_refused_event_can_be_resent(shop, cli, listening):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    [(event_id, how, status)] = [
        (event, how, status) for kind, event, how, status in deliveries(shop) if kind == COMPLETED
    ]
    assert (how, status) == ("failed", 400)
    assert event_id in undelivered(shop)
    use_the_secret_of(cli, shop)
    assert event_id in cli.run("events", "resend", event_id)
    until(lambda: shop.status(UUID(answer["payment"]["id"])) == "completed")
    assert deliveries(shop)[-1] == (COMPLETED, event_id, "delivered", 200)
    assert event_id not in undelivered(shop)
