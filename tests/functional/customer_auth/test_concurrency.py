from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from webtest import TestApp

from autonomy_core.plugin_api.customers import Customer
from customer_auth.models import Attempts, LoginSession, RefreshToken

pytestmark = pytest.mark.concurrent


def at_once(shop, call, bodies):
    """Post the bodies at the same moment; gives the answers."""
    path = f"/{shop.id}/api/v1/customers/{call}"

    def post(body):
        return TestApp(shop.autonomy.app.app).post_json(
            path, body, expect_errors=True, extra_environ={"REMOTE_ADDR": shop.address}
        )

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(post, bodies))


def statuses(answers):
    return Counter(answer.status_int for answer in answers)


def test_of_registrations_of_one_address_at_once_one_succeeds(committed_shop):
    body = {"email": "ada@example.org", "password": "a long engine", "name": "Ada"}
    answers = at_once(committed_shop, "register", [body] * 8)
    assert statuses(answers) == {201: 1, 409: 7}
    with committed_shop.autonomy.scope() as scope:
        assert scope.session.scalar(select(func.count()).select_from(Customer)) == 1
        assert scope.session.scalar(select(func.count()).select_from(LoginSession)) == 1


def test_of_exchanges_of_one_token_at_once_one_succeeds_and_the_login_goes_on(committed_shop):
    token = committed_shop.register().json["refresh_token"]
    answers = at_once(committed_shop, "refresh", [{"refresh_token": token}] * 8)
    assert statuses(answers) == {200: 1, 409: 7}
    (new,) = [answer.json for answer in answers if answer.status_int == 200]
    committed_shop.refresh(new["refresh_token"])


def test_a_logout_and_an_exchange_at_once_leave_no_login(committed_shop):
    token = committed_shop.register().json["refresh_token"]
    body = {"refresh_token": token}
    with ThreadPoolExecutor(2) as pool:
        refreshing = pool.submit(at_once, committed_shop, "refresh", [body])
        leaving = pool.submit(at_once, committed_shop, "logout", [body])
    (refreshed,) = refreshing.result()
    assert statuses(leaving.result()) == {204: 1}
    newest = refreshed.json.get("refresh_token", token)
    committed_shop.refresh(newest, 401)


def test_guesses_at_once_do_not_slip_in_under_the_limit(committed_shop):
    committed_shop.register()
    guesses = [{"email": "ada@example.org", "password": f"guess number {number}"} for number in range(24)]
    answers = at_once(committed_shop, "login", guesses)
    assert statuses(answers) == {401: 10, 429: 14}


def test_many_customers_log_in_at_once_from_one_address_without_a_trace(committed_shop):
    emails = [f"customer{number}@example.org" for number in range(8)]
    for email in emails:
        committed_shop.register(email)
    bodies = [{"email": email, "password": "a long engine"} for email in emails * 4]
    assert statuses(at_once(committed_shop, "login", bodies)) == {200: 32}
    with committed_shop.autonomy.scope() as scope:
        pending = scope.session.scalars(
            select(Attempts.bucket).where(Attempts.drained_at > func.now(), Attempts.bucket.like("login.%"))
        ).all()
        assert pending == []
        assert scope.session.scalar(select(func.count()).select_from(RefreshToken)) == 40
