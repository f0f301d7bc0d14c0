"""Payments through Stripe Checkout, each organisation with its own Stripe account.

Switch it on for an organisation by naming it under ``plugins`` in its ini file and giving it a section
``[stripe_payments]`` with the keys of its account; `settings` explains each. The address for Stripe's webhooks
is ``/api/webhook/stripe/{organisation_id}``.

==============  ====================================================================================
`domain`        what may be read in an event and believed of a checkout session
`webhooks`      is it Stripe who posted this?
`inbox`         events: stored once, handled once, retried until handled
`services`      from a checkout session to a settled payment; the buyer's return
`provider`      what the core calls to open a checkout
`client`        the only module that calls Stripe
`simulator`     a stand-in for Stripe, for development and tests
`testing`       signed events and a running simulator, for tests
==============  ====================================================================================
"""
