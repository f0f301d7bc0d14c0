"""The plugin contract."""

from autonomy_core.testing.contract import PluginContract
from stripe_payments.testing import stripe_settings


class TestContract(PluginContract):
    plugin = "stripe_payments"
    settings = stripe_settings("with-it")
