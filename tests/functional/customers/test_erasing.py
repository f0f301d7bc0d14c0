"""After an erasure no row and no line of the log has the address, and the books are as before."""

import io
import json
from types import ModuleType
from zipfile import ZipFile

import pytest
from sqlalchemy import select, text

from autonomy_core.audit.models import AuditEntry
from autonomy_core.customers.addresses import change_email
from autonomy_core.customers.erasing import erase
from autonomy_core.customers.exporting import export, zipped
from autonomy_core.customers.models import Customer
from autonomy_core.customers.proving import prove_address
from autonomy_core.customers.services import add_guest, find_customer
from autonomy_core.grants.models import Grant
from autonomy_core.jobs.models import JobFailure
from autonomy_core.kernel.events import CustomerErased
from autonomy_core.kernel.manager import Plugins
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.services import send
from autonomy_core.payments.models import Payment, PaymentRefund
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.staff.models import StaffInvitation
from autonomy_core.testing.application import chosen_plugins
from autonomy_core.webhooks.inbox import replay
from autonomy_core.webhooks.models import WebhookEvent
from autonomy_core.webhooks.sources import source_named
from stripe_payments.models import StripePayment
from stripe_payments.testing import checkout_session, stripe_event
from tests.functional.stripe_payments.shop import Shop

ADA = "ada.lovelace@example.org"
BOB = "bob@example.org"
GRACE = "grace@example.org"
HEDY = "hedy@example.org"
NAME = "Augusta Ada King"

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"

erased = []


@hookimpl
def on_customer_erased(event):
    """Remember the event, and fail if the test wants it."""
    erased.append(event)
    if FAILING:
        raise RuntimeError("not now")


@hookimpl
def on_payment_completed(event):
    for item in event.items:
        event.grant(item.id)


FAILING = []
GRANTING = ModuleType("granting.plugin")
GRANTING.on_customer_erased = on_customer_erased
GRANTING.on_payment_completed = on_payment_completed


@pytest.fixture(scope="module")
def autonomy_plugins():
    installed = chosen_plugins("stripe_payments", "customer_auth").modules
    return Plugins({**installed, "granting": GRANTING})


class Sale(Shop):
    """Ada has bought as a customer and as a guest, and Bob has bought the same."""

    wanted = ("stripe_payments", "customer_auth", "stand_ins", "granting")

    def configure(self, **changes):
        self.plugins = self.wanted
        super().configure(**changes)

    def register(self, email, name):
        body = {"email": email, "name": name, "password": "a long engine"}
        made = self.autonomy.app.post_json(f"/{self.id}/api/v1/customers/register", body, status=201).json
        with self.scope() as scope:
            return find_customer(scope, made["customer"]["id"])

    def pay(self, customer):
        self.customer = customer
        payment = self.payment()
        details = {
            "email": customer.email.upper(),
            "name": NAME,
            "phone": "+44 1",
            "address": {"city": "London"},
        }
        session = checkout_session(payment, customer_details=details, customer_email=customer.email)
        event = stripe_event("checkout.session.completed", session)
        assert self.post(event).json["status"] == "processed"
        # An event that nothing handles and that names no payment.
        charge = {
            "object": "charge",
            "id": "ch_1",
            "billing_details": details,
            "receipt_email": customer.email,
        }
        self.post(stripe_event("charge.succeeded", charge))
        return payment

    def everything(self):
        """Every row of every table, as text."""
        with self.scope() as scope:
            tables = (
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
            return {
                f"{name}: {row}"
                for name in scope.session.scalars(text(tables)).all()
                for row in scope.session.scalars(text(f'SELECT t::text FROM "{name}" t')).all()
            }

    def rows_with(self, words):
        return sorted(row for row in self.everything() if words.lower() in row.lower())

    def erase(self, customer):
        with self.scope() as scope:
            return erase(scope, customer.id, actor="customer:test")


@pytest.fixture
def sale(autonomy):
    erased.clear()
    FAILING.clear()
    shop = Sale(autonomy, None)
    shop.ada, shop.bob = shop.register(ADA, NAME), shop.register(BOB, "Bob")
    shop.payments = [shop.pay(shop.ada), shop.pay(shop.bob)]
    with shop.scope() as scope:
        shop.guest = add_guest(scope, ADA, NAME, locale="en")
    shop.payments.append(shop.pay(shop.guest))
    with shop.scope() as scope:
        prove_address(scope, ADA, within=shop.ada.id)
        send(scope, "mail.test", ADA, {"name": NAME}, customer_id=shop.ada.id)
        send(scope, "mail.test", ADA, {"note": f"to {ADA}"})
        session = scope.session
        session.add(
            JobFailure(organisation_id="acme", job_id=1, attempt=1, error=f"550 <{ADA.upper()}> unknown")
        )
        refund = {
            "organisation_id": "acme",
            "payment_id": shop.payments[0].id,
            "amount": 1,
            "status": "failed",
        }
        session.add(PaymentRefund(**refund, reason=f"{ADA} asked for it"))
    return shop


def test_the_sale_left_the_address_in_many_tables(sale):
    """Otherwise the tests below would prove nothing."""
    tables = {row.partition(":")[0] for row in sale.rows_with(ADA)}
    assert tables >= {
        "customers",
        "job_failures",
        "mail_messages",
        "payment_refunds",
        "stripe_payments_payments",
        "webhook_events",
    }


@pytest.mark.parametrize("words", [ADA, NAME, "London", "+44 1"])
def test_after_the_erasure_no_row_holds_what_identified_the_customer(sale, words):
    assert sale.erase(sale.ada)
    assert [row for row in sale.rows_with(words) if BOB not in row.lower()] == []


def test_no_line_of_the_log_holds_the_address(capfd, sale):
    """From the registration on: the purchases, the provider's events, mail, the search of staff."""
    staff = sale.autonomy.as_staff("acme")
    sale.autonomy.app.get("/acme/api/v1/admin/customers", {"q": ADA}, headers=staff)
    sale.autonomy.run_jobs("acme")
    sale.erase(sale.ada)
    printed = "".join(capfd.readouterr())
    assert all(event in printed for event in ("mail.sent", "payment.settled", "customer.erased"))
    assert ADA not in printed.lower()
    assert NAME not in printed


def test_the_books_stay(sale):
    def books():
        columns = (Payment.id, Payment.customer_id, Payment.amount, Payment.status, Payment.completed_at)
        with sale.scope() as scope:
            paid = [tuple(row) for row in scope.session.execute(select(*columns).order_by(Payment.id))]
            given = [
                tuple(row)
                for row in scope.session.execute(select(Grant.id, Grant.product_id, Grant.granted_at))
            ]
            return paid, sorted(given)

    before = books()
    sale.erase(sale.ada)
    assert books() == before


def test_another_customers_data_stay(sale):
    before = {row for row in sale.rows_with(BOB) if ADA not in row.lower()}
    sale.erase(sale.ada)
    assert set(sale.rows_with(BOB)) == before


def test_a_redacted_event_can_be_replayed(sale):
    sale.erase(sale.ada)
    with sale.scope() as scope:
        source = source_named(scope, "stripe")
        mine = select(WebhookEvent).where(WebhookEvent.payment_id == sale.payments[0].id)
        event = scope.session.scalars(mine).one()
        assert event.payload["data"]["object"]["customer_details"] is None
        before, again = replay(scope, source, event.environment, event.event_id)
        assert (before, again.status) == ("processed", "processed")


def test_a_former_address_that_was_proven_is_erased_too(sale):
    with sale.scope() as scope:
        prove_address(scope, BOB, within=sale.bob.id)
        send(scope, "mail.test", BOB, {"name": "as any client may request it"})
        scope.session.add(JobFailure(organisation_id="acme", job_id=2, attempt=1, error=f"no mail to {BOB}"))
        change_email(scope, find_customer(scope, sale.bob.id), "bob@new.example")
    sale.erase(sale.bob)
    for address in (BOB, "bob@new.example"):
        assert [row for row in sale.rows_with(address) if ADA not in row.lower()] == []


@pytest.fixture
def grace(sale):
    """An account that a stranger has registered with the address of a guest."""
    with sale.scope() as scope:
        guest = add_guest(scope, GRACE, "Grace Hopper")
    payment = sale.pay(guest)
    return sale.register(GRACE, "A stranger"), guest, payment


def test_a_stranger_exports_nothing_of_guests_with_the_address(sale, grace):
    stranger, _, payment = grace
    with sale.scope() as scope:
        everything = b"".join(dict(export(scope, stranger.id)).values()).decode()
    assert GRACE in everything
    assert str(payment.id) not in everything
    assert NAME not in everything


def test_a_stranger_erases_nothing_of_guests_with_the_address(sale, grace):
    stranger, guest, payment = grace

    def kept():
        about = (str(payment.id), str(guest.id))
        return {row for row in sale.rows_with(GRACE) if any(each in row for each in about)}

    before = kept()
    assert {row.partition(":")[0] for row in before} >= {"customers", "mail_messages", "webhook_events"}
    sale.erase(stranger)
    assert kept() == before


@pytest.fixture
def strangers_traces(sale):
    """An invitation, an event and a mail with an address that has no account."""
    with sale.scope() as scope:
        send(scope, "mail.test", HEDY, {"note": f"for {HEDY}"})
        invitation = {"email": HEDY, "role": "support", "invited_by": "admin", "expires_at": utcnow()}
        scope.session.add(StaffInvitation(organisation_id="acme", **invitation))
    charge = {"object": "charge", "id": "ch_2", "billing_details": {"email": HEDY}, "receipt_email": HEDY}
    sale.post(stripe_event("charge.succeeded", charge))
    return {row.partition(":")[0]: row for row in sale.rows_with(HEDY)}


def test_a_registered_address_without_proof_erases_no_traces(sale, strangers_traces):
    assert set(strangers_traces) == {"mail_messages", "staff_invitations", "webhook_events"}
    sale.erase(sale.register(HEDY, "A stranger"))
    assert set(sale.rows_with(HEDY)) == set(strangers_traces.values())


def test_an_address_that_was_asked_for_only_erases_no_traces(sale, strangers_traces):
    with sale.scope() as scope:
        send(scope, "mail.test", HEDY, {}, customer_id=sale.ada.id)
    sale.erase(sale.ada)
    assert set(sale.rows_with(HEDY)) == set(strangers_traces.values())


def test_a_former_address_without_proof_erases_no_traces(sale, strangers_traces):
    stranger = sale.register(HEDY, "A stranger")
    with sale.scope() as scope:
        change_email(scope, find_customer(scope, stranger.id), "mine@new.example")
        prove_address(scope, "mine@new.example", within=stranger.id)
    sale.erase(stranger)
    assert set(sale.rows_with(HEDY)) == set(strangers_traces.values())


def test_an_address_is_found_as_a_whole_only(sale, strangers_traces):
    """`y@example.or` is a part of `hedy@example.org`."""
    part = HEDY[3:-1]
    owner = sale.register(part, "The owner of another address")
    with sale.scope() as scope:
        failure = {"job_id": 3, "attempt": 1, "error": f"no mail to <{HEDY}>, '{part}', {part}."}
        scope.session.add(JobFailure(organisation_id="acme", **failure))
        prove_address(scope, part, within=owner.id)
        send(scope, "mail.test", "other@example.org", {"note": f"about {part}"})
    with sale.scope() as scope:
        exported = json.loads(dict(export(scope, owner.id))["webhooks/events.json"])
    sale.erase(owner)
    assert exported == []
    assert [row.error for row in sale.rows(JobFailure) if row.job_id == 3] == [
        f"no mail to <{HEDY}>, '[erased]', [erased]."
    ]
    assert {row for row in sale.rows_with(part) if "job_failures" not in row} == set(
        strangers_traces.values()
    )


def test_the_erasure_of_a_guest_leaves_the_account_of_the_address(sale):
    """A guest who has not paid is erased after a month; the account has mail on its way."""
    with sale.scope() as scope:
        guest = add_guest(scope, ADA)
    before = sale.rows_with(ADA)
    sale.erase(guest)
    assert sale.rows_with(ADA) == [row for row in before if str(guest.id) not in row]


def test_waiting_mail_is_not_sent(sale):
    sale.erase(sale.ada)
    mails = [row for row in sale.rows(MailMessage) if row.customer_id == sale.ada.id]
    assert {(mail.status, mail.answer) for mail in mails} == {("refused", "the customer was erased")}


def test_the_row_of_the_customer_is_empty_and_the_address_is_free(sale):
    sale.erase(sale.ada)
    with sale.scope() as scope:
        row = find_customer(scope, sale.ada.id)
        assert (row.email, row.name, row.email_verified_at, row.locale) == ("", "", None, None)
        assert not row.is_current
        assert prove_address(scope, ADA) is None
    sale.register(ADA, NAME)


def test_customers_who_were_merged_before_are_erased_too(sale):
    sale.erase(sale.ada)
    with sale.scope() as scope:
        assert find_customer(scope, sale.guest.id).erased_at is not None


def test_the_audit_log_names_the_erasure_without_the_customers_data(sale):
    sale.erase(sale.ada)
    (entry,) = [row for row in sale.rows(AuditEntry) if row.action == "customer.erased"]
    assert (entry.actor, entry.target) == ("customer:test", f"customer:{sale.ada.id}")
    assert entry.detail == {"before": {"erased": False}, "after": {"erased": True}}


def test_a_second_erasure_changes_nothing(sale):
    assert sale.erase(sale.ada) is True
    assert sale.erase(sale.ada) is False
    assert len(erased) == 1


def test_the_plugins_learn_of_it_while_the_address_is_there(sale):
    sale.erase(sale.ada)
    (event,) = erased
    assert isinstance(event, CustomerErased)
    assert event.customer_id == sale.ada.id


def test_a_plugin_that_fails_leaves_everything_as_it_was(sale):
    before = sale.everything()
    FAILING.append(True)
    with pytest.raises(RuntimeError, match="not now"):
        sale.erase(sale.ada)
    assert sale.everything() == before


def test_two_organisations_customers_are_erased_apart(sale):
    sale.autonomy.organisation("beacon", plugins=("customer_auth",))
    there = sale.autonomy.customer("beacon", ADA)
    sale.erase(sale.ada)
    with sale.autonomy.scope("beacon") as scope:
        assert scope.session.scalars(select(Customer.email)).all() == [there.email]


def test_the_export_has_a_file_of_each_feature_and_plugin(sale):
    with sale.scope() as scope, zipped(export(scope, sale.ada.id)) as archive:
        names = ZipFile(io.BytesIO(archive.read())).namelist()
    directories = {name.partition("/")[0] for name in names}
    assert directories >= {
        "customers",
        "payments",
        "grants",
        "coupons",
        "mail",
        "webhooks",
        "stripe_payments",
    }


def test_the_export_has_the_customers_own_data_only(sale):
    with sale.scope() as scope:
        files = dict(export(scope, sale.ada.id))
        own, others = [str(sale.payments[n].id) for n in (0, 2)], str(sale.payments[1].id)
    everything = b"".join(files.values()).decode()
    assert BOB not in everything
    assert others not in everything
    assert [each["id"] for each in json.loads(files["payments/payments.json"])] == own
    assert json.loads(files["customers/customer.json"])["email"] == ADA
    (personal, *_) = json.loads(files["webhooks/events.json"])
    assert {"customer_email": ADA} in personal["personal"]
    assert json.loads(files["stripe_payments/checkouts.json"])[0]["email"] == ADA


def test_the_export_has_the_receipts_and_changes_nothing(sale):
    before = sale.everything()
    with sale.scope() as scope:
        files = dict(export(scope, sale.ada.id))
    receipts = {name: text.decode() for name, text in files.items() if name.startswith("payments/receipts/")}
    completed = [row.id for row in sale.rows(Payment) if row.completed_at and row.customer_id == sale.ada.id]
    assert completed
    assert set(receipts) == {f"payments/receipts/{payment_id}.txt" for payment_id in completed}
    for payment_id in completed:
        text = receipts[f"payments/receipts/{payment_id}.txt"]
        assert text.startswith("[Test] Your receipt from ")
        assert str(payment_id) in text
        assert "token=" not in text
    assert sale.everything() == before


def test_stripes_checkouts_keep_their_ids_and_lose_the_address(sale):
    sale.erase(sale.ada)
    with sale.scope() as scope:
        row = scope.session.get_one(StripePayment, ("acme", sale.payments[0].id))
        assert row.session_id is not None
        assert "customer_email" not in row.request
