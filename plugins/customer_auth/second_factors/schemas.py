"""The JSON representation of second factors."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from autonomy_core.plugin_api.schemas import ApiSchema, Timestamp
from customer_auth.passkeys.schemas import PasskeyProofSchema
from customer_auth.passkeys.services import PresentedPasskey
from customer_auth.schemas import LONGEST_SECRET, TokensSchema, secret_field
from customer_auth.second_factors.services import Presented

LONGEST_CODE = 64


def code_field(description: str, *, required: bool) -> fields.String:
    """A field for a one-time code or a recovery code."""
    return secret_field(description, required=required, validate=validate.Length(max=LONGEST_CODE))


class ConfirmationSchema(ApiSchema):
    """The proof that the authenticator app has the secret."""

    code = code_field("the six digits that the app shows", required=True)


class PresentedSchema(ApiSchema):
    """A second factor: a code or a passkey."""

    code = code_field("the six digits that the app shows, or a recovery code", required=False)
    passkey = fields.Nested(PasskeyProofSchema, metadata={"description": "the signature of a passkey"})

    @post_load
    def _present(self, data: dict[str, Any], **options: Any) -> dict[str, Any]:
        presented = {name: data.pop(name) for name in ("password", "code", "passkey") if name in data}
        if "code" in presented and "passkey" in presented:
            raise ValidationError("Send either a code or a passkey.", "passkey")
        if not presented:
            raise ValidationError("Send a code, a passkey, or what else the call takes.", "code")
        if "passkey" in presented:
            presented["passkey"] = PresentedPasskey(**presented["passkey"])
        return {**data, "presented": Presented(**presented)}


class SecondFactorSchema(PresentedSchema):
    """The second step of a login."""

    flow = secret_field(
        "`flow` of the answer `second_factor_required`", validate=validate.Length(max=LONGEST_SECRET)
    )


class ReauthenticationSchema(PresentedSchema):
    """What the customer authenticates with: the password, or a second factor."""

    password = secret_field(
        "does not do alone for an account with an authenticator app",
        required=False,
        validate=validate.Length(max=LONGEST_SECRET),
    )


class EnrolmentSchema(ApiSchema):
    """What an authenticator app needs. It is shown once."""

    secret = fields.String(required=True, metadata={"description": "to be typed into the app"})
    uri = fields.String(required=True, metadata={"description": "`otpauth://totp/…`: show it as a QR code"})


class RecoveryCodesSchema(ApiSchema):
    """Ten codes, of which each works once. They are shown once."""

    recovery_codes = fields.List(fields.String(), required=True)


class EnabledSchema(TokensSchema, RecoveryCodesSchema):
    """The recovery codes, and the tokens of a login that has the new factor."""


class FactorsSchema(ApiSchema):
    """The second factors of an account."""

    totp = fields.Boolean(
        required=True, metadata={"description": "whether each login asks for a code of an authenticator app"}
    )
    totp_since = Timestamp(required=True, allow_none=True)
    recovery_codes_left = fields.Integer(required=True)
