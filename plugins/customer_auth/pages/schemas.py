"""The forms of the pages of logins."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.plugin_api.schemas import ApiSchema, EmailField, OpenQuery
from customer_auth.schemas import LONGEST_SECRET, secret_field

LONGEST_PATH = 2000


class NextQuery(OpenQuery):
    """Where a login leads."""

    next = fields.String(load_default=None, validate=validate.Length(max=LONGEST_PATH))


class LoginForm(ApiSchema):
    """The form of a login."""

    email = EmailField(required=True)
    password = secret_field("the password", validate=validate.Length(max=LONGEST_SECRET))
    next = fields.String(load_default=None, validate=validate.Length(max=LONGEST_PATH))
