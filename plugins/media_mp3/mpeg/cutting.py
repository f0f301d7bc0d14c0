"""Cuts a part out of an MP3 without encoding it again. The part has exactly the samples of the whole file.

To decode a frame takes bytes of earlier frames (the bit reservoir), and what the two frames before have left
in the decoder. So the part begins with two frames more. Before them is a silent frame that carries the
reservoir of the first one. A Xing frame says how many samples a decoder leaves out because of that.

Source: ISO/IEC 11172-3, 2.4.1.7 and 2.4.2.7; ISO/IEC 13818-3; Mp3 Info Tag, revision 1 (LAME).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from media_mp3.mpeg.frames import Walk, audio_frames
from media_mp3.mpeg.header import (
    DECODER_DELAY,
    HEADER_BYTES,
    FrameHeader,
    LengthHeader,
    main_data_begin,
    parse_header,
)
from media_mp3.tags.scan import scan_tags

_WARM_UP_FRAMES: Final = 2
_NO_CRC: Final = 1 << 16
_PADDING: Final = 1 << 9
_BITRATE_SHIFT: Final = 12
_XING_BYTES: Final = 156
_XING_FLAGS: Final = 15
"""The header has the number of frames, that of bytes, the table of contents, and the quality."""
_PLACES: Final = 100
_CRC_POLYNOMIAL: Final = 0xA001


class NothingToCut(Exception):
    """The file has no frame that could be decoded."""


@dataclass(slots=True)
class _Frame:
    """A frame, whose data behind the side information may be changed."""

    data: bytearray
    header: FrameHeader

    @property
    def payload(self) -> int:
        """Where the main data begins, in bytes from the start of the frame."""
        return HEADER_BYTES + (0 if self.data[1] & 1 else 2) + self.header.side_info_bytes

    @property
    def payload_bytes(self) -> int:
        return len(self.data) - self.payload

    @property
    def reservoir(self) -> int:
        """How many bytes of earlier frames it needs."""
        return main_data_begin(bytes(self.data[:8]), self.header)

    @property
    def main_data_bytes(self) -> int:
        """The bytes of its own main data, wherever they are."""
        is_mpeg1, mono = self.header.version == "1", self.header.channels == 1
        side = int.from_bytes(self.data[self.payload - self.header.side_info_bytes : self.payload])
        bits = self.header.side_info_bytes * 8
        if is_mpeg1:
            place, step, parts = 9 + (5 if mono else 3) + 4 * self.header.channels, 59, 2
        else:
            place, step, parts = 8 + (1 if mono else 2), 63, 1
        total = 0
        for _ in range(parts * self.header.channels):
            total += side >> bits - place - 12 & 0xFFF
            place += step
        return -(-total // 8)


def cut(source: BinaryIO, size: int, target: BinaryIO, *, start_ms: int, length_ms: int) -> None:
    """Write a part of an MP3, as a file of its own without tags.

    It begins with a frame, so a few milliseconds after ``start_ms``, and is not longer than ``length_ms``,
    but has one frame at least. If less is left at the end, it begins earlier.

    Args:
        source: an accepted MP3, open for reading in binary.
        size: its bytes.
        target: open for writing in binary.
        start_ms: milliseconds of what a gapless decoder gives.
        length_ms: milliseconds.

    Raises:
        NothingToCut
        OSError: the source cannot be read, or the target cannot be written.
    """
    scan, walked = scan_tags(source, size), Walk()
    frames = list(audio_frames(source, scan.audio_start, scan.audio_end, walked))
    if not frames:
        raise NothingToCut
    header = frames[0][1]
    start, length = (each * header.sample_rate // 1000 for each in (start_ms, length_ms))
    first, end = _chosen(len(frames), header.samples, walked.length_header, (start, length))
    wanted = max(0, first - _WARM_UP_FRAMES)
    warm_up, carried = _decodable(source, frames, wanted)
    if warm_up > wanted:
        first = min(warm_up + _WARM_UP_FRAMES, len(frames) - 1)
    chosen = [_read(source, each) for each in frames[warm_up : max(first + 1, end)]]
    _clear_what_follows(chosen)
    word = int.from_bytes(chosen[0].data[:HEADER_BYTES])
    audio = [_silent(word, carried), *(bytes(each.data) for each in chosen)]
    delay = (1 + first - warm_up) * header.samples - DECODER_DELAY
    target.write(_xing(word, audio, delay))
    target.writelines(audio)


def _chosen(
    frames: int, samples: int, declared: LengthHeader | None, part: tuple[int, int]
) -> tuple[int, int]:
    """The first frame of a part, and the one after its last; all of them are whole after a gapless decoder.

    Args:
        frames: of the file.
        samples: of a frame.
        declared: what a Xing frame says about the ends of the file.
        part: the first sample of what a gapless decoder gives, and the number of samples.
    """
    skipped, trimmed = (declared.skipped, declared.trimmed) if declared else (0, 0)
    least, most = -(-skipped // samples), (frames * samples - (trimmed - skipped)) // samples
    if most <= least:
        least, most = 0, frames
    count = min(max(1, part[1] // samples), most - least)
    first = min(-(-(part[0] + skipped) // samples), most - count)
    return first, first + count


def _read(source: BinaryIO, frame: tuple[int, FrameHeader]) -> _Frame:
    offset, header = frame
    source.seek(offset)
    return _Frame(bytearray(source.read(header.length)), header)


def _decodable(source: BinaryIO, frames: Sequence[tuple[int, FrameHeader]], first: int) -> tuple[int, bytes]:
    """The first frame from one on whose reservoir is in the file, and the reservoir.

    Raises:
        NothingToCut: there is none.
    """
    for index in range(first, len(frames)):
        needed, found = _read(source, frames[index]).reservoir, b""
        before = index - 1
        while len(found) < needed and before >= 0:
            earlier = _read(source, frames[before])
            found = bytes(earlier.data[earlier.payload :]) + found
            before -= 1
        if len(found) >= needed:
            return index, found[len(found) - needed :]
    raise NothingToCut


def _clear_what_follows(chosen: Sequence[_Frame]) -> None:
    """Replace the main data of later frames by zeros: it is no part of what was chosen."""
    last = chosen[-1]
    left = last.payload_bytes + last.reservoir - last.main_data_bytes
    for frame in reversed(chosen):
        if left <= 0:
            return
        cleared = min(left, frame.payload_bytes)
        frame.data[len(frame.data) - cleared :] = bytes(cleared)
        left -= cleared


def _silent(word: int, carried: bytes) -> bytes:
    """A frame that decodes to silence, and ends with bytes for the next one."""
    head, header = _header_for(word, len(carried))
    return head + bytes(header.length - HEADER_BYTES - len(carried)) + carried


def _header_for(word: int, payload: int) -> tuple[bytes, FrameHeader]:
    """The header of a frame like another one, with room for so many bytes behind the side information."""
    plain = (word | _NO_CRC) & ~_PADDING & ~(0xF << _BITRATE_SHIFT)
    for bitrate in range(1, 15):
        found = plain | bitrate << _BITRATE_SHIFT
        header = parse_header(found)
        if header is not None and header.length >= HEADER_BYTES + header.side_info_bytes + payload:
            return found.to_bytes(HEADER_BYTES), header
    raise NothingToCut


def _xing(word: int, audio: Sequence[bytes], delay: int) -> bytes:
    """The frame that declares the length, places to seek to, and how many samples are left out."""
    head, header = _header_for(word, _XING_BYTES)
    starts, size = [], header.length
    for frame in audio:
        starts.append(size)
        size += len(frame)
    table = bytes(starts[place * len(audio) // _PLACES] * 256 // size for place in range(_PLACES))
    declared = struct.pack(">4sIII", b"Xing", _XING_FLAGS, len(audio), size) + table + bytes(4)
    cut_off = (delay << 12 | DECODER_DELAY).to_bytes(3)
    lame = b"LAME3.100".ljust(21, b"\0") + cut_off + bytes(4) + struct.pack(">IH", size, 0)
    frame = head + bytes(header.side_info_bytes) + declared + lame
    return (frame + _crc16(frame).to_bytes(2)).ljust(header.length, b"\0")


def _crc16(data: bytes) -> int:
    """The CRC-16 of the Mp3 Info Tag: polynomial 0x8005, reflected."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (_CRC_POLYNOMIAL if value & 1 else 0)
    return value
