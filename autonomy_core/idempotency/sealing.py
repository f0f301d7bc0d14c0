"""What is stored about a request: hashes, and an answer that only the same request opens again.

Answers contain tokens, bodies passwords. Whoever reads the database, or a copy of it, without the server's secret finds
neither, and cannot try guesses either: the hashes are keyed.
"""

from __future__ import annotations

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from autonomy_core.idempotency.domain import Answer, Claim
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.security.keys import organisation_key

NONCE_BYTES = 12


class Unopened(Exception):
    """A sealed answer was changed, or is not the one of this request."""


def name_of(scope: TenantScope, claim: Claim) -> str:
    """The hash by which a claim is found, 64 hexadecimal digits."""
    return hmac.digest(organisation_key(scope, "idempotency.name"), bytes(claim), "sha256").hex()


def mark_of(scope: TenantScope, claim: Claim, fingerprint: bytes) -> str:
    """What is stored of a fingerprint, 64 hexadecimal digits: under each claim something else."""
    key = organisation_key(scope, "idempotency.fingerprint")
    return hmac.digest(key, fingerprint + bytes(claim), "sha256").hex()


def seal(scope: TenantScope, claim: Claim, fingerprint: bytes, answer: Answer) -> bytes:
    """Encrypt an answer with AES-256-GCM (NIST SP 800-38D)."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(scope, claim, fingerprint).encrypt(nonce, bytes(answer), bytes(claim))


def unseal(scope: TenantScope, claim: Claim, fingerprint: bytes, sealed: bytes) -> Answer:
    """The answer again.

    Raises:
        Unopened: it is not what was sealed for this claim and fingerprint.
    """
    nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        plain = _cipher(scope, claim, fingerprint).decrypt(nonce, encrypted, bytes(claim))
    except (InvalidTag, ValueError) as error:
        raise Unopened from error
    return Answer.from_bytes(plain)


def _cipher(scope: TenantScope, claim: Claim, fingerprint: bytes) -> AESGCM:
    """The key comes of the server's secret, the organisation, the client's key and its body (HKDF, RFC 5869)."""
    secret = organisation_key(scope, "idempotency.answer")
    return AESGCM(HKDF(SHA256(), length=32, salt=fingerprint, info=claim.key.encode()).derive(secret))
