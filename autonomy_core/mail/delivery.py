"""Delivers the mail of an organisation that is due. The worker calls `deliver_due`.

Each mail takes three steps. A transaction claims it and counts the attempt. Another one prepares and renders
it. It is handed over outside of any transaction, and a transaction notes the result. A worker that dies
between handing over and noting leaves a claim, which ends: the mail is sent once more, with the same
``Message-ID``.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from autonomy_core.callables import call_to_its_end
from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.jobs.failures import described
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.events import MailSending
from autonomy_core.kernel.mail import (
    Letter,
    Mail,
    MailerUnavailable,
    MailRefused,
    MailTemplate,
    NotSent,
)
from autonomy_core.kernel.retries import TryAgain
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit
from autonomy_core.mail import results
from autonomy_core.mail.carrier import Carrier
from autonomy_core.mail.composing import BadAddress, compose
from autonomy_core.mail.domain import CLAIM_MARGIN_S, claim_seconds, message_id_of
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.rendering import render
from autonomy_core.mail.results import Claim
from autonomy_core.mail.services import DELIVER
from autonomy_core.mail.settings import mail_settings
from autonomy_core.mail.suppressions import suppressed_because
from autonomy_core.mail.turns import TooManyTurns, Turn, Turns

log = structlog.get_logger(__name__)

LONGEST_TURN_S = 30
"""After this time an organisation's turn ends, so that the thread can run other jobs."""

LONGEST_WAIT_FOR_TURN_S = 60

NOTE_AGAIN_AFTER_S = (0.5, 2.0, 5.0)
"""The record that a mail was sent is repeated: without it, the mail would be sent again."""

_TURNS = Turns(2)


def deliver_due(scope: TenantScope) -> None:
    """Deliver the organisation's mail that is due, on one connection.

    Args:
        scope: the scope of the job. Its own transaction stays unused.

    Raises:
        TryAgain: the threads that hand over mail are busy with other organisations.
    """
    try:
        turn = _TURNS.begin(scope.organisation.id)
    except TooManyTurns:
        reason = "mail of other organisations is being handed over"
        raise TryAgain(reason, longest_wait_s=LONGEST_WAIT_FOR_TURN_S) from None
    if turn is None:
        return
    try:
        _take_turn(scope, turn)
    finally:
        _TURNS.end(turn)


def _take_turn(scope: TenantScope, turn: Turn) -> None:
    ends_at = time.monotonic() + LONGEST_TURN_S
    with Carrier(scope) as carrier:
        while True:
            claimed = claim(scope)
            if claimed is None:
                if _TURNS.end_unless_wanted(turn):
                    break
            elif not deliver(scope, carrier, claimed):
                return
            elif time.monotonic() > ends_at:
                with scope.begin() as own:
                    defer(own, DELIVER)
                return
    _look_again_after_foreign_claims(scope)


def _look_again_after_foreign_claims(scope: TenantScope) -> None:
    """Defer a job for the time when the claim of another worker ends, in case that worker has died."""
    with scope.begin() as own:
        ends_at = own.session.scalar(
            select(func.min(MailMessage.due_at)).where(MailMessage.status == "sending")
        )
        if ends_at is not None:
            defer(own, DELIVER, in_seconds=_seconds_until(ends_at))


def _seconds_until(moment: datetime) -> int:
    return max(0, ceil((moment - utcnow()).total_seconds()))


def claim(scope: TenantScope) -> Claim | None:
    """Claim the mail that has been due for longest, and count the attempt; None if no mail is due.

    Args:
        scope: the scope of the organisation. The claim is committed in a transaction of its own.
    """
    now, hand_over_by = utcnow(), time.monotonic() + CLAIM_MARGIN_S
    due = (
        select(MailMessage)
        .where(MailMessage.status.in_(["queued", "sending"]), MailMessage.due_at <= now)
        .order_by(MailMessage.due_at, MailMessage.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with scope.begin() as own:
        row = own.session.scalars(due).first()
        if row is None:
            return None
        row.status = "sending"
        row.attempts += 1
        row.due_at = now + timedelta(seconds=claim_seconds(scope.server.mail_timeout))
        return Claim(_mail_of(row), row.attempts, hand_over_by)


def _mail_of(row: MailMessage) -> Mail:
    return Mail(
        id=row.id,
        template=row.template,
        to=row.recipient,
        values=row.template_values,
        customer_id=row.customer_id,
        locale=row.locale,
        created_at=row.created_at,
        message_id=row.message_id,
    )


class PreparedTooLate(Exception):
    """The preparation of a mail took so long that another worker may have claimed it meanwhile."""


def deliver(scope: TenantScope, carrier: Carrier, claimed: Claim) -> bool:
    """Prepare a claimed mail, hand it over and note the result.

    Args:
        scope: the scope of the organisation, in no transaction.
        carrier: the connection.
        claimed: the claim. If it is too late to hand over the mail, it is tried again.

    Returns:
        False if the account is unusable.
    """
    try:
        letter = _prepare_in_time(scope, claimed)
        answer = carrier.deliver(letter)
    except NotSent as reason:
        results.note_refused(scope, claimed, str(reason))
    except MailRefused as refusal:
        results.note_rejected(scope, claimed, refusal)
    except MailerUnavailable as reason:
        results.note_unavailable(scope, claimed, carrier.account, str(reason))
        return False
    except Exception as error:
        log.exception("mail.failed", mail=str(claimed.mail.id), template=claimed.mail.template)
        results.note_failed(scope, claimed, described(error))
    else:
        _record_sent(scope, claimed, answer, carrier)
    return True


def _prepare_in_time(scope: TenantScope, claimed: Claim) -> Letter:
    letter = prepare(scope, claimed.mail)
    if time.monotonic() > claimed.hand_over_by:
        raise PreparedTooLate(f"its preparation took longer than {CLAIM_MARGIN_S} s")
    return letter


def _record_sent(scope: TenantScope, claimed: Claim, answer: str, carrier: Carrier) -> None:
    recovered = None if carrier.is_proven else carrier.account
    for wait in NOTE_AGAIN_AFTER_S:
        try:
            results.note_sent(scope, claimed, answer, recovered=recovered)
        except SQLAlchemyError as error:
            log.warning("mail.note_again", mail=str(claimed.mail.id), reason=described(error))
            time.sleep(wait)
        else:
            break
    else:
        results.note_sent(scope, claimed, answer, recovered=recovered)
    carrier.is_proven = True


def prepare(scope: TenantScope, mail: Mail) -> Letter:
    """Prepare, render and compose a mail, in a transaction of its own.

    Raises:
        NotSent: it must not be sent. What was prepared is rolled back.
        LookupError: its template is not available.
        Exception: any error of a template or a plugin.
    """
    template = _template_of(scope, mail)
    with scope.begin() as own:
        reason = suppressed_because(own, mail.to, bulk=template.bulk)
        if reason is not None:
            raise NotSent(reason)
        values = {**mail.values, **_prepared(own, template, mail)}
        reasons: list[str] = []
        event = MailSending(own, mail, values.__setitem__, reasons.append)
        with forbid_commit(own):
            own.hooks.call("on_mail_sending", event)
        if reasons:
            raise NotSent("; ".join(reasons))
        if template.bulk and values.get("unsubscribe_url") is None:
            values["unsubscribe_url"] = runtime_of(scope).unsubscribe_url(own, mail)
        rendered = render(own, template, values, locale=values.get("locale") or mail.locale, to=mail.to)
        try:
            return compose(own, template, mail, rendered)
        except BadAddress as error:
            raise NotSent(str(error)) from error


def send_test(scope: TenantScope, address: str) -> str:
    """Send a test mail now, past the outbox, and return the mail server's answer.

    Args:
        scope: the scope of the organisation, in no transaction.
        address: the recipient.

    Raises:
        MailerUnavailable, MailRefused: see `MailConnection.deliver`.
        NotSent: the address gets no mail.
    """
    mail_id = uuid7()
    message_id = message_id_of(mail_id, mail_settings(scope).from_address)
    letter = prepare(scope, Mail(mail_id, "mail.test", address, {}, None, None, utcnow(), message_id))
    with Carrier(scope) as carrier:
        return carrier.deliver(letter)


def _template_of(scope: TenantScope, mail: Mail) -> MailTemplate:
    runtime = runtime_of(scope)
    template = runtime.mail_templates.get(mail.template)
    if template is None:
        raise LookupError(f"no installed plugin has the template {mail.template}")
    owner = mail.template.partition(".")[0]
    if owner in runtime.plugins.names and owner not in scope.organisation.plugins:
        raise LookupError(f"plugin {owner} is not enabled")
    return template


def _prepared(own: TenantScope, template: MailTemplate, mail: Mail) -> dict[str, Any]:
    if template.prepare is None:
        return {}
    with forbid_commit(own):
        return dict(call_to_its_end(template.prepare, own, mail))
