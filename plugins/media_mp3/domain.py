"""What an inspection of an upload says: findings, facts about the audio, tags and a waveform.

Every finding has a stable code. `FINDINGS` explains each one, and the debugging guide is checked against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PEAKS: Final = 200
"""How many points the waveform of a track has."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a finding means, and what the person who uploads can do about it.

    Attributes:
        refuses: False for a warning: the file plays and is accepted, and staff are shown the finding.
    """

    meaning: str
    remedy: str
    refuses: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a file: a reason to refuse it, or a warning.

    Attributes:
        code: a key of `FINDINGS`.
        message: one sentence for people.
        detail: figures, for example ``{"offset": 417}``; byte offsets count from the start of the file.
    """

    code: str
    message: str
    detail: Mapping[str, int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """What the frames themselves say; never what a header claims.

    Attributes:
        duration_ms: milliseconds.
        bitrate: bits a second, the average over all frames.
        sample_rate: hertz.
        channels: 1 or 2.
        mpeg_version: ``"1"``, ``"2"`` or ``"2.5"``.
        layer: 3 for an MP3.
        vbr: whether the bitrate varies.
        frames: audio frames, without a Xing or VBRI frame.
    """

    duration_ms: int
    bitrate: int
    sample_rate: int
    channels: int
    mpeg_version: str
    layer: int
    vbr: bool
    frames: int


@dataclass(frozen=True, slots=True)
class Tags:
    """What the tags say, cut to a sane length and free of control characters. None where they say nothing."""

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    album_artist: str | None = None
    genre: str | None = None
    year: int | None = None
    track: int | None = None
    disc: int | None = None


@dataclass(frozen=True, slots=True)
class TrackReport:
    """The outcome of an inspection.

    Attributes:
        findings: every reason to refuse the file; empty when it is accepted.
        warnings: what is wrong with a file that plays all the same.
        facts: None when no MPEG audio was found.
        tags: read only from an accepted file.
        peaks: the waveform, `PEAKS` values of 0 to 255; empty when the file was not decoded.
    """

    findings: tuple[Finding, ...] = ()
    facts: AudioFacts | None = None
    tags: Tags = field(default_factory=Tags)
    peaks: tuple[int, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the file is an MP3 that plays everywhere."""
        return not self.findings and self.facts is not None


def refusals(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings for which a file is refused."""
    return tuple(item for item in findings if FINDINGS[item.code].refuses)


def warnings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that are shown, and for which a file is not refused."""
    return tuple(item for item in findings if not FINDINGS[item.code].refuses)


def finding(code: str, **detail: int | str) -> Finding:
    """The finding with this code.

    Raises:
        KeyError: the catalogue does not have the code.
    """
    return Finding(code, FINDINGS[code].meaning, detail)


def describe(found: Finding) -> dict[str, Any]:
    """A finding as it is told, with its remedy."""
    return {
        "code": found.code,
        "message": found.message,
        "detail": dict(found.detail),
        "remedy": FINDINGS[found.code].remedy,
    }


_EXPORT = "Export the recording again from the original with a current encoder (for example LAME)."
_RETAG = "Remove the tags with a tag editor, write them again and upload the result."
_REJOIN = "Decode the whole recording to WAV and encode it in one go; do not join MP3 files byte by byte."

FINDINGS: Final[Mapping[str, Explanation]] = {
    "empty_file": Explanation(
        "The file has no content.",
        "The export or the upload failed; check the size of the file on your side and upload it again.",
    ),
    "foreign_format": Explanation(
        "The file is of another kind, or one is wrapped around or put before the audio; the detail names it.",
        "Renaming does not convert: open the recording in an audio program and export it as MP3.",
    ),
    "no_audio": Explanation(
        "No MPEG audio frame was found in the file.",
        "The file holds only tags, padding or damaged data. " + _EXPORT,
    ),
    "id3_malformed": Explanation(
        "The header of the ID3v2 tag is not valid.",
        _RETAG,
    ),
    "id3_size_beyond_file": Explanation(
        "The ID3v2 tag declares more bytes than the file has.",
        "The file is cut short or the tag is damaged. Upload it again; if it stays so, export it again.",
    ),
    "id3_too_large": Explanation(
        "The ID3v2 tag is larger than 16 MiB; a listener would load it before the first sound.",
        "Use a smaller cover picture. " + _RETAG,
    ),
    "id3_too_many_frames": Explanation(
        "The ID3v2 tag has more than 4096 frames, which only an attack or a broken tag editor writes.",
        _RETAG,
    ),
    "id3_frame_beyond_tag": Explanation(
        "A frame of the ID3v2 tag declares more bytes than the tag has; the detail names the frame.",
        _RETAG,
    ),
    "id3_compressed_frame": Explanation(
        "The ID3v2 tag is compressed, or a frame of it is; many players cannot read it.",
        "Turn compression off in the tag editor. " + _RETAG,
    ),
    "ape_size_beyond_file": Explanation(
        "The APE tag declares more bytes than the file has before it.",
        _RETAG,
    ),
    "ape_too_large": Explanation(
        "The APE tag is larger than 16 MiB.",
        "Use a smaller cover picture. " + _RETAG,
    ),
    "ape_before_audio": Explanation(
        "There is an APE tag before the audio; it belongs behind it, and not every player steps over it.",
        _RETAG,
    ),
    "tags_incomplete": Explanation(
        "Some of the tags were not read; the file is accepted without them.",
        "Enter what is missing with the track. " + _RETAG,
        refuses=False,
    ),
    "garbage_before_audio": Explanation(
        "There are bytes before the first audio frame that are neither a tag nor audio.",
        "A program put data of its own in front of the audio. " + _EXPORT,
    ),
    "garbage_between_frames": Explanation(
        "There are bytes between audio frames that are not audio; players click, stop or refuse there.",
        "The file was damaged, or joined from several files. " + _REJOIN,
    ),
    "garbage_after_audio": Explanation(
        "There are bytes after the last audio frame that are neither a tag nor audio.",
        "Another file may be appended, or the end is damaged. " + _EXPORT,
    ),
    "truncated": Explanation(
        "The audio ends before the length that the file declares.",
        "The export, a copy or a download stopped too early. Upload the complete file.",
    ),
    "too_short": Explanation(
        "The file has fewer than two whole audio frames; browsers cannot open it.",
        "Upload a recording; a frame lasts about 26 milliseconds. " + _EXPORT,
    ),
    "last_frame_short": Explanation(
        "The last audio frame is not complete. It plays, as files of some old encoders end so.",
        "Compare the duration with the original's. If the end is missing, upload the complete file.",
        refuses=False,
    ),
    "duration_misread": Explanation(
        "Players that do not read the whole file first show a wrong duration.",
        "Encode with a Xing or Info header, which LAME writes by default, and keep large pictures out of tags at the end.",
        refuses=False,
    ),
    "xing_mismatch": Explanation(
        "The Xing, Info or VBRI header declares another length than the audio has, so players show a wrong duration.",
        "The file was cut short, or cut without its header being written again. " + _EXPORT,
    ),
    "layer1": Explanation("The audio is MPEG layer I, which browsers do not play.", _EXPORT),
    "layer2": Explanation("The audio is MPEG layer II (MP2), which browsers do not play.", _EXPORT),
    "free_format": Explanation(
        "The audio uses a free-format bitrate, which browsers cannot open.",
        "Choose a constant bitrate such as 192 kbit/s, or a variable one. " + _EXPORT,
    ),
    "mixed_sample_rates": Explanation(
        "The sample rate changes within the file; browsers stop playing there.",
        _REJOIN,
    ),
    "mixed_channel_modes": Explanation(
        "The file changes between mono and stereo; browsers stop playing there.",
        _REJOIN,
    ),
    "undecodable": Explanation(
        "The frames look right from outside and cannot be decoded.",
        "The content of the frames is damaged or encrypted. " + _EXPORT,
    ),
    "decode_mismatch": Explanation(
        "Decoding gives another duration than the frames promise: some of them are damaged.",
        _EXPORT,
    ),
    "inspection_limit": Explanation(
        "The inspection needed more time or memory than a recording may take.",
        "Very long recordings have to be split. If this one is short, its tags or frames are malicious or damaged.",
    ),
    "inspection_failed": Explanation(
        "The inspection stopped without a result.",
        "Upload the file again. If it fails again, send the file and the time to the server's administrator.",
    ),
}
