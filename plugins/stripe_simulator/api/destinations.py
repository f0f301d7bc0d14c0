"""The calls about event destinations for thin events.

A destination is stored as an endpoint with the member ``thin``; its types are those of snapshot events.

Source: https://docs.stripe.com/api/v2/core/event-destinations.
"""

from __future__ import annotations

import time
from typing import Any

from marshmallow import fields, validate

from stripe_simulator.api.call import Call, Document
from stripe_simulator.api.endpoints import EVENT_TYPES, LARGEST_NUMBER_OF_ENDPOINTS
from stripe_simulator.errors import StripeError
from stripe_simulator.identifiers import new_id
from stripe_simulator.parameters import Array, Integer, Metadata, Parameters, Text, Url
from stripe_simulator.schemas import between, one_of
from stripe_simulator.state import Record

OF_V1 = "v1."
THIN_TYPES = frozenset(f"{OF_V1}{name}" for name in EVENT_TYPES)
SECRET, ADDRESS = "webhook_endpoint.signing_secret", "webhook_endpoint.url"
INCLUDED = Array(Text(validate=one_of(SECRET, ADDRESS)), load_default=list)


class EndpointAddress(Parameters):
    """The address of a webhook endpoint."""

    url = Url(required=True)


class DestinationCreate(Parameters):
    """A new destination.

    The simulator supports webhook endpoints with thin events only; v1 has those for snapshots.
    """

    name = Text(required=True)
    description = Text()
    type = Text(required=True, validate=one_of("webhook_endpoint"))
    event_payload = Text(required=True, validate=one_of("thin"))
    enabled_events = Array(
        Text(validate=validate.OneOf(THIN_TYPES, error="$param is not a type of thin event.")), required=True
    )
    webhook_endpoint = fields.Nested(EndpointAddress, required=True)
    include = INCLUDED
    metadata = Metadata(load_default=dict)


class DestinationPage(Parameters):
    """The part of the list of destinations."""

    include = INCLUDED
    limit = Integer(load_default=20, validate=between(1, 100))


class DestinationRetrieve(Parameters):
    """One destination."""

    include = INCLUDED


def create(call: Call) -> Document:
    """Create a destination. Only this response may contain its secret."""
    if len(call.simulator.ledger.find("endpoint", call.account)) >= LARGEST_NUMBER_OF_ENDPOINTS:
        raise StripeError(f"You have reached the maximum of {LARGEST_NUMBER_OF_ENDPOINTS} destinations.")
    wanted = call.parameters
    body = {
        "id": new_id("ed_test"),
        "thin": True,
        "name": wanted["name"],
        "created": int(time.time()),
        "status": "enabled",
        "enabled_events": [name.removeprefix(OF_V1) for name in wanted["enabled_events"]],
        "url": wanted["webhook_endpoint"]["url"],
        "metadata": wanted["metadata"],
        "api_version": None,
        "secret": new_id("whsec", 32),
    }
    made = call.simulator.ledger.put("endpoint", body["id"], call.account, body)
    return _shown(made, wanted["include"], with_secret=True)


def list_all(call: Call) -> Document:
    """Return the destinations for thin events, on one page."""
    found = call.simulator.ledger.find("endpoint", call.account)
    shown = [_shown(each, call.parameters["include"]) for each in found if each.body.get("thin")]
    return {"data": shown, "next_page_url": None, "previous_page_url": None}


def retrieve(call: Call) -> Document:
    """Return a destination."""
    return _shown(call.find("endpoint", "event destination"), call.parameters["include"])


def delete(call: Call) -> Document:
    """Delete a destination."""
    destination = call.find("endpoint", "event destination")
    call.simulator.ledger.remove(destination)
    return {"id": destination.id, "object": "v2.core.event_destination"}


def _shown(destination: Record, include: list[str], *, with_secret: bool = False) -> Document:
    body = destination.body
    created = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(body["created"]))
    target: dict[str, Any] = {
        "url": body["url"] if ADDRESS in include else None,
        "signing_secret": body["secret"] if with_secret and SECRET in include else None,
    }
    return {
        "id": destination.id,
        "object": "v2.core.event_destination",
        "created": created,
        "updated": created,
        "description": "",
        "name": body["name"],
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "events_from": ["@self"],
        "enabled_events": [f"{OF_V1}{name}" for name in body["enabled_events"]],
        "status": body["status"],
        "status_details": None,
        "snapshot_api_version": None,
        "livemode": False,
        "metadata": body["metadata"],
        "webhook_endpoint": target,
    }
