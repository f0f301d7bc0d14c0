"""What has gone wrong with payments elsewhere, each named after where it was reported, and does not here.

Most of these have tests of their own that go further; this is the list.
"""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from autonomy_core.db.driver import driver_of
from autonomy_core.payments.models import Payment
from stripe_payments.api.client import client_for
from stripe_payments.models import StripeEvent
from stripe_payments.testing import checkout_session, signed, stripe_event, webhook_secret
from tests import wire
from tests.functional.stripe_payments.shop import (
    COMPLETED,
    EXPIRED,
    FAILED,
    SUCCEEDED,
    Shop,
    instead_of_settling,
)
from tests.functional.stripe_payments.test_refunds import session_of
from tests.functional.stripe_payments.test_return_page import come_back


def test_cashier_stripe_1759_events_out_of_order_do_not_take_a_payment_back(shop):
    payment = shop.payment()
    shop.post(shop.event(payment, SUCCEEDED))
    for late in (shop.event(payment, payment_status="unpaid"), shop.event(payment, EXPIRED)):
        assert shop.post(late).json["status"] == "processed"
    assert (shop.status(payment), shop.owns()) == ("completed", True)


@pytest.mark.concurrent
def test_vendure_plugins_620_simultaneous_deliveries_settle_once(committed, simulator):
    shop = Shop(committed, simulator)
    payment = shop.payment()
    events = [shop.event(payment) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(shop.post, events))
    assert {answer.json["status"] for answer in answers} == {"processed"}
    assert len(shop.grants()) == 1


def test_dj_stripe_832_an_event_whose_handler_failed_is_not_taken_for_handled_when_it_comes_again(
    shop, monkeypatch
):
    def broken(*_, **__):
        raise RuntimeError("no such luck")

    payment = shop.payment()
    event = shop.event(payment)
    with monkeypatch.context() as patched:
        instead_of_settling(patched, broken)
        assert shop.post(event).json["status"] == "failed"
    assert shop.post(event).json["status"] == "processed"
    assert shop.owns()


def test_dj_stripe_1499_an_event_that_never_arrived_reappears(shop):
    shop.simulator.simulator.seed_endpoint(shop.key, "http://127.0.0.1:9/", "whsec_nobody")
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    (job,) = [job for job in shop.autonomy.runtime.jobs if job.name == "stripe_payments.fetch_events"]
    with shop.scope() as scope:
        job.function(scope)
    assert shop.owns()


def test_dj_stripe_1569_alf_io_1019_an_organisations_webhook_knows_its_own_secret_only(
    autonomy, shop, simulator
):
    other = Shop(autonomy, simulator, "other")
    event = shop.event(shop.payment())
    shop.post(event, secret=webhook_secret(other.id), status=400)
    shop.post(event, organisation_id=other.id, status=400)
    assert shop.rows(StripeEvent) == other.rows(StripeEvent) == []


def test_killbill_2107_a_key_that_was_changed_counts_at_once(shop):
    shop.key = "sk_test_changed_a_moment_ago"
    shop.configure()
    shop.purchase()
    with shop.scope() as scope:
        assert client_for(scope, "test").v1.accounts.retrieve_current().id == shop.account()
    assert len(shop.books("sessions")) == 1


def test_killbill_2227_signatures_are_verified_by_each_organisations_secret(shop):
    event = shop.event(shop.payment())
    shop.post_raw(signed(event, "whsec_somebody_elses")[0], {"Stripe-Signature": "t=1,v1=00"}, status=400)
    shop.post(event, status=200)


def test_subscribie_352_wp_proudcity_2862_organisations_of_one_account_need_one_endpoint(
    autonomy, simulator, shop
):
    other = Shop(autonomy, simulator, "other")
    shared = webhook_secret(shop.id)
    other.key = shop.key
    other.configure(test_webhook_secret=shared)
    payment = other.payment()
    answer = shop.post(other.event(payment), secret=shared)
    assert answer.json["status"] == "processed"
    assert (other.status(payment), shop.rows(StripeEvent)) == ("completed", [])


@pytest.mark.parametrize("first", ["page", "webhook"])
def test_medusa_13301_woocommerce_890_return_page_and_webhook_settle_once_whichever_comes_first(shop, first):
    answer = shop.purchase().json
    location = shop.visit(answer["checkout_url"], "pay")
    ways = [lambda: come_back(shop, location), shop.post_events]
    for way in ways if first == "page" else reversed(ways):
        way()
    payment = shop.present(UUID(answer["payment"]["id"]))
    assert payment.settled_by == {"page": "return_page", "webhook": "webhook"}[first]
    assert len(shop.grants()) == 1


def test_ai_shipping_labs_1423_a_payment_by_a_method_that_takes_days_is_fulfilled_when_it_has_arrived(shop):
    payment = shop.payment()
    shop.post(shop.event(payment, payment_status="unpaid"))
    assert (shop.status(payment), shop.owns()) == ("processing", False)
    shop.post(shop.event(payment, SUCCEEDED))
    assert (shop.status(payment), shop.owns()) == ("completed", True)


def test_pretix_1233_polar_6422_who_has_paid_after_a_failed_attempt_is_not_asked_to_pay_again(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "decline")
    shop.post_events({"payment_intent.payment_failed"})
    assert shop.purchase(200).json == answer, "it is the same checkout, and nothing has failed for good"
    shop.visit(answer["checkout_url"], "pay")
    shop.post_events()
    assert shop.purchase(409).json["code"] == "already_owned"


def test_pretix_2629_money_that_arrives_after_a_failure_completes_the_payment(shop):
    payment = shop.payment()
    shop.post(shop.event(payment, FAILED, payment_status="unpaid"))
    assert shop.status(payment) == "failed"
    shop.post(shop.event(payment, COMPLETED))
    assert shop.owns()


def test_paymenter_1258_invoiceplane_1677_yen_are_not_charged_a_hundredfold(autonomy, simulator):
    shop = Shop(autonomy, simulator, amount=1200, currency="jpy")
    shop.purchase()
    (session,) = shop.books("sessions")
    assert (session["amount_total"], session["currency"]) == (1200, "jpy")


def test_lago_api_6257_a_refund_of_a_disputed_charge_is_refused_in_words(shop):
    sold = shop.sell()
    shop.at_stripe(f"sessions/{session_of(shop, sold)}/dispute")
    assert shop.refund(sold, status=409).json["code"] == "refund_refused"


def test_vendure_nothing_is_looked_up_before_the_signature_is_verified(shop):
    event = stripe_event(COMPLETED, checkout_session(shop.payment()))
    with wire.listening(driver_of(shop.autonomy.database._bind)) as listening:
        shop.post(event, secret="whsec_wrong", status=400)
        assert listening.round_trips == 0
        shop.post(event)
        assert listening.round_trips


def test_cashier_without_a_secret_nothing_is_believed(shop):
    section = "[organisation]\nname = Acme\ncurrency = eur\nplugins = stripe_payments\n\n[stripe_payments]\n"
    keys = f"environment = test\ntest_secret_key = {shop.key}\ntest_public_key = pk_test_acme\n"
    payment = shop.payment()
    event = shop.event(payment, livemode=True)
    path = shop.autonomy.runtime.settings.tenants / "acme.ini"
    path.write_text(f"{section}{keys}test_webhook_secret = {webhook_secret(shop.id)}\n", "utf-8")
    shop.autonomy.runtime.tenants.reload()
    for secret in ("", "None", webhook_secret(shop.id, "live")):
        body, headers = signed(event, secret)
        shop.post_raw(body, headers, status=400)
    assert [row.status for row in shop.rows(Payment)] == ["pending"]
