"""Names of files that Windows, macOS and Linux accept, each once in an archive. Pure.

Source: Microsoft, "Naming Files, Paths, and Namespaces"; POSIX.1-2024, section 3.141.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 120
"""Of a name without its extension, in bytes of UTF-8."""

_UNSAFE: Final = '/\\:*?"<>|'
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"}
    | {f"{device}{number}" for device in ("com", "lpt") for number in (*range(10), "¹", "²", "³")}
)
"""Names that mean a device to Windows, whatever extension follows."""


@dataclass(frozen=True, slots=True)
class NumberedTrack:
    """What the name of a track's file is made of.

    Attributes:
        title: of the track.
        artist: None if it is that of the release.
        disc: the number of the disc, from 1.
        is_listed: whether it has a number. One that was removed after it was bought has none.
    """

    title: str
    artist: str | None
    disc: int
    is_listed: bool = True


def safe(text: str, unnamed: str) -> str:
    """A name that each of the systems accepts.

    Characters with a meaning become ``_``. Invisible ones, which could hide an extension, are removed.

    Args:
        text: for people.
        unnamed: the name if nothing is left.
    """
    visible = (character for character in unicodedata.normalize("NFC", text) if _is_visible(character))
    name = "".join("_" if character in _UNSAFE else character for character in visible)
    # Windows drops trailing dots and spaces. A leading dot hides a file.
    name = _shortened(" ".join(name.split()).strip(" ."), LONGEST).strip(" .")
    if name.partition(".")[0].strip().casefold() in _DEVICES:
        name = f"_{name}"
    return name or unnamed


def _is_visible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character)[0] != "C"


def _shortened(name: str, most_bytes: int) -> str:
    return name.encode()[:most_bytes].decode(errors="ignore")


def track_labels(tracks: Sequence[NumberedTrack]) -> list[str]:
    """What people read of tracks, for example ``2-07 Title``, in the order of the tracks.

    The disc has a number if there are several. `safe` makes the name of a file from it.
    """
    listed = [track for track in tracks if track.is_listed]
    discs = {track.disc for track in listed}
    width = max(2, *(len(str(sum(track.disc == disc for track in listed))) for disc in discs or {1}))
    numbers = dict.fromkeys(discs, 0)
    found = []
    for track in tracks:
        title = f"{track.artist} - {track.title}" if track.artist else track.title
        if track.is_listed:
            numbers[track.disc] += 1
            number = f"{numbers[track.disc]:0{width}}"
            title = f"{track.disc}-{number} {title}" if len(discs) > 1 else f"{number} {title}"
        found.append(title)
    return found


def unique(names: Sequence[tuple[str, str]]) -> list[str]:
    """Names that differ on systems which ignore case, accents' encoding and the width of letters.

    Args:
        names: name and extension of each file. A name that is there already gets a number.
    """
    taken: set[str] = set()
    found = []
    for name, extension in names:
        candidate, number = f"{name}{extension}", 1
        while (same := _folded(candidate)) in taken:
            number += 1
            candidate = f"{name} ({number}){extension}"
        taken.add(same)
        found.append(candidate)
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
