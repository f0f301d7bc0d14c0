"""Customers on the wire."""

from __future__ import annotations

from marshmallow import fields

from autonomy_core.fields import Timestamp
from autonomy_core.web.schemas import ApiSchema


class CustomerSchema(ApiSchema):
    """A customer, as they see themselves."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    created_at = Timestamp(required=True)
