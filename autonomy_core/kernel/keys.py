"""Keys derived from the server's one secret, so that each organisation and purpose has its own."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from autonomy_core.kernel.scope import TenantScope


def derive_key(secret: bytes, organisation_id: str, purpose: str) -> bytes:
    """A key of 32 bytes for one organisation and one purpose (HKDF-SHA256, RFC 5869).

    Args:
        secret: the server's secret.
        organisation_id: whose key it is.
        purpose: for example ``customer_auth.access_token``; another purpose is another key.
    """
    info = f"autonomy/{organisation_id}/{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def organisation_key(scope: TenantScope, purpose: str) -> bytes:
    """`derive_key` with the server's secret, for the organisation of a scope: to sign, and to seal."""
    return derive_key(scope.runtime.settings.secret.reveal().encode(), scope.organisation.id, purpose)


def organisation_keys(scope: TenantScope, purpose: str) -> tuple[bytes, ...]:
    """The same with every secret that is accepted, `organisation_key` first: to verify, and to open.

    There is more than one while ``autonomy.secret`` is replaced.
    """
    secrets = scope.runtime.settings.accepted_secrets
    return tuple(derive_key(each.reveal().encode(), scope.organisation.id, purpose) for each in secrets)
