"""A purchase with Stripe, from the call to the outcome."""

from datetime import timedelta
from uuid import UUID

import pytest
import requests
from sqlalchemy import select
from structlog.testing import capture_logs

from autonomy_core.payments.purchasing import expire
from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.customers import Customer
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import Payment, ProofFailed
from stripe_payments.api import client
from stripe_payments.checkout.provider import StripeCheckout
from stripe_payments.models import StripePayment
from tests.functional.stripe_payments.shop import Shop


def lose_record(shop, answer):
    """Do what a crash of PostgreSQL can do right after a purchase."""
    with shop.scope() as scope:
        row = scope.session.get_one(StripePayment, (shop.id, UUID(answer["payment"]["id"])))
        row.session_id = row.checkout_url = row.expires_at = None


def test_a_purchase_opens_a_session_that_names_the_payment(shop):
    answer = shop.purchase().json
    (session,) = shop.ledger("sessions")
    assert answer["checkout_url"] == session["url"]
    payment_id = answer["payment"]["id"]
    assert session["client_reference_id"] == payment_id
    assert session["metadata"] == {"organisation_id": "acme", "payment_id": payment_id}
    assert (session["amount_total"], session["currency"]) == (1200, "eur")
    assert session["customer_email"] == "ada@example.org"
    (row,) = shop.rows(StripePayment)
    assert (str(row.payment_id), row.environment, row.session_id) == (payment_id, "test", session["id"])
    assert (row.checkout_url, int(row.expires_at.timestamp())) == (session["url"], session["expires_at"])


@pytest.mark.parametrize("address", ["søren@example.org", "ada@localhost"])
def test_a_purchase_succeeds_with_an_address_that_stripe_refuses(shop, address):
    """The first is left out at once; of the second only Stripe says that it does not take it."""
    with shop.scope() as scope:
        scope.session.get_one(Customer, (shop.id, shop.customer.id)).email = address
    with capture_logs() as lines:
        answer = shop.purchase(201).json
    (session,) = shop.ledger("sessions")
    assert (session["url"], session["customer_email"]) == (answer["checkout_url"], None)
    refused = [line for line in lines if line["event"] == "stripe.address_refused"]
    assert len(refused) == (0 if address.startswith("søren") else 1)
    assert address not in str(lines)


def test_a_session_opened_without_the_address_is_found_again(shop):
    with shop.scope() as scope:
        scope.session.get_one(Customer, (shop.id, shop.customer.id)).email = "ada@localhost"
    first = shop.purchase(201).json
    with shop.scope() as scope:
        row = scope.session.get_one(StripePayment, (shop.id, UUID(first["payment"]["id"])))
        row.session_id = row.checkout_url = None
    assert shop.purchase(200).json["checkout_url"] == first["checkout_url"]
    assert len(shop.ledger("sessions")) == 1


def test_the_payment_intent_names_the_payment_too(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    (intent,) = shop.ledger("payment_intents")
    assert intent["metadata"] == {"organisation_id": "acme", "payment_id": answer["payment"]["id"]}


def test_a_paid_session_completes_the_payment_and_grants_the_product(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    assert shop.post_events() == ["processed"]
    payment = shop.present(UUID(answer["payment"]["id"]))
    assert (payment.status, payment.settled_by) == ("completed", "webhook")
    (grant,) = shop.grants()
    assert (grant.payment_id, grant.product_id, grant.customer_id) == (
        payment.id,
        shop.product.id,
        shop.customer.id,
    )


@pytest.mark.parametrize(("outcome", "status"), [("debit_succeeds", "completed"), ("debit_fails", "failed")])
def test_a_bank_debit_is_processing_until_the_bank_has_decided(shop, outcome, status):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay_by_debit")
    shop.post_events()
    assert shop.status(UUID(answer["payment"]["id"])) == "processing"
    assert shop.grants() == []
    shop.visit(answer["checkout_url"], outcome)
    shop.post_events()
    assert shop.status(UUID(answer["payment"]["id"])) == status
    assert len(shop.grants()) == (status == "completed")


def test_an_expired_session_expires_the_payment(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "expire")
    shop.post_events()
    assert shop.status(UUID(answer["payment"]["id"])) == "expired"


def test_opening_a_checkout_twice_gives_one_session(shop):
    payment = shop.autonomy.payment(shop.customer, shop.product)
    provider = StripeCheckout()
    with shop.scope() as scope:
        once, twice = (provider.begin_checkout(scope, payment.id) for _ in range(2))
    assert once == twice
    assert len(shop.ledger("sessions")) == 1


def test_a_double_click_is_one_payment_with_one_session(shop):
    first, again = shop.purchase(201).json, shop.purchase(200).json
    assert again == first
    assert len(shop.ledger("sessions")) == 1


def test_a_purchase_after_a_crash_uses_the_same_session(shop, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr(StripeCheckout, "attach", lambda *_: pytest.fail("dies here"))
        with pytest.raises(pytest.fail.Exception):
            shop.purchase()
    (lost,) = shop.ledger("sessions")
    answer = shop.purchase(200).json
    assert answer["checkout_url"] == lost["url"]
    assert len(shop.rows(Payment)) == 1


def test_a_session_that_is_about_to_expire_is_not_returned(shop):
    old = shop.purchase(201).json
    with shop.scope() as scope:
        (row,) = scope.session.scalars(select(StripePayment))
        row.expires_at = utcnow() + timedelta(minutes=2)
    assert shop.purchase(201).json["checkout_url"] != old["checkout_url"]


def test_a_new_price_closes_the_session_with_the_old_one(shop):
    shop.purchase(201)
    shop.as_staff("patch", f"products/{shop.product.id}", {"amount": 900})
    shop.purchase(201)
    new, old = shop.ledger("sessions")
    assert (old["status"], new["status"], new["amount_total"]) == ("expired", "open", 900)


def test_an_unrecorded_page_is_closed_for_another_price(shop):
    first = shop.purchase(201).json
    lose_record(shop, first)
    shop.as_staff("patch", f"products/{shop.product.id}", {"amount": 900})
    shop.purchase(201)
    new, old = shop.ledger("sessions")
    assert (old["client_reference_id"], old["status"]) == (first["payment"]["id"], "expired")
    assert (new["status"], new["amount_total"]) == ("open", 900)


def test_a_page_whose_record_is_lost_twice_stays_closed(shop):
    first = shop.purchase(201).json
    for _ in range(2):
        lose_record(shop, first)
        with shop.scope() as scope:
            expire(scope, UUID(first["payment"]["id"]))
    (session,) = shop.ledger("sessions")
    assert session["status"] == "expired"


def test_nothing_is_opened_in_order_to_close_it_after_a_day(shop):
    """Stripe has dropped the idempotency key then, and would open another page."""
    payment = shop.autonomy.payment(shop.customer, shop.product)
    with shop.scope() as scope:
        row = scope.session.get_one(StripePayment, (shop.id, payment.id))
        row.created_at -= timedelta(hours=25)
    with shop.scope() as scope:
        expire(scope, payment.id)
    assert shop.ledger("sessions") == []


def test_an_unsupported_currency_is_refused_before_the_call(shop):
    with shop.scope() as scope:
        scope.session.get_one(Product, (shop.id, shop.product.id)).currency = "lyd"
    assert shop.purchase(503).json["code"] == "payments_unavailable"
    assert shop.ledger("sessions") == []


def test_a_price_that_stripe_would_refuse_is_refused_for_a_product(shop):
    too_little = {"title": "A thing", "kind": "thing", "amount": 49}
    problem = shop.as_staff("post", "products", too_little, status=422).json
    assert (problem["code"], "at least 50 eur" in problem["detail"]) == ("price_refused", True)
    odd = too_little | {"amount": 5001, "currency": "kwd"}
    assert "not a multiple of 10" in shop.as_staff("post", "products", odd, status=422).json["detail"]
    for currency in ("clf", "cup", "kpw", "lyd", "sdg"):
        elsewhere = too_little | {"amount": 5000, "currency": currency}
        problem = shop.as_staff("post", "products", elsewhere, status=422).json
        assert (problem["code"], f"not take {currency}" in problem["detail"]) == ("price_refused", True)
    shop.as_staff("patch", f"products/{shop.product.id}", {"amount": 49}, status=422)
    shop.as_staff("patch", f"products/{shop.product.id}", {"amount": 0}, status=200)


def test_an_inexact_amount_is_refused_without_a_payment(autonomy, simulator):
    shop = Shop(autonomy, simulator, amount=5001, currency="kwd")
    assert shop.purchase(503).json["code"] == "payments_unavailable"
    assert shop.rows(Payment) == []


def test_a_new_key_in_the_ini_file_is_used_at_the_next_purchase(shop):
    shop.purchase()
    assert len(shop.ledger("sessions")) == 1
    shop.key = "sk_test_rotated_to"
    shop.configure()
    shop.product = shop.autonomy.product(shop.id)
    shop.purchase()
    assert len(shop.ledger("sessions")) == 1


def test_an_organisation_sells_through_its_own_account(shop, autonomy, simulator):
    other = Shop(autonomy, simulator, "other")
    shop.purchase()
    answer = other.purchase().json
    (session,) = other.ledger("sessions")
    assert session["metadata"] == {"organisation_id": "other", "payment_id": answer["payment"]["id"]}
    assert len(shop.ledger("sessions")) == 1


def test_a_session_that_stripe_refuses_fails_the_payment(autonomy, simulator):
    shop = Shop(autonomy, simulator, amount=1)
    problem = shop.purchase(status=503).json
    assert problem["code"] == "payments_unavailable"
    (payment,) = shop.rows(Payment)
    assert payment.status == "failed"


def test_the_log_has_the_remedy_for_a_price_that_is_too_small(autonomy, simulator):
    with capture_logs() as logged:
        Shop(autonomy, simulator, amount=10).purchase(status=503)
    (refusal,) = [line for line in logged if line["event"] == "stripe.call_failed"]
    assert refusal["code"] == "amount_too_small"
    assert "raise the price" in refusal["remedy"]


def test_a_refused_key_is_never_shown(shop):
    shop.key = "sk_test_%no_key%"
    shop.configure()
    with capture_logs() as logged:
        answer = shop.purchase(status=503)
    assert answer.json["code"] == "payments_unavailable"
    assert "stripe.call_failed" in str(logged)
    assert "no_key" not in f"{answer.text} {logged}"


def test_a_live_organisation_cannot_use_the_simulator(shop):
    shop.configure(environment="live")
    with capture_logs() as logged:
        problem = shop.purchase(status=503).json
    assert problem["code"] == "payments_unavailable"
    assert problem["detail"] == client.NOT_SET_UP
    assert "remove it from the server's ini file" in str(logged)
    assert shop.ledger("sessions") == []


@pytest.mark.parametrize(
    ("currency", "amount", "stripe_amount"),
    [("jpy", 1200, 1200), ("isk", 1200, 120_000), ("eur", 1200, 1200)],
)
def test_the_session_has_the_amount_in_stripes_units(autonomy, simulator, currency, amount, stripe_amount):
    shop = Shop(autonomy, simulator, amount=amount, currency=currency)
    answer = shop.purchase().json
    (session,) = shop.ledger("sessions")
    assert session["amount_total"] == stripe_amount
    shop.visit(answer["checkout_url"], "pay")
    assert shop.post_events() == ["processed"]
    assert shop.status(UUID(answer["payment"]["id"])) == "completed"


@pytest.mark.parametrize(
    ("actions", "status"),
    [
        ([], None),
        (["pay"], "completed"),
        (["decline"], None),
        (["pay_by_debit"], "processing"),
        (["pay_by_debit", "debit_succeeds"], "completed"),
        (["pay_by_debit", "debit_fails"], "failed"),
        (["expire"], "expired"),
    ],
)
def test_the_state_of_a_payment_can_be_fetched(shop, actions, status):
    answer = shop.purchase().json
    for action in actions:
        shop.visit(answer["checkout_url"], action)
    with shop.scope() as scope:
        settlement = StripeCheckout().fetch_state(scope, UUID(answer["payment"]["id"]))
    assert (settlement and settlement.status) == status


def test_a_session_of_another_payment_is_refused(shop):
    mine = UUID(shop.purchase().json["payment"]["id"])
    shop.product = shop.autonomy.product(shop.id)
    other = UUID(shop.purchase().json["payment"]["id"])
    with shop.scope() as scope:
        rows = {row.payment_id: row for row in scope.session.scalars(select(StripePayment))}
        others_session = rows[other].session_id
        rows[other].session_id = None
        scope.session.flush()
        rows[mine].session_id = others_session
    requests.post(
        shop.ledger("sessions")[0]["url"], data={"action": "pay"}, allow_redirects=False, timeout=120
    )
    with shop.scope() as scope, pytest.raises(ProofFailed, match="client_reference_id"):
        StripeCheckout().fetch_state(scope, mine)
