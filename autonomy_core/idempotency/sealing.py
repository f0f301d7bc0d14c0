"""Hashes and encrypted answers: the stored form of a request.

Answers contain tokens, and bodies contain passwords. A reader of the database or of a copy of it, without
the server's secret, can decrypt no answer. The hashes are keyed, so the reader cannot test guesses either.
"""

from __future__ import annotations

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from autonomy_core.idempotency.domain import Claim, StoredAnswer
from autonomy_core.kernel.keys import organisation_keys
from autonomy_core.kernel.scope import TenantScope

NONCE_BYTES = 12


class Unopened(Exception):
    """An encrypted answer was changed, or belongs to another request."""


def name_of(scope: TenantScope, claim: Claim) -> str:
    """Return the hash under which a claim is stored, 64 hexadecimal digits."""
    return names_of(scope, claim)[0]


def names_of(scope: TenantScope, claim: Claim) -> tuple[str, ...]:
    """Return the hashes under which a claim is found, one for each accepted secret, the current one first."""
    keys = organisation_keys(scope, "idempotency.name")
    return tuple(hmac.digest(key, bytes(claim), "sha256").hex() for key in keys)


def mark_of(scope: TenantScope, claim: Claim, fingerprint: bytes, secret: int = 0) -> str:
    """Return the stored hash of a fingerprint, 64 hexadecimal digits. It also depends on the claim.

    Args:
        scope: the scope of the organisation.
        claim: the claim of the request.
        fingerprint: the digest of the body.
        secret: the index of the server's secret that is used, as in `names_of`.
    """
    key = organisation_keys(scope, "idempotency.fingerprint")[secret]
    return hmac.digest(key, fingerprint + bytes(claim), "sha256").hex()


def seal(scope: TenantScope, claim: Claim, fingerprint: bytes, answer: StoredAnswer) -> bytes:
    """Encrypt an answer with AES-256-GCM (NIST SP 800-38D)."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(scope, claim, fingerprint, 0).encrypt(nonce, bytes(answer), bytes(claim))


def unseal(
    scope: TenantScope, claim: Claim, fingerprint: bytes, sealed: bytes, secret: int = 0
) -> StoredAnswer:
    """Decrypt an answer.

    Args:
        scope: the scope of the organisation.
        claim: the claim of the request.
        fingerprint: the digest of the body.
        sealed: the result of `seal`.
        secret: the index of the server's secret that encrypted it, as in `names_of`.

    Raises:
        Unopened: the answer was not encrypted for this claim and fingerprint.
    """
    nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        plain = _cipher(scope, claim, fingerprint, secret).decrypt(nonce, encrypted, bytes(claim))
    except (InvalidTag, ValueError) as error:
        raise Unopened from error
    return StoredAnswer.from_bytes(plain)


def _cipher(scope: TenantScope, claim: Claim, fingerprint: bytes, secret: int) -> AESGCM:
    """Return the cipher of a stored answer.

    HKDF (RFC 5869) derives its key from the server's secret, the organisation, the client's key and the body.
    """
    key = organisation_keys(scope, "idempotency.answer")[secret]
    return AESGCM(HKDF(SHA256(), length=32, salt=fingerprint, info=claim.key.encode()).derive(key))
