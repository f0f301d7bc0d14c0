"""Concurrent checks of one payment: their answers are applied one after the other."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from sqlalchemy import select

from autonomy_core.kernel.settlements import PaymentStatus, Settlement
from autonomy_core.payments import reconciliation
from autonomy_core.payments.models import JournalEntry
from autonomy_core.testing import stand_ins

pytestmark = pytest.mark.concurrent


def test_concurrent_checks_of_one_payment_do_not_wait_for_each_other(committed, monkeypatch):
    committed.organisation("acme", plugins=(stand_ins.NAME,))
    payment = committed.payment(committed.customer(), committed.product())
    paid = Settlement(
        payment.id, PaymentStatus.COMPLETED, "test", payment.amount, payment.currency, source="reconciler"
    )
    monkeypatch.setattr(stand_ins.PretendedPayments, "fetch_state", lambda *_: paid)
    real, both_are_about_to_settle = reconciliation.settle, Barrier(2)

    def settle(*arguments, **named):
        # Where one waits for the other before, they are never here together.
        with suppress(BrokenBarrierError):
            both_are_about_to_settle.wait(timeout=0.5)
        return real(*arguments, **named)

    def check(_):
        with committed.scope("acme") as scope:
            return reconciliation.check(scope, payment.id)

    monkeypatch.setattr(reconciliation, "settle", settle)
    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(check, range(2))) == [False, True]
    with committed.scope("acme") as scope:
        asked = scope.session.scalars(select(JournalEntry.detail).where(JournalEntry.kind == "asked")).all()
    assert asked == [{"answer": "completed"}]
