"""The report of an inspection of an upload: findings, facts about the audio, tags and a waveform.

Every finding has a stable code. `FINDINGS` explains each one, and the debugging guide is checked against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MOST_TRACKS: Final = 1000
"""Of a product, with those that were removed. Lists of tracks have no pages."""
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
    """Facts that are computed from the audio, never read from a header that only declares them.

    Attributes:
        duration_ms: milliseconds.
        bitrate: bits a second, the average over the audio.
        sample_rate: hertz.
        channels: 1 to 8.
        format: ``mp3``, ``wav``, ``aiff``, ``flac`` or ``alac``.
        bits: of a sample; None for an MP3, which has none.
        samples: of each channel; None for an MP3, whose decoders cut its ends differently.
        mpeg_version: ``"1"``, ``"2"`` or ``"2.5"``; None for other formats, as the following.
        layer: 3 for an MP3.
        vbr: whether the bitrate varies.
        frames: audio frames, without a Xing or VBRI frame.
    """

    duration_ms: int
    bitrate: int
    sample_rate: int
    channels: int
    format: str = "mp3"
    bits: int | None = None
    samples: int | None = None
    mpeg_version: str | None = None
    layer: int | None = None
    vbr: bool | None = None
    frames: int | None = None


@dataclass(frozen=True, slots=True)
class Tags:
    """The text of the tags, cut to 200 characters and without control characters; None if a tag has none."""

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
        warnings: problems of a file that plays nevertheless.
        facts: None when no audio was found.
        tags: read only from an accepted file.
        peaks: the waveform, `PEAKS` values of 0 to 255; empty when the file was not decoded.
    """

    findings: tuple[Finding, ...] = ()
    facts: AudioFacts | None = None
    tags: Tags = field(default_factory=Tags)
    peaks: tuple[int, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @property
    def format(self) -> str:
        """The name of the format: ``mp3`` unless the audio is of another."""
        return self.facts.format if self.facts else "mp3"

    @property
    def accepted(self) -> bool:
        """Whether the file is a recording that plays, in one of the accepted formats."""
        return not self.findings and self.facts is not None


def refusals(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings for which a file is refused."""
    return tuple(item for item in findings if FINDINGS[item.code].refuses)


def warnings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings that are shown, but do not refuse a file."""
    return tuple(item for item in findings if not FINDINGS[item.code].refuses)


def finding(code: str, **detail: int | str) -> Finding:
    """Create a finding.

    Raises:
        KeyError: `FINDINGS` does not have the code.
    """
    return Finding(code, FINDINGS[code].meaning, detail)


def describe(found: Finding) -> dict[str, Any]:
    """Return a finding with its remedy, as the API answers it."""
    return {
        "code": found.code,
        "message": found.message,
        "detail": dict(found.detail),
        "remedy": FINDINGS[found.code].remedy,
    }


_EXPORT = "Export the recording again from the original with a current encoder (for example LAME)."
_MASTER = "Export the recording again from the original, as WAV, AIFF or FLAC."
_RETAG = "Remove the tags with a tag editor, write them again and upload the result."
_REJOIN = "Decode the whole recording to WAV and encode it in one go; do not join MP3 files byte by byte."

FINDINGS: Final[Mapping[str, Explanation]] = {
    "empty_file": Explanation(
        "The file has no content.",
        "The export or the upload failed; check the size of the file on your side and upload it again.",
    ),
    "foreign_format": Explanation(
        "The file is of another kind, or one is wrapped around or put before the audio; the detail names it.",
        "Renaming does not convert: open the recording in an audio program and export it as WAV, AIFF, FLAC, "
        "ALAC or MP3.",
    ),
    "no_audio": Explanation(
        "No audio was found in the file.",
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
        "Encode with a Xing or Info header, which LAME writes by default, and keep large pictures out of "
        "tags at the end.",
        refuses=False,
    ),
    "xing_mismatch": Explanation(
        "The Xing, Info or VBRI header declares another length than the audio has, so players show a "
        "wrong duration.",
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
    "container_lies": Explanation(
        "The container holds something else than the audio of its format; the detail says what.",
        "Export uncompressed WAV or AIFF, FLAC, or ALAC as .m4a, with one audio track and nothing else.",
    ),
    "header_malformed": Explanation(
        "A header of the container is not valid; the detail says where, and what is wrong.",
        "The file is damaged, or a program wrote it wrongly. " + _MASTER,
    ),
    "chunk_beyond_file": Explanation(
        "A part of the container declares more bytes than the file has; the detail names the part.",
        "The file is cut short or damaged. Upload it again; if it stays so, export it again.",
    ),
    "too_many_chunks": Explanation(
        "The container has more than 4096 parts, which only an attack or a broken program writes.",
        _MASTER,
    ),
    "sample_rate_unsupported": Explanation(
        "The sample rate is not one of those that are accepted.",
        "Export with 44.1, 48, 88.2, 96, 176.4 or 192 kHz; lower standard rates are accepted too.",
    ),
    "channels_unsupported": Explanation(
        "The recording has no channel, or more than eight.",
        "Mix the recording down to stereo, and upload the result.",
    ),
    "bit_depth_unsupported": Explanation(
        "The samples have fewer than 4 or more than 32 bits; floating point samples must have 32.",
        "Export with 16 or 24 bits.",
    ),
    "mixed_bit_depths": Explanation(
        "The number of bits changes within the file.",
        "Export the whole recording in one go; do not join files byte by byte.",
    ),
    "length_mismatch": Explanation(
        "The header declares another number of samples than the audio has, so players show a wrong duration.",
        _MASTER,
    ),
    "checksum_mismatch": Explanation(
        "The decoded audio is not the audio that was encoded: its MD5 differs from the one in the file.",
        "The file was damaged after it was made. Upload the original, or export it again.",
    ),
    "surround": Explanation(
        "The recording has more than two channels. Formats such as MP3 have two: the others are mixed into "
        "them.",
        "Listen to the result. If it is not right, upload a stereo mix.",
        refuses=False,
    ),
    "few_bits": Explanation(
        "The samples have fewer than 16 bits, in which quiet passages are noisy. The formats get the same "
        "samples.",
        "Export with 16 or 24 bits if the original has them.",
        refuses=False,
    ),
    "length_undeclared": Explanation(
        "The header does not declare the length of the audio; all bytes up to the end count as audio.",
        "Compare the duration with the original's. Programs that write into a pipe make such files.",
        refuses=False,
    ),
    "decoder_missing": Explanation(
        "This server cannot decode the format, because ffmpeg is not installed.",
        "Upload WAV, AIFF or FLAC of 24 bits, or ask the server's administrator to install ffmpeg.",
    ),
    "inspection_limit": Explanation(
        "The inspection needed more time or memory than a recording may take.",
        "Very long recordings have to be split. If this one is short, its tags or frames are malicious or "
        "damaged.",
    ),
    "inspection_failed": Explanation(
        "The inspection stopped without a result.",
        "Upload the file again. If it fails again, send the file and the time to the server's administrator.",
    ),
}
