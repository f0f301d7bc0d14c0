"""Creates music: a few bars of chords and melody, synthesised and encoded as MP3 with tags and a cover.

The demonstration sells it, and the tests inspect it. The same piece always gives the same bytes.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

import lameenc

from demo.id3 import Id3Tag, cover_png

SAMPLE_RATE = 44100
_TABLE_SIZE = 2048
_HARMONICS = (1.0, 0.42, 0.2, 0.09, 0.05)
_LOUDEST = 26000


@dataclass(frozen=True, slots=True)
class Piece:
    """A short piece of music.

    Attributes:
        beat_s: the length of a beat in seconds.
        chords: one chord for four beats, as MIDI note numbers.
        melody: one MIDI note per beat, 0 for a rest.
        colour: the cover's red, green and blue, from 0 to 255.
    """

    title: str
    artist: str
    album: str
    track: int
    beat_s: float
    chords: tuple[tuple[int, ...], ...]
    melody: tuple[int, ...]
    colour: tuple[int, int, int]


_C, _AM, _F, _G, _DM, _EM = (48, 55, 64), (45, 57, 60), (41, 57, 60), (43, 55, 62), (50, 57, 65), (40, 55, 59)

PIECES: tuple[Piece, ...] = (
    Piece(
        "Harbour Lights", "The Quiet Tide", "First Light", 1, 0.5, (_C, _AM, _F, _G),
        (72, 76, 79, 76, 72, 69, 72, 0, 69, 72, 77, 76, 74, 71, 74, 0), (38, 84, 124),
    ),
    Piece(
        "Slow Ferry", "The Quiet Tide", "First Light", 2, 0.6, (_AM, _F, _C, _G),
        (69, 0, 72, 74, 77, 76, 72, 0, 67, 72, 76, 0, 74, 71, 67, 0), (84, 124, 150),
    ),
    Piece(
        "Clockwork Orchard", "Ada & the Looms", "Machines at Rest", 1, 0.35, (_DM, _G, _C, _AM),
        (74, 77, 81, 77, 79, 74, 71, 74, 72, 76, 79, 76, 72, 69, 64, 69), (150, 92, 44),
    ),
    Piece(
        "Übergang", "Ada & the Looms", "Machines at Rest", 2, 0.45, (_EM, _C, _G, _DM),
        (71, 67, 76, 0, 72, 67, 64, 0, 74, 71, 67, 0, 69, 74, 77, 74), (96, 60, 110),
    ),
)  # fmt: skip


def _wave_table() -> list[float]:
    total = sum(_HARMONICS)
    return [
        sum(a * math.sin(2 * math.pi * (n + 1) * i / _TABLE_SIZE) for n, a in enumerate(_HARMONICS)) / total
        for i in range(_TABLE_SIZE)
    ]


_WAVE = _wave_table()


def synthesise(piece: Piece, *, sample_rate: int = SAMPLE_RATE, channels: int = 2) -> array[int]:
    """Synthesise a piece.

    Returns:
        Interleaved signed 16-bit samples.
    """
    beats = 4 * len(piece.chords)
    mix = array("d", bytes(8 * round((beats + 1) * piece.beat_s * sample_rate)))
    for bar, chord in enumerate(piece.chords):
        for step, note in enumerate(chord):  # broken, like a strummed guitar
            start_s = 4 * bar * piece.beat_s + 0.06 * step
            _play(mix, note, sample_rate, start_s=start_s, length_s=4 * piece.beat_s, volume=0.5)
    for beat, note in enumerate(piece.melody[:beats]):
        if note:
            _play(
                mix, note, sample_rate, start_s=beat * piece.beat_s, length_s=1.4 * piece.beat_s, volume=0.8
            )
    loudest = max(abs(max(mix)), abs(min(mix)))
    scale = _LOUDEST / loudest if loudest else 0.0
    mono = array("h", (int(value * scale) for value in mix))
    if channels == 1:
        return mono
    stereo = array("h", bytes(4 * len(mono)))
    stereo[0::2] = mono
    # Delay the right channel slightly, which gives a stereo effect.
    late = sample_rate // 90
    stereo[1::2] = array("h", bytes(2 * late)) + mono[: len(mono) - late]
    return stereo


def _play(
    mix: array[float], note: int, sample_rate: int, *, start_s: float, length_s: float, volume: float
) -> None:
    """Add one note with a soft attack and a long decay."""
    first = round(start_s * sample_rate)
    count = min(round(length_s * sample_rate), len(mix) - first)
    step = 440.0 * 2 ** ((note - 69) / 12) * _TABLE_SIZE / sample_rate
    attack = max(1, sample_rate // 80)
    decay = math.exp(-4.0 / max(1, count))
    phase, level = 0.0, volume
    for i in range(count):
        rise = i / attack if i < attack else 1.0
        mix[first + i] += _WAVE[int(phase) % _TABLE_SIZE] * level * rise
        phase += step
        level *= decay


def encode(
    samples: array[int],
    *,
    bitrate: int = 128,
    vbr: bool = False,
    sample_rate: int = SAMPLE_RATE,
    channels: int = 2,
) -> bytes:
    """Encode samples as an MP3 without tags, through LAME.

    Args:
        samples: interleaved signed 16-bit samples.
        bitrate: kbit/s of a constant bitrate; without effect on a variable one.
        vbr: encode with a variable bitrate.
    """
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_in_sample_rate(sample_rate)
    encoder.set_channels(channels)
    encoder.set_quality(5)
    if vbr:
        encoder.set_vbr(4)
        encoder.set_vbr_quality(4)
    else:
        encoder.set_bit_rate(bitrate)
    return bytes(encoder.encode(samples.tobytes())) + bytes(encoder.flush())


def tag(piece: Piece, *, version: int = 3) -> bytes:
    """Return the piece's ID3v2 tag, version 2.3 or 2.4.

    It contains title, artist, album, track number and a cover.
    """
    id3 = Id3Tag(version)
    texts = {"TIT2": piece.title, "TPE1": piece.artist, "TALB": piece.album, "TRCK": str(piece.track)}
    for name, text in texts.items():
        id3.add_text(name, text)
    id3.add_picture(cover_png(piece.colour))
    return id3.to_bytes()


def mp3(piece: Piece, *, bitrate: int = 128, version: int = 3) -> bytes:
    """Return the piece as an MP3 file with a constant bitrate, its tag and its cover."""
    return tag(piece, version=version) + encode(synthesise(piece), bitrate=bitrate)
