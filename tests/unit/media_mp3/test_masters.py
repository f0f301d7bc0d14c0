"""WAV, AIFF, FLAC and ALAC are inspected as strictly as MP3."""

from __future__ import annotations

import io
import random
import struct
from array import array
from pathlib import Path

import pytest

from autonomy_core.media import ffmpeg
from media_mp3.domain import FINDINGS, TrackReport
from media_mp3.inspection.child import examine
from media_mp3.masters.mp4 import parse as parse_mp4
from tests.unit.media_mp3 import masters, material
from tests.unit.media_mp3.inspecting import Inspect
from tests.unit.media_mp3.masters import FRAMES, alac, chunk, common, flac, form, patched, riff, samples

pytestmark = pytest.mark.processes  # ffmpeg makes the files

PCM = samples()
FLOATS = array("f", [one / 32768 for one in array("h", PCM)]).tobytes()
INFO = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"Night Ferry\0") + chunk(b"ITRK", b"3/9\0"))

ACCEPTED = {
    "WAV": (masters.wav, "wav", 16),
    "WAV of 24 bits": (lambda: masters.encoded(".wav", "-c:a", "pcm_s24le"), "wav", 24),
    "WAV of 32 bits": (lambda: masters.encoded(".wav", "-c:a", "pcm_s32le"), "wav", 32),
    "WAV of floating point": (lambda: masters.wav_with(FLOATS, tag=3, bits=32), "wav", 32),
    "WAV with tags behind the audio": (
        lambda: riff(masters.wav_format(), chunk(b"data", PCM), INFO), "wav", 16
    ),
    "WAV with an ID3v2 tag": (
        lambda: riff(
            masters.wav_format(), chunk(b"data", PCM), chunk(b"id3 ", material.id3_with("TALB", b"\0Album"))
        ), "wav", 16,
    ),
    "WAV with sizes of 64 bits": (lambda: masters.encoded(".wav", "-rf64", "always"), "wav", 16),
    "WAV of broadcasters with sizes of 64 bits": (
        lambda: masters.encoded(".wav", "-rf64", "always").replace(b"RF64", b"BW64", 1), "wav", 16
    ),
    "AIFF": (masters.aiff, "aiff", 16),
    "AIFF of 24 bits": (lambda: masters.encoded(".aiff", "-c:a", "pcm_s24be"), "aiff", 24),
    "AIFF-C, little-endian": (
        lambda: form(common(coding=b"sowt\0\0"), masters.sound(PCM), kind=b"AIFC"), "aiff", 16
    ),
    "FLAC": (flac, "flac", 16),
    "FLAC of 24 bits": (
        lambda: masters.encoded(".flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"), "flac", 24
    ),
    "FLAC of 20 bits": (lambda: masters.flac_of(20), "flac", 20),
    "FLAC of 27 bits": (lambda: masters.flac_of(27), "flac", 27),
    "FLAC of 32 bits": (lambda: masters.flac_of(32), "flac", 32),
    "WAV of 20 bits": (
        lambda: masters.wav_with(b"".join((one << 8).to_bytes(3, "little", signed=True)
                                          for one in array("h", PCM)), bits=20), "wav", 20
    ),
    "FLAC behind an ID3v2 tag": (lambda: material.id3_with("TALB", b"\0Album") + flac(), "flac", 16),
    "FLAC without an MD5": (lambda: patched(flac(), 26, bytes(16)), "flac", 16),
    "ALAC": (alac, "alac", 16),
    "ALAC that begins with its description": (
        lambda: masters.encoded(".m4a", "-c:a", "alac", "-movflags", "+faststart"), "alac", 16
    ),
}  # fmt: skip


@pytest.fixture
def examined(tmp_path: Path) -> Inspect:
    """Inspect bytes in this process, which is cheaper; one test below uses the child process."""

    def run(content: bytes) -> TrackReport:
        path = tmp_path / "upload-1.mp3"  # as a received file is named
        path.write_bytes(content)
        return examine(path)

    return run


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_master_is_accepted_with_its_exact_length(name: str, examined: Inspect) -> None:
    make, form_at, bits = ACCEPTED[name]

    report = examined(make())

    assert (report.findings, report.warnings) == ((), ())
    assert report.facts is not None
    assert (report.facts.format, report.facts.bits) == (form_at, bits)
    assert (report.facts.samples, report.facts.duration_ms, report.facts.channels) == (FRAMES, 2000, 2)
    assert len(report.peaks) == 200
    assert 60 < min(report.peaks) <= max(report.peaks) < 80


def test_all_formats_give_the_same_waveform(examined: Inspect) -> None:
    waveforms = {examined(make()).peaks for make in (masters.wav, masters.aiff, flac, alac)}

    assert len(waveforms) == 1


@pytest.mark.parametrize(
    "make",
    [flac, alac, lambda: masters.encoded(".aiff", "-write_id3v2", "1")],
    ids=["Vorbis comments", "iTunes", "ID3 in AIFF"],
)
def test_the_tags_of_a_master_are_read(make, examined: Inspect) -> None:
    tags = examined(make()).tags

    assert (tags.title, tags.artist, tags.album) == ("Night Ferry", "The Quiet Tide", "First Light")
    assert (tags.track, tags.disc, tags.year, tags.genre) == (3, 1, 2019, "Folk")


def test_the_tags_of_a_wav_file_are_read(examined: Inspect) -> None:
    tags = examined(ACCEPTED["WAV with tags behind the audio"][0]()).tags
    from_id3 = examined(ACCEPTED["WAV with an ID3v2 tag"][0]()).tags

    assert (tags.title, tags.track, from_id3.title, from_id3.album) == ("Night Ferry", 3, "Title", "Album")


def test_a_wav_file_from_a_pipe_is_accepted_with_a_warning(examined: Inspect) -> None:
    piped = riff(masters.wav_format(), chunk(b"data", PCM, 0xFFFFFFFF), declared=0xFFFFFFFF)

    report = examined(piped)

    assert report.accepted
    assert [found.code for found in report.warnings] == ["length_undeclared"]


WARNED = {
    "WAV of 8 bits": (lambda: masters.encoded(".wav", "-c:a", "pcm_u8"), 2, 8),
    "AIFF of 8 bits": (lambda: masters.encoded(".aiff", "-c:a", "pcm_s8"), 2, 8),
    "WAV of 12 bits": (lambda: masters.wav_with(PCM, bits=12), 2, 12),
    "AIFF of 12 bits": (lambda: form(common(bits=12), masters.sound(PCM)), 2, 12),
    "FLAC of 12 bits": (lambda: masters.flac_of(12), 2, 12),
    "FLAC of 8 bits": (lambda: masters.flac_of(8), 2, 8),
    "FLAC of 4 bits": (lambda: masters.flac_of(4), 2, 4),
    "WAV with six channels": (lambda: masters.encoded(".wav", "-ac", "6"), 6, 16),
    "FLAC with six channels": (lambda: masters.encoded(".flac", "-ac", "6"), 6, 16),
    "ALAC with six channels": (lambda: masters.encoded(".m4a", "-c:a", "alac", "-ac", "6"), 6, 16),
}


@pytest.mark.parametrize("name", WARNED)
def test_an_unusual_master_is_accepted_with_a_warning(name: str, examined: Inspect) -> None:
    make, channels, bits = WARNED[name]

    report = examined(make())

    assert report.findings == ()
    assert [found.code for found in report.warnings] == ["few_bits" if bits < 16 else "surround"]
    assert report.facts is not None
    assert (report.facts.samples, report.facts.channels, report.facts.bits) == (FRAMES, channels, bits)
    assert max(report.peaks) > 20


@pytest.mark.parametrize("bits", [4, 12, 20, 27, 32])
def test_a_flac_file_of_any_number_of_bits_is_whole_for_ffmpeg(bits: int, tmp_path: Path) -> None:
    path = tmp_path / "file.flac"
    path.write_bytes(masters.flac_of(bits))
    strict = ["-xerror", "-err_detect", "crccheck+explode", *ffmpeg.input_arguments(path, "flac")]

    limits = ffmpeg.FfmpegLimits(memory_bytes=400 * 1024 * 1024)
    pieces = ffmpeg.stream_ffmpeg([*strict, "-f", "s32le", "pipe:1"], limits)

    assert sum(map(len, pieces)) == FRAMES * 2 * 4


def test_tags_that_cannot_be_read_do_not_hide_the_audio(examined: Inspect) -> None:
    # Some programs do not pad texts of an odd length.
    unpadded = b"INFO" + b"INAM" + struct.pack("<I", 3) + b"abc" + b"ITRK" + struct.pack("<I", 1) + b"3"

    for content in (unpadded, b"INFO" + bytes(12)):
        report = examined(riff(chunk(b"LIST", content), masters.wav_format(), chunk(b"data", PCM)))
        assert report.accepted, report.findings


@pytest.mark.parametrize(
    "content",
    [
        riff(masters.wav_format(), chunk(b"data", PCM), masters.wav_format(channels=1)),
        form(common(), masters.sound(PCM), common(channels=1, frames=2 * FRAMES)),
    ],
    ids=["WAV", "AIFF"],
)
def test_a_file_that_describes_its_audio_twice_is_refused(content: bytes, examined: Inspect) -> None:
    assert [found.code for found in examined(content).findings] == ["header_malformed"]


def test_packets_larger_than_their_audio_are_refused() -> None:
    """The bit rate of such a file has no limit, and the column of the database has one."""
    content = masters.encoded(".m4a", "-c:a", "alac", "-frames:a", "1")
    sizes, data = masters.box(content, b"stsz"), masters.box(content, b"mdat")
    assert int.from_bytes(content[sizes + 8 : sizes + 12], "big") == 1, "one packet"
    more = 1024 * 1024
    old, length = (int.from_bytes(content[at : at + 4], "big") for at in (sizes + 4, data - 8))
    # With `moov` behind the data, only the size of the data changes.
    content = patched(content, sizes + 4, struct.pack(">I", old + more))
    content = patched(content, data - 8, struct.pack(">I", length + more))
    content = content[: data - 8 + length] + bytes(more) + content[data - 8 + length :]

    found = parse_mp4(io.BytesIO(content), len(content))

    assert [one.code for one in found.findings] == ["header_malformed"]


def test_a_text_that_is_too_long_is_left_out_with_a_warning(examined: Inspect) -> None:
    long = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"w" * 70_000))

    report = examined(riff(masters.wav_format(), long, chunk(b"data", PCM)))

    assert report.accepted
    assert [(found.code, found.detail["fields"]) for found in report.warnings] == [
        ("tags_incomplete", "INAM")
    ]


def _flac_header(**changes: int) -> bytes:
    """A FLAC file whose STREAMINFO says something else."""
    bits = int.from_bytes(flac()[18:26], "big")
    shape = {"rate": (44, 20), "channels": (41, 3), "bits": (36, 5), "samples": (0, 36)}
    for name, value in changes.items():
        shift, width = shape[name]
        bits = bits & ~(((1 << width) - 1) << shift) | value << shift
    return patched(flac(), 18, bits.to_bytes(8, "big"))


def _flac_first_frame() -> int:
    content, position, last = flac(), 4, 0
    while not last:
        last = content[position] & 0x80
        position += 4 + int.from_bytes(content[position + 1 : position + 4], "big")
    return position


def _damaged(content: bytes, start: int) -> bytes:
    return patched(content, start, random.Random(5).randbytes(300))


REFUSED = {
    # Another kind of audio, or none.
    "WAV with an MP3 inside": (material.wav_with_mp3_inside, {"container_lies"}),
    "AIFF-C with µ-law": (
        lambda: form(common(coding=b"ulaw\0\0"), masters.sound(PCM), kind=b"AIFC"), {"container_lies"}
    ),
    "MP4 with AAC": (lambda: masters.encoded(".m4a", "-c:a", "aac"), {"container_lies"}),
    "MP4 with a picture track": (
        lambda: alac().replace(b"soun", b"vide", 1), {"container_lies"}
    ),
    "WAV without audio": (lambda: riff(masters.wav_format(), chunk(b"data", b"\0\0")), {"no_audio"}),
    "WAV whose sizes of 64 bits are missing": (
        lambda: masters.encoded(".wav", "-rf64", "always").replace(b"ds64", b"JUNK", 1), {"header_malformed"}
    ),
    "WAV whose sizes of 64 bits are too large": (
        lambda: patched(masters.encoded(".wav", "-rf64", "always"), 30, b"\x7f" * 6), {"truncated"}
    ),
    "WAV without data": (lambda: riff(masters.wav_format()), {"no_audio"}),
    "AIFF without audio": (lambda: form(common()), {"no_audio"}),
    "FLAC without frames": (lambda: flac()[: _flac_first_frame()] + bytes(3000), {"no_audio"}),
    # Shapes that are not accepted.
    "WAV of 40 bits": (lambda: masters.wav_with(PCM, bits=40), {"bit_depth_unsupported"}),
    "WAV of 64-bit floating point": (
        lambda: masters.wav_with(PCM, tag=3, bits=64), {"bit_depth_unsupported"}
    ),
    "AIFF of 40 bits": (lambda: form(common(bits=40), masters.sound(PCM)), {"bit_depth_unsupported"}),
    "FLAC of 3 bits": (lambda: _flac_header(bits=2), {"bit_depth_unsupported"}),
    "WAV at 5 Hz": (lambda: masters.wav_with(PCM, rate=5), {"sample_rate_unsupported"}),
    "AIFF at a negative rate": (
        lambda: masters.aiff().replace(struct.pack(">H", 16383 + 15), b"\xc0\x0e", 1),
        {"sample_rate_unsupported"},
    ),
    "FLAC at 655 kHz": (lambda: _flac_header(rate=655_350), {"sample_rate_unsupported"}),
    "WAV with nine channels": (lambda: masters.wav_with(PCM, channels=9), {"channels_unsupported"}),
    "WAV without channels": (
        lambda: masters.wav_with(PCM, channels=0), {"channels_unsupported"}
    ),
    # Cut off, or with sizes that are not true.
    "WAV cut off": (lambda: masters.wav()[:-5000], {"truncated"}),
    "WAV whose data claim 2 GB": (
        lambda: riff(masters.wav_format(), chunk(b"data", PCM, 2_000_000_000)), {"truncated"}
    ),
    "WAV with a chunk beyond the file": (
        lambda: riff(masters.wav_format(), chunk(b"data", PCM), chunk(b"LIST", b"INFO", 9999)),
        {"chunk_beyond_file"},
    ),
    "AIFF cut off": (lambda: masters.aiff()[:-5000], {"truncated"}),
    "AIFF that declares more samples": (
        lambda: form(common(frames=FRAMES + 9), masters.sound(PCM)), {"truncated"}
    ),
    "FLAC cut off": (lambda: flac()[:-5000], {"truncated"}),
    "FLAC cut at a frame": (
        lambda: flac()[: flac().rindex(b"\xff\xf8")], {"truncated"}
    ),
    "FLAC that declares fewer samples": (lambda: _flac_header(samples=1000), {"length_mismatch"}),
    "FLAC that declares another channel": (lambda: _flac_header(channels=0), {"mixed_channel_modes"}),
    "FLAC that declares another rate": (lambda: _flac_header(rate=48000), {"mixed_sample_rates"}),
    "FLAC that declares other bits": (lambda: _flac_header(bits=23), {"mixed_bit_depths"}),
    "FLAC with metadata beyond the file": (
        lambda: patched(flac(), 43, b"\xff\xff\xff"), {"chunk_beyond_file"}
    ),
    "ALAC cut off": (lambda: alac()[:-5000], {"truncated"}),
    "ALAC with packets outside of the data": (
        lambda: patched(alac(), masters.box(alac(), b"stco") + 8, b"\0\0\0\1"), {"truncated"}
    ),
    "ALAC with packets that claim 4 GB": (
        lambda: patched(alac(), masters.box(alac(), b"stsz") + 12, b"\xff\xff\xff\xff"), {"truncated"}
    ),
    "ALAC with a table of 16 GB": (
        lambda: patched(alac(), masters.box(alac(), b"stsz") + 8, b"\xff\xff\xff\xff"), {"chunk_beyond_file"}
    ),
    "ALAC that declares more samples": (
        lambda: patched(alac(), masters.box(alac(), b"stts") + 8, b"\0\0\1\0"), {"decode_mismatch"}
    ),
    "MP4 without a description": (material.mp4_with_mp3_inside, {"truncated"}),
    # Headers that are not valid.
    "WAV whose data come first": (
        lambda: riff(chunk(b"data", PCM), masters.wav_format()), {"header_malformed"}
    ),
    "WAV with two data chunks": (
        lambda: riff(masters.wav_format(), chunk(b"data", PCM), chunk(b"data", PCM)), {"header_malformed"}
    ),
    "WAV with a wrong block size": (
        lambda: patched(masters.wav(), 32, b"\7\0"), {"header_malformed"}
    ),
    "AIFF with two sounds": (
        lambda: form(common(), masters.sound(PCM), masters.sound(PCM)), {"header_malformed"}
    ),
    "FLAC without STREAMINFO": (lambda: b"fLaC\x84" + flac()[5:], {"header_malformed"}),
    "fragmented MP4": (lambda: alac() + struct.pack(">I4s", 8, b"moof"), {"header_malformed"}),
    # Bombs and bytes that are no audio.
    "WAV of 5000 chunks": (
        lambda: riff(masters.wav_format(), *[chunk(b"junk", b"")] * 5000, chunk(b"data", PCM)),
        {"too_many_chunks"},
    ),
    "WAV with a ZIP behind it": (lambda: masters.wav() + b"PK\x03\x04" + bytes(60), {"garbage_after_audio"}),
    "AIFF with a page behind it": (lambda: masters.aiff() + b"<html>" * 9, {"garbage_after_audio"}),
    "FLAC with a ZIP behind it": (lambda: flac() + b"PK\x03\x04" + bytes(60), {"garbage_after_audio"}),
    "ALAC with a ZIP behind it": (lambda: alac() + b"PK\x03\x04" + bytes(60), {"header_malformed"}),
    "a page before the WAV": (lambda: b"<html>" + masters.wav(), {"foreign_format"}),
    "WAV with a tag bomb": (
        lambda: riff(masters.wav_format(), chunk(b"data", PCM), chunk(b"id3 ", b"ID3\3\0\0\x7f\x7f\x7f\x7f")),
        {"id3_size_beyond_file"},
    ),
    # Audio that does not decode to what was encoded.
    "FLAC with a damaged frame": (
        lambda: _damaged(flac(), _flac_first_frame() + 20_000), {"truncated", "decode_mismatch",
        "checksum_mismatch", "undecodable"},
    ),
    "FLAC with another MD5": (lambda: patched(flac(), 26, b"x" * 16), {"checksum_mismatch"}),
    "FLAC of 12 bits with another MD5": (
        lambda: patched(masters.flac_of(12), 26, b"x" * 16), {"checksum_mismatch"}
    ),
    "FLAC of 32 bits with a damaged frame": (
        lambda: _damaged(masters.flac_of(32), 100_000), {"truncated", "decode_mismatch", "undecodable"}
    ),
    "FLAC of 32 bits with another MD5": (
        lambda: patched(masters.flac_of(32), 26, b"x" * 16), {"checksum_mismatch"}
    ),
    "FLAC of 20 bits with a damaged frame": (
        lambda: _damaged(masters.flac_of(20), 100_000), {"truncated", "decode_mismatch", "checksum_mismatch",
        "undecodable"},
    ),
    "ALAC with damaged packets": (
        lambda: _damaged(alac(), masters.box(alac(), b"mdat") + 20_000), {"undecodable", "decode_mismatch"}
    ),
    "floats that are no numbers": (
        lambda: masters.wav_with(b"\xff" * 8000, tag=3, bits=32), {"undecodable"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_master_that_is_not_what_it_says_is_refused(name: str, examined: Inspect) -> None:
    make, codes = REFUSED[name]

    report = examined(make())

    found = {finding.code for finding in report.findings}
    assert found
    assert found <= codes
    assert not report.accepted


def test_no_damaged_master_ends_in_an_unexplained_way(tmp_path) -> None:
    """Files of each format with changed bytes are accepted, or refused with a code of the guide."""
    chance, path = random.Random(7), tmp_path / "upload"
    for make in (masters.wav, masters.aiff, flac):
        content = make()
        for _ in range(30):
            changed = bytearray(content)
            for _ in range(chance.randrange(1, 6)):
                changed[chance.randrange(min(len(changed), 400))] = chance.randrange(256)
            path.write_bytes(changed)
            assert {found.code for found in examine(path).findings} <= set(FINDINGS)
    for _ in range(60):
        changed = bytearray(alac())
        start = changed.index(b"moov")
        for _ in range(3):
            changed[start + chance.randrange(len(changed) - start)] = chance.randrange(256)
        path.write_bytes(changed)
        with path.open("rb") as file:
            assert {found.code for found in parse_mp4(file, len(changed)).findings} <= set(FINDINGS)


@pytest.mark.parametrize(
    ("make", "name"), [(alac, "ALAC"), (lambda: masters.flac_of(32), "FLAC of 32 bits")], ids=["ALAC", "FLAC"]
)
def test_without_ffmpeg_staff_see_what_is_missing(make, name, tmp_path, monkeypatch) -> None:
    path = tmp_path / "upload"
    path.write_bytes(make())
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)

    (found,) = examine(path).findings

    assert (found.code, found.detail) == ("decoder_missing", {"format": name})


@pytest.mark.parametrize(
    "make", [flac, alac, lambda: masters.flac_of(32)], ids=["FLAC", "ALAC", "FLAC of 32 bits"]
)
def test_a_master_is_inspected_in_the_limited_child(make, inspected: Inspect) -> None:
    assert inspected(make()).accepted
