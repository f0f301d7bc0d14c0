"""The hooks about refunds, disputes and revoked grants: when they run, and what becomes of their failures."""

from types import ModuleType

import pytest
from sqlalchemy import select, update

from autonomy_core.kernel.manager import Plugins
from autonomy_core.kernel.settlements import DisputeReport, DisputeStatus, RefundReport, RefundStatus
from autonomy_core.payments.models import Payment, ReversalHookRun
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import chosen_plugins

REFUNDED, DISPUTED, REVOKED = HOOKS = ("on_payment_refunded", "on_payment_disputed", "on_grant_revoked")
RETRY = "payments.retry_reversal_hook"


class Listener:
    """Hears every event, and fails as long as it is told to."""

    def __init__(self):
        self.heard, self.fails = [], False

    def hears(self, hook):
        def heard(event):
            self.heard.append((hook, event))
            if self.fails:
                # What a failed hook has written is undone.
                event.scope.session.execute(update(Payment).values(settled_by="the hook"))
                raise RuntimeError("the disk is full")

        return hookimpl(heard, specname=hook)

    def events(self, hook):
        return [event for name, event in self.heard if name == hook]


@pytest.fixture(scope="module")
def listener():
    return Listener()


@pytest.fixture(scope="module")
def autonomy_plugins(listener):
    module = ModuleType("listening.plugin")
    for hook in HOOKS:
        setattr(module, hook, listener.hears(hook))

    @hookimpl
    def on_payment_completed(event):
        event.grant(event.payment.product_id)

    module.on_payment_completed = on_payment_completed
    return Plugins({stand_ins.NAME: chosen_plugins().modules[stand_ins.NAME], "listening": module})


@pytest.fixture
def sale(autonomy, listener):
    listener.heard, listener.fails = [], False
    autonomy.organisation("acme", plugins=(stand_ins.NAME, "listening"))
    return autonomy.buy(autonomy.customer(), autonomy.product())


@pytest.fixture
def report(autonomy, sale):
    """Reports refunds and disputes of the sale, as its provider does."""

    def report(*refunds, disputes=()):
        return autonomy.settle(sale, None, refunds=refunds, disputes=disputes).payment

    return report


def refund(sale, status=RefundStatus.SUCCEEDED, amount=None, reference="re_1"):
    return RefundReport(reference, amount or sale.amount, sale.currency, status)


def dispute(sale, status):
    return DisputeReport("dp_1", sale.amount, sale.currency, status, reason="fraudulent")


def runs(autonomy):
    with autonomy.scope() as scope:
        found = scope.session.scalars(select(ReversalHookRun).order_by(ReversalHookRun.hook))
        return [(run.hook, run.outcome, run.attempts) for run in found]


def test_a_refund_is_told_once_when_its_money_is_on_its_way(sale, report, listener):
    report(refund(sale, RefundStatus.PENDING))
    report(refund(sale, RefundStatus.SUCCEEDED))
    report(refund(sale, RefundStatus.FAILED))
    (event,) = listener.events(REFUNDED)
    assert (event.payment.id, event.plugin) == (sale.id, "listening")
    assert (event.refund.amount, event.refund.status, event.refund.items) == (sale.amount, "pending", ())


def test_each_of_several_refunds_is_told(sale, report, listener):
    report(refund(sale, amount=100), refund(sale, amount=200, reference="re_2"))
    assert [event.refund.amount for event in listener.events(REFUNDED)] == [100, 200]


def test_a_refund_that_never_sent_money_is_not_told(sale, report, listener):
    report(refund(sale, RefundStatus.FAILED))
    assert listener.heard == []


def test_each_status_of_a_dispute_is_told_once(sale, report, listener):
    for status in (DisputeStatus.INQUIRY, DisputeStatus.OPEN, DisputeStatus.OPEN, DisputeStatus.WON):
        report(disputes=[dispute(sale, status)])
    events = listener.events(DISPUTED)
    assert [event.dispute.status for event in events] == ["inquiry", "open", "won"]
    assert {(event.dispute.reference, event.dispute.reason) for event in events} == {("dp_1", "fraudulent")}


def test_a_grant_is_told_each_time_it_is_revoked(sale, report, listener):
    report(disputes=[dispute(sale, DisputeStatus.OPEN)])
    report(disputes=[dispute(sale, DisputeStatus.WON)])
    report(refund(sale))
    events = listener.events(REVOKED)
    assert [event.reason for event in events] == ["disputed", "refunded"]
    assert {(event.customer_id, event.product_id, event.payment_id) for event in events} == {
        (sale.customer_id, sale.product_id, sale.id)
    }
    assert {(event.granted_by, event.environment) for event in events} == {("listening", "test")}


def test_a_failing_hook_undoes_its_own_work_only(autonomy, sale, report, listener):
    listener.fails = True
    payment = report(refund(sale))
    assert (payment.status, payment.settled_by) == ("refunded", "test")
    assert runs(autonomy) == [(REVOKED, "failed", 1), (REFUNDED, "failed", 1)]


def test_a_job_runs_a_failed_hook_again_until_it_succeeds(autonomy, sale, report, listener):
    listener.fails = True
    report(refund(sale))
    assert autonomy.run_jobs() == [RETRY, RETRY]
    listener.fails = False
    assert autonomy.run_jobs() == []
    assert runs(autonomy) == [(REVOKED, "succeeded", 3), (REFUNDED, "succeeded", 3)]
    first, second, third = listener.events(REFUNDED)
    assert first.refund == second.refund == third.refund


def test_a_restored_grant_is_not_told_by_a_retry(autonomy, sale, report, listener):
    listener.fails = True
    report(disputes=[dispute(sale, DisputeStatus.OPEN)])
    report(disputes=[dispute(sale, DisputeStatus.WON)])
    listener.fails, listener.heard = False, []
    assert autonomy.run_jobs() == []
    assert listener.events(REVOKED) == []
    assert [event.dispute.status for event in listener.events(DISPUTED)] == ["open", "won"]


def test_a_failed_hook_waits_while_its_plugin_is_disabled(autonomy, sale, report, listener):
    listener.fails = True
    report(disputes=[dispute(sale, DisputeStatus.INQUIRY)])
    autonomy.organisation("acme", plugins=(stand_ins.NAME,))
    assert autonomy.run_jobs() == [RETRY]
    listener.fails = False
    autonomy.organisation("acme", plugins=(stand_ins.NAME, "listening"))
    assert autonomy.run_jobs() == []
    assert runs(autonomy) == [(DISPUTED, "succeeded", 2)]


def test_staff_read_what_the_hooks_did(autonomy, sale, report, listener):
    listener.fails = True
    report(refund(sale))
    listener.fails = False
    autonomy.run_jobs()
    url = f"/acme/api/v1/admin/payments/{sale.id}/timeline"
    items = autonomy.app.get(url, headers=autonomy.as_staff()).json["items"]
    told = [(each["kind"], each["detail"].get("hook")) for each in items if each["kind"].startswith("hook_")]
    assert sorted(told[1:], key=str) == [
        ("hook_failed", REVOKED),
        ("hook_failed", REFUNDED),
        ("hook_succeeded", REVOKED),
        ("hook_succeeded", REFUNDED),
    ]
