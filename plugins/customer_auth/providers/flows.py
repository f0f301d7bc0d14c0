"""What a client keeps between the two steps of a login at a provider, sealed with the organisation's key.

The server stores nothing for a login that may never be finished. The client sends the flow with the second
step. It is no part of the URL that the provider returns to, so a foreign page cannot finish a login in the
customer's browser (login CSRF).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from autonomy_core.plugin_api.errors import TooManyRequests
from autonomy_core.plugin_api.limits import Bucket, RateLimit, count_attempt
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import organisation_key, organisation_keys

PURPOSE = "customer_auth.provider_flow"
LIFETIME = timedelta(minutes=10)
HEADER = {"alg": "dir", "enc": "A256GCM"}


def _random() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class Flow:
    """A begun login.

    Attributes:
        provider: the provider's name.
        return_url: the page that the provider returns to.
        customer_id: the customer who links the identity; None for a login.
        expires_at: seconds since 1970.
        state: what the provider returns, and no other page has.
        nonce: what the ID token must contain, so that it belongs to this login.
        verifier: the proof that the code is exchanged by the server that asked for it (PKCE, RFC 7636).
    """

    provider: str
    return_url: str
    customer_id: str | None
    expires_at: int
    state: str = field(default_factory=_random, repr=False)
    nonce: str = field(default_factory=_random, repr=False)
    verifier: str = field(default_factory=_random, repr=False)


def begin(provider: str, return_url: str, customer_id: str | None) -> Flow:
    """Begin a login at a provider, or with a customer's id the linking of an identity."""
    return Flow(provider, return_url, customer_id, int((utcnow() + LIFETIME).timestamp()))


def seal(scope: TenantScope, flow: Flow) -> str:
    """Return the flow as the client keeps it."""
    key = OctKey.import_key(organisation_key(scope, PURPOSE))
    return jwe.encrypt_compact(HEADER, json.dumps(asdict(flow)).encode(), key)


def unseal(scope: TenantScope, sealed: str) -> Flow | None:
    """Return the flow of this organisation that the client has sent, or None."""
    for key in organisation_keys(scope, PURPOSE):
        try:
            content = jwe.decrypt_compact(sealed, OctKey.import_key(key)).plaintext
            flow = Flow(**_members(content))
        except (JoseError, ValueError, TypeError):
            continue
        return flow if flow.expires_at > utcnow().timestamp() else None
    return None


def use(scope: TenantScope, flow: Flow) -> bool:
    """Record that a flow is used; return False if it was used before. It works in a separate transaction."""
    try:
        with scope.begin() as own:
            count_attempt(own, [Bucket("provider.flow", flow.state, RateLimit(1, LIFETIME))])
    except TooManyRequests:
        return False
    return True


def _members(content: bytes | None) -> Any:
    return json.loads(content or b"null")
