"""Run periodic jobs by hand: the sweep of open payments and the fetch of undelivered events."""

A_DAY = 24 * 3600
SWEEP, FETCH = "payments.sweep", "webhooks.fetch_events"


def run(shop, name):
    """One turn of a periodic job."""
    (job,) = [job for job in shop.autonomy.runtime.jobs if job.name == name]
    with shop.scope() as scope:
        job.function(scope)


def undelivered(shop):
    """An endpoint that does not answer, so that Stripe counts the events as undelivered."""
    shop.simulator.simulator.seed_endpoint(shop.key, "http://127.0.0.1:9/", "whsec_nobody")
