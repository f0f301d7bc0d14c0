"""Encrypts secrets of authenticator apps with the organisation's key.

A reader of the database or of a copy of it cannot compute codes without the server's secret. The secrets live
longer than the server's secret, so a job encrypts them again while the old secret is still accepted.
"""

from __future__ import annotations

import hashlib
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import organisation_key, organisation_keys

PURPOSE = "customer_auth.totp"
NONCE_BYTES = 12


class Unopened(Exception):
    """The secret was encrypted with a key that the server does not have, or for another customer."""


def current_seal(scope: TenantScope) -> str:
    """Return the name of the current key, which does not reveal the key."""
    return _name(organisation_key(scope, PURPOSE))


def seal(scope: TenantScope, customer_id: UUID, secret: bytes) -> bytes:
    """Encrypt a customer's secret with AES-256-GCM and the current key."""
    nonce = os.urandom(NONCE_BYTES)
    cipher = AESGCM(organisation_key(scope, PURPOSE))
    return nonce + cipher.encrypt(nonce, secret, customer_id.bytes)


def unseal(scope: TenantScope, customer_id: UUID, sealed: bytes) -> bytes:
    """Decrypt a customer's secret.

    Raises:
        Unopened: no accepted key decrypts it.
    """
    nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for key in organisation_keys(scope, PURPOSE):
        try:
            return AESGCM(key).decrypt(nonce, encrypted, customer_id.bytes)
        except (InvalidTag, ValueError):
            continue
    raise Unopened


def _name(key: bytes) -> str:
    return hashlib.blake2b(key, digest_size=8, person=b"name of a key").hexdigest()
