"""The bucket of a process."""

from datetime import UTC, datetime, timedelta

from autonomy_core.security.domain import RateLimit
from customer_auth.limits.work import ProcessBucket

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT = RateLimit(3, timedelta(minutes=1))


def test_a_bucket_counts_up_to_its_limit():
    bucket = ProcessBucket()
    assert [bucket.counts(LIMIT, NOW) for _ in range(5)] == [True, True, True, False, False]


def test_a_refused_attempt_does_not_fill_the_bucket():
    bucket = ProcessBucket()
    for _ in range(10):
        bucket.counts(LIMIT, NOW)
    assert bucket.counts(LIMIT, NOW + timedelta(seconds=20))
    assert not bucket.counts(LIMIT, NOW + timedelta(seconds=20))
