"""Proofs, registrations and settlements of one address at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import ModuleType

import psycopg
import pytest
from sqlalchemy import select

from autonomy_core.customers.erasing import erase
from autonomy_core.customers.merging import merge
from autonomy_core.customers.models import Customer
from autonomy_core.customers.proving import claim_guests, prove_address
from autonomy_core.customers.services import EmailTaken, add_account, add_guest, find_customer, lock_current
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins
from autonomy_core.testing.locks import BLOCKED

pytestmark = pytest.mark.concurrent

ADA = "ada@example.org"
CALLERS = 8


@hookimpl
def on_payment_completed(event):
    for item in event.items:
        event.grant(item.id)


GRANTING = ModuleType("granting.plugin")
GRANTING.on_payment_completed = on_payment_completed


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({stand_ins.NAME: stand_ins, "granting": GRANTING})


@pytest.fixture
def shop(committed):
    committed.organisation(plugins=(stand_ins.NAME, "granting"))
    return committed


def guests(shop, count=CALLERS):
    with shop.scope() as scope:
        return [add_guest(scope, ADA) for _ in range(count)]


def prove(shop):
    with shop.scope() as scope:
        return prove_address(scope, ADA).id


def register(shop):
    with suppress(EmailTaken), shop.scope() as scope:
        add_account(scope, ADA, "Ada")


def run_at_once(*work):
    with ThreadPoolExecutor(len(work)) as threads:
        return [each.result() for each in [threads.submit(one) for one in work]]


def accounts(shop):
    with shop.scope() as scope:
        current = select(Customer).where(Customer.merged_into.is_(None))
        return [(row.guest, row.email_verified) for row in scope.session.scalars(current)]


def test_eight_proofs_at_once_make_one_account(shop):
    guests(shop)
    assert len(set(run_at_once(*[lambda: prove(shop)] * CALLERS))) == 1
    assert accounts(shop) == [(False, True)]


def test_a_registration_beside_proofs_leaves_one_account(shop):
    guests(shop)
    run_at_once(*[lambda: prove(shop)] * 4, *[lambda: register(shop)] * 4)
    prove(shop)
    assert accounts(shop) == [(False, True)]


def test_what_settles_beside_the_proof_belongs_to_the_account(shop):
    product = shop.product()
    payments = [shop.payment(guest, product) for guest in guests(shop)]
    run_at_once(lambda: prove(shop), *[lambda payment=payment: shop.settle(payment) for payment in payments])
    with shop.scope() as scope:
        account = scope.session.scalars(select(Customer).where(Customer.merged_into.is_(None))).one()
        # What the receipt of a payment does for a purchase that began before the proof.
        claim_guests(scope, account)
        owners = {
            *scope.session.scalars(select(Payment.customer_id)),
            *scope.session.scalars(select(Grant.customer_id)),
        }
        assert owners == {account.id}
        assert len(scope.session.scalars(select(Grant)).all()) == CALLERS


@pytest.mark.parametrize("erased", ["source", "target"])
def test_an_erasure_beside_a_merging_leaves_no_address(shop, erased):
    """The erasure waits for the merging: what is merged into an erased account is erased with it."""
    with shop.scope() as scope:
        two = {"source": add_guest(scope, ADA).id, "target": add_account(scope, "ada@new.example", "Ada").id}
    with ThreadPoolExecutor(2) as work:
        with shop.scope() as scope:
            lock_current(scope, find_customer(scope, two["target"]))
            merging = work.submit(_merge, shop, **two)
            _wait_until_blocked(shop, 1)
            erasing = work.submit(_erase, shop, two[erased])
            _wait_until_blocked(shop, 2)
        assert (merging.result(), erasing.result()) == (None, True)
    with shop.scope() as scope:
        rows = {name: find_customer(scope, customer_id) for name, customer_id in two.items()}
        assert rows["source"].merged_into == two["target"]
        assert rows["source"].email == ""
        assert (rows["target"].email == "") is (erased == "target")


def _merge(shop, source, target):
    with shop.scope() as scope:
        source, target = (find_customer(scope, each) for each in (source, target))
        merge(scope, source, target, actor="test", reason="the same person")


def _erase(shop, customer_id):
    with shop.scope() as scope:
        return erase(scope, customer_id, actor="test")


def _wait_until_blocked(shop, count):
    with psycopg.connect(shop.database.conninfo, autocommit=True) as watching:
        while len(watching.execute(BLOCKED).fetchall()) < count:
            time.sleep(0.01)
