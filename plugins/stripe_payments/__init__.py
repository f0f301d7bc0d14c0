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
`sharing`       whose event is it, where organisations share an endpoint?
`inbox`         events: stored once, handled once, retried until handled
`handlers`      what each type of event does
`services`      from a checkout session to a settled payment
`refunds`       from a refund or a dispute to a settled payment; giving money back
`asking`        what Stripe says when it is asked: the buyer's return, payments without news
`missed`        events that Stripe could not deliver are fetched
`timeline`      Stripe's side of what happened to a payment
`provider`      what the core calls
`client`        with `endpoints.client` the only modules that call Stripe
`endpoints`     an organisation's webhook endpoints: made, shared, replaced, removed, and compared with the ini file
`deliveries`    how many signatures were good, and how many were not
`simulator`     a stand-in for Stripe, for development and tests
`testing`       signed events and a running simulator, for tests
==============  ====================================================================================
"""
