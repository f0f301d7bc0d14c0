"""What goes over the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.web.schemas import ApiSchema
from autonomy_core.webhooks.domain import STATUSES

MAX_EVENT_BYTES = 1024 * 1024
"""The largest event that is read. Stripe's are a few kilobytes."""


class ReceivedSchema(ApiSchema):
    """The event is stored."""

    received = fields.Boolean(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf(STATUSES),
        metadata={"description": "`received` and `failed` events will be handled later"},
    )
