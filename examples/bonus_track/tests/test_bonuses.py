from uuid import UUID

import pytest

from autonomy_core.plugin_api.catalog import Product, find_product
from autonomy_core.plugin_api.customers import Customer
from autonomy_core.testing.application import Autonomy

BONUS = UUID("0198c0de-0000-7000-8000-000000000001")


@pytest.fixture
def shop(autonomy: Autonomy) -> Autonomy:
    """Two organisations, of which one gives a bonus from 5.00 on."""
    section = {"bonus_track": {"product_id": str(BONUS), "minimum_amount": "500"}}
    autonomy.organisation("acme", plugins=("stand_ins", "bonus_track"), settings=section)
    autonomy.organisation("globex", plugins=("stand_ins",))
    return autonomy


@pytest.fixture
def bonus(shop: Autonomy) -> Product:
    shop.product("globex", id=BONUS, title="Bonus", amount=900)
    return shop.product("acme", id=BONUS, title="Bonus", amount=900)


def owned_by(shop: Autonomy, customer: Customer) -> set[str]:
    path = f"/{customer.organisation_id}/api/v1/customers/products"
    return {item["title"] for item in shop.app.get(path, headers=shop.as_customer(customer)).json["items"]}


def test_a_buyer_is_given_the_bonus_and_sees_it(shop: Autonomy, bonus: Product) -> None:
    ada = shop.customer("acme")
    payment = shop.buy(ada, shop.product("acme", amount=500))
    assert owned_by(shop, ada) == {"Bonus"}
    given = shop.app.get("/acme/api/v1/customers/bonuses", headers=shop.as_customer(ada)).json["items"]
    assert [(each["product_id"], each["payment_id"]) for each in given] == [(str(BONUS), str(payment.id))]


def test_a_smaller_purchase_brings_nothing(shop: Autonomy, bonus: Product) -> None:
    ada = shop.customer("acme")
    shop.buy(ada, shop.product("acme", amount=499))
    assert owned_by(shop, ada) == set()


def test_buying_the_bonus_brings_no_bonus(shop: Autonomy, bonus: Product) -> None:
    ada = shop.customer("acme")
    shop.buy(ada, bonus)
    assert shop.app.get("/acme/api/v1/customers/bonuses", headers=shop.as_customer(ada)).json["items"] == []


def make_bundle(shop: Autonomy, *products: Product) -> Product:
    item_ids = [str(product.id) for product in products]
    body = {"title": "Bundle", "kind": "bundle", "amount": 900, "item_ids": item_ids}
    made = shop.app.post_json("/acme/api/v1/admin/products", body, headers=shop.as_staff("acme")).json
    with shop.scope("acme") as scope:
        bundle = find_product(scope, UUID(made["id"]))
    assert bundle is not None
    return bundle


@pytest.mark.parametrize("contains_it", [True, False])
def test_a_bundle_brings_the_bonus_unless_it_contains_it(
    shop: Autonomy, bonus: Product, contains_it: bool
) -> None:
    ada = shop.customer("acme")
    shop.buy(ada, make_bundle(shop, shop.product("acme"), *([bonus] if contains_it else [])))
    found = shop.app.get("/acme/api/v1/customers/bonuses", headers=shop.as_customer(ada)).json["items"]
    assert len(found) == (0 if contains_it else 1)


def test_customers_see_their_own_bonuses_and_staff_see_all(shop: Autonomy, bonus: Product) -> None:
    ada, eve = shop.customer("acme"), shop.customer("acme", "eve@example.org")
    shop.buy(ada, shop.product("acme"))
    assert shop.app.get("/acme/api/v1/customers/bonuses", headers=shop.as_customer(eve)).json["items"] == []
    [given] = shop.app.get("/acme/api/v1/admin/bonuses", headers=shop.as_staff("acme")).json["items"]
    assert given["customer_id"] == str(ada.id)
    reader_of_products = shop.as_staff("acme", scopes=["catalog.read"])
    shop.app.get("/acme/api/v1/admin/bonuses", headers=reader_of_products, status=403)


def test_where_it_is_not_enabled_there_is_nothing_of_it(shop: Autonomy, bonus: Product) -> None:
    ada = shop.customer("globex")
    shop.buy(ada, shop.product("globex"))
    assert owned_by(shop, ada) == set()
    shop.app.get("/globex/api/v1/customers/bonuses", headers=shop.as_customer(ada), status=404)
    shop.app.get("/globex/api/v1/admin/bonuses", headers=shop.as_staff("globex"), status=404)


def test_a_missing_bonus_product_delays_the_bonus_only(shop: Autonomy) -> None:
    ada = shop.customer("acme")
    assert shop.buy(ada, shop.product("acme")).status == "completed"
    assert shop.run_jobs("acme") == ["payments.retry_completion_hook"]
    shop.product("acme", id=BONUS, title="Bonus")
    assert shop.run_jobs("acme") == []
    assert owned_by(shop, ada) == {"Bonus"}
