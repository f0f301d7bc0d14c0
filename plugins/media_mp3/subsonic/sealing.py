"""Encrypts app passwords with the organisation's key.

The protocol's salted MD5 can only be verified with the password itself, so a hash does not suffice. A reader
of the database or of a copy of it, without the server's secret, gets no password.
"""

from __future__ import annotations

import hashlib
import os
from uuid import UUID

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select

from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import organisation_key, organisation_keys
from media_mp3.subsonic.models import AppPassword

log = structlog.get_logger(__name__)

PURPOSE = "media_mp3.app_password"
NONCE_BYTES = 12


class Unopened(Exception):
    """The password was encrypted with a key that the server does not have, or belongs to another row."""


def current_seal(scope: TenantScope) -> str:
    """Return the name of the current key, which does not reveal the key."""
    key = organisation_key(scope, PURPOSE)
    return hashlib.blake2b(key, digest_size=8, person=b"name of a key").hexdigest()


def seal(scope: TenantScope, row_id: UUID, secret: str) -> bytes:
    """Encrypt an app password with AES-256-GCM (NIST SP 800-38D) and the current key."""
    nonce = os.urandom(NONCE_BYTES)
    cipher = AESGCM(organisation_key(scope, PURPOSE))
    return nonce + cipher.encrypt(nonce, secret.encode(), row_id.bytes)


def unseal(scope: TenantScope, row_id: UUID, sealed: bytes) -> str:
    """Decrypt an app password.

    Raises:
        Unopened: no accepted key decrypts it.
    """
    nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for key in organisation_keys(scope, PURPOSE):
        try:
            return AESGCM(key).decrypt(nonce, encrypted, row_id.bytes).decode()
        except (InvalidTag, ValueError):
            continue
    raise Unopened


def reseal(scope: TenantScope) -> None:
    """Encrypt all app passwords with the server's current secret. This is a job."""
    stale = select(AppPassword).where(AppPassword.sealed_with != current_seal(scope))
    for found in scope.session.scalars(stale.with_for_update(skip_locked=True)):
        try:
            secret = unseal(scope, found.id, found.sealed_secret)
        except Unopened:
            log.error("media_mp3.app_password_unreadable", app_password=str(found.id))  # noqa: TRY400
            continue
        found.sealed_secret, found.sealed_with = seal(scope, found.id, secret), current_seal(scope)
