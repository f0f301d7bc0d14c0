"""A shop of one organisation with Django and dj-stripe, as dj-stripe's documentation has one.

dj-stripe's own view takes the event (`urls`) and verifies it by its signature, the cheapest way that is safe; its signal
has the shop complete the payment and grant the product (`handlers`), in dj-stripe's transaction. No middleware, and
pooled connections, because nothing else is needed. ``DJSTRIPE_WEBHOOK_EVENT_CALLBACK`` would be faster, but what is done then is
not dj-stripe's work: it hands the event to somebody else, who has to process it.
"""
