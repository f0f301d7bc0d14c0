"""Bundles: one price, many products, through the same hooks."""

from types import ModuleType
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event as sqlalchemy_event

from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.manager import Plugins
from autonomy_core.plugin_api.payments import Payment
from autonomy_core.testing import stand_ins

SEEN = []


@hookimpl
def on_payment_completed(event):
    SEEN.append(event)
    for item in event.items:
        if item.kind == "thing":
            event.grant(item.id)


class Sheet:
    """A kind that cannot be sold yet."""

    name = "sheet"

    def obstacle_to_sale(self, scope, product_id):
        return "The sheet has no pages yet."


@hookimpl
def register_product_kinds():
    return [Sheet()]


GRANTING = ModuleType("granting.plugin")
GRANTING.on_payment_completed = on_payment_completed
GRANTING.register_product_kinds = register_product_kinds


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({stand_ins.NAME: stand_ins, "granting": GRANTING})


class BundleShop:
    def __init__(self, autonomy):
        self.autonomy = autonomy
        self.staff = autonomy.as_staff()
        self.customer = autonomy.customer()
        self.headers = autonomy.as_customer(self.customer)
        self.first = autonomy.product(title="First")
        self.second = autonomy.product(title="Second", active=False)

    def make(self, *items, status=201, kind="bundle"):
        item_ids = [str(getattr(item, "id", item)) for item in items]
        body = {"title": "Both", "kind": kind, "amount": 2000, "item_ids": item_ids}
        path = "/acme/api/v1/admin/products"
        return self.autonomy.app.post_json(path, body, headers=self.staff, status=status).json

    def change(self, product_id, *items, status=200):
        path = f"/acme/api/v1/admin/products/{product_id}"
        body = {"item_ids": [str(getattr(item, "id", item)) for item in items]}
        return self.autonomy.app.patch_json(path, body, headers=self.staff, status=status).json

    def purchase(self, product_id, status=201):
        path = f"/acme/api/v1/customers/products/{product_id}/purchase"
        return self.autonomy.app.post_json(path, {}, headers=self.headers, status=status).json

    def complete(self, answer):
        with self.autonomy.scope() as scope:
            payment = scope.session.get_one(Payment, ("acme", UUID(answer["payment"]["id"])))
        return self.autonomy.settle(payment).payment

    def buy(self, product_id):
        return self.complete(self.purchase(product_id))

    def refund(self, payment):
        path = f"/acme/api/v1/admin/payments/{payment.id}/refunds"
        self.autonomy.app.post_json(path, {"reason": "a wish"}, headers=self.staff)

    def owned(self):
        found = self.autonomy.app.get("/acme/api/v1/customers/products", headers=self.headers).json
        return {product["title"] for product in found["items"]}


@pytest.fixture
def shop(autonomy):
    SEEN.clear()
    autonomy.organisation("acme", plugins=(stand_ins.NAME, "granting"))
    return BundleShop(autonomy)


def titles(product):
    return [item["title"] for item in product["items"]]


def test_the_catalogue_shows_what_a_bundle_consists_of_in_its_order(shop):
    bundle = shop.make(shop.second, shop.first)
    assert titles(bundle) == ["Second", "First"]
    public = shop.autonomy.app.get(f"/acme/api/v1/products/{bundle['id']}").json
    assert titles(public) == ["Second", "First"]
    listed = shop.autonomy.app.get("/acme/api/v1/products").json["items"]
    assert {product["title"]: titles(product) for product in listed} == {
        "Both": ["Second", "First"],
        "First": [],
    }


def test_who_buys_a_bundle_owns_what_is_in_it(shop):
    payment = shop.buy(shop.make(shop.first, shop.second)["id"])
    assert shop.owned() == {"First", "Second"}
    (event,) = SEEN
    assert event.payment.product_kind == "bundle"
    assert {(item.id, item.kind) for item in event.items} == {
        (shop.first.id, "thing"),
        (shop.second.id, "thing"),
    }
    assert payment.amount == 2000


def test_a_product_that_is_no_bundle_is_the_only_item(shop):
    shop.buy(shop.first.id)
    (event,) = SEEN
    assert [(item.id, item.kind) for item in event.items] == [(shop.first.id, "thing")]


def test_what_staff_change_while_it_is_bought_is_for_the_next_buyer(shop):
    bundle = shop.make(shop.first)
    begun = shop.purchase(bundle["id"])
    assert titles(shop.change(bundle["id"], shop.first, shop.second)) == ["First", "Second"]
    again = shop.purchase(bundle["id"], 201)
    assert again["payment"]["id"] != begun["payment"]["id"]
    assert shop.purchase(bundle["id"], 200)["payment"] == again["payment"]
    shop.complete(begun)
    assert shop.owned() == {"First"}
    shop.complete(again)
    assert shop.owned() == {"First", "Second"}


def test_who_owns_a_part_may_buy_the_whole_and_who_owns_all_of_it_may_not(shop):
    bundle = shop.make(shop.first, shop.second)
    shop.buy(shop.first.id)
    shop.buy(bundle["id"])
    assert shop.purchase(bundle["id"], 409)["code"] == "already_owned"
    assert shop.purchase(shop.first.id, 409)["code"] == "already_owned"


def test_a_refund_of_the_bundle_leaves_what_was_bought_alone(shop):
    bundle = shop.make(shop.first, shop.second)
    shop.buy(shop.first.id)
    shop.refund(shop.buy(bundle["id"]))
    assert shop.owned() == {"First"}


@pytest.mark.parametrize("kind", ["sheet", "thing"])
def test_a_bundle_is_sold_when_all_that_is_in_it_can_be(shop, kind):
    sheet = shop.autonomy.product(title="A sheet", kind=kind)
    bundle = shop.make(shop.first, sheet)
    if kind == "thing":
        shop.purchase(bundle["id"])
    else:
        problem = shop.purchase(bundle["id"], 409)
        assert problem["code"] == "not_for_sale"
        assert problem["detail"] == "'A sheet' is in the bundle: The sheet has no pages yet."


def test_what_nobody_delivers_any_more_keeps_its_bundle_from_sale(shop):
    bundle = shop.make(shop.autonomy.product(kind="gone"))
    assert shop.purchase(bundle["id"], 409)["code"] == "not_for_sale"


def test_an_empty_bundle_is_not_sold(shop):
    bundle = shop.make()
    assert shop.purchase(bundle["id"], 409)["code"] == "not_for_sale"
    shop.change(bundle["id"], shop.first)
    shop.purchase(bundle["id"], 201)


def test_what_cannot_be_a_bundle_is_refused(shop):
    bundle = shop.make(shop.first)
    assert shop.make(bundle["id"], status=422)["code"] == "bundle_refused"
    assert shop.make(shop.first, shop.first, status=422)["code"] == "bundle_refused"
    assert shop.make(shop.first, status=422, kind="thing")["code"] == "bundle_refused"
    assert shop.make(uuid4(), status=422)["code"] == "unknown_product"
    assert shop.change(bundle["id"], bundle["id"], status=422)["code"] == "bundle_refused"
    assert titles(shop.change(bundle["id"])) == []


def test_another_organisations_product_is_unknown(shop):
    shop.autonomy.organisation("beacon")
    foreign = shop.autonomy.product("beacon")
    assert shop.make(foreign, status=422)["code"] == "unknown_product"


def test_completion_costs_statements_only_for_what_is_special(shop):
    """What a coupon or a bundle needs to be completed is not asked for where there is none."""
    payment = shop.purchase(shop.first.id)
    tables = []

    def note(connection, cursor, statement, *_):
        tables.append(statement)

    engine = shop.autonomy.database._bind
    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    try:
        shop.complete(payment)
    finally:
        sqlalchemy_event.remove(engine, "before_cursor_execute", note)
    special = ("bundle_items", "payment_items", "coupons", "coupon_redemptions", "coupon_products")
    assert tables
    assert [statement for statement in tables if any(f" {table}" in statement for table in special)] == []
