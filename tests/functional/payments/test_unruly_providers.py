"""Providers that do what they must not in a transaction of the core's: nothing is kept of the purchase."""

from contextlib import suppress
from types import ModuleType

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from autonomy_core.customers.models import Customer
from autonomy_core.db.commit_guard import NotYourTransaction
from autonomy_core.errors import Unavailable
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.journal import append
from autonomy_core.payments.models import JournalEntry, Payment
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.statements import Statement
from autonomy_core.testing import stand_ins
from autonomy_core.testing.conformance import UNCHECKED

# On a database of the test's own: what a commit or a rollback does is not seen within a test's own savepoint.
pytestmark = pytest.mark.concurrent

METHODS = ("prepare", "attach", "can_be_paid", "has_checkout")


class Bank(stand_ins.PretendedPayments):
    """A provider that writes a row in each method, and then does what a test wants."""

    name = "bank"

    def __init__(self):
        self.acts = {}

    def act(self, method, scope, payment_id):
        append(scope, payment_id, "bank_wrote", method=method)
        scope.session.flush()
        self.acts.get(method, lambda scope: None)(scope)

    def prepare(self, scope, order):
        self.act("prepare", scope, order.payment_id)

    def begin_checkout(self, scope, payment_id, prepared=None):
        if "has_checkout" in self.acts:
            raise Unavailable("no answer")
        return super().begin_checkout(scope, payment_id, prepared)

    def attach(self, scope, payment_id, checkout):
        self.act("attach", scope, payment_id)

    def can_be_paid(self, scope, payment_id):
        self.act("can_be_paid", scope, payment_id)
        return True

    def has_checkout(self, scope, payment_id):
        self.act("has_checkout", scope, payment_id)
        return False


BANK = Bank()


class Odd:
    """A kind of product that does what a test wants."""

    name = "odd"

    def obstacle_to_sale(self, scope, product_id):
        BANK.acts.get("obstacle_to_sale", lambda scope: None)(scope)


@hookimpl
def on_customer_registered(event):
    BANK.acts.get("on_customer_registered", lambda scope: None)(event.scope)


def commits(scope):
    scope.session.commit()


def commits_in_sql(scope):
    scope.session.execute(text("COMMIT"))


def commits_after_something_else(scope):
    scope.session.execute(text("SELECT 1; COMMIT"))


def commits_at_the_driver(scope):
    scope.execute_at_driver(Statement("COMMIT"), {})


def rolls_back(scope):
    scope.session.rollback()


def rolls_back_in_sql(scope):
    scope.session.execute(text("ROLLBACK"))


def closes(scope):
    with scope.session:
        pass


def begins_another(scope):
    with scope.begin():
        pass


def executes_alone(scope):
    scope.execute_alone(Statement("SELECT 1"), {})


def swallows_an_error(scope):
    with suppress(DBAPIError):
        scope.session.execute(text("SELECT 1 / 0"))


UNRULY = [
    commits,
    commits_in_sql,
    commits_after_something_else,
    commits_at_the_driver,
    rolls_back,
    rolls_back_in_sql,
    closes,
    begins_another,
    executes_alone,
    swallows_an_error,
]


@pytest.fixture(scope="module")
def autonomy_plugins():
    bank = ModuleType("bank.plugin")
    bank.register_payment_provider = hookimpl(lambda: BANK, specname="register_payment_provider")
    bank.register_product_kinds = hookimpl(lambda: [Odd()], specname="register_product_kinds")
    bank.on_customer_registered = on_customer_registered
    return Plugins({"bank": bank, stand_ins.NAME: stand_ins})


@pytest.fixture
def purchase(committed, monkeypatch):
    """Has a customer buy."""
    monkeypatch.setattr(BANK, "acts", {})
    committed.organisation("acme", plugins=("bank", stand_ins.NAME))
    customer, product = committed.customer(), committed.product(kind="odd")

    def buy(status):
        path = f"/acme/api/v1/customers/products/{product.id}/purchase"
        headers = committed.as_customer(customer)
        return committed.app.post_json(path, {}, headers=headers, status=status, extra_environ=UNCHECKED)

    return buy


def kept(autonomy):
    """The statuses of payments, and the methods of the bank whose row is there."""
    with autonomy.scope() as scope:
        payments = list(scope.session.scalars(select(Payment.status)))
        entries = scope.session.scalars(select(JournalEntry).where(JournalEntry.kind == "bank_wrote"))
        return payments, {entry.detail["method"] for entry in entries}


EXPECTED = {
    "prepare": ([], set()),
    "attach": (["pending"], {"prepare"}),
    "can_be_paid": (["pending"], {"prepare", "attach"}),
    "has_checkout": (["pending"], {"prepare"}),
}


CASES = [("prepare", act) for act in UNRULY] + [
    (method, act) for method in METHODS[1:] for act in (commits, rolls_back_in_sql, begins_another)
]


@pytest.mark.parametrize(("method", "misbehave"), CASES)
def test_a_provider_cannot_end_the_transaction_of_a_purchase(committed, purchase, method, misbehave):
    if method == "can_be_paid":
        purchase(201)
    BANK.acts[method] = misbehave
    assert purchase(500).json["code"] == "internal_error"
    assert kept(committed) == EXPECTED[method]


@pytest.mark.parametrize("method", METHODS)
def test_a_provider_may_roll_back_to_its_own_savepoint(committed, purchase, method):
    def undo_a_part(scope):
        with suppress(DBAPIError), scope.session.begin_nested():
            scope.session.execute(text("SELECT 1 / 0"))

    if method == "can_be_paid":
        purchase(201)
    BANK.acts[method] = undo_a_part
    purchase({"can_be_paid": 200, "has_checkout": 503}.get(method, 201))
    assert method in kept(committed)[1]


def test_what_a_provider_executes_last_is_not_committed(committed, purchase):
    def execute_last_and_fail(scope):
        scope.execute_last(Statement("SELECT 1"), {})
        raise LookupError

    BANK.acts["prepare"] = execute_last_and_fail
    purchase(500)
    assert kept(committed) == ([], set())


@pytest.mark.parametrize("misbehave", [commits, rolls_back_in_sql, commits_at_the_driver, begins_another])
def test_a_kind_of_product_cannot_end_the_transaction_of_a_purchase(committed, purchase, misbehave):
    BANK.acts["obstacle_to_sale"] = misbehave
    purchase(500)
    assert kept(committed) == ([], set())


@pytest.mark.parametrize("misbehave", [commits, rolls_back_in_sql, begins_another])
def test_a_hook_cannot_end_the_transaction_of_a_registration(committed, purchase, misbehave):
    BANK.acts["on_customer_registered"] = misbehave
    with pytest.raises(NotYourTransaction):
        committed.customer(email="eve@example.org")
    with committed.scope() as scope:
        assert list(scope.session.scalars(select(Customer.email))) == ["ada@example.org"]
