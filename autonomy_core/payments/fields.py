"""Fields of the JSON representation of payments."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate

from autonomy_core.payments.return_urls import url_problem


class ReturnUrl(fields.String):
    """An absolute URL of a page, in ASCII."""

    def __init__(self, description: str, *, required: bool = False) -> None:
        super().__init__(
            required=required,
            # Further checks follow below; this validates and documents the pattern.
            validate=[validate.Length(1, 1000), validate.Regexp(r"^[!-~]*\Z")],
            metadata={
                "format": "uri",
                "description": f"{description}; on one of the organisation's hosts or the server's own",
            },
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        url = str(super()._deserialize(value, attr, data, **kwargs))
        if problem := url_problem(url):
            raise ValidationError(problem)
        return url
