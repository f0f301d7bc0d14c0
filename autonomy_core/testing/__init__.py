"""What a plugin's tests need. The fixtures are there wherever the server is installed; see `plugin`.

=====================  ==================================================================================
module                 what it offers
=====================  ==================================================================================
``plugin``             the fixtures ``autonomy``, ``committed``, ``postgresql`` and what they can be told
``application``        `Autonomy`, what ``autonomy`` is: organisations, customers, products, purchases, jobs, and
                   a WebTest client; `chosen_plugins`
``contract``           `PluginContract`, tests that every plugin inherits
``provider_contract``  `ProviderContract`, tests that every payment provider inherits
``stand_ins``          a plugin for what a test does not want: customers by a header, payments without a provider
=====================  ==================================================================================

The core knows no payment provider. Signed events of one are made by what the provider's plugin offers for
tests: of Stripe's by ``stripe_payments.testing``.
"""
