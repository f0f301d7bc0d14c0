"""Walks a FLAC stream: its metadata, and the header of each frame. Then decodes it, and checks its MD5.

Source: RFC 9639.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from media_mp3.domain import finding
from media_mp3.masters.container import (
    MAX_CHUNKS,
    MAX_TEXT_CHUNK_BYTES,
    Broken,
    Container,
    NotDecoded,
    read_at,
)
from media_mp3.mpeg.decode import Decoded, Waveform

_STREAMINFO, _VORBIS_COMMENT = 0, 4
_STREAMINFO_BYTES: Final = 34
_RATES: Final = (0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
_SIZES: Final = (0, 8, 12, 0, 16, 20, 24, 32)
_SYNC: Final = re.compile(rb"\xff[\xf8\xf9]")
_WINDOW_BYTES: Final = 1024 * 1024
_HEADER_BYTES: Final = 16
_LARGEST_FRAME_BYTES: Final = 4 * 1024 * 1024
_BLOCK_FRAMES: Final = 16 * 1024
_MOST_BITS: Final = 32
"""Of a sample. dr_flac does not know them."""
_FIELDS: Final = {
    "title": "title",
    "artist": "artist",
    "albumartist": "album_artist",
    "album": "album",
    "genre": "genre",
    "date": "year",
    "tracknumber": "track",
    "discnumber": "disc",
}


class Stream(Container):
    """A FLAC stream. ``md5`` is of the samples; zeros if the encoder did not compute it."""

    md5: bytes = bytes(16)
    largest_block: int = 0


class FrameHeader(NamedTuple):
    """The header of a frame.

    Attributes:
        variable: whether the blocks have different sizes; then ``number`` counts samples, else frames.
        rate: in hertz; 0 as the stream declares.
        bits: of a sample; 0 as the stream declares.
        block: samples of each channel.
    """

    variable: bool
    rate: int
    channels: int
    bits: int
    block: int
    number: int


def parse(file: BinaryIO, start: int, end: int) -> Stream:
    """Read the metadata and walk the frames.

    Args:
        file: open for reading in binary.
        start: the offset of ``fLaC``.
        end: where the stream may end.
    """
    found = Stream("flac")
    try:
        _metadata(file, found, start + 4, end)
        found.check_shape()
        if not found.findings:
            _walk(file, found, end)
    except Broken:
        pass
    return found


def _metadata(file: BinaryIO, found: Stream, position: int, end: int) -> None:
    for number in range(MAX_CHUNKS):
        head = read_at(file, position, 4)
        if len(head) < 4:
            found.add("truncated", declared=position + 4, file=end)
            raise Broken
        kind, size = head[0] & 0x7F, int.from_bytes(head[1:4], "big")
        position += 4
        if position + size > end:
            found.add("chunk_beyond_file", chunk=f"metadata block {kind}", declared=size)
            raise Broken
        if (number == 0) != (kind == _STREAMINFO) or (kind == _STREAMINFO and size != _STREAMINFO_BYTES):
            found.add("header_malformed", offset=position - 4, reason="STREAMINFO")
            raise Broken
        if kind == _STREAMINFO:
            _stream_info(found, read_at(file, position, size))
        elif kind == _VORBIS_COMMENT:
            _comments(found, read_at(file, position, min(size, MAX_TEXT_CHUNK_BYTES)))
        position += size
        if head[0] & 0x80:
            found.start, found.length = position, end - position
            return
    found.add("too_many_chunks", most=MAX_CHUNKS)
    raise Broken


def _stream_info(found: Stream, block: bytes) -> None:
    found.largest_block = int.from_bytes(block[2:4], "big")
    bits = int.from_bytes(block[10:18], "big")
    found.sample_rate = bits >> 44
    found.channels = (bits >> 41 & 7) + 1
    found.bits = (bits >> 36 & 31) + 1
    found.samples = bits & (1 << 36) - 1 or None
    found.md5 = block[18:34]


def _comments(found: Container, block: bytes) -> None:
    """Read the fields of a Vorbis comment (RFC 9639, section 8.6)."""
    position = 4 + int.from_bytes(block[:4], "little")
    count = int.from_bytes(block[position : position + 4], "little")
    position += 4
    for _ in range(min(count, MAX_CHUNKS)):
        length = int.from_bytes(block[position : position + 4], "little")
        position += 4
        if position + length > len(block):
            return
        name = block[position : position + min(length, 256)].partition(b"=")[0]
        field = _FIELDS.get(name.decode("latin-1").lower())
        if field is not None:
            start = position + len(name) + 1
            found.text(field, name.decode("latin-1"), block[start : position + length], ("utf-8",))
        position += length


def _walk(file: BinaryIO, found: Stream, end: int) -> None:
    """Find each frame by its header, whose CRC-8 and whose number must be right."""
    expected, samples, last, last_block = 0, 0, -1, 0
    variable: bool | None = None
    for position, head in _candidates(file, found.start, end):
        header = _frame_header(head)
        if header is None or variable not in (None, header.variable):
            continue
        if header.number != (samples if header.variable else expected):
            continue
        if last < 0 and position != found.start:
            break
        _check_frame(found, header, position)
        variable, last, last_block = header.variable, position, header.block
        expected, samples = expected + 1, samples + header.block
    if last < 0:
        found.add("no_audio")
        return
    _check_end(file, found, last, last_block, end)
    if found.samples is not None and samples < found.samples:
        found.add("truncated", declared=found.samples, file=samples)
    elif found.samples is not None and samples > found.samples:
        found.add("length_mismatch", declared=found.samples, found=samples)
    found.samples = samples


def _check_frame(found: Stream, header: FrameHeader, position: int) -> None:
    if header.rate not in (0, found.sample_rate):
        found.add("mixed_sample_rates", offset=position)
    if header.channels != found.channels:
        found.add("mixed_channel_modes", offset=position)
    if header.bits not in (0, found.bits):
        found.add("mixed_bit_depths", offset=position)


def _check_end(file: BinaryIO, found: Stream, last: int, block: int, end: int) -> None:
    """Make sure that the last frame ends where the audio ends: there its CRC-16 is zero."""
    most = block * found.channels * ((found.bits + 7) // 8 + 1) + 64
    data = read_at(file, last, min(end - last, most, _LARGEST_FRAME_BYTES))
    checksum, ends = 0, 0
    for index, byte in enumerate(data):
        checksum = (checksum << 8 & 0xFFFF) ^ _CRC16[checksum >> 8 ^ byte]
        if checksum == 0 and index > _HEADER_BYTES // 2:
            ends = index + 1
    if ends == 0:
        found.add("truncated", reason="the last frame is not complete")
    elif last + ends < end:
        found.add("garbage_after_audio", offset=last + ends, bytes=end - last - ends)


def _candidates(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Each place with the sync code of a frame, with the bytes of a header."""
    position = start
    while position < end:
        data = read_at(file, position, min(_WINDOW_BYTES, end - position))
        whole = len(data) if position + len(data) >= end else len(data) - _HEADER_BYTES
        if not data:
            return
        for match in _SYNC.finditer(data):
            if match.start() < whole:
                yield position + match.start(), data[match.start() : match.start() + _HEADER_BYTES]
        position += whole


def _frame_header(head: bytes) -> FrameHeader | None:
    """Read the header of a frame; None if there is none, or its CRC-8 is wrong."""
    if len(head) < 6 or head[3] & 1:
        return None
    block_code, rate_code = head[2] >> 4, head[2] & 15
    channel_code, size_code = head[3] >> 4, head[3] >> 1 & 7
    if block_code == 0 or rate_code == 15 or channel_code > 10 or size_code == 3:
        return None
    number, position = _coded_number(head, 4)
    if number is None:
        return None
    if block_code in (6, 7):
        width = block_code - 5
        block, position = int.from_bytes(head[position : position + width], "big") + 1, position + width
    else:
        block = 192 if block_code == 1 else 576 << block_code - 2 if block_code < 6 else 256 << block_code - 8
    rate = _RATES[rate_code] if rate_code < 12 else 0
    if rate_code >= 12:
        width = 1 if rate_code == 12 else 2
        raw = int.from_bytes(head[position : position + width], "big")
        rate, position = raw * {12: 1000, 13: 1, 14: 10}[rate_code], position + width
    if position >= len(head) or _crc8(head[:position]) != head[position]:
        return None
    channels = channel_code + 1 if channel_code < 8 else 2
    return FrameHeader(bool(head[1] & 1), rate, channels, _SIZES[size_code], block, number)


def _coded_number(head: bytes, position: int) -> tuple[int | None, int]:
    """Read a number that is coded as UTF-8 codes characters, with up to seven bytes."""
    first = head[position]
    if first < 0x80:
        return first, position + 1
    ones = 8 - (~first & 0xFF).bit_length()
    position += 1
    if ones in (1, 8) or position + ones - 1 > len(head):
        return None, position
    number = first & 0x7F >> ones
    for byte in head[position : position + ones - 1]:
        number = number << 6 | byte & 0x3F
    return number, position + ones - 1


def _table(polynomial: int, width: int) -> list[int]:
    entries = []
    for byte in range(256):
        value = byte << width - 8
        for _ in range(8):
            value = value << 1 ^ (polynomial if value >> width - 1 else 0)
            value &= (1 << width) - 1
        entries.append(value)
    return entries


_CRC8, _CRC16 = _table(0x07, 8), _table(0x8005, 16)


def _crc8(data: bytes) -> int:
    checksum = 0
    for byte in data:
        checksum = _CRC8[checksum ^ byte]
    return checksum


def decode(path: Path, found: Stream) -> Decoded:
    """Decode a stream whose frames were walked without a finding, and compare its length and its MD5."""
    expected = found.samples or 0
    waveform, digest = Waveform(expected, found.channels), hashlib.md5(usedforsecurity=False)
    try:
        for block in _blocks(path, found):
            digest.update(_stored(block, found.bits))
            waveform.add(array("h", memoryview(block).cast("h")[1::2].tobytes()))
    except NotDecoded as error:
        return Decoded((error.finding,))
    if waveform.samples == 0:
        return Decoded((finding("undecodable"),))
    if waveform.samples != expected:
        decoded_ms, walked_ms = (1000 * n // found.sample_rate for n in (waveform.samples, expected))
        return Decoded((finding("decode_mismatch", decoded_ms=decoded_ms, walked_ms=walked_ms),))
    if any(found.md5) and digest.digest() != found.md5:
        return Decoded((finding("checksum_mismatch"),))
    return Decoded((), waveform.scaled())


def _stored(block: bytes, bits: int) -> bytes:
    """The samples as the MD5 is computed of: little-endian, in as many bytes as their bits need.

    Args:
        block: samples of 32 bits, with the bits of a sample on top, and zeros below.
        bits: of a sample.
    """
    width = (bits + 7) // 8
    upper = bytearray(len(block) // 4 * width)
    for place in range(width):
        upper[place::width] = block[4 - width + place :: 4]
    unused = 8 * width - bits
    return _lowered(upper, width, unused) if unused else bytes(upper)


def _lowered(samples: bytes | bytearray, width: int, unused: int) -> bytes:
    """Move the bits of each sample down, over the unused ones, which are zeros, and repeat its sign above.

    One large number of all samples is computed with, since a loop would need longer than the decoder.
    """
    number = int.from_bytes(samples, "little") >> unused
    sign = (1 << 8 * width - unused - 1).to_bytes(width, "little")
    signs = number & int.from_bytes(sign * (len(samples) // width), "little")
    number |= signs * ((1 << unused + 1) - 2)
    return number.to_bytes(len(samples), "little")


def _blocks(path: Path, found: Stream) -> Iterator[bytes]:
    """Decode to 32 bits, with the bits of a sample on top, and check the CRC-16 of each frame."""
    if found.bits == _MOST_BITS:
        from media_mp3.masters.by_ffmpeg import decoded  # noqa: PLC0415 - only this needs to run a program

        strict = ("-err_detect", "crccheck+explode")
        return decoded(path, "flac", 32, found.channels, *strict, name="FLAC of 32 bits")
    return _decoded_here(path, found.channels)


def _decoded_here(path: Path, channels: int) -> Iterator[bytes]:
    from miniaudio import ffi, lib  # noqa: PLC0415 - the decoder loads slowly

    decoder = lib.ma_dr_flac_open_file(str(path).encode(), ffi.NULL)
    if not decoder:
        return
    try:
        buffer = ffi.new("ma_dr_flac_int32[]", _BLOCK_FRAMES * channels)
        while count := lib.ma_dr_flac_read_pcm_frames_s32(decoder, _BLOCK_FRAMES, buffer):
            yield bytes(ffi.buffer(buffer, count * channels * 4))
    finally:
        lib.ma_dr_flac_close(decoder)
