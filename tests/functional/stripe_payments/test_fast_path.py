"""The fast path of an ordinary event writes the same rows as the general path."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autonomy_core.payments.models import Payment
from stripe_payments.models import StripePayment
from stripe_payments.testing import checkout_session, stripe_event
from tests.functional.stripe_payments import shop as shops
from tests.functional.stripe_payments.hooks import HOOKS
from tests.functional.stripe_payments.recorded_rows import rows_of
from tests.functional.stripe_payments.shop import COMPLETED, PATHS, SUCCEEDED, choose_path


@pytest.fixture(scope="module")
def chosen():
    return []


@pytest.fixture(scope="module")
def autonomy_plugins(chosen):
    def choosable(event):
        for hook in chosen:
            hook(event)

    return shops.plugins_with(choosable=choosable)


@pytest.fixture
def shop(autonomy, simulator, chosen):
    chosen.clear()
    return shops.Shop(autonomy, simulator, hooks=["choosable"])


def handled(shop, monkeypatch, path, *, opened, reports):
    """Post events about a new payment on one path; gives the answers, what is recorded, and the jobs."""
    with monkeypatch.context() as patched:
        choose_path(patched, path)
        shop.product = shop.autonomy.product()
        payment = shop.payment()
        with shop.scope() as scope:
            for name, value in opened.items():
                setattr(scope.session.get_one(StripePayment, (shop.id, payment.id)), name, value)
        before = {job["id"] for job in shop.autonomy.jobs(shop.id, with_mail=True)}
        events = [
            stripe_event(event_type, checkout_session(payment, **changes)) for event_type, changes in reports
        ]
        answers = [shop.post(event).json["status"] for event in [*events, *events[:1]]]
        after = shop.autonomy.jobs(shop.id, with_mail=True)
        jobs = [job["task_name"] for job in after if job["id"] not in before]
        return answers, rows_of(shop, payment), jobs


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    hooks=st.lists(st.sampled_from(HOOKS), max_size=2),
    opened=st.sampled_from([{}, {"session_id": None}, {"payment_intent_id": "pi_before"}]),
    reports=st.lists(
        st.tuples(
            st.sampled_from([COMPLETED, SUCCEEDED]),
            st.sampled_from(
                [
                    {},
                    {},
                    {"payment_status": "unpaid"},
                    {"payment_status": "no_payment_required"},
                    {"payment_intent": None},
                    {"amount_total": 1},
                    {"metadata": {}},
                    {"client_reference_id": None},
                ]
            ),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_both_paths_end_in_the_same_rows(shop, chosen, monkeypatch, hooks, opened, reports):
    chosen[:] = hooks
    fast, general = (handled(shop, monkeypatch, path, opened=opened, reports=reports) for path in PATHS)
    assert fast == general


def test_both_paths_clear_the_reason_of_a_payment_that_was_processing(shop, monkeypatch):
    recorded = []
    for path in PATHS:
        with monkeypatch.context() as patched:
            choose_path(patched, path)
            shop.product = shop.autonomy.product()
            payment = shop.payment()
            with shop.scope() as scope:
                row = scope.session.get_one(Payment, (shop.id, payment.id))
                row.status, row.failure_reason = "processing", "The bank waits for the payer."
            assert shop.post(stripe_event(COMPLETED, checkout_session(payment))).json["status"] == "processed"
            with shop.scope() as scope:
                row = scope.session.get_one(Payment, (shop.id, payment.id))
                recorded.append((row.status, row.failure_reason))
    assert recorded == [("completed", None)] * len(PATHS)
