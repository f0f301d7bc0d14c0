"""What a customer sees and changes of the account."""

import io
import json
from datetime import timedelta
from zipfile import ZipFile

import pytest
from sqlalchemy import select, update

from autonomy_core.audit.models import AuditEntry
from autonomy_core.customers.addresses import change_email
from autonomy_core.customers.changing import unsubscribe_url
from autonomy_core.customers.deletion import erase_due
from autonomy_core.customers.domain import DELETION_AFTER
from autonomy_core.customers.models import Customer
from autonomy_core.customers.proving import prove_address
from autonomy_core.customers.services import find_customer
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.events import CustomerUpdated
from autonomy_core.mail.suppressions import suppressed_because

ME = "/acme/api/v1/customers/me"


class Account:
    """Ada's account, as she uses it."""

    def __init__(self, desk):
        self.desk, self.app = desk, desk.autonomy.app
        self.row = desk.autonomy.customer()
        self.headers = desk.autonomy.as_customer(self.row)

    def get(self):
        return self.app.get(ME, headers=self.headers).json

    def change(self, status=200, **changes):
        return self.app.patch_json(ME, changes, headers=self.headers, status=status).json

    def delete(self):
        return self.app.delete(ME, headers=self.headers, status=202).json["deletion_due_at"]

    def link(self):
        with self.desk.autonomy.scope() as scope:
            url = unsubscribe_url(scope, find_customer(scope, self.row.id))
        assert url.startswith("https://acme.example/api/v1/customers/unsubscribe?token=")
        return url.replace("https://acme.example/", "/acme/")

    def wait(self, time):
        """Let time pass, by moving the date of the deletion back."""
        with self.desk.autonomy.scope() as scope:
            earlier = Customer.deletion_due_at - time
            scope.session.execute(update(Customer).values(deletion_due_at=earlier))

    def run(self, job):
        with self.desk.autonomy.scope() as scope:
            job(scope)

    def is_erased(self):
        with self.desk.autonomy.scope() as scope:
            return find_customer(scope, self.row.id).erased_at is not None

    def prove(self):
        with self.desk.autonomy.scope() as scope:
            prove_address(scope, self.row.email, within=self.row.id)

    def mail_is_stopped(self, email="ada@example.org"):
        with self.desk.autonomy.scope() as scope:
            return suppressed_because(scope, email, bulk=True) is not None


@pytest.fixture
def ada(desk):
    return Account(desk)


def test_a_customer_sees_the_account(ada):
    seen = ada.get()
    assert seen | {"email": "ada@example.org", "email_verified": False, "locale": None} == seen
    assert (seen["accepts_marketing"], seen["deletion_due_at"]) == (False, None)


def test_name_language_and_consent_are_changed_one_by_one(ada):
    assert ada.change(name="Countess")["name"] == "Countess"
    assert ada.change(locale="de")["locale"] == "de"
    changed = ada.change(accepts_marketing=True)
    assert (changed["name"], changed["locale"], changed["accepts_marketing"]) == ("Countess", "de", True)


@pytest.mark.parametrize(
    "changes", [{"name": ""}, {"locale": "DE_de"}, {"accepts_marketing": "yes"}, {"email": "eve@example.org"}]
)
def test_other_changes_are_refused(ada, changes):
    assert ada.change(422, **changes)["code"] == "invalid_input"


def test_a_consent_keeps_its_first_time_and_its_source(ada):
    def consent():
        return ada.desk.rows(select(Customer))[0]

    ada.change(accepts_marketing=True)
    first = consent()
    assert (first.marketing_source, first.marketing_at is not None) == ("account", True)
    ada.change(accepts_marketing=True)
    assert consent().marketing_at == first.marketing_at
    ada.change(accepts_marketing=False)
    assert (consent().marketing_at, consent().marketing_source) == (None, None)


def test_plugins_and_the_audit_log_learn_what_was_changed(ada):
    ada.change(name="Countess", locale="de")
    ada.change(locale="de")
    (event,) = [each for each in ada.desk.events if isinstance(each, CustomerUpdated)]
    assert event.changed == {"name", "locale"}
    (entry,) = ada.desk.rows(select(AuditEntry).where(AuditEntry.action == "customer.updated"))
    assert entry.detail == {
        "before": {"name": "(personal)", "locale": None},
        "after": {"name": "(personal)", "locale": "de"},
    }


def test_an_account_is_erased_two_weeks_after_the_request(ada):
    due = ada.delete()
    assert ada.get()["deletion_due_at"] == due
    ada.wait(DELETION_AFTER - timedelta(minutes=1))
    ada.run(erase_due)
    assert not ada.is_erased()
    ada.wait(timedelta(minutes=1))
    ada.run(erase_due)
    assert ada.is_erased()
    ada.app.get(ME, headers=ada.headers, status=401)


def test_a_repeated_request_keeps_the_first_date(ada):
    assert ada.delete() == ada.delete()


def test_a_request_can_be_withdrawn(ada):
    ada.delete()
    answer = ada.app.post_json(f"{ME}/keep", {}, headers=ada.headers)
    assert answer.json["deletion_due_at"] is None
    ada.wait(DELETION_AFTER)
    ada.run(erase_due)
    assert not ada.is_erased()


def test_one_failing_erasure_does_not_keep_the_others(ada, monkeypatch):
    from autonomy_core.customers import deletion

    bob = ada.desk.autonomy.customer(email="bob@example.org")
    with ada.desk.autonomy.scope() as scope:
        scope.session.execute(update(Customer).values(deletion_due_at=utcnow()))
    whole = deletion.erase

    def fails_for_ada(scope, customer_id, *, actor):
        if customer_id == ada.row.id:
            raise RuntimeError("not now")
        return whole(scope, customer_id, actor=actor)

    monkeypatch.setattr(deletion, "erase", fails_for_ada)
    with pytest.raises(deletion.TryAgain):
        ada.run(erase_due)
    with ada.desk.autonomy.scope() as scope:
        assert find_customer(scope, bob.id).erased_at is not None
    assert not ada.is_erased()


def test_an_export_is_an_archive_of_the_customers_own_files(ada):
    ada.desk.autonomy.buy(ada.row, ada.desk.autonomy.product())
    answer = ada.app.get("/acme/api/v1/customers/export", headers=ada.headers)
    assert answer.content_type == "application/zip"
    archive = ZipFile(io.BytesIO(answer.body))
    assert json.loads(archive.read("customers/customer.json"))["email"] == "ada@example.org"
    assert len(json.loads(archive.read("payments/payments.json"))) == 1


def test_rfc_8058_one_post_without_a_login_stops_bulk_mail(ada):
    ada.change(accepts_marketing=True)
    assert not ada.mail_is_stopped()
    for _ in range(2):
        ada.app.post(ada.link(), {"List-Unsubscribe": "One-Click"})
        assert ada.get()["accepts_marketing"] is False
        assert ada.mail_is_stopped()


def test_a_new_consent_has_bulk_mail_sent_again(ada):
    ada.prove()
    ada.app.post(ada.link(), {"List-Unsubscribe": "One-Click"})
    ada.change(accepts_marketing=True)
    assert not ada.mail_is_stopped()


def test_a_consent_counts_when_the_mailbox_is_proven(ada):
    """A stranger may have registered the address of one who has unsubscribed."""
    ada.app.post(ada.link(), {"List-Unsubscribe": "One-Click"})
    ada.change(accepts_marketing=True)
    assert ada.mail_is_stopped()
    ada.prove()
    assert not ada.mail_is_stopped()


def test_a_new_address_gets_no_bulk_mail_either(ada):
    ada.app.post(ada.link(), {"List-Unsubscribe": "One-Click"})
    with ada.desk.autonomy.scope() as scope:
        change_email(scope, find_customer(scope, ada.row.id), "ada@new.example")
    assert ada.mail_is_stopped("ada@new.example")


def test_a_program_that_opens_the_link_stops_nothing(ada):
    ada.change(accepts_marketing=True)
    page = ada.app.get(ada.link())
    assert '<form method="post">' in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert ada.get()["accepts_marketing"] is True


def test_the_link_of_another_organisation_is_not_valid(ada):
    ada.desk.autonomy.organisation("beacon", plugins=("stand_ins", "watching"))
    ada.app.post(ada.link().replace("/acme/", "/beacon/"), {}, status=404)


def test_the_link_of_an_erased_customer_is_not_valid(ada):
    link = ada.link()
    ada.delete()
    ada.wait(DELETION_AFTER)
    ada.run(erase_due)
    ada.app.post(link, {}, status=404)
