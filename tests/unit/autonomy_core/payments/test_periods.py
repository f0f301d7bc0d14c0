"""Days and months in a time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.payments.periods import midnight, periods

VIENNA, HAVANA, SAO_PAULO = map(ZoneInfo, ("Europe/Vienna", "America/Havana", "America/Sao_Paulo"))


def test_days_of_a_time_zone_begin_at_its_midnight():
    found = periods(date(2026, 3, 28), date(2026, 3, 30), "day", VIENNA)
    assert found.first_days == (date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30))
    hours = [each.hour for each in found.bounds]
    assert hours == [23, 23, 22, 22], "the 29th, when summer time begins, has 23 hours"


def test_months_are_whole():
    found = periods(date(2025, 12, 31), date(2026, 2, 1), "month", VIENNA)
    assert found.first_days == (date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1))
    assert found.bounds[-1] == datetime(2026, 2, 28, 23, tzinfo=UTC)


def test_no_day_is_between_a_day_and_an_earlier_one():
    assert periods(date(2026, 1, 2), date(2026, 1, 1), "day", VIENNA).first_days == ()


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        (date(2018, 11, 4), SAO_PAULO, datetime(2018, 11, 4, 3, tzinfo=UTC)),
        (date(2026, 11, 1), HAVANA, datetime(2026, 11, 1, 4, tzinfo=UTC)),
    ],
)
def test_a_day_without_midnight_or_with_two_begins_once(day, zone, begins):
    assert midnight(day, zone) == begins


@given(
    first=st.dates(date(1990, 1, 1), date(2050, 1, 1)),
    length=st.integers(0, 800),
    zone=st.sampled_from([ZoneInfo("UTC"), VIENNA, HAVANA, SAO_PAULO, ZoneInfo("Pacific/Apia")]),
)
def test_months_consist_of_days(first, length, zone):
    last = first + timedelta(length)
    months = periods(first, last, "month", zone)
    days = periods(
        months.first_days[0], (last.replace(day=28) + timedelta(4)).replace(day=1) - timedelta(1), "day", zone
    )
    assert set(months.bounds) <= set(days.bounds)
    assert (months.bounds[0], months.bounds[-1]) == (days.bounds[0], days.bounds[-1])
    assert list(days.bounds) == sorted(days.bounds)
