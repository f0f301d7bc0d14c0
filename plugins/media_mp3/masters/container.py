"""What all containers of masters have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import BinaryIO, Final, Literal

from media_mp3.domain import AudioFacts, Finding, Tags, finding
from media_mp3.tags.genres import genre_of_text
from media_mp3.tags.scan import Tag
from media_mp3.tags.text import MAX_TEXT_BYTES, clean, number_of, year_of

SAMPLE_RATES: Final = frozenset(
    (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
)
"""In hertz."""
BITS: Final = range(4, 33)
"""Of a sample. Those that do not fill their last byte are padded with zeros at the end."""
MOST_CHANNELS: Final = 8
MAX_CHUNKS: Final = 4096
MAX_TEXT_CHUNK_BYTES: Final = 16 * 1024 * 1024

LARGE: Final = 0xFFFFFFFF
"""What a chunk declares whose size is elsewhere, because 32 bits may not hold it."""

NO_LARGE: Final[Mapping[bytes, int]] = {}

Coding = Literal["int", "float"]


@dataclass(slots=True)
class Container:
    """What a container declares, and what is wrong with it.

    Attributes:
        format: ``wav``, ``aiff``, ``flac`` or ``alac``.
        samples: of each channel; None if the container does not declare them.
        start: the first byte of the audio, from the start of the file.
        length: bytes of the audio.
        texts: the tags' texts, by the names of `Tags`.
        id3: ID3v2 tags inside the container.
        skipped: names of texts that are too long to be read.
    """

    format: str
    sample_rate: int = 0
    channels: int = 0
    bits: int = 0
    coding: Coding = "int"
    big_endian: bool = False
    samples: int | None = None
    start: int = 0
    length: int = 0
    findings: list[Finding] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    id3: list[Tag] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def sample_bytes(self) -> int:
        """The bytes of one sample, for PCM."""
        return (self.bits + 7) // 8

    @property
    def frame_bytes(self) -> int:
        """The bytes of one sample of all channels, for PCM."""
        return self.channels * self.sample_bytes

    def facts(self, samples: int) -> AudioFacts:
        """The facts of audio with so many samples for each channel."""
        seconds = samples / self.sample_rate
        return AudioFacts(
            duration_ms=round(seconds * 1000),
            bitrate=round(self.length * 8 / seconds) if seconds else 0,
            sample_rate=self.sample_rate,
            channels=self.channels,
            format=self.format,
            bits=self.bits,
            samples=samples,
        )

    def add(self, code: str, **detail: int | str) -> None:
        """Note a finding; one of a code is enough."""
        if code not in {known.code for known in self.findings}:
            self.findings.append(finding(code, **detail))

    def check_shape(self) -> None:
        """Note a sample rate, a number of channels or a number of bits that is not accepted."""
        if self.sample_rate not in SAMPLE_RATES:
            self.add("sample_rate_unsupported", sample_rate=self.sample_rate)
        if not 1 <= self.channels <= MOST_CHANNELS:
            self.add("channels_unsupported", channels=self.channels)
        if self.bits not in BITS or (self.coding == "float" and self.bits != 32):
            self.add("bit_depth_unsupported", bits=self.bits, coding=self.coding)

    def shape_warnings(self) -> list[Finding]:
        """What formats with two channels and 16 bits change, or cannot mend."""
        found = []
        if self.channels > 2:
            found.append(finding("surround", channels=self.channels))
        if self.bits < 16:
            found.append(finding("few_bits", bits=self.bits))
        return found

    def text(self, field_name: str | None, name: str, raw: bytes, encodings: tuple[str, ...]) -> None:
        """Keep a text of a tag, unless the field has one."""
        if field_name is None or field_name in self.texts:
            return
        if len(raw) > MAX_TEXT_BYTES:
            self.skipped.append(name)
            return
        decoded = decoded_text(raw, encodings)
        if clean(decoded):
            self.texts[field_name] = decoded


class Broken(Exception):
    """The rest of a container cannot be read; its findings say why."""


class NotDecoded(Exception):
    """The audio cannot be decoded. ``finding`` says why."""

    def __init__(self, why: Finding) -> None:
        super().__init__(why.code)
        self.finding = why


def decoded_text(raw: bytes, encodings: tuple[str, ...]) -> str:
    """Decode a text up to its first NUL with the first encoding that fits."""
    raw = raw.partition(b"\0")[0]
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def tags_of(texts: Mapping[str, str]) -> Tags:
    """Make tags of texts, which are named as the fields of `Tags`."""
    plain = {name: clean(texts.get(name)) for name in ("title", "artist", "album", "album_artist")}
    return Tags(
        **plain,
        genre=clean(genre_of_text(texts.get("genre", ""))),
        year=year_of(texts.get("year", "")),
        track=number_of(texts.get("track", "")),
        disc=number_of(texts.get("disc", "")),
    )


def merged(first: Tags, second: Tags) -> Tags:
    """Complete tags by others."""
    values = ((one.name, getattr(first, one.name)) for one in fields(Tags))
    return Tags(**{name: getattr(second, name) if value is None else value for name, value in values})


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of a RIFF or an IFF file. ``size`` is what it declares, in bytes, without its header."""

    name: bytes
    start: int
    size: int


def chunks(
    file: BinaryIO,
    found: Container,
    position: int,
    end: int,
    order: Literal["little", "big"],
    *,
    large: Mapping[bytes, int] = NO_LARGE,
) -> Iterator[Chunk]:
    """Walk the chunks between two offsets. A chunk that ends after ``end`` is the last one.

    Args:
        large: the sizes of chunks that declare `LARGE`, by their names.

    Raises:
        Broken: there are too many of them, or the rest is no chunk.
    """
    for _ in range(MAX_CHUNKS):
        if end - position < 8:
            if end > position and read_at(file, position, end - position).strip(b"\0"):
                found.add("garbage_after_audio", offset=position, bytes=end - position)
            return
        head = read_at(file, position, 8)
        name, size = head[:4], int.from_bytes(head[4:8], order)
        if size == LARGE:
            size = large.get(name, size)
        if not all(0x20 <= byte < 0x7F for byte in name):
            found.add("header_malformed", offset=position, reason="no chunk begins here")
            raise Broken
        yield Chunk(name, position + 8, size)
        position += 8 + size + size % 2
        if position > end:
            return
    found.add("too_many_chunks", most=MAX_CHUNKS)
    raise Broken


def read_at(file: BinaryIO, position: int, length: int) -> bytes:
    """Read up to so many bytes from an offset."""
    file.seek(position)
    return file.read(length)
