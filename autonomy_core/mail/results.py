"""Notes the result of an attempt to deliver a mail: its next status, alarms, suppressions, the log."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update

from autonomy_core.alarms.services import clear_alarm, raise_alarm
from autonomy_core.db.base import utcnow
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.mail import Mail, MailAccount, MailRefused
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.composing import BadAddress, address_of
from autonomy_core.mail.domain import LONGEST_WAIT_S, next_attempt
from autonomy_core.mail.models import MailMessage, MailStatus
from autonomy_core.mail.services import DELIVER
from autonomy_core.mail.suppressions import suppress

log = structlog.get_logger(__name__)

LONGEST_ANSWER = 500

GIVEN_UP = "mail.given_up"
"""The alarm of a mail that was given up."""

UNAVAILABLE = "mail.account_unavailable"
"""The alarm of an account that cannot be used."""

ALARM_AFTER_ATTEMPTS = 3
"""A short interruption of a mail server is no alarm."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail that this worker has claimed.

    Attributes:
        mail: the mail.
        attempt: the number of this attempt, from 1 on. It tells the claim from a later one of another worker.
        hand_over_by: until when the mail may be handed over, by the monotonic clock. Later, another worker
            may claim and send it meanwhile.
    """

    mail: Mail
    attempt: int
    hand_over_by: float


def note_sent(scope: TenantScope, claimed: Claim, answer: str, *, recovered: MailAccount | None) -> None:
    """Note that a server has accepted a mail.

    Args:
        scope: the scope of the organisation.
        claimed: the claim.
        answer: the answer of the server.
        recovered: the account, if the mail shows that it can be used; None if that is known.
    """
    with scope.begin() as own:
        _record(own, claimed, "sent", answer)
        if recovered is not None:
            clear_alarm(own, UNAVAILABLE, recovered.label)
    _log(claimed, "mail.sent")


def note_refused(scope: TenantScope, claimed: Claim, reason: str) -> None:
    """Note that we do not send a mail."""
    with scope.begin() as own:
        _record(own, claimed, "refused", reason)
    _log(claimed, "mail.refused", reason=_shown(reason, claimed.mail))


def note_rejected(scope: TenantScope, claimed: Claim, refusal: MailRefused) -> None:
    """Note that a server did not accept a mail. It bounces, or is tried again."""
    if not refusal.permanent:
        note_failed(scope, claimed, refusal.answer)
        return
    with scope.begin() as own:
        _record(own, claimed, "bounced", refusal.answer)
        if refusal.bad_address:
            suppress(own, claimed.mail.to, "bounced", mail_id=claimed.mail.id)
    _log(claimed, "mail.bounced", answer=_shown(refusal.answer, claimed.mail))


def note_failed(scope: TenantScope, claimed: Claim, reason: str) -> None:
    """Note a failure. The mail is tried again, or given up."""
    with scope.begin() as own:
        _try_again_or_give_up(own, claimed, reason)


def note_unavailable(scope: TenantScope, claimed: Claim, account: MailAccount, reason: str) -> None:
    """Note that the account cannot be used now: all mail that is due waits, without counting an attempt."""
    with scope.begin() as own:
        now = utcnow()
        again_at = _try_again_or_give_up(own, claimed, reason) or now + timedelta(seconds=LONGEST_WAIT_S)
        due = (
            select(MailMessage.id)
            .where(MailMessage.status == "queued", MailMessage.due_at <= now)
            .with_for_update(skip_locked=True)
        )
        waiting = update(MailMessage).where(MailMessage.id.in_(due)).values(due_at=again_at)
        own.session.execute(waiting, execution_options={"synchronize_session": False})
        defer(own, DELIVER, in_seconds=_seconds_until(again_at))
        if claimed.attempt >= ALARM_AFTER_ATTEMPTS:
            raise_alarm(own, UNAVAILABLE, account.label, _shown(reason, claimed.mail))


def _try_again_or_give_up(own: TenantScope, claimed: Claim, reason: str) -> datetime | None:
    again_at = next_attempt(claimed.mail.created_at, claimed.attempt, utcnow())
    reason = _shown(reason, claimed.mail)
    if again_at is None:
        _record(own, claimed, "given_up", reason)
        message = f"mail {claimed.mail.template} failed {claimed.attempt} times, the last time: {reason}"
        raise_alarm(own, GIVEN_UP, str(claimed.mail.id), message)
        _log(claimed, "mail.given_up", reason=reason)
    else:
        _record(own, claimed, "queued", reason, due_at=again_at)
        defer(own, DELIVER, in_seconds=_seconds_until(again_at))
        _log(claimed, "mail.postponed", reason=reason, again_at=again_at.isoformat())
    return again_at


def _seconds_until(moment: datetime) -> int:
    # One more, because the job may begin a fraction of a second before the mail is due.
    return max(0, int((moment - utcnow()).total_seconds())) + 1


def _record(
    own: TenantScope, claimed: Claim, status: MailStatus, answer: str, *, due_at: datetime | None = None
) -> None:
    """Write the status, unless the claim has ended and another worker has claimed the mail."""
    now = utcnow()
    noted = (
        update(MailMessage)
        .where(
            MailMessage.id == claimed.mail.id,
            MailMessage.status == "sending",
            MailMessage.attempts == claimed.attempt,
        )
        .values(
            status=status,
            answer=_shown(answer, claimed.mail),
            due_at=due_at or now,
            finished_at=None if status == "queued" else now,
        )
        .returning(MailMessage.id)
        .execution_options(synchronize_session=False)
    )
    if own.session.scalar(noted) is None:
        log.warning("mail.claim_lost", mail=str(claimed.mail.id), status=status)


def _shown(answer: str, mail: Mail) -> str:
    """Return an answer for people and the log: one line, without the address."""
    line = " ".join(answer.replace("\x00", "").split())
    for spelling in _spellings(mail.to):
        line = re.sub(re.escape(spelling), "(address)", line, flags=re.IGNORECASE)
    return line[:LONGEST_ANSWER]


def _spellings(address: str) -> Iterator[str]:
    """The address as the outbox has it, and as a mail server has got it."""
    # That of an erased customer is empty.
    if address:
        yield address
    with contextlib.suppress(BadAddress):
        yield address_of(address).addr_spec


def _log(claimed: Claim, event: str, **more: str) -> None:
    """Log a result, without the address."""
    level = log.error if event == "mail.given_up" else log.info
    level(event, mail=str(claimed.mail.id), template=claimed.mail.template, attempt=claimed.attempt, **more)
