"""Which logins have not ended: what an access token alone cannot tell."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from time import monotonic

from sqlalchemy import DateTime, Text, Uuid, exists, select

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.statements import compiled, parameter
from customer_auth.access_tokens import Bearer
from customer_auth.models import LoginSession

ASKED_AGAIN_AFTER_S = 3.0
"""For how many seconds a process believes that a login goes on: so long a token outlives its login at most."""

MOST_REMEMBERED = 10_000


class OpenLogins:
    """The logins that this process has lately found open in the database.

    Only what was found open is remembered: a login that has ended stays ended, and is asked about again each time.
    """

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, Bearer], float] = OrderedDict()
        self._lock = Lock()

    def has(self, scope: TenantScope, bearer: Bearer) -> bool:
        """Whether a login goes on; asks the database at most once in `ASKED_AGAIN_AFTER_S` seconds.

        The question has a transaction of its own: a view may have none, or one that is held while it works.
        """
        key = (scope.organisation.id, bearer)
        asked_at = monotonic()
        if asked_at - self._found.get(key, float("-inf")) < ASKED_AGAIN_AFTER_S:
            return True
        is_open = _is_open(scope, bearer)
        if is_open:
            self._remember(key, asked_at)
        return is_open

    def _remember(self, key: tuple[str, Bearer], asked_at: float) -> None:
        with self._lock:
            self._found[key] = asked_at
            self._found.move_to_end(key)
            while len(self._found) > MOST_REMEMBERED:
                self._found.popitem(last=False)


IS_OPEN = compiled(
    select(
        exists().where(
            LoginSession.organisation_id == parameter("organisation_id", Text()),
            LoginSession.id == parameter("session_id", Uuid()),
            LoginSession.customer_id == parameter("customer_id", Uuid()),
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > parameter("now", DateTime(timezone=True)),
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
