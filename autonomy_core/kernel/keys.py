"""Derives keys from the server's secret: a separate key for each organisation and purpose."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope


def derive_key(secret: bytes, organisation_id: str, purpose: str) -> bytes:
    """Derive a 32-byte key for one organisation and one purpose (HKDF-SHA256, RFC 5869).

    Args:
        secret: the server's secret.
        organisation_id: the organisation.
        purpose: for example ``customer_auth.access_token``. Each purpose has a different key.
    """
    info = f"autonomy/{organisation_id}/{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def organisation_key(scope: TenantScope, purpose: str) -> bytes:
    """The organisation's key from the server's current secret, for signing and encrypting.

    Args:
        scope: the organisation's scope.
        purpose: see `derive_key`.
    """
    return derive_key(runtime_of(scope).settings.secret.reveal().encode(), scope.organisation.id, purpose)


def organisation_keys(scope: TenantScope, purpose: str) -> tuple[bytes, ...]:
    """The organisation's keys from all accepted secrets, the current one first, for verifying and decrypting.

    There are several while an operator replaces ``autonomy.secret``.

    Args:
        scope: the organisation's scope.
        purpose: see `derive_key`.
    """
    secrets = runtime_of(scope).settings.accepted_secrets
    return tuple(derive_key(each.reveal().encode(), scope.organisation.id, purpose) for each in secrets)
