"""Counting attempts in the database, so that the limits hold over all processes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.plugin_api.errors import TooManyRequests
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import client_network, organisation_keys
from customer_auth.domain import LOGIN_PERIOD, REGISTRATION_PERIOD, Bucket, RateLimit
from customer_auth.models import Attempts
from customer_auth.settings import PLUGIN

SWEEP = 10
"""Drained buckets removed with each attempt: more than one adds, so that the table stays small."""


PURPOSE = "customer_auth.attempts"


def login_buckets(scope: TenantScope, email: str, client_address: str | None) -> list[Bucket]:
    """A login counts for the account, whether it exists or not, and for where it comes from."""
    settings = scope.settings(PLUGIN)
    per_email = RateLimit(settings["failed_logins_per_email"], LOGIN_PERIOD)
    per_address = RateLimit(settings["failed_logins_per_address"], LOGIN_PERIOD)
    return [
        Bucket("login.address", client_network(client_address), per_address),
        Bucket("login.email", email, per_email),
    ]


def registration_buckets(scope: TenantScope, client_address: str | None) -> list[Bucket]:
    """A registration counts for where it comes from: who asks for many addresses asks for each only once."""
    limit = RateLimit(scope.settings(PLUGIN)["registrations_per_address"], REGISTRATION_PERIOD)
    return [Bucket("register.address", client_network(client_address), limit)]


def count(scope: TenantScope, buckets: Sequence[Bucket]) -> None:
    """Count an attempt before it is made, so that a thousand at once cannot all slip in under the limit.

    Args:
        scope: of a transaction that is committed whatever comes of the attempt.
        buckets: the ones it counts for.

    Raises:
        TooManyRequests: one of them is full; the transaction must be rolled back, so that nothing is counted.
    """
    now = utcnow()
    waits = [
        bucket.limit.wait(_fill(scope, bucket, 1, now), now)
        # Everybody locks rows in the same order, so that nobody waits in a circle.
        for bucket in sorted(buckets, key=lambda bucket: bucket.kind)
    ]
    if any(waits):
        raise TooManyRequests("Too many attempts; try again later.", extra={"retry_after": max(waits)})
    _sweep(scope, now)


def forgive(scope: TenantScope, buckets: Sequence[Bucket]) -> None:
    """Take back what `count` counted: the attempt succeeded."""
    now = utcnow()
    for bucket in sorted(buckets, key=lambda bucket: bucket.kind):
        _fill(scope, bucket, -1, now)


def _fill(scope: TenantScope, bucket: Bucket, attempts: int, now: datetime) -> datetime:
    """Add to a bucket; gives the moment at which it will have drained.

    While the server's secret is replaced, a bucket has a name for each of the secrets, and an attempt counts
    under all of them: so it counts as well for a process that has one of the secrets only.
    """
    change = bucket.limit.interval * attempts
    # In one order, whichever of the secrets a process has first.
    names = sorted(bucket.name(key) for key in organisation_keys(scope, PURPOSE))
    common = {"organisation_id": scope.organisation.id, "drained_at": now + change}
    new = insert(Attempts).values([{**common, "bucket": name} for name in names])
    statement = new.on_conflict_do_update(
        index_elements=[Attempts.organisation_id, Attempts.bucket],
        set_={"drained_at": func.greatest(Attempts.drained_at, now) + change},
    ).returning(Attempts.drained_at)
    return max(scope.session.scalars(statement))


def _sweep(scope: TenantScope, now: datetime) -> None:
    key = (Attempts.organisation_id, Attempts.bucket)
    # Whatever somebody else is busy with is left to a later sweep: waiting for it could end in a circle.
    drained = select(*key).where(Attempts.drained_at < now).limit(SWEEP).with_for_update(skip_locked=True)
    scope.session.execute(delete(Attempts).where(tuple_(*key).in_(drained)))
