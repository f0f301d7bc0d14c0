"""What never arrived is fetched: payments are asked about, events that were not delivered are handled all the same."""

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
from stripe_payments.api import client
from stripe_payments.checkout import session_sync as asking
from stripe_payments.checkout.provider import StripeCheckout
from stripe_payments.models import StripeEvent, StripePayment
from tests.functional.stripe_payments.shop import Shop

A_DAY = 24 * 3600
SWEEP, FETCH = "payments.sweep", "stripe_payments.fetch_events"


def run(shop, name):
    """One turn of a periodic job."""
    (job,) = [job for job in shop.autonomy.runtime.jobs if job.name == name]
    with shop.scope() as scope:
        job.function(scope)


def waits(shop):
    """In how many minutes the organisation's payments are asked about."""
    statement = text(
        "SELECT round(extract(epoch FROM scheduled_at - now()) / 60) FROM procrastinate_jobs"
        " WHERE task_name = 'payments.check' AND status = 'todo' ORDER BY scheduled_at"
    )
    with shop.scope() as scope:
        return [int(minutes) for minutes in scope.session.scalars(statement)]


def age(shop, days):
    """Make everything that has been opened older."""
    ago = utcnow() - timedelta(days=days)
    with shop.scope() as scope:
        scope.session.execute(update(Payment).values(created_at=ago))
        scope.session.execute(update(StripePayment).values(created_at=ago))


def paid_without_an_event(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    return UUID(answer["payment"]["id"])


def test_a_payment_whose_event_is_lost_is_asked_about_after_five_minutes(shop):
    payment_id = paid_without_an_event(shop)
    assert waits(shop) == [5]
    assert shop.autonomy.run_jobs(shop.id, within_s=A_DAY) == []
    payment = shop.present(payment_id)
    assert (payment.status, payment.settled_by, shop.owns()) == ("completed", "reconciler", True)
    assert waits(shop) == []


def test_one_that_stays_open_is_asked_about_again_after_an_hour_six_hours_and_a_day(shop):
    shop.purchase()
    seen = []
    while waits(shop):
        seen += waits(shop)
        shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    assert seen == [5, 55, 300, 1080]


def test_while_stripe_does_not_answer_the_question_waits(shop, monkeypatch):
    payment_id = paid_without_an_event(shop)
    monkeypatch.setattr(client, "RETRIES", 0)
    shop.at_stripe("faults", status="503", times="1", path="/v1/checkout/sessions")
    assert shop.autonomy.run_jobs(shop.id, within_s=A_DAY) == ["payments.check"]
    assert shop.autonomy.run_jobs(shop.id, within_s=A_DAY) == []
    assert shop.status(payment_id) == "completed"


def test_whatever_is_open_for_more_than_a_day_is_asked_about_daily(shop):
    payment_id = paid_without_an_event(shop)
    run(shop, SWEEP)
    assert shop.status(payment_id) == "pending", "it is too young"
    age(shop, days=2)
    run(shop, SWEEP)
    assert shop.status(payment_id) == "completed"


def test_a_checkout_that_was_opened_when_the_server_crashed_is_found_again(shop, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr(StripeCheckout, "attach", lambda *_: pytest.fail("dies here"))
        with pytest.raises(pytest.fail.Exception):
            shop.purchase()
    shop.visit(shop.books("sessions")[0]["url"], "pay")
    shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    (payment,) = shop.rows(Payment)
    assert (payment.status, len(shop.books("sessions"))) == ("completed", 1)


def test_a_checkout_that_was_noted_while_stripe_was_asked_stays_noted(shop, monkeypatch):
    payment = shop.autonomy.payment(shop.customer, shop.product)
    real = asking.create_session

    def meanwhile(*arguments):
        session = real(*arguments)
        with shop.scope() as scope:
            checkout = Checkout(reference=session["id"], url=session["url"])
            StripeCheckout().attach(scope, payment.id, checkout)
        return session

    monkeypatch.setattr(asking, "create_session", meanwhile)
    shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    (row,) = shop.rows(StripePayment)
    (session,) = shop.books("sessions")
    assert (row.session_id, row.checkout_url) == (session["id"], session["url"])


def test_what_nobody_can_pay_any_more_has_expired(shop):
    payment = shop.autonomy.payment(shop.customer, shop.product)
    age(shop, days=2)
    run(shop, SWEEP)
    assert shop.status(payment) == "expired"
    assert shop.books("sessions") == []


def test_what_stripe_says_of_another_payment_is_noted_and_changes_nothing(shop):
    payment_id = paid_without_an_event(shop)
    with shop.scope() as scope:
        scope.session.execute(update(Payment).values(amount=7))
    shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    assert shop.status(payment_id) == "pending"
    timeline = shop.as_staff("get", f"payments/{payment_id}/timeline").json["items"]
    assert (
        "amount" in next(entry for entry in timeline if entry["kind"] == "report_refused")["detail"]["reason"]
    )


def undelivered(shop):
    """An endpoint that does not answer, so that Stripe counts the events as undelivered."""
    shop.simulator.simulator.seed_endpoint(shop.key, "http://127.0.0.1:9/", "whsec_nobody")


def test_events_that_could_not_be_delivered_are_fetched_and_handled_once(shop):
    undelivered(shop)
    payment_id = paid_without_an_event(shop)
    for _ in range(2):
        run(shop, FETCH)
    assert (shop.status(payment_id), len(shop.grants())) == ("completed", 1)
    stored = {event.type: event for event in shop.rows(StripeEvent)}
    completed = stored["checkout.session.completed"]
    assert (completed.source, completed.status, completed.attempts) == ("fetched", "processed", 1)
    timeline = shop.as_staff("get", f"payments/{payment_id}/timeline").json["items"]
    assert "fetched with the test key" in str(timeline)


def test_what_was_delivered_after_all_is_not_handled_again(shop):
    undelivered(shop)
    paid_without_an_event(shop)
    shop.post_events()
    run(shop, FETCH)
    (completed,) = [event for event in shop.rows(StripeEvent) if event.type == "checkout.session.completed"]
    assert (completed.source, completed.attempts) == ("webhook", 1)


def test_the_events_of_others_who_use_the_same_account_are_theirs(autonomy, simulator, shop):
    undelivered(shop)
    other = Shop(autonomy, simulator, "other")
    other.key = shop.key
    other.configure()
    payment_id = paid_without_an_event(other)
    run(shop, FETCH)
    assert shop.rows(StripeEvent) == []
    run(other, FETCH)
    assert other.status(payment_id) == "completed"


def test_a_refused_key_is_no_reason_to_stop_the_worker(shop):
    shop.key = "sk_test_%no_key%"
    shop.configure()
    run(shop, FETCH)
    assert shop.rows(StripeEvent) == []


@pytest.mark.parametrize(("wish", "status"), [("yes", "refunded"), ("no", "completed")])
def test_what_was_paid_twice_is_given_back_where_the_organisation_wants_it(shop, wish, status):
    shop.wishes = {"refund_duplicates": wish}
    shop.configure()
    first = paid_without_an_event(shop)
    with shop.scope() as scope:
        scope.session.scalars(select(StripePayment)).one().expires_at = utcnow()
    second = UUID(shop.purchase(201).json["payment"]["id"])
    shop.visit(shop.books("sessions")[0]["url"], "pay")
    late, soon = shop.events()
    shop.post(soon)
    shop.post(late)
    for _ in range(3):
        shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    assert (shop.status(first), shop.status(second), shop.owns()) == (status, "completed", True)
    assert len(shop.books("refunds")) == (wish == "yes")


def test_a_payment_that_nobody_is_set_up_any_more_to_ask_about_keeps_no_other_from_being_asked_about(shop):
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


def test_payments_that_cannot_be_asked_about_do_not_use_up_the_questions_of_a_day(shop, monkeypatch):
    monkeypatch.setattr(reconciliation, "MOST_AT_ONCE", 1)
    for _ in range(3):
        without_its_key(shop)
    paid = paid_without_an_event(shop)
    age(shop, 2)
    run(shop, SWEEP)
    assert shop.status(paid) == "completed"


def test_a_sweep_asks_no_more_questions_when_stripe_refuses_them(shop, monkeypatch):
    for email in ("bob@example.org", "eve@example.org", "joe@example.org"):
        shop.customer = shop.autonomy.customer(shop.id, email)
        shop.purchase()
    age(shop, 2)
    monkeypatch.setattr(reconciliation, "MOST_AT_ONCE", 2)
    shop.key = "sk_test_%no_key%"
    shop.configure()
    with capture_logs() as logged:
        run(shop, SWEEP)
    refused = [entry for entry in logged if entry["event"] == "stripe.call_failed"]
    assert [entry["status"] for entry in refused] == [401, 401]


def test_payments_that_stay_open_for_weeks_keep_no_other_from_its_turn(shop, monkeypatch):
    monkeypatch.setattr(reconciliation, "MOST_AT_ONCE", 1)
    shop.purchase()
    shop.customer = shop.autonomy.customer(shop.id, "bob@example.org")
    paid = paid_without_an_event(shop)
    age(shop, 2)
    # Chance decides whose turn it is.
    assert any(run(shop, SWEEP) or shop.status(paid) == "completed" for _ in range(100))


def test_a_fault_that_one_payment_meets_keeps_no_other_from_being_asked_about(shop, monkeypatch):
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


def test_an_open_payment_whose_key_is_gone_is_asked_about_as_seldom_as_any_other_and_says_so(shop):
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
def test_a_question_that_no_sweep_repeats_is_kept_and_rests_up_to_a_day(shop, take_away):
    payment_id = paid_without_an_event(shop)
    shop.post_events()
    take_away(shop)
    (check,) = [job for job in shop.autonomy.runtime.jobs if job.name == "payments.check"]
    with pytest.raises(TryAgain, match=r"not set up completely|not enabled") as raised:
        run_job(shop.autonomy.runtime, check, shop.id, {"payment_id": str(payment_id)})
    assert raised.value.longest_wait_s == A_DAY


def test_a_refund_that_is_not_understood_hides_neither_the_payment_nor_the_other_refunds(shop, monkeypatch):
    payment_id = paid_without_an_event(shop)
    session = shop.books("sessions")[0]["id"]
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
