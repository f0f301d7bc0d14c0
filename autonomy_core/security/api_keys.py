"""API keys: ``ak_<id>_<secret>``, shown once, stored hashed.

The secret has 256 random bits, so that one SHA-256 is hash enough: there is nothing to guess by trying.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from uuid import UUID

from pyramid.request import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from autonomy_core.audit.services import record
from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.errors import InvalidInput, NotFound
from autonomy_core.kernel.identity import SCOPES, Identity, staff_identity
from autonomy_core.security.models import ApiKey
from autonomy_core.texts import UnreadableText, readable

PREFIX = "ak_"
LONGEST_NAME = 200


def issue(
    session: Session,
    organisation_id: str,
    name: str,
    scopes: Sequence[str],
    *,
    actor: str,
    known: Iterable[str] = SCOPES,
) -> tuple[ApiKey, str]:
    """Make a key.

    Args:
        session: the organisation's session.
        name: what the key is for, for people.
        scopes: of those that are known.
        actor: who made it, for the audit.
        known: the scopes that there are, see `Runtime.scopes`.

    Returns:
        The stored key, and the text that is shown this once.

    Raises:
        InvalidInput: no scope, an unknown one, or a name that cannot be read.
    """
    try:
        name = readable(name, LONGEST_NAME)
    except UnreadableText as error:
        raise InvalidInput(f"the name of a key: {error}") from error
    _check_scopes(scopes, known)
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        organisation_id=organisation_id,
        id=uuid7(),
        name=name,
        secret_hash=_hash(secret),
        scopes=sorted(set(scopes)),
        created_at=utcnow(),
    )
    session.add(key)
    target, detail = f"api_key:{key.id}", {"scopes": key.scopes}
    record(session, organisation_id, actor=actor, action="api_key.issued", target=target, detail=detail)
    return key, f"{PREFIX}{key.id.hex}_{secret}"


def _check_scopes(scopes: Sequence[str], known: Iterable[str]) -> None:
    unknown = sorted(set(scopes) - set(known))
    if unknown or not scopes:
        raise InvalidInput(
            f"unknown scope: {', '.join(unknown) or '(none given)'}; there are {', '.join(known)}"
        )


def revoke(session: Session, organisation_id: str, key_id: UUID, *, actor: str) -> ApiKey:
    """Make a key worthless, at once. Revoking it again changes nothing.

    Raises:
        NotFound: the organisation has no such key.
    """
    key = session.get(ApiKey, (organisation_id, key_id))
    if key is None:
        raise NotFound("The organisation has no such key.")
    if key.revoked_at is None:
        key.revoked_at = utcnow()
        target = f"api_key:{key.id}"
        record(session, organisation_id, actor=actor, action="api_key.revoked", target=target)
    return key


def list_keys(session: Session) -> Sequence[ApiKey]:
    """The organisation's keys, oldest first, revoked ones included."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()


def verify(session: Session, organisation_id: str, text: str) -> ApiKey | None:
    """The key that a text is, or None when it is none of this organisation's, or a revoked one."""
    identifier, _, secret = text.removeprefix(PREFIX).partition("_")
    try:
        key_id = UUID(hex=identifier)
    except ValueError:
        return None
    key = session.get(ApiKey, (organisation_id, key_id))
    if key is None or key.revoked_at is not None:
        return None
    return key if hmac.compare_digest(key.secret_hash, _hash(secret)) else None


class ApiKeyAuthenticator:
    """Recognises ``Authorization: Bearer ak_…``."""

    def identify(self, request: Request) -> Identity | None:
        """The staff identity of a valid key."""
        token = bearer_token(request)
        if token is None or not token.startswith(PREFIX):
            return None
        organisation_id = request.organisation.id
        key = verify(request.db, organisation_id, token)
        return staff_identity(organisation_id, key.id, tuple(key.scopes)) if key else None


def bearer_token(request: Request) -> str | None:
    """The token of ``Authorization: Bearer <token>`` (RFC 6750, section 2.1), or None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip().isascii() else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
