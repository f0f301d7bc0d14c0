"""The JSON representation of accounts and tokens."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate

from autonomy_core.plugin_api.customers import CustomerSchema, locale_field
from autonomy_core.plugin_api.schemas import ApiSchema, EmailField, QuerySchema, Text, Timestamp
from customer_auth.domain import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    WorkPurpose,
    prepare_password,
    previously_prepared,
)

LONGEST_NAME = 200
MOST_DECOMPOSED = 4
"""How many characters a keyboard may send for one composed character."""
# For secrets that are only compared: any text gets the same answer as a wrong one.
LONGEST_SECRET = 1024


class PasswordLength(validate.Length):
    """The length of a password, as it is typed and in the form that is hashed."""

    def __call__(self, value: Any) -> Any:
        """Return `value`, or raise ValidationError."""
        # Check the raw length first, because normalising a long text is slow.
        if len(value) > MOST_DECOMPOSED * LONGEST_PASSWORD:
            raise ValidationError(self._format_error(value, str(self.error)))
        super().__call__(prepare_password(value))
        # A ligature is one typed character, although it is hashed as several.
        super().__call__(previously_prepared(value))
        return value


NEW_PASSWORD = PasswordLength(
    SHORTEST_PASSWORD, LONGEST_PASSWORD, error="A password has {min} to {max} characters."
)


def secret_field(description: str, *, required: bool = True, **options: Any) -> fields.String:
    """A field for a password, or for another secret of the customer."""
    described = {"format": "password", "description": description}
    return fields.String(required=required, load_only=True, metadata=described, **options)


LONGEST_SOLUTION = 4096


def work_solution() -> fields.String:
    """The member of a body with the solution of a proof of work; see `limits.work.require_work`."""
    return fields.String(
        load_default=None,
        load_only=True,
        validate=validate.Length(1, LONGEST_SOLUTION),
        metadata={
            "description": "the solution of a challenge, if the call requires one: what ALTCHA's widget or"
            " library returns. A solution can be sent once."
        },
    )


class WorkQuery(QuerySchema):
    """The call that a challenge is for."""

    purpose = fields.Enum(
        WorkPurpose,
        by_value=True,
        required=True,
        metadata={"description": "the call that the solution will be sent to"},
    )


class WorkChallengeSchema(ApiSchema):
    """A computing task, as ALTCHA's widget and libraries expect it (proof of work, version 2)."""

    parameters = fields.Dict(
        keys=fields.String(), required=True, metadata={"description": "the task, with `expiresAt`"}
    )
    signature = fields.String(required=True)


class RegistrationSchema(ApiSchema):
    """A new customer."""

    email = EmailField(required=True, metadata={"description": "compared without regard to case"})
    password = secret_field("must not be easy to guess, as the e-mail address is", validate=NEW_PASSWORD)
    name = Text(
        LONGEST_NAME,
        required=True,
        metadata={"description": "how the customer wants to be called"},
    )
    locale = locale_field(load_default=None)
    proof_of_work = work_solution()


class LoginSchema(ApiSchema):
    """A customer's credentials. The rules for new passwords do not apply, because old ones may be weaker."""

    email = EmailField(required=True)
    password = secret_field("the customer's", validate=validate.Length(max=LONGEST_SECRET))
    device_token = fields.String(
        load_default=None,
        load_only=True,
        validate=validate.Length(max=LONGEST_SECRET),
        metadata={"description": "the one from the last register or login on this device"},
    )


class PasswordChangeSchema(ApiSchema):
    """The current password, and the new one."""

    current_password = secret_field(
        "the customer's current password; left out by a customer who has none",
        required=False,
        load_default=None,
        validate=validate.Length(max=LONGEST_SECRET),
    )
    new_password = secret_field("must not be easy to guess", validate=NEW_PASSWORD)


class RefreshTokenSchema(ApiSchema):
    """The latest refresh token."""

    refresh_token = secret_field(
        "the one from the last register, login or refresh", validate=validate.Length(max=LONGEST_SECRET)
    )


class TokensSchema(ApiSchema):
    """Tokens, named as in RFC 6749, section 5.1."""

    access_token = fields.String(
        required=True, metadata={"description": "goes into the header `Authorization: Bearer …`"}
    )
    refresh_token = fields.String(required=True, metadata={"description": "it can be exchanged once"})
    token_type = fields.String(required=True, validate=validate.Equal("Bearer"))
    expires_in = fields.Integer(
        required=True, metadata={"description": "for how many seconds the access token is valid"}
    )
    device_token = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "keep it after a logout, and send it with the next login on this device; `null`"
            " except after a login with a password or of a customer who has one"
        },
    )


class RegisteredSchema(TokensSchema):
    """The new customer, who is logged in."""

    customer = fields.Nested(CustomerSchema, required=True)


class CustomerLoginSchema(ApiSchema):
    """A login of a customer, for staff."""

    id = fields.UUID(required=True)
    browser = fields.String(required=True, allow_none=True, metadata={"description": "for example `Firefox`"})
    system = fields.String(required=True, allow_none=True, metadata={"description": "for example `Windows`"})
    network = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the client's network at the login: 256 addresses, or an IPv6 /48"},
    )
    created_at = Timestamp(required=True)
    last_seen_at = Timestamp(
        required=True, metadata={"description": "when the login began or was last refreshed"}
    )


class SessionSchema(CustomerLoginSchema):
    """A login, for the customer."""

    current = fields.Boolean(required=True, metadata={"description": "whether it is the one of this request"})


class UnverifiedSchema(ApiSchema):
    """The new customer, who gets a mail to sign in with. See `sign-in/confirm`."""

    customer = fields.Nested(CustomerSchema, required=True)
    flow = fields.String(
        required=True, metadata={"description": "for `sign-in/confirm`, together with the code of the mail"}
    )
