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
from autonomy_core.kernel.keys import organisation_keys
from autonomy_core.kernel.scope import TenantScope

NONCE_BYTES = 12


class Unopened(Exception):
    """A sealed answer was changed, or is not the one of this request."""


def name_of(scope: TenantScope, claim: Claim) -> str:
    """The hash under which a claim is stored, 64 hexadecimal digits."""
    return names_of(scope, claim)[0]


def names_of(scope: TenantScope, claim: Claim) -> tuple[str, ...]:
    """The hashes under which a claim is found, one for each of the server's accepted secrets, its own first."""
    keys = organisation_keys(scope, "idempotency.name")
    return tuple(hmac.digest(key, bytes(claim), "sha256").hex() for key in keys)


def mark_of(scope: TenantScope, claim: Claim, fingerprint: bytes, secret: int = 0) -> str:
    """What is stored of a fingerprint, 64 hexadecimal digits: under each claim something else.

    Args:
        secret: the number of the server's secret that it is made with, as in `names_of`.
    """
    key = organisation_keys(scope, "idempotency.fingerprint")[secret]
    return hmac.digest(key, fingerprint + bytes(claim), "sha256").hex()


def seal(scope: TenantScope, claim: Claim, fingerprint: bytes, answer: Answer) -> bytes:
    """Encrypt an answer with AES-256-GCM (NIST SP 800-38D)."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(scope, claim, fingerprint, 0).encrypt(nonce, bytes(answer), bytes(claim))


def unseal(scope: TenantScope, claim: Claim, fingerprint: bytes, sealed: bytes, secret: int = 0) -> Answer:
    """The answer again.

    Args:
        secret: the number of the server's secret that it was sealed with, as in `names_of`.

    Raises:
        Unopened: it is not what was sealed for this claim and fingerprint.
    """
    nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        plain = _cipher(scope, claim, fingerprint, secret).decrypt(nonce, encrypted, bytes(claim))
    except (InvalidTag, ValueError) as error:
        raise Unopened from error
    return Answer.from_bytes(plain)


def _cipher(scope: TenantScope, claim: Claim, fingerprint: bytes, secret: int) -> AESGCM:
    """The key comes of the server's secret, the organisation, the client's key and its body (HKDF, RFC 5869)."""
    key = organisation_keys(scope, "idempotency.answer")[secret]
    return AESGCM(HKDF(SHA256(), length=32, salt=fingerprint, info=claim.key.encode()).derive(key))
