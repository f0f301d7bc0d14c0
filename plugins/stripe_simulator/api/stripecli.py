"""The call by which ``stripe listen`` begins. Stripe does not document it: https://github.com/stripe/stripe-cli."""

from __future__ import annotations

from urllib.parse import urlsplit

from stripe_simulator import API_VERSION
from stripe_simulator.api.call import Call, Document
from stripe_simulator.parameters import Array, Parameters, Text
from stripe_simulator.schemas import one_of
from stripe_simulator.versions import ACCOUNT_VERSION

DAY = 86_400


class ListenCreate(Parameters):
    """Who listens, and where the events are forwarded to. Only those of the account itself are played."""

    device_name = Text(required=True)
    websocket_features = Array(Text(validate=one_of("webhooks", "v2_events")), required=True)
    forward_to_url = Text(load_default="")
    forward_connect_to_url = Text()
    forward_thin_to_url = Text()
    forward_thin_connect_to_url = Text()


def listen(call: Call) -> Document:
    """Return where to listen, and the secret that the events will be signed with."""
    host = urlsplit(call.origin).hostname or ""
    url = call.simulator.websocket.url(host)
    wanted = call.parameters
    identifier, listener = call.simulator.listeners.invite(
        call.account, wanted["device_name"], wanted["forward_to_url"]
    )
    return {
        "default_version": ACCOUNT_VERSION,
        "device_token": "",
        "display_connect_filter_warning": False,
        "latest_version": API_VERSION,
        # The client hangs up for a moment as often as this, and misses what happens meanwhile.
        "reconnect_delay": DAY,
        "secret": listener.secret,
        "websocket_authorized_feature": "webhooks",
        "websocket_id": identifier,
        "websocket_url": url,
    }
