"""Files that do not play everywhere, or that attack their reader, are refused with a code."""

from __future__ import annotations

import pytest

from demo.id3 import Id3Tag
from media_mp3.domain import FINDINGS
from tests.unit.media_mp3 import material, test_masters
from tests.unit.media_mp3.inspecting import Inspect
from tests.unit.media_mp3.material import cbr, frames, id3_with, tagged, vbr, xing

HTML = b"<!DOCTYPE html><script>alert(1)</script>"

REFUSED = {
    # What browsers stumble over.
    "variable bitrate cut to half": (lambda: vbr()[: len(vbr()) // 2], {"truncated", "xing_mismatch"}),
    "variable bitrate cut at a frame": (lambda: b"".join(frames(vbr())[:100]), {"xing_mismatch"}),
    "Xing header lies about the duration": (
        lambda: xing(2_147_483_647, len(cbr())) + cbr(), {"xing_mismatch"}
    ),
    "Xing header lies about the size": (lambda: xing(116, 900_000) + cbr(), {"xing_mismatch"}),
    "VBRI header lies": (lambda: material.vbri(9000, len(cbr())) + cbr(), {"xing_mismatch"}),
    "last frames cut": (lambda: xing(116, len(cbr())) + cbr()[:-1000], {"truncated", "xing_mismatch"}),
    "one frame": (lambda: frames(cbr())[0], {"too_short"}),
    "one frame behind a Xing frame": (lambda: xing(1, 417) + frames(cbr())[0], {"too_short"}),
    "one frame and a part of the second": (lambda: cbr()[:600], {"too_short"}),
    "MP2": (material.layer2, {"layer2"}),
    "MPEG layer I": (material.layer1, {"layer1"}),
    "free-format bitrate": (material.free_format, {"free_format"}),
    "44.1 and 48 kHz": (lambda: cbr() + cbr(48000), {"mixed_sample_rates"}),
    "mono and stereo": (lambda: cbr() + cbr(44100, 1), {"mixed_channel_modes"}),
    "both mixed": (lambda: cbr() + cbr(48000, 1), {"mixed_sample_rates", "mixed_channel_modes"}),
    "random side information": (material.random_side_info, {"undecodable"}),
    "ten damaged frames": (lambda: material.with_damaged_frames(40, 10), {"decode_mismatch"}),
    "two damaged frames": (lambda: material.with_damaged_frames(40, 2), {"decode_mismatch"}),
    # What is not, or not only, an MP3.
    "HTML before the audio": (lambda: HTML + cbr(), {"foreign_format"}),
    "HTML behind the tag": (lambda: Id3Tag(3).to_bytes() + b" \n" + HTML + cbr(), {"foreign_format"}),
    "PDF before the audio": (lambda: b"%PDF-1.7\n" + cbr(), {"foreign_format"}),
    "GIF before the audio": (lambda: b"GIF89a" + bytes(20) + cbr(), {"foreign_format"}),
    "Windows program before the audio": (lambda: b"MZ\x90\0" + bytes(60) + cbr(), {"foreign_format"}),
    "ZIP before the audio": (lambda: b"PK\x03\x04" + bytes(60) + cbr(), {"foreign_format"}),
    "AAC": (lambda: (b"\xff\xf1\x50\x80\x2e\x7f\xfc" + bytes(363)) * 50, {"foreign_format"}),
    "Ogg with another name": (lambda: b"OggS\0\x02" + bytes(900), {"foreign_format"}),
    "Ogg": (lambda: b"OggS\0\x02" + bytes(500), {"foreign_format"}),
    "text": (lambda: "Dies ist kein Lied, es heißt nur so.\n".encode() * 100, {"foreign_format"}),
    "nothing": (lambda: b"", {"empty_file"}),
    "NUL bytes": (lambda: bytes(100_000), {"no_audio"}),
    "noise": (lambda: material.random.Random(4).randbytes(100_000), {"no_audio"}),
    "only an ID3v2 tag": (lambda: tagged()[: -len(cbr())], {"no_audio"}),
    "only an ID3v1 tag": (material.id3v1, {"no_audio"}),
    "one single header": (lambda: cbr()[:4], {"no_audio"}),
    "only a Xing frame": (lambda: xing(0, 0), {"no_audio"}),
    # What hides between the frames.
    "garbage before the audio": (lambda: b"\x01\x02\x03" * 100 + cbr(), {"garbage_before_audio"}),
    "64 KiB of NUL bytes before the audio": (lambda: bytes(2**16) + cbr(), {"garbage_before_audio"}),
    "a megabyte of NUL bytes behind the tag": (
        lambda: tagged()[: -len(cbr())] + bytes(2**20) + cbr(), {"garbage_before_audio"}
    ),
    "garbage between frames": (lambda: cbr() + b"\x01\x02\x03" * 100 + cbr(), {"garbage_between_frames"}),
    "a tag between frames": (lambda: cbr() + tagged(), {"garbage_between_frames"}),
    "garbage after the audio": (lambda: cbr() + b"\x01\x02\x03" * 100, {"garbage_after_audio"}),
    "ZIP after the audio": (lambda: cbr() + b"PK\x03\x04" + bytes(60), {"garbage_after_audio"}),
    # Tags that lie, hide or attack.
    "tag of 256 MB declared": (lambda: b"ID3\x03\0\0\x7f\x7f\x7f\x7f" + cbr(), {"id3_size_beyond_file"}),
    "tag at the end that begins before the file": (
        lambda: cbr() + b"3DI\x04\0\x10\x7f\x7f\x7f\x7f", {"id3_size_beyond_file"},
    ),
    "tag with an impossible size": (lambda: b"ID3\x03\0\0\0\0\xff\0" + cbr(), {"id3_malformed"}),
    "tag of an unknown version": (lambda: b"ID3\x09\0\0\0\0\0\0" + cbr(), {"id3_malformed"}),
    "tag of 17 MB": (lambda: Id3Tag(3).to_bytes(padding=17 << 20) + cbr(), {"id3_too_large"}),
    "tag of 5000 frames": (material.id3_with_many_frames, {"id3_too_many_frames"}),
    "tag frame longer than the tag": (
        lambda: b"ID3\x03\0\0\0\0\0\x14TIT2\x01\0\0\0\0\0\x00" + bytes(9) + cbr(), {"id3_frame_beyond_tag"},
    ),
    "compressed text of NULs": (material.compressed_text_bomb, {"id3_compressed_frame"}),
    "compressed cover": (material.compressed_picture, {"id3_compressed_frame"}),
    "compressed v2.2 tag": (lambda: b"ID3\x02\0\x40\0\0\0\x0a" + bytes(10) + cbr(), {"id3_compressed_frame"}),
    "two tags of 9 MB": (lambda: Id3Tag(3).to_bytes(padding=9 << 20) * 2 + cbr(), {"id3_too_large"}),
    "APE tag of 20 MB": (
        lambda: cbr() + material.ape({"Cover Art (Front)": bytes(20 << 20)}), {"ape_too_large"}
    ),
    "APE tag before the audio": (lambda: material.ape() + cbr(), {"ape_before_audio"}),
    "APE tag behind an ID3v2 tag": (
        lambda: id3_with("TALB", b"\0Album") + material.ape() + cbr(), {"ape_before_audio"}
    ),
    "APE tag before the audio that declares too much": (
        lambda: material.ape(declared=0x7FFFFFFF) + cbr(), {"ape_size_beyond_file"},
    ),
    "APE tag that begins before the file": (
        lambda: cbr() + material.ape(declared=0x7FFFFFFF), {"ape_size_beyond_file"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_does_not_play_everywhere_is_refused(name: str, inspected: Inspect) -> None:
    make, codes = REFUSED[name]

    report = inspected(make())

    assert {finding.code for finding in report.findings} == codes
    assert not report.accepted
    assert report.peaks == ()


def test_every_fault_of_a_file_is_reported_at_once(inspected: Inspect) -> None:
    compressed = id3_with("APIC", bytes(100), flags=0x80)

    report = inspected(compressed + b"\x01\x02" * 50 + cbr() + b"\x01\x02" * 50 + cbr(48000)[:-10])

    assert [finding.code for finding in report.findings] == [
        "id3_compressed_frame",
        "garbage_before_audio",
        "garbage_between_frames",
        "mixed_sample_rates",
    ]


def test_a_finding_says_where_in_the_file(inspected: Inspect) -> None:
    (finding,) = inspected(cbr() + b"\x01\x02\x03" * 100).findings

    assert finding.detail == {"offset": len(cbr()), "bytes": 300}
    assert finding.message == FINDINGS["garbage_after_audio"].meaning


def test_a_change_of_the_sample_rate_is_located(inspected: Inspect) -> None:
    (finding,) = inspected(cbr() + cbr(48000)).findings

    assert finding.detail == {"offset": len(cbr()), "rates": "44100, 48000"}


def test_every_finding_about_content_is_caused_by_a_test_file() -> None:
    files = [*REFUSED.values(), *test_masters.REFUSED.values()]
    caused = set().union(*(codes for _, codes in files))

    refusing = {code for code, explanation in FINDINGS.items() if explanation.refuses}
    assert refusing - caused == {"inspection_limit", "inspection_failed", "decoder_missing"}


def test_every_code_is_explained_with_a_remedy() -> None:
    for code, explanation in FINDINGS.items():
        assert explanation.meaning.endswith("."), code
        assert explanation.remedy.endswith("."), code
