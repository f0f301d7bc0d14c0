"""Create the tables and the webhook endpoint: ``python -m bench.webhooks.djstripe_shop UUID SECRET``."""

from __future__ import annotations

import sys

import django
from django.core.management import call_command


def main(uuid: str, secret: str) -> None:
    """Create the tables and the webhook endpoint.

    Args:
        uuid: the endpoint's id in its URL.
        secret: the signing secret of the endpoint.
    """
    django.setup()
    from djstripe.models import Account, WebhookEndpoint

    from bench.webhooks.djstripe_shop.settings import STRIPE_TEST_SECRET_KEY

    call_command("migrate", run_syncdb=True, verbosity=0)
    WebhookEndpoint.objects.create(
        id="we_bench",
        livemode=False,
        enabled_events=["*"],
        secret=secret,
        status="enabled",
        url="https://shop.example/",
        djstripe_uuid=uuid,
        # Requests the account from Stripe once, as the command djstripe_sync_models does.
        djstripe_owner_account=Account.get_or_retrieve_for_api_key(STRIPE_TEST_SECRET_KEY),
    )


main(*sys.argv[1:])
