"""The mails about payments: which there are, to whom they go, and that each is sent once."""

from datetime import date

import pytest
from sqlalchemy import select

from autonomy_core.catalog.models import BundleItem
from autonomy_core.kernel.mail import Mail
from autonomy_core.kernel.settlements import (
    DisputeReport,
    DisputeStatus,
    PaymentStatus,
    RefundReport,
    RefundStatus,
)
from autonomy_core.mail.models import MailMessage
from autonomy_core.payments.mails import TEMPLATES
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import chosen_plugins

MAIL = {"mail": {"from": "shop@shop.example", "staff": "staff@shop.example"}}


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins()


@pytest.fixture
def shop(autonomy):
    autonomy.organisation("acme", plugins=(stand_ins.NAME,), settings=MAIL)
    return autonomy


@pytest.fixture
def sale(shop):
    return shop.payment(shop.customer(), shop.product())


def mails(autonomy):
    with autonomy.scope() as scope:
        return list(scope.session.scalars(select(MailMessage).order_by(MailMessage.id)))


def sent(autonomy):
    return [(mail.template, mail.recipient) for mail in mails(autonomy)]


def prepared(autonomy, row):
    """What the template of a mail in the outbox tells."""
    (template,) = (each for each in TEMPLATES if each.name == row.template)
    mail = Mail(
        id=row.id,
        template=row.template,
        to=row.recipient,
        values=row.template_values,
        customer_id=row.customer_id,
        locale=row.locale,
        created_at=row.created_at,
        message_id=row.message_id,
    )
    with autonomy.scope() as scope:
        told = {**mail.values, **template.prepare(scope, mail)}
    assert told.keys() <= template.sample.keys(), "the sample lacks a value"
    return told


def test_a_completed_payment_has_one_receipt(shop, sale):
    shop.settle(sale)
    shop.settle(sale)
    assert sent(shop) == [("payments.receipt", "ada@example.org")]
    (receipt,) = mails(shop)
    assert (receipt.customer_id, receipt.template_values) == (sale.customer_id, {"payment_id": str(sale.id)})


def test_a_receipt_tells_what_was_bought(shop, sale):
    shop.settle(sale)
    told = prepared(shop, mails(shop)[0])
    assert told["items"] == [{"title": "A thing", "amount": 1200}]
    assert (told["amount"], told["currency"], told["discount"], told["coupon"]) == (1200, "eur", 0, None)
    assert (told["is_test"], told["consent"], told["releases"]) == (True, None, [])


def test_a_receipt_lists_the_products_of_a_bundle(shop):
    things = [shop.product(title="B"), shop.product(title="A", amount=600)]
    bundle = shop.product(kind="bundle", title="Both")
    with shop.scope() as scope:
        for position, thing in enumerate(things):
            keys = {"bundle_id": bundle.id, "product_id": thing.id, "position": position}
            scope.session.add(BundleItem(organisation_id="acme", **keys))
    shop.buy(shop.customer(), bundle)
    told = prepared(shop, mails(shop)[0])
    assert told["items"] == [{"title": "A", "amount": 400}, {"title": "B", "amount": 800}]


def test_the_receipt_of_a_pre_order_tells_when_it_is_released(shop):
    product = shop.product(title="Tides", release_date=date(2990, 1, 1), preorder=True)
    shop.settle(shop.payment(shop.customer(), product))
    told = prepared(shop, mails(shop)[0])
    (release,) = told["releases"]
    assert release["title"] == "Tides"
    assert release["at"].startswith("2990-01-01")


def test_a_free_purchase_has_a_receipt(shop):
    product = shop.product(amount=0)
    headers = shop.as_customer(shop.customer())
    url = f"/acme/api/v1/customers/products/{product.id}/purchase"
    assert shop.app.post_json(url, {}, headers=headers, status=201).json["payment"]["status"] == "completed"
    assert sent(shop) == [("payments.receipt", "ada@example.org")]


def test_a_debit_that_failed_is_told_and_a_declined_card_is_not(shop, sale):
    shop.settle(sale, PaymentStatus.PROCESSING)
    shop.settle(sale, PaymentStatus.FAILED, reason="no money")
    declined = shop.payment(shop.customer(email="bob@example.org"), shop.product())
    shop.settle(declined, PaymentStatus.FAILED, reason="declined")
    assert sent(shop) == [("payments.failed", "ada@example.org")]
    assert prepared(shop, mails(shop)[0])["amount"] == 1200


def test_a_refund_is_told_once(shop, sale):
    shop.settle(sale)
    for status in (RefundStatus.PENDING, RefundStatus.SUCCEEDED):
        shop.settle(sale, None, refunds=(RefundReport("re_1", 500, "eur", status),))
    assert sent(shop)[1:] == [("payments.refund", "ada@example.org")]
    told = prepared(shop, mails(shop)[1])
    assert (told["amount"], told["currency"], told["access_ended"]) == (500, "eur", False)
    assert told["items"] == [{"title": "A thing", "amount": 1200}]


def test_a_dispute_is_told_to_staff_once(shop, sale):
    shop.settle(sale)
    for status in (DisputeStatus.INQUIRY, DisputeStatus.OPEN, DisputeStatus.LOST):
        shop.settle(sale, None, disputes=(DisputeReport("dp_1", 1200, "eur", status, "fraudulent"),))
    assert sent(shop)[1:] == [("payments.dispute", "staff@shop.example")]
    told = prepared(shop, mails(shop)[1])
    assert (told["customer_email"], told["reason"]) == ("ada@example.org", "fraudulent")


def test_without_an_address_of_staff_no_notice_is_sent(shop, sale):
    shop.organisation("acme", plugins=(stand_ins.NAME,))
    shop.settle(sale, None, disputes=(DisputeReport("dp_1", 1200, "eur", DisputeStatus.OPEN),))
    assert sent(shop) == []


def test_the_worker_sends_a_receipt(shop, sale):
    shop.settle(sale)
    assert shop.run_jobs() == []
    assert [mail.status for mail in mails(shop)] == ["sent"]
