"""The roles of staff, and what each allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from autonomy_core.kernel.identity import Permission


class Role(StrEnum):
    """The role of a member of staff."""

    OWNER = "owner"
    EDITOR = "editor"
    SUPPORT = "support"
    FINANCE = "finance"


MEANINGS: Mapping[Role, str] = {
    Role.OWNER: "may do everything, and decides who is a member of staff",
    Role.EDITOR: "looks after products, files and coupons",
    Role.SUPPORT: "helps customers: finds them and their payments, and sends mail again",
    Role.FINANCE: "sees payments and figures, and gives money back",
}

NEED_TWO_FACTORS = frozenset({Role.OWNER, Role.FINANCE})
"""Roles that move money or give rights. Their members log in with a second factor."""

_SCOPES: Mapping[Role, frozenset[str]] = {
    Role.EDITOR: frozenset({Permission.WRITE_CATALOG}),
    Role.SUPPORT: frozenset(
        {
            Permission.READ_CATALOG,
            Permission.READ_PAYMENTS,
            Permission.SEND_MAIL,
            Permission.WRITE_CUSTOMERS,
        }
    ),
    Role.FINANCE: frozenset(
        {
            Permission.READ_CATALOG,
            Permission.READ_CUSTOMERS,
            Permission.READ_MAIL,
            Permission.REFUND_PAYMENTS,
        }
    ),
}


def scopes_of(role: Role, known: Iterable[str], offered: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the scopes of a role.

    Args:
        role: the role.
        known: the scopes of the core and of the plugins.
        offered: the roles to which plugins give each of their scopes, by scope.
    """
    if role is Role.OWNER:
        return frozenset(known)
    return _SCOPES[role] | {scope for scope, roles in offered.items() if role in roles}
