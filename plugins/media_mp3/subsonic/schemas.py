"""What goes over the wire about app passwords."""

from __future__ import annotations

from marshmallow import fields

from autonomy_core.plugin_api.schemas import ApiSchema, Text, Timestamp

LONGEST_NAME = 100


class NewAppPasswordSchema(ApiSchema):
    """An app password to make."""

    name = Text(LONGEST_NAME, required=True, metadata={"description": "of the device", "example": "Phone"})


class AppPasswordSchema(ApiSchema):
    """An app password, without the password."""

    id = fields.UUID(required=True)
    name = fields.String(required=True, metadata={"description": "of the device"})
    username = fields.String(required=True, metadata={"description": "what the player takes as user name"})
    created_at = Timestamp(required=True)
    last_used_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "about an hour precise"}
    )


class CreatedAppPasswordSchema(AppPasswordSchema):
    """A new app password. No later answer shows the password."""

    password = fields.String(required=True, metadata={"description": "what the player takes as password"})
    api_key = fields.String(
        required=True, metadata={"description": "instead of both, for players that take an API key"}
    )
