"""Limits of calls that no account identifies, for example by the network of the client.

The database counts, so all processes share a limit. An attempt is one statement in a transaction of its own.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta

from autonomy_core.db.base import utcnow
from autonomy_core.db.pipeline import Statement
from autonomy_core.errors import TooManyRequests
from autonomy_core.kernel.keys import organisation_key
from autonomy_core.kernel.scope import TenantScope

PURPOSE = "security.limits"

COUNT = Statement("""
WITH swept AS (
    DELETE FROM rate_counts WHERE rate_counts.organisation_id = %(organisation_id)s AND bucket IN (
        SELECT bucket FROM rate_counts
        WHERE rate_counts.organisation_id = %(organisation_id)s AND drained_at < %(now)s::timestamptz
            AND bucket <> %(bucket)s
        LIMIT 10 FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO rate_counts AS count (organisation_id, bucket, drained_at)
VALUES (%(organisation_id)s::text, %(bucket)s::text, %(once_drained)s::timestamptz)
ON CONFLICT (organisation_id, bucket) DO UPDATE
SET drained_at = greatest(count.drained_at, %(now)s::timestamptz)
    + (%(once_drained)s::timestamptz - %(now)s::timestamptz)
WHERE greatest(count.drained_at, %(now)s::timestamptz) <= %(drained_by)s::timestamptz
RETURNING drained_at
""")
"""Counts an attempt, unless the bucket is full, and removes a few empty buckets."""

FORGIVE = Statement("""
UPDATE rate_counts SET drained_at = drained_at - (%(once_drained)s::timestamptz - %(now)s::timestamptz)
WHERE organisation_id = %(organisation_id)s AND bucket = %(bucket)s
RETURNING drained_at
""")


@dataclass(frozen=True, slots=True)
class Limit:
    """A leaky bucket for ``attempts`` that drains in ``period``.

    Its only state is the time at which it will be empty.

    Attributes:
        kind: what is counted, for example ``purchase.network``.
        attempts: the number of attempts in a period.
        period: the period.
    """

    kind: str
    attempts: int
    period: timedelta

    @property
    def interval(self) -> timedelta:
        """The time in which one attempt drains."""
        return self.period / self.attempts


def count(scope: TenantScope, limit: Limit, subject: str) -> None:
    """Count an attempt before it is made. An attempt that is refused does not count.

    Args:
        scope: the organisation; its own transaction is not used.
        limit: the limit.
        subject: what the limit holds for, for example the network of the client. A keyed hash is stored.

    Raises:
        TooManyRequests: there were as many attempts as the limit allows.
    """
    if not scope.execute_alone(COUNT, _values(scope, limit, subject)):
        wait = math.ceil(limit.interval.total_seconds())
        raise TooManyRequests("Too many attempts; try again later.", extra={"retry_after": wait})


def forgive(scope: TenantScope, limit: Limit, subject: str) -> None:
    """Undo `count`, because the attempt was not one of those that the limit is for."""
    values = _values(scope, limit, subject)
    scope.execute_alone(FORGIVE, {name: values[name] for name in values if name != "drained_by"})


def _values(scope: TenantScope, limit: Limit, subject: str) -> dict[str, object]:
    now = utcnow()
    key = organisation_key(scope, PURPOSE)
    digest = hashlib.blake2b(subject.encode(), key=key, digest_size=16).hexdigest()
    return {
        "organisation_id": scope.organisation.id,
        "bucket": f"{limit.kind}:{digest}",
        "now": now,
        "once_drained": now + limit.interval,
        "drained_by": now + limit.period - limit.interval,
    }
