"""The link of a receipt, and purchases before the address is verified."""

import pytest

from autonomy_core.testing import stand_ins
from tests.functional.customer_auth.mailing import ADA, bearer, customer, row_of
from tests.functional.customer_auth.shop import Shop


def open_selling_shop(autonomy, **settings):
    plugins = ("customer_auth", stand_ins.NAME)
    autonomy.organisation("acme", plugins=plugins, settings={"customer_auth": settings} if settings else None)
    return Shop(autonomy, "acme")


@pytest.fixture
def shop(autonomy):
    return open_selling_shop(autonomy)


@pytest.fixture
def strict_shop(autonomy):
    return open_selling_shop(autonomy, require_verified="purchase")


@pytest.fixture
def free(shop):
    return shop.autonomy.product(shop.id, amount=0)


def buy(shop, product, status=201, email=ADA):
    url = f"/{shop.id}/api/v1/products/{product.id}/purchase"
    return shop.autonomy.app.post_json(url, {"email": email}, status=status)


def test_the_receipt_of_a_guest_opens_all_that_was_bought(shop, post, free):
    buy(shop, free)
    receipt = post.one()
    assert (receipt.to, receipt.purpose) == (ADA, "library")
    tokens = shop.post("library", {"token": receipt.token}, 200).json
    me = shop.me(tokens["access_token"]).json
    assert (me["email"], me["email_verified"]) == (ADA, True)


def test_the_receipt_of_an_account_has_no_token(shop, post, free):
    headers = bearer(shop, customer(shop).id)
    url = f"/{shop.id}/api/v1/customers/products/{free.id}/purchase"
    shop.autonomy.app.post_json(url, {}, headers=headers, status=201)
    assert "token=" not in post.one().text


def test_a_purchase_after_the_proof_belongs_to_the_account(shop, post, free):
    buy(shop, free)
    shop.post("library", {"token": post.one().token}, 200)
    second = buy(shop, free).json["payment"]["id"]
    assert "token=" not in post.one().text
    owner = bearer(shop, row_of(shop, ADA).id)
    assert shop.get(f"payments/{second}", owner).json["status"] == "completed"


def test_where_purchases_need_a_verified_address_guests_cannot_buy(strict_shop):
    shop, product = strict_shop, strict_shop.autonomy.product(amount=0)
    assert buy(shop, product, 403).json["code"] == "verified_email_required"


def test_where_purchases_need_a_verified_address_accounts_verify_it(strict_shop):
    shop, product = strict_shop, strict_shop.autonomy.product(amount=0)
    tokens = shop.register().json
    url = f"/{shop.id}/api/v1/customers/products/{product.id}/purchase"
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = shop.autonomy.app.post_json(url, {}, headers=headers, status=403)
    assert answer.json["code"] == "verified_email_required"
