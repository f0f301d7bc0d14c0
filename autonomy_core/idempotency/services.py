"""Reserve a key, keep the answer with the work, release the key, give the answer again."""

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
from autonomy_core.idempotency.domain import KEPT_FOR, Answer, Claim, most_of_a_repetition, retry_after
from autonomy_core.idempotency.errors import (
    IdempotencyAnswerNotKept,
    IdempotencyInProgress,
    IdempotencyKeyReused,
)
from autonomy_core.idempotency.fingerprint import Fingerprint
from autonomy_core.idempotency.models import IdempotencyKey
from autonomy_core.idempotency.sealing import Unopened, mark_of, names_of, seal, unseal
from autonomy_core.kernel.scope import TenantScope

log = structlog.get_logger(__name__)

# The database's clock, which is one for all processes; and not the beginning of the transaction.
NOW = func.clock_timestamp(type_=DateTime(timezone=True))

NEWEST_FIRST = (IdempotencyKey.began_at.desc(),)
"""While the server's secret is replaced a claim may have an old row under the one and a new one under the other."""


@dataclass(slots=True)
class Reservation:
    """A key that is held for one request.

    Attributes:
        attempt: the request; when its lease has ended, another may hold the key.
        kept: whether the transaction with the answer in it was committed.
    """

    claim: Claim
    attempt: UUID
    kept: bool = False


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """A request that was carried out before.

    Attributes:
        most_bytes: how much is read of the body that comes with its key again.
    """

    most_bytes: int


def reserve(scope: TenantScope, claim: Claim, lease: timedelta) -> Reservation | CarriedOut:
    """Hold a key for one request. Commit before the request does anything.

    Of many requests at once one gets it, because the key is unique. A key whose lease or whose time has ended is
    as good as a new one.

    Raises:
        IdempotencyInProgress: it is held for another request.
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
    """Whether the key is held under another of the server's secrets.

    While the secret is replaced some processes use the one and some the other. They take turns, because names that
    differ are no conflict for the database.
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
    # No row: it was released a moment ago.
    if row is None or row.fingerprint is None:
        raise _in_progress(retry_after(row.so_far, row.left) if row else 1)
    return CarriedOut(row.most_bytes)


def keep(
    scope: TenantScope, reservation: Reservation, fingerprint: Fingerprint, answer: Answer | None
) -> None:
    """Write the answer down, in the transaction that does the request's work: there are both, or neither.

    Args:
        fingerprint: of the whole body.
        answer: None for one that cannot be kept.

    Raises:
        IdempotencyInProgress: the lease has ended, and another request holds the key: this one's work must be undone.
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
    """Let the key be used again, in a transaction of its own; what was kept stays.

    Where the database does not take it, the end of the lease does it.
    """
    of_this_attempt = (
        IdempotencyKey.attempt == reservation.attempt,
        IdempotencyKey.fingerprint.is_(None),
    )
    try:
        with scope.runtime.transaction(scope.organisation) as own:
            own.session.execute(
                delete(IdempotencyKey).where(*_the_row_of(own, reservation.claim), *of_this_attempt)
            )
    except (SQLAlchemyError, EmbeddedServerError) as error:
        log.warning("idempotency.not_released", error=type(error).__name__)


def answer_again(scope: TenantScope, claim: Claim, fingerprint: Fingerprint) -> Answer:
    """The answer to the same request before.

    People who do not know each other share the keys of callers without a name. Whoever tries bodies under such a key,
    to find out which one was sent, a login's password for example, gets one try: the answer is not given any more.

    Args:
        fingerprint: of the whole body that has come now.

    Raises:
        IdempotencyKeyReused: the body is another one.
        IdempotencyAnswerNotKept: it is the same, and there is no answer to give.
        IdempotencyInProgress: meanwhile the answer's time has ended.
    """
    digest = fingerprint.digest()
    # Locked, so that of many tries at once the second one sees what the first one did.
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
        if claim.is_anybodys:
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
    """Forget answers whose time has ended, and keys that nobody has held for as long.

    A lease that has ended is left for a while: a slow request may still be under way, and wants to find its key.
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
