"""Credentials are changed only by a customer who was authenticated within ten minutes."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from autonomy_core.plugin_api.models import utcnow
from customer_auth.models import LoginSession
from tests.functional.customer_auth.second_factors import call, enrol, protect

CHANGES = [
    ("post", "password", {"current_password": "a long engine", "new_password": "a longer engine"}),
    ("post", "second-factors/totp", {}),
    ("post", "second-factors/totp/confirm", {"code": "123456"}),
    ("delete", "second-factors/totp", None),
    ("post", "second-factors/recovery-codes", {}),
]


def let_pass(shop, **time):
    """Age all logins."""
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(LoginSession).values(authenticated_at=utcnow() - timedelta(**time)))


def aged(shop, **time):
    """An access token of a login that began a while ago."""
    tokens = shop.register().json
    let_pass(shop, **time)
    return shop.refresh(tokens["refresh_token"]).json["access_token"]


def prove(shop, token, status=200, **presented):
    return call(shop, "post", "reauthenticate", token, presented, status)


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_an_old_login_changes_no_credentials(shop, method, path, body):
    answer = call(shop, method, path, aged(shop, minutes=11), body, 403)
    assert answer.json["code"] == "reauthentication_required"


def test_an_old_login_does_everything_else(shop):
    shop.me(aged(shop, days=3))


def test_a_login_of_nine_minutes_ago_is_recent(shop):
    call(shop, "post", "second-factors/totp", aged(shop, minutes=9), {}, 201)


def test_a_password_makes_a_login_recent(shop):
    answer = prove(shop, aged(shop, hours=1), password="a long engine").json
    call(shop, "post", "second-factors/totp", answer["access_token"], {}, 201)


@pytest.mark.parametrize("how", ["password", "app"])
def test_the_tokens_from_before_an_authentication_end(shop, asked_each_time, how):
    """Who has copied one of them does not gain by it (ASVS 7.2.4)."""
    before = shop.register().json
    if how == "password":
        after = prove(shop, before["access_token"], password="a long engine").json
    else:
        app = enrol(shop, before["access_token"])
        confirm = "second-factors/totp/confirm"
        after = call(shop, "post", confirm, before["access_token"], {"code": app.code()}, 200).json
    shop.me(before["access_token"], 401)
    shop.refresh(before["refresh_token"], 401)
    shop.me(shop.refresh(after["refresh_token"]).json["access_token"])


def test_a_wrong_password_does_not(shop):
    answer = prove(shop, aged(shop, hours=1), 422, password="another engine")
    assert answer.json["code"] == "wrong_password"


def test_wrong_passwords_are_limited(make_shop):
    shop = make_shop(failed_logins_per_email_and_address=2)
    token = aged(shop, hours=1)
    for _ in range(2):
        prove(shop, token, 422, password="another engine")
    prove(shop, token, 429, password="a long engine")


def test_a_refresh_does_not_make_a_login_recent(shop):
    tokens = shop.register().json
    let_pass(shop, minutes=30)
    token = shop.refresh(tokens["refresh_token"]).json["access_token"]
    call(shop, "post", "second-factors/totp", token, {}, 403)


def test_a_refresh_keeps_a_recent_authentication(shop):
    tokens = shop.register().json
    token = shop.refresh(tokens["refresh_token"]).json["access_token"]
    call(shop, "post", "second-factors/totp", token, {}, 201)


@pytest.fixture
def app(shop):
    app = protect(shop, shop.register().json["access_token"])
    flow = shop.login(status=403).json["flow"]
    tokens = shop.post("login/second-factor", {"flow": flow, "code": app.code()}, 200).json
    app.forget_step()
    let_pass(shop, hours=1)
    app.access_token = shop.refresh(tokens["refresh_token"]).json["access_token"]
    return app


def test_the_password_alone_does_not_do_with_an_app(shop, app):
    refused = prove(shop, app.access_token, 403, password="a long engine").json
    assert refused["code"] == "second_factor_required"
    assert refused["flow"] is None
    assert refused["methods"] == ["totp", "recovery_code"]


@pytest.mark.parametrize("with_password", [True, False])
def test_a_code_makes_a_login_recent(shop, app, with_password):
    password = {"password": "a long engine"} if with_password else {}
    token = prove(shop, app.access_token, code=app.code(), **password).json["access_token"]
    call(shop, "delete", "second-factors/totp", token, status=204)


def test_a_code_is_used_up_by_a_reauthentication(shop, app):
    code = app.code()
    token = prove(shop, app.access_token, code=code).json["access_token"]
    prove(shop, token, 422, code=code)


def test_a_recovery_code_makes_a_login_recent(shop, app):
    prove(shop, app.access_token, code=app.recovery_codes[0])


def test_the_right_code_does_not_excuse_a_wrong_password(shop, app):
    prove(shop, app.access_token, 422, code=app.code(), password="another engine")


def test_an_ended_login_cannot_be_authenticated_again(shop, asked_each_time):
    tokens = shop.register().json
    shop.logout(tokens["refresh_token"])
    prove(shop, tokens["access_token"], 401, password="a long engine")


def test_something_must_be_presented(shop):
    assert "code" in prove(shop, aged(shop, hours=1), 422).json["errors"]["body"]
