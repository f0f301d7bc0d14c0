"""What goes over the wire: marshmallow fields and shapes that every answer shares, for plugins.

marshmallow's own fields take more than they describe: its `Integer` takes ``"1_0"`` and ``true``, its `UUID` takes
``{…}``, its `String` takes what cannot be seen. Fields that clients send are made of those here, which take one spelling:

====================  ==========================================================================
`Text`                what people read
`Identifier`          an id
`WholeNumber`         a number in JSON
`NumberInText`        a number in a query, a form or an ini file, where everything is text
`Truth`               ``true`` or ``false``
`Timestamp`           a moment
====================  ==========================================================================

`ApiSchema` is the base of a call's schemas, `PageQuery` and `paginate` are for lists, `OpenQuery` is for addresses that
people follow.
"""

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
