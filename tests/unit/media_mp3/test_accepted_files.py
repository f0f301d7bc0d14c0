"""Files that play everywhere are accepted without a finding, with correct facts."""

from __future__ import annotations

import pytest

from demo import music
from demo.id3 import Id3Tag
from media_mp3.domain import PEAKS, Tags
from tests.unit.media_mp3 import material
from tests.unit.media_mp3.inspecting import Inspect

ACCEPTED = {
    "constant bitrate": material.cbr,
    "mono": lambda: material.cbr(44100, 1),
    "48 kHz": lambda: material.cbr(48000),
    "MPEG 2, 22.05 kHz": lambda: material.cbr(22050),
    "MPEG 2.5, 8 kHz, mono": lambda: material.cbr(8000, 1),
    "variable bitrate with a true Xing header": material.vbr,
    "variable bitrate without a header": lambda: material.vbr()[417:],
    "a Xing header that does not know the length": lambda: material.xing(0, 0) + material.cbr(),
    "two frames": lambda: material.cbr()[: len(b"".join(material.frames(material.cbr())[:2]))],
    "last frame 100 bytes short": lambda: material.cbr()[:-100],
    "last frame of one byte": lambda: material.cbr()[: 1 - len(material.frames(material.cbr())[-1])],
    "last frame short, and counted by the header": lambda: (
        material.xing(116, len(material.cbr())) + material.cbr()[:-100]
    ),
    "last frame short before a tag": lambda: material.cbr()[:-100] + material.id3v1(),
    "true Info header": lambda: material.xing(116, len(material.cbr()), name=b"Info") + material.cbr(),
    "gapless": lambda: material.xing(116, len(material.cbr()), trimmed=(576, 1280)) + material.cbr(),
    "gapless without padding, before a tag": lambda: (
        material.xing(116, len(material.cbr())) + material.cbr() + material.id3_with_footer()
    ),
    "true VBRI header": lambda: material.vbri(116, len(material.cbr())) + material.cbr(),
    "cut at the start, so that the first frames lack data": lambda: b"".join(
        material.frames(material.cbr())[7:]
    ),
    "ID3v2.3": lambda: material.tagged(3),
    "ID3v2.4": lambda: material.tagged(4),
    "ID3v2.4 with a footer": lambda: material.id3_with_footer() + material.cbr(),
    "ID3v2.4 at the end": lambda: material.cbr() + material.id3_with_footer(),
    "two ID3v2 tags": lambda: material.id3_with_footer() + material.tagged(3),
    "padding in and behind the tag": lambda: Id3Tag(3).to_bytes(padding=500) + bytes(700) + material.cbr(),
    "NUL bytes at the end": lambda: material.cbr() + bytes(700),
    "ID3v1": lambda: material.cbr() + material.id3v1(),
    "APEv2": lambda: material.cbr() + material.ape(),
    "APEv2 with a cover of one megabyte": lambda: (
        material.cbr() + material.ape({"Cover Art (Front)": bytes(2**20)})
    ),
    "Lyrics3": lambda: material.cbr() + material.lyrics3(),
    "Lyrics3 v1": lambda: material.cbr() + material.lyrics3_v1() + material.id3v1(),
    "Lyrics3 v1 as long as it may be": lambda: material.cbr() + material.lyrics3_v1(5100) + material.id3v1(),
    "TAG+": lambda: material.cbr() + material.tag_plus() + material.id3v1(),
    "all tags at once": lambda: (
        material.tagged(4) + material.ape() + material.lyrics3() + material.tag_plus() + material.id3v1()
    ),
    "a cover of one megabyte": lambda: material.id3_with_big_cover() + material.cbr(),
    "lyrics of 70 KB": lambda: material.id3_with("USLT", b"\0eng\0" + b"word " * 14_000) + material.cbr(),
    "a comment of 100 KB": lambda: material.id3_with("COMM", b"\0eng\0" + b"x" * 100_000) + material.cbr(),
    "a text of half a megabyte of NULs": lambda: material.id3_with("TXXX", bytes(500_000)) + material.cbr(),
    "half a megabyte of distinct artists": material.many_distinct_artists,
    "plain sizes in a v2.4 tag, as iTunes wrote them": lambda: itunes_tag() + material.cbr(),
    "an unsynchronised v2.3 tag": lambda: unsynchronised_tag() + material.cbr(),
}


def itunes_tag() -> bytes:
    body = (
        b"TIT2"
        + (200).to_bytes(4)
        + b"\0\0"
        + b"\x03"
        + b"a" * 199
        + b"TALB"
        + (3).to_bytes(4)
        + b"\0\0\x03ab"
    )
    return b"ID3\x04\0\0" + material.synchsafe(len(body)) + body


def unsynchronised_tag() -> bytes:
    picture = b"\x00image/png\x00\x03\x00" + b"\xff\x00" * 300 + b"end"
    body = b"APIC" + len(picture).to_bytes(4) + b"\0\0" + picture + b"TALB" + (3).to_bytes(4) + b"\0\0\x00ab"
    stored = body.replace(b"\xff\x00", b"\xff\x00\x00")
    return b"ID3\x03\0\x80" + material.synchsafe(len(stored)) + stored


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_file_that_plays_is_accepted(name: str, inspected: Inspect) -> None:
    report = inspected(ACCEPTED[name]())

    assert report.findings == ()
    assert report.accepted
    assert len(report.peaks) == PEAKS


@pytest.mark.parametrize("piece", music.PIECES, ids=lambda piece: piece.title)
def test_the_music_of_the_demonstration_is_accepted_with_its_tags(
    piece: music.Piece, inspected: Inspect
) -> None:
    report = inspected(music.mp3(piece))

    assert report.accepted
    assert report.tags == Tags(title=piece.title, artist=piece.artist, album=piece.album, track=piece.track)


def test_the_facts_are_computed_from_the_frames(inspected: Inspect) -> None:
    facts = inspected(material.tagged()).facts

    assert facts is not None
    assert facts.frames == len(material.frames(material.cbr()))
    assert facts.duration_ms == round(facts.frames * 1152 / 44.1)
    assert (facts.sample_rate, facts.channels, facts.mpeg_version, facts.layer) == (44100, 2, "1", 3)
    assert abs(facts.bitrate - 128_000) < 200
    assert not facts.vbr


def test_a_variable_bitrate_is_noticed_and_averaged(inspected: Inspect) -> None:
    facts = inspected(material.vbr()).facts

    assert facts is not None
    assert facts.vbr
    audio = len(material.vbr()) - 417
    assert facts.bitrate == pytest.approx(audio * 8000 / facts.duration_ms, rel=0.001)


def test_mono_and_lower_rates_are_described_as_they_are(inspected: Inspect) -> None:
    facts = inspected(material.cbr(22050, 1)).facts

    assert facts is not None
    assert (facts.sample_rate, facts.channels, facts.mpeg_version) == (22050, 1, "2")


def test_the_waveform_follows_the_music(inspected: Inspect) -> None:
    rate = music.SAMPLE_RATE
    loud = music.synthesise(music.PIECES[0])[: 4 * rate]
    quiet = material.array("h", (value // 8 for value in loud))
    peaks = inspected(music.encode(loud + quiet)).peaks

    assert max(peaks[:95]) > 4 * max(peaks[105:195])
    assert max(peaks) > 100


def test_control_characters_and_long_titles_are_cleaned(inspected: Inspect) -> None:
    tag = Id3Tag(4)
    tag.add_text("TIT2", "Night\x1b[2J \u202eevil\x07" + "x" * 5000)

    title = inspected(tag.to_bytes() + material.cbr()).tags.title

    assert title is not None
    assert title.startswith("Night[2J evilxxx")
    assert len(title) == 200
