"""Finds code that waits for a lock of its own caller: such a wait ends only by the statement timeout.

PostgreSQL cannot detect this deadlock. The caller holds a lock in one transaction and waits in Python for the
callee, and the callee's separate transaction waits for the lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from sqlalchemy import QueuePool

from autonomy_core.cli.plugin_source import package_of
from autonomy_core.db.database import Database
from autonomy_core.errors import Unavailable
from autonomy_core.kernel.protocols import Checkout
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments import purchasing, reconciliation
from autonomy_core.payments.models import Payment
from autonomy_core.payments.refunds import RefundRefused, carry_out, order_of, provider_of, request_refund
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy, return_urls
from autonomy_core.testing.arrangement import WITH, Arrangement
from autonomy_core.testing.outgoing import no_outgoing_calls

LOOK_EVERY_S = 0.05

BLOCKED = """
    SELECT pid, query FROM pg_stat_activity
    WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""


@contextmanager
def no_lock_waits(database: Database, what: str) -> Iterator[None]:
    """Fail if a connection waits for another connection's lock during the block, which must be sequential.

    The waiting statement is cancelled, so that the block does not last until the statement timeout.

    Args:
        database: the database.
        what: what the block does, for the message.

    Raises:
        AssertionError: with the statement that waited.
    """
    found: list[str] = []
    done = threading.Event()
    watching = threading.Thread(target=_watch, args=(database.conninfo, done, found), daemon=True)
    watching.start()
    failure: BaseException | None = None
    try:
        yield
    except Exception as error:
        failure = error
        raise
    finally:
        done.set()
        watching.join()
        if found:
            raise AssertionError(
                f"{what} waited for a lock that its own caller holds: {found[0]}\n"
                "If the caller's transaction is open, use scope.session. Otherwise begin transactions with "
                "scope.begin(), one after the other, and do not use scope.session."
            ) from failure


def _watch(conninfo: str, done: threading.Event, found: list[str]) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while not done.wait(LOOK_EVERY_S):
            for pid, query in connection.execute(BLOCKED).fetchall():
                found.append(" ".join(query.split()))
                connection.execute("SELECT pg_cancel_backend(%s)", [pid])


class ProviderLocks(Arrangement):
    """The contract about locks for payment providers; it does not apply to other plugins."""

    def test_its_provider_waits_for_no_lock_of_its_caller(self, committed: Autonomy) -> None:
        """Each method is called as the core calls it.

        Refusals and missing answers of its server are accepted.
        """
        if self.registered(committed.runtime.plugins, "register_payment_provider") is None:
            pytest.skip(f"{self.plugin} collects no payments")
        settings = {self.plugin: self.settings} if self.settings else {}
        committed.organisation(WITH, plugins=(self.plugin, stand_ins.NAME), settings=settings)
        self.prepare(committed, WITH)
        customer, product = committed.customer(WITH), self.sold_product(committed, WITH)
        with self._alone(committed, "prepare"):
            payment = committed.payment(customer, product)
        for method, call in _calls(committed, payment):
            with suppress(Unavailable, RefundRefused), self._alone(committed, method):
                call()

    @contextmanager
    def _alone(self, autonomy: Autonomy, method: str) -> Iterator[None]:
        """Fail if a method waits for a lock of its caller, or calls a server in a transaction."""
        database, what = autonomy.runtime.database, f"{self.plugin}: {method}"
        package = package_of(autonomy.runtime.plugins, self.plugin)
        with (
            no_lock_waits(database, what),
            no_outgoing_calls(package, what, lambda: _is_in_transaction(database)),
        ):
            yield


def _is_in_transaction(database: Database) -> bool:
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout() > 0


def _calls(autonomy: Autonomy, payment: Payment) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the core's operations on a payment, each with the provider's method that it calls."""
    scope = autonomy.runtime.scope_outside(autonomy.get_organisation(WITH))
    opened = purchasing.Opened(payment)
    checkout = Checkout(f"contract_{payment.id}", "https://pay.invalid/")
    yield "begin_checkout", lambda: purchasing.begin_checkout(scope, opened)
    yield "attach", lambda: _within(scope, lambda own: purchasing.attach_checkout(own, payment, checkout))
    yield "can_be_paid", lambda: _within(scope, lambda own: _buy_again(own, payment))
    yield "fetch_state", lambda: reconciliation.check(scope, payment.id)
    yield "expire", lambda: purchasing.expire(scope, payment.id)
    yield "has_checkout", lambda: _within(scope, lambda own: purchasing.give_up(own, payment, "no answer"))
    autonomy.settle(payment, PaymentStatus.COMPLETED)
    yield "refund", lambda: _refund(scope, payment)
    yield "fetch_state", lambda: reconciliation.check(scope, payment.id)


def _within(scope: TenantScope, call: Callable[[TenantScope], object]) -> None:
    with scope.begin() as own:
        call(own)


def _buy_again(scope: TenantScope, payment: Payment) -> None:
    purchasing.open_payment(scope, payment.customer_id, payment.product_id, return_urls(scope.organisation))


def _refund(scope: TenantScope, payment: Payment) -> None:
    with scope.begin() as own:
        refund = request_refund(own, payment.id, None, "the contract", actor="contract")
        order, provider = order_of(own, refund), provider_of(own, payment.id)
    carry_out(scope, order, provider)
