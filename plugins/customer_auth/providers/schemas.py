"""The JSON representation of logins at providers."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.plugin_api.payments import ReturnUrl
from autonomy_core.plugin_api.schemas import ApiSchema, Timestamp
from customer_auth.providers.domain import NAME

LONGEST_CODE = 4096
LONGEST_ISSUER = 2048


class ProviderSchema(ApiSchema):
    """A provider at which customers can log in."""

    name = fields.String(required=True, metadata={"description": "as the organisation's ini file names it"})


class ProvidersSchema(ApiSchema):
    """The providers of the organisation."""

    items = fields.List(fields.Nested(ProviderSchema), required=True)


class ProviderBeginningSchema(ApiSchema):
    """A login to begin."""

    provider = fields.String(required=True, validate=validate.Regexp(rf"^{NAME.pattern}\Z"))
    return_url = ReturnUrl(
        "the page that the provider returns to, with `code`, `state` and perhaps `iss` in its query",
        required=True,
    )


class BegunSchema(ApiSchema):
    """A begun login. The page keeps `flow`, for example in `sessionStorage`, and goes to `url`."""

    url = fields.String(required=True, metadata={"format": "uri"})
    flow = fields.String(required=True, metadata={"description": "valid for ten minutes, and once"})


class ProviderFinishSchema(ApiSchema):
    """What the provider has returned to the page, and the flow that the page has kept."""

    flow = fields.String(required=True, load_only=True, validate=validate.Length(1, LONGEST_CODE))
    state = fields.String(required=True, load_only=True, validate=validate.Length(1, 200))
    code = fields.String(required=True, load_only=True, validate=validate.Length(1, LONGEST_CODE))
    iss = fields.String(
        load_only=True,
        validate=validate.Length(1, LONGEST_ISSUER),
        metadata={"description": "the provider's `iss` (RFC 9207), if it has returned one"},
    )


class LinkedIdentitySchema(ApiSchema):
    """An identity at a provider with which the customer can log in."""

    id = fields.UUID(required=True, attribute="identity.id")
    provider = fields.String(
        required=True, allow_none=True, metadata={"description": "`null` if the organisation has removed it"}
    )
    linked_at = Timestamp(required=True, attribute="identity.linked_at")
    used_at = Timestamp(required=True, attribute="identity.used_at")
