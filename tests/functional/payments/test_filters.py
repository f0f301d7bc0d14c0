"""Staff find payments by what a customer tells them."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.payments import PaymentStatus


class Desk:
    """The payments of an organisation in Vienna, as its staff see them."""

    def __init__(self, autonomy):
        autonomy.organisation(time_zone="Europe/Vienna")
        self.autonomy, self.headers = autonomy, autonomy.as_staff()
        self.ada = autonomy.customer(email="ada@example.org")
        self.bob = autonomy.customer(email="bob@example.org")
        self.song, self.other = autonomy.product(title="Song"), autonomy.product(title="Other")
        self.first = autonomy.buy(self.ada, self.song)
        self.second = autonomy.payment(self.bob, self.song)
        self.third = autonomy.buy(self.bob, self.other)

    def listed(self, **query):
        path = "/acme/api/v1/admin/payments"
        return self.autonomy.app.get(path, query, headers=self.headers).json["items"]

    def ids(self, **query):
        return [each["id"] for each in self.listed(**query)]

    def change(self, payment, **values):
        with self.autonomy.scope() as scope:
            scope.session.execute(update(Payment).where(Payment.id == payment.id).values(**values))


@pytest.fixture
def desk(autonomy):
    return Desk(autonomy)


def names(*payments):
    return [str(payment.id) for payment in payments]


def test_payments_are_listed_with_their_customers_newest_first(desk):
    assert desk.ids() == names(desk.third, desk.second, desk.first)
    assert [each["email"] for each in desk.listed()] == [
        "bob@example.org",
        "bob@example.org",
        "ada@example.org",
    ]
    assert desk.listed()[0]["customer_name"] == "Ada"
    path = f"/acme/api/v1/admin/payments/{desk.first.id}"
    assert desk.autonomy.app.get(path, headers=desk.headers).json["email"] == "ada@example.org"


def test_every_filter_selects_and_all_of_them_together(desk):
    assert desk.ids(email="Bob@Example.org") == names(desk.third, desk.second)
    assert desk.ids(customer_id=str(desk.ada.id)) == names(desk.first)
    assert desk.ids(product_id=str(desk.song.id)) == names(desk.second, desk.first)
    assert desk.ids(status="completed") == names(desk.third, desk.first)
    assert desk.ids(environment="test") == names(desk.third, desk.second, desk.first)
    assert desk.ids(environment="live") == []
    assert desk.ids(coupon="NOSUCH") == []
    assert desk.ids(email="nobody@example.org") == []
    together = {"email": "bob@example.org", "product_id": str(desk.song.id), "status": "pending"}
    assert desk.ids(**together) == names(desk.second)


def test_payments_with_a_coupon_are_found_by_its_code(desk):
    staff, app = desk.autonomy.as_staff(), desk.autonomy.app
    coupon = {"code": "SPRING", "percent_off": 50}
    app.post_json("/acme/api/v1/admin/coupons", coupon, headers=staff, status=201)
    carol = desk.autonomy.as_customer(desk.autonomy.customer(email="carol@example.org"))
    path = f"/acme/api/v1/customers/products/{desk.song.id}/purchase"
    bought = app.post_json(path, {"coupon": "spring"}, headers=carol, status=201).json
    assert desk.ids(coupon="SPRING") == [bought["payment"]["id"]]


def test_a_product_finds_the_bundles_that_contained_it(desk):
    staff = desk.autonomy.as_staff()
    body = {
        "title": "Both", "kind": "bundle", "amount": 900, "item_ids": [str(desk.song.id), str(desk.other.id)]
    }  # fmt: skip
    made = desk.autonomy.app.post_json("/acme/api/v1/admin/products", body, headers=staff).json
    carol = desk.autonomy.customer(email="carol@example.org")
    path = f"/acme/api/v1/customers/products/{made['id']}/purchase"
    bought = desk.autonomy.app.post_json(path, {}, headers=desk.autonomy.as_customer(carol)).json
    assert bought["payment"]["id"] in desk.ids(product_id=str(desk.song.id))
    assert bought["payment"]["id"] in desk.ids(product_id=made["id"])


def test_days_are_days_of_the_organisation(desk):
    desk.change(desk.first, created_at=datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC))
    desk.change(desk.second, created_at=datetime(2026, 3, 28, 23, 0, tzinfo=UTC))
    desk.change(desk.third, created_at=datetime(2026, 3, 29, 22, 0, tzinfo=UTC))
    assert desk.ids(**{"from": "2026-03-29", "to": "2026-03-29"}) == names(desk.second)
    assert desk.ids(to="2026-03-28") == names(desk.first)
    assert desk.ids(**{"from": "2026-03-30"}) == names(desk.third)


def test_pages_go_on_where_the_page_before_ended(desk):
    path = "/acme/api/v1/admin/payments"
    query = {"email": "bob@example.org", "limit": "1"}
    first = desk.autonomy.app.get(path, query, headers=desk.headers).json
    second = desk.autonomy.app.get(path, query | {"cursor": first["next"]}, headers=desk.headers).json
    assert [each["id"] for each in first["items"] + second["items"]] == names(desk.third, desk.second)
    assert second["next"] is None


@pytest.mark.parametrize(
    "query",
    [{"from": "yesterday"}, {"to": "9999-12-31"}, {"environment": "dev"}, {"email": ""}, {"status": ""}],
)
def test_a_filter_that_means_nothing_is_refused(desk, query):
    answer = desk.autonomy.app.get("/acme/api/v1/admin/payments", query, headers=desk.headers, status=422)
    assert answer.json["code"] == "invalid_input"


def test_another_organisation_sees_none_of_them(desk):
    desk.autonomy.organisation("bmce")
    path = "/bmce/api/v1/admin/payments"
    headers = desk.autonomy.as_staff("bmce")
    for query in ({}, {"email": "ada@example.org"}, {"product_id": str(desk.song.id)}):
        assert desk.autonomy.app.get(path, query, headers=headers).json["items"] == []


def test_the_newest_state_of_a_payment_is_listed(desk):
    desk.autonomy.settle(desk.second, PaymentStatus.FAILED)
    assert desk.ids(status="failed") == names(desk.second)
