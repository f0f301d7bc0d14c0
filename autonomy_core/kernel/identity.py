"""Identities and permissions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID


class Permission(StrEnum):
    """What a view may ask for on its context."""

    OWN = "own"
    """To see and do what a customer sees and does with their own things."""
    LISTEN = "listen"
    """To get the bytes of what one owns; a signed link grants this and nothing else."""
    READ_CATALOG = "catalog.read"
    WRITE_CATALOG = "catalog.write"
    READ_PAYMENTS = "payments.read"
    REFUND_PAYMENTS = "payments.refund"


SCOPES: dict[str, str] = {
    Permission.READ_CATALOG: "see products, those that are not on sale included, and coupons",
    Permission.WRITE_CATALOG: "make and change products and coupons, upload files, and all that `catalog.read` allows",
    Permission.READ_PAYMENTS: "see payments, their refunds, and what happened to them",
    Permission.REFUND_PAYMENTS: "give money back, and all that `payments.read` allows",
}
"""The scopes that an API key may have, each with what it allows."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope of a plugin's, which an API key may have.

    Attributes:
        name: ``<plugin>.<what it allows>``; it is also the permission that a view asks for.
        allows: what it allows, for people, without a full stop.
    """

    name: str
    allows: str


CUSTOMER = "role:customer"
"""The principal of every customer, for an ``__acl__``."""

STAFF = "role:staff"
"""The principal of everybody with an API key, whatever its scopes."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody we know, in one organisation.

    Attributes:
        kind: a customer with a token, a staff API key, or the bearer of a signed link.
        organisation_id: where the identity holds; it is nobody anywhere else.
        id: the customer's id, or the API key's.
        principals: what the ACLs of contexts are matched against.
    """

    kind: Literal["customer", "staff", "link"]
    organisation_id: str
    id: UUID
    principals: frozenset[str]


def customer_identity(organisation_id: str, customer_id: UUID) -> Identity:
    """The identity of a customer who has shown a token."""
    principals = frozenset({CUSTOMER, f"customer:{customer_id}"})
    return Identity("customer", organisation_id, customer_id, principals)


def link_identity(organisation_id: str, customer_id: UUID, path: str) -> Identity:
    """The identity of whoever holds a signed link: it opens one path and nothing else."""
    return Identity("link", organisation_id, customer_id, frozenset({f"link:{path}"}))


def staff_identity(organisation_id: str, key_id: UUID, scopes: tuple[str, ...]) -> Identity:
    """The identity of an API key: ``scope:<name>`` for each of its scopes."""
    principals = frozenset({STAFF, *(f"scope:{scope}" for scope in scopes)})
    return Identity("staff", organisation_id, key_id, principals)
