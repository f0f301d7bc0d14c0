"""Known devices: a device that has logged in to an account is not affected by other clients' failed logins.

A login gives a signed device token. The client keeps it after a logout, and sends it with the next login. Its
failed attempts are then counted in a bucket of its own, so that strangers who guess passwords cannot lock the
owner out. The token authenticates nothing: it is only worth something together with the password.

It is valid for the password with which it was given. Otherwise a client that once knew the password could
collect tokens, and use each for more guesses after the owner has changed the password.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from sqlalchemy import select

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import organisation_key, organisation_keys
from customer_auth.models import Credential

ALGORITHM = "HS256"
PURPOSE = "customer_auth.device"
LIFETIME = timedelta(days=180)


def device_token(scope: TenantScope, customer_id: UUID, lifetime: timedelta = LIFETIME) -> str | None:
    """Return a new device token for a customer who has just logged in; None if they have no password.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        lifetime: how long the token is valid.
    """
    statement = select(Credential.changed_at).where(Credential.customer_id == customer_id)
    changed_at = scope.session.scalars(statement).one_or_none()
    if changed_at is None:
        return None
    claims = {
        "sub": str(customer_id),
        "jti": str(uuid4()),
        "pwd": changed_at.isoformat(),
        "exp": int((utcnow() + lifetime).timestamp()),
    }
    key = OctKey.import_key(organisation_key(scope, PURPOSE))
    return jwt.encode({"alg": ALGORITHM}, claims, key, [ALGORITHM])


def known_device(scope: TenantScope, token: str, customer_id: UUID, changed_at: datetime) -> str | None:
    """Return the id of the device of a token; None if it is no device of the customer.

    Args:
        scope: the scope of the organisation.
        token: what the client has sent.
        customer_id: the customer of the login.
        changed_at: when the customer's password was changed.
    """
    expected = jwt.JWTClaimsRegistry(
        sub={"essential": True, "value": str(customer_id)},
        pwd={"essential": True, "value": changed_at.isoformat()},
        jti={"essential": True},
        exp={"essential": True},
    )
    for key in organisation_keys(scope, PURPOSE):
        try:
            claims = jwt.decode(token, OctKey.import_key(key), [ALGORITHM]).claims
            expected.validate(claims)
        # joserfc 1.8 does not catch the TypeError of a header "crit" that is no list of names.
        except (JoseError, ValueError, TypeError):
            continue
        return str(claims["jti"])
    return None
