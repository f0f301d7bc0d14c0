"""Proofs, registrations and settlements of one address at the same time."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import ModuleType

import pytest
from sqlalchemy import select

from autonomy_core.customers.models import Customer
from autonomy_core.customers.proving import claim_guests, prove_address
from autonomy_core.customers.services import EmailTaken, add_account, add_guest
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins

pytestmark = pytest.mark.concurrent

ADA = "ada@example.org"
AT_ONCE = 8


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


def guests(shop, count=AT_ONCE):
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
    assert len(set(run_at_once(*[lambda: prove(shop)] * AT_ONCE))) == 1
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
        assert len(scope.session.scalars(select(Grant)).all()) == AT_ONCE
