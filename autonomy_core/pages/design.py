"""The custom properties of the design system, read from its style sheet for the style guide and the tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

STYLE_SHEET: Final = "autonomy.css"

_PROPERTY: Final = re.compile(r"--(?P<name>[a-z0-9-]+): (?P<value>[^;]+);(?: /\* (?P<about>.+) \*/)?")
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")

TEXT: Final = 4.5
"""The least contrast of text (WCAG 2.2, success criterion 1.4.3)."""

CONTROL: Final = 3.0
"""The least contrast of the edges of controls, and of the outline of the focus (1.4.11)."""

PAIRS: Final[tuple[tuple[str, str, float], ...]] = (
    *(
        (ink, ground, TEXT)
        for ink in ("ink", "ink-soft", "accent")
        for ground in ("paper", "surface", "sunken")
    ),
    *((ink, ground, TEXT) for ink in ("accent-deep", "bad") for ground in ("paper", "surface")),
    *(("on-accent", ground, TEXT) for ground in ("accent", "accent-deep")),
    ("on-bad", "bad", TEXT),
    ("good", "good-paper", TEXT),
    ("bad", "bad-paper", TEXT),
    *((edge, ground, CONTROL) for edge in ("edge", "focus") for ground in ("paper", "surface", "sunken")),
)
"""What is seen on what, by the names of colours, and the least contrast. A theme has to keep it as well."""


class Token(NamedTuple):
    """A custom property.

    Attributes:
        name: without the hyphens.
        value: on a light ground, or everywhere.
        dark: on a dark ground; None if it is the same.
        about: what it is for.
    """

    name: str
    value: str
    dark: str | None
    about: str

    @property
    def is_colour(self) -> bool:
        """Whether it is a colour."""
        return _COLOUR.fullmatch(self.value) is not None


@cache
def tokens() -> tuple[Token, ...]:
    """Return all custom properties, in the order of the style sheet."""
    text = files(__package__).joinpath("static", STYLE_SHEET).read_text("utf-8")
    light, dark = (part.partition("}")[0] for part in text.split(":root {")[1:3])
    after_dark = {found["name"]: found["value"] for found in _PROPERTY.finditer(dark)}
    return tuple(
        Token(found["name"], found["value"], after_dark.get(found["name"]), found["about"] or "")
        for found in _PROPERTY.finditer(light)
    )


def colours(*, dark: bool) -> Mapping[str, str]:
    """Return the colours by name.

    Args:
        dark: whether those on a dark ground.
    """
    return {
        each.name: (each.dark or each.value) if dark else each.value for each in tokens() if each.is_colour
    }


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2).

    Args:
        one: ``#rrggbb``.
        other: likewise.
    """
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
