"""Payments through Stripe Checkout, each organisation with its own Stripe account.

To activate it for an organisation, list it under ``plugins`` in the organisation's ini file and add a section
``[stripe_payments]`` with the keys of the account; `settings` describes each. The URL for Stripe's webhooks
is ``/api/webhook/stripe/{organisation_id}``.

README.md lists the modules.
"""
