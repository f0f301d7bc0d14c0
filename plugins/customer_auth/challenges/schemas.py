"""The JSON representation of requests for mails, and of links and codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from autonomy_core.plugin_api.schemas import ApiSchema, EmailField
from customer_auth.challenges.proving import Proof
from customer_auth.schemas import LONGEST_SECRET, NEW_PASSWORD, secret_field, work_solution

EITHER = "Send either the token of the link or the code, and not both."


ANY = validate.Length(max=LONGEST_SECRET)
"""Any text gets the same answer as a wrong one."""


def _token(*, required: bool = True) -> fields.String:
    return secret_field("the `token` in the fragment of the link", required=required, validate=ANY)


class MailRequestSchema(ApiSchema):
    """An address that may have an account."""

    email = EmailField(required=True)
    proof_of_work = work_solution()


class OwnMailSchema(ApiSchema):
    """A mail to the customer's own address."""

    proof_of_work = work_solution()


class FlowSchema(ApiSchema):
    """The handle of the client that asked."""

    flow = fields.String(
        required=True,
        metadata={"description": "keep it in the browser: the mail is useless without it"},
    )


class EmailChangeSchema(ApiSchema):
    """The new address."""

    email = EmailField(required=True)


class LinkSchema(ApiSchema):
    """The token of a link."""

    token = _token()


class ResetSchema(ApiSchema):
    """The token of a link, and the new password."""

    token = _token()
    password = secret_field("must not be easy to guess", validate=NEW_PASSWORD)


class ProofSchema(ApiSchema):
    """The token of a link, or the code of the same mail."""

    token = _token(required=False)
    code = secret_field("eight letters, in any case, with or without a hyphen", required=False, validate=ANY)

    @validates_schema
    def _require_one(self, data: Mapping[str, Any], **_: Any) -> None:
        if ("token" in data) == ("code" in data):
            raise ValidationError(EITHER)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"proof": Proof(data.pop("token", None), data.pop("code", None)), **data}


class SignInProofSchema(ProofSchema):
    """The token of a link or the code of the same mail, and the handle of the client that asked."""

    flow = secret_field("the `flow` of the answer to `sign-in`", validate=ANY)
