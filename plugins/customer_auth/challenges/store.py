"""Challenges in the database: created by the worker that writes the mail, and used once.

Every use locks all challenges of the mailbox and of the customer first, in the order of their ids. So uses of
several links at the same moment happen one after the other, and without deadlocks: each sees what the others
have ended.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, delete, or_, select, tuple_, update

from autonomy_core.plugin_api.models import utcnow, uuid7
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import organisation_key, organisation_keys
from customer_auth.challenges.domain import (
    CODE_ALPHABET,
    CODE_LENGTH,
    LIFETIMES,
    MOST_WRONG_CODES,
    OUTLIVE_PASSWORDS,
    Purpose,
    code_hash,
    is_ended_by,
    shown_code,
    typed_code,
)
from customer_auth.challenges.errors import InvalidCode, InvalidLink
from customer_auth.challenges.models import Challenge
from customer_auth.domain import token_hash

log = structlog.get_logger(__name__)

CODE_KEY = "customer_auth.challenge_code"

SWEEP = 10
"""How many expired rows each new challenge removes: more than it adds, so that the table stays small."""


@dataclass(frozen=True, slots=True)
class Issued:
    """What a mail contains of a challenge. It is stored nowhere else.

    Attributes:
        token: for the link.
        code: to type; None if the purpose has none.
        expires_at: when both end.
    """

    token: str = field(repr=False)
    code: str | None = field(repr=False)
    expires_at: datetime


def create(
    scope: TenantScope,
    purpose: Purpose,
    email: str,
    *,
    customer_id: UUID | None = None,
    with_code: bool = False,
    browser_hash: str | None = None,
    data: Mapping[str, Any] | None = None,
    since: datetime | None = None,
) -> Issued:
    """Create a challenge. Call it in the transaction that writes the mail.

    Args:
        scope: the scope of the organisation.
        purpose: what it is good for.
        email: the address of the mailbox, in its canonical form.
        customer_id: the account that the mail is about, if the address has one.
        with_code: whether the mail has a code to type as well.
        browser_hash: the hash of the handle without which it cannot be used; None if any client may use it.
        data: what else the purpose needs.
        since: when its lifetime began; None for now.
    """
    _sweep(scope)
    created_at = since or utcnow()
    token = secrets.token_urlsafe(32)
    letters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH)) if with_code else None
    expires_at = created_at + LIFETIMES[purpose]
    scope.session.add(
        Challenge(
            organisation_id=scope.organisation.id,
            id=uuid7(),
            purpose=purpose.value,
            email=email,
            customer_id=customer_id,
            token_hash=token_hash(token),
            code_hash=code_hash(letters, organisation_key(scope, CODE_KEY)) if letters else None,
            browser_hash=browser_hash,
            data=dict(data or {}),
            created_at=created_at,
            expires_at=expires_at,
        )
    )
    scope.session.flush()
    return Issued(token, shown_code(letters) if letters else None, expires_at)


def find(scope: TenantScope, purpose: Purpose, token: str) -> Challenge:
    """Return the challenge of a link without using it.

    Raises:
        InvalidLink: it is not valid.
    """
    statement = select(Challenge).where(_is_live(), _has_token(purpose, token))
    found = scope.session.scalars(statement).one_or_none()
    if found is None:
        raise InvalidLink
    return found


def use_link(scope: TenantScope, purpose: Purpose, token: str, *, flow: str | None = None) -> Challenge:
    """Use a link. Of simultaneous calls with the same link, one succeeds.

    Args:
        scope: the scope of the organisation.
        purpose: what the caller wants to do.
        token: the token of the link.
        flow: the handle of the client; None if it has none.

    Raises:
        InvalidLink: it is not valid for the purpose, or not from this client.
    """
    live = _lock(scope, _has_token(purpose, token))
    wanted = token_hash(token)
    found = next((each for each in live if each.purpose == purpose and each.token_hash == wanted), None)
    if found is None or not _is_from(found, flow):
        raise InvalidLink
    _use(found, live)
    return found


def use_code(
    scope: TenantScope,
    purpose: Purpose,
    code: str,
    *,
    flow: str | None = None,
    customer_id: UUID | None = None,
) -> Challenge:
    """Use a code. A wrong one counts for each challenge that it could have been for.

    Args:
        scope: the scope of the organisation.
        purpose: what the caller wants to do.
        code: as it was typed.
        flow: the handle of the client that asked for the mail; or
        customer_id: the customer who is logged in and asked for the mail.

    Raises:
        InvalidCode: it is wrong or expired, or the client did not ask for it. The transaction must commit.
    """
    asked = (
        Challenge.browser_hash == token_hash(flow)
        if flow is not None
        else and_(Challenge.customer_id == customer_id, Challenge.browser_hash.is_(None))
    )
    live = _lock(scope, and_(asked, Challenge.purpose == purpose.value))
    asked_for = [each for each in live if each.purpose == purpose and _may_type(each, flow, customer_id)]
    hashes = _hashes_of(scope, code)
    for each in asked_for:
        if any(hmac.compare_digest(each.code_hash or "", one) for one in hashes):
            _use(each, live)
            return each
    _count_wrong_code(asked_for)
    raise InvalidCode


def end_with_password(scope: TenantScope, customer_id: UUID) -> None:
    """End the challenges of a customer that a new or a removed password ends."""
    ended = update(Challenge).where(
        Challenge.customer_id == customer_id,
        Challenge.used_at.is_(None),
        Challenge.purpose.not_in(sorted(OUTLIVE_PASSWORDS)),
    )
    scope.session.execute(ended.values(used_at=utcnow()))


def _is_live() -> ColumnElement[bool]:
    return and_(Challenge.used_at.is_(None), Challenge.expires_at > utcnow())


def _has_token(purpose: Purpose, token: str) -> ColumnElement[bool]:
    return and_(Challenge.purpose == purpose.value, Challenge.token_hash == token_hash(token))


def _lock(scope: TenantScope, condition: ColumnElement[bool]) -> Sequence[Challenge]:
    """Lock the live challenges of the mailboxes and customers of those that fulfil a condition."""
    found = scope.session.execute(
        select(Challenge.email, Challenge.customer_id).where(_is_live(), condition)
    ).all()
    if not found:
        return ()
    emails, customers = {row.email for row in found}, {row.customer_id for row in found} - {None}
    statement = (
        select(Challenge)
        .where(_is_live(), or_(Challenge.email.in_(emails), Challenge.customer_id.in_(customers)))
        .order_by(Challenge.id)
        .with_for_update()
        # A row that was read before this lock may have been used since.
        .execution_options(populate_existing=True)
    )
    return scope.session.scalars(statement).all()


def _is_from(challenge: Challenge, flow: str | None) -> bool:
    if challenge.browser_hash is None:
        return True
    return flow is not None and hmac.compare_digest(challenge.browser_hash, token_hash(flow))


def _may_type(challenge: Challenge, flow: str | None, customer_id: UUID | None) -> bool:
    if challenge.code_hash is None:
        return False
    if flow is None:
        return challenge.browser_hash is None and challenge.customer_id == customer_id
    return challenge.browser_hash is not None and _is_from(challenge, flow)


def _hashes_of(scope: TenantScope, code: str) -> list[str]:
    """Return the possible hashes of a code: several while the server's secret is being replaced."""
    letters = typed_code(code)
    return [code_hash(letters, key) for key in organisation_keys(scope, CODE_KEY)] if letters else []


def _count_wrong_code(challenges: Sequence[Challenge]) -> None:
    for challenge in challenges:
        challenge.wrong_codes += 1
        if challenge.wrong_codes >= MOST_WRONG_CODES:
            challenge.used_at = utcnow()
            log.warning("customer_auth.wrong_codes", challenge=str(challenge.id), purpose=challenge.purpose)


def _use(challenge: Challenge, live: Sequence[Challenge]) -> None:
    now = utcnow()
    for other in live:
        if other is not challenge and is_ended_by(other, challenge):
            other.used_at = now
    challenge.used_at = now


def _sweep(scope: TenantScope) -> None:
    """Delete expired challenges, which contain addresses."""
    key = (Challenge.organisation_id, Challenge.id)
    # Rows that another transaction has locked are left to a later sweep. Waiting for them could deadlock.
    expired = (
        select(*key).where(Challenge.expires_at < utcnow()).limit(SWEEP).with_for_update(skip_locked=True)
    )
    swept = delete(Challenge).where(tuple_(*key).in_(expired))
    scope.session.execute(swept.execution_options(synchronize_session=False))
