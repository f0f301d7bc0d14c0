"""`ProviderContract`: the rules for every payment provider, as tests to inherit.

In a plugin's ``tests/test_provider.py``::

    from autonomy_core.testing.provider_contract import ProviderContract


    class TestProvider(ProviderContract):
        plugin = "invoices"
        settings = {"environment": "test"}
        live_settings = {"environment": "live"}

        def pay(self, autonomy, payment, checkout):
            "Let the buyer pay, at the provider or at its stand-in."

Everything is committed, as in a server. A method may raise only the errors of its specification. Each test
runs in test mode, and with `live_settings` also in live mode, against the same stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

import pytest

from autonomy_core.db.base import uuid7
from autonomy_core.errors import Unavailable
from autonomy_core.kernel.finders import PaymentFinder
from autonomy_core.kernel.protocols import (
    Checkout,
    PaymentProvider,
    RefundOrder,
    TimelineEntry,
)
from autonomy_core.kernel.scope import TenantScope, forbid_commit
from autonomy_core.kernel.settlements import PaymentStatus, RefundReport, RefundStatus
from autonomy_core.payments.models import Payment
from autonomy_core.payments.purchasing import open_payment
from autonomy_core.payments.services import payments_of
from autonomy_core.payments.settlement import settle
from autonomy_core.tenancy.domain import Environment
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy, return_urls

SHOP = "acme"
ENVIRONMENTS: tuple[Environment, ...] = ("test", "live")


class _Undone(Exception):
    """Undoes a transaction."""


class ProviderContract:
    """Derive from it, set the plugin, and implement how a buyer pays.

    Attributes:
        plugin: the plugin's name.
        settings: its section in test mode, as text.
        live_settings: its section in live mode, including what payments of test mode still need; None without
            a live mode.
    """

    plugin: ClassVar[str]
    settings: ClassVar[Mapping[str, str]] = {}
    live_settings: ClassVar[Mapping[str, str] | None] = None

    def pay(self, autonomy: Autonomy, payment: Payment, checkout: Checkout) -> None:
        """Let the buyer pay, at the provider or at its stand-in."""
        raise NotImplementedError

    @pytest.fixture(params=ENVIRONMENTS)
    def environment(self, request: pytest.FixtureRequest) -> Environment:
        """The environment of the test's payments."""
        environment: Environment = request.param
        if environment == "live" and self.live_settings is None:
            pytest.skip(f"{self.plugin} has no live_settings here")
        return environment

    @pytest.fixture
    def shop(self, committed: Autonomy, environment: Environment) -> Autonomy:
        """An organisation that uses the provider."""
        self.sell_in(committed, environment)
        return committed

    def sell_in(self, autonomy: Autonomy, environment: Environment) -> None:
        """Set the environment of the organisation's new payments."""
        self.organise(autonomy, self.settings if environment == "test" else self.live_settings or {})

    def organise(self, autonomy: Autonomy, settings: Mapping[str, str]) -> None:
        """Write the organisation's file."""
        plugins = (self.plugin, stand_ins.NAME)
        autonomy.organisation(SHOP, plugins=plugins, settings={self.plugin: settings} if settings else {})

    def provider(self, autonomy: Autonomy) -> PaymentProvider:
        """Return the plugin's provider."""
        return autonomy.runtime.providers[self.plugin]

    @contextmanager
    def outside(self, autonomy: Autonomy) -> Iterator[TenantScope]:
        """Open the scope in which the core calls methods that may call the provider's server."""
        with autonomy.runtime.between_transactions(autonomy.get_organisation(SHOP)) as scope:
            yield scope

    def begin(self, autonomy: Autonomy, payment: Payment) -> Checkout:
        """Begin the checkout, as the core does."""
        with self.outside(autonomy) as scope:
            checkout = self.provider(autonomy).begin_checkout(scope, payment.id)
        assert isinstance(checkout, Checkout), f"begin_checkout returned {checkout!r}"
        return checkout

    def attach(self, autonomy: Autonomy, payment: Payment, checkout: Checkout) -> None:
        """Record the checkout, as the core does."""
        with autonomy.scope(SHOP) as scope, forbid_commit(scope):
            attach: Any = self.provider(autonomy).attach
            answer = attach(scope, payment.id, checkout)
        assert answer is None

    def pending(self, autonomy: Autonomy) -> Payment:
        """Return a payment of a new customer, without a checkout."""
        customer = autonomy.customer(SHOP, f"{uuid7()}@example.org")
        payment = autonomy.payment(customer, autonomy.product(SHOP))
        assert payment.provider == self.plugin
        return payment

    def open(self, autonomy: Autonomy) -> tuple[Payment, Checkout]:
        """Return a payment with its checkout."""
        payment = self.pending(autonomy)
        checkout = self.begin(autonomy, payment)
        self.attach(autonomy, payment, checkout)
        return payment, checkout

    def sold(self, autonomy: Autonomy) -> Payment:
        """Return a payment that the buyer paid and the provider confirmed."""
        payment, checkout = self.open(autonomy)
        self.pay(autonomy, payment, checkout)
        self.ask_and_settle(autonomy, payment)
        return payment

    def ask_and_settle(self, autonomy: Autonomy, payment: Payment) -> PaymentStatus:
        """Settle a payment by the provider's state."""
        provider = self.provider(autonomy)
        with self.outside(autonomy) as scope:
            settlement = provider.fetch_state(scope, payment.id)
        with autonomy.scope(SHOP) as scope:
            if settlement is not None:
                settle(scope, settlement, provider=self.plugin)
            return PaymentStatus(scope.session.get_one(Payment, (SHOP, payment.id)).status)

    def refund(self, autonomy: Autonomy, order: RefundOrder) -> RefundReport:
        """Request a refund, as the core does."""
        with self.outside(autonomy) as scope:
            report = self.provider(autonomy).refund(scope, order)
        assert isinstance(report, RefundReport), f"refund returned {report!r}"
        return report

    def close(self, autonomy: Autonomy, payment: Payment) -> None:
        """Expire the checkout, as the core does."""
        with self.outside(autonomy) as scope:
            self.provider(autonomy).expire(scope, payment.id)

    def order(self, payment: Payment, amount: int) -> RefundOrder:
        """Return a refund order for part of a payment."""
        environment: Any = payment.environment
        return RefundOrder(uuid7(), payment.id, amount, payment.currency, environment)

    def undone(self, autonomy: Autonomy, call: Callable[[TenantScope], object]) -> None:
        """Call something in a transaction of the core's, which is rolled back."""
        with suppress(_Undone), autonomy.scope(SHOP) as scope:
            with forbid_commit(scope):
                call(scope)
            raise _Undone

    def test_a_checkout_that_is_begun_twice_is_one(self, shop: Autonomy) -> None:
        """This holds even if the first answer was lost, and nothing was recorded."""
        payment = self.pending(shop)
        lost, first = self.begin(shop, payment), self.begin(shop, payment)
        assert lost.reference == first.reference, "an answer that was lost opens a second page"
        for _ in range(2):
            self.attach(shop, payment, first)
        assert self.begin(shop, payment).reference == first.reference, "a recorded page is opened again"
        with shop.scope(SHOP) as scope, forbid_commit(scope):
            provider = self.provider(shop)
            assert provider.has_checkout(scope, payment.id) is True
            assert provider.can_be_paid(scope, payment.id) is True

    def test_before_its_page_is_there_a_payment_has_no_checkout(self, shop: Autonomy) -> None:
        """``has_checkout`` returns whether a checkout was recorded."""
        payment = self.pending(shop)
        with shop.scope(SHOP) as scope, forbid_commit(scope):
            assert self.provider(shop).has_checkout(scope, payment.id) is False

    def test_it_leaves_the_transaction_to_its_caller(self, shop: Autonomy) -> None:
        """What the core calls in a transaction neither commits nor rolls back: all of it can be undone."""
        payment, checkout = self.open(shop)
        customer = shop.customer(SHOP, f"{uuid7()}@example.org")
        product = shop.product(SHOP)
        provider = self.provider(shop)
        for call in (
            lambda scope: open_payment(scope, customer.id, product.id, return_urls(scope.organisation)),
            lambda scope: provider.attach(scope, payment.id, checkout),
            lambda scope: provider.can_be_paid(scope, payment.id),
            lambda scope: provider.has_checkout(scope, payment.id),
            lambda scope: provider.timeline(scope, payment.id),
        ):
            self.undone(shop, call)
        with shop.scope(SHOP) as scope:
            assert not scope.session.scalars(payments_of(customer.id)).all(), (
                "a payment that was undone is there"
            )

    def test_a_page_that_was_closed_twice_is_closed(self, shop: Autonomy) -> None:
        """The second call may raise Unavailable."""
        payment, checkout = self.open(shop)
        self.close(shop, payment)
        with suppress(Unavailable):
            self.close(shop, payment)
        with suppress(Exception):
            self.pay(shop, payment, checkout)
        assert self.ask_and_settle(shop, payment) != PaymentStatus.COMPLETED, "a closed page can be paid"

    def test_what_the_provider_is_asked_twice_it_says_twice(self, shop: Autonomy) -> None:
        """The result is nothing before the buyer pays, and the same each time afterwards."""
        payment, checkout = self.open(shop)
        assert self.ask_and_settle(shop, payment) != PaymentStatus.COMPLETED, "the buyer has not paid"
        self.pay(shop, payment, checkout)
        assert [self.ask_and_settle(shop, payment) for _ in range(2)] == [PaymentStatus.COMPLETED] * 2

    def test_a_refund_that_is_asked_for_twice_is_one(self, shop: Autonomy) -> None:
        """A second order is a second refund."""
        payment = self.sold(shop)
        order, other = self.order(payment, 500), self.order(payment, 700)
        reports = [self.refund(shop, order) for _ in range(2)]
        assert reports[0].reference == reports[1].reference, "one order was given back twice"
        assert self.refund(shop, other).reference != reports[0].reference, "two orders are one refund"
        for report in reports:
            assert (report.amount, report.currency) == (500, payment.currency)
            assert report.status != RefundStatus.FAILED

    def test_a_payment_s_history_is_told(self, shop: Autonomy) -> None:
        """The entries may have any order; their times have a time zone."""
        payment = self.sold(shop)
        with shop.scope(SHOP) as scope, forbid_commit(scope):
            entries = self.provider(shop).timeline(scope, payment.id)
        assert isinstance(entries, Sequence)
        for entry in entries:
            assert isinstance(entry, TimelineEntry)
            assert entry.at.tzinfo is not None

    def test_what_staff_search_for_is_found(self, shop: Autonomy) -> None:
        """The references of a checkout and of a refund find their payment, any other text finds none."""
        provider = self.provider(shop)
        if not isinstance(provider, PaymentFinder):
            pytest.skip(f"{self.plugin} does not find payments")
        payment, checkout = self.open(shop)
        self.pay(shop, payment, checkout)
        self.ask_and_settle(shop, payment)
        report = self.refund(shop, self.order(payment, 500))
        for reference in (checkout.reference, report.reference):
            with self.outside(shop) as scope:
                assert provider.find(scope, reference) == payment.id, f"{reference} finds another payment"
        for text in (f"{checkout.reference}0", str(payment.id), "x" * 300, "%", "../v1/account"):
            with self.outside(shop) as scope:
                assert provider.find(scope, text) is None, f"{text!r} finds a payment"

    def test_test_and_live_are_told_apart(self, shop: Autonomy, environment: Environment) -> None:
        """The settings determine the environment. A price is accepted, or refused with a reason."""
        provider = self.provider(shop)
        assert provider.environment(shop.get_organisation(SHOP)) == environment
        problem = provider.price_problem(shop.get_organisation(SHOP), 1200, "eur")
        assert problem is None or isinstance(problem, str)

    def test_a_payment_stays_in_the_environment_in_which_it_was_made(
        self, shop: Autonomy, environment: Environment
    ) -> None:
        """The organisation sells in the other environment before a payment is paid, closed or refunded."""
        if self.live_settings is None:
            pytest.skip(f"{self.plugin} has no live_settings here")
        (payment, checkout), (left, _) = self.open(shop), self.open(shop)
        self.sell_in(shop, "live" if environment == "test" else "test")
        self.close(shop, left)
        self.pay(shop, payment, checkout)
        assert self.ask_and_settle(shop, payment) == PaymentStatus.COMPLETED
        assert self.refund(shop, self.order(payment, 500)).status != RefundStatus.FAILED
