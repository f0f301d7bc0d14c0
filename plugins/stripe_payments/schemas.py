"""What goes over the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.plugin_api.schemas import ApiSchema, OpenQuery

MAX_EVENT_BYTES = 1024 * 1024
"""The largest event that is read. Stripe's are a few kilobytes."""

EVENT_BODY = {
    "application/json": {
        "type": "object",
        "description": "A Stripe event, byte for byte as it was signed.",
    }
}

SIGNATURE = {
    "name": "Stripe-Signature",
    "in": "header",
    "required": True,
    "schema": {"type": "string"},
    "description": "`t=…,v1=…`, made with the signing secret of the organisation's endpoint",
}


class ReceivedSchema(ApiSchema):
    """The event is stored."""

    received = fields.Boolean(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf(["received", "processed", "ignored", "set_aside", "failed"]),
        metadata={"description": "`received` and `failed` events will be handled later"},
    )


class ReturnQuery(OpenQuery):
    """What Stripe puts into the return URL."""

    session_id = fields.String(
        required=True,
        validate=validate.Regexp(r"\Acs_[A-Za-z0-9_]{1,250}\Z"),
        metadata={"description": "the checkout session"},
    )
