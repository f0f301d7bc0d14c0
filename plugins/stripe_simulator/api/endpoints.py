"""The calls about webhook endpoints (https://docs.stripe.com/api/webhook_endpoints)."""

from __future__ import annotations

from typing import Any, get_args

import stripe
from marshmallow import validate

from stripe_simulator import objects
from stripe_simulator.api.call import Call, Document, merged, page
from stripe_simulator.errors import StripeError
from stripe_simulator.identifiers import new_id
from stripe_simulator.parameters import Array, Boolean, Metadata, Parameters, Text, Url
from stripe_simulator.schemas import one_of
from stripe_simulator.state import Condition, Record
from stripe_simulator.versions import VERSIONS

LARGEST_NUMBER_OF_ENDPOINTS = 16
EVENT_TYPES = frozenset(get_args(stripe.Event.__annotations__["type"])) | {"*"}


def event_types(**kwargs: Any) -> Array:
    """Return a field for a list of event types, or ``*`` for all types."""
    known = validate.OneOf(EVENT_TYPES, error="$param is not a type of event.")
    return Array(Text(validate=known), **kwargs)


class EndpointCreate(Parameters):
    """A new webhook endpoint."""

    url = Url(required=True)
    enabled_events = event_types(required=True)
    api_version = Text(load_default=None, validate=one_of(*VERSIONS))
    description = Text(may_be_empty=True, load_default=None)
    metadata = Metadata(load_default=dict)


class EndpointUpdate(Parameters):
    """Changes of a webhook endpoint. Its version is fixed when it is created."""

    url = Url()
    enabled_events = event_types()
    description = Text(may_be_empty=True)
    disabled = Boolean()
    metadata = Metadata()


def create(call: Call) -> Document:
    """Create a webhook endpoint. Only this response contains its secret."""
    if len(call.simulator.ledger.find("endpoint", call.account)) >= LARGEST_NUMBER_OF_ENDPOINTS:
        raise StripeError(
            f"You have reached the maximum of {LARGEST_NUMBER_OF_ENDPOINTS} test webhook endpoints."
        )
    body = objects.endpoint(call.parameters, new_id("we")) | {"secret": new_id("whsec", 32)}
    return call.simulator.ledger.put("endpoint", body["id"], call.account, body).body


def retrieve(call: Call) -> Document:
    """Return a webhook endpoint."""
    return _shown(call.find("endpoint", "webhook endpoint"))


def list_all(call: Call) -> Document:
    """Return webhook endpoints."""
    snapshots = [Condition("id", "GLOB", "we_*")]
    return page(call, "endpoint", "/v1/webhook_endpoints", _shown, where=snapshots)


def update(call: Call) -> Document:
    """Change, disable or enable a webhook endpoint."""
    endpoint = call.find("endpoint", "webhook endpoint")
    changes = dict(call.parameters)
    if "disabled" in changes:
        changes["status"] = "disabled" if changes.pop("disabled") else "enabled"
    if "metadata" in changes:
        changes["metadata"] = merged(endpoint.body["metadata"], changes["metadata"])
    if "description" in changes:
        changes["description"] = changes["description"] or None
    endpoint.body |= changes
    call.simulator.ledger.save(endpoint)
    return _shown(endpoint)


def delete(call: Call) -> Document:
    """Delete a webhook endpoint; its pending deliveries are cancelled."""
    endpoint = call.find("endpoint", "webhook endpoint")
    call.simulator.ledger.remove(endpoint)
    return {"id": endpoint.id, "object": "webhook_endpoint", "deleted": True}


def _shown(endpoint: Record) -> Document:
    """Return ``endpoint`` without its secret."""
    return {name: value for name, value in endpoint.body.items() if name != "secret"}
