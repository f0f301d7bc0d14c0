"""Rules for the texts of a release: slugs, tags, article numbers, the moment of a release."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

LONGEST_SLUG: Final = 100
LONGEST_TAG: Final = 50

SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
ARTICLE_NUMBER: Final = re.compile(r"(?:[0-9]{8}|[0-9]{12,14})")
_SPELLED: Final = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "þ": "th"})


class State(StrEnum):
    """The state of a product. It follows from `active`, `published_at` and `archived_at`."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    ARCHIVED = "archived"


def state_of(
    *, active: bool, archived_at: datetime | None, published_at: datetime | None, now: datetime
) -> State:
    """Return the state of a product.

    Args:
        active: whether staff have put it on sale.
        archived_at: since when it is archived, aware; None if it is not.
        published_at: from when it is shown, aware; None for at once.
        now: the present moment, aware.
    """
    if archived_at is not None:
        return State.ARCHIVED
    if not active:
        return State.DRAFT
    return State.SCHEDULED if published_at is not None and published_at > now else State.PUBLISHED


def moment_of_release(day: date | None, zone: ZoneInfo) -> datetime | None:
    """Return the moment at which a day begins in a time zone, in UTC; None without a day."""
    return None if day is None else datetime.combine(day, time(), zone).astimezone(UTC)


def plain(text: str) -> str:
    """Return a text in lower case and without accents, to compare and to sort it."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_SPELLED))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def is_slug(text: str) -> bool:
    """Whether a text can be a slug: ASCII, in lower case, with single hyphens, and no UUID."""
    return len(text) <= LONGEST_SLUG and bool(SLUG.fullmatch(text)) and not UUID_TEXT.fullmatch(text)


def slug_of(title: str) -> str:
    """Make a slug from a title. A title without Latin letters or digits gives ``release``."""
    words = re.findall(r"[a-z0-9]+", re.sub("['\u2019]", "", plain(title)), re.ASCII)
    # Room for the number that a second product with this title gets.
    slug = "-".join(words)[: LONGEST_SLUG - 10].strip("-")
    return slug if slug and is_slug(slug) else "release"


def candidates(slug: str, suffix: str) -> Iterator[str]:
    """Yield the slugs that a new product may get, best first.

    Args:
        slug: from the title.
        suffix: what makes the last one unique, in ASCII letters and digits.
    """
    yield slug
    yield from (f"{slug}-{number}" for number in range(2, 10))
    yield f"{slug[: LONGEST_SLUG - len(suffix) - 1].strip('-')}-{suffix}"


def tag_of(text: str) -> str:
    """Return the form in which a tag is stored and looked up: ``Drum & Bass`` is ``drum & bass``."""
    return unicodedata.normalize("NFC", " ".join(text.casefold().lstrip("#").split()))


def distinct(values: Iterable[Any]) -> list[Any]:
    """Return the values in their order, each once."""
    return list(dict.fromkeys(values))


def is_article_number(text: str) -> bool:
    """Whether a text is an EAN-8, UPC-A, EAN-13 or GTIN-14 with the right check digit.

    Source: GS1 General Specifications, section 7.9.1.
    """
    if not ARTICLE_NUMBER.fullmatch(text):
        return False
    weighted = (int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(reversed(text)))
    return sum(weighted) % 10 == 0
