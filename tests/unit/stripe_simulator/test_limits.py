"""Rate limits, lock timeouts and network faults, as Stripe's clients meet them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from stripe_simulator.errors import StripeError
from stripe_simulator.limits import RateLimiter
from tests.unit.stripe_simulator.support import until

KEY = {"idempotency_key": "payment-1"}


class Clock:
    seconds = 0.0

    def __call__(self):
        return self.seconds


def test_an_accounts_requests_per_second_are_limited():
    clock = Clock()
    limiter = RateLimiter(2, clock)
    for clock.seconds in (0.0, 0.5, 1.0, 1.5):
        limiter.admit("acct_acme")
    with pytest.raises(StripeError) as caught:
        limiter.admit("acct_acme")
    assert (caught.value.status, caught.value.code) == (429, "rate_limit")
    limiter.admit("acct_other")
    clock.seconds = 2.0
    limiter.admit("acct_acme")


@pytest.mark.parametrize("options", [{"rate_limit": 1}])
def test_a_request_above_the_limit_is_refused_as_stripe_does(server, client, order):
    server.simulator.limiter = RateLimiter(1, Clock())
    client.v1.events.list()
    with pytest.raises(stripe.RateLimitError) as caught:
        client.v1.checkout.sessions.create(order(), KEY)
    assert (caught.value.http_status, caught.value.error.code) == (429, "rate_limit")
    assert caught.value.headers["Stripe-Rate-Limited-Reason"] == "global-rate"


@pytest.mark.parametrize("options", [{"lock_timeouts": True}])
def test_a_concurrent_write_to_one_object_is_refused(server, client, paid):
    intent = paid.payment_intent.id
    with ThreadPoolExecutor(1) as pool:
        with server.simulator.ledger.lock:
            first = pool.submit(client.v1.refunds.create, {"payment_intent": intent, "amount": 100}, KEY)
            until(lambda: server.simulator.locks.held)
            with pytest.raises(stripe.RateLimitError) as caught:
                client.v1.refunds.create({"payment_intent": intent, "amount": 100})
        assert (caught.value.http_status, caught.value.error.code) == (429, "lock_timeout")
        assert "Stripe-Rate-Limited-Reason" not in caught.value.headers
        assert first.result().amount == 100
    assert client.v1.refunds.create({"payment_intent": intent, "amount": 100}).amount == 100


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        ("500", stripe.APIError, None),
        ("503", stripe.APIError, None),
        ("429", stripe.RateLimitError, "rate_limit"),
        ("409", stripe.APIError, "idempotency_key_in_use"),
        ("close", stripe.APIConnectionError, None),
    ],
)
@pytest.mark.parametrize("after", ["false", "true"])
def test_an_injected_fault_is_retried_and_done_once(client, order, control, status, error, code, after):
    control("faults", status=status, times="2", after=after)
    for _ in range(2):
        with pytest.raises(error) as caught:
            client.v1.checkout.sessions.create(order(), KEY)
        assert getattr(caught.value.error, "code", None) == code
    assert client.v1.checkout.sessions.create(order(), KEY).status == "open"
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_the_sdk_retries_after_a_fault(client_for, order, control):
    control("faults", status="500", after="true")
    client = client_for("sk_test_acme", max_network_retries=1)
    assert client.v1.checkout.sessions.create(order()).status == "open"
    assert len(client.v1.checkout.sessions.list().data) == 1


@pytest.mark.parametrize("after", ["false", "true"])
def test_a_stalled_answer_times_out_and_does_not_block_the_stop(client, client_for, order, control, after):
    control("faults", status="stall", seconds="3600", after=after)
    transport = stripe.RequestsClient(timeout=(3, 0.1))
    impatient = client_for("sk_test_acme", http_client=transport)
    with pytest.raises(stripe.APIConnectionError):
        impatient.v1.checkout.sessions.create(order())
    transport.close()
    until(lambda: len(client.v1.checkout.sessions.list().data) == (1 if after == "true" else 0))


def test_a_fault_applies_to_the_chosen_calls_only(client, order, control, http, server):
    control("faults", status="500", path="/v1/refunds", method="POST")
    assert client.v1.refunds.list().data == []
    assert client.v1.checkout.sessions.create(order())
    assert len(http.get(f"{server.url}/_simulator/faults").json()["faults"]) == 1
    with pytest.raises(stripe.APIError):
        client.v1.refunds.create({"payment_intent": "pi_nothing"})
    assert http.get(f"{server.url}/_simulator/faults").json() == {"faults": []}


def test_faults_can_be_cancelled(client, control, http, server):
    control("faults", status="500", times="100")
    assert http.delete(f"{server.url}/_simulator/faults").json() == {"faults": []}
    assert client.v1.events.list().data == []


@pytest.mark.parametrize(
    "form", [{}, {"status": "404"}, {"status": "500", "times": "0"}, {"status": "500", "at": "x"}]
)
def test_an_invalid_fault_is_refused(control, form):
    assert control("faults", **form).status_code == 400
