"""A bucket of attempts drains over time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.security.domain import Bucket, RateLimit

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
EMAIL = "ada@example.org"


@given(st.integers(1, 50), st.integers(1, 100_000))
def test_a_bucket_holds_exactly_its_number_of_attempts(attempts, seconds):
    limit = RateLimit(attempts, timedelta(seconds=seconds))
    full = NOW + limit.interval * attempts
    assert limit.wait(full - limit.interval, NOW) == 0
    # Intervals are rounded to microseconds, the resolution of the clock.
    assert limit.wait(full + limit.interval, NOW) >= 1


@given(st.integers(1, 50), st.integers(1, 100_000))
def test_an_attempt_after_the_announced_wait_is_allowed(attempts, seconds):
    limit = RateLimit(attempts, timedelta(seconds=seconds))
    too_much = NOW + limit.interval * (attempts + 1)
    wait = timedelta(seconds=limit.wait(too_much, NOW))
    assert limit.wait(too_much, NOW + wait) == 0


def test_the_name_of_a_bucket_depends_on_key_kind_and_subject():
    limit = RateLimit(1, timedelta(minutes=1))
    names = {
        Bucket(kind, subject, limit).name(key)
        for kind in ("login.email", "login.address")
        for subject in (EMAIL, "eve@example.org")
        for key in (b"k" * 32, b"l" * 32)
    }
    assert len(names) == 8
    assert not any(EMAIL in name for name in names)
