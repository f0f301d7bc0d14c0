"""The figures of days and months tell what happened to the money, each movement on its own day."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from autonomy_core.payments.models import PaymentItem
from autonomy_core.plugin_api.payments import BalanceKind
from tests.functional.accounting.books import NOON, Books

MARCH, APRIL = datetime(2026, 3, 31, 21, 59, tzinfo=UTC), datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
"""The last minute of March, and the first of April, in Vienna."""

SUMS = ("gross", "refunds", "disputes", "disputes_returned", "total", "settled", "fees", "net")


@pytest.fixture
def books(autonomy):
    return Books(autonomy, time_zone="Europe/Vienna")


def by(figures, *names):
    """The items of an answer, as pairs of the named members and the sums that are not 0."""
    return {
        tuple(item[name] for name in names): {name: item[name] for name in ("sales", *SUMS) if item[name]}
        for item in figures["items"]
    }


def test_each_movement_counts_on_the_day_on_which_it_became_known(books):
    payment = books.sell(MARCH)
    books.refund(payment, 500, APRIL)
    assert by(books.figures(), "period") == {
        ("2026-03-31",): {"sales": 1, "gross": 1200, "total": 1200},
        ("2026-04-01",): {"refunds": 500, "total": -500},
    }
    assert by(books.figures(by="month"), "period") == {
        ("2026-03-01",): {"sales": 1, "gross": 1200, "total": 1200},
        ("2026-04-01",): {"refunds": 500, "total": -500},
    }


def test_a_refund_that_fails_later_leaves_the_earlier_day_as_it_was(books):
    payment = books.sell(MARCH)
    books.refund(payment, 500, MARCH, status="pending")
    before = books.figures(to="2026-03-31")
    books.refund(payment, 500, APRIL, status="succeeded")
    books.refund(payment, 500, APRIL, status="failed")
    assert books.figures(to="2026-03-31") == before
    assert by(books.figures(), "period")[("2026-04-01",)] == {"refunds": -500, "total": 500}


def test_a_dispute_takes_money_and_may_return_it(books):
    payment = books.sell(MARCH)
    books.dispute(payment, 1200, MARCH, status="inquiry")
    books.dispute(payment, 1200, MARCH, status="open")
    books.dispute(payment, 1200, APRIL, status="lost")
    books.dispute(payment, 1200, APRIL, status="won")
    assert by(books.figures(), "period") == {
        ("2026-03-31",): {"sales": 1, "gross": 1200, "disputes": 1200},
        ("2026-04-01",): {"disputes_returned": 1200, "total": 1200},
    }


def test_a_dispute_that_is_first_reported_as_won_moved_money_twice(books):
    books.dispute(books.sell(), 700, status="won")
    assert by(books.figures(), "currency") == {
        ("eur",): {"sales": 1, "gross": 1200, "disputes": 700, "disputes_returned": 700, "total": 1200}
    }


def test_a_dispute_in_another_currency_counts_in_that_currency(books):
    books.dispute(books.sell(currency="usd"), 1100, currency="eur")
    assert by(books.figures(), "currency") == {
        ("usd",): {"sales": 1, "gross": 1200, "total": 1200},
        ("eur",): {"disputes": 1100, "total": -1100},
    }


def test_fees_are_in_the_currency_of_the_balance(books):
    payment = books.sell(currency="usd")
    books.balance(payment, 1090, 60, currency="eur")
    books.refund(payment, 1200)
    books.balance(payment, -1085, 0, currency="eur", kind=BalanceKind.REFUND)
    assert by(books.figures(), "currency") == {
        ("usd",): {"sales": 1, "gross": 1200, "refunds": 1200},
        ("eur",): {"settled": 5, "fees": 60, "net": -55},
    }


def test_a_report_of_a_balance_that_is_repeated_counts_once(books):
    payment = books.sell()
    assert [books.balance(payment, 1200, 60, reference="txn_1") for _ in range(2)] == [1, 0]
    assert by(books.figures(), "currency")[("eur",)]["net"] == 1140


def test_a_bundle_is_divided_by_what_was_paid_for_each_product(books):
    payment = books.sell(shares=(720, 480, 1))
    books.balance(payment, 1201, 100)
    books.refund(payment, 480, items=[books.parts[1].id], reference="re_1")
    books.refund(payment, 721, reference="re_2", items=[books.parts[0].id, books.parts[2].id])
    found = by(books.figures(), "product")
    assert {name: (sums["gross"], sums["refunds"]) for (name,), sums in found.items()} == {
        "Part a": (720, 720), "Part b": (480, 480), "Part c": (1, 1),
    }  # fmt: skip
    assert sum(sums.get("fees", 0) for sums in found.values()) == 100


def test_a_bundle_that_cost_nothing_is_a_sale_of_each_product(books):
    books.sell(shares=(0, 0, 0))
    assert by(books.figures(), "product") == {(f"Part {each}",): {"sales": 1} for each in "abc"}


def test_a_bundle_without_stored_amounts_counts_as_one_product(books):
    payment = books.sell(shares=(600, 600))
    with books.scope() as scope:
        scope.session.execute(
            update(PaymentItem).where(PaymentItem.payment_id == payment.id).values(amount=None)
        )
    assert by(books.figures(), "product") == {("Bundle",): {"sales": 1, "gross": 1200, "total": 1200}}


def test_test_and_live_are_never_added_together(books):
    books.sell()
    books.sell(environment="live", amount=100)
    answer = books.figures()
    assert [(each["environment"], each["gross"]) for each in answer["totals"]] == [
        ("live", 100),
        ("test", 1200),
    ]
    assert [each["gross"] for each in books.figures(environment="live")["totals"]] == [100]


def test_figures_of_a_product_and_of_a_currency(books):
    books.sell(shares=(720, 480))
    books.sell(currency="jpy", amount=900)
    product = str(books.parts[0].id)
    assert by(books.figures(product_id=product), "product") == {
        ("Part a",): {"sales": 1, "gross": 720, "total": 720}
    }
    assert by(books.figures(currency="jpy"), "currency")[("jpy",)]["gross"] == 900


def test_what_has_not_been_paid_is_no_figure(books):
    books.open()
    assert books.figures() | {"time_zone": ""} == {"time_zone": "", "items": [], "totals": []}


def test_the_last_thirty_days_are_the_default(books):
    books.sell(at=datetime.now(UTC))
    headers = books.autonomy.as_staff()
    answer = books.autonomy.app.get("/acme/api/v1/admin/figures", headers=headers).json
    assert [each["gross"] for each in answer["totals"]] == [1200]


@pytest.mark.parametrize(
    "query",
    [
        {"from": "1000-01-01"},
        {"by": "week"},
        {"currency": "xxx"},
        {"from": "2026-13-01"},
        {"product_id": "1"},
    ],
)
def test_a_question_without_an_answer_is_refused(books, query):
    assert books.figures(status=422, **query)["code"] in ("invalid_input", "too_many_figures")


def test_an_answer_that_would_be_too_long_is_refused(books, monkeypatch):
    monkeypatch.setattr("autonomy_core.accounting.figures.MOST_FIGURES", 1)
    books.sell()
    books.sell(currency="usd")
    assert books.figures(status=422)["code"] == "too_many_figures"


def test_the_first_day_is_not_after_the_last(books):
    days = {"from": "2026-11-02", "to": "2026-11-01"}
    assert books.figures(status=422, **days)["code"] == "invalid_input"


def test_only_those_who_may_read_payments_see_figures(books):
    path = "/acme/api/v1/admin/figures"
    books.autonomy.app.get(path, status=401)
    books.autonomy.app.get(path, headers=books.autonomy.as_staff(scopes=["catalog.read"]), status=403)
    books.autonomy.app.get(path, headers=books.autonomy.as_staff(scopes=["payments.read"]), status=200)


def test_another_organisation_has_figures_of_its_own(books):
    books.sell(NOON)
    other = Books(books.autonomy, "bmce")
    assert other.figures()["items"] == []
