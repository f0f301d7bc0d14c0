"""The filters of templates: amounts, dates, times and durations in the language of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import pass_environment
from jinja2.environment import Environment

from autonomy_core.formats import as_date, as_duration, as_money, as_time
from autonomy_core.languages import Language

LANGUAGE: Final = "language of the page"
"""The key of the `Language` in the globals of an environment. No template can spell it."""


def language_in(environment: Environment) -> Language:
    """The language of an environment."""
    language: Language = environment.globals[LANGUAGE]  # type: ignore[assignment]
    return language


@pass_environment
def _money(environment: Environment, amount: Any, currency: Any) -> str:
    return as_money(amount, currency, language_in(environment).locale)


@pass_environment
def _date(environment: Environment, moment: Any, zone: Any) -> str:
    return as_date(moment, language_in(environment).locale, zone)


@pass_environment
def _time(environment: Environment, moment: Any, zone: Any) -> str:
    return as_time(moment, language_in(environment).locale, zone)


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "date": _date,
    "duration": as_duration,
    "money": _money,
    "time": _time,
}
"""``amount|money(currency)``, ``moment|date(page.zone)``, ``moment|time(page.zone)``, ``ms|duration``."""
