"""Tools for a plugin's tests. The fixtures are available wherever the server is installed; see `plugin`.

=====================  ==================================================================================
module                 what it offers
=====================  ==================================================================================
``plugin``             the fixtures ``autonomy``, ``committed``, ``postgresql`` and their configuration
``application``        `Autonomy`, the fixture's value: organisations, customers, products, purchases,
                       jobs, and a WebTest client; `chosen_plugins`
``contract``           `PluginContract`, tests that every plugin inherits
``provider_contract``  `ProviderContract`, tests that every payment provider inherits
``storage_contract``   `StorageContract`, tests that every storage of files inherits
``format_contract``    `MediaFormatContract`, tests that every format of recordings inherits
``stand_ins``          a plugin that replaces others: customers by a header, payments without a provider
=====================  ==================================================================================

The core contains no payment provider. A provider's plugin offers helpers for its signed events: for Stripe,
``stripe_payments.testing``.
"""
