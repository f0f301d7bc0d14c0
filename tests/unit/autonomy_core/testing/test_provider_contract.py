"""Each test of the provider contract fails for a provider that breaks it."""

from inspect import signature
from itertools import product
from types import ModuleType

import pytest
from marshmallow import fields

from autonomy_core.db.commit_guard import NotYourTransaction
from autonomy_core.kernel.manager import Plugins
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.payments import ProofFailed
from autonomy_core.plugin_api.settings import SettingsSchema
from autonomy_core.testing import stand_ins
from autonomy_core.testing.provider_contract import ENVIRONMENTS, ProviderContract
from tests.unit.autonomy_core.testing.toy_providers import PROVIDERS

BEGUN = "test_a_checkout_that_is_begun_twice_is_one"
CLOSED = "test_a_page_that_was_closed_twice_is_closed"
ASKED = "test_what_the_provider_is_asked_twice_it_says_twice"
REFUNDED = "test_a_refund_that_is_asked_for_twice_is_one"
TOLD = "test_a_payment_s_history_is_told"
APART = "test_test_and_live_are_told_apart"
STAYS = "test_a_payment_stays_in_the_environment_in_which_it_was_made"
LEAVES = "test_it_leaves_the_transaction_to_its_caller"
HAS_NONE = "test_before_its_page_is_there_a_payment_has_no_checkout"
EVERY = [name for name in vars(ProviderContract) if name.startswith("test_")]

BROKEN = {
    "Sound": set(),
    "OpensTwice": {BEGUN},
    "RefundsTwice": {REFUNDED},
    "RefundsOnce": {REFUNDED},
    "ClosesNothing": {CLOSED},
    "ForgetsThePage": {BEGUN},
    "IsAlwaysPaid": {ASKED, CLOSED},
    "CommitsWhatItPrepares": {*EVERY} - {APART},
    "RollsBackWhatItAttaches": {*EVERY} - {APART, HAS_NONE},
    "CommitsWhenItLooks": {BEGUN, LEAVES},
    "RaisesInItsTimeline": {TOLD, LEAVES},
    "RaisesWhenAsked": {APART},
    "IsLive": {APART},
    "AsksInTest": {ASKED, REFUNDED, TOLD, STAYS},
    "AsksWhereItSellsNow": {STAYS},
    "RefundsTwiceInLive": {REFUNDED},
    "ClosesNothingInLive": {CLOSED},
}


class Toy(ProviderContract):
    plugin = "toy"
    settings = {"environment": "test"}
    live_settings = {"environment": "live"}

    def pay(self, autonomy, payment, checkout):
        self.provider(autonomy).server.pay(payment.id)


class ToySettings(SettingsSchema):
    environment = fields.String(required=True)


@pytest.fixture(scope="module")
def autonomy_plugins():
    def register_payment_provider():
        return PROVIDERS["Sound"]()

    def register_settings():
        return PluginSettings(ToySettings)

    toy = ModuleType("toy.plugin")
    toy.register_payment_provider = hookimpl(register_payment_provider)
    toy.register_settings = hookimpl(register_settings)
    return Plugins({"toy": toy, stand_ins.NAME: stand_ins})


@pytest.mark.concurrent
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_fails_exactly_the_tests_that_it_breaks(committed, monkeypatch, name):
    monkeypatch.setitem(committed.runtime.providers, "toy", PROVIDERS[name]())
    failed = set()
    for test, environment in product(EVERY, ENVIRONMENTS):
        contract = Toy()
        contract.sell_in(committed, environment)
        given = {"shop": committed, "environment": environment}
        wanted = signature(getattr(contract, test)).parameters
        try:
            getattr(contract, test)(**{each: given[each] for each in wanted})
        except (AssertionError, LookupError, NotYourTransaction, ProofFailed):
            failed.add(test)
    assert failed == BROKEN[name]


@pytest.mark.concurrent
def test_a_provider_is_told_where_the_api_is(committed, monkeypatch):
    provider = PROVIDERS["Sound"]()
    monkeypatch.setitem(committed.runtime.providers, "toy", provider)
    contract = Toy()
    contract.sell_in(committed, "test")
    order = provider.orders[contract.pending(committed).id]
    committed.app.get(f"{order.api_url}openapi.json", status=200)
