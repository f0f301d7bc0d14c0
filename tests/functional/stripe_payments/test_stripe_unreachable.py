"""Purchases and returns while Stripe does not answer."""

import socket

import pytest

from autonomy_core.plugin_api.payments import Payment
from stripe_payments.api import client
from stripe_payments.testing import checkout_session
from tests.functional.stripe_payments.shop import Shop


@pytest.fixture(scope="module")
def autonomy_settings():
    with socket.socket() as taken:
        # Bound but not listening: connections are refused.
        taken.bind(("127.0.0.1", 0))
        yield {"stripe_payments.api_base": f"http://127.0.0.1:{taken.getsockname()[1]}"}


@pytest.fixture
def shop(autonomy, monkeypatch):
    monkeypatch.setattr(client, "RETRIES", 0)
    return Shop(autonomy, None)


def test_a_purchase_without_stripe_is_a_503_with_a_failed_payment(shop):
    problem = shop.purchase(status=503).json
    assert (problem["code"], problem["detail"]) == ("unavailable", client.NO_ANSWER)
    (payment,) = shop.rows(Payment)
    assert payment.status == "failed"
    assert payment.failure_reason == client.NO_ANSWER


def test_a_return_without_stripe_redirects_and_the_webhook_settles(shop):
    payment = shop.payment()
    session_id = checkout_session(payment)["id"]
    answer = shop.autonomy.app.get(f"/acme/api/v1/checkout/stripe/return?session_id={session_id}", status=303)
    assert answer.headers["Location"].startswith("https://acme.example/")
    assert shop.status(payment) == "pending"
    assert shop.post(shop.event(payment)).json["status"] == "processed"
    assert shop.status(payment) == "completed"
