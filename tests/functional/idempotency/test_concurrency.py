"""Many at once with one key."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select
from webtest import TestApp

from autonomy_core.payments.models import Payment
from tests.functional.idempotency.conftest import KEY, is_replay

pytestmark = pytest.mark.concurrent

MANY = 16


@pytest.fixture
def shop(committed_shop):
    return committed_shop


@pytest.fixture
def purchases(shop):
    """Buys a product many times at the same moment; gives the answers."""
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


def test_of_many_identical_purchases_at_once_one_is_a_payment(shop, purchases):
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


def test_of_many_different_purchases_at_once_one_wins_and_the_others_are_refused(shop, purchases):
    bodies = [{"success_url": f"https://acme.example/{number}"} for number in range(MANY)]
    outcomes = Counter(map(told, purchases(bodies)))
    assert outcomes["bought"] == 1
    assert set(outcomes) <= {"bought", "idempotency_in_progress", "idempotency_key_reused"}
    assert len(payments(shop)) == 1


def test_a_double_click_without_a_key_is_one_payment_too_and_the_second_answer_says_so(shop, purchases):
    """The key is for those who want the first answer again, whatever the call."""
    ada = shop.autonomy.customer(email="grace@example.org")
    product = shop.autonomy.product()
    for status in (201, 200):
        path = f"customers/products/{product.id}/purchase"
        shop.post(path, key=None, by=shop.autonomy.as_customer(ada), status=status)
    assert len(payments(shop)) == 1


def test_of_many_tries_at_once_to_find_out_what_a_stranger_sent_none_is_told_after_the_first(shop):
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
