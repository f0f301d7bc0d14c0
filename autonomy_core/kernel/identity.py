"""Identities of callers, and permissions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal
from uuid import UUID


class Permission(StrEnum):
    """The permissions that a view can require on its context."""

    OWN = "own"
    """To read and change the customer's own data."""
    OWN_RECENT = "own.recent"
    """To change credentials or the address, or to delete the account: only after a recent authentication."""
    LISTEN = "listen"
    """To download the customer's own files. A signed link grants only this permission."""
    READ_CATALOG = "catalog.read"
    WRITE_CATALOG = "catalog.write"
    READ_PAYMENTS = "payments.read"
    REFUND_PAYMENTS = "payments.refund"
    READ_MAIL = "mail.read"
    SEND_MAIL = "mail.send"
    READ_CUSTOMERS = "customers.read"
    WRITE_CUSTOMERS = "customers.write"
    MANAGE_STAFF = "staff.manage"
    READ_AUDIT = "audit.read"


SCOPES: dict[str, str] = {
    Permission.READ_CATALOG: "see products, those that are not on sale included, and coupons",
    Permission.WRITE_CATALOG: (
        "make and change products and coupons, upload files, and all that `catalog.read` allows"
    ),
    Permission.READ_PAYMENTS: "see payments, their refunds, and what happened to them",
    Permission.REFUND_PAYMENTS: "give money back, and all that `payments.read` allows",
    Permission.READ_MAIL: "see to whom which mail was sent, and what became of it",
    Permission.SEND_MAIL: "send mail again, stop and allow addresses, and all that `mail.read` allows",
    Permission.READ_CUSTOMERS: "see customers, what they own, their mail, and the notes about them",
    Permission.WRITE_CUSTOMERS: (
        "block, merge and erase customers, give products and take them back, write notes, and all that"
        " `customers.read` allows"
    ),
    Permission.MANAGE_STAFF: "invite staff, change their roles, and issue and revoke API keys",
    Permission.READ_AUDIT: "see what staff did",
}
"""The scopes of API keys, each with a description of what it allows."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope of a plugin for API keys.

    Attributes:
        name: ``<plugin>.<what it allows>``. It is also the permission that a view requires.
        allows: a description of what it allows, without a full stop.
        roles: the roles of staff that have the scope, besides ``owner``, which has every scope: ``editor``,
            ``support``, ``finance``.
    """

    name: str
    allows: str
    roles: frozenset[str] = frozenset()


CUSTOMER = "role:customer"
"""The principal of every customer, for an ``__acl__``."""

RECENT = "recent"
"""The principal of a customer who authenticated within the last minutes. The authenticator sets the limit."""

TWO_FACTORS = "two_factors"
"""The principal of a customer who logged in with two factors."""

STAFF = "role:staff"
"""The principal of every API key and of every member of staff, whatever the scopes."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated caller, in one organisation.

    Attributes:
        kind: a customer with a token, a member of staff who acts as such, an API key of staff, or a signed
            link.
        organisation_id: the only organisation where the identity is valid.
        id: the id of the API key, or of the customer, who may be a member of staff.
        principals: the principals to match with the ACLs of contexts.
        session_id: the login of the customer's token; None for other callers.
    """

    kind: Literal["customer", "member", "staff", "link"]
    organisation_id: str
    id: UUID
    principals: frozenset[str]
    session_id: UUID | None = None


def customer_identity(
    organisation_id: str,
    customer_id: UUID,
    *,
    session_id: UUID | None = None,
    recent: bool = False,
    two_factors: bool = False,
) -> Identity:
    """The identity of a customer with a valid token.

    Args:
        organisation_id: the organisation.
        customer_id: the customer.
        session_id: the login of the token.
        recent: whether the customer authenticated within the last minutes.
        two_factors: whether the login was authenticated with two factors.
    """
    about_login = {name for name, holds in ((RECENT, recent), (TWO_FACTORS, two_factors)) if holds}
    principals = frozenset({CUSTOMER, f"customer:{customer_id}", *about_login})
    return Identity("customer", organisation_id, customer_id, principals, session_id)


def member_identity(customer: Identity, scopes: Iterable[str]) -> Identity:
    """The identity of a member of staff, below ``admin``.

    Args:
        customer: the identity of the member's account.
        scopes: what the member's role allows. Each gives the principal ``scope:<name>``.
    """
    principals = customer.principals | {STAFF, *(f"scope:{scope}" for scope in scopes)}
    return replace(customer, kind="member", principals=principals)


def link_identity(organisation_id: str, customer_id: UUID, path: str) -> Identity:
    """The identity for a signed link.

    Args:
        organisation_id: the organisation.
        customer_id: the customer who got the link.
        path: the only path that the link may access.
    """
    return Identity("link", organisation_id, customer_id, frozenset({f"link:{path}"}))


def staff_identity(organisation_id: str, key_id: UUID, scopes: tuple[str, ...]) -> Identity:
    """The identity for an API key.

    Args:
        organisation_id: the organisation.
        key_id: the key.
        scopes: the key's scopes. Each gives the principal ``scope:<name>``.
    """
    principals = frozenset({STAFF, *(f"scope:{scope}" for scope in scopes)})
    return Identity("staff", organisation_id, key_id, principals)
