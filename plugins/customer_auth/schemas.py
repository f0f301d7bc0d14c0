"""What goes over the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError, fields, validate

from autonomy_core.plugin_api.customers import CustomerSchema
from autonomy_core.plugin_api.schemas import ApiSchema, Text
from customer_auth.domain import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    canonical_email,
    prepare_password,
)

LONGEST_EMAIL = 254
LONGEST_NAME = 200
MOST_DECOMPOSED = 4
"""How many characters a keyboard may send for one that is composed."""
# Of what is compared only; any text is answered as a wrong one.
LONGEST_SECRET = 1024


class EmailField(fields.String):
    """An e-mail address, brought into its canonical form. Whether it receives mail is not asked here."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if len(text) > LONGEST_EMAIL:
            raise ValidationError(f"An e-mail address has at most {LONGEST_EMAIL} characters.")
        try:
            found = validate_email(text, check_deliverability=False)
        except EmailNotValidError as error:
            raise ValidationError("This is not an e-mail address.") from error
        return canonical_email(found.local_part, found.ascii_domain)


class PasswordLength(validate.Length):
    """The length of a password as it is hashed, however its letters are composed."""

    def __call__(self, value: Any) -> Any:
        """Return `value`, or raise ValidationError."""
        # First as it is: to compose a long text takes long.
        if len(value) > MOST_DECOMPOSED * LONGEST_PASSWORD:
            raise ValidationError(self._format_error(value, str(self.error)))
        super().__call__(prepare_password(value))
        return value


NEW_PASSWORD = PasswordLength(
    SHORTEST_PASSWORD, LONGEST_PASSWORD, error="A password has {min} to {max} characters."
)


def _secret(description: str, **options: Any) -> fields.String:
    return fields.String(
        required=True, load_only=True, metadata={"format": "password", "description": description}, **options
    )


class RegistrationSchema(ApiSchema):
    """A new customer."""

    email = EmailField(required=True, metadata={"description": "compared without regard to case"})
    password = _secret(
        "none of those that are guessed first, such as the e-mail address", validate=NEW_PASSWORD
    )
    name = Text(
        LONGEST_NAME,
        required=True,
        metadata={"description": "how the customer wants to be called"},
    )


class LoginSchema(ApiSchema):
    """What a customer knows. Rules for new passwords do not apply: old ones were made under older rules."""

    email = EmailField(required=True)
    password = _secret("the customer's", validate=validate.Length(max=LONGEST_SECRET))


class PasswordChangeSchema(ApiSchema):
    """The password until now, and the one from now on."""

    current_password = _secret("the customer's until now", validate=validate.Length(max=LONGEST_SECRET))
    new_password = _secret("none of those that are guessed first", validate=NEW_PASSWORD)


class RefreshTokenSchema(ApiSchema):
    """The newest refresh token."""

    refresh_token = _secret(
        "of the last register, login or refresh", validate=validate.Length(max=LONGEST_SECRET)
    )


class TokensSchema(ApiSchema):
    """Tokens, named as in RFC 6749, section 5.1."""

    access_token = fields.String(
        required=True, metadata={"description": "goes into the header `Authorization: Bearer …`"}
    )
    refresh_token = fields.String(required=True, metadata={"description": "can be exchanged once"})
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(
        required=True, metadata={"description": "for how many seconds the access token is valid"}
    )


class RegisteredSchema(TokensSchema):
    """The new customer, logged in."""

    customer = fields.Nested(CustomerSchema, required=True)
