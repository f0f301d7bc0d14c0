from datetime import timedelta

from sqlalchemy import select

from autonomy_core.plugin_api.payments import Payment
from tests.functional.customer_auth.mailing import ADA, EVE, Post, customer, let_pass, row_of
from tests.functional.customer_auth.shop import Shop


def ask(shop, email=ADA):
    return shop.post("library-link", {"email": email}, 202)


def open_library(shop, token, status=200):
    return shop.post("library", {"token": token}, status).json


def test_a_guest_opens_what_was_bought(shop, post):
    guest = customer(shop, guest=True)
    ask(shop)
    letter = post.one()
    assert (letter.to, letter.purpose) == (ADA, "library")
    tokens = open_library(shop, letter.token)
    me = shop.me(tokens["access_token"]).json
    assert (me["id"], me["email_verified"]) == (str(guest.id), True)


def test_all_guests_of_an_address_become_one_account(shop, post):
    guests = [customer(shop, guest=True) for _ in range(3)]
    ask(shop)
    open_library(shop, post.one().token)
    assert row_of(shop, ADA).id == guests[0].id


def test_the_link_works_in_any_browser_and_once(shop, post):
    customer(shop)
    ask(shop)
    token = post.one().token
    shop.address = "198.51.100.7"
    open_library(shop, token)
    open_library(shop, token, 422)


def test_links_of_several_mails_work_in_any_order(shop, post):
    customer(shop)
    ask(shop)
    ask(shop)
    first, second = post.arrived()
    open_library(shop, second.token)
    open_library(shop, first.token)


def test_an_address_that_bought_nothing_gets_no_mail(shop, post):
    assert ask(shop, EVE).body == b""
    assert post.arrived() == []


def test_the_link_ends_after_a_day(shop, post):
    customer(shop)
    ask(shop)
    token = post.one().token
    let_pass(shop, timedelta(hours=24))
    open_library(shop, token, 422)


def test_the_link_of_another_organisation_is_unknown(shop, other_shop, post):
    customer(shop)
    customer(other_shop)
    ask(shop)
    open_library(other_shop, post.one().token, 422)


def test_a_receipt_opens_what_was_bought_without_an_account(autonomy):
    """The whole way of a buyer without an account: pay, read the receipt, follow its link."""
    autonomy.organisation(plugins=("stand_ins", "customer_auth"))
    shop = Shop(autonomy, "acme")
    product = autonomy.product(title="First Light")
    path = f"/acme/api/v1/products/{product.id}/purchase"
    autonomy.app.post_json(path, {"email": ADA}, status=201)
    with autonomy.scope() as scope:
        payment = scope.session.scalars(select(Payment)).one()
    autonomy.settle(payment)
    receipt = Post(shop).one()
    assert (receipt.to, receipt.purpose) == (ADA, "library")
    assert "First Light" in receipt.text
    tokens = open_library(shop, receipt.token)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert shop.get("me", headers).json["email_verified"]
    assert [one["id"] for one in shop.get("payments", headers).json["items"]] == [str(payment.id)]


def test_the_receipt_of_an_account_has_no_link_that_logs_in(autonomy):
    """Receipts are forwarded, for example to an accountant."""
    autonomy.organisation(plugins=("stand_ins", "customer_auth"))
    shop = Shop(autonomy, "acme")
    autonomy.buy(customer(shop), autonomy.product())
    receipt = Post(shop).one()
    assert "acme.example/api/v1/customers/link" in receipt.text
    assert "token=" not in receipt.text
