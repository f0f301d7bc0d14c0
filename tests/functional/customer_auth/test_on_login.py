"""The hook `on_login`, blocked accounts, and that no way to log in avoids the second factor."""

from types import ModuleType

import pytest
from sqlalchemy import update

from autonomy_core.customers.models import Customer
from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.errors import NotAllowed
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.testing.application import chosen_plugins
from tests.functional.customer_auth.mailing import ADA, Post
from tests.functional.customer_auth.second_factors import protect
from tests.functional.customer_auth.shop import Shop

events, acts = [], []


@hookimpl
def on_login(event):
    events.append(event)
    for act in acts:
        act(event)


GUARD = ModuleType("guard.plugin")
GUARD.on_login = on_login


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({**chosen_plugins("customer_auth").modules, "guard": GUARD})


@pytest.fixture
def shop(autonomy):
    events.clear()
    acts.clear()
    autonomy.organisation("acme", plugins=("customer_auth", "guard"))
    return Shop(autonomy, "acme")


def log_in_from(shop, user_agent, status=200):
    body = {"email": "ada@example.org", "password": "a long engine"}
    return shop.post("login", body, status, headers={"User-Agent": user_agent})


def test_a_plugin_hears_of_each_login(shop):
    customer_id = shop.register().json["customer"]["id"]
    shop.login()
    assert [str(event.customer_id) for event in events] == [customer_id] * 2
    assert {event.methods for event in events} == {frozenset({"pwd"})}
    assert {event.network for event in events} == {"192.0.2.1"}
    assert not events[-1].has_second_factor


def test_a_plugin_does_not_hear_of_refused_logins(shop):
    shop.register()
    events.clear()
    shop.login(password="another engine", status=401)
    assert events == []


def test_a_device_is_new_once(shop):
    shop.register()
    for _ in range(2):
        log_in_from(shop, "Firefox/140.0 (Windows)")
    shop.address = "192.0.99.7"
    log_in_from(shop, "Firefox/140.0 (Windows)")
    shop.address = "198.51.100.7"
    log_in_from(shop, "Firefox/140.0 (Windows)")
    log_in_from(shop, "Firefox/140.0 (Linux)")
    assert [event.is_new_device for event in events] == [False, True, False, False, True, True]


def test_a_plugin_may_refuse_a_login(shop):
    shop.register()

    def refuse(event):
        raise NotAllowed("not on Sundays")

    acts.append(refuse)
    assert shop.login(status=403).json["detail"] == "not on Sundays"
    acts.clear()
    shop.login()


def test_a_demand_refuses_an_account_without_a_second_factor(shop):
    shop.register()
    acts.append(lambda event: event.require_second_factor())
    assert shop.login(status=403).json["code"] == "second_factor_missing"


def test_a_demand_is_met_by_the_second_step(shop):
    app = protect(shop, shop.register().json["access_token"])
    acts.append(lambda event: event.require_second_factor())
    events.clear()
    flow = shop.login(status=403).json["flow"]
    shop.post("login/second-factor", {"flow": flow, "code": app.code()}, 200)
    assert [sorted(event.methods) for event in events] == [["mfa", "otp", "pwd"]]
    assert events[0].has_second_factor


def block(shop):
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(Customer).values(blocked_at=utcnow(), blocked_because="fraud"))


def test_a_blocked_customer_cannot_log_in(shop):
    shop.register()
    block(shop)
    assert shop.login(status=403).json["code"] == "account_blocked"
    assert shop.login(password="another engine", status=401).json["code"] == "invalid_credentials"


def test_the_logins_of_a_blocked_customer_end(shop, asked_each_time):
    tokens = shop.register().json
    block(shop)
    shop.me(tokens["access_token"], 401)
    assert shop.refresh(tokens["refresh_token"], 401).json["code"] == "invalid_refresh_token"


def test_a_customer_who_is_blocked_between_the_steps_is_refused(shop):
    app = protect(shop, shop.register().json["access_token"])
    flow = shop.login(status=403).json["flow"]
    block(shop)
    answer = shop.post("login/second-factor", {"flow": flow, "code": app.code()}, 403)
    assert answer.json["code"] == "account_blocked"


def sign_in_by_mail(shop):
    flow = shop.post("sign-in", {"email": ADA}, 202).json["flow"]
    return shop.post("sign-in/confirm", {"flow": flow, "code": Post(shop).arrived()[-1].code}, 403)


def open_library(shop):
    shop.post("library-link", {"email": ADA}, 202)
    return shop.post("library", {"token": Post(shop).arrived()[-1].token}, 403)


def log_in_after_a_reset(shop):
    shop.post("password/forgotten", {"email": ADA}, 202)
    body = {"token": Post(shop).arrived()[-1].token, "password": "a longer engine"}
    shop.post("password/reset", body, 204)
    return shop.login(password="a longer engine", status=403)


@pytest.mark.parametrize("way", [sign_in_by_mail, open_library, log_in_after_a_reset])
def test_a_mailbox_does_not_replace_the_second_factor(shop, way):
    app = protect(shop, shop.register().json["access_token"])
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(Customer).values(email_verified_at=utcnow()))
    refused = way(shop).json
    assert refused["code"] == "second_factor_required"
    assert not {"access_token", "refresh_token"} & set(refused)
    body = {"flow": refused["flow"], "code": app.code()}
    shop.me(shop.post("login/second-factor", body, 200).json["access_token"])


TRIED = {
    "register": "the account is new",
    "refresh": "the login had both factors: see test_second_factors",
    "change_password": "the login had both factors: see test_second_factors",
    "login": "test_second_factors",
    "complete_login": "test_second_factors",
    "log_in_with_passkey": "test_passkeys",
    "confirm_sign_in": "above",
    "open_library": "above",
    "finish_provider_login": "test_providers",
    "reauthenticate": "test_reauthentication",
    "confirm_app": "the code of the app is the second factor: see test_second_factors",
}
"""The calls that give a refresh token, and where a test shows that each asks for the second factor."""


def test_every_call_that_gives_tokens_is_tried(shop):
    giving = {
        operation.id
        for operation in shop.autonomy.app.app.registry.operations
        if operation.returns is not None and "refresh_token" in operation.returns().fields
    }
    assert giving == set(TRIED)
