"""Flows: what the server keeps between two requests of a client that is not logged in yet.

The first request gets a random handle, of which only the hash is stored. A flow is used once.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, select, tuple_

from autonomy_core.plugin_api.models import utcnow, uuid7
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.domain import token_hash
from customer_auth.models import Flow

LIFETIME = timedelta(minutes=10)

SWEEP = 10
"""How many expired flows each new one removes: more than it adds, so that the table stays small."""


class FlowKind(StrEnum):
    """What a flow waits for. A handle of one kind is unknown for any other."""

    SECOND_FACTOR = "second_factor"
    """The second factor of a login."""
    PASSKEY = "passkey"
    """The signature of a passkey."""
    NEW_PASSKEY = "new_passkey"
    """A new passkey of a customer who is logged in."""


def begin(
    scope: TenantScope,
    kind: FlowKind,
    *,
    customer_id: UUID | None = None,
    methods: Iterable[str] = (),
    challenge: bytes | None = None,
    rp_id: str | None = None,
) -> str:
    """Begin a flow, and return its handle.

    Args:
        scope: the scope of the organisation.
        kind: what it waits for.
        customer_id: the customer, if known.
        methods: what the customer was authenticated with.
        challenge, rp_id: what a passkey is going to sign.
    """
    _sweep(scope)
    handle = secrets.token_urlsafe(32)
    scope.session.add(
        Flow(
            organisation_id=scope.organisation.id,
            id=uuid7(),
            kind=kind.value,
            handle_hash=token_hash(handle),
            customer_id=customer_id,
            methods=sorted(methods),
            challenge=challenge,
            rp_id=rp_id,
            expires_at=utcnow() + LIFETIME,
        )
    )
    scope.session.flush()
    return handle


def find(scope: TenantScope, kind: FlowKind, handle: str, *, lock: bool = False) -> Flow | None:
    """Return the flow of a handle, or None.

    Args:
        scope: the scope of the organisation.
        kind: what it waits for.
        handle: as it was sent.
        lock: whether concurrent requests with the handle wait until the transaction ends.
    """
    statement = select(Flow).where(
        Flow.kind == kind.value, Flow.handle_hash == token_hash(handle), Flow.expires_at > utcnow()
    )
    return scope.session.scalars(statement.with_for_update() if lock else statement).one_or_none()


def take(scope: TenantScope, kind: FlowKind, handle: str) -> Flow | None:
    """Return the flow of a handle and end it, or return None. Of simultaneous calls, one gets it."""
    found = find(scope, kind, handle, lock=True)
    if found is not None:
        end(scope, found)
    return found


def end(scope: TenantScope, flow: Flow) -> None:
    """End a flow: its handle is unknown from now on."""
    scope.session.delete(flow)
    scope.session.flush()


def forget(scope: TenantScope, customer_id: UUID) -> None:
    """End all flows of a customer."""
    scope.session.execute(delete(Flow).where(Flow.customer_id == customer_id))


def _sweep(scope: TenantScope) -> None:
    key = (Flow.organisation_id, Flow.id)
    # Rows that another transaction has locked are left to a later sweep. Waiting for them could deadlock.
    expired = select(*key).where(Flow.expires_at < utcnow()).limit(SWEEP).with_for_update(skip_locked=True)
    swept = delete(Flow).where(tuple_(*key).in_(expired))
    scope.session.execute(swept.execution_options(synchronize_session=False))
