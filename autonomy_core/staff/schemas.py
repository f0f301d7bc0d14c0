"""The JSON representation of staff, invitations and API keys."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.fields import EmailField, Text, Timestamp
from autonomy_core.security.api_keys import LONGEST_NAME
from autonomy_core.security.roles import MEANINGS, Role
from autonomy_core.web.schemas import ApiSchema, PageQuery

ROLE = "\n".join(f"- `{role}`: {meaning}" for role, meaning in MEANINGS.items())
ROLES = validate.OneOf([str(role) for role in Role])
SCOPES = "what the key allows; nothing that you are not allowed yourself"


class StaffSchema(ApiSchema):
    """A member of staff."""

    id = fields.UUID(required=True)
    customer_id = fields.UUID(required=True, metadata={"description": "the member's account"})
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True, validate=ROLES, metadata={"description": ROLE})
    since = Timestamp(required=True)
    invited_by = fields.String(required=True)


class RoleSchema(ApiSchema):
    """Another role of a member."""

    role = fields.String(required=True, validate=ROLES, metadata={"description": ROLE})


class NewInvitationSchema(RoleSchema):
    """An invitation to the staff."""

    email = EmailField(required=True)


class InvitationSchema(ApiSchema):
    """An invitation that was not accepted yet."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True, validate=ROLES, metadata={"description": ROLE})
    invited_by = fields.String(required=True)
    created_at = Timestamp(required=True)
    expires_at = Timestamp(required=True)


class AcceptanceSchema(ApiSchema):
    """The token of an invitation."""

    token = fields.String(required=True, load_only=True, validate=validate.Length(1, 200))


class MembershipSchema(ApiSchema):
    """What a customer sees of the own membership."""

    id = fields.UUID(required=True)
    role = fields.String(required=True, validate=ROLES, metadata={"description": ROLE})
    since = Timestamp(required=True)


class KeySchema(ApiSchema):
    """An API key, without its text."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True, metadata={"description": SCOPES})
    member_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "the member of staff to whom it belongs"}
    )
    created_at = Timestamp(required=True)
    expires_at = Timestamp(required=True, allow_none=True)
    last_used_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "with an error of up to ten minutes"}
    )
    revoked_at = Timestamp(required=True, allow_none=True)


class NewKeySchema(ApiSchema):
    """An API key to issue."""

    name = Text(LONGEST_NAME, required=True)
    scopes = fields.List(
        Text(100), required=True, validate=validate.Length(1, 50), metadata={"description": SCOPES}
    )
    expires_at = Timestamp(
        load_default=None, allow_none=True, metadata={"description": "until when; null for no limit"}
    )


class IssuedKeySchema(ApiSchema):
    """A new API key. Its text is shown only once."""

    api_key = fields.Nested(KeySchema, required=True)
    text = fields.String(required=True)


class AuditEntrySchema(ApiSchema):
    """An action of staff, of an API key, of a customer or of the command line."""

    id = fields.UUID(required=True)
    at = Timestamp(required=True)
    actor = fields.String(
        required=True,
        metadata={
            "description": "`member:` with the id of the account, `staff:` with the id of the API key, "
            "`customer:` with the id, `cli:` with the user, or `worker`"
        },
    )
    actor_name = fields.String(required=True, allow_none=True)
    origin = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the network of the client; null for the command line and the worker"},
    )
    action = fields.String(required=True)
    target = fields.String(required=True)
    before = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    after = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    detail = fields.Dict(keys=fields.String(), required=True)


class AuditQuery(PageQuery):
    """A page of the entries that the filters select."""

    actor = Text(200, load_default=None)
    action = Text(200, load_default=None)
    target = Text(200, load_default=None)
    since = Timestamp(load_default=None)
    until = Timestamp(load_default=None)
