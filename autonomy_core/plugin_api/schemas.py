"""What goes over the wire: fields with one spelling, and shapes that every answer shares."""

from __future__ import annotations

from autonomy_core.fields import Identifier, NumberInText, Text, Timestamp, Truth, WholeNumber
from autonomy_core.web.schemas import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    ApiSchema,
    OpenQuery,
    PageQuery,
    page_of,
    paginate,
)

__all__ = [
    "DEFAULT_LIMIT",
    "MAX_LIMIT",
    "ApiSchema",
    "Identifier",
    "NumberInText",
    "OpenQuery",
    "PageQuery",
    "Text",
    "Timestamp",
    "Truth",
    "WholeNumber",
    "page_of",
    "paginate",
]
