"""The query of the return page."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.plugin_api.schemas import OpenQuery


class ReturnQuery(OpenQuery):
    """The query that Stripe adds to the return URL."""

    session_id = fields.String(
        required=True,
        validate=validate.Regexp(r"\Acs_[A-Za-z0-9_]{1,250}\Z"),
        metadata={"description": "the checkout session"},
    )
