"""API keys: ``ak_<id>_<secret>``, shown once, stored as a hash.

The secret has 256 random bits. It cannot be guessed, so a single SHA-256 is sufficient.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pyramid.request import Request
from sqlalchemy import Select, select

from autonomy_core.audit.services import change, record
from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.db.pipeline import Statement
from autonomy_core.errors import InvalidInput, NotFound
from autonomy_core.kernel.identity import Identity, staff_identity
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.security.models import ApiKey
from autonomy_core.texts import UnreadableText, readable
from autonomy_core.traversal.addressing import is_page

PREFIX = "ak_"
LONGEST_NAME = 200
NOTED_EVERY = timedelta(minutes=10)


def issue(
    scope: TenantScope,
    name: str,
    scopes: Sequence[str],
    *,
    actor: str,
    member_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Create an API key.

    Args:
        scope: the organisation, in the transaction that creates the key.
        name: the purpose of the key, for people.
        scopes: the key's scopes, the core's and those of plugins.
        actor: the creator, for the audit log, for example ``cli:<user>``.
        member_id: the member of staff to whom the key belongs; None for the organisation's back end.
        expires_at: until when it can be used, timezone-aware; None for no limit.

    Returns:
        The stored key, and its text, which is not stored.

    Raises:
        InvalidInput: no scope, an unknown scope, or an unreadable name.
    """
    try:
        name = readable(name, LONGEST_NAME)
    except UnreadableText as error:
        raise InvalidInput(f"the name of a key: {error}") from error
    _check_scopes(scopes, runtime_of(scope).scopes)
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        name=name,
        secret_hash=_hash(secret),
        scopes=sorted(set(scopes)),
        created_at=utcnow(),
        member_id=member_id,
        expires_at=expires_at,
    )
    scope.session.add(key)
    _record(scope, key, "issued", actor, change({}, _terms(key)))
    return key, f"{PREFIX}{key.id.hex}_{secret}"


def _terms(key: ApiKey) -> dict[str, Any]:
    return {"scopes": key.scopes, "member_id": key.member_id, "expires_at": key.expires_at}


def _record(scope: TenantScope, key: ApiKey, done: str, actor: str, detail: Mapping[str, Any]) -> None:
    record(scope, actor=actor, action=f"api_key.{done}", target=f"api_key:{key.id}", detail=detail)


def _check_scopes(scopes: Sequence[str], known: Iterable[str]) -> None:
    unknown = sorted(set(scopes) - set(known))
    if unknown or not scopes:
        raise InvalidInput(
            f"unknown scope: {', '.join(unknown) or '(none given)'}; there are {', '.join(known)}"
        )


def revoke(scope: TenantScope, key_id: UUID, *, actor: str) -> ApiKey:
    """Revoke a key immediately. Revoking a revoked key has no effect.

    Args:
        scope: the organisation.
        key_id: the key.
        actor: the caller, for the audit log.

    Raises:
        NotFound: the organisation has no such key.
    """
    key = find_key(scope, key_id)
    if key is None:
        raise NotFound("The organisation has no such key.")
    if key.revoked_at is None:
        key.revoked_at = utcnow()
        _record(scope, key, "revoked", actor, change({"revoked": False}, {"revoked": True}))
    return key


def narrow(scope: TenantScope, key: ApiKey, allowed: Collection[str], *, actor: str) -> None:
    """Take the scopes away from a key that are not allowed any more.

    Args:
        scope: the organisation.
        key: a key of the organisation.
        allowed: what the key's owner may do.
        actor: the caller, for the audit log.
    """
    before, key.scopes = key.scopes, sorted(set(key.scopes).intersection(allowed))
    if key.scopes != before:
        _record(scope, key, "narrowed", actor, change({"scopes": before}, {"scopes": key.scopes}))


def find_key(scope: TenantScope, key_id: UUID) -> ApiKey | None:
    """Return a key of this organisation, also a revoked one; or None."""
    return scope.session.get(ApiKey, (scope.organisation.id, key_id))


def every_key() -> Select[ApiKey]:
    """Select the organisation's keys, including revoked ones."""
    return select(ApiKey)


def list_keys(scope: TenantScope) -> Sequence[ApiKey]:
    """The organisation's keys, oldest first, including revoked ones."""
    return scope.session.scalars(every_key().order_by(ApiKey.id)).all()


def verify(scope: TenantScope, text: str) -> ApiKey | None:
    """Find the key with a text.

    Args:
        scope: the organisation's scope.
        text: ``ak_<id>_<secret>``, or any other text.

    Returns:
        The key; None if it is unknown in this organisation, revoked, or expired.
    """
    identifier, _, secret = text.removeprefix(PREFIX).partition("_")
    try:
        key_id = UUID(hex=identifier)
    except ValueError:
        return None
    key = find_key(scope, key_id)
    if key is None or key.revoked_at is not None or (key.expires_at and key.expires_at <= utcnow()):
        return None
    return key if hmac.compare_digest(key.secret_hash, _hash(secret)) else None


class ApiKeyAuthenticator:
    """Authenticates requests with ``Authorization: Bearer ak_…``."""

    def identify(self, scope: TenantScope, request: Request) -> Identity | None:
        """The identity of a valid key; None otherwise."""
        token = bearer_token(request)
        if token is None or not token.startswith(PREFIX):
            return None
        key = verify(scope, token)
        if key is None:
            return None
        _note_use(scope, key)
        return staff_identity(scope.organisation.id, key.id, tuple(key.scopes))


_USED = Statement("""
UPDATE api_keys SET last_used_at = %(now)s WHERE organisation_id = %(organisation_id)s AND id = %(id)s
""")


def _note_use(scope: TenantScope, key: ApiKey) -> None:
    """Store that a key is used, at most once in `NOTED_EVERY`, so that most requests write nothing.

    It is written in a transaction of its own: the request may fail, or only read.
    """
    now = utcnow()
    if key.last_used_at is None or now - key.last_used_at >= NOTED_EVERY:
        scope.execute_alone(_USED, {"organisation_id": key.organisation_id, "id": key.id, "now": now})


def bearer_token(request: Request) -> str | None:
    """The token of ``Authorization: Bearer <token>`` (RFC 6750, section 2.1); None without, and for pages.

    Pages are for browsers, which send the cookie of `autonomy_core.pages.sessions`.
    """
    if is_page(request):
        return None
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip().isascii() else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
