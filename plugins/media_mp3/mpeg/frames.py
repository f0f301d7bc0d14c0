"""Walk every MPEG audio frame of a file. The duration is the sum of the frames, never a value of a header."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from media_mp3.domain import AudioFacts, Finding, finding
from media_mp3.mpeg.header import (
    HEADER_BYTES,
    SHAPE_MASK,
    FrameHeader,
    LengthHeader,
    main_data_begin,
    parse_header,
    parse_length_header,
)

MAX_PADDING_BYTES = 4096
"""Of NUL bytes before the audio. With 64 KiB of them Chromium adds four seconds to a duration of three."""
_WINDOW_BYTES = 1024 * 1024
_KEPT_BYTES = 8 * 1024
_SEARCH_BYTES = 64 * 1024
_MOST_GAPS = 8
_CHAIN = 3
_RESERVOIR_BYTES = 511


class _Window:
    """Reads a file in large pieces, so that neither the whole of it nor a map of it is in memory."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self._file, self.end = file, end
        self._start, self._data = 0, b""

    def read(self, position: int, length: int) -> bytes:
        """Up to ``length`` bytes from a position, fewer at the end."""
        length = min(length, self.end - position)
        offset = position - self._start
        if offset < 0 or offset + length > len(self._data):
            # A search looks ahead and comes back: some bytes before the position stay in the window.
            self._start = max(0, position - _KEPT_BYTES)
            self._file.seek(self._start)
            self._data = self._file.read(min(_WINDOW_BYTES, self.end - self._start))
            offset = position - self._start
        return self._data[offset : offset + max(0, length)]

    def header(self, position: int) -> tuple[int, FrameHeader | None]:
        """The bits that shape the frame at a position, and its header; free format is no header here."""
        raw = self.read(position, HEADER_BYTES)
        word = int.from_bytes(raw) & SHAPE_MASK if len(raw) == HEADER_BYTES else 0
        header = parse_header(word)
        return word, header if header and header.length else None

    def skip_nulls(self, position: int) -> int:
        while chunk := self.read(position, 4096):
            rest = chunk.lstrip(b"\0")
            position += len(chunk) - len(rest)
            if rest:
                break
        return position


@dataclass(slots=True)
class Walk:
    """The result of walking the frames.

    Attributes:
        shapes: how many frames there are of each shape of header.
        first_at: the offset of the first frame of each shape, in file order.
        length_header: what the Xing, Info or VBRI frame declares; that frame is not counted.
        header_bytes: of that frame; 0 where there is none.
        undecodable_start: how many frames at the start may lack data of frames before them.
        cut: the offset of an incomplete last frame, and how many bytes it lacks at least; it is not counted.
    """

    shapes: dict[int, int] = field(default_factory=dict)
    first_at: dict[int, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    length_header: LengthHeader | None = None
    header_bytes: int = 0
    undecodable_start: int = 0
    cut: tuple[int, int] | None = None

    def headers(self) -> list[tuple[FrameHeader, int]]:
        """Each kind of frame with how many there are of it."""
        return [(header, n) for word, n in self.shapes.items() if (header := parse_header(word))]

    @property
    def frames(self) -> int:
        """How many audio frames there are."""
        return sum(self.shapes.values())

    @property
    def samples(self) -> int:
        """Per channel, before a gapless decoder trims the ends."""
        return sum(header.samples * n for header, n in self.headers())

    @property
    def frame_bytes(self) -> int:
        """The bytes of all audio frames."""
        return sum(header.length * n for header, n in self.headers())

    @property
    def facts(self) -> AudioFacts | None:
        """The audio's facts, None when there is no frame."""
        headers = self.headers()
        if not headers:
            return None
        seconds = sum(header.samples * n / header.sample_rate for header, n in headers)
        first = headers[0][0]
        return AudioFacts(
            duration_ms=round(seconds * 1000),
            bitrate=round(self.frame_bytes * 8 / seconds),
            sample_rate=first.sample_rate,
            channels=first.channels,
            mpeg_version=first.version,
            layer=first.layer,
            vbr=len({header.bitrate for header, _ in headers}) > 1,
            frames=self.frames,
        )


def walk(file: BinaryIO, start: int, end: int) -> Walk:
    """Walk the frames between two offsets.

    Args:
        file: open for reading in binary.
        start: where the leading tags end, in bytes from the start of the file.
        end: where the trailing tags begin.
    """
    window, found = _Window(file, end), Walk()
    position = _find_audio(window, start, found)
    if position is None:
        return found
    position = _read_first_frame(window, position, found)
    gaps = _walk_frames(window, position, found)
    if gaps:
        offset, length = gaps[0]
        found.findings.append(
            finding("garbage_between_frames", offset=offset, bytes=length, places=len(gaps))
        )
    if not found.shapes:
        found.findings.append(finding("no_audio"))
        return found
    found.findings += _consistency(found)
    return found


def audio_frames(file: BinaryIO, start: int, end: int, found: Walk) -> Iterator[tuple[int, FrameHeader]]:
    """Yield the offset and the header of each whole frame of an accepted file, without a Xing frame.

    Args:
        file, start, end: see `walk`.
        found: gets the `length_header` before the first frame is yielded.
    """
    window = _Window(file, end)
    position = _find_audio(window, start, found)
    if position is None:
        return
    position = _read_first_frame(window, position, found)
    while True:
        _, header = window.header(position)
        if header is None or position + header.length > end:
            return
        yield position, header
        position += header.length


def _find_audio(window: _Window, start: int, found: Walk) -> int | None:
    """The offset of the first frame. A few NUL bytes before it are padding, which players skip."""
    audio = window.skip_nulls(start)
    if MAX_PADDING_BYTES < audio - start < window.end - start:
        found.findings.append(finding("garbage_before_audio", offset=start, bytes=audio - start))
    if _is_free_format(window, audio):
        found.findings.append(finding("free_format", offset=audio))
        return None
    position = _search(window, audio)
    if position is None:
        found.findings.append(finding("no_audio"))
    elif position > audio and not found.findings:
        found.findings.append(finding("garbage_before_audio", offset=audio, bytes=position - audio))
    return position


def _is_free_format(window: _Window, position: int) -> bool:
    """Whether a header without a bitrate is here, and the same header with any padding follows."""
    data = window.read(position, 8192)
    word = int.from_bytes(data[:HEADER_BYTES]) & SHAPE_MASK
    header = parse_header(word)
    if header is None or header.bitrate:
        return False
    following = data.find(data[:2], HEADER_BYTES)
    while following >= 0:
        if (int.from_bytes(data[following : following + HEADER_BYTES]) & SHAPE_MASK) | 0x200 == word | 0x200:
            return True
        following = data.find(data[:2], following + 1)
    return False


def _search(window: _Window, position: int) -> int | None:
    """The first offset from here on where frames follow one another, within the bytes that we search."""
    data = window.read(position, _SEARCH_BYTES)
    ahead = data.find(b"\xff")
    while ahead >= 0:
        if _chain_begins(window, position + ahead):
            return position + ahead
        ahead = data.find(b"\xff", ahead + 1)
    return None


def _chain_begins(window: _Window, position: int) -> bool:
    first = None
    for count in range(_CHAIN):
        _, header = window.header(position)
        if header is None:
            return False
        kind = header.version, header.layer, header.sample_rate
        if first not in (None, kind):
            return False
        first = kind
        position += header.length
        if position >= window.end:
            return position == window.end or count > 0
    return True


def _read_first_frame(window: _Window, position: int, found: Walk) -> int:
    """Take the first frame as a Xing, Info or VBRI header if it is one, and return where the audio begins."""
    _, header = window.header(position)
    if header is None or header.layer != 3:
        return position
    found.length_header = parse_length_header(window.read(position, header.length), header)
    if found.length_header:
        found.header_bytes = header.length
        position += header.length
        _, header = window.header(position)
    if header and main_data_begin(window.read(position, HEADER_BYTES + 4).ljust(8, b"\0"), header):
        payload = max(1, header.length - HEADER_BYTES - header.side_info_bytes)
        found.undecodable_start = 1 + -(-_RESERVOIR_BYTES // payload)
    return position


def _walk_frames(window: _Window, position: int, found: Walk) -> list[tuple[int, int]]:
    """Count the frames; return the offset and length of what lies between them and is none."""
    shapes, first_at = found.shapes, found.first_at
    gaps: list[tuple[int, int]] = []
    while position < window.end:
        word, header = window.header(position)
        if header is None and _is_cut_header(window, position):
            found.cut = position, position + HEADER_BYTES - window.end
            break
        if header is None:
            resumed = _search(window, position) if len(gaps) < _MOST_GAPS else None
            if resumed is None:
                found.findings += _leftover(window, position)
                break
            gaps.append((position, resumed - position))
            position = resumed
            continue
        if position + header.length > window.end:
            found.cut = position, position + header.length - window.end
            break
        if word not in first_at:
            first_at[word], shapes[word] = position, 0
        shapes[word] += 1
        position += header.length
    return gaps


def _is_cut_header(window: _Window, position: int) -> bool:
    """Whether the file ends within the four bytes of a header."""
    return window.end - position < HEADER_BYTES and window.read(position, 1) == b"\xff"


def _leftover(window: _Window, position: int) -> list[Finding]:
    """What follows the last frame: NUL bytes are padding, anything else is not."""
    garbage = window.skip_nulls(position)
    if garbage >= window.end:
        return []
    return [finding("garbage_after_audio", offset=position, bytes=window.end - position)]


def _consistency(found: Walk) -> list[Finding]:
    headers = found.headers()
    findings = [finding(f"layer{layer}") for layer in sorted({header.layer for header, _ in headers} - {3})]
    rates = list(dict.fromkeys(header.sample_rate for header, _ in headers))
    if len(rates) > 1:
        offset = _first_difference(found, "sample_rate")
        findings.append(finding("mixed_sample_rates", offset=offset, rates=", ".join(map(str, rates))))
    if len({header.channels for header, _ in headers}) > 1:
        findings.append(finding("mixed_channel_modes", offset=_first_difference(found, "channels")))
    return findings


def _first_difference(found: Walk, attribute: str) -> int:
    """The offset of the first frame that differs from the very first one in an attribute."""
    offsets = list(found.first_at.items())
    value = getattr(parse_header(offsets[0][0]), attribute)
    return next(offset for word, offset in offsets if getattr(parse_header(word), attribute) != value)
