"""Formats amounts, dates and times in the language of a mail."""

from __future__ import annotations

from copy import copy
from datetime import datetime, tzinfo

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
        moment: in ISO 8601, with an offset.
        locale: the language and region.
        zone: the time zone of the date.

    Raises:
        TypeError, ValueError: it is no moment.
    """
    return format_date(_moment(moment).astimezone(zone).date(), format="long", locale=locale)


def as_time(moment: object, locale: Locale, zone: tzinfo) -> str:
    """Format the date and time of a moment, with its time zone: ``30 November 2026 at 14:05 UTC``.

    Args:
        moment: in ISO 8601, with an offset.
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


def _moment(text: object) -> datetime:
    if not isinstance(text, str):
        raise TypeError("no moment")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without an offset")
    return moment
