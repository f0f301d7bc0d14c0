"""The rows of a batched statement are compared with the decision."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from autonomy_core.kernel.settlements import (
    DisputeReport,
    DisputeStatus,
    PaymentFacts,
    PaymentStatus,
    RefundReport,
    RefundStatus,
    Settlement,
)
from autonomy_core.payments.batch_lookup import BatchLookup
from autonomy_core.payments.batches import BatchWriter, NotOrdinary, settle_batch
from autonomy_core.payments.domain import decide

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAYMENT = PaymentFacts(
    id=UUID(int=7),
    customer_id=UUID(int=8),
    product_id=UUID(int=9),
    product_kind="mp3",
    amount=1200,
    currency="eur",
    environment="test",
    provider="stripe_payments",
    completed_at=NOW,
)


def settlement(**changes):
    values = {"status": PaymentStatus.COMPLETED, "environment": "test", "amount": 1200, "currency": "eur"}
    return Settlement(**{"payment_id": PAYMENT.id, "source": "webhook", **values, **changes})


def written(settlement, before=PaymentStatus.PENDING):
    """Have it written what is decided about a payment that the statement has completed."""
    writer = BatchWriter(PAYMENT, before, "webhook", NOW)
    has_news = writer.record_reports(settlement)
    decision = decide(writer.status, writer.state(), settlement, has_news=has_news)
    writer.write(decision)
    return decision


@pytest.mark.parametrize("before", [PaymentStatus.PENDING, PaymentStatus.PROCESSING])
def test_an_open_payment_that_is_paid_has_been_written(before):
    assert written(settlement(), before).completes


@pytest.mark.parametrize(
    "changes",
    [
        {"status": None},
        {"status": PaymentStatus.PROCESSING},
        {"status": PaymentStatus.FAILED, "reason": "no money"},
        {"reason": "for the journal, which has been written without it"},
        {"source": "return_page"},
        {"refunds": (RefundReport("re_1", 500, "eur", RefundStatus.SUCCEEDED),)},
        {"disputes": (DisputeReport("du_1", 500, "eur", DisputeStatus.OPEN),)},
    ],
)
def test_any_other_settlement_undoes_it(changes):
    with pytest.raises(NotOrdinary):
        written(settlement(**changes))


def test_a_payment_that_was_completed_before_undoes_it():
    with pytest.raises(NotOrdinary):
        written(settlement(), PaymentStatus.COMPLETED)


def test_a_hook_that_raises_undoes_the_batch():
    writer = BatchWriter(PAYMENT, PaymentStatus.PENDING, "webhook", NOW)
    writer.record_run("granting", None)
    with pytest.raises(RuntimeError, match="the disk is full"):
        writer.record_run("failing", RuntimeError("the disk is full"))


def test_only_reports_of_one_lookup_are_settled_together():
    keys = []
    group_commit = SimpleNamespace(handle=lambda key, *_: keys.append(key))
    lookup = BatchLookup(
        provider="bank",
        source="webhook",
        model=None,
        payment="payment_id",
        reference="number",
        learns="transfer",
        not_older_than=timedelta(hours=1),
        events=None,
    )
    for used, organisation_id in [
        (lookup, "acme"),
        (lookup, "acme"),
        (replace(lookup, reference="letter"), "acme"),
        (lookup, "globex"),
    ]:
        organisation = SimpleNamespace(id=organisation_id)
        scope = SimpleNamespace(
            _runtime=SimpleNamespace(group_commit=group_commit), organisation=organisation
        )
        settle_batch(scope, used, None, timeout=1)
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
