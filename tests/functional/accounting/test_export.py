"""The export of payments: complete, exact, safe to open, and read while it is written."""

import csv
import io

import pytest
from sqlalchemy import select

from autonomy_core.accounting import export as exporting
from autonomy_core.accounting.export import COLUMNS, as_text, export
from autonomy_core.audit.models import AuditEntry
from tests.functional.accounting.books import NOON, Books

PATH = "/acme/api/v1/admin/payments/export"


@pytest.fixture
def books(autonomy):
    return Books(autonomy)


def answer(books, **query):
    return books.autonomy.app.get(PATH, query, headers=books.autonomy.as_staff())


def lines(books, **query):
    return list(csv.DictReader(io.StringIO(answer(books, **query).text, newline="")))


def test_a_line_has_amounts_in_both_units_and_what_the_provider_told(books):
    payment = books.sell(NOON)
    books.refund(payment, 205)
    books.balance(payment, 1200, 61)
    books.balance(payment, -205, 0)
    [line] = lines(books)
    assert list(line) == list(COLUMNS)
    assert line | {"id": "", "opened_at": "", "product_id": "", "customer_id": ""} == {
        "id": "", "opened_at": "", "completed_at": "2026-03-10T12:00:00Z",
        "status": "partially_refunded", "environment": "test", "provider": "stand_ins", "product_id": "",
        "product": "Thing",
        "customer_id": "", "email": "ada@example.org", "customer_name": "Ada", "coupon": "",
        "currency": "eur",
        "amount": "12.00", "discount": "0.00", "refunded": "2.05", "settlement_currency": "eur",
        "fee": "0.61", "net": "9.34", "amount_minor": "1200", "discount_minor": "0", "refunded_minor": "205",
        "fee_minor": "61", "net_minor": "934",
    }  # fmt: skip


@pytest.mark.parametrize(("currency", "major"), [("jpy", "1200"), ("kwd", "1.200"), ("usd", "12.00")])
def test_the_major_unit_has_the_decimals_of_the_currency(books, currency, major):
    payment = books.sell(currency=currency)
    books.balance(payment, -1200, 5, currency=currency)
    [line] = lines(books)
    assert (line["amount"], line["amount_minor"]) == (major, "1200")
    assert line["net_minor"] == "-1205"


def test_fees_are_empty_until_the_provider_tells_them(books):
    books.sell()
    [line] = lines(books)
    assert [line[name] for name in ("settlement_currency", "fee", "net", "fee_minor", "net_minor")] == [
        ""
    ] * 5


def test_balances_in_several_currencies_have_no_single_fee(books):
    payment = books.sell()
    books.balance(payment, 1200, 60)
    books.balance(payment, -1100, 0, currency="usd")
    [line] = lines(books)
    assert (line["settlement_currency"], line["fee"], line["net_minor"]) == ("several", "", "")


def test_filters_select_and_the_newest_payment_is_first(books):
    payments = [books.sell() for _ in range(3)]
    pending = books.open()
    expected = sorted((str(each.id) for each in payments), reverse=True)
    assert [line["id"] for line in lines(books, status="completed")] == expected
    assert [line["id"] for line in lines(books, status="pending")] == [str(pending.id)]
    assert lines(books, email="nobody@example.org") == []


def test_it_is_a_file_that_no_cache_keeps(books):
    headers = answer(books).headers
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Disposition"] == 'attachment; filename="payments-acme.csv"'
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_a_text_that_a_spreadsheet_would_execute_is_text(sign):
    assert as_text(f"{sign}1+2") == f"'{sign}1+2"
    assert as_text(f"a{sign}1") == f"a{sign}1"


def test_what_customers_typed_is_no_formula(books, autonomy):
    books.customer = autonomy.customer(email='=hyperlink("https://evil.example")@example.org')
    books.sell()
    [line] = lines(books)
    assert line["email"] == '\'=hyperlink("https://evil.example")@example.org'


def test_the_table_is_read_in_parts_in_a_transaction_of_its_own(books, monkeypatch):
    monkeypatch.setattr(exporting, "BATCH_ROWS", 2)
    for _ in range(5):
        books.sell()
    outside = books.autonomy.runtime.scope_outside(books.autonomy.get_organisation("acme"))
    parts = export(outside, {})
    assert [next(parts).count(b"\r\n") for _ in range(2)] == [1, 2]
    parts.close()
    assert [part.count(b"\r\n") for part in export(outside, {})] == [1, 2, 2, 1]


def test_an_export_is_in_the_audit_log_without_the_address(books):
    lines(books, email="ada@example.org", product_id=str(books.thing.id))
    with books.scope() as scope:
        (entry,) = scope.session.scalars(select(AuditEntry).where(AuditEntry.action == "payments.exported"))
    assert entry.actor.startswith("staff:")
    assert entry.detail == {"filters": {"email": "(personal)", "product_id": str(books.thing.id)}}


def test_only_those_who_may_read_payments_export_them(books):
    app = books.autonomy.app
    app.get(PATH, status=401)
    app.get(PATH, headers=books.autonomy.as_staff(scopes=["catalog.read"]), status=403)
    app.get(PATH, {"status": "no"}, headers=books.autonomy.as_staff(), status=422)


def test_another_organisation_exports_nothing_of_it(books):
    books.sell()
    Books(books.autonomy, "bmce")
    headers = books.autonomy.as_staff("bmce")
    assert (
        books.autonomy.app.get("/bmce/api/v1/admin/payments/export", headers=headers).text.count("\r\n") == 1
    )
