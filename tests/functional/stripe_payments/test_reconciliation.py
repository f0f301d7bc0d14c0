"""Reconciliation: open payments are checked at Stripe, and undelivered events are fetched."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from autonomy_core.jobs.running import run_job
from autonomy_core.payments import reconciliation
from autonomy_core.payments.models import Payment, PaymentRefund
from autonomy_core.plugin_api.jobs import TryAgain
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.protocols import Checkout
from autonomy_core.testing import stand_ins
from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.api import client
from stripe_payments.checkout import session_sync
from stripe_payments.checkout.provider import StripeCheckout
from stripe_payments.models import StripePayment
from tests.functional.stripe_payments.periodic_jobs import A_DAY, FETCH, SWEEP, run, undelivered
from tests.functional.stripe_payments.shop import Shop


def waits(shop):
    """The minutes until each scheduled check of a payment."""
    statement = text(
        "SELECT round(extract(epoch FROM scheduled_at - now()) / 60) FROM procrastinate_jobs"
        " WHERE task_name = 'payments.check' AND status = 'todo' ORDER BY scheduled_at"
    )
    with shop.scope() as scope:
        return [int(minutes) for minutes in scope.session.scalars(statement)]


def sweep(shop, most):
    """A sweep with a small limit of queries."""
    with shop.scope() as scope:
        reconciliation.sweep(scope, most)


def age(shop, days):
    """Make all payments older."""
    ago = utcnow() - timedelta(days=days)
    with shop.scope() as scope:
        scope.session.execute(update(Payment).values(created_at=ago))
        scope.session.execute(update(StripePayment).values(created_at=ago))


def paid_without_an_event(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    return UUID(answer["payment"]["id"])


def test_a_payment_without_an_event_is_checked_after_five_minutes(shop):
    payment_id = paid_without_an_event(shop)
    assert waits(shop) == [5]
    assert shop.autonomy.run_jobs(shop.id, within_s=A_DAY) == []
    payment = shop.present(payment_id)
    assert (payment.status, payment.settled_by, shop.owns()) == ("completed", "reconciler", True)
    assert waits(shop) == []


def test_an_open_payment_is_checked_at_growing_intervals(shop):
    shop.purchase()
    seen = []
    while waits(shop):
        seen += waits(shop)
        shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    assert seen == [5, 55, 300, 1080]


def test_a_check_waits_during_an_outage_of_stripe(shop, monkeypatch):
    payment_id = paid_without_an_event(shop)
    monkeypatch.setattr(client, "RETRIES", 0)
    shop.at_stripe("faults", status="503", times="1", path="/v1/checkout/sessions")
    assert shop.autonomy.run_jobs(shop.id, within_s=A_DAY) == ["payments.check"]
    assert shop.autonomy.run_jobs(shop.id, within_s=A_DAY) == []
    assert shop.status(payment_id) == "completed"


def test_payments_open_for_more_than_a_day_are_checked_daily(shop):
    payment_id = paid_without_an_event(shop)
    run(shop, SWEEP)
    assert shop.status(payment_id) == "pending", "it is too young"
    age(shop, days=2)
    run(shop, SWEEP)
    assert shop.status(payment_id) == "completed"


def test_a_checkout_opened_before_a_crash_is_found_again(shop, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr(StripeCheckout, "attach", lambda *_: pytest.fail("dies here"))
        with pytest.raises(pytest.fail.Exception):
            shop.purchase()
    shop.visit(shop.ledger("sessions")[0]["url"], "pay")
    shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    (payment,) = shop.rows(Payment)
    assert (payment.status, len(shop.ledger("sessions"))) == ("completed", 1)


def test_a_checkout_recorded_during_a_check_is_kept(shop, monkeypatch):
    payment = shop.autonomy.payment(shop.customer, shop.product)
    real = session_sync.create_session

    def meanwhile(*arguments):
        session = real(*arguments)
        with shop.scope() as scope:
            checkout = Checkout(reference=session["id"], url=session["url"])
            StripeCheckout().attach(scope, payment.id, checkout)
        return session

    monkeypatch.setattr(session_sync, "create_session", meanwhile)
    shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    (row,) = shop.rows(StripePayment)
    (session,) = shop.ledger("sessions")
    assert (row.session_id, row.checkout_url) == (session["id"], session["url"])


def test_a_payment_with_an_ended_checkout_expires(shop):
    payment = shop.autonomy.payment(shop.customer, shop.product)
    age(shop, days=2)
    run(shop, SWEEP)
    assert shop.status(payment) == "expired"
    assert shop.ledger("sessions") == []


def test_a_mismatch_found_by_a_check_is_recorded_only(shop):
    payment_id = paid_without_an_event(shop)
    with shop.scope() as scope:
        scope.session.execute(update(Payment).values(amount=7))
    shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    assert shop.status(payment_id) == "pending"
    timeline = shop.as_staff("get", f"payments/{payment_id}/timeline").json["items"]
    assert (
        "amount" in next(entry for entry in timeline if entry["kind"] == "report_refused")["detail"]["reason"]
    )


def test_undelivered_events_are_fetched_and_handled_once(shop):
    undelivered(shop)
    payment_id = paid_without_an_event(shop)
    for _ in range(2):
        run(shop, FETCH)
    assert (shop.status(payment_id), len(shop.grants())) == ("completed", 1)
    stored = {event.type: event for event in shop.rows(WebhookEvent)}
    completed = stored["checkout.session.completed"]
    assert (completed.origin, completed.status, completed.attempts) == ("fetched", "processed", 1)
    timeline = shop.as_staff("get", f"payments/{payment_id}/timeline").json["items"]
    assert "fetched with the test key" in str(timeline)


def test_an_event_that_was_delivered_is_not_handled_again(shop):
    undelivered(shop)
    paid_without_an_event(shop)
    shop.post_events()
    run(shop, FETCH)
    (completed,) = [event for event in shop.rows(WebhookEvent) if event.type == "checkout.session.completed"]
    assert (completed.origin, completed.attempts) == ("webhook", 1)


def test_events_of_other_users_of_the_account_are_skipped(autonomy, simulator, shop):
    undelivered(shop)
    other = Shop(autonomy, simulator, "other")
    other.key = shop.key
    other.configure()
    payment_id = paid_without_an_event(other)
    run(shop, FETCH)
    assert shop.rows(WebhookEvent) == []
    run(other, FETCH)
    assert other.status(payment_id) == "completed"


def test_a_refused_key_does_not_stop_the_worker(shop):
    shop.key = "sk_test_%no_key%"
    shop.configure()
    run(shop, FETCH)
    assert shop.rows(WebhookEvent) == []


@pytest.mark.parametrize(("wish", "status"), [("yes", "refunded"), ("no", "completed")])
def test_a_duplicate_is_refunded_if_the_organisation_wants_it(shop, wish, status):
    shop.wishes = {"refund_duplicates": wish}
    shop.configure()
    first = paid_without_an_event(shop)
    with shop.scope() as scope:
        scope.session.scalars(select(StripePayment)).one().expires_at = utcnow()
    second = UUID(shop.purchase(201).json["payment"]["id"])
    shop.visit(shop.ledger("sessions")[0]["url"], "pay")
    late, soon = shop.events()
    shop.post(soon)
    shop.post(late)
    for _ in range(3):
        shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    assert (shop.status(first), shop.status(second), shop.owns()) == (status, "completed", True)
    assert len(shop.ledger("refunds")) == (wish == "yes")


def test_a_payment_without_a_key_blocks_no_other_check(shop):
    of_before = without_its_key(shop)
    paid = paid_without_an_event(shop)
    age(shop, 2)
    run(shop, SWEEP)
    assert (shop.status(paid), shop.status(of_before)) == ("completed", "pending")


def without_its_key(shop):
    """An open payment of the environment for which the organisation has no key any more."""
    payment_id = UUID(shop.purchase().json["payment"]["id"])
    with shop.scope() as scope:
        for model in (Payment, StripePayment):
            scope.session.get_one(model, (shop.id, payment_id)).environment = "live"
    return payment_id


def test_payments_without_a_key_do_not_use_up_the_daily_checks(shop):
    for _ in range(3):
        without_its_key(shop)
    paid = paid_without_an_event(shop)
    age(shop, 2)
    sweep(shop, most=1)
    assert shop.status(paid) == "completed"


def test_a_sweep_stops_when_stripe_refuses_calls(shop):
    for email in ("bob@example.org", "eve@example.org", "joe@example.org"):
        shop.customer = shop.autonomy.customer(shop.id, email)
        shop.purchase()
    age(shop, 2)
    shop.key = "sk_test_%no_key%"
    shop.configure()
    with capture_logs() as logged:
        sweep(shop, most=2)
    refused = [entry for entry in logged if entry["event"] == "stripe.call_failed"]
    assert [entry["status"] for entry in refused] == [401, 401]


def test_payments_open_for_weeks_delay_no_other_check(shop):
    shop.purchase()
    shop.customer = shop.autonomy.customer(shop.id, "bob@example.org")
    paid = paid_without_an_event(shop)
    age(shop, 2)
    # The order of the checks is random.
    assert any(sweep(shop, most=1) or shop.status(paid) == "completed" for _ in range(100))


def test_an_error_with_one_payment_blocks_no_other_check(shop, monkeypatch):
    paid = paid_without_an_event(shop)
    shop.customer = shop.autonomy.customer(shop.id, "bob@example.org")
    odd = paid_without_an_event(shop)
    age(shop, 2)
    real = StripeCheckout.fetch_state

    def fetch_state(self, scope, payment_id):
        if payment_id == odd:
            raise LookupError("a fault of the provider's")
        return real(self, scope, payment_id)

    monkeypatch.setattr(StripeCheckout, "fetch_state", fetch_state)
    run(shop, SWEEP)
    assert (shop.status(paid), shop.status(odd)) == ("completed", "pending")


def test_a_payment_without_a_key_is_checked_at_the_usual_intervals(shop):
    payment_id = without_its_key(shop)
    seen = []
    while waits(shop):
        seen += waits(shop)
        assert shop.autonomy.run_jobs(shop.id, within_s=A_DAY) == []
    assert seen == [5, 55, 300, 1080]
    timeline = shop.as_staff("get", f"payments/{payment_id}/timeline").json["items"]
    assert [each["detail"]["answer"] for each in timeline if each["kind"] == "asked"] == [
        "none: Payments are not set up completely."
    ]


def lose_the_key(shop):
    with shop.scope() as scope:
        scope.session.execute(update(Payment).values(environment="live"))
        scope.session.execute(update(StripePayment).values(environment="live"))


def disable_the_plugin(shop):
    shop.autonomy.organisation(shop.id, plugins=(stand_ins.NAME,))


@pytest.mark.parametrize("take_away", [lose_the_key, disable_the_plugin])
def test_a_check_that_no_sweep_repeats_waits_up_to_a_day(shop, take_away):
    payment_id = paid_without_an_event(shop)
    shop.post_events()
    take_away(shop)
    (check,) = [job for job in shop.autonomy.runtime.jobs if job.name == "payments.check"]
    with pytest.raises(TryAgain, match=r"not set up completely|not enabled") as raised:
        run_job(shop.autonomy.runtime, check, shop.id, {"payment_id": str(payment_id)})
    assert raised.value.longest_wait_s == A_DAY


def test_an_unreadable_refund_hides_no_other_report(shop, monkeypatch):
    payment_id = paid_without_an_event(shop)
    session = shop.ledger("sessions")[0]["id"]
    for amount in (300, 200):
        shop.at_stripe(f"sessions/{session}/refund", amount=amount)
    real = client.list_refunds

    def with_a_new_status(*arguments):
        return [each | ({"status": "paused"} if each["amount"] == 200 else {}) for each in real(*arguments)]

    monkeypatch.setattr(client, "list_refunds", with_a_new_status)
    for _ in range(2):
        shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    payment = shop.present(payment_id)
    assert (payment.status, payment.refunded_amount) == ("partially_refunded", 300)
    assert [refund.amount for refund in shop.rows(PaymentRefund)] == [300]
    timeline = shop.as_staff("get", f"payments/{payment_id}/timeline").json["items"]
    (refused,) = [entry["detail"] for entry in timeline if entry["kind"] == "report_refused"]
    assert "status is 'paused'" in refused["reason"]
    assert "refund re_" in refused["reason"]
