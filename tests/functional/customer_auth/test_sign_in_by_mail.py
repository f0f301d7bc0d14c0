from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from webtest import TestApp

from tests.functional.customer_auth.mailing import ADA, EVE, Post, customer, let_pass, row_of


def ask(shop, email=ADA, status=202):
    return shop.post("sign-in", {"email": email}, status).json


def confirm(shop, status=200, **body):
    return shop.post("sign-in/confirm", body, status).json


@pytest.fixture
def asked(shop, post):
    """The handle of the client that asked, and the mail."""
    customer(shop)
    flow = ask(shop)["flow"]
    return flow, post.one()


def test_a_customer_signs_in_with_the_code(shop, asked):
    flow, letter = asked
    assert (letter.to, letter.purpose) == (ADA, "sign_in")
    tokens = confirm(shop, flow=flow, code=letter.code)
    assert shop.me(tokens["access_token"]).json["email"] == ADA


def test_a_customer_signs_in_with_the_link_in_the_same_browser(shop, asked):
    flow, letter = asked
    tokens = confirm(shop, flow=flow, token=letter.token)
    shop.me(tokens["access_token"])


def test_link_and_code_are_used_once_together(shop, asked):
    flow, letter = asked
    confirm(shop, flow=flow, code=letter.code)
    confirm(shop, 422, flow=flow, code=letter.code)
    confirm(shop, 422, flow=flow, token=letter.token)


def test_link_and_code_are_useless_in_another_browser(shop, asked):
    flow, letter = asked
    other = ask(shop, EVE)["flow"]
    assert confirm(shop, 422, flow=other, token=letter.token)["code"] == "invalid_link"
    assert confirm(shop, 422, flow=other, code=letter.code)["code"] == "invalid_code"
    confirm(shop, flow=flow, code=letter.code)


def test_the_handle_alone_signs_no_one_in(shop, asked):
    flow, _ = asked
    confirm(shop, 422, flow=flow)
    confirm(shop, 422, flow=flow, code="")
    confirm(shop, 422, flow=flow, token=flow)


def test_a_login_does_not_continue_what_a_stranger_has_prepared(shop, asked):
    """Session fixation: nothing that was known before the login is a part of the login."""
    flow, letter = asked
    tokens = confirm(shop, flow=flow, code=letter.code)
    assert flow not in tokens.values()
    assert letter.token not in tokens.values()
    shop.me(flow, 401)
    shop.refresh(flow, 401)


def test_five_wrong_codes_end_the_request(shop, asked):
    flow, letter = asked
    for _ in range(5):
        confirm(shop, 422, flow=flow, code="BCDF-GHJK")
    confirm(shop, 422, flow=flow, code=letter.code)


def test_a_code_ends_after_ten_minutes(shop, asked):
    flow, letter = asked
    let_pass(shop, timedelta(minutes=10))
    confirm(shop, 422, flow=flow, code=letter.code)


def test_a_code_of_another_organisation_is_unknown(shop, other_shop, asked):
    flow, letter = asked
    customer(other_shop)
    confirm(other_shop, 422, flow=flow, code=letter.code)
    confirm(other_shop, 422, flow=flow, token=letter.token)


def test_signing_in_proves_the_mailbox_and_claims_purchases_of_guests(shop, asked):
    customer(shop, guest=True)
    flow, letter = asked
    confirm(shop, flow=flow, code=letter.code)
    assert row_of(shop, ADA).email_verified_at is not None


def test_an_organisation_may_not_offer_it(make_shop):
    shop = make_shop(passwordless="no")
    assert ask(shop, status=403)["code"] == "passwordless_disabled"


def test_a_stale_mail_is_not_sent(shop, post):
    from sqlalchemy import text

    customer(shop)
    ask(shop)
    with shop.autonomy.scope() as scope:
        scope.session.execute(
            text("UPDATE mail_messages SET created_at = created_at - interval '11 minutes'")
        )
    assert post.arrived() == []


def test_the_owner_of_a_mailbox_locks_out_who_registered_its_address(shop, post):
    """Pre-hijacking: the stranger's password and logins do not survive the owner's first proof."""
    stranger = shop.register(password="a hostile engine").json
    post.arrived()
    flow = ask(shop)["flow"]
    tokens = confirm(shop, flow=flow, code=post.one().code)
    shop.login(password="a hostile engine", status=401)
    shop.refresh(stranger["refresh_token"], 401)
    shop.me(tokens["access_token"])


def test_a_verified_account_keeps_its_password(shop, post):
    token = shop.register().json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    shop.post("email/verify", {"code": post.one().code}, 200, headers)
    flow = ask(shop)["flow"]
    confirm(shop, flow=flow, code=post.one().code)
    shop.login()


@pytest.mark.concurrent
def test_of_fifty_clients_with_one_code_one_signs_in(committed_shop):
    shop = committed_shop
    customer(shop)
    flow = ask(shop)["flow"]
    body = {"flow": flow, "code": Post(shop).one().code}
    path = f"/{shop.id}/api/v1/customers/sign-in/confirm"

    def use(_):
        return TestApp(shop.autonomy.app.app).post_json(path, body, expect_errors=True).status_int

    with ThreadPoolExecutor(50) as pool:
        assert Counter(pool.map(use, range(50))) == {200: 1, 422: 49}
