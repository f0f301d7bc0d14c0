"""Checks whether the login of an access token is still open, and its customer not blocked."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from uuid import UUID

from sqlalchemy import DateTime, Text, Uuid, exists, select

from autonomy_core.plugin_api.customers import Customer
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.statements import compiled, parameter
from customer_auth.models import LoginSession
from customer_auth.sessions.access_tokens import Bearer
from customer_auth.sessions.recent import Recent

CACHED_FOR_S = 3.0
"""How long a process caches that a login is open. A token can outlive its login by this many seconds."""

MOST_CACHED = 10_000
"""How many open logins a process caches."""

Key = tuple[str, UUID, UUID]
"""An organisation, a customer and a login."""


class OpenLogins:
    """The logins that this process recently found open in the database.

    Only open logins are cached: an ended login stays ended, and is looked up each time.

    Args:
        cached_for_s: see `CACHED_FOR_S`.
        most: how many are cached.
        clock: returns seconds.
    """

    def __init__(
        self,
        cached_for_s: float = CACHED_FOR_S,
        most: int = MOST_CACHED,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._recent: Recent[Key, bool] = Recent(cached_for_s, most, clock)

    def has(self, scope: TenantScope, bearer: Bearer) -> bool:
        """Return whether a login is open. It queries the database at most once in ``cached_for_s`` seconds.

        The query has its own transaction, because the view may have none, or one that lasts long.
        """
        key = (scope.organisation.id, bearer.customer_id, bearer.session_id)
        if self._recent.get(key):
            return True
        now = self._recent.now()
        is_open = _is_open(scope, bearer)
        if is_open:
            self._recent.put(key, is_open, now)
        return is_open


IS_OPEN = compiled(
    select(
        exists().where(
            LoginSession.organisation_id == parameter("organisation_id", Text()),
            LoginSession.id == parameter("session_id", Uuid()),
            LoginSession.customer_id == parameter("customer_id", Uuid()),
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > parameter("now", DateTime(timezone=True)),
            Customer.organisation_id == LoginSession.organisation_id,
            Customer.id == LoginSession.customer_id,
            Customer.blocked_at.is_(None),
            Customer.erased_at.is_(None),
            Customer.merged_into.is_(None),
        )
    )
)


def _is_open(scope: TenantScope, bearer: Bearer) -> bool:
    values = {
        "organisation_id": scope.organisation.id,
        "session_id": bearer.session_id,
        "customer_id": bearer.customer_id,
        "now": utcnow(),
    }
    ((is_open,),) = scope.execute_alone(IS_OPEN, values)
    return bool(is_open)
