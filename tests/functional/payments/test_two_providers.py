"""A payment stays with its provider when the organisation changes to another one."""

from types import ModuleType

import pytest
from sqlalchemy import select

from autonomy_core.errors import Unavailable
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments import purchasing
from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.payments import PaymentStatus
from autonomy_core.plugin_api.protocols import Checkout
from autonomy_core.testing import stand_ins
from tests.functional.payments.buyer import Buyer


class Recording(stand_ins.PretendedPayments):
    """A provider that notes what it is asked."""

    def __init__(self, name):
        self.name, self.asked = name, []

    def begin_checkout(self, scope, payment_id, prepared=None):
        self.asked.append(("begin_checkout", payment_id))
        return super().begin_checkout(scope, payment_id, prepared)

    def attach(self, scope, payment_id, checkout):
        self.asked.append(("attach", payment_id))

    def has_checkout(self, scope, payment_id):
        self.asked.append(("has_checkout", payment_id))
        return False

    def expire(self, scope, payment_id):
        self.asked.append(("expire", payment_id))


OLD, NEW = Recording("old_bank"), Recording("new_bank")


def module_of(provider):
    module = ModuleType(f"{provider.name}.plugin")
    module.register_payment_provider = hookimpl(lambda: provider, specname="register_payment_provider")
    return module


@pytest.fixture(scope="module")
def autonomy_plugins():
    shop = ModuleType("shop.plugin")
    shop.register_authenticators = stand_ins.register_authenticators
    shop.register_product_kinds = stand_ins.register_product_kinds
    return Plugins({each.name: module_of(each) for each in (OLD, NEW)} | {"shop": shop})


@pytest.fixture
def buyer(autonomy):
    """A customer with an open checkout at the old bank; the organisation now uses the new one."""
    autonomy.organisation("acme", plugins=("shop", OLD.name, NEW.name))
    buyer = Buyer(autonomy)
    buyer.old = buyer.purchase(201)["payment"]["id"]
    OLD.asked.clear()
    NEW.asked.clear()
    autonomy.organisation("acme", plugins=("shop", NEW.name, OLD.name))
    return buyer


def asked(provider, payment_id):
    return [method for method, about in provider.asked if str(about) == payment_id]


def test_a_new_provider_takes_over_and_the_old_page_is_closed(buyer):
    new = buyer.purchase(201)["payment"]["id"]
    assert asked(NEW, new) == ["begin_checkout", "attach"]
    assert (asked(OLD, buyer.old), asked(NEW, buyer.old)) == (["expire"], [])
    with buyer.autonomy.scope() as scope:
        providers = dict(scope.session.execute(select(Payment.id, Payment.provider)).all())
    assert {str(payment_id): name for payment_id, name in providers.items()} == {
        buyer.old: OLD.name,
        new: NEW.name,
    }


def test_a_processing_payment_at_the_old_provider_blocks_the_new(buyer):
    with buyer.autonomy.scope() as scope:
        payment = scope.session.scalars(select(Payment)).one()
    buyer.autonomy.settle(payment, PaymentStatus.PROCESSING)
    assert buyer.purchase(409)["code"] == "payment_on_its_way"


def test_a_page_is_recorded_and_expired_by_its_own_provider(buyer):
    with buyer.autonomy.scope() as scope:
        payment = scope.session.scalars(select(Payment)).one()
        purchasing.attach_checkout(scope, payment, Checkout("ref", "https://pay.example/ref"))
        purchasing.give_up(scope, payment, "no answer")
    assert (asked(OLD, buyer.old), NEW.asked) == (["attach", "has_checkout"], [])


def test_a_job_closes_the_page_at_its_own_provider(buyer):
    buyer.reprice(0)
    assert buyer.purchase(201)["payment"]["status"] == "completed"
    assert buyer.autonomy.run_jobs() == []
    assert (asked(OLD, buyer.old), asked(NEW, buyer.old)) == (["expire"], [])


def test_a_disabled_provider_is_not_called_and_blocks_no_purchase(buyer):
    buyer.autonomy.organisation("acme", plugins=("shop", NEW.name))
    assert buyer.purchase(201)["payment"]["id"] != buyer.old
    assert OLD.asked == []
    with buyer.autonomy.scope() as scope, pytest.raises(Unavailable):
        payment = scope.session.scalars(select(Payment).where(Payment.provider == OLD.name)).one()
        purchasing.attach_checkout(scope, payment, Checkout("ref", "https://pay.example/ref"))
