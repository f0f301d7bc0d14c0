"""Reserve a key, store the answer with the work, release the key, replay the answer."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy import ColumnElement, DateTime, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from autonomy_core.db.embedded import EmbeddedServerError
from autonomy_core.idempotency.domain import KEPT_FOR, Claim, StoredAnswer, most_of_a_repetition, retry_after
from autonomy_core.idempotency.errors import (
    IdempotencyAnswerNotKept,
    IdempotencyInProgress,
    IdempotencyKeyReused,
)
from autonomy_core.idempotency.fingerprint import Fingerprint
from autonomy_core.idempotency.models import IdempotencyKey
from autonomy_core.idempotency.sealing import Unopened, mark_of, names_of, seal, unseal
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope

log = structlog.get_logger(__name__)

# The database's clock is the same for all processes. Unlike now(), it advances during a transaction.
NOW = func.clock_timestamp(type_=DateTime(timezone=True))

NEWEST_FIRST = (IdempotencyKey.began_at.desc(),)
"""While the server's secret is being replaced, a claim may have two rows, one for each secret."""


@dataclass(slots=True)
class Reservation:
    """A key that one request holds.

    Attributes:
        claim: the claim of the request.
        attempt: the id of the request. After its lease another request may take the key.
        kept: whether the transaction with the answer was committed.
    """

    claim: Claim
    attempt: UUID
    kept: bool = False


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """An earlier request with this key has finished.

    Attributes:
        most_bytes: how many bytes of the repeated request's body are read.
    """

    most_bytes: int


def reserve(scope: TenantScope, claim: Claim, lease: timedelta) -> Reservation | CarriedOut:
    """Reserve a key for one request. Commit this transaction before the request does any work.

    The unique key lets one of several concurrent requests reserve it. A key whose lease or answer has expired
    can be reserved again.

    Args:
        scope: a scope in a transaction of its own.
        claim: the claim of the request.
        lease: how long the request may hold the key.

    Returns:
        The reservation, or the fact that an earlier request has finished.

    Raises:
        IdempotencyInProgress: another request holds the key.
    """
    row = {
        "attempt": uuid4(),
        "began_at": NOW,
        "valid_until": NOW + lease,
        "fingerprint": None,
        "most_bytes": 0,
        "answer": None,
    }
    name, *names_before = names_of(scope, claim)
    if names_before and _is_held_under(scope, claim, names_before):
        return _carried_out(scope, claim)
    keys = {"organisation_id": scope.organisation.id, "key_hash": name}
    statement = insert(IdempotencyKey).values(**keys, **row)
    ended = IdempotencyKey.valid_until <= NOW
    attempt = scope.session.scalar(
        statement.on_conflict_do_update(index_elements=list(keys), set_=row, where=ended).returning(
            IdempotencyKey.attempt
        )
    )
    return Reservation(claim, attempt) if attempt is not None else _carried_out(scope, claim)


def _is_held_under(scope: TenantScope, claim: Claim, names: Sequence[str]) -> bool:
    """Return whether the key is stored under another secret of the server.

    While the secret is being replaced, processes use different secrets and so different names, which do not
    conflict in the unique index. An advisory lock serialises the requests of one claim.
    """
    turn = func.hashtextextended(f"{scope.organisation.id} {bytes(claim)!r}", 0)
    scope.session.execute(select(func.pg_advisory_xact_lock(turn)))
    held = select(IdempotencyKey.key_hash).where(
        IdempotencyKey.organisation_id == scope.organisation.id,
        IdempotencyKey.key_hash.in_(names),
        IdempotencyKey.valid_until > NOW,
    )
    return scope.session.scalars(held).first() is not None


def _carried_out(scope: TenantScope, claim: Claim) -> CarriedOut:
    statement = select(
        IdempotencyKey.fingerprint,
        IdempotencyKey.most_bytes,
        (NOW - IdempotencyKey.began_at).label("so_far"),
        (IdempotencyKey.valid_until - NOW).label("left"),
    )
    row = scope.session.execute(statement.where(*_the_row_of(scope, claim)).order_by(*NEWEST_FIRST)).first()
    # A missing row was released a moment ago.
    if row is None or row.fingerprint is None:
        raise _in_progress(retry_after(row.so_far, row.left) if row else 1)
    return CarriedOut(row.most_bytes)


def keep(
    scope: TenantScope, reservation: Reservation, fingerprint: Fingerprint, answer: StoredAnswer | None
) -> None:
    """Store the answer in the transaction that does the request's work, so that both commit or neither.

    Args:
        scope: the scope of that transaction.
        reservation: the reservation of the request.
        fingerprint: of the complete body.
        answer: None if it cannot be stored.

    Raises:
        IdempotencyInProgress: the lease has expired, and another request holds the key. Undo the work.
    """
    claim, digest = reservation.claim, fingerprint.digest()
    held = (*_the_row_of(scope, claim), IdempotencyKey.attempt == reservation.attempt)
    statement = update(IdempotencyKey).where(*held).returning(IdempotencyKey.key_hash)
    kept = scope.session.scalar(
        statement.values(
            valid_until=NOW + KEPT_FOR,
            fingerprint=mark_of(scope, claim, digest),
            most_bytes=most_of_a_repetition(fingerprint.size),
            answer=seal(scope, claim, digest, answer) if answer is not None else None,
        )
    )
    if kept is None:
        raise _in_progress(1)


def release(scope: TenantScope, reservation: Reservation) -> None:
    """Release the key in a separate transaction. A stored answer stays.

    If the database does not answer, the key becomes free when its lease expires.
    """
    of_this_attempt = (
        IdempotencyKey.attempt == reservation.attempt,
        IdempotencyKey.fingerprint.is_(None),
    )
    try:
        with runtime_of(scope).transaction(scope.organisation) as own:
            own.session.execute(
                delete(IdempotencyKey).where(*_the_row_of(own, reservation.claim), *of_this_attempt)
            )
    except (SQLAlchemyError, EmbeddedServerError) as error:
        log.warning("idempotency.not_released", error=type(error).__name__)


def answer_again(scope: TenantScope, claim: Claim, fingerprint: Fingerprint) -> StoredAnswer:
    """Return the stored answer to a repeated request.

    Unauthenticated clients share their keys. An attacker could use such a key to test guesses of the body,
    for example of a login's password. So the first wrong body of such a client deletes the answer.

    Args:
        scope: a scope in a transaction of its own.
        claim: the claim of the request.
        fingerprint: of the complete body of the repeated request.

    Raises:
        IdempotencyKeyReused: the body differs.
        IdempotencyAnswerNotKept: the body is the same, but no answer is stored.
        IdempotencyInProgress: the answer has expired meanwhile.
    """
    digest = fingerprint.digest()
    # Lock the row, so that of several concurrent attempts the second sees the effect of the first.
    row = scope.session.scalars(
        select(IdempotencyKey)
        .where(*_the_row_of(scope, claim))
        .order_by(*NEWEST_FIRST)
        .limit(1)
        .with_for_update()
    ).one_or_none()
    if row is None or row.fingerprint is None:
        raise _in_progress(1)
    secret = names_of(scope, claim).index(row.key_hash)
    if not hmac.compare_digest(row.fingerprint, mark_of(scope, claim, digest, secret)):
        if claim.is_anonymous:
            row.fingerprint, row.answer = "", None
        raise IdempotencyKeyReused("It was used with another body; take a new key for a new request.")
    if row.answer is None:
        raise IdempotencyAnswerNotKept
    try:
        answer = unseal(scope, claim, digest, row.answer, secret)
    except Unopened as error:
        log.exception("idempotency.answer_unreadable")
        raise IdempotencyAnswerNotKept from error
    log.info("idempotency.answered_again", status=answer.status)
    return answer


def purge(scope: TenantScope) -> None:
    """Delete expired answers, and keys whose lease expired long ago.

    A key with an expired lease stays for a day, because a slow request may still need its row.
    """
    answered = IdempotencyKey.fingerprint.is_not(None)
    abandoned = IdempotencyKey.valid_until <= NOW - KEPT_FOR
    scope.session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.valid_until <= NOW, answered | abandoned)
    )


def _the_row_of(scope: TenantScope, claim: Claim) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        IdempotencyKey.organisation_id == scope.organisation.id,
        IdempotencyKey.key_hash.in_(names_of(scope, claim)),
    )


def _in_progress(seconds: int) -> IdempotencyInProgress:
    return IdempotencyInProgress("Ask again in a while.", extra={"retry_after": seconds})
