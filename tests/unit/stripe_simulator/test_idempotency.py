"""Idempotency keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.unit.stripe_simulator.support import until

KEY = {"idempotency_key": "payment-1"}


def test_the_same_key_and_parameters_are_answered_the_same(client, order):
    first, second = (client.v1.checkout.sessions.create(order(), KEY) for _ in range(2))
    assert second.id == first.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert second.last_response.headers["Original-Request"] == first.last_response.request_id
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_the_same_key_with_other_parameters_is_an_error(client, order, session):
    client.v1.checkout.sessions.create(order(), KEY)
    with pytest.raises(stripe.IdempotencyError) as caught:
        client.v1.checkout.sessions.create(order(unit_amount=1990), KEY)
    assert caught.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        client.v1.checkout.sessions.expire(session.id, None, KEY)


def test_the_same_key_at_the_same_time_is_a_conflict(client, order, server):
    with ThreadPoolExecutor(1) as pool:
        with server.simulator.ledger.lock:
            first = pool.submit(client.v1.checkout.sessions.create, order(), KEY)
            until(lambda: server.simulator.idempotency.in_progress)
            with pytest.raises(stripe.APIError) as caught:
                client.v1.checkout.sessions.create(order(), KEY)
        assert (caught.value.http_status, caught.value.error.code) == (409, "idempotency_key_in_use")
        session = first.result()
    assert client.v1.checkout.sessions.create(order(), KEY).id == session.id


def test_a_key_belongs_to_its_account(client, client_for, order):
    first = client.v1.checkout.sessions.create(order(), KEY)
    assert client_for("sk_test_other").v1.checkout.sessions.create(order(), KEY).id != first.id


def test_a_refusal_is_replayed_but_bad_parameters_keep_the_key_free(client, order):
    with pytest.raises(stripe.InvalidRequestError, match="colour"):
        client.v1.checkout.sessions.create(order(colour="red"), KEY)
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.checkout.sessions.create(order(unit_amount=1), KEY)
    assert caught.value.code == "amount_too_small"
    assert caught.value.headers["Idempotent-Replayed"] == "true"


def test_a_key_is_forgotten_after_a_day(client, order, server):
    first = client.v1.checkout.sessions.create(order(), KEY)
    server.simulator.idempotency.lifetime_s = -1
    assert client.v1.checkout.sessions.create(order(), KEY).id != first.id


def test_a_key_that_is_too_long_is_refused(client, order):
    with pytest.raises(stripe.InvalidRequestError, match="255"):
        client.v1.checkout.sessions.create(order(), {"idempotency_key": "x" * 256})
