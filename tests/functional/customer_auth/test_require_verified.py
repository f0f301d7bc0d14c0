"""An organisation may demand a verified address before a login or a purchase."""

import pytest

from tests.functional.customer_auth.mailing import ADA, Post, bearer, customer, row_of, verify_address
from tests.functional.customer_auth.shop import Shop


@pytest.fixture
def strict(make_shop):
    return make_shop(require_verified="login")


@pytest.fixture
def registered(strict):
    """A shop with a customer whose address is not verified, the answer, and the mail."""
    answer = strict.register(status=202).json
    return strict, answer, Post(strict).one()


def confirm(shop, flow, code, status=200):
    return shop.post("sign-in/confirm", {"flow": flow, "code": code}, status).json


def test_a_registration_logs_in_with_the_code_of_the_mail(registered):
    shop, answer, letter = registered
    assert set(answer) == {"customer", "flow"}
    assert (letter.to, answer["customer"]["email_verified"]) == (ADA, False)
    tokens = confirm(shop, answer["flow"], letter.code)
    assert shop.me(tokens["access_token"]).json["email_verified"]


def test_the_password_stays_because_who_knows_it_has_the_code(registered):
    shop, answer, letter = registered
    confirm(shop, answer["flow"], letter.code)
    shop.login()


def test_a_login_before_the_verification_is_refused_with_a_mail(registered):
    shop, *_ = registered
    post = Post(shop)
    post.arrived()
    refused = shop.login(status=403).json
    assert refused["code"] == "verification_required"
    tokens = confirm(shop, refused["flow"], post.one().code)
    shop.me(tokens["access_token"])


def test_a_wrong_password_neither_tells_nor_mails_anything(registered):
    shop, *_ = registered
    post = Post(shop)
    post.arrived()
    assert shop.login(password="another engine", status=401).json["code"] == "invalid_credentials"
    assert post.arrived() == []


def test_a_stranger_who_registers_an_address_does_not_get_in(registered, asked_each_time):
    shop, answer, letter = registered
    confirm(shop, answer["flow"], "BCDF-GHJK", 422)
    shop.post("sign-in/confirm", {"flow": "a", "token": letter.token}, 422)
    assert row_of(shop, ADA).email_verified_at is None


def test_codes_need_no_passwordless_login(make_shop):
    shop = make_shop(require_verified="login", passwordless="no")
    flow = shop.register(status=202).json["flow"]
    confirm(shop, flow, Post(shop).one().code)


def test_mails_of_refused_logins_are_limited(make_shop):
    shop = make_shop(require_verified="login", mails_per_email=2)
    shop.register(status=202)
    shop.login(status=403)
    shop.login(status=429)


def test_without_the_setting_an_unverified_customer_logs_in(shop):
    shop.register()
    shop.login()


def test_a_setting_that_is_none_is_reported(make_shop):
    with pytest.raises(AssertionError, match="require_verified"):
        make_shop(require_verified="maybe")


def test_a_login_from_before_the_setting_goes_on(make_shop):
    shop = make_shop()
    customer_id = shop.register().json["customer"]["id"]
    headers = bearer(shop, customer_id)
    make_shop(require_verified="login")
    shop.get("me", headers)


@pytest.fixture
def seller(autonomy):
    """A shop that sells, with a demand, and the product."""

    def open_shop(demand):
        settings = {"customer_auth": {"require_verified": demand}}
        autonomy.organisation(plugins=("stand_ins", "customer_auth"), settings=settings)
        return Shop(autonomy, "acme"), autonomy.product()

    return open_shop


def buy(shop, product, headers, status):
    path = f"/{shop.id}/api/v1/customers/products/{product.id}/purchase"
    return shop.autonomy.app.post_json(path, {}, headers=headers, status=status)


def buy_as_guest(shop, product, status):
    path = f"/{shop.id}/api/v1/products/{product.id}/purchase"
    return shop.autonomy.app.post_json(path, {"email": "guest@example.org"}, status=status)


@pytest.mark.parametrize(("demand", "status"), [("no", 201), ("login", 403), ("purchase", 403)])
def test_an_unverified_customer_buys_unless_it_is_demanded(seller, demand, status):
    shop, product = seller(demand)
    headers = bearer(shop, customer(shop).id)
    answer = buy(shop, product, headers, status)
    assert status == 201 or answer.json["code"] == "verified_email_required"


@pytest.mark.parametrize(("demand", "status"), [("no", 201), ("login", 201), ("purchase", 403)])
def test_a_buyer_without_an_account_buys_unless_it_is_demanded(seller, demand, status):
    shop, product = seller(demand)
    buy_as_guest(shop, product, status)


def test_a_verified_customer_buys_whatever_is_demanded(seller):
    shop, product = seller("purchase")
    ada, post = customer(shop), Post(shop)
    verify_address(shop, ada.id, post)
    buy(shop, product, bearer(shop, ada.id), 201)
