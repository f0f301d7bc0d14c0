"""Purchases that are begun per second: from the call to the URL of a checkout page.

    .venv/bin/python -m bench.purchase --rounds 3 --purchases 200

==============  ==============================================================================================
``ours``        ``POST /api/v1/customers/products/{id}/purchase`` of the whole application with the plugins
                that this project includes, called with a customer's access token
``flask``       the same call of a hand-written shop of one organisation (Flask, SQLAlchemy, Stripe's SDK)
``simulator``   the request for a checkout session that ``ours`` sends, sent to the Stripe simulator directly:
                the simulator's share of the cost
==============  ==============================================================================================

Both applications commit a payment, request a session from Stripe through the SDK over HTTP, and record the
session. Stripe is replaced by the project's simulator: one process, in which each contender has an account.
Its processor time has its own column. Compare applications by their processor time, because the simulator
uses the same processors and so affects the rate.

Server, database, connections and turns are the same as in `bench.webhooks`. Each purchase has a new customer
and one of 20 products. A round is valid only if each purchase has exactly one pending payment and one session
at Stripe that belong together; otherwise the run ends with an error.

==============  =====================================================================================
`ours`          the contender that is this project
`by_hand`       the contender with `bench.flask_app`
`simulator`     the simulator's process, and the contender that calls only the simulator
`outcome`       counts payments and sessions
==============  =====================================================================================
"""
