"""Payments through Stripe Checkout, each organisation with its own Stripe account.

Switch it on for an organisation by naming it under ``plugins`` in its ini file and giving it a section
``[stripe_payments]`` with the keys of its account; `settings` explains each. The address for Stripe's webhooks
is ``/api/webhook/stripe/{organisation_id}``.

==============  ====================================================================================
`domain`        what may be read in an event and believed of a checkout session
`webhooks`      is it Stripe who posted this?
`sharing`       whose event is it, where organisations share an endpoint?
`inbox`         events: stored once, handled once, retried until handled
`services`      from a checkout session to a settled payment; the buyer's return
`provider`      what the core calls to open a checkout
`client`        with `client_endpoints` the only modules that call Stripe
`endpoints`     makes, shares and removes webhook endpoints; `rotation` replaces them, `desk` is what they work with
`doctor`        compares the ini file with what Stripe has; `diagnosis` says what follows
`deliveries`    how many signatures were good, and how many were not
`simulator`     a stand-in for Stripe, for development and tests
`testing`       signed events and a running simulator, for tests
==============  ====================================================================================
"""
