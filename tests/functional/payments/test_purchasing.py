"""To buy: once is once, however often it is clicked, and nothing is charged for what costs nothing."""

from types import ModuleType
from uuid import UUID, uuid4

import pytest
from psycopg.errors import DeadlockDetected, SerializationFailure
from sqlalchemy.exc import OperationalError

from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.payments import PaymentStatus
from autonomy_core.testing import stand_ins

GRANTING = ModuleType("granting.plugin")
"""Things and customers as the stand-ins know them, a hook that grants, and nobody who collects money."""
GRANTING.NAME = "granting"
GRANTING.register_authenticators = stand_ins.register_authenticators
GRANTING.register_product_kinds = stand_ins.register_product_kinds

COLLECTING = ModuleType("stand_ins.plugin")
"""The stand-ins' payments alone, because a kind of product is registered by one plugin."""
COLLECTING.register_payment_provider = stand_ins.register_payment_provider


@hookimpl
def on_payment_completed(event):
    for item in event.items:
        event.grant(item.id)


GRANTING.on_payment_completed = on_payment_completed


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({stand_ins.NAME: COLLECTING, GRANTING.NAME: GRANTING})


class Buyer:
    """A customer at an organisation whose payments go nowhere."""

    def __init__(self, autonomy, **product):
        self.autonomy = autonomy
        self.customer = autonomy.customer()
        self.product = autonomy.product(**product)
        self.headers = autonomy.as_customer(self.customer)

    def purchase(self, status=201, **body):
        path = f"/acme/api/v1/customers/products/{self.product.id}/purchase"
        return self.autonomy.app.post_json(path, body, headers=self.headers, status=status).json

    def payments(self):
        return self.autonomy.app.get("/acme/api/v1/customers/payments", headers=self.headers).json["items"]

    def settle(self, status):
        payment = self.autonomy.payment(self.customer, self.product)
        self.autonomy.settle(payment, PaymentStatus(status))
        return payment

    def reprice(self, amount):
        staff = self.autonomy.as_staff()
        path = f"/acme/api/v1/admin/products/{self.product.id}"
        self.autonomy.app.patch_json(path, {"amount": amount}, headers=staff)


@pytest.fixture
def buyer(autonomy):
    autonomy.organisation("acme", plugins=(stand_ins.NAME, GRANTING.NAME))
    return Buyer(autonomy)


def test_who_buys_what_they_have_an_open_checkout_for_is_handed_that_checkout(buyer):
    first = buyer.purchase(201)
    again = buyer.purchase(200)
    assert again == first
    assert len(buyer.payments()) == 1


def test_no_transaction_is_open_while_the_provider_is_asked_for_a_checkout(buyer, monkeypatch):
    seen = []
    begin = stand_ins.PretendedPayments.begin_checkout

    def look(self, scope, payment_id, prepared):
        seen.append(scope.session.in_transaction())
        return begin(self, scope, payment_id, prepared)

    monkeypatch.setattr(stand_ins.PretendedPayments, "begin_checkout", look)
    buyer.purchase(201)
    assert seen == [False]


@pytest.mark.parametrize(
    "collision", [DeadlockDetected(), OperationalError("INSERT", None, SerializationFailure())]
)
def test_a_purchase_that_collides_is_opened_again_and_is_one_payment(buyer, monkeypatch, collision):
    attempts = []

    def collide(self, scope, order):
        attempts.append(order.payment_id)
        if len(attempts) < 3:
            raise collision

    monkeypatch.setattr(stand_ins.PretendedPayments, "prepare", collide)
    payment = buyer.purchase(201)["payment"]
    assert [payment["id"]] == [each["id"] for each in buyer.payments()] == [str(attempts[-1])]


def test_a_purchase_that_always_collides_is_refused_for_now_and_leaves_nothing(buyer, monkeypatch):
    def collide(self, scope, order):
        raise DeadlockDetected

    monkeypatch.setattr(stand_ins.PretendedPayments, "prepare", collide)
    assert buyer.purchase(503)["code"] == "unavailable"
    assert buyer.payments() == []


def test_the_page_is_opened_of_what_was_prepared_and_a_page_that_is_found_of_nothing(buyer, monkeypatch):
    given = []
    begin = stand_ins.PretendedPayments.begin_checkout

    def look(self, scope, payment_id, prepared):
        given.append(prepared)
        return begin(self, scope, payment_id, prepared)

    monkeypatch.setattr(stand_ins.PretendedPayments, "prepare", lambda self, scope, order: order.payment_id)
    monkeypatch.setattr(stand_ins.PretendedPayments, "begin_checkout", look)
    payment = buyer.purchase(201)["payment"]
    buyer.purchase(200)
    assert given == [UUID(payment["id"]), None]


def test_a_product_that_is_not_there_cannot_be_bought(buyer):
    path = f"/acme/api/v1/customers/products/{uuid4()}/purchase"
    answer = buyer.autonomy.app.post_json(path, {}, headers=buyer.headers, status=404)
    assert answer.json["code"] == "not_found"


@pytest.mark.parametrize("ended", ["expired", "failed"])
def test_a_checkout_that_has_ended_is_not_handed_out_again(buyer, ended):
    old = buyer.settle(ended)
    assert buyer.purchase(201)["payment"]["id"] != str(old.id)


def test_who_has_paid_by_a_method_that_takes_days_does_not_pay_again_meanwhile(buyer):
    payment = buyer.settle("processing")
    problem = buyer.purchase(409)
    assert (problem["code"], problem["payment_id"]) == ("payment_on_its_way", str(payment.id))


def test_a_new_price_is_paid_on_a_new_checkout(buyer):
    old = buyer.purchase(201)["payment"]
    buyer.reprice(900)
    new = buyer.purchase(201)["payment"]
    assert (new["amount"], new["id"] != old["id"]) == (900, True)
    assert buyer.purchase(200)["payment"] == new


PAGES = [{"success_url": "https://acme.example/thanks"}, {"cancel_url": "https://acme.example/cart"}]


@pytest.mark.parametrize("pages", PAGES)
def test_who_wants_to_return_to_another_page_gets_a_new_checkout_that_does(buyer, pages, monkeypatch):
    closed = []
    monkeypatch.setattr(
        stand_ins.PretendedPayments, "expire", lambda _, __, payment_id: closed.append(str(payment_id))
    )
    first = buyer.purchase(201)["payment"]["id"]
    second = buyer.purchase(201, **pages)["payment"]["id"]
    assert (second != first, closed) == (True, [first])
    assert buyer.purchase(200, **pages)["payment"]["id"] == second
    other = {name: f"{url}?b" for name, url in pages.items()}
    assert buyer.purchase(201, **other)["payment"]["id"] not in (first, second)


def test_who_names_no_page_to_return_to_is_handed_the_open_checkout_whichever_it_returns_to(buyer):
    first = buyer.purchase(201, success_url="https://acme.example/thanks")
    assert buyer.purchase(200) == first


def test_other_customers_and_other_products_have_checkouts_of_their_own(buyer):
    first = buyer.purchase(201)["payment"]["id"]
    buyer.product = buyer.autonomy.product()
    second = buyer.purchase(201)["payment"]["id"]
    buyer.headers = buyer.autonomy.as_customer(buyer.autonomy.customer(email="eve@example.org"))
    third = buyer.purchase(201)["payment"]["id"]
    assert len({first, second, third}) == 3


def test_what_costs_nothing_is_the_customers_at_once(autonomy):
    autonomy.organisation("acme", plugins=(stand_ins.NAME, GRANTING.NAME))
    buyer = Buyer(autonomy, amount=0)
    answer = buyer.purchase(201)
    assert (answer["checkout_url"], answer["payment"]["status"]) == (None, "completed")
    assert buyer.purchase(409)["code"] == "already_owned"


def test_what_costs_nothing_needs_nobody_who_collects_money(autonomy):
    autonomy.organisation("acme", plugins=(GRANTING.NAME,))
    buyer = Buyer(autonomy, amount=0)
    assert buyer.purchase(201)["payment"]["status"] == "completed"
    owned = autonomy.app.get("/acme/api/v1/customers/products", headers=buyer.headers).json["items"]
    assert [product["id"] for product in owned] == [str(buyer.product.id)]
    buyer.product = autonomy.product()
    assert buyer.purchase(503)["code"] == "payments_unavailable"
