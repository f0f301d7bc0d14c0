"""Staff send the receipt of a payment again."""

from uuid import uuid4

import pytest
from sqlalchemy import select, update

from autonomy_core.audit.models import AuditEntry
from autonomy_core.customers.models import Customer
from autonomy_core.mail.models import MailMessage
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import chosen_plugins


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins()


@pytest.fixture
def shop(autonomy):
    autonomy.organisation(plugins=(stand_ins.NAME,), settings={"mail": {"from": "shop@shop.example"}})
    return autonomy


@pytest.fixture
def payment(shop):
    return shop.buy(shop.customer(), shop.product())


def send_again(shop, payment, status=202, scopes=("mail.send",)):
    path = f"/acme/api/v1/admin/payments/{payment.id}/receipt"
    return shop.app.post(path, headers=shop.as_staff(scopes=scopes), status=status)


def receipts(shop):
    with shop.scope() as scope:
        of_receipts = select(MailMessage).where(MailMessage.template == "payments.receipt")
        return list(scope.session.scalars(of_receipts.order_by(MailMessage.id)))


def change(shop, payment, **values):
    with shop.scope() as scope:
        scope.session.execute(update(Customer).where(Customer.id == payment.customer_id).values(**values))


def test_another_receipt_goes_to_the_present_address(shop, payment):
    change(shop, payment, email="new@example.org")
    assert send_again(shop, payment).json["email"] == "new@example.org"
    first, second = receipts(shop)
    assert (first.recipient, second.recipient) == ("ada@example.org", "new@example.org")
    assert second.template_values == {"payment_id": str(payment.id)}
    with shop.scope() as scope:
        entry = scope.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "receipt.sent_again")
        ).one()
    assert entry.target == f"payment:{payment.id}"


def test_a_double_click_sends_one_mail(shop, payment, monkeypatch):
    now = utcnow()
    monkeypatch.setattr("autonomy_core.payments.receipts.utcnow", lambda: now)
    for _ in range(2):
        send_again(shop, payment)
    assert len(receipts(shop)) == 2


def test_a_payment_without_money_has_no_receipt(shop):
    pending = shop.payment(shop.customer(), shop.product())
    assert send_again(shop, pending, status=409).json["code"] == "no_receipt"
    assert receipts(shop) == []


def test_a_customer_who_was_erased_gets_none(shop, payment):
    change(shop, payment, erased_at=utcnow())
    assert send_again(shop, payment, status=409).json["code"] == "no_receipt"


def test_the_scope_for_mail_is_needed_and_reads_no_payments(shop, payment):
    send_again(shop, payment, status=403, scopes=("payments.refund",))
    path = f"/acme/api/v1/admin/payments/{payment.id}"
    shop.app.get(path, headers=shop.as_staff(scopes=("mail.send",)), status=403)
    payment.id = uuid4()
    send_again(shop, payment, status=404)
