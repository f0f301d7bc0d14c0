"""The text about a release that lies beside its tracks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

SECOND_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Release:
    """What the text says of a release. Members without a value are left out.

    Attributes:
        title: of the release.
        artist: of the release.
        label: that publishes it.
        released: on which day.
        upc: the EAN or UPC.
        url: of the shop.
        credits: each with a ``role`` and a ``name``.
        tracks: number, artist and title of each track, and its length in milliseconds.
    """

    title: str
    artist: str | None
    label: str | None
    released: date | None
    upc: str | None
    url: str | None
    credits: Sequence[Mapping[str, str]]
    tracks: Sequence[tuple[str, int]]


def credits_text(release: Release) -> str:
    """The text, in lines that end with a line feed."""
    facts = {
        "Artist": release.artist,
        "Label": release.label,
        "Released": release.released and release.released.isoformat(),
        "UPC": release.upc,
        "From": release.url,
    }
    lines = [release.title, ""]
    lines += [f"{name}: {value}" for name, value in facts.items() if value]
    lines += ["", "Tracks", ""]
    lines += [f"{name} ({length(milliseconds)})" for name, milliseconds in release.tracks]
    if release.credits:
        lines += ["", "Credits", ""]
        lines += [f"{credit['role']}: {credit['name']}" for credit in release.credits]
    return "\n".join(lines) + "\n"


def length(milliseconds: int) -> str:
    """Minutes and seconds, and hours if there are any: ``3:07``."""
    minutes, seconds = divmod(round(milliseconds / SECOND_MS), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
