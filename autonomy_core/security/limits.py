"""Counts attempts in the database, so that all processes share a limit: see `Bucket`.

An attempt is counted before it is made, so that concurrent attempts cannot exceed a limit. Its count is taken
back if the limit does not concern its outcome. One statement counts an attempt in all its buckets.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from autonomy_core.db.base import utcnow
from autonomy_core.db.pipeline import Statement
from autonomy_core.errors import TooManyRequests
from autonomy_core.kernel.keys import organisation_keys
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.security.domain import Bucket

PURPOSE: Final = "security.limits"

_FILL: Final = """
INSERT INTO rate_counts AS count (organisation_id, bucket, drained_at)
SELECT %(organisation_id)s::text, given.bucket, given.drained_at
FROM unnest(%(names)s::text[], %(drained_at)s::timestamptz[])
    WITH ORDINALITY AS given(bucket, drained_at, place)
ORDER BY given.place
ON CONFLICT (organisation_id, bucket) DO UPDATE
SET drained_at = greatest(count.drained_at, %(now)s::timestamptz)
    + (excluded.drained_at - %(now)s::timestamptz)
RETURNING bucket, drained_at
"""

# An attempt removes more empty buckets than it adds, so that the table stays small. PostgreSQL deletes after
# it has filled, because nothing refers to the deleted rows. Rows that another transaction has locked are left
# to a later sweep. Waiting for them could deadlock.
_SWEEP: Final = """
WITH swept AS (
    DELETE FROM rate_counts WHERE rate_counts.organisation_id = %(organisation_id)s AND bucket IN (
        SELECT bucket FROM rate_counts
        WHERE rate_counts.organisation_id = %(organisation_id)s AND drained_at < %(now)s::timestamptz
            AND bucket <> ALL(%(names)s::text[])
        LIMIT 10 FOR UPDATE SKIP LOCKED
    )
)
"""

COUNT: Final = Statement(_SWEEP + _FILL)
FORGIVE: Final = Statement(_FILL)


def count_attempt(scope: TenantScope, buckets: Sequence[Bucket]) -> None:
    """Count an attempt before it is made.

    Args:
        scope: a scope whose transaction is committed whatever becomes of the attempt. Its transaction keeps
            the buckets locked until it ends.
        buckets: the buckets that the attempt counts for.

    Raises:
        TooManyRequests: a bucket is full. The transaction must be rolled back, so that nothing is counted.
    """
    now = utcnow()
    filled = _fill(scope, COUNT, buckets, 1, now)
    waits = [bucket.limit.wait(until, now) for bucket, until in zip(buckets, filled, strict=True)]
    if any(waits):
        raise TooManyRequests("Too many attempts; try again later.", extra={"retry_after": max(waits)})


def forgive_attempt(scope: TenantScope, buckets: Sequence[Bucket]) -> None:
    """Undo `count_attempt`, for example because the attempt succeeded.

    Args:
        scope: the organisation, in any transaction.
        buckets: the same buckets.
    """
    _fill(scope, FORGIVE, buckets, -1, utcnow())


def _fill(
    scope: TenantScope, statement: Statement, buckets: Sequence[Bucket], attempts: int, now: datetime
) -> list[datetime]:
    """Add attempts to buckets, and return for each the time at which it will be empty.

    While the server's secret is being replaced, a bucket has one name for each secret, and an attempt counts
    under all of them. So it also counts for a process that has only one of the secrets.
    """
    keys = organisation_keys(scope, PURPOSE)
    names = [[bucket.name(key) for key in keys] for bucket in buckets]
    changes = {
        name: now + bucket.limit.interval * attempts
        for bucket, own in zip(buckets, names, strict=True)
        for name in own
    }
    # All transactions lock the rows in the same order, which prevents deadlocks.
    ordered = sorted(changes)
    values: dict[str, Any] = {
        "organisation_id": scope.organisation.id,
        "names": ordered,
        "drained_at": [changes[name] for name in ordered],
        "now": now,
    }
    filled = dict(scope.execute_at_driver(statement, values))
    return [max(filled[name] for name in own) for own in names]
