"""A shop of one organisation with Django and dj-stripe, following dj-stripe's documentation.

dj-stripe's own view receives the event (`urls`) and verifies its signature, the cheapest safe way. Its signal
makes the shop complete the payment and grant the product (`handlers`), in dj-stripe's transaction. The shop
uses no middleware, and pooled connections. ``DJSTRIPE_WEBHOOK_EVENT_CALLBACK`` would be faster, but it only
passes the event on to other code that has to process it.
"""
