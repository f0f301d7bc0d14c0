"""Days and months in a time zone. No framework."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

A_DAY = timedelta(days=1)

Unit = Literal["day", "month"]


@dataclass(frozen=True, slots=True)
class Periods:
    """Consecutive days or months.

    Attributes:
        first_days: the first day of each period, in ascending order.
        bounds: the beginning of each period, and the end of the last one, in UTC.
    """

    first_days: tuple[date, ...]
    bounds: tuple[datetime, ...]


def periods(first: date, last: date, unit: Unit, zone: ZoneInfo) -> Periods:
    """Return the days from one day to another, or the whole months that contain them.

    Args:
        first, last: the days; none if ``last`` is earlier.
        unit: ``day`` or ``month``.
        zone: the time zone in which days begin.
    """
    begins = [*_beginnings(first, last, unit)]
    end = _next(begins[-1], unit) if begins else first
    return Periods(tuple(begins), tuple(midnight(each, zone) for each in (*begins, end)))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the beginning of a day, in UTC.

    Where clocks skip midnight, the day begins when they skip it. Where they show it twice, it begins the
    first time.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _beginnings(first: date, last: date, unit: Unit) -> Iterator[date]:
    day = first if unit == "day" else first.replace(day=1)
    while day <= last:
        yield day
        day = _next(day, unit)


def _next(day: date, unit: Unit) -> date:
    return day + A_DAY if unit == "day" else (day.replace(day=28) + timedelta(days=4)).replace(day=1)
