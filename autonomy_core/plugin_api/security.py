"""Identities, permissions, keys and clients' addresses, for plugins."""

from __future__ import annotations

from pyramid.authorization import Allow, Everyone

from autonomy_core.addresses import client_network, coarse_network
from autonomy_core.kernel.identity import (
    CUSTOMER,
    RECENT,
    STAFF,
    TWO_FACTORS,
    Identity,
    Permission,
    Scope,
    customer_identity,
    link_identity,
)
from autonomy_core.kernel.keys import organisation_key, organisation_keys
from autonomy_core.security.api_keys import bearer_token

__all__ = [
    "CUSTOMER",
    "RECENT",
    "STAFF",
    "TWO_FACTORS",
    "Allow",
    "Everyone",
    "Identity",
    "Permission",
    "Scope",
    "bearer_token",
    "client_network",
    "coarse_network",
    "customer_identity",
    "link_identity",
    "organisation_key",
    "organisation_keys",
]
