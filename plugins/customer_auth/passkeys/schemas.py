"""The JSON representation of passkeys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from autonomy_core.plugin_api.schemas import ApiSchema, Text, Timestamp
from customer_auth.schemas import LONGEST_SECRET, secret_field

LONGEST_NAME = 100
LONGEST_HOST = 253
LONGEST_CREDENTIAL = 32 * 1024
"""Characters; credentials without an attestation have about 1,000."""


def _is_short(credential: Mapping[str, Any]) -> None:
    if len(json.dumps(credential)) > LONGEST_CREDENTIAL:
        raise ValidationError("This is not a credential of WebAuthn.")


def credential_field(made_by: str) -> fields.Dict:
    """A field for what a browser has made."""
    return fields.Dict(
        keys=fields.String(),
        required=True,
        load_only=True,
        validate=_is_short,
        metadata={"description": f"`toJSON()` of the result of `{made_by}`"},
    )


class RequestedHostSchema(ApiSchema):
    """The host of the passkey."""

    rp_id = fields.String(
        load_default=None,
        validate=[validate.Length(max=LONGEST_HOST), validate.Regexp(r"\A[a-z0-9.-]+\Z")],
        metadata={
            "description": "another host of the organisation than the page's; see `/.well-known/webauthn`"
        },
    )


class OfferSchema(ApiSchema):
    """What a browser needs for a passkey. It is valid for ten minutes, and for one use."""

    flow = fields.String(required=True, metadata={"description": "send it back with the credential"})
    options = fields.Dict(required=True, metadata={"description": "the options of WebAuthn, as JSON"})


class PasskeyProofSchema(ApiSchema):
    """The signature of a passkey."""

    flow = secret_field("`flow` of `login/passkey-options`", validate=validate.Length(max=LONGEST_SECRET))
    credential = credential_field("navigator.credentials.get")


class PasskeyNameSchema(ApiSchema):
    """How the customer calls the passkey."""

    name = Text(LONGEST_NAME, required=True)


class NewPasskeySchema(PasskeyNameSchema):
    """A new passkey."""

    flow = secret_field("`flow` of `passkeys/options`", validate=validate.Length(max=LONGEST_SECRET))
    credential = credential_field("navigator.credentials.create")


class PasskeySchema(ApiSchema):
    """A passkey."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    rp_id = fields.String(required=True, metadata={"description": "the host on which it works"})
    backed_up = fields.Boolean(
        required=True, metadata={"description": "whether it is copied to the customer's other devices"}
    )
    created_at = Timestamp(required=True)
    last_used_at = Timestamp(required=True, allow_none=True)
    copied_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "when a signature suggested that a copy exists: remove the passkey"},
    )
