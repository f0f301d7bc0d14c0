"""The JSON API: marshmallow fields and schemas that all responses share, for plugins.

marshmallow's own fields accept more than they document: `Integer` accepts ``"1_0"`` and ``true``, `UUID`
accepts ``{…}``, and `String` accepts invisible characters. Use these fields for input from clients; each
accepts one spelling only:

====================  ==========================================================================
`Text`                a human-readable text
`EmailField`          an e-mail address
`Identifier`          an id
`WholeNumber`         a number in JSON
`NumberInText`        a number in a query, a form or an ini file, where everything is text
`StrictBoolean`       ``true`` or ``false``
`Timestamp`           a time
`Day`                 a date
`LanguageTag`         a language
====================  ==========================================================================

`ApiSchema` is the base of a call's schemas, and `QuerySchema` of those of queries. `PageQuery` and `paginate`
are for lists. `OpenQuery` is for URLs that people open in a browser. `FindingSchema` and `findings_member`
show what an inspection has found in an uploaded file.
"""

from __future__ import annotations

from autonomy_core.fields import (
    Day,
    EmailField,
    Identifier,
    LanguageTag,
    NumberInText,
    StrictBoolean,
    Text,
    Timestamp,
    WholeNumber,
)
from autonomy_core.web.findings import FindingSchema, findings_member
from autonomy_core.web.schemas import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    ApiSchema,
    OpenQuery,
    PageQuery,
    QuerySchema,
    page_of,
    paginate,
)

__all__ = [
    "DEFAULT_LIMIT",
    "MAX_LIMIT",
    "ApiSchema",
    "Day",
    "EmailField",
    "FindingSchema",
    "Identifier",
    "LanguageTag",
    "NumberInText",
    "OpenQuery",
    "PageQuery",
    "QuerySchema",
    "StrictBoolean",
    "Text",
    "Timestamp",
    "WholeNumber",
    "findings_member",
    "page_of",
    "paginate",
]
