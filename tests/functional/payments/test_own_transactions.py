"""The transactions of providers, jobs and hooks; none waits for a lock of its own caller."""

import socket
from contextlib import suppress
from types import ModuleType

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from autonomy_core.db.commit_guard import NotYourTransaction
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import HookRun, JournalEntry, Payment
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.jobs import Job, TryAgain, defer
from autonomy_core.plugin_api.payments import PaymentStatus, Settlement, journal, lock_payment, settle
from autonomy_core.testing import stand_ins
from autonomy_core.testing.locks import ProviderLocks

pytestmark = pytest.mark.concurrent


class Bank(stand_ins.PretendedPayments):
    """A provider that does in a method what a test wants."""

    name = "bank"

    def __init__(self):
        self.acts = {}

    def _act(self, method, scope, payment_id):
        self.acts.get(method, lambda *_: None)(scope, payment_id)

    def attach(self, scope, payment_id, checkout):
        self._act("attach", scope, payment_id)

    def begin_checkout(self, scope, payment_id, prepared=None):
        self._act("begin_checkout", scope, payment_id)
        return super().begin_checkout(scope, payment_id, prepared)

    def refund(self, scope, order):
        self._act("refund", scope, order.payment_id)
        return super().refund(scope, order)


BANK = Bank()
JOB = {"does": lambda scope: None}
HOOK = {"does": lambda event: None}


def call_out(scope):
    JOB["does"](scope)


@hookimpl
def on_payment_completed(event):
    HOOK["does"](event)


def in_the_session(scope, payment_id):
    """Write a row of one's own that refers to the payment, which locks the payment against changes."""
    journal.append_unless_known(scope, payment_id, "bank_asked", "1")


def in_an_own_transaction(scope, payment_id):
    with scope.begin(timeout=5) as own:
        in_the_session(own, payment_id)


def in_both(scope, payment_id):
    in_the_session(scope, payment_id)
    with scope.begin() as own:
        lock_payment(own, payment_id)


def call_the_server(scope, payment_id):
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", 9), timeout=1)


def call_within_an_own_transaction(scope, payment_id):
    with scope.begin() as own:
        in_the_session(own, payment_id)
        call_the_server(own, payment_id)


def call_between_own_transactions(scope, payment_id):
    in_an_own_transaction(scope, payment_id)
    call_the_server(scope, payment_id)
    in_an_own_transaction(scope, payment_id)


@pytest.fixture(scope="module")
def autonomy_plugins():
    # Its package is this module, in which the acts are.
    bank = ModuleType(f"{__name__}.plugin")
    bank.register_payment_provider = hookimpl(lambda: BANK, specname="register_payment_provider")
    bank.register_jobs = hookimpl(lambda: [Job("bank.call_out", call_out)], specname="register_jobs")
    bank.on_payment_completed = on_payment_completed
    return Plugins({"bank": bank, stand_ins.NAME: stand_ins})


@pytest.fixture
def sold(committed, monkeypatch):
    """A completed payment at the bank."""
    monkeypatch.setattr(BANK, "acts", {})
    committed.organisation("acme", plugins=("bank", stand_ins.NAME))
    return committed.buy(committed.customer(), committed.product())


def rows(autonomy, model):
    with autonomy.scope() as scope:
        return list(scope.session.scalars(select(model)))


@pytest.mark.parametrize("act", [in_the_session, in_an_own_transaction])
def test_a_provider_may_write_its_own_rows_during_a_refund(committed, sold, act):
    BANK.acts["refund"] = act
    path = f"/acme/api/v1/admin/payments/{sold.id}/refunds"
    answer = committed.app.post_json(path, {"reason": "a wish"}, headers=committed.as_staff())
    assert (answer.status_int, answer.json["status"]) == (201, "succeeded")
    assert "bank_asked" in {entry.kind for entry in rows(committed, JournalEntry)}


def test_an_error_rolls_back_only_the_providers_own_transaction(committed, sold):
    def write_and_fail(scope, payment_id):
        with scope.begin() as own:
            journal.append_unless_known(own, payment_id, "bank_asked", "kept")
        with pytest.raises(ZeroDivisionError), scope.begin() as own:
            journal.append_unless_known(own, payment_id, "bank_asked", "undone")
            raise ZeroDivisionError

    BANK.acts["refund"] = write_and_fail
    path = f"/acme/api/v1/admin/payments/{sold.id}/refunds"
    committed.app.post_json(path, {"reason": "a wish"}, headers=committed.as_staff())
    noted = [row.detail["reference"] for row in rows(committed, JournalEntry) if row.kind == "bank_asked"]
    assert noted == ["kept"]


def test_a_job_that_calls_out_holds_no_connection_meanwhile(committed, sold):
    held = []

    def call_out(scope):
        with scope.begin() as own:
            own.session.scalars(select(Payment)).all()
        held.append(committed.runtime.database.session("acme").get_bind().pool.checkedout())
        with scope.begin() as own:
            in_the_session(own, sold.id)
        raise TryAgain("what was committed stays")

    JOB["does"] = call_out
    with committed.scope() as scope:
        defer(scope, "bank.call_out")
    assert committed.run_jobs() == ["bank.call_out"]
    assert held == [0]
    assert "bank_asked" in {entry.kind for entry in rows(committed, JournalEntry)}


def test_an_own_transaction_waits_for_a_lock_up_to_its_timeout(committed, sold):
    with committed.scope() as scope:
        lock_payment(scope, sold.id)
        with pytest.raises(OperationalError, match="timeout"), scope.begin(timeout=0.2) as own:
            lock_payment(own, sold.id)


def test_a_hook_that_begins_its_own_transaction_fails_at_once(committed, sold, monkeypatch):
    monkeypatch.setitem(HOOK, "does", lambda event: in_an_own_transaction(event.scope, event.payment.id))
    payment = committed.buy(committed.customer(email="eve@example.org"), committed.product())
    assert payment.status == "completed"
    (run,) = [run for run in rows(committed, HookRun) if run.payment_id == payment.id]
    assert (run.outcome, run.last_error.partition(":")[0]) == ("failed", "NotYourTransaction")


def test_a_failed_hook_is_undone_if_its_provider_is_paid_in_attach(committed, sold, monkeypatch):
    def grant_and_fail(event):
        event.grant(event.payment.product_id)
        in_the_session(event.scope, event.payment.id)
        raise LookupError

    def settle_as_paid(scope, payment_id):
        payment = lock_payment(scope, payment_id)
        facts = {"environment": payment.environment, "amount": payment.amount, "currency": payment.currency}
        paid = Settlement(payment_id=payment_id, status=PaymentStatus.COMPLETED, source="attach", **facts)
        settle(scope, paid, provider="bank")

    monkeypatch.setitem(HOOK, "does", grant_and_fail)
    BANK.acts["attach"] = settle_as_paid
    customer, product = committed.customer(email="eve@example.org"), committed.product()
    path = f"/acme/api/v1/customers/products/{product.id}/purchase"
    committed.app.post_json(path, {}, headers=committed.as_customer(customer), status=201)
    (payment,) = [each for each in rows(committed, Payment) if each.id != sold.id]
    (run,) = [run for run in rows(committed, HookRun) if (run.payment_id, run.plugin) == (payment.id, "bank")]
    assert (payment.status, run.outcome, run.last_error) == ("completed", "failed", "LookupError:")
    assert "bank" not in {grant.plugin for grant in rows(committed, Grant) if grant.payment_id == payment.id}
    assert "bank_asked" not in {entry.kind for entry in rows(committed, JournalEntry)}


class Contract(ProviderLocks):
    """The contract as an author inherits it; not collected by itself."""

    plugin = "bank"


@pytest.mark.parametrize("act", [in_an_own_transaction, call_between_own_transactions])
def test_the_contract_accepts_a_provider_with_own_transactions(committed, monkeypatch, act):
    monkeypatch.setattr(BANK, "acts", {"refund": act, "begin_checkout": act})
    Contract().test_its_provider_waits_for_no_lock_of_its_caller(committed)


@pytest.mark.parametrize(("method", "act"), [("refund", in_both), ("begin_checkout", in_both)])
def test_the_contract_finds_a_provider_that_waits_for_its_own_caller(committed, monkeypatch, method, act):
    monkeypatch.setattr(BANK, "acts", {method: act})
    with pytest.raises(AssertionError, match=f"bank: {method} waited for a lock that its own caller holds"):
        Contract().test_its_provider_waits_for_no_lock_of_its_caller(committed)


def test_the_contract_finds_a_provider_that_begins_its_own(committed, monkeypatch):
    monkeypatch.setattr(BANK, "acts", {"attach": in_an_own_transaction})
    with pytest.raises(NotYourTransaction, match="works in the transaction of its caller"):
        Contract().test_its_provider_waits_for_no_lock_of_its_caller(committed)


@pytest.mark.parametrize(
    ("method", "act"), [("attach", call_the_server), ("begin_checkout", call_within_an_own_transaction)]
)
def test_the_contract_finds_a_provider_calling_out_in_a_transaction(committed, monkeypatch, method, act):
    monkeypatch.setattr(BANK, "acts", {method: act})
    says = rf"bank: {method} calls 127\.0\.0\.1 at {__name__}:\d+ while a transaction is open"
    with pytest.raises(AssertionError, match=says):
        Contract().test_its_provider_waits_for_no_lock_of_its_caller(committed)
