"""What a caller has to show: derived from the permission of the operation and the nodes above it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from autonomy_core.kernel.identity import SCOPES, Permission
from autonomy_core.openapi.calls import Call
from autonomy_core.traversal.resources import Admin, Customers
from autonomy_core.web.operations import PUBLIC

CUSTOMER = "customer"
STAFF = "staff"
LINK = "link"


def schemes(scopes: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The security schemes of the document, by name.

    Args:
        scopes: what an API key of the organisation may have, each with what it allows.
    """
    listed = "\n".join(f"- `{scope}`: {meaning}" for scope, meaning in scopes.items())
    return {
        CUSTOMER: {
            "type": "http",
            "scheme": "bearer",
            "description": "A customer's access token.",
        },
        STAFF: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ak_…",
            "description": f"An API key of the organisation's staff or back end. Its scopes:\n\n{listed}",
        },
        LINK: {
            "type": "apiKey",
            "in": "query",
            "name": "signature",
            "description": "A signed link, which another answer gives whole: use it as it is, without a header.",
        },
    }


def scopes_of(registry: Any, enabled: Collection[str]) -> dict[str, str]:
    """The scopes of the core and of these plugins, each with what it allows.

    Args:
        registry: Pyramid's, of an application that has been made.
        enabled: names of plugins; the scopes of others are left out.
    """
    begins = tuple(f"{plugin}." for plugin in enabled)
    every = registry.runtime.scopes
    return {name: allows for name, allows in every.items() if name in SCOPES or name.startswith(begins)}


Requirement = list[dict[str, list[str]]]


def security_of(call: Call, scopes: Collection[str] = SCOPES) -> Requirement:
    """The call's ``security``: alternatives, each scheme with the scopes that it needs; empty for nothing.

    Args:
        scopes: the names of those that an API key may have.
    """
    permission = call.operation.permission
    if permission == Permission.LISTEN:
        return [{CUSTOMER: []}, {LINK: []}]
    if _below(call, Admin):
        return [{STAFF: [] if permission == PUBLIC else [str(permission)]}]
    if permission == PUBLIC and not _below(call, Customers):
        return []
    return [{STAFF: [str(permission)]}] if permission in scopes else [{CUSTOMER: []}]


def _below(call: Call, node: type) -> bool:
    return any(issubclass(above, node) for above in call.place.lineage[:-1])
