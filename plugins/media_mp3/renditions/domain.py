"""The states of a rendition, and the reasons why it could not be made. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from media_mp3.domain import Explanation

WAITING: Final = "waiting"
RUNNING: Final = "running"
READY: Final = "ready"
FAILED: Final = "failed"

MOST_ATTEMPTS: Final = 3
"""After so many attempts a rendition waits for staff."""

MP3: Final = "mp3"
"""The only format of a master that is MP3: its audio as it is, with the tags of the shop."""

MASTERS: Final = {
    MP3: ("audio/mpeg", ".mp3"),
    "wav": ("audio/wav", ".wav"),
    "aiff": ("audio/aiff", ".aiff"),
    "flac": ("audio/flac", ".flac"),
    "alac": ("audio/mp4", ".m4a"),
}
"""The media type and the extension of each format of a master."""

STORAGE_UNAVAILABLE: Final = "storage_unavailable"

ERRORS: Final[Mapping[str, Explanation]] = {
    "ffmpeg_missing": Explanation(
        "The worker's machine has no ffmpeg.",
        "Ask the server's administrator to install ffmpeg, and to restart the worker.",
    ),
    "encoder_missing": Explanation(
        "The ffmpeg of the worker's machine has no encoder for the format.",
        "Ask the server's administrator to install an ffmpeg that has it, and to restart the worker.",
    ),
    STORAGE_UNAVAILABLE: Explanation(
        "The master could not be read, or the new file could not be stored.",
        "Ask the server's administrator to look into the log. It is tried again every few minutes.",
    ),
    "encoding_failed": Explanation(
        "ffmpeg could not make the file. The server's log has its message.",
        "Try again. If it fails again, export the master anew and replace the file.",
    ),
    "encoding_limit": Explanation(
        "ffmpeg needed more time, memory or space than one file may take.",
        "Split the recording, or upload it with a lower sample rate.",
    ),
    "encoding_interrupted": Explanation(
        "The worker ended each time while it made the file.",
        "Try again. If it happens again, ask the server's administrator whether the machine has enough "
        "memory.",
    ),
}
"""By code. Each has the meaning and a remedy, for staff."""

PASSING: Final = frozenset({"ffmpeg_missing", "encoder_missing", STORAGE_UNAVAILABLE})
"""Reasons outside of the recording. The job tries again by itself."""

MOST_FAILURES: Final = 3
"""After so many tracks in a row have failed for a reason in `PASSING`, all others would fail as well."""


class PassingFailures:
    """What has failed in a run for a reason in `PASSING`: a lost master, or a store that is down."""

    def __init__(self) -> None:
        self._tracks: set[UUID] = set()
        self._in_a_row = 0

    def note(self, track_id: UUID, code: str | None) -> None:
        """Note what became of a file of a track.

        Args:
            code: of the failure, a key of `ERRORS`; None without one.
        """
        if code in PASSING:
            self._tracks.add(track_id)
            self._in_a_row += 1
        else:
            self._in_a_row = 0

    def concern(self, track_id: UUID) -> bool:
        """Whether a file of the track has failed, so that its others would fail as well."""
        return track_id in self._tracks

    @property
    def are_of_all_tracks(self) -> bool:
        """Whether the files of all tracks would fail, so that the run ends."""
        return self._in_a_row >= MOST_FAILURES


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a rendition is made of. If any of it changes, the rendition is made anew.

    Attributes:
        version: of the code that makes it.
        master: the SHA-256 of the master.
        format: the name of the format.
        options: the encoder's options.
        tags: the texts of the tags and the gain, by name.
        cover: the digest of the cover; None for none.
    """

    version: int
    master: str
    format: str
    options: Sequence[str]
    tags: Mapping[str, Any]
    cover: str | None

    @property
    def fingerprint(self) -> str:
        """Identifies the ingredients, 64 lower-case hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
