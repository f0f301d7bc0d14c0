"""What a caller has to show: derived from the permission of the operation and the nodes above it."""

from __future__ import annotations

from typing import Any

from autonomy_core.openapi.calls import Call
from autonomy_core.plugin_api.operations import PUBLIC
from autonomy_core.security.domain import SCOPES, Permission
from autonomy_core.traversal.resources import Admin, Customers

CUSTOMER = "customer"
STAFF = "staff"
LINK = "link"

_scopes = "\n".join(f"- `{scope}`: {meaning}" for scope, meaning in SCOPES.items())

SCHEMES: dict[str, dict[str, Any]] = {
    CUSTOMER: {
        "type": "http",
        "scheme": "bearer",
        "description": "A customer's access token.",
    },
    STAFF: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "ak_…",
        "description": f"An API key of the organisation's staff or back end. Its scopes:\n\n{_scopes}",
    },
    LINK: {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": "A signed link, which another answer gives whole: use it as it is, without a header.",
    },
}
"""The security schemes of the document."""

Requirement = list[dict[str, list[str]]]


def security_of(call: Call) -> Requirement:
    """The call's ``security``: alternatives, each scheme with the scopes that it needs; empty for nothing."""
    permission = call.operation.permission
    if permission == Permission.LISTEN:
        return [{CUSTOMER: []}, {LINK: []}]
    if _below(call, Admin):
        return [{STAFF: [] if permission == PUBLIC else [str(permission)]}]
    if permission == PUBLIC and not _below(call, Customers):
        return []
    return [{STAFF: [str(permission)]}] if permission in SCOPES else [{CUSTOMER: []}]


def _below(call: Call, node: type) -> bool:
    return any(issubclass(above, node) for above in call.place.lineage[:-1])
