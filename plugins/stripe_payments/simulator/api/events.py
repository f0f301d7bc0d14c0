"""The calls about events (https://docs.stripe.com/api/events)."""

from __future__ import annotations

import time
from typing import Any

from marshmallow import ValidationError, validate, validates_schema

from stripe_payments.simulator.api.call import Call, Document, page
from stripe_payments.simulator.errors import resource_missing
from stripe_payments.simulator.parameters import Array, Boolean, Text
from stripe_payments.simulator.schemas import Created, Page
from stripe_payments.simulator.state import Condition, Record

REACH = 30 * 86_400
"""Seconds that events can be looked back for."""

NAME = validate.Regexp(r"\A[a-z0-9_.*]+\Z", error="$param must be a type of event, such as charge.refunded.")


class EventPage(Page):
    """Which events to list. ``type`` may end in ``*``, such as ``charge.*``."""

    type = Text(validate=NAME)
    types = Array(
        Text(validate=NAME), validate=validate.Length(max=20, error="$param must have at most 20 types.")
    )
    created = Created()
    delivery_success = Boolean()

    @validates_schema
    def one_kind_of_filter(self, data: dict[str, Any], **kwargs: Any) -> None:
        """Refuse ``type`` and ``types`` at once."""
        if "type" in data and "types" in data:
            raise ValidationError("Give $param or type, not both.", "types")


def retrieve(call: Call) -> Document:
    """Return an event."""
    event = call.find("event", "event")
    if event.body["created"] < _earliest():
        raise resource_missing("event", event.id)
    return _shown(call, event)


def list_all(call: Call) -> Document:
    """Return events of the last 30 days, those of the wanted types, times and success of delivery."""
    return page(call, "event", "/v1/events", lambda event: _shown(call, event), where=_wanted(call))


def _wanted(call: Call) -> list[Condition]:
    wanted = call.parameters
    conditions = [Condition("created", ">=", _earliest())]
    if "type" in wanted:
        conditions.append(Condition("type", "GLOB", wanted["type"]))
    if "types" in wanted:
        conditions.append(Condition("type", "IN", wanted["types"]))
    if "delivery_success" in wanted:
        undelivered = call.simulator.books.undelivered(call.account)
        conditions.append(Condition("id", "NOT IN" if wanted["delivery_success"] else "IN", undelivered))
    return conditions


def _earliest() -> int:
    return int(time.time()) - REACH


def _shown(call: Call, event: Record) -> Document:
    return event.body | {"pending_webhooks": call.simulator.events.pending(event)}
