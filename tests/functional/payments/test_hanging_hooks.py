"""Hooks that hang: PostgreSQL ends their transaction, and the payment is completed nevertheless."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType

import pytest
from sqlalchemy import select, text

from autonomy_core.customers.models import Customer
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.manager import Plugins
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.payments.models import HookRun, Payment
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins

pytestmark = pytest.mark.concurrent

TIMEOUT_S = 120


@pytest.fixture(scope="module")
def chosen():
    return []


@pytest.fixture(scope="module")
def autonomy_plugins(chosen):
    def grant(event):
        event.grant(event.payment.product_id)

    def grant_and_hang(event):
        grant(event)
        for hang in chosen:
            hang(event)

    hooks = {"a_friend": grant, "b_hanging": grant_and_hang}
    return Plugins({stand_ins.NAME: stand_ins, **{name: plugin(name, hook) for name, hook in hooks.items()}})


def plugin(name, hook):
    module = ModuleType(f"{name}.plugin")
    module.on_payment_completed = hookimpl(hook)
    return module


SOON = "200ms"
"""PostgreSQL ends a hook's transaction so soon here, and after minutes otherwise."""


def be_ended_soon(session):
    """Call it just before the last statement: on a busy machine a second one may come too late."""
    session.execute(text(f"SET LOCAL statement_timeout = '{SOON}'"))
    session.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{SOON}'"))


@pytest.fixture
def shop(committed, chosen):
    committed.organisation("acme", plugins=(stand_ins.NAME, "a_friend", "b_hanging"))
    yield committed
    chosen.clear()


def outcomes(autonomy):
    with autonomy.scope() as scope:
        return {run.plugin: run.outcome for run in scope.session.scalars(select(HookRun))}


def test_postgresql_ends_a_transaction_that_hangs(shop):
    with shop.scope() as scope:
        bounds = [
            scope.session.scalar(text(f"SHOW {name}"))
            for name in ("statement_timeout", "idle_in_transaction_session_timeout")
        ]
    assert bounds == ["1min", "5min"]


def test_a_hook_that_hangs_in_the_database_fails_and_is_tried_again(shop, chosen):
    def sleep(event):
        be_ended_soon(event.scope.session)
        event.scope.session.execute(text("SELECT pg_sleep(3600)"))

    chosen[:] = [sleep]
    payment = shop.buy(shop.customer(), shop.product())
    assert payment.status == "completed"
    assert outcomes(shop) == {"a_friend": "succeeded", "b_hanging": "failed"}
    chosen.clear()
    assert shop.run_jobs() == []
    assert outcomes(shop) == {"a_friend": "succeeded", "b_hanging": "succeeded"}


@contextmanager
def hanging(chosen):
    """A hook that hangs outside of the database, as one does that asks a server without a time-out."""
    reached, end = threading.Event(), threading.Event()

    def hang(event):
        # Only the first one: the server that does not answer one call answers the next.
        if not reached.is_set():
            be_ended_soon(event.scope.session)
            reached.set()
            end.wait(TIMEOUT_S)

    chosen[:] = [hang]
    try:
        yield reached
    finally:
        end.set()


def test_a_hook_that_hangs_outside_postgresql_loses_its_transaction(shop, chosen):
    payment = shop.payment(shop.customer(), shop.product())
    with ThreadPoolExecutor() as pool:
        with hanging(chosen) as reached:
            first = pool.submit(shop.settle, payment)
            assert reached.wait(TIMEOUT_S)
            # It waits for the payment until PostgreSQL has ended the first one's transaction.
            assert shop.settle(payment).payment.status == "completed"
        assert first.exception(TIMEOUT_S) is not None
    with shop.scope() as scope:
        assert scope.session.get_one(Payment, ("acme", payment.id)).status == "completed"
        assert len(list(scope.session.scalars(select(Grant)))) == 1
    assert outcomes(shop) == {"a_friend": "succeeded", "b_hanging": "succeeded"}


def test_a_transaction_leaked_by_a_hook_is_ended(shop, chosen):
    customer, another, leaked = shop.customer(), shop.customer(email="bob@example.org"), []

    def leak(event):
        database = runtime_of(event.scope).database
        leaked.append(database.session("acme"))
        # Not the buyer, whom the grant refers to: the hook would wait for itself.
        leaked[0].execute(select(Customer).where(Customer.id == another.id).with_for_update())
        be_ended_soon(leaked[0])

    chosen[:] = [leak]
    assert shop.buy(customer, shop.product()).status == "completed"
    assert outcomes(shop) == {"a_friend": "succeeded", "b_hanging": "succeeded"}
    with shop.scope() as scope:
        scope.session.execute(text("UPDATE customers SET name = 'Ada L.'"))
    leaked[0].invalidate()


def test_a_connection_lost_in_a_hook_is_an_outage(shop, chosen):
    def lose_the_connection(event):
        event.scope.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    product = shop.product(amount=0)
    path = f"/acme/api/v1/customers/products/{product.id}/purchase"
    headers = shop.as_customer(shop.customer())
    chosen[:] = [lose_the_connection]
    assert shop.app.post_json(path, {}, headers=headers, status=503).json["code"] == "unavailable"
    chosen.clear()
    assert shop.app.post_json(path, {}, headers=headers, status=201).json["payment"]["status"] == "completed"
    assert outcomes(shop) == {"a_friend": "succeeded", "b_hanging": "succeeded"}
