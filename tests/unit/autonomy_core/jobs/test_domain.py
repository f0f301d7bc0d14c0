import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.jobs.domain import back_off, turns
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.retries import TryAgain

HOUR = 3600
DAY = 24 * HOUR


@given(st.integers(60, 7 * DAY), st.integers(0, 4_000_000_000))
def test_an_organisation_has_one_turn_per_period_at_a_fixed_moment(every, begin):
    first, second = (
        list(turns("a.job", "acme", every, start, start + every)) for start in (begin, begin + every)
    )
    assert len(first) == 1
    assert second == [first[0] + every]


@given(st.integers(60, DAY), st.integers(0, 4_000_000_000))
def test_no_turn_is_lost_or_doubled_between_one_minute_and_the_next(every, begin):
    minutes = range(begin, begin + HOUR, 60)
    one_by_one = [
        moment for minute in minutes for moment in turns("a.job", "acme", every, minute, minute + 60)
    ]
    assert one_by_one == list(turns("a.job", "acme", every, begin, begin + HOUR))


def test_many_organisations_are_spread_over_the_period():
    per_minute = [0] * 60
    for number in range(6000):
        (moment,) = turns("a.job", f"shop-{number}", HOUR, 0, HOUR)
        per_minute[moment // 60] += 1
    assert min(per_minute) > 50
    assert max(per_minute) < 150


def test_two_jobs_of_an_organisation_have_different_moments():
    assert turns("a.job", "acme", HOUR, 0, HOUR) != turns("another.job", "acme", HOUR, 0, HOUR)


@pytest.mark.parametrize("every", [0, -1, 59])
def test_a_period_that_is_too_short_is_refused_by_name(every):
    with pytest.raises(ValueError, match=r"a\.job: every="):
        Job("a.job", lambda scope: None, every=every)


def test_a_job_belongs_to_the_plugin_that_prefixes_its_name():
    assert Job("bonus_track.send_thanks", lambda scope: None).owner == "bonus_track"


@pytest.mark.parametrize("error", [LookupError(), TryAgain("closed"), TryAgain()])
def test_a_failing_job_is_retried_at_least_once_an_hour(error):
    waits = [back_off(attempts, error) for attempts in (0, 1, 2, 11, 500)]
    assert waits == [2, 4, 8, HOUR, HOUR]


def test_a_job_may_ask_for_a_longer_pause():
    waits = [back_off(attempts, TryAgain("no key", longest_wait_s=DAY)) for attempts in (0, 10, 15, 500)]
    assert waits == [2, 2048, 65536, DAY]
