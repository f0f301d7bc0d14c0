"""The credentials of a call, derived from the operation's permission and the resources above it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

from autonomy_core.kernel.identity import SCOPES, Permission
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.openapi.calls import Call
from autonomy_core.traversal.resources import Admin, Customers
from autonomy_core.web.operations import PUBLIC

CUSTOMER = "customer"
STAFF = "staff"
LINK = "link"


def schemes(scopes: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the security schemes of the document, by name.

    Args:
        scopes: the possible scopes of the organisation's API keys, with their descriptions.
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
            "description": (
                "An API key of the organisation's staff or back end, or the access token of a member of "
                f"staff. Its scopes:\n\n{listed}"
            ),
        },
        LINK: {
            "type": "apiKey",
            "in": "query",
            "name": "signature",
            "description": "A signed link from another response: use it unchanged, without a header.",
        },
    }


def scopes_of(registry: Any, enabled: Collection[str]) -> dict[str, str]:
    """Return the scopes of the core and of these plugins, with their descriptions.

    Args:
        registry: Pyramid's registry of a complete application.
        enabled: the names of the plugins.
    """
    begins = tuple(f"{plugin}." for plugin in enabled)
    every = runtime_of(registry).scopes
    return {name: allows for name, allows in every.items() if name in SCOPES or name.startswith(begins)}


Requirement = list[dict[str, list[str]]]


def security_of(call: Call, scopes: Collection[str] = SCOPES) -> Requirement:
    """Return the call's ``security``: alternative schemes with the scopes they need; empty for public calls.

    Args:
        call: the call.
        scopes: the names of the scopes that an API key may have.
    """
    permission = call.operation.permission
    if permission == Permission.LISTEN:
        return [{CUSTOMER: []}, {LINK: []}]
    if is_for_staff(call):
        return [{STAFF: [] if permission == PUBLIC else [str(permission)]}]
    if permission == PUBLIC and not _is_for_customers(call):
        return []
    return [{STAFF: [str(permission)]}] if permission in scopes else [{CUSTOMER: []}]


def _is_for_customers(call: Call) -> bool:
    """Whether traversal refuses the call without an identity, see `Customers.__getitem__`."""
    lineage = call.place.lineage
    return any(issubclass(above, Customers) and not child.is_public for above, child in pairwise(lineage))


def is_for_staff(call: Call) -> bool:
    """Whether a call is below ``admin``."""
    return any(issubclass(above, Admin) for above in call.place.lineage[:-1])
