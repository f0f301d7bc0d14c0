"""Use cases of app passwords: make one for a device, list them, revoke one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select, delete, func, select

from autonomy_core.plugin_api.customers import require_open_login
from autonomy_core.plugin_api.errors import Conflict, NotFound
from autonomy_core.plugin_api.models import uuid7
from autonomy_core.plugin_api.scope import TenantScope
from media_mp3.settings import PLUGIN
from media_mp3.subsonic import sealing
from media_mp3.subsonic.domain import KEY_SEPARATOR
from media_mp3.subsonic.models import AppPassword

ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without characters that look alike: people type a password into a television."""

USERNAME_LENGTH: Final = 10
SECRET_LENGTH: Final = 24
"""119 bits. A password that cannot be guessed needs no slow hash."""

MOST_PASSWORDS: Final = 50


class TooManyAppPasswords(Conflict):
    """The customer has as many app passwords as one may have."""

    code, title = "too_many_app_passwords", "There are too many app passwords: revoke one first"


@dataclass(frozen=True, slots=True)
class NewAppPassword:
    """A new app password. It is shown once.

    Attributes:
        api_key: user name and password as one text, for players with ``apiKeyAuthentication``.
    """

    id: UUID
    name: str
    username: str
    created_at: datetime
    password: str = field(repr=False)
    last_used_at: None = None

    @property
    def api_key(self) -> str:
        """User name and password as one text, for players with ``apiKeyAuthentication``."""
        return f"{self.username}{KEY_SEPARATOR}{self.password}"


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def create(scope: TenantScope, customer_id: UUID, session_id: UUID | None, name: str) -> NewAppPassword:
    """Make an app password for a device of a customer.

    Args:
        scope: the scope of the organisation, in a transaction.
        customer_id: the customer.
        session_id: the login of the request.
        name: how the customer calls the device.

    Raises:
        NotFound: the organisation does not offer players.
        NotAuthenticated: the login has ended, or the customer was erased or merged meanwhile.
        TooManyAppPasswords: the customer has as many as one may have.
    """
    if not is_offered(scope):
        raise NotFound
    require_open_login(scope, customer_id, session_id)
    count = select(func.count(AppPassword.id)).where(AppPassword.customer_id == customer_id)
    if (scope.session.scalar(count) or 0) >= MOST_PASSWORDS:
        raise TooManyAppPasswords
    secret, row_id = _random(SECRET_LENGTH), uuid7()
    row = AppPassword(
        organisation_id=scope.organisation.id,
        id=row_id,
        customer_id=customer_id,
        name=name,
        username=_random(USERNAME_LENGTH),
        sealed_secret=sealing.seal(scope, row_id, secret),
        sealed_with=sealing.current_seal(scope),
    )
    scope.session.add(row)
    scope.session.flush()
    return NewAppPassword(row.id, row.name, row.username, row.created_at, secret)


def is_offered(scope: TenantScope) -> bool:
    """Whether the organisation's buyers can use players."""
    return bool(scope.settings(PLUGIN)["opensubsonic"])


def of(customer_id: UUID) -> Select[AppPassword]:
    """Select the app passwords of a customer."""
    return select(AppPassword).where(AppPassword.customer_id == customer_id)


def revoke(scope: TenantScope, customer_id: UUID, password_id: UUID) -> None:
    """Revoke an app password. The next call of its device is refused.

    Raises:
        NotFound: the customer has no such app password.
    """
    mine = delete(AppPassword).where(AppPassword.customer_id == customer_id, AppPassword.id == password_id)
    if scope.session.scalar(mine.returning(AppPassword.id)) is None:
        raise NotFound


def revoke_all(scope: TenantScope, customer_id: UUID) -> None:
    """Revoke every app password of a customer."""
    scope.session.execute(delete(AppPassword).where(AppPassword.customer_id == customer_id))
