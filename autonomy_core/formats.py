"""Formats amounts, dates, times and durations in the language of a mail or a page."""

from __future__ import annotations

from copy import copy
from datetime import date, datetime, tzinfo

from babel import Locale
from babel.dates import format_date, format_time, get_datetime_format

from autonomy_core.currencies import EXPONENTS, in_major_unit


def as_money(amount: object, currency: object, locale: Locale) -> str:
    """Format an amount: 1250 of ``eur`` is ``€12.50`` in English and ``12,50 €`` in German.

    Args:
        amount: in the minor unit of the currency.
        currency: an ISO 4217 code in lower case.
        locale: the language and region.

    Raises:
        TypeError, KeyError: it is no amount, or the currency is unknown.
    """
    if not isinstance(amount, int) or isinstance(amount, bool) or not isinstance(currency, str):
        raise TypeError("no amount of money")
    pattern = copy(locale.currency_formats["standard"])
    # Babel's own number of decimal places follows common use. Payments follow ISO 4217.
    pattern.frac_prec = (EXPONENTS[currency],) * 2
    return pattern.apply(
        in_major_unit(amount, currency), locale, currency=currency.upper(), currency_digits=False
    )


def as_date(moment: object, locale: Locale, zone: tzinfo) -> str:
    """Format the date of a moment: ``30 November 2026``.

    Args:
        moment: aware, or in ISO 8601 with an offset; or a day, which has no time zone.
        locale: the language and region.
        zone: the time zone of the date.

    Raises:
        TypeError, ValueError: it is no moment.
    """
    if not isinstance(moment, date) or isinstance(moment, datetime):
        moment = _moment(moment).astimezone(zone).date()
    return format_date(moment, format="long", locale=locale)


def as_time(moment: object, locale: Locale, zone: tzinfo) -> str:
    """Format the date and time of a moment, with its time zone: ``30 November 2026 at 14:05 UTC``.

    Args:
        moment: aware, or in ISO 8601 with an offset.
        locale: the language and region.
        zone: the time zone of the result.

    Raises:
        TypeError, ValueError: it is no moment.
    """
    there = _moment(moment).astimezone(zone)
    # No style of Babel has a time zone and no seconds.
    clock = format_time(there, format=f"{locale.time_formats['short'].pattern} z", locale=locale)
    joined = str(get_datetime_format("long", locale=locale)).replace("'", "")
    return joined.format(clock, format_date(there.date(), format="long", locale=locale))


def as_duration(milliseconds: object) -> str:
    """Format a duration, in full seconds: ``3:07``, or ``1:03:07`` from an hour on.

    Args:
        milliseconds: from 0 on.

    Raises:
        TypeError: it is no number.
    """
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        raise TypeError("no duration")
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _moment(value: object) -> datetime:
    if not isinstance(value, str | datetime):
        raise TypeError("no moment")
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a moment without an offset")
    return moment
