"""The contract of payment providers refuses each thing that it is there to refuse."""

from types import ModuleType

import pytest

from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.manager import Plugins
from autonomy_core.testing import stand_ins
from autonomy_core.testing.provider_contract import ProviderContract
from tests.unit.autonomy_core.testing.toy_providers import PROVIDERS

BEGUN = "test_a_checkout_that_is_begun_twice_is_one"
CLOSED = "test_a_page_that_was_closed_twice_is_closed"
ASKED = "test_what_the_provider_is_asked_twice_it_says_twice"
REFUNDED = "test_a_refund_that_is_asked_for_twice_is_one"
TOLD = "test_a_payment_s_history_is_told"
APART = "test_test_and_live_are_told_apart"
EVERY = [name for name in vars(ProviderContract) if name.startswith("test_")]

BROKEN = {
    "Sound": set(),
    "OpensTwice": {BEGUN},
    "RefundsTwice": {REFUNDED},
    "RefundsOnce": {REFUNDED},
    "ClosesNothing": {CLOSED},
    "ForgetsThePage": {BEGUN},
    "IsAlwaysPaid": {ASKED, CLOSED},
    "RaisesInItsTimeline": {TOLD},
    "RaisesWhenAsked": {APART},
    "IsLive": {APART},
}


class Toy(ProviderContract):
    plugin = "toy"

    def pay(self, autonomy, payment, checkout):
        self.provider(autonomy).server.pay(payment.id)


@pytest.fixture(scope="module")
def autonomy_plugins():
    def register_payment_provider():
        return PROVIDERS["Sound"]()

    toy = ModuleType("toy.plugin")
    toy.register_payment_provider = hookimpl(register_payment_provider)
    return Plugins({"toy": toy, stand_ins.NAME: stand_ins})


@pytest.fixture
def shop(committed):
    Toy().organise(committed, {})
    return committed


@pytest.mark.concurrent
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_that_breaks_the_contract_fails_just_what_it_breaks(shop, monkeypatch, name):
    monkeypatch.setitem(shop.runtime.providers, "toy", PROVIDERS[name]())
    failed = set()
    for test in EVERY:
        try:
            getattr(Toy(), test)(shop)
        except (AssertionError, LookupError):
            failed.add(test)
    assert failed == BROKEN[name]
