"""Makes a file of a format from a master: encodes it, and writes tags and a cover into it, with ffmpeg."""

from __future__ import annotations

import base64
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from autonomy_core.kernel.media import MediaFormat, Recording, TagStyle
from autonomy_core.media.ffmpeg import FfmpegLimits, input_arguments, run_ffmpeg
from autonomy_core.media.id3_comment import correct_comment
from autonomy_core.media.mp3_length import correct_length
from autonomy_core.media.mp4_items import PLACE, named_items, place_for, put_items

VERSIONS: Final[Mapping[TagStyle, int]] = {"id3": 2, "flac": 1, "ogg": 1, "mp4": 2, "riff": 1, "none": 1}
"""Of this module's way to make files, by their style of tags. Files of an earlier version are made anew.

Raise a number only where the bytes of the files change: to encode a whole shop again takes hours.
"""

LIMITS: Final = FfmpegLimits(cpu_s=1800, wall_s=3600.0, file_bytes=4 * 1024 * 1024 * 1024)
"""For one file. An hour of stereo takes up to about one minute of a core."""

_ESCAPED: Final = str.maketrans({one: f"\\{one}" for one in "\\=;#\n"})
_FRONT_COVER: Final = 3
_REPLAY_GAIN_REFERENCE: Final = -18
_R128_REFERENCE: Final = -23
"""In LUFS."""


@dataclass(frozen=True, slots=True)
class ReplayGain:
    """How much louder or softer a recording has to be played to be as loud as others (ReplayGain 2.0).

    Attributes:
        track_gain: in dB, to -18 LUFS.
        track_peak: the largest sample, 1 for full scale.
        album_gain, album_peak: the same for the whole release; None if it is not known.
    """

    track_gain: float
    track_peak: float
    album_gain: float | None = None
    album_peak: float | None = None


@dataclass(frozen=True, slots=True)
class TrackTags:
    """What the tags of a file say; None and empty texts are left out.

    Attributes:
        track: the number on the disc, and of how many: ``3/9``.
        disc: likewise.
        date: ``2019-02-03``, or a year.
        isrc: without hyphens.
        comment: for example the address of the shop.
        gain: None if it is not known.
    """

    title: str
    artist: str | None = None
    album: str | None = None
    album_artist: str | None = None
    track: str | None = None
    disc: str | None = None
    date: str | None = None
    genre: str | None = None
    isrc: str | None = None
    comment: str | None = None
    gain: ReplayGain | None = None


@dataclass(frozen=True, slots=True)
class Cover:
    """A JPEG. ``width`` and ``height`` are in pixels."""

    content: bytes
    width: int
    height: int


def encode(
    media_format: MediaFormat,
    master: Path,
    recording: Recording,
    target: Path,
    *,
    demuxer: str,
    tags: TrackTags,
    cover: Cover | None = None,
    limits: FfmpegLimits = LIMITS,
) -> None:
    """Make a file. The same arguments give the same bytes with the same ffmpeg.

    Args:
        media_format: what to make.
        master: the file of the master, which has been inspected.
        recording: its shape.
        target: the file to write; it is overwritten.
        demuxer: ffmpeg's name of the master's container, see `input_arguments`.
        tags: for formats that keep tags.
        cover: for formats that keep one; None for none.
        limits: of the process.

    Raises:
        FfmpegMissing, FfmpegFailed, FfmpegLimitReached
        OSError: the disk is full.
    """
    texts, items = _texts_and_items(media_format, tags)
    with tempfile.TemporaryDirectory(prefix="tags-", dir=target.parent) as name:
        arguments = [
            *input_arguments(master, demuxer),
            *_tag_arguments(media_format.tags, Path(name), texts, cover),
        ]
        # Without these, the tags of the master are copied, and the file names the version of ffmpeg.
        arguments += ["-map_metadata:s:a", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"]
        arguments += ["-flags:a", "+bitexact", *media_format.options(recording), "-y", f"file:{target}"]
        run_ffmpeg(arguments, limits)
    if items:
        put_items(target, items)
    if media_format.tags == "id3":
        correct_comment(target)
    if media_format.encoder == "libmp3lame" and recording.samples is not None:
        rate = output_rate(media_format, recording)
        correct_length(target, -(-recording.samples * rate // recording.sample_rate))


def output_rate(media_format: MediaFormat, recording: Recording) -> int:
    """The sample rate of a format's files in hertz, by its options; by default that of the master."""
    options = list(media_format.options(recording))
    return int(options[options.index("-ar") + 1]) if "-ar" in options else recording.sample_rate


def _tag_arguments(
    style: TagStyle, directory: Path, texts: Mapping[str, str], cover: Cover | None
) -> list[str]:
    """The arguments of the inputs with tags and cover, and of the streams of the output."""
    if style == "none":
        return ["-map", "0:a:0", "-map_metadata", "-1"]
    if cover is not None and style == "ogg":
        texts = {**texts, "METADATA_BLOCK_PICTURE": base64.b64encode(_picture(cover)).decode()}
    (directory / "tags").write_text(_metadata(texts), "utf-8")
    inputs = input_arguments(directory / "tags", "ffmetadata")
    streams = ["-map", "0:a:0", "-map_metadata", "1"]
    if cover is not None and style in ("id3", "flac", "mp4"):
        (directory / "cover.jpg").write_bytes(cover.content)
        inputs += ["-pattern_type", "none", *input_arguments(directory / "cover.jpg", "image2")]
        streams += ["-map", "2:v:0", "-c:v", "copy", "-disposition:v:0", "attached_pic"]
        streams += ["-map_metadata:s:v", "-1", "-metadata:s:v:0", "comment=Cover (front)"]
    return [*inputs, *streams]


def _texts(media_format: MediaFormat, tags: TrackTags) -> dict[str, str]:
    """The texts and the gain by ffmpeg's names. ffmpeg has no name for an ISRC in ID3."""
    texts = {
        "title": tags.title,
        "artist": tags.artist,
        "album": tags.album,
        "album_artist": tags.album_artist,
        "track": tags.track,
        "disc": tags.disc,
        "date": tags.date,
        "genre": tags.genre,
        "TSRC" if media_format.tags == "id3" else "ISRC": tags.isrc,
        "comment": tags.comment,
        **_gains(media_format, tags.gain),
    }
    return {name: text for name, text in texts.items() if text}


def _texts_and_items(media_format: MediaFormat, tags: TrackTags) -> tuple[dict[str, str], bytes]:
    """The texts that ffmpeg writes, and for MP4 the items that are written over one of them afterwards."""
    if media_format.tags == "none":
        return {}, b""
    texts = _texts(media_format, tags)
    if media_format.tags != "mp4":
        return texts, b""
    named = {name: texts.pop(name) for name in list(texts) if name.startswith(("ISRC", "REPLAYGAIN"))}
    items = named_items(named)
    if items:
        texts[PLACE] = place_for(items)
    return texts, items


def _gains(media_format: MediaFormat, gain: ReplayGain | None) -> dict[str, str]:
    """The gain. RIFF has no place for it. Opus has its own names (RFC 7845, section 5.2.1)."""
    if gain is None or media_format.tags == "riff":
        return {}
    found: dict[str, str] = {}
    for name, value, peak in (
        ("TRACK", gain.track_gain, gain.track_peak),
        ("ALBUM", gain.album_gain, gain.album_peak),
    ):
        if value is None or peak is None:
            continue
        if media_format.encoder == "libopus":
            found[f"R128_{name}_GAIN"] = str(_q78(value + _R128_REFERENCE - _REPLAY_GAIN_REFERENCE))
        else:
            found[f"REPLAYGAIN_{name}_GAIN"] = f"{value:.2f} dB"
            found[f"REPLAYGAIN_{name}_PEAK"] = f"{peak:.6f}"
    return found


def _q78(decibels: float) -> int:
    """A number of dB as Opus writes it: in steps of 1/256, in 16 bits with a sign."""
    return max(-32768, min(32767, round(decibels * 256)))


def _metadata(texts: Mapping[str, str]) -> str:
    """Write texts as ffmpeg's metadata file. A command line would be limited in length, and public."""
    return ";FFMETADATA1\n" + "".join(f"{name}={text.translate(_ESCAPED)}\n" for name, text in texts.items())


def _picture(cover: Cover) -> bytes:
    """The cover as a picture block of FLAC (RFC 9639, section 8.8), which Ogg keeps as a comment."""
    kind = b"image/jpeg"
    head = struct.pack(">II", _FRONT_COVER, len(kind)) + kind + struct.pack(">I", 0)
    shape = struct.pack(">IIIII", cover.width, cover.height, 24, 0, len(cover.content))
    return head + shape + cover.content
