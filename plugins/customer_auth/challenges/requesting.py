"""Requests for a mail. A request of a stranger does the same for every address.

The worker decides later whether the mail is sent, see `mails`. So neither the answer nor its time tells
whether the address has an account.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from autonomy_core.plugin_api.errors import NotAllowed, TooManyRequests
from autonomy_core.plugin_api.limits import Bucket, RateLimit, count_attempt
from autonomy_core.plugin_api.mail import send
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import client_network
from customer_auth.challenges.mails import MailKind
from customer_auth.domain import WorkPurpose, token_hash
from customer_auth.limits.work import require_work
from customer_auth.settings import PLUGIN

log = structlog.get_logger(__name__)

PERIOD = timedelta(hours=1)

SHARE = 2
"""One network may cause one of so many mails to an address, so that it cannot use up the owner's share."""


class PasswordlessDisabled(NotAllowed):
    """The organisation does not let customers sign in by mail."""

    code, title = "passwordless_disabled", "Signing in by mail is not offered here"


@dataclass(frozen=True, slots=True)
class Requested:
    """What a client needs to use the mail that it asked for.

    Attributes:
        flow: the handle without which the mail is useless.
    """

    flow: str = field(repr=False)


def request_reset_mail(
    scope: TenantScope, *, email: str, client_address: str | None, proof_of_work: str | None = None
) -> None:
    """Mail a link with which a new password is set, if a customer has the address.

    Raises:
        ProofOfWorkRequired, TooManyRequests: see `_request`.
    """
    require_work(scope, WorkPurpose.PASSWORD_RESET, proof_of_work)
    _request(scope, MailKind.RESET, email, client_address)


def request_library_mail(
    scope: TenantScope, *, email: str, client_address: str | None, proof_of_work: str | None = None
) -> None:
    """Mail a link to all that was bought with an address, if something was.

    Raises:
        ProofOfWorkRequired, TooManyRequests: see `_request`.
    """
    require_work(scope, WorkPurpose.LIBRARY_LINK, proof_of_work)
    _request(scope, MailKind.LIBRARY, email, client_address)


def request_sign_in_mail(
    scope: TenantScope, *, email: str, client_address: str | None, proof_of_work: str | None = None
) -> Requested:
    """Mail a link and a code with which the client of this call signs in, if a customer has the address.

    Returns:
        The handle, also if no mail is sent.

    Raises:
        PasswordlessDisabled: the organisation does not offer it.
        ProofOfWorkRequired, TooManyRequests: see `_request`.
    """
    if not scope.settings(PLUGIN)["passwordless"]:
        raise PasswordlessDisabled
    require_work(scope, WorkPurpose.SIGN_IN, proof_of_work)
    flow = new_flow()
    _request(scope, MailKind.SIGN_IN, email, client_address, {"browser": token_hash(flow)})
    return Requested(flow)


def new_flow() -> str:
    """Return a new handle for a client."""
    return secrets.token_urlsafe(32)


def count_for_customer(
    scope: TenantScope, kind: MailKind, email: str, customer_id: UUID, client_address: str | None
) -> None:
    """Count a mail that a customer asks for who is logged in.

    Raises:
        TooManyRequests: too many for the address, from this network, or by this customer.
    """
    mine = Bucket(f"mail.{kind}.customer", str(customer_id), _per_email(scope))
    mailbox = _mailbox_buckets(scope, kind, email, client_address)
    with scope.begin() as own:
        count_attempt(own, [mine, *mailbox, *_network_buckets(scope, client_address)])


def _request(
    scope: TenantScope,
    kind: MailKind,
    email: str,
    client_address: str | None,
    values: Mapping[str, Any] | None = None,
) -> None:
    """Put a mail into the outbox, unless it has had many.

    A full mailbox gets the usual answer, and no mail: an earlier mail is there already.

    Raises:
        TooManyRequests: too many requests from this network.
    """
    with scope.begin() as own:
        count_attempt(own, _network_buckets(scope, client_address))
    try:
        with scope.begin() as own:
            count_attempt(own, _mailbox_buckets(scope, kind, email, client_address))
    except TooManyRequests:
        log.warning("customer_auth.mail_withheld", kind=kind.value)
        return
    send(scope, kind.template, email, values or {})


def _network_buckets(scope: TenantScope, client_address: str | None) -> list[Bucket]:
    limit = RateLimit(scope.settings(PLUGIN)["mails_per_address"], PERIOD)
    return [Bucket("mail.address", client_network(client_address), limit)]


def _mailbox_buckets(
    scope: TenantScope, kind: MailKind, email: str, client_address: str | None
) -> list[Bucket]:
    """Each kind of mail has limits of its own: who uses up one kind does not close the other ways in."""
    per_email = _per_email(scope)
    share = RateLimit(max(1, per_email.attempts // SHARE), PERIOD)
    network = client_network(client_address)
    return [
        Bucket(f"mail.{kind}.email", email, per_email),
        Bucket(f"mail.{kind}.share", f"{network} {email}", share),
    ]


def _per_email(scope: TenantScope) -> RateLimit:
    return RateLimit(scope.settings(PLUGIN)["mails_per_email"], PERIOD)
