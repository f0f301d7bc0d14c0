from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import func, select

from autonomy_core.plugin_api.customers import Customer
from autonomy_core.security.models import RateCount
from customer_auth.models import Credential, LoginSession, RefreshToken
from customer_auth.passwords.credentials import forget_credentials
from customer_auth.sessions.clients import Client
from customer_auth.sessions.methods import Method
from customer_auth.sessions.services import open_session, open_sessions
from tests.functional.customer_auth.concurrent_calls import at_once, statuses, wait_for_a_lock
from tests.functional.customer_auth.second_factors import protect

pytestmark = pytest.mark.concurrent


def test_concurrent_registrations_of_one_address_succeed_once(committed_shop):
    body = {"email": "ada@example.org", "password": "a long engine", "name": "Ada"}
    answers = at_once(committed_shop, "register", [body] * 8)
    assert statuses(answers) == {201: 1, 409: 7}
    with committed_shop.autonomy.scope() as scope:
        assert scope.session.scalar(select(func.count()).select_from(Customer)) == 1
        assert scope.session.scalar(select(func.count()).select_from(LoginSession)) == 1


def test_concurrent_refreshes_of_one_token_succeed_once(committed_shop):
    token = committed_shop.register().json["refresh_token"]
    answers = at_once(committed_shop, "refresh", [{"refresh_token": token}] * 8)
    assert statuses(answers) == {200: 1, 409: 7}
    (new,) = [answer.json for answer in answers if answer.status_int == 200]
    committed_shop.refresh(new["refresh_token"])


def test_a_logout_during_a_refresh_leaves_no_login(committed_shop):
    token = committed_shop.register().json["refresh_token"]
    body = {"refresh_token": token}
    with ThreadPoolExecutor(2) as pool:
        refreshing = pool.submit(at_once, committed_shop, "refresh", [body])
        leaving = pool.submit(at_once, committed_shop, "logout", [body])
    (refreshed,) = refreshing.result()
    assert statuses(leaving.result()) == {204: 1}
    newest = refreshed.json.get("refresh_token", token)
    committed_shop.refresh(newest, 401)


def test_concurrent_guesses_do_not_exceed_the_limit(committed_shop):
    committed_shop.register()
    guesses = [{"email": "ada@example.org", "password": f"guess number {number}"} for number in range(24)]
    answers = at_once(committed_shop, "login", guesses)
    assert statuses(answers) == {401: 10, 429: 14}


def test_concurrent_logins_from_one_address_are_not_counted(committed_shop):
    emails = [f"customer{number}@example.org" for number in range(8)]
    for email in emails:
        committed_shop.register(email)
    bodies = [{"email": email, "password": "a long engine"} for email in emails * 4]
    assert statuses(at_once(committed_shop, "login", bodies)) == {200: 32}
    with committed_shop.autonomy.scope() as scope:
        pending = scope.session.scalars(
            select(RateCount.bucket).where(
                RateCount.drained_at > func.now(), RateCount.bucket.like("login.%")
            )
        ).all()
        assert pending == []
        assert scope.session.scalar(select(func.count()).select_from(RefreshToken)) == 40


def steps(shop, code):
    """The second step of eight logins, all with the same code."""
    flows = [shop.login(status=403).json["flow"] for _ in range(8)]
    return [{"flow": flow, "code": code} for flow in flows]


def test_a_code_that_is_sent_eight_times_at_once_opens_one_login(committed_shop):
    app = protect(committed_shop, committed_shop.register().json["access_token"])
    answers = at_once(committed_shop, "login/second-factor", steps(committed_shop, app.code()))
    assert statuses(answers)[200] == 1
    assert set(statuses(answers)) <= {200, 422, 429}


def test_a_recovery_code_that_is_sent_at_once_opens_one_login(committed_shop):
    app = protect(committed_shop, committed_shop.register().json["access_token"])
    bodies = steps(committed_shop, app.recovery_codes[0])
    assert statuses(at_once(committed_shop, "login/second-factor", bodies)) == {200: 1, 422: 7}


def test_a_flow_that_is_completed_at_once_opens_one_login(committed_shop):
    app = protect(committed_shop, committed_shop.register().json["access_token"])
    flow = committed_shop.login(status=403).json["flow"]
    bodies = [{"flow": flow, "code": code} for code in app.recovery_codes[:8]]
    assert statuses(at_once(committed_shop, "login/second-factor", bodies)) == {200: 1, 401: 7}


def test_a_login_that_begins_before_a_purge_does_not_survive_it(committed_shop):
    """Otherwise who has registered a foreign address stays in the account when its owner proves it."""
    customer_id = UUID(committed_shop.register().json["customer"]["id"])
    began = Barrier(2)

    def purge():
        with committed_shop.autonomy.scope() as scope:
            began.wait(20)
            forget_credentials(scope, customer_id)

    with ThreadPoolExecutor(1) as pool:
        with committed_shop.autonomy.scope() as scope:
            scope.session.scalars(select(Credential).with_for_update()).one()
            purging = pool.submit(purge)
            began.wait(20)
            wait_for_a_lock(committed_shop.autonomy.database)
            open_session(scope, customer_id, methods=[Method.PASSWORD], client=Client("203.0.113.9"))
        purging.result()
    with committed_shop.autonomy.scope() as scope:
        assert scope.session.scalars(open_sessions(scope, customer_id)).all() == []
