"""Access tokens: signed JSON Web Tokens. `open_logins` checks whether a token's login has ended.

Each organisation has its own key, so a token of one organisation does not verify in another.
"""

from __future__ import annotations

from datetime import UTC, datetime
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
"""Because of this type, no other token that the key signs is accepted (RFC 8725, section 3.11)."""

LONGEST_TOKEN = 2048
"""Characters; our tokens have about 400. Longer ones are not decoded."""

CLOCK_SKEW_S = 30
"""The largest accepted difference between the clocks of an organisation's servers, in seconds."""


def encode(scope: TenantScope, claims: AccessClaims) -> str:
    """Sign the claims with the organisation's key."""
    key = OctKey.import_key(organisation_key(scope, PURPOSE))
    return jwt.encode({"alg": ALGORITHM, "typ": TYPE}, claims.to_json(), key, [ALGORITHM])


class Bearer(NamedTuple):
    """What a token says.

    Attributes:
        customer_id: the customer.
        session_id: the login.
        authenticated_at: when the customer last authenticated.
        methods: what the customer was authenticated with, as text.
    """

    customer_id: UUID
    session_id: UUID
    authenticated_at: datetime
    methods: frozenset[str]


def bearer_of(scope: TenantScope, token: str) -> Bearer | None:
    """Return what a token says; None if it is not valid for this organisation."""
    if len(token) > LONGEST_TOKEN:
        return None
    bearers = (_bearer(scope, token, key) for key in organisation_keys(scope, PURPOSE))
    return next((bearer for bearer in bearers if bearer is not None), None)


def _bearer(scope: TenantScope, token: str, key: bytes) -> Bearer | None:
    try:
        decoded = jwt.decode(token, OctKey.import_key(key), [ALGORITHM])
        claims = decoded.claims
        _registry(scope.organisation.id).validate(claims)
        # A token of an older version does not have these two claims. It counts as an old authentication.
        authenticated_at = datetime.fromtimestamp(claims.get("auth_time", 0), UTC)
        methods = frozenset(map(str, claims.get("amr", ())))
        bearer = Bearer(UUID(claims["sub"]), UUID(claims["sid"]), authenticated_at, methods)
        return bearer if decoded.header.get("typ") == TYPE else None
    # joserfc 1.8 does not catch the TypeError of a header "crit" that is no list of names. UUID raises
    # AttributeError for a claim that is not text, and datetime OverflowError and OSError for a wrong time.
    except (JoseError, ValueError, TypeError, AttributeError, OverflowError, OSError):
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
