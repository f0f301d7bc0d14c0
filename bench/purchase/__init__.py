"""How many purchases per second are begun: from the call to the address of a checkout page.

    .venv/bin/python -m bench.purchase --rounds 3 --purchases 200

==============  =====================================================================================================
``ours``        ``POST /api/v1/customers/products/{id}/purchase`` of the whole application with the plugins that ship
                with it, called with a customer's access token
``flask``       the same call of a shop of one organisation, written by hand with Flask, SQLAlchemy and the Stripe SDK
``simulator``   the request for a checkout session that ``ours`` sends, sent to the Stripe simulator without any application:
                what its part costs
==============  =====================================================================================================

Both applications commit a payment, ask Stripe for a session through the SDK over HTTP, and note the session. Stripe is the
project's simulator, one process for all, in which each contender has an account; its processor time is a column of its
own. Whoever compares applications compares their processor time: of the rate, the simulator takes its part on the same
processors.

Server, database, connections and turns are as in `bench.webhooks`. Each purchase is a new customer's, of one of 20
products. A round counts only if each has exactly one pending payment and one session at Stripe, and these belong
together; otherwise the run ends with an error.

==============  =====================================================================================
`ours`          the contender that is this project
`by_hand`       the contender around `bench.flask_app`
`simulator`     the simulator's process, and the contender that calls nothing else
`outcome`       counts payments and sessions
==============  =====================================================================================
"""
