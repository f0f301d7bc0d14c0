"""Access tokens: signed JSON Web Tokens. Whether their login has ended is asked in `logins`.

Each organisation has a key of its own, so that no other organisation's token verifies here.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import organisation_key, organisation_keys
from customer_auth.domain import AUDIENCE, AccessClaims

ALGORITHM = "HS256"
PURPOSE = "customer_auth.access_token"
TYPE = "at+jwt"
"""Explicit, so that no other token signed with this key could be taken for one (RFC 8725, section 3.11)."""

LONGEST_TOKEN = 2048
"""Characters; ours have about 400. What is longer is not even decoded."""

CLOCK_SKEW_S = 30
"""By how much the clocks of the machines that share an organisation may differ, in seconds."""


def encode(scope: TenantScope, claims: AccessClaims) -> str:
    """Sign the claims with the organisation's key."""
    key = OctKey.import_key(organisation_key(scope, PURPOSE))
    return jwt.encode({"alg": ALGORITHM, "typ": TYPE}, claims.to_json(), key, [ALGORITHM])


class Bearer(NamedTuple):
    """To whom a token was given, and by which login."""

    customer_id: UUID
    session_id: UUID


def bearer_of(scope: TenantScope, token: str) -> Bearer | None:
    """To whom a token was given, or None when it is not a valid one of this organisation."""
    if len(token) > LONGEST_TOKEN:
        return None
    bearers = (_bearer(scope, token, key) for key in organisation_keys(scope, PURPOSE))
    return next((bearer for bearer in bearers if bearer is not None), None)


def _bearer(scope: TenantScope, token: str, key: bytes) -> Bearer | None:
    try:
        decoded = jwt.decode(token, OctKey.import_key(key), [ALGORITHM])
        _registry(scope.organisation.id).validate(decoded.claims)
        bearer = Bearer(UUID(decoded.claims["sub"]), UUID(decoded.claims["sid"]))
        return bearer if decoded.header.get("typ") == TYPE else None
    # joserfc 1.8 lets the TypeError out that a header with a "crit" that is no list of names causes. A claim that is
    # no text has no AttributeError of UUID's to itself either.
    except (JoseError, ValueError, TypeError, AttributeError):
        return None


def _registry(organisation_id: str) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        leeway=CLOCK_SKEW_S,
        iss={"essential": True, "value": organisation_id},
        aud={"essential": True, "value": AUDIENCE},
        sub={"essential": True},
        sid={"essential": True},
        iat={"essential": True},
        exp={"essential": True},
    )
