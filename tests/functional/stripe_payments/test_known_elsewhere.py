"""Regression tests for payment bugs reported in other projects, each named after its report.

Most of these have tests of their own that go further; this is the list.
"""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from autonomy_core.db.driver import driver_of
from autonomy_core.payments.models import Payment
from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.api.client import client_for
from stripe_payments.testing import checkout_session, signed, stripe_event, webhook_secret
from tests.functional.stripe_payments.shop import (
    COMPLETED,
    EXPIRED,
    FAILED,
    SUCCEEDED,
    Shop,
    come_back,
    instead_of_settling,
    session_of,
)
from tests.support.round_trips import listening


def test_cashier_stripe_1759_a_late_event_does_not_undo_a_payment(shop):
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


def test_dj_stripe_832_a_failed_event_is_handled_when_redelivered(shop, monkeypatch):
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
    (job,) = [job for job in shop.autonomy.runtime.jobs if job.name == "webhooks.fetch_events"]
    with shop.scope() as scope:
        job.function(scope)
    assert shop.owns()


def test_dj_stripe_1569_alf_io_1019_a_webhook_has_its_own_secret_only(autonomy, shop, simulator):
    other = Shop(autonomy, simulator, "other")
    event = shop.event(shop.payment())
    shop.post(event, secret=webhook_secret(other.id), status=400)
    shop.post(event, organisation_id=other.id, status=400)
    assert shop.rows(WebhookEvent) == other.rows(WebhookEvent) == []


def test_killbill_2107_a_key_that_was_changed_counts_at_once(shop):
    shop.key = "sk_test_changed_a_moment_ago"
    shop.configure()
    shop.purchase()
    with shop.scope() as scope:
        assert client_for(scope, "test").v1.accounts.retrieve_current().id == shop.account()
    assert len(shop.ledger("sessions")) == 1


def test_killbill_2227_each_organisation_verifies_with_its_own_secret(shop):
    event = shop.event(shop.payment())
    shop.post_raw(signed(event, "whsec_somebody_elses")[0], {"Stripe-Signature": "t=1,v1=00"}, status=400)
    shop.post(event, status=200)


def test_subscribie_352_wp_proudcity_2862_one_account_has_one_endpoint(autonomy, simulator, shop):
    other = Shop(autonomy, simulator, "other")
    shared = webhook_secret(shop.id)
    other.key = shop.key
    other.configure(test_webhook_secret=shared)
    payment = other.payment()
    answer = shop.post(other.event(payment), secret=shared)
    assert answer.json["status"] == "processed"
    assert (other.status(payment), shop.rows(WebhookEvent)) == ("completed", [])


@pytest.mark.parametrize("first", ["page", "webhook"])
def test_medusa_13301_woocommerce_890_page_and_webhook_settle_once(shop, first):
    answer = shop.purchase().json
    location = shop.visit(answer["checkout_url"], "pay")
    ways = [lambda: come_back(shop, location), shop.post_events]
    for way in ways if first == "page" else reversed(ways):
        way()
    payment = shop.present(UUID(answer["payment"]["id"]))
    assert payment.settled_by == {"page": "return_page", "webhook": "webhook"}[first]
    assert len(shop.grants()) == 1


def test_ai_shipping_labs_1423_a_bank_debit_is_granted_when_it_arrives(shop):
    payment = shop.payment()
    shop.post(shop.event(payment, payment_status="unpaid"))
    assert (shop.status(payment), shop.owns()) == ("processing", False)
    shop.post(shop.event(payment, SUCCEEDED))
    assert (shop.status(payment), shop.owns()) == ("completed", True)


def test_pretix_1233_polar_6422_a_success_after_a_decline_is_paid_once(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "decline")
    shop.post_events({"payment_intent.payment_failed"})
    assert shop.purchase(200).json == answer, "it is the same checkout, and nothing has failed for good"
    shop.visit(answer["checkout_url"], "pay")
    shop.post_events()
    assert shop.purchase(409).json["code"] == "already_owned"


def test_pretix_2629_a_success_after_a_failure_completes_the_payment(shop):
    payment = shop.payment()
    shop.post(shop.event(payment, FAILED, payment_status="unpaid"))
    assert shop.status(payment) == "failed"
    shop.post(shop.event(payment, COMPLETED))
    assert shop.owns()


def test_paymenter_1258_invoiceplane_1677_yen_have_no_decimals(autonomy, simulator):
    shop = Shop(autonomy, simulator, amount=1200, currency="jpy")
    shop.purchase()
    (session,) = shop.ledger("sessions")
    assert (session["amount_total"], session["currency"]) == (1200, "jpy")


def test_lago_api_6257_a_refund_of_a_disputed_charge_is_refused(shop):
    sold = shop.sell()
    shop.at_stripe(f"sessions/{session_of(shop, sold)}/dispute")
    assert shop.refund(sold, status=409).json["code"] == "refund_refused"


def test_vendure_nothing_is_looked_up_before_the_signature_is_verified(shop):
    event = stripe_event(COMPLETED, checkout_session(shop.payment()))
    with listening(driver_of(shop.autonomy.database._bind)) as wire:
        shop.post(event, secret="whsec_wrong", status=400)
        assert wire.round_trips == 0
        shop.post(event)
        assert wire.round_trips


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
