"""A link or a code from a mail is one factor. It does not avoid the second one."""

import pytest

from tests.functional.customer_auth.mailing import ADA, verify_address
from tests.functional.customer_auth.second_factors import protect


@pytest.fixture
def protected(shop, post):
    """The app of a customer with a verified address."""
    registered = shop.register().json
    post.arrived()
    verify_address(shop, registered["customer"]["id"], post)
    return protect(shop, registered["access_token"])


def finish(shop, step, app):
    body = {"flow": step["flow"], "code": app.recovery_codes[0]}
    return shop.post("login/second-factor", body, 200).json


def test_a_code_from_a_mail_is_followed_by_the_second_factor(shop, post, protected):
    flow = shop.post("sign-in", {"email": ADA}, 202).json["flow"]
    body = {"flow": flow, "code": post.one().code}
    step = shop.post("sign-in/confirm", body, 403).json
    assert step["code"] == "second_factor_required"
    shop.post("sign-in/confirm", body, 422)
    shop.me(finish(shop, step, protected)["access_token"])


def test_the_link_to_purchases_is_followed_by_the_second_factor(shop, post, protected):
    shop.post("library-link", {"email": ADA}, 202)
    token = post.one().token
    step = shop.post("library", {"token": token}, 403).json
    assert step["code"] == "second_factor_required"
    shop.post("library", {"token": token}, 422)
    shop.me(finish(shop, step, protected)["access_token"])


def test_a_reset_leaves_the_second_factor(shop, post, protected):
    shop.post("password/forgotten", {"email": ADA}, 202)
    shop.post("password/reset", {"token": post.one().token, "password": "a longer engine"}, 204)
    step = shop.login(password="a longer engine", status=403).json
    assert step["code"] == "second_factor_required"


def test_the_owner_of_a_mailbox_removes_a_strangers_second_factor(shop, post):
    """Pre-hijacking: a stranger has registered the address and set up an app."""
    protect(shop, shop.register().json["access_token"])
    post.arrived()
    shop.post("password/forgotten", {"email": ADA}, 202)
    shop.post("password/reset", {"token": post.one().token, "password": "a longer engine"}, 204)
    shop.login(password="a longer engine")
