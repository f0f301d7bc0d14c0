"""Events of a payment may arrive in any order and repeatedly: the result is the state at Stripe."""

import random
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from autonomy_core.payments.models import PaymentRefund
from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.domain import HANDLED_EVENTS
from stripe_payments.events import handlers
from stripe_payments.models import StripePayment
from tests.functional.stripe_payments.shop import COMPLETED, PATHS, choose_path, session_of


@pytest.fixture(params=PATHS)
def path(request, monkeypatch):
    """Run a test on both paths of an event that completes its payment."""
    choose_path(monkeypatch, request.param)


def refund_at_stripe(shop, payment_id, **more):
    return shop.at_stripe(f"sessions/{session_of(shop, payment_id)}/refund", **more)["id"]


def named(shop, event_type, object_id):
    """The event of a type about an object."""
    events = shop.events({event_type})
    return next(event for event in events if event["data"]["object"]["id"] == object_id)


def test_a_late_report_of_a_failed_refund_restores_nothing(
    shop,
):
    sold = shop.sell()
    first = refund_at_stripe(shop, sold)
    shop.at_stripe(f"refunds/{first}/fail")
    second = refund_at_stripe(shop, sold)
    for event_type, refund in (
        ("refund.created", first),
        ("refund.created", second),
        ("refund.failed", first),
    ):
        assert shop.post(named(shop, event_type, refund)).json["status"] == "processed"
    assert (shop.status(sold), shop.present(sold).refunded_amount, shop.owns()) == ("refunded", 1200, False)


def test_refunds_above_the_price_are_checked_with_stripe(shop):
    sold = shop.sell()
    first = refund_at_stripe(shop, sold)
    shop.at_stripe(f"refunds/{first}/fail")
    second = refund_at_stripe(shop, sold, amount=500)
    for refund in (first, second):
        shop.post(named(shop, "refund.created", refund))
    assert (shop.status(sold), shop.present(sold).refunded_amount) == ("refunded", 1200)
    # That the first one has failed is not told by any event, but by Stripe itself.
    assert shop.autonomy.run_jobs(shop.id) == []
    assert (shop.status(sold), shop.present(sold).refunded_amount) == ("partially_refunded", 500)
    assert shop.owns()


def test_early_refunds_and_disputes_are_handled_at_settlement(shop, path):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    session_id = shop.ledger("sessions")[0]["id"]
    shop.at_stripe(f"sessions/{session_id}/refund", amount=500)
    shop.at_stripe(f"sessions/{session_id}/dispute")
    early = shop.events({"refund.created", "charge.dispute.created"})
    assert {shop.post(event).json["status"] for event in early} == {"received"}
    shop.post_events({COMPLETED})
    assert {shop.stored(event).status for event in early} == {"processed"}
    assert shop.status(shop.rows(StripePayment)[0].payment_id) == "disputed"
    assert [refund.amount for refund in shop.rows(PaymentRefund)] == [500]


def test_a_given_up_event_is_handled_when_its_payment_settles(shop, path):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    shop.at_stripe(f"sessions/{shop.ledger('sessions')[0]['id']}/refund")
    (event,) = shop.events({"refund.created"})
    shop.post(event)
    with shop.scope() as scope:
        row = scope.session.get_one(type(shop.stored(event)), (shop.id, "stripe", "test", event["id"]))
        row.status, row.attempts = "set_aside", 13
    shop.post_events({COMPLETED})
    assert shop.stored(event).status == "processed"
    assert not shop.owns()


def test_a_given_up_event_that_fails_at_settlement_is_retried(shop, monkeypatch):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    shop.at_stripe(f"sessions/{shop.ledger('sessions')[0]['id']}/refund")
    (event,) = shop.events({"refund.created"})
    shop.post(event)
    with shop.scope() as scope:
        row = scope.session.get_one(WebhookEvent, (shop.id, "stripe", "test", event["id"]))
        row.status, row.attempts = "set_aside", 13
    assert shop.autonomy.run_jobs(shop.id) == []
    with monkeypatch.context() as troubled:
        troubled.setitem(handlers.HANDLERS, "refund.created", Mock(side_effect=RuntimeError))
        shop.post_events({COMPLETED})
    assert (shop.stored(event).status, shop.owns()) == ("failed", True)
    assert shop.autonomy.run_jobs(shop.id) == []
    assert (shop.stored(event).status, shop.owns()) == ("processed", False)


def test_a_waiting_event_is_handled_after_the_return_page_settles(shop):
    answer = shop.purchase().json
    back = shop.visit(answer["checkout_url"], "pay")
    shop.at_stripe(f"sessions/{shop.ledger('sessions')[0]['id']}/refund")
    (event,) = shop.events({"refund.created"})
    assert shop.post(event).json["status"] == "received"
    shop.autonomy.app.get(back, status=303)
    assert shop.stored(event).status == "processed"
    assert not shop.owns()


# What may happen at Stripe to a payment of 1200 that is paid, as the simulator has learnt it from Stripe.
ACTIONS = st.one_of(
    st.tuples(
        st.just("refund"), st.sampled_from([100, 500, 700, 1200]), st.sampled_from(["succeeded", "pending"])
    ),
    st.tuples(st.sampled_from(["fail", "succeed"]), st.integers(0, 3)),
    st.tuples(st.just("dispute"), st.booleans()),
    st.tuples(st.sampled_from(["won", "lost", "escalate"]), st.integers(0, 1)),
)


class History:
    """Apply actions to a payment at Stripe, and skip those that are impossible there."""

    def __init__(self, shop, session_id):
        self.shop, self.session_id = shop, session_id
        self.refunds, self.disputes = [], []

    def act(self, action, *what):
        getattr(self, f"_{action}", lambda *it: self._close(action, *it))(*what)

    def _refund(self, amount, status):
        made = self._try(f"sessions/{self.session_id}/refund", amount=amount, status=status)
        self.refunds += [made["id"]] if made else []

    def _fail(self, number):
        for refund in self.refunds[number : number + 1]:
            self._try(f"refunds/{refund}/fail")

    def _succeed(self, number):
        for refund in self.refunds[number : number + 1]:
            self._try(f"refunds/{refund}/succeed")

    def _dispute(self, inquiry):
        made = self._try(f"sessions/{self.session_id}/dispute", inquiry=str(inquiry).lower())
        self.disputes += [made["id"]] if made else []

    def _escalate(self, number):
        for dispute in self.disputes[number : number + 1]:
            self._try(f"disputes/{dispute}/escalate")

    def _close(self, outcome, number):
        for dispute in self.disputes[number : number + 1]:
            self._try(f"disputes/{dispute}/close", outcome=outcome)

    def _try(self, path, **data):
        try:
            return self.shop.at_stripe(path, **data)
        except AssertionError:
            return None

    def truth(self):
        """Status, amount that has gone back, and whether the product is the buyer's, by what Stripe has."""
        refunds = [each for each in self.shop.ledger("refunds") if each["id"] in self.refunds]
        disputes = {each["status"] for each in self.shop.ledger("disputes") if each["id"] in self.disputes}
        gone = sum(each["amount"] for each in refunds if each["status"] in ("succeeded", "pending"))
        lost = disputes & {"lost", "needs_response", "under_review"}
        return self._status(gone, disputes), gone, not lost and gone < 1200

    def _status(self, gone, disputes):
        if disputes & {"needs_response", "under_review"}:
            return "disputed"
        if "lost" in disputes:
            return "dispute_lost"
        if gone:
            return "refunded" if gone == 1200 else "partially_refunded"
        return "dispute_won" if "won" in disputes else "completed"


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=st.lists(ACTIONS, min_size=1, max_size=8), seed=st.integers(0, 10_000))
def test_every_order_of_events_ends_in_the_state_at_stripe(shop, actions, seed):
    shop.product = shop.autonomy.product()
    known = {event["id"] for event in shop.events(HANDLED_EVENTS)}
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    history = History(shop, shop.ledger("sessions")[0]["id"])
    for action in actions:
        history.act(*action)
    events = [event for event in shop.events(HANDLED_EVENTS) if event["id"] not in known]
    chance = random.Random(seed)
    told = chance.sample(events, len(events)) + chance.choices(events, k=4)
    for event in told:
        shop.post(event)
    truth, payment = history.truth(), shop.present(session_payment(shop, history.session_id))
    assert (payment.status, payment.refunded_amount, shop.owns()) == truth
    # Nothing is left over, and to ask Stripe changes nothing.
    stored = {row.event_id: row.status for row in shop.rows(WebhookEvent)}
    assert {stored[event["id"]] for event in events} == {"processed"}
    shop.autonomy.run_jobs(shop.id)
    payment = shop.present(payment)
    assert (payment.status, payment.refunded_amount, shop.owns()) == truth


def session_payment(shop, session_id):
    with shop.scope() as scope:
        found = select(StripePayment.payment_id).where(StripePayment.session_id == session_id)
        return scope.session.scalars(found).one()
