"""Purchases: repeated clicks make one payment, and free products need no checkout."""

from types import ModuleType
from uuid import UUID, uuid4

import pytest
from psycopg.errors import DeadlockDetected, SerializationFailure
from sqlalchemy import delete, text
from sqlalchemy.exc import OperationalError

from autonomy_core.errors import Unavailable
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins
from tests.functional.payments.buyer import Buyer

GRANTING = ModuleType("granting.plugin")
"""The stand-ins' products and customers, a hook that grants, and no payment provider."""
GRANTING.NAME = "granting"
GRANTING.register_authenticators = stand_ins.register_authenticators
GRANTING.register_product_kinds = stand_ins.register_product_kinds

COLLECTING = ModuleType("stand_ins.plugin")
"""The stand-ins' payments alone, because a kind of product is registered by one plugin."""
COLLECTING.register_payment_provider = stand_ins.register_payment_provider

CHOSEN_BY = text("SELECT source FROM pg_settings WHERE name = 'synchronous_commit'")
"""Names the place that has set the setting; a transaction is called ``session``."""


@hookimpl
def on_payment_completed(event):
    for item in event.items:
        event.grant(item.id)


GRANTING.on_payment_completed = on_payment_completed


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({stand_ins.NAME: COLLECTING, GRANTING.NAME: GRANTING})


@pytest.fixture
def buyer(autonomy):
    autonomy.organisation("acme", plugins=(stand_ins.NAME, GRANTING.NAME))
    return Buyer(autonomy)


def test_a_second_purchase_returns_the_open_checkout(buyer):
    first = buyer.purchase(201)
    again = buyer.purchase(200)
    assert again == first
    assert len(buyer.payments()) == 1


def test_the_provider_opens_a_checkout_outside_any_transaction(buyer, monkeypatch):
    seen = []
    begin = stand_ins.PretendedPayments.begin_checkout

    def look(self, scope, payment_id, prepared):
        seen.append(scope.session.in_transaction())
        return begin(self, scope, payment_id, prepared)

    monkeypatch.setattr(stand_ins.PretendedPayments, "begin_checkout", look)
    buyer.purchase(201)
    assert seen == [False]


def test_only_the_record_of_the_page_is_committed_without_the_disk(buyer, monkeypatch):
    chosen_by = {}

    def look(step):
        original = getattr(stand_ins.PretendedPayments, step)

        def looking(self, scope, *arguments):
            chosen_by[step] = scope.session.scalar(CHOSEN_BY)
            return original(self, scope, *arguments)

        monkeypatch.setattr(stand_ins.PretendedPayments, step, looking)

    look("prepare")
    look("attach")
    buyer.purchase(201)
    assert chosen_by["attach"] == "session"
    assert chosen_by["prepare"] != "session"


@pytest.mark.parametrize(
    "collision", [DeadlockDetected(), OperationalError("INSERT", None, SerializationFailure())]
)
def test_a_purchase_that_collides_is_retried_as_one_payment(buyer, monkeypatch, collision):
    attempts = []

    def collide(self, scope, order):
        attempts.append(order.payment_id)
        if len(attempts) < 3:
            raise collision

    monkeypatch.setattr(stand_ins.PretendedPayments, "prepare", collide)
    payment = buyer.purchase(201)["payment"]
    assert [payment["id"]] == [each["id"] for each in buyer.payments()] == [str(attempts[-1])]


def test_a_purchase_that_always_collides_is_a_503_without_a_payment(buyer, monkeypatch):
    def collide(self, scope, order):
        raise DeadlockDetected

    monkeypatch.setattr(stand_ins.PretendedPayments, "prepare", collide)
    assert buyer.purchase(503)["code"] == "unavailable"
    assert buyer.payments() == []


@pytest.mark.parametrize(
    "collision", [DeadlockDetected(), OperationalError("UPDATE", None, SerializationFailure())]
)
def test_a_page_is_recorded_again_after_a_collision(buyer, monkeypatch, collision):
    attempts = []

    def collide(self, scope, payment_id, checkout):
        attempts.append(payment_id)
        if len(attempts) < 3:
            raise collision

    monkeypatch.setattr(stand_ins.PretendedPayments, "attach", collide)
    payment = buyer.purchase(201)["payment"]
    assert [str(each) for each in attempts] == [payment["id"]] * 3


def test_a_payment_that_is_gone_has_to_be_bought_again(buyer, monkeypatch):
    def lose(self, scope, payment_id, checkout):
        scope.session.execute(delete(Payment).where(Payment.id == payment_id))

    monkeypatch.setattr(stand_ins.PretendedPayments, "attach", lose)
    problem = buyer.purchase(503)
    assert (problem["code"], "buy again" in problem["detail"]) == ("unavailable", True)


def test_a_payment_is_given_up_again_after_a_collision(buyer, monkeypatch):
    attempts = []

    def collide(self, scope, payment_id):
        attempts.append(payment_id)
        if len(attempts) < 3:
            raise DeadlockDetected
        return False

    def refuse(self, scope, payment_id, prepared):
        raise Unavailable("no answer")

    monkeypatch.setattr(stand_ins.PretendedPayments, "has_checkout", collide)
    monkeypatch.setattr(stand_ins.PretendedPayments, "begin_checkout", refuse)
    buyer.purchase(503)
    assert [payment["status"] for payment in buyer.payments()] == ["failed"]


def test_the_provider_gets_what_it_prepared_for_a_new_page_only(buyer, monkeypatch):
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


def test_an_unknown_product_cannot_be_bought(buyer):
    path = f"/acme/api/v1/customers/products/{uuid4()}/purchase"
    answer = buyer.autonomy.app.post_json(path, {}, headers=buyer.headers, status=404)
    assert answer.json["code"] == "not_found"


@pytest.mark.parametrize("ended", ["expired", "failed"])
def test_an_ended_checkout_is_not_returned_again(buyer, ended):
    old = buyer.settle(ended)
    assert buyer.purchase(201)["payment"]["id"] != str(old.id)


def test_a_processing_payment_refuses_a_second_purchase(buyer):
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
def test_another_return_page_gets_a_new_checkout(buyer, pages, monkeypatch):
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


def test_without_a_return_page_the_open_checkout_is_returned(buyer):
    first = buyer.purchase(201, success_url="https://acme.example/thanks")
    assert buyer.purchase(200) == first


def test_other_customers_and_other_products_have_other_checkouts(buyer):
    first = buyer.purchase(201)["payment"]["id"]
    buyer.product = buyer.autonomy.product()
    second = buyer.purchase(201)["payment"]["id"]
    buyer.headers = buyer.autonomy.as_customer(buyer.autonomy.customer(email="eve@example.org"))
    third = buyer.purchase(201)["payment"]["id"]
    assert len({first, second, third}) == 3


def test_a_free_product_is_granted_at_once(autonomy):
    autonomy.organisation("acme", plugins=(stand_ins.NAME, GRANTING.NAME))
    buyer = Buyer(autonomy, amount=0)
    answer = buyer.purchase(201)
    assert (answer["checkout_url"], answer["payment"]["status"]) == (None, "completed")
    assert buyer.purchase(409)["code"] == "already_owned"


def test_a_free_product_needs_no_provider(autonomy):
    autonomy.organisation("acme", plugins=(GRANTING.NAME,))
    buyer = Buyer(autonomy, amount=0)
    assert buyer.purchase(201)["payment"]["status"] == "completed"
    owned = autonomy.app.get("/acme/api/v1/customers/products", headers=buyer.headers).json["items"]
    assert [product["id"] for product in owned] == [str(buyer.product.id)]
    buyer.product = autonomy.product()
    assert buyer.purchase(503)["code"] == "payments_unavailable"
