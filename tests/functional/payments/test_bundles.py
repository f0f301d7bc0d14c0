"""Bundles: one price, many products, through the same hooks."""

from types import ModuleType
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select, update

from autonomy_core.grants.models import Grant
from autonomy_core.kernel.manager import Plugins
from autonomy_core.kernel.settlements import RefundReport, RefundStatus, Settlement
from autonomy_core.payments.models import PaymentItem, PaymentRefund
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.payments import Payment, settle
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

    def refund(self, payment, *items, status=201, key=None, **body):
        path = f"/acme/api/v1/admin/payments/{payment.id}/refunds"
        body |= {"items": [str(item.id) for item in items]} if items else {}
        headers = self.staff | ({"Idempotency-Key": key} if key else {})
        answer = self.autonomy.app.post_json(
            path, {"reason": "a wish", **body}, headers=headers, status=status
        )
        return answer.json

    def report(self, payment, *refunds):
        """The refunds that the provider reports."""
        settlement = Settlement(payment.id, None, "test", None, "eur", source="test", refunds=refunds)
        with self.autonomy.scope() as scope:
            return settle(scope, settlement, provider=stand_ins.NAME)

    def present(self, payment):
        with self.autonomy.scope() as scope:
            return scope.session.get_one(Payment, ("acme", payment.id))

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


def test_the_catalogue_lists_the_products_of_a_bundle_in_order(shop):
    bundle = shop.make(shop.second, shop.first)
    assert titles(bundle) == ["Second", "First"]
    public = shop.autonomy.app.get(f"/acme/api/v1/products/{bundle['id']}").json
    assert titles(public) == ["Second", "First"]
    listed = shop.autonomy.app.get("/acme/api/v1/products").json["items"]
    assert {product["title"]: titles(product) for product in listed} == {
        "Both": ["Second", "First"],
        "First": [],
    }


def test_a_purchased_bundle_grants_all_its_products(shop):
    payment = shop.buy(shop.make(shop.first, shop.second)["id"])
    assert shop.owned() == {"First", "Second"}
    (event,) = SEEN
    assert event.payment.product_kind == "bundle"
    assert {(item.id, item.kind) for item in event.items} == {
        (shop.first.id, "thing"),
        (shop.second.id, "thing"),
    }
    assert payment.amount == 2000


def test_a_single_product_is_the_only_item(shop):
    shop.buy(shop.first.id)
    (event,) = SEEN
    assert [(item.id, item.kind) for item in event.items] == [(shop.first.id, "thing")]


def test_a_change_of_a_bundle_applies_to_later_purchases(shop):
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


def test_a_bundle_can_be_bought_until_all_its_products_are_owned(shop):
    bundle = shop.make(shop.first, shop.second)
    shop.buy(shop.first.id)
    shop.buy(bundle["id"])
    assert shop.purchase(bundle["id"], 409)["code"] == "already_owned"
    assert shop.purchase(shop.first.id, 409)["code"] == "already_owned"


def test_a_refund_of_a_bundle_keeps_separately_bought_products(shop):
    bundle = shop.make(shop.first, shop.second)
    shop.buy(shop.first.id)
    shop.refund(shop.buy(bundle["id"]))
    assert shop.owned() == {"First"}


@pytest.fixture
def album(shop):
    """A payment of 2000 for a bundle of three products with the single prices 1200, 800 and 0."""
    shop.second = shop.autonomy.product(title="Second", amount=800)
    shop.third = shop.autonomy.product(title="Third", amount=0)
    return shop.buy(shop.make(shop.first, shop.second, shop.third)["id"])


def paid_for(shop, payment):
    with shop.autonomy.scope() as scope:
        kept = scope.session.scalars(select(PaymentItem).where(PaymentItem.payment_id == payment.id))
        return {item.product_id: item.amount for item in kept}


def test_the_price_of_a_bundle_is_divided_by_single_prices(shop, album):
    assert paid_for(shop, album) == {shop.first.id: 1200, shop.second.id: 800, shop.third.id: 0}


def test_a_discount_is_divided_by_single_prices(shop):
    coupon = {"code": "SPRING", "amount_off": 501, "currency": "eur"}
    shop.autonomy.app.post_json("/acme/api/v1/admin/coupons", coupon, headers=shop.staff)
    bundle = shop.make(shop.first, shop.autonomy.product(amount=800))
    path = f"/acme/api/v1/customers/products/{bundle['id']}/purchase"
    answer = shop.autonomy.app.post_json(path, {"coupon": "SPRING"}, headers=shop.headers).json
    payment = shop.complete(answer)
    assert sorted(paid_for(shop, payment).values()) == [600, 899]
    assert shop.refund(payment, shop.first)["amount"] == 899


def test_a_refund_of_one_product_keeps_the_others(shop, album):
    refund = shop.refund(album, shop.first)
    assert (refund["amount"], refund["items"], refund["status"]) == (1200, [str(shop.first.id)], "succeeded")
    payment = shop.present(album)
    assert (payment.status, payment.refunded_amount) == ("partially_refunded", 1200)
    assert shop.owned() == {"Second", "Third"}
    shop.refund(album, shop.second, shop.third)
    assert (shop.present(album).status, shop.owned()) == ("refunded", set())


def test_the_rounding_remainder_does_not_depend_on_the_order(shop):
    shop.second = shop.autonomy.product(title="Second", amount=shop.first.amount)
    third = shop.autonomy.product(title="Third", amount=shop.first.amount)
    payment = shop.buy(shop.make(third, shop.second, shop.first)["id"])
    first = min(each.id for each in (shop.first, shop.second, third))
    kept = paid_for(shop, payment)
    assert (kept[first], sum(kept.values())) == (667, 2000)
    forget_what_was_paid(shop, payment)
    shop.refund(payment, third)
    assert paid_for(shop, payment) == kept


def forget_what_was_paid(shop, payment):
    """Leave the payment as the version before would have kept it, which did not divide it."""
    with shop.autonomy.scope() as scope:
        scope.session.execute(
            update(PaymentItem).where(PaymentItem.payment_id == payment.id).values(amount=None)
        )


def test_an_undivided_payment_is_divided_when_it_is_read(shop, album):
    forget_what_was_paid(shop, album)
    path = f"/acme/api/v1/admin/payments/{album.id}/timeline"
    opened = shop.autonomy.app.get(path, headers=shop.staff).json["items"][0]
    told = {item["product"]: item["amount"] for item in opened["detail"]["items"]}
    assert told == {str(shop.first.id): 1200, str(shop.second.id): 800, str(shop.third.id): 0}
    assert set(paid_for(shop, album).values()) == {None}, "a reader writes nothing"


def test_a_division_is_fixed_at_the_first_refund(shop, album):
    forget_what_was_paid(shop, album)
    assert shop.refund(album, shop.second)["amount"] == 800
    path = f"/acme/api/v1/admin/products/{shop.first.id}"
    shop.autonomy.app.patch_json(path, {"amount": 1}, headers=shop.staff)
    assert shop.refund(album, shop.first)["amount"] == 1200


def test_a_single_product_can_be_refunded_as_an_item(shop):
    payment = shop.buy(shop.first.id)
    assert shop.refund(payment, shop.first)["amount"] == 1200
    assert (shop.present(payment).status, shop.owned()) == ("refunded", set())


def test_an_organisation_may_let_its_customers_keep_the_product(shop):
    plugins = (stand_ins.NAME, "granting")
    shop.autonomy.organisation("acme", plugins=plugins, access_after_refund="keep")
    payment = shop.buy(shop.make(shop.first, shop.second)["id"])
    shop.refund(payment, shop.first)
    assert shop.owned() == {"First", "Second"}


def test_a_grant_of_another_payment_stays(shop):
    alone = shop.buy(shop.first.id)
    payment = shop.buy(shop.make(shop.first, shop.second)["id"])
    shop.refund(payment, shop.first)
    assert shop.owned() == {"First", "Second"}
    shop.refund(alone)
    assert shop.owned() == {"Second"}


def test_a_refunded_product_can_be_bought_again(shop, album):
    refund = shop.refund(album, shop.first)
    again = shop.buy(shop.first.id)
    assert shop.owned() == {"First", "Second", "Third"}
    shop.report(album, RefundReport(refund["reference"], 1200, "eur", RefundStatus.SUCCEEDED))
    assert (shop.owned(), shop.present(again).status) == ({"First", "Second", "Third"}, "completed")


def test_a_failed_refund_restores_the_product_and_may_be_repeated(shop, album):
    refund = shop.refund(album, shop.first)
    assert shop.owned() == {"Second", "Third"}
    shop.report(album, RefundReport(refund["reference"], 1200, "eur", RefundStatus.FAILED))
    assert (shop.present(album).status, shop.owned()) == ("completed", {"First", "Second", "Third"})
    shop.refund(album, shop.first)
    assert shop.owned() == {"Second", "Third"}


@pytest.mark.parametrize(
    ("items", "body", "status", "code"),
    [
        (["first"], {"amount": 5}, 422, "refund_ambiguous"),
        (["stranger"], {}, 422, "item_not_in_payment"),
        (["first", "stranger"], {}, 422, "item_not_in_payment"),
        (["first", "first"], {}, 422, "invalid_input"),
        (["third"], {}, 409, "not_refundable"),
        ([], {"items": []}, 422, "invalid_input"),
        ([], {"items": ["first"]}, 422, "invalid_input"),
    ],
)
def test_an_impossible_refund_is_refused_with_a_code(shop, album, items, body, status, code):
    shop.stranger = shop.autonomy.product(title="Stranger")
    named = [getattr(shop, name) for name in items]
    assert shop.refund(album, *named, status=status, **body)["code"] == code
    assert (shop.present(album).status, shop.owned()) == ("completed", {"First", "Second", "Third"})


def test_a_bundle_cannot_be_an_item_of_itself(shop, album):
    shop.bundle = shop.autonomy.product()
    shop.bundle.id = album.product_id
    assert shop.refund(album, shop.bundle, status=422)["code"] == "item_not_in_payment"


def test_a_product_is_refunded_once(shop, album):
    shop.refund(album, shop.first)
    problem = shop.refund(album, shop.second, shop.first, status=409)
    assert problem["code"] == "item_already_refunded"
    assert problem["detail"] == f"{shop.first.id} cannot be refunded again."
    assert shop.owned() == {"Second", "Third"}


def test_a_refund_of_an_amount_may_leave_too_little_for_a_product(shop, album):
    shop.refund(album, amount=900)
    assert shop.owned() == {"First", "Second", "Third"}
    problem = shop.refund(album, shop.first, status=422)
    assert (problem["code"], problem["refundable"]) == ("refund_too_large", 1100)
    assert shop.refund(album, shop.second)["amount"] == 800
    assert shop.owned() == {"First", "Third"}
    assert shop.refund(album)["amount"] == 300
    assert shop.owned() == set()


def test_a_refund_of_a_product_with_the_same_key_is_one(shop, album):
    first, again = (shop.refund(album, shop.first, key="once") for _ in range(2))
    assert first == again
    assert shop.refund(album, shop.second, key="once", status=422)["code"] == "idempotency_key_reused"
    with shop.autonomy.scope() as scope:
        assert len(scope.session.scalars(select(PaymentRefund)).all()) == 1


def test_an_unknown_refund_is_recognised_by_its_reported_items(shop, album):
    shop.report(
        album,
        RefundReport("re_1", 1200, "eur", RefundStatus.SUCCEEDED, uuid4(), items=frozenset([shop.first.id])),
    )
    assert shop.owned() == {"Second", "Third"}
    assert shop.refund(album, shop.first, status=409)["code"] == "item_already_refunded"


def test_a_bundle_bought_again_is_not_refunded_as_a_duplicate(shop):
    plugins = (stand_ins.NAME, "granting")
    shop.autonomy.organisation("acme", plugins=plugins, refund_duplicates="yes")
    bundle = shop.make(shop.first, shop.second)["id"]
    shop.refund(shop.buy(bundle), shop.first)
    again = shop.buy(bundle)
    shop.autonomy.run_jobs("acme")
    assert (shop.present(again).status, shop.owned()) == ("completed", {"First", "Second"})


def test_the_timeline_lists_the_refunded_products(shop, album):
    shop.refund(album, shop.first)
    path = f"/acme/api/v1/admin/payments/{album.id}/timeline"
    story = shop.autonomy.app.get(path, headers=shop.staff).json["items"]
    told = {each["kind"]: each["detail"] for each in story}
    assert {each["title"]: each["amount"] for each in told["opened"]["items"]} == {
        "First": 1200,
        "Second": 800,
        "Third": 0,
    }
    for kind in ("refund_requested", "refund", "access_revoked"):
        assert (told[kind]["products"], told[kind]["titles"]) == ([str(shop.first.id)], ["First"])


REPORTS = st.sampled_from(
    [
        ("re_first", 1200, "first", RefundStatus.PENDING),
        ("re_first", 1200, "first", RefundStatus.SUCCEEDED),
        ("re_first", 1200, "first", RefundStatus.FAILED),
        # As a provider reports a refund without its items, or before the refund was stored here.
        ("re_first", 1200, None, RefundStatus.SUCCEEDED),
        ("re_second", 500, "second", RefundStatus.SUCCEEDED),
        ("re_second", 500, "second", RefundStatus.FAILED),
        ("re_amount", 200, None, RefundStatus.SUCCEEDED),
    ]
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), reports=st.lists(REPORTS, min_size=1, max_size=5))
def test_refund_reports_in_any_order_have_the_same_result(shop, data, reports):
    again = data.draw(st.permutations([*reports, data.draw(st.sampled_from(reports))]))
    ends = [after_reports(shop, sequence) for sequence in (reports, again)]
    assert ends[0] == ends[1]


def after_reports(shop, reports):
    """The state of a new payment after these reports; it is completed between them."""
    shop.second = shop.autonomy.product(title="Second", amount=800)
    answer = shop.purchase(shop.make(shop.first, shop.second)["id"])
    with shop.autonomy.scope() as scope:
        payment = scope.session.get_one(Payment, ("acme", UUID(answer["payment"]["id"])))
    half = len(reports) // 2
    for place, (reference, amount, item, status) in enumerate(reports):
        if place == half:
            shop.complete(answer)
        items = frozenset([getattr(shop, item).id]) if item else frozenset()
        shop.report(payment, RefundReport(reference, amount, "eur", status, items=items))
    payment = shop.present(payment)
    with shop.autonomy.scope() as scope:
        grants = scope.session.scalars(select(Grant).where(Grant.payment_id == payment.id))
        left = {grant.product_id == shop.first.id: grant.revoked_at is None for grant in grants}
    return payment.status, payment.refunded_amount, left


@pytest.mark.parametrize("kind", ["sheet", "thing"])
def test_a_bundle_is_for_sale_when_all_its_products_are_deliverable(shop, kind):
    sheet = shop.autonomy.product(title="A sheet", kind=kind)
    bundle = shop.make(shop.first, sheet)
    if kind == "thing":
        shop.purchase(bundle["id"])
    else:
        problem = shop.purchase(bundle["id"], 409)
        assert problem["code"] == "not_for_sale"
        assert problem["detail"] == "'A sheet' is in the bundle: The sheet has no pages yet."


def test_an_undeliverable_product_keeps_its_bundle_from_sale(shop):
    bundle = shop.make(shop.autonomy.product(kind="gone"))
    assert shop.purchase(bundle["id"], 409)["code"] == "not_for_sale"


def test_an_empty_bundle_is_not_sold(shop):
    bundle = shop.make()
    assert shop.purchase(bundle["id"], 409)["code"] == "not_for_sale"
    shop.change(bundle["id"], shop.first)
    shop.purchase(bundle["id"], 201)


def test_an_invalid_bundle_is_refused(shop):
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


def test_an_ordinary_completion_needs_no_additional_statements(shop):
    """A completion without coupon and bundle makes no queries for them."""
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
