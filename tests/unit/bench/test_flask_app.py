"""The Flask application of the benchmark is correct; otherwise the comparison means nothing."""

import json

import pytest
from stripe import WebhookSignature

from bench.by_hand import ENVIRONMENT, make_shop
from bench.database import execute
from bench.flask_app import create_app
from bench.purchase.by_hand import TOKENS
from bench.webhooks import by_hand, events


@pytest.fixture
def shop(postgresql, monkeypatch):
    """A client of the shop, and its database; payment 0 is pending."""
    address = make_shop(postgresql, "flask_app")
    execute(address, by_hand.PENDING, {"first": 0, "last": 0})
    environment = {**ENVIRONMENT, "DATABASE_URL": postgresql.url("flask_app"), "POOL_SIZE": "2"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app = create_app()
    yield app.test_client(), address
    app.extensions["engine"].dispose()
    postgresql.drop_database("flask_app")


def post(client, secret=events.SECRET, **changes):
    event = events.completed_event(0, reference="0", metadata={})
    event["data"]["object"].update(changes)
    body = json.dumps(event)
    signature = WebhookSignature.generate_signature_header(body, secret)
    return client.post("/webhook", data=body, headers={"Stripe-Signature": signature}).status_code


def test_an_event_completes_its_payment_and_grants_the_product_once(shop):
    client, address = shop
    assert [post(client), post(client)] == [200, 200]
    assert execute(address, by_hand.SETTLED) == [(1, 1, 1)]


def test_an_event_with_a_wrong_signature_is_refused(shop):
    client, address = shop
    assert post(client, secret="whsec_other") == 400
    assert execute(address, by_hand.SETTLED) == [(0, 0, 0)]


@pytest.mark.parametrize("changes", [{"amount_total": 1}, {"currency": "usd"}, {"id": "cs_test_unknown"}])
def test_an_event_that_does_not_fit_the_payment_is_refused(shop, changes):
    client, address = shop
    assert post(client, **changes) == 400
    assert execute(address, by_hand.SETTLED) == [(0, 0, 0)]


def test_an_unpaid_session_completes_nothing(shop):
    client, address = shop
    assert post(client, payment_status="unpaid") == 200
    assert execute(address, by_hand.SETTLED) == [(0, 0, 0)]


def purchase(client, token):
    return client.post(
        "/products/3/purchase", json={}, headers={"Authorization": f"Bearer {token}"}
    ).status_code


def test_a_purchase_needs_the_customers_token(shop):
    client, _ = shop
    assert purchase(client, "") == 401
    assert purchase(client, TOKENS.dumps(0)[:-1]) == 401


def test_an_owned_product_cannot_be_bought(shop):
    client, address = shop
    execute(
        address,
        "INSERT INTO grants (payment_id, customer_id, product_id, granted_at) VALUES (0, 0, 3, now())",
    )
    assert purchase(client, TOKENS.dumps(0)) == 409


def test_a_purchase_without_stripe_leaves_a_pending_payment(shop):
    client, address = shop
    assert purchase(client, TOKENS.dumps(0)) == 503
    pending = "SELECT session_id FROM payments WHERE product_id = 3 AND status = 'pending'"
    assert execute(address, pending) == [(None,)]
