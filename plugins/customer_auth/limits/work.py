"""Proof of work against bots, with ALTCHA: the client solves a computing task that this server sets.

A challenge is signed and not stored. The organisation and the purpose are part of the key, so a solution for
one call is no solution for another. A solution is accepted once: `require_work` counts it in a bucket that
holds one attempt and is empty again when the challenge has expired.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import altcha

from autonomy_core.plugin_api.errors import NotAllowed, TooManyRequests
from autonomy_core.plugin_api.limits import Bucket, RateLimit, count_attempt
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import organisation_key, organisation_keys
from customer_auth.domain import WORK_LIFETIME, WORK_PERIOD, WorkPurpose
from customer_auth.settings import PLUGIN

ALGORITHM = "PBKDF2/SHA-256"
"""A browser computes it natively, which a script cannot do faster."""

COST = 5000
"""The iterations of one guess. A solution needs 256 guesses on average: about a second in a browser."""

CHALLENGE_JSON = {
    "type": "object",
    "required": ["parameters", "signature"],
    "properties": {
        "parameters": {"type": "object", "description": "the task, see ALTCHA's proof of work, version 2"},
        "signature": {"type": "string"},
    },
}


class ProofOfWorkRequired(NotAllowed):
    """The client must solve ``challenge``, and repeat the call with the solution as ``proof_of_work``."""

    code, title = "proof_of_work_required", "A solved task is required"
    members = {"challenge": CHALLENGE_JSON}


def new_challenge(
    scope: TenantScope, purpose: WorkPurpose, lifetime: timedelta = WORK_LIFETIME
) -> dict[str, Any]:
    """Return a challenge for a call of this organisation, in ALTCHA's format.

    Args:
        scope: the scope of the organisation.
        purpose: the call that the solution will be sent to.
        lifetime: how long it can be solved.
    """
    expires_at, key = utcnow() + lifetime, organisation_key(scope, _key(purpose))
    challenge = altcha.create_challenge(ALGORITHM, COST, expires_at=expires_at, hmac_secret=key)
    return challenge.to_dict()


def require_work(scope: TenantScope, purpose: WorkPurpose, solution: str | None) -> None:
    """Refuse a call that needs a proof of work and has none.

    Call it after the input was validated and before anything else: a solution is spent even if the call fails
    later.

    Args:
        scope: the scope of the organisation. The function works in a separate transaction.
        purpose: the call.
        solution: the client's solution, in ALTCHA's format; None if it has sent none.

    Raises:
        ProofOfWorkRequired: the organisation always requires a proof of work, or there are too many calls
            without one, or the solution is invalid, expired or used. It contains a new challenge.
    """
    settings = scope.settings(PLUGIN)
    if settings["proof_of_work"] == "never":
        return
    if solution is not None:
        accepted = _spend(scope, purpose, solution)
    else:
        accepted = settings["proof_of_work"] == "busy" and _is_quiet(scope)
    if not accepted:
        raise ProofOfWorkRequired(extra={"challenge": new_challenge(scope, purpose)})


def _spend(scope: TenantScope, purpose: WorkPurpose, solution: str) -> bool:
    """Return whether a solution is valid and was not used before."""
    keys = organisation_keys(scope, _key(purpose))
    if not any(altcha.verify_solution(solution, key).verified for key in keys):
        return False
    # The nonce is signed, so that another spelling of the solution has the same one.
    nonce = altcha.Payload.from_base64(solution).challenge.parameters.nonce
    return _counts(scope, Bucket("work.solution", nonce, RateLimit(1, WORK_LIFETIME)))


def _is_quiet(scope: TenantScope) -> bool:
    """Count a call without a solution; return whether the process and the organisation have room for it."""
    everywhere = RateLimit(scope.server_settings(PLUGIN)["calls_without_work"], WORK_PERIOD)
    here = RateLimit(scope.settings(PLUGIN)["calls_without_work"], WORK_PERIOD)
    return PROCESS.counts(everywhere, utcnow()) and _counts(scope, Bucket("work.calls", "", here))


def _counts(scope: TenantScope, bucket: Bucket) -> bool:
    try:
        with scope.begin() as own:
            count_attempt(own, [bucket])
    except TooManyRequests:
        return False
    return True


class ProcessBucket:
    """A bucket of this process, for all organisations together: no table has rows of all of them."""

    def __init__(self) -> None:
        self._drained_at: datetime | None = None
        self._lock = Lock()

    def counts(self, limit: RateLimit, now: datetime) -> bool:
        """Count an attempt, unless the bucket is full; return whether it was counted."""
        with self._lock:
            filled = max(self._drained_at or now, now) + limit.interval
            if limit.wait(filled, now):
                return False
            self._drained_at = filled
            return True


PROCESS = ProcessBucket()


def _key(purpose: WorkPurpose) -> str:
    return f"customer_auth.proof_of_work.{purpose}"
