"""The call with which ``stripe listen`` starts.

It is undocumented. Source: https://github.com/stripe/stripe-cli.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from stripe_simulator import API_VERSION
from stripe_simulator.api.call import Call, Document
from stripe_simulator.parameters import Array, Parameters, Text
from stripe_simulator.schemas import one_of
from stripe_simulator.versions import ACCOUNT_VERSION

DAY = 86_400


class ListenCreate(Parameters):
    """The device that listens, and its forward URLs. Only events of the account itself are simulated."""

    device_name = Text(required=True)
    websocket_features = Array(Text(validate=one_of("webhooks", "v2_events")), required=True)
    forward_to_url = Text(load_default="")
    forward_connect_to_url = Text()
    forward_thin_to_url = Text()
    forward_thin_connect_to_url = Text()


def listen(call: Call) -> Document:
    """Return the websocket's address, and the secret that signs the events."""
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
        # At this interval the client reconnects, and misses events in between.
        "reconnect_delay": DAY,
        "secret": listener.secret,
        "websocket_authorized_feature": "webhooks",
        "websocket_id": identifier,
        "websocket_url": url,
    }
