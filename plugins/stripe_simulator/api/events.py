"""The calls about events (https://docs.stripe.com/api/events)."""

from __future__ import annotations

import time
from typing import Any

from marshmallow import ValidationError, validate, validates_schema

from stripe_simulator import versions
from stripe_simulator.api.call import Call, Document, page
from stripe_simulator.errors import resource_missing
from stripe_simulator.parameters import Array, Boolean, Parameters, Text
from stripe_simulator.schemas import Created, Page
from stripe_simulator.state import Condition, Record

REACH = 30 * 86_400
"""Events older than this number of seconds are not returned."""

NAME = validate.Regexp(r"\A[a-z0-9_.*]+\Z", error="$param must be a type of event, such as charge.refunded.")


class EventPage(Page):
    """The filters of a list of events. ``type`` may end in ``*``, for example ``charge.*``."""

    type = Text(validate=NAME)
    types = Array(
        Text(validate=NAME), validate=validate.Length(max=20, error="$param must have at most 20 types.")
    )
    created = Created()
    delivery_success = Boolean()

    @validates_schema
    def one_kind_of_filter(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse ``type`` together with ``types``."""
        if "type" in data and "types" in data:
            raise ValidationError("Give $param or type, not both.", "types")


class Retry(Parameters):
    """The receiver of a repeated delivery: ``stripe listen``, or an endpoint."""

    for_stripecli = Boolean(load_default=False)
    webhook_endpoint = Text()

    @validates_schema
    def to_a_receiver(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse a retry without a receiver."""
        if not data["for_stripecli"] and "webhook_endpoint" not in data:
            raise ValidationError("parameter_missing", "webhook_endpoint")


def retrieve(call: Call) -> Document:
    """Return an event."""
    return _shown(call, _event(call))


def retry(call: Call) -> Document:
    """Send an event again (``stripe events resend``)."""
    event, wanted, events = _event(call), call.parameters, call.simulator.events
    if wanted["for_stripecli"]:
        events.forward(event)
    if "webhook_endpoint" in wanted:
        identifier = wanted["webhook_endpoint"]
        endpoint = call.own("endpoint", identifier, "webhook endpoint", param="webhook_endpoint")
        call.simulator.courier.deliver_by_hand(event, endpoint)
    return _shown(call, event)


def list_all(call: Call) -> Document:
    """Return events of the last 30 days, filtered by type, time and success of delivery."""
    return page(call, "event", "/v1/events", lambda event: _shown(call, event), where=_wanted(call))


def _event(call: Call) -> Record:
    event = call.find("event", "event")
    if event.body["created"] < _earliest():
        raise resource_missing("event", event.id)
    return event


def _wanted(call: Call) -> list[Condition]:
    wanted = call.parameters
    conditions = [Condition("created", ">=", _earliest())]
    if "type" in wanted:
        conditions.append(Condition("type", "GLOB", wanted["type"]))
    if "types" in wanted:
        conditions.append(Condition("type", "IN", wanted["types"]))
    if "delivery_success" in wanted:
        undelivered = call.simulator.ledger.undelivered(call.account)
        conditions.append(Condition("id", "NOT IN" if wanted["delivery_success"] else "IN", undelivered))
    return conditions


def _earliest() -> int:
    return int(time.time()) - REACH


def _shown(call: Call, event: Record) -> Document:
    """Return ``event`` in the account's version, regardless of the request's version."""
    shown = versions.shown(event.body, versions.ACCOUNT_VERSION)
    return shown | {"pending_webhooks": call.simulator.events.pending(event)}
