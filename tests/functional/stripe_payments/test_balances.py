"""Fees are read from Stripe's balance, in pages, once each, and only for payments of the organisation."""

from datetime import timedelta

import pytest
import requests
from sqlalchemy import delete, select, update
from structlog.testing import capture_logs

from autonomy_core.accounting.models import PaymentBalance
from autonomy_core.kernel.retries import TryAgain
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import Payment, PaymentsUnavailable
from stripe_payments.balances import services
from stripe_payments.models import StripeBalance, StripePayment
from tests.functional.stripe_payments.periodic_jobs import run
from tests.functional.stripe_payments.shop import Shop

READ, AGAIN = "stripe_payments.read_balance", "stripe_payments.read_balance_again"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Read up to a moment ahead, because Stripe counts whole seconds."""
    monkeypatch.setattr(services, "utcnow", lambda: utcnow() + timedelta(seconds=2))


def balances(shop):
    """What is recorded, oldest first: kind, amount, fee, net and currency."""
    with shop.scope() as scope:
        rows = scope.session.scalars(select(PaymentBalance)).all()
    found = [(row.kind, row.amount, row.fee, row.net, row.currency) for row in rows]
    return sorted(found)


def session_of_newest(shop):
    return shop.ledger("sessions")[0]["id"]


def test_the_fee_of_a_payment_is_read_once(shop):
    payment = shop.sell()
    for _ in range(2):
        run(shop, READ)
    assert balances(shop) == [("payment", 1200, 43, 1157, "eur")]
    [row] = shop.rows(PaymentBalance)
    assert (row.payment_id, row.provider) == (payment, "stripe_payments")
    [charge] = shop.ledger("charges")
    assert row.reference == charge["balance_transaction"]


def test_refunds_and_disputes_change_the_balance(shop):
    shop.sell()
    shop.at_stripe(f"sessions/{session_of_newest(shop)}/refund", amount=200)
    dispute = shop.at_stripe(f"sessions/{session_of_newest(shop)}/dispute", amount=1000)
    shop.at_stripe(f"disputes/{dispute['id']}/close", outcome="won")
    run(shop, READ)
    assert balances(shop) == [
        ("dispute", -1000, 2000, -3000, "eur"),
        ("dispute", 1000, 0, 1000, "eur"),
        ("payment", 1200, 43, 1157, "eur"),
        ("refund", -200, 0, -200, "eur"),
    ]


def test_an_account_that_settles_in_another_currency_has_fees_in_it(shop):
    shop.simulator.simulator.balances.settle_in(shop.account(), "usd")
    shop.sell()
    run(shop, READ)
    assert balances(shop) == [("payment", 1080, 41, 1039, "usd")]


def test_a_refund_that_failed_returns_the_money(shop):
    shop.sell()
    refund = shop.at_stripe(f"sessions/{session_of_newest(shop)}/refund", amount=200)
    shop.at_stripe(f"refunds/{refund['id']}/fail")
    run(shop, READ)
    assert [each[:2] for each in balances(shop)] == [("payment", 1200), ("refund", -200), ("refund", 200)]


def test_many_changes_are_read_in_pages(shop, monkeypatch):
    monkeypatch.setattr(services, "PAGE", 2)
    shop.sell()
    for _ in range(4):
        shop.at_stripe(f"sessions/{session_of_newest(shop)}/refund", amount=10)
    run(shop, READ)
    assert len(balances(shop)) == 5


def test_reading_goes_on_where_it_stopped(shop, monkeypatch):
    monkeypatch.setattr(services, "MOST_DAYS", 1)
    payment = shop.sell()
    with shop.scope() as scope:
        began = utcnow() - timedelta(days=2.5)
        scope.session.execute(update(Payment).where(Payment.id == payment).values(completed_at=began))
    turns = []
    for _ in range(4):
        run(shop, READ)
        turns.append(len(balances(shop)))
    assert turns == [0, 0, 1, 1]


def test_a_payment_that_becomes_known_late_is_read_again(shop):
    shop.sell()
    run(shop, READ)
    with shop.scope() as scope:
        scope.session.execute(delete(PaymentBalance))
        scope.session.execute(update(StripeBalance).values(read_until=utcnow() + timedelta(hours=2)))
    run(shop, READ)
    assert balances(shop) == []
    run(shop, AGAIN)
    assert len(balances(shop)) == 1


def test_a_charge_finds_its_payment_before_its_event_arrived(shop):
    payment = shop.sell()
    with shop.scope() as scope:
        row = scope.session.get_one(StripePayment, (shop.id, payment))
        row.payment_intent_id = None
    run(shop, READ)
    assert len(balances(shop)) == 1


def test_organisations_that_share_an_account_read_their_own_fees(shop, autonomy, simulator):
    other = Shop(autonomy, simulator, "bmce")
    other.key = shop.key
    other.configure()
    shop.sell()
    other.sell()
    for each in (shop, other):
        run(each, READ)
    assert [len(balances(each)) for each in (shop, other)] == [1, 1]


def test_without_payments_stripe_is_not_asked(shop):
    requests.post(f"{shop.simulator.url}/_simulator/faults", data={"status": 500, "times": 9}, timeout=10)
    run(shop, READ)
    run(shop, AGAIN)
    requests.delete(f"{shop.simulator.url}/_simulator/faults", timeout=10)
    assert balances(shop) == []


def test_when_stripe_does_not_answer_the_job_tries_again(shop):
    shop.sell()
    fault = {"status": 500, "times": 99, "path": "/v1/balance_transactions"}
    requests.post(f"{shop.simulator.url}/_simulator/faults", data=fault, timeout=10)
    with pytest.raises(TryAgain):
        run(shop, READ)
    requests.delete(f"{shop.simulator.url}/_simulator/faults", timeout=10)
    run(shop, READ)
    assert len(balances(shop)) == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"amount": 10**30, "net": 10**30 - 43},
        {"amount": -(2**63) - 1, "net": -(2**63) - 44},
        {"fee": -500},
        {"fee": "43"},
        {"net": None},
        {"currency": "x" * 5000},
        {"currency": "EUR"},
        {"created": 10**30},
        {"available_on": -1},
        {"id": "txn_" + "x" * 5000},
    ],
    ids=" ".join,
)
def test_an_odd_change_of_the_balance_hides_no_other(shop, monkeypatch, odd):
    shop.sell()
    honest = services.list_balance_transactions

    def with_an_odd_one(*arguments):
        for each in honest(*arguments):
            yield each | {"id": "txn_odd"} | odd
            yield each

    monkeypatch.setattr(services, "list_balance_transactions", with_an_odd_one)
    with capture_logs() as logs:
        run(shop, READ)
    assert balances(shop) == [("payment", 1200, 43, 1157, "eur")]
    assert {each["event"] for each in logs if "reason" in each} == {"stripe.balance_not_understood"}


def test_a_key_that_stripe_refuses_does_not_fail_the_job(shop, monkeypatch):
    def refuse(*_):
        raise PaymentsUnavailable

    shop.sell()
    monkeypatch.setattr(services, "list_balance_transactions", refuse)
    with capture_logs() as logs:
        run(shop, READ)
    assert [each["event"] for each in logs if "remedy" in each] == ["stripe.balance_not_read"]
    assert balances(shop) == []


def test_a_fee_is_in_the_timeline_of_its_payment(shop):
    payment = shop.sell()
    run(shop, READ)
    items = shop.as_staff("get", f"payments/{payment}/timeline").json["items"]
    [entry] = [each["detail"] for each in items if each["kind"] == "balance_changed"]
    assert (entry["because_of"], entry["fee"], entry["net"]) == ("payment", 43, 1157)
