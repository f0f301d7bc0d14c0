"""`settle`, with hooks that succeed and hooks that fail."""

from types import ModuleType

import pytest
from sqlalchemy import select

from autonomy_core.errors import NotFound
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.manager import Plugins
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments.domain import ProofFailed
from autonomy_core.payments.models import HookRun, Payment
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins


def plugin(name, on_payment_completed):
    """A plugin that implements the one hook."""
    module = ModuleType(f"{name}.plugin")
    module.on_payment_completed = hookimpl(on_payment_completed)
    return module


class Troubled:
    """Grants what was bought and then fails, as long as it is told to."""

    fails = False
    seen = 0

    def on_payment_completed(self, event):
        self.seen += 1
        event.grant(event.payment.product_id)
        if self.fails:
            raise RuntimeError("the disk is full")


@pytest.fixture(scope="module")
def troubled():
    return Troubled()


@pytest.fixture(scope="module")
def autonomy_plugins(troubled):
    def trouble(event):
        troubled.on_payment_completed(event)

    def grant(event):
        event.grant(event.payment.product_id)

    return Plugins(
        {
            stand_ins.NAME: stand_ins,
            "troubled": plugin("troubled", trouble),
            "reliable": plugin("reliable", grant),
        }
    )


@pytest.fixture
def sale(autonomy, troubled):
    """A payment of Ada's for a thing, in an organisation that has the troubled plugin enabled."""
    troubled.fails, troubled.seen = False, 0
    autonomy.organisation("acme", plugins=(stand_ins.NAME, "troubled"))
    return autonomy.payment(autonomy.customer(), autonomy.product())


def rows(autonomy, model, organisation_id="acme"):
    with autonomy.scope(organisation_id) as scope:
        return list(scope.session.scalars(select(model)))


def test_a_settled_payment_is_completed_and_its_hooks_have_granted(autonomy, sale):
    settled = autonomy.settle(sale)
    assert settled.changed
    assert settled.payment.status == "completed"
    assert settled.payment.completed_at is not None
    (grant,) = rows(autonomy, Grant)
    assert (grant.payment_id, grant.product_id, grant.plugin) == (sale.id, sale.product_id, "troubled")


def test_settling_again_changes_nothing_and_runs_no_hook(autonomy, sale, troubled):
    autonomy.settle(sale)
    assert not autonomy.settle(sale).changed
    assert troubled.seen == 1
    assert len(rows(autonomy, Grant)) == 1


def test_a_report_that_differs_from_the_payment_changes_nothing(autonomy, sale):
    with pytest.raises(ProofFailed):
        autonomy.settle(sale, amount=1)
    (payment,) = rows(autonomy, Payment)
    assert payment.status == "pending"
    assert rows(autonomy, Grant) == []


def test_a_payment_of_another_organisation_is_not_found(autonomy, sale):
    autonomy.organisation("other")
    sale.organisation_id = "other"
    with pytest.raises(NotFound):
        autonomy.settle(sale)


def test_a_disabled_plugins_hook_does_not_run(autonomy, troubled):
    autonomy.organisation("acme", plugins=(stand_ins.NAME,))
    autonomy.buy(autonomy.customer(), autonomy.product())
    assert rows(autonomy, Grant) == []


def test_a_failing_hook_keeps_the_payment_and_the_other_hooks_work(autonomy, troubled):
    autonomy.organisation("acme", plugins=(stand_ins.NAME, "reliable", "troubled"))
    troubled.fails = True
    payment = autonomy.buy(autonomy.customer(), autonomy.product())
    assert payment.status == "completed"
    assert [grant.plugin for grant in rows(autonomy, Grant)] == ["reliable"]
    outcomes = {run.plugin: (run.outcome, run.last_error) for run in rows(autonomy, HookRun)}
    assert outcomes == {
        "reliable": ("succeeded", None),
        "troubled": ("failed", "RuntimeError: the disk is full"),
    }


def test_a_failed_hook_is_retried_by_a_job_until_it_succeeds(autonomy, sale, troubled):
    troubled.fails = True
    autonomy.settle(sale)
    assert rows(autonomy, Grant) == []
    assert autonomy.run_jobs() == ["payments.retry_completion_hook"]
    (run,) = rows(autonomy, HookRun)
    assert (run.outcome, run.attempts) == ("failed", 2)
    troubled.fails = False
    assert autonomy.run_jobs() == []
    assert len(rows(autonomy, Grant)) == 1
    (run,) = rows(autonomy, HookRun)
    assert (run.outcome, run.attempts, run.last_error) == ("succeeded", 3, None)
    assert autonomy.jobs() == []


def test_a_hook_that_has_succeeded_meanwhile_is_not_retried(autonomy, sale, troubled):
    troubled.fails = True
    autonomy.settle(sale)
    troubled.fails = False
    with autonomy.scope() as scope:
        scope.session.get(HookRun, ("acme", sale.id, "troubled")).outcome = "succeeded"
    autonomy.run_jobs()
    assert troubled.seen == 1


def test_a_failed_hook_waits_while_its_plugin_is_disabled(autonomy, sale, troubled):
    troubled.fails = True
    autonomy.settle(sale)
    troubled.fails = False
    autonomy.organisation("acme", plugins=(stand_ins.NAME,))
    assert autonomy.run_jobs() == ["payments.retry_completion_hook"]
    autonomy.organisation("acme", plugins=(stand_ins.NAME, "troubled"))
    assert autonomy.run_jobs() == []
    assert len(rows(autonomy, Grant)) == 1


def test_a_test_purchase_is_not_owned_in_live(autonomy, sale, monkeypatch):
    autonomy.settle(sale)
    headers = {stand_ins.CUSTOMER_HEADER: str(sale.customer_id)}
    assert len(autonomy.app.get("/acme/api/v1/customers/products", headers=headers).json["items"]) == 1
    monkeypatch.setattr(stand_ins.PretendedPayments, "environment", lambda *_: "live")
    assert autonomy.app.get("/acme/api/v1/customers/products", headers=headers).json["items"] == []


def test_a_failure_has_a_reason_and_a_late_success_completes(autonomy, sale):
    failed = autonomy.settle(sale, PaymentStatus.FAILED, reason="the card was declined").payment
    assert (failed.status, failed.failure_reason) == ("failed", "the card was declined")
    completed = autonomy.settle(sale).payment
    assert (completed.status, completed.failure_reason) == ("completed", None)
