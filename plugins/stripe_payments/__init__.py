"""Payments through Stripe Checkout, each organisation with its own Stripe account.

Switch it on for an organisation by naming it under ``plugins`` in its ini file and giving it a section
``[stripe_payments]`` with the keys of its account; `settings` explains each. The address for Stripe's webhooks
is ``/api/webhook/stripe/{organisation_id}``.

==============  ====================================================================================
`domain`        which events are handled, what may be read in one and believed of a checkout session
`reversals`     the same of refunds, disputes and failed attempts
`amounts`       amounts as Stripe counts them
`orders`        what Stripe is asked for, and which prices it collects
`webhooks`      is it Stripe who posted this?
`inbox`         events: stored once, handled once, retried until handled
`handlers`      what each type of event does
`services`      from a checkout session to a settled payment
`refunds`       from a refund or a dispute to a settled payment; giving money back
`asking`        what Stripe says when it is asked: the buyer's return, payments without news
`timeline`      Stripe's side of what happened to a payment
`provider`      what the core calls
`client`        the only module that calls Stripe
`simulator`     a stand-in for Stripe, for development and tests
`testing`       signed events and a running simulator, for tests
==============  ====================================================================================
"""
