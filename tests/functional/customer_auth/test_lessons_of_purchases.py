"""What went wrong in other projects with purchases without an account; see `test_lessons`."""

from __future__ import annotations

from types import ModuleType

import pytest
from sqlalchemy import select

from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.payments import Payment
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import chosen_plugins
from tests.functional.customer_auth.mailing import ADA, Letter, bearer, verify_address
from tests.functional.customer_auth.shop import Shop


@hookimpl
def on_payment_completed(event):
    event.grant(event.payment.product_id)


SELLER = ModuleType("seller.plugin")
SELLER.on_payment_completed = on_payment_completed


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({**chosen_plugins("customer_auth").modules, "seller": SELLER})


@pytest.fixture
def shop(autonomy):
    autonomy.organisation("acme", plugins=("customer_auth", stand_ins.NAME, "seller"))
    return Shop(autonomy, "acme")


def begin(shop, title):
    """Begin a purchase without an account; return its payment, which is not settled."""
    product = shop.autonomy.product(shop.id, title=title)
    path = f"/{shop.id}/api/v1/products/{product.id}/purchase"
    begun = shop.autonomy.app.post_json(path, {"email": ADA}, status=201).json["payment"]["id"]
    with shop.autonomy.scope(shop.id) as scope:
        return scope.session.scalars(select(Payment).where(Payment.id == begun)).one()


def owned(shop, headers):
    """The titles that a customer has."""
    return {item["title"] for item in shop.get("products", headers).json["items"]}


def open_library(shop, token):
    """The headers of a customer who has followed the link of a mail."""
    tokens = shop.post("library", {"token": token}, 200).json
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def test_buying_needs_no_account_and_no_forgotten_password(shop, post):
    """Pretix 96, 722, 1169: buyers forget passwords. The account of the address is no obstacle."""
    shop.register()
    post.arrived()
    shop.autonomy.settle(begin(shop, "First Light"))
    ada = open_library(shop, post.one().token)
    assert owned(shop, ada) == {"First Light"}


def test_a_link_used_before_the_purchase_was_ready_shows_it_later(shop, post):
    """Mirlo 557: the link's token was used up before the file was ready."""
    slow = begin(shop, "Slow Light")
    shop.post("library-link", {"email": ADA}, 202)
    ada = open_library(shop, post.one().token)
    later = begin(shop, "Later Light")
    assert owned(shop, ada) == set()
    for payment in (slow, later):
        shop.autonomy.settle(payment)
    # The receipts' links are not needed.
    post.arrived()
    assert owned(shop, ada) == {"Slow Light", "Later Light"}


def test_settling_attaches_the_purchase_and_a_password_comes_later(shop, post):
    """Mirlo 243: who has paid owns it, with an account or without one."""
    shop.autonomy.settle(begin(shop, "First Light"))
    ada = open_library(shop, post.one().token)
    shop.post("password", {"new_password": "a longer engine"}, 200, ada)
    post.arrived()
    shop.autonomy.settle(begin(shop, "Second Light"))
    post.arrived()
    tokens = shop.login(password="a longer engine").json
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert owned(shop, headers) == {"First Light", "Second Light"}


def test_purchases_and_gifts_are_visible_after_registering(shop, post):
    """Gumroad 3234: gifts were invisible to the account that was registered afterwards."""
    bought = shop.autonomy.settle(begin(shop, "Bought Light")).payment
    gift = shop.autonomy.product(shop.id, title="Given Light")
    shop.autonomy.app.post_json(
        f"/{shop.id}/api/v1/admin/customers/{bought.customer_id}/grants",
        {"product_id": str(gift.id), "reason": "a wish"},
        headers=shop.autonomy.as_staff(shop.id),
        status=201,
    )
    post.arrived()
    told = Letter(shop.autonomy.mailbox()[-1])
    assert "given you" in told.text
    assert told.purpose == "library"
    account = shop.register().json["customer"]["id"]
    ada = bearer(shop, account)
    # A stranger can register an address: what was bought with it shows after the proof.
    assert owned(shop, ada) == set()
    post.arrived()
    verify_address(shop, account, post)
    assert owned(shop, ada) == {"Bought Light", "Given Light"}
