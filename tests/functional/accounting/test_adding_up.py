"""Whatever happens: the days add up to the months, and both to the ledger, exactly."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from autonomy_core.accounting.domain import Sums, add_up
from autonomy_core.accounting.figures import Question, figures
from autonomy_core.accounting.models import PaymentBalance
from autonomy_core.payments.models import Payment, PaymentDispute, PaymentItem, PaymentRefund
from tests.functional.accounting.books import Books

ENVIRONMENTS = st.sampled_from(["test", "live"])
CURRENCIES = st.sampled_from(["eur", "usd", "jpy"])
TIMES = st.datetimes(datetime(2026, 1, 30), datetime(2026, 4, 2)).map(lambda each: each.replace(tzinfo=UTC))
SHARES = st.lists(st.integers(0, 997), min_size=2, max_size=3)

REFUNDED = st.lists(
    st.tuples(TIMES, st.sampled_from(["pending", "succeeded", "failed"])), min_size=1, max_size=3
)
REFUNDS = st.lists(st.tuples(REFUNDED, st.sets(st.integers(0, 2))), max_size=2)
DISPUTED = st.lists(
    st.tuples(TIMES, st.sampled_from(["inquiry", "open", "lost", "won"])), min_size=1, max_size=3
)
DISPUTES = st.lists(st.tuples(DISPUTED, st.integers(0, 2**40), CURRENCIES), max_size=2)
BALANCES = st.lists(st.tuples(TIMES, st.integers(-2000, 2000), st.integers(-50, 50), CURRENCIES), max_size=2)
PAYMENTS = st.tuples(
    TIMES, st.integers(0, 2000) | SHARES, CURRENCIES, ENVIRONMENTS, REFUNDS, DISPUTES, BALANCES
)


def happen(books, at, paid, currency, environment, refunds, disputes, balances):
    """Let a payment happen; return the currencies of its disputes, which only the journal has.

    All reports of a refund agree on the amount, and all reports of a dispute.
    """
    amount = {"shares": paid} if isinstance(paid, list) else {"amount": paid}
    payment = books.sell(at, currency=currency, environment=environment, **amount)
    for number, (reports, items) in enumerate(refunds, start=1):
        for when, status in reports if payment.amount >= number else ():
            products = [books.parts[each].id for each in items]
            books.refund(payment, payment.amount // number, when, status, f"re_{number}", products)
    for number, (reports, disputed, other) in enumerate(disputes):
        for when, status in reports:
            books.dispute(payment, disputed, when, status, f"du_{number}", other)
    for when, change, fee, other in balances:
        books.balance(payment, change, fee, when, other)
    return {(payment.id, f"du_{number}"): each[2] for number, each in enumerate(disputes)}


def ledger(books, currencies):
    """The sums by environment and currency, from the rows as they are now."""
    sums = Counter()
    with books.scope() as scope:
        payments = {each.id: each for each in scope.session.scalars(select(Payment))}
        for each in payments.values():
            products = scope.session.scalars(
                select(PaymentItem).where(PaymentItem.payment_id == each.id)
            ).all()
            sums[each.environment, each.currency, "gross"] += each.amount
            sums[each.environment, each.currency, "sales"] += len(products) or 1
        for each in scope.session.scalars(select(PaymentRefund)):
            of = payments[each.payment_id]
            counts = each.status in ("pending", "succeeded")
            sums[of.environment, of.currency, "refunds"] += each.amount if counts else 0
        for each in scope.session.scalars(select(PaymentDispute)):
            of, currency = payments[each.payment_id], currencies[each.payment_id, each.reference]
            sums[of.environment, currency, "disputes"] += each.amount if each.status != "inquiry" else 0
            sums[of.environment, currency, "disputes_returned"] += each.amount if each.status == "won" else 0
        for each in scope.session.scalars(select(PaymentBalance)):
            of = payments[each.payment_id]
            sums[of.environment, each.currency, "settled"] += each.amount
            sums[of.environment, each.currency, "fees"] += each.fee
    return {key: value for key, value in sums.items() if value}


def flat(totals):
    return {
        (environment, currency, name): getattr(sums, name)
        for (environment, currency), sums in totals.items()
        for name in Sums.__dataclass_fields__
        if getattr(sums, name)
    }


def of_products(found):
    """The sums by product and month."""
    sums = {}
    for each in found:
        key = (each.period.replace(day=1), each.environment, each.currency, each.product_id)
        sums[key] = sums.get(key, Sums()) + each.sums
    return {key: value for key, value in sums.items() if value != Sums()}


@pytest.fixture
def books(autonomy):
    return Books(autonomy)


PATIENT = {
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
}
"""The examples of a test share the organisation. They are not shrunk, which would take minutes."""


def figures_of(books, unit, zone="UTC"):
    """The figures of the organisation, as if it were in a time zone."""
    with books.scope() as scope:
        elsewhere = replace(scope, organisation=replace(scope.organisation, time_zone=zone))
        return figures(elsewhere, Question(date(2026, 1, 1), date(2026, 4, 30), unit))


@settings(max_examples=20, **PATIENT)
@given(
    history=st.lists(PAYMENTS, min_size=1, max_size=3),
    zone=st.sampled_from(["UTC", "Europe/Vienna", "America/Havana", "Pacific/Apia"]),
)
def test_days_add_up_to_months_and_to_the_ledger(books, history, zone):
    books.clear()
    currencies = {}
    for payment in history:
        currencies |= happen(books, *payment)
    days, months = (figures_of(books, unit, zone) for unit in ("day", "month"))
    assert flat(add_up(days)) == flat(add_up(months)) == ledger(books, currencies)
    assert of_products(days) == of_products(months)


@settings(max_examples=15, **PATIENT)
@given(shares=SHARES, times=st.tuples(TIMES, TIMES))
def test_nothing_remains_of_a_bundle_that_was_refunded(books, shares, times):
    books.clear()
    payment = books.sell(times[0], shares=shares)
    if payment.amount:
        books.refund(payment, payment.amount, times[1])
    gross, total = Counter(), Counter()
    for each in figures_of(books, "day"):
        gross[each.product_id] += each.sums.gross
        total[each.product_id] += each.sums.total
    assert sorted(gross.values()) == sorted(shares)
    assert set(total.values()) == {0}
