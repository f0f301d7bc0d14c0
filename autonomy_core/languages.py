"""Parses tags of languages, and chooses the language of a mail."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from babel import Locale, UnknownLocaleError

ENGLISH = "en"
"""The language that every template has."""


@dataclass(frozen=True, slots=True)
class Language:
    """The language of a text.

    Attributes:
        tag: the language of the source: ``de``.
        locale: for amounts and dates, with the region that was wanted: ``de_AT``.
    """

    tag: str
    locale: Locale

    @property
    def wanted(self) -> str:
        """The tag with the region that was wanted: ``de-AT``."""
        return tag_of(self.locale)

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """The direction of its text."""
        return "rtl" if self.locale.text_direction == "rtl" else "ltr"


def locale_of(tag: str) -> Locale | None:
    """Return the locale of a BCP 47 tag; None if the tag is malformed or unknown.

    Args:
        tag: such as ``de``, ``de-AT`` or ``zh-Hant-TW``.
    """
    try:
        return Locale.parse(tag, sep="-") if tag.isascii() else None
    except (ValueError, TypeError, UnknownLocaleError):
        return None


def tag_of(locale: Locale) -> str:
    """Return the BCP 47 tag of a locale."""
    return str(locale).replace("_", "-")


def choose(available: Collection[str], *wanted: str | None) -> Language:
    """Return the first wanted language that is available; otherwise English.

    Args:
        available: the languages of the sources, as tags.
        wanted: tags in the order of preference. None and unknown tags are passed over.
    """
    for locale in (locale_of(tag) for tag in wanted if tag):
        if locale is None:
            continue
        for tag in _from_special_to_general(locale):
            if tag in available:
                return Language(tag, locale)
    return Language(ENGLISH, Locale(ENGLISH))


def _from_special_to_general(locale: Locale) -> list[str]:
    parts: list[list[str | None]] = [
        [locale.language, locale.script, locale.territory],
        [locale.language, locale.script],
        [locale.language, locale.territory],
        [locale.language],
    ]
    return ["-".join(part for part in each if part) for each in parts]
