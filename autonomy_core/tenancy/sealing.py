"""Encrypts organisations' files for the record, because they may contain secrets."""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from autonomy_core.tenancy.secrets import Secret

NONCE_BYTES = 12


class Sealing:
    """AES-256-GCM (NIST SP 800-38D) with a key that HKDF (RFC 5869) derives from the server's secret.

    Args:
        secrets: the server's secrets. The first one encrypts; all of them can decrypt.
    """

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._secrets = tuple(secrets)

    def seal(self, organisation_id: str, content: bytes) -> bytes:
        """Encrypt content for an organisation. The organisation's id is authenticated with it."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, content, organisation_id.encode())

    def open(self, organisation_id: str, sealed: bytes) -> bytes | None:
        """Decrypt content. None if no known secret encrypted it, or if it was changed."""
        nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, encrypted, organisation_id.encode())
            except (InvalidTag, ValueError):
                continue
        return None

    def mark(self, content: bytes) -> bytes:
        """Return a keyed hash. Equal hashes mean equal contents, encrypted with the current secret."""
        return hmac.digest(self._mark_key, content, "sha256")

    @cached_property
    def _ciphers(self) -> tuple[AESGCM, ...]:
        return tuple(AESGCM(_derive(secret, "seal")) for secret in self._secrets)

    @cached_property
    def _mark_key(self) -> bytes:
        return _derive(self._secrets[0], "mark")


def _derive(secret: Secret, purpose: str) -> bytes:
    info = f"autonomy/tenancy.record/{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret.reveal().encode())
