"""How the API shows the findings of an inspection of an uploaded file.

An error lists the findings of a refused file (`findings_member`), and an answer lists those of an accepted
one (`FindingSchema`). Both have the same members.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import fields

from autonomy_core.web.schemas import ApiSchema

_CODE: Final = "stable, see the guide"
_MESSAGE: Final = "a sentence for people"
_DETAIL: Final = "figures, such as sizes or byte offsets"
_REMEDY: Final = "what to do about it"


class FindingSchema(ApiSchema):
    """A finding about an accepted file: a warning."""

    code = fields.String(required=True, metadata={"description": _CODE})
    message = fields.String(required=True, metadata={"description": _MESSAGE})
    detail = fields.Dict(required=True, metadata={"description": _DETAIL})
    remedy = fields.String(required=True, metadata={"description": _REMEDY})


def findings_member(code: str) -> Mapping[str, Any]:
    """Return the JSON schema of the member ``findings`` of an error, for `AutonomyError.members`.

    Args:
        code: the code of the error.
    """
    return {
        "type": "array",
        "description": f"with `{code}`: every reason",
        "items": {
            "type": "object",
            "required": ["code", "message", "detail", "remedy"],
            "properties": {
                "code": {"type": "string", "description": _CODE},
                "message": {"type": "string", "description": _MESSAGE},
                "detail": {"type": "object", "description": _DETAIL},
                "remedy": {"type": "string", "description": _REMEDY},
            },
        },
    }
