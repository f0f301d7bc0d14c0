"""During a rotation of the server's secret, data of the previous secret stay valid."""

from dataclasses import replace
from itertools import cycle

import pytest
from sqlalchemy import delete, func, select

from autonomy_core.idempotency.models import IdempotencyKey
from autonomy_core.payments.models import PaymentRefund
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.testing.application import chosen_plugins
from customer_auth.second_factors.jobs import reseal
from tests.functional.customer_auth.second_factors import protect
from tests.functional.customer_auth.shop import Shop

OLD = Secret("the old secret of the server".ljust(40, "."))
NEW = Secret("the new secret of the server".ljust(40, "."))
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
LOGIN = {"email": "ada@example.org", "password": "a long engine"}
API = "/acme/api/v1"


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("customer_auth")


@pytest.fixture
def restarted(autonomy, monkeypatch):
    """Restarts the server with other secrets."""

    def restart(secret, *previous):
        settings = replace(autonomy.runtime.settings, secret=secret, previous_secrets=previous)
        runtime = replace(autonomy.runtime, settings=settings)
        monkeypatch.setattr(autonomy.app.app.registry, "_runtime", runtime)
        autonomy.runtime = runtime

    before = autonomy.runtime
    autonomy.organisation("acme", plugins=("customer_auth", "stand_ins"))
    restart(OLD)
    autonomy.app.post_json(f"{API}/customers/register", {**LOGIN, "name": "Ada"})
    yield restart
    autonomy.runtime = before


def login(autonomy, headers=None, **options):
    return autonomy.app.post_json(f"{API}/customers/login", LOGIN, headers=headers, **options)


def me(autonomy, token, status):
    autonomy.app.get(f"{API}/customers/me", headers={"Authorization": f"Bearer {token}"}, status=status)


def test_an_app_works_after_the_removal_if_its_secret_was_resealed(autonomy, restarted):
    shop = Shop(autonomy, "acme")
    app = protect(shop, login(autonomy).json["access_token"])
    restarted(NEW, OLD)
    for reseals in (False, True):
        flow = login(autonomy, status=403).json["flow"]
        shop.post("login/second-factor", {"flow": flow, "code": app.code()}, 200)
        app.forget_step()
        if not reseals:
            with autonomy.scope("acme") as scope:
                reseal(scope)
            restarted(NEW)


def test_an_app_of_a_lost_secret_is_refused_but_not_its_recovery_codes(autonomy, restarted):
    shop = Shop(autonomy, "acme")
    app = protect(shop, login(autonomy).json["access_token"])
    restarted(NEW)
    with autonomy.scope("acme") as scope:
        reseal(scope)
    flow = login(autonomy, status=403).json["flow"]
    shop.post("login/second-factor", {"flow": flow, "code": app.code()}, 422)
    shop.post("login/second-factor", {"flow": flow, "code": app.recovery_codes[0]}, 200)


def test_tokens_of_the_previous_secret_are_valid_until_its_removal(autonomy, restarted):
    old = login(autonomy).json["access_token"]
    restarted(NEW, OLD)
    new = login(autonomy).json["access_token"]
    me(autonomy, old, 200)
    me(autonomy, new, 200)
    restarted(NEW)
    me(autonomy, old, 401)
    me(autonomy, new, 200)
    restarted(OLD)
    me(autonomy, new, 401)


def test_servers_accept_each_others_tokens_during_a_rotation(autonomy, restarted):
    restarted(OLD, NEW)
    old = login(autonomy).json["access_token"]
    restarted(NEW, OLD)
    new = login(autonomy).json["access_token"]
    for secrets in ((OLD, NEW), (NEW, OLD)):
        restarted(*secrets)
        me(autonomy, old, 200)
        me(autonomy, new, 200)


@pytest.mark.parametrize(
    ("first", "second"), [((OLD,), (NEW, OLD)), ((OLD, NEW), (NEW, OLD)), ((NEW, OLD), (NEW,))]
)
def test_a_request_repeated_across_a_rotation_is_executed_once(autonomy, restarted, first, second):
    restarted(*first)
    answer = login(autonomy, KEY)
    restarted(*second)
    again = login(autonomy, KEY)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json == answer.json
    other = {**LOGIN, "password": "another one"}
    reused = autonomy.app.post_json(f"{API}/customers/login", other, headers=KEY, status=422)
    assert reused.json["code"] == "idempotency_key_reused"


def test_an_answer_under_a_removed_secret_is_not_replayed(autonomy, restarted):
    login(autonomy, KEY)
    restarted(NEW)
    assert "Idempotent-Replayed" not in login(autonomy, KEY).headers


def test_a_rate_limit_survives_the_rotation(autonomy, restarted):
    wrong = {**LOGIN, "password": "a wrong one"}

    def attempt():
        return autonomy.app.post_json(f"{API}/customers/login", wrong, expect_errors=True).status_int

    while attempt() != 429:
        pass
    restarted(NEW, OLD)
    assert attempt() == 429


@pytest.mark.parametrize(
    "servers", [[(OLD,), (NEW, OLD)], [(NEW, OLD), (OLD,)], [(OLD, NEW), (NEW, OLD)], [(OLD, NEW), (OLD,)]]
)
def test_servers_with_different_secrets_share_one_rate_limit(autonomy, restarted, servers):
    limits = {"customer_auth": {"failed_logins_per_email": "4"}}
    autonomy.organisation("acme", plugins=("customer_auth", "stand_ins"), settings=limits)
    wrong, attempts = {**LOGIN, "password": "a wrong one"}, 0
    for secrets in cycle(servers):
        restarted(*secrets)
        if autonomy.app.post_json(f"{API}/customers/login", wrong, expect_errors=True).status_int == 429:
            break
        attempts += 1
    assert attempts == 4


def test_a_secret_listed_twice_counts_once(autonomy, restarted):
    restarted(OLD, OLD)
    me(autonomy, login(autonomy).json["access_token"], 200)


def test_a_successful_login_during_a_rotation_is_not_counted(autonomy, restarted):
    limits = {"customer_auth": {"failed_logins_per_email": "1"}}
    autonomy.organisation("acme", plugins=("customer_auth", "stand_ins"), settings=limits)
    for secrets in ((NEW, OLD), (OLD,), (NEW,)):
        restarted(*secrets)
        login(autonomy)


def test_an_interrupted_refund_is_not_repeated_after_a_rotation(autonomy, restarted):
    customer, product = autonomy.customer(email="bob@example.org"), autonomy.product()
    payment = autonomy.buy(customer, product)
    staff = autonomy.as_staff()
    path = f"{API}/admin/payments/{payment.id}/refunds"
    body = {"amount": 100, "reason": "a scratch"}
    autonomy.app.post_json(path, body, headers={**staff, **KEY})
    forget_the_answers(autonomy)
    restarted(NEW, OLD)
    autonomy.app.post_json(path, body, headers={**staff, **KEY})
    with autonomy.scope() as scope:
        assert scope.session.scalar(select(func.count()).select_from(PaymentRefund)) == 1


def forget_the_answers(autonomy):
    """As if the process was killed after the refund and before the answer was stored."""
    with autonomy.scope() as scope:
        scope.session.execute(delete(IdempotencyKey))
