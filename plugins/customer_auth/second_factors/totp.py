"""A customer's authenticator app: enrol, confirm, check a code, remove."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy import select

from autonomy_core.plugin_api.customers import require_open_login
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.second_factors import recovery, sealing
from customer_auth.second_factors.domain import SECRET_BYTES, otpauth_uri, shown_secret, step_of
from customer_auth.second_factors.errors import SecondFactorExists, WrongCode
from customer_auth.second_factors.models import Totp

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the customer's authenticator app needs. It is shown once.

    Attributes:
        secret: the shared secret, to be typed.
        uri: the same for a QR code.
    """

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def find(scope: TenantScope, customer_id: UUID, *, lock: bool = False) -> Totp | None:
    """Return the authenticator app of a customer, confirmed or not; None if there is none."""
    statement = select(Totp).where(Totp.customer_id == customer_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return scope.session.scalars(statement).one_or_none()


def enrol(scope: TenantScope, customer_id: UUID, session_id: UUID | None) -> Enrolment:
    """Create a secret. It becomes a factor when `confirm` gets a code made with it.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        session_id: the login of the request.

    Raises:
        NotAuthenticated: the login has ended.
        SecondFactorExists: the customer has a confirmed app.
    """
    customer = require_open_login(scope, customer_id, session_id)
    found = find(scope, customer_id, lock=True)
    if found is not None and found.confirmed_at is not None:
        raise SecondFactorExists
    if found is not None:
        scope.session.delete(found)
        scope.session.flush()
    secret = secrets.token_bytes(SECRET_BYTES)
    scope.session.add(
        Totp(
            organisation_id=scope.organisation.id,
            customer_id=customer_id,
            sealed_secret=sealing.seal(scope, customer_id, secret),
            sealed_with=sealing.current_seal(scope),
        )
    )
    scope.session.flush()
    uri = otpauth_uri(secret, account=customer.email, issuer=scope.organisation.name)
    return Enrolment(shown_secret(secret), uri)


def confirm(scope: TenantScope, customer_id: UUID, code: str) -> list[str]:
    """Make the app a factor, because the customer has proved to have its secret.

    Returns:
        The customer's recovery codes.

    Raises:
        NotFound: no enrolment has begun.
        SecondFactorExists: the app is confirmed already.
        WrongCode: the code is wrong.
    """
    found = find(scope, customer_id, lock=True)
    if found is None:
        raise NotFound
    if found.confirmed_at is not None:
        raise SecondFactorExists
    if not _accept(scope, found, code):
        raise WrongCode
    found.confirmed_at = utcnow()
    return recovery.replace(scope, customer_id)


def accept(scope: TenantScope, customer_id: UUID, code: str) -> bool:
    """Return whether a code is of a customer's app, and use it up. Of simultaneous calls, one gets True."""
    found = find(scope, customer_id, lock=True)
    return found is not None and found.confirmed_at is not None and _accept(scope, found, code)


def remove(scope: TenantScope, customer_id: UUID) -> None:
    """Remove a customer's app and recovery codes.

    Raises:
        NotFound: there is no app.
    """
    found = find(scope, customer_id, lock=True)
    if found is None:
        raise NotFound
    scope.session.delete(found)
    recovery.forget(scope, customer_id)


def _accept(scope: TenantScope, found: Totp, code: str) -> bool:
    try:
        secret = sealing.unseal(scope, found.customer_id, found.sealed_secret)
    except sealing.Unopened:
        # The customer's recovery codes and passkeys still work.
        log.error("customer_auth.totp_unreadable", customer=str(found.customer_id))  # noqa: TRY400
        return False
    step = step_of(secret, code, utcnow(), last_step=found.last_step)
    if step is None:
        return False
    found.last_step = step
    return True
