"""Finds out whose player calls, and limits wrong guesses.

An attempt is counted before the password is verified, so that concurrent guesses cannot exceed a limit. A
player calls often, so a name that was right a while ago from a network is not counted there: see
`RecentSuccesses`. Its first wrong password is counted again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from time import monotonic
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select, update

from autonomy_core.plugin_api.customers import Customer, is_current
from autonomy_core.plugin_api.errors import TooManyRequests
from autonomy_core.plugin_api.limits import Bucket, RateLimit, count_attempt, forgive_attempt
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import client_network
from media_mp3.subsonic import sealing
from media_mp3.subsonic.domain import GENERIC, Credentials, ProtocolError
from media_mp3.subsonic.models import AppPassword

log = structlog.get_logger(__name__)

PERIOD: Final = timedelta(minutes=15)
PER_DEVICE: Final = RateLimit(20, PERIOD)
PER_NETWORK: Final = RateLimit(100, PERIOD)

REMEMBERED_FOR_S: Final = 600.0
MOST_REMEMBERED: Final = 10_000
LAST_USE_EVERY: Final = timedelta(hours=1)

Key = tuple[str, str, str]
"""An organisation, a user name and a network."""


@dataclass(frozen=True, slots=True)
class Listener:
    """The customer of a player.

    Attributes:
        username: of the app password.
    """

    customer_id: UUID
    username: str


class RecentSuccesses:
    """Names that were right from a network a while ago, in this process. They open nothing.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[Key, float] = OrderedDict()
        self._lock = Lock()

    def has(self, key: Key) -> bool:
        """Whether the last password of this name, from this network, was right and not long ago."""
        return self._clock() - self._seen.get(key, float("-inf")) < REMEMBERED_FOR_S

    def add(self, key: Key) -> None:
        """Remember that a password was right."""
        with self._lock:
            self._seen[key] = self._clock()
            self._seen.move_to_end(key)
            while len(self._seen) > MOST_REMEMBERED:
                self._seen.popitem(last=False)

    def forget(self, key: Key) -> None:
        """Forget it after a wrong password."""
        with self._lock:
            self._seen.pop(key, None)


SUCCESSES: Final = RecentSuccesses()


def authenticate(scope: TenantScope, credentials: Credentials, client_address: str | None) -> Listener:
    """Find the customer whose app password a player presents.

    Args:
        scope: its own transaction is not used, because an attempt counts whatever becomes of the call.
        credentials: what the player presents.
        client_address: of the player.

    Raises:
        ProtocolError: the app password does not exist or was revoked, the customer is blocked or gone, or
            there were too many wrong attempts.
    """
    network = client_network(client_address)
    key = (scope.organisation.id, credentials.name, network)
    buckets = [
        Bucket("media_mp3.app_password", f"{credentials.name}/{network}", PER_DEVICE),
        Bucket("media_mp3.app_password.address", network, PER_NETWORK),
    ]
    is_counted = not SUCCESSES.has(key)
    if is_counted:
        _count(scope, buckets)
    with scope.begin() as own:
        listener = _verified(own, credentials)
        if listener is not None and is_counted:
            forgive_attempt(own, buckets)
    if listener is None:
        SUCCESSES.forget(key)
        if not is_counted:
            with suppress(ProtocolError):
                _count(scope, buckets)
        raise credentials.refusal
    SUCCESSES.add(key)
    return listener


def _count(scope: TenantScope, buckets: list[Bucket]) -> None:
    try:
        with scope.begin() as own:
            count_attempt(own, buckets)
    except TooManyRequests as error:
        log.warning("media_mp3.app_password_attempts")
        seconds = error.extra["retry_after"]
        message = f"There were too many wrong passwords. Try again in {seconds} seconds."
        raise ProtocolError(GENERIC, message) from None


def _verified(scope: TenantScope, credentials: Credentials) -> Listener | None:
    statement = (
        select(AppPassword)
        .join(
            Customer,
            (Customer.organisation_id == AppPassword.organisation_id)
            & (Customer.id == AppPassword.customer_id),
        )
        .where(AppPassword.username == credentials.name, Customer.blocked_at.is_(None), is_current())
    )
    found = scope.session.scalars(statement).one_or_none()
    if found is None or not _matches(scope, found, credentials):
        return None
    now = utcnow()
    if found.last_used_at is None or now - found.last_used_at > LAST_USE_EVERY:
        used = update(AppPassword).where(AppPassword.id == found.id).values(last_used_at=now)
        scope.session.execute(used)
    return Listener(found.customer_id, found.username)


def _matches(scope: TenantScope, found: AppPassword, credentials: Credentials) -> bool:
    try:
        secret = sealing.unseal(scope, found.id, found.sealed_secret)
    except sealing.Unopened:
        log.error("media_mp3.app_password_unreadable", app_password=str(found.id))  # noqa: TRY400
        return False
    return credentials.match(secret)
