"""Re-encrypts secrets while an operator replaces the server's secret."""

from __future__ import annotations

import structlog
from sqlalchemy import select

from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.second_factors import sealing
from customer_auth.second_factors.models import Totp

log = structlog.get_logger(__name__)


def reseal(scope: TenantScope) -> None:
    """Encrypt all secrets of authenticator apps with the server's current secret."""
    stale = select(Totp).where(Totp.sealed_with != sealing.current_seal(scope))
    # A row that a login has locked is left to the next run.
    for found in scope.session.scalars(stale.with_for_update(skip_locked=True)):
        _reseal_one(scope, found)


def _reseal_one(scope: TenantScope, found: Totp) -> None:
    try:
        secret = sealing.unseal(scope, found.customer_id, found.sealed_secret)
    except sealing.Unopened:
        log.error("customer_auth.totp_unreadable", customer=str(found.customer_id))  # noqa: TRY400
        return
    found.sealed_secret = sealing.seal(scope, found.customer_id, secret)
    found.sealed_with = sealing.current_seal(scope)
