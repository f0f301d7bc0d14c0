"""Concurrent requests with one key."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select
from webtest import TestApp

from autonomy_core.payments.models import Payment
from tests.functional.idempotency.shop import KEY, is_replay

pytestmark = pytest.mark.concurrent

MANY = 16


@pytest.fixture
def shop(committed_shop):
    return committed_shop


@pytest.fixture
def purchases(shop):
    """Make many concurrent purchases of a product; return the answers."""
    ada, product = shop.autonomy.customer(), shop.autonomy.product()
    headers = {"Idempotency-Key": KEY, **shop.autonomy.as_customer(ada)}
    path = f"/acme/api/v1/customers/products/{product.id}/purchase"

    def at_once(bodies):
        together = Barrier(len(bodies))

        def buy(body):
            together.wait()
            return TestApp(shop.autonomy.app.app).post_json(path, body, headers=headers, expect_errors=True)

        with ThreadPoolExecutor(len(bodies)) as pool:
            return list(pool.map(buy, bodies))

    return at_once


def payments(shop):
    with shop.autonomy.scope() as scope:
        return [str(payment.id) for payment in scope.session.scalars(select(Payment))]


def told(answer):
    if answer.status_int == 201:
        return "replayed" if is_replay(answer) else "bought"
    return answer.json["code"]


def test_concurrent_identical_purchases_are_one_payment(shop, purchases):
    answers = purchases([{}] * MANY)
    outcomes = Counter(map(told, answers))
    assert outcomes["bought"] == 1
    assert set(outcomes) <= {"bought", "replayed", "idempotency_in_progress"}
    assert {answer.json["payment"]["id"] for answer in answers if answer.status_int == 201} == set(
        payments(shop)
    )
    assert len(payments(shop)) == 1
    (later,) = purchases([{}])
    assert (told(later), later.json["payment"]["id"]) == ("replayed", payments(shop)[0])


def test_concurrent_different_purchases_with_one_key_succeed_once(shop, purchases):
    bodies = [{"success_url": f"https://acme.example/{number}"} for number in range(MANY)]
    outcomes = Counter(map(told, purchases(bodies)))
    assert outcomes["bought"] == 1
    assert set(outcomes) <= {"bought", "idempotency_in_progress", "idempotency_key_reused"}
    assert len(payments(shop)) == 1


def test_a_double_click_without_a_key_is_one_payment(shop, purchases):
    """A key is needed only to get the first answer again."""
    ada = shop.autonomy.customer(email="grace@example.org")
    product = shop.autonomy.product()
    for status in (201, 200):
        path = f"customers/products/{product.id}/purchase"
        shop.post(path, key=None, by=shop.autonomy.as_customer(ada), status=status)
    assert len(payments(shop)) == 1


def test_concurrent_guesses_of_a_body_are_limited_to_one(shop):
    shop.work("the password", key="a-key-that-was-guessed")
    guesses = ["a guess"] * 7 + ["the password"]
    together = Barrier(len(guesses))

    def try_out(note):
        together.wait()
        return shop.work_like_another_process(note, key="a-key-that-was-guessed")

    with ThreadPoolExecutor(len(guesses)) as pool:
        answers = list(pool.map(try_out, guesses))
    assert {answer.status_int for answer in answers[:-1]} == {422}
    assert (
        shop.work("the password", key="a-key-that-was-guessed", status=422).json["code"]
        == "idempotency_key_reused"
    )
    assert shop.works == ["the password"]
