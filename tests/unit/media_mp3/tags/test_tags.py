"""The metadata from the tags of an accepted file."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import pytest

from media_mp3.domain import Tags
from media_mp3.inspection import child
from media_mp3.tags.genres import genre_of
from media_mp3.tags.scan import scan_tags
from tests.unit.media_mp3 import material
from tests.unit.media_mp3.material import cbr, id3_frame, id3_of, unsynchronised, unsynchronised_frame, utf16

NIGHT_FERRY = Tags(title="Night Ferry", artist="The Quiet Tide")
TITLE, ARTIST = utf16("Night Ferry"), utf16("The Quiet Tide")


def latin(text: str) -> bytes:
    return b"\0" + text.encode("latin-1")


def frames_of(texts: dict[str, str], version: int = 3) -> list[bytes]:
    return [id3_frame(name, latin(text), version=version) for name, text in texts.items()]


SAME = {
    "an unsynchronised v2.3 tag": lambda: id3_of(
        unsynchronised(id3_frame("TIT2", TITLE) + id3_frame("TPE1", ARTIST)), flags=0x80
    ),
    "unsynchronised frames in a v2.4 tag with the flag": lambda: id3_of(
        unsynchronised_frame("TIT2", TITLE), unsynchronised_frame("TPE1", ARTIST), version=4, flags=0x80
    ),
    "unsynchronised frames in a v2.4 tag without the flag": lambda: id3_of(
        unsynchronised_frame("TIT2", TITLE), unsynchronised_frame("TPE1", ARTIST), version=4
    ),
    "unsynchronised frames that only the v2.4 tag tells of": lambda: id3_of(
        id3_frame("TIT2", unsynchronised(TITLE), version=4),
        id3_frame("TPE1", unsynchronised(ARTIST), version=4),
        version=4,
        flags=0x80,
    ),
    "an extended v2.3 header": lambda: id3_of(
        struct.pack(">IHI", 6, 0, 0), id3_frame("TIT2", TITLE), id3_frame("TPE1", ARTIST),
        flags=0x40
    ),
    "an extended v2.3 header with a checksum": lambda: id3_of(
        struct.pack(">IHII", 10, 0x8000, 0, 7), id3_frame("TIT2", TITLE), id3_frame("TPE1", ARTIST),
        flags=0x40
    ),
    "an extended v2.4 header": lambda: id3_of(
        b"\0\0\0\x06\x01\0",
        id3_frame("TIT2", TITLE, version=4),
        id3_frame("TPE1", ARTIST, version=4),
        version=4,
        flags=0x40,
    ),
    "the flag of an extended header, and none": lambda: id3_of(
        id3_frame("TIT2", TITLE), id3_frame("TPE1", ARTIST), flags=0x40
    ),
    "a group byte before the text": lambda: id3_of(
        id3_frame("TIT2", b"\x07" + TITLE, version=4, flags=0x0040),
        id3_frame("TPE1", ARTIST, version=4),
        version=4,
    ),
    "UTF-16 with the high byte first": lambda: id3_of(
        id3_frame("TIT2", b"\x01\xfe\xff" + "Night Ferry".encode("utf-16-be")),
        id3_frame("TPE1", b"\x02" + "The Quiet Tide".encode("utf-16-be")),
    ),
    "UTF-8": lambda: id3_of(
        id3_frame("TIT2", b"\x03Night Ferry", version=4),
        id3_frame("TPE1", b"\x03The Quiet Tide", version=4),
        version=4,
    ),
    "text behind a NUL": lambda: id3_of(
        id3_frame("TIT2", latin("Night Ferry\0left over")), id3_frame("TPE1", ARTIST + b"\0\0l\0e\0f\0t\0")
    ),
    "several artists": lambda: id3_of(
        id3_frame("TIT2", TITLE, version=4),
        id3_frame("TPE1", b"\x03The Quiet Tide\0Ada", version=4),
        id3_frame("TPE1", b"\x03Somebody else", version=4),
        version=4,
    ),
    "v2.2": lambda: b"ID3\x02\0\0" + material.synchsafe(39) + (
        b"TT2\0\0\x0c\0Night Ferry" + b"TP1\0\0\x0f\0The Quiet Tide"
    ),
    "an empty frame first": lambda: id3_of(
        id3_frame("TIT2", latin("")), id3_frame("TIT2", TITLE), id3_frame("TPE1", ARTIST)
    ),
    "lyrics of 70 KB before the title": lambda: id3_of(
        id3_frame("USLT", b"\0eng\0" + b"word " * 14_000), id3_frame("TIT2", TITLE), id3_frame("TPE1", ARTIST)
    ),
}  # fmt: skip


def read_tags(content: bytes) -> Tags:
    """Read the tags in this process; `test_accepted_files` shows that the child process does the same."""
    file = io.BytesIO(content)
    scan = scan_tags(file, len(content))
    assert scan.complete
    assert scan.findings == ()
    tags, warnings = child.read_tags(file, scan.tags)
    assert warnings == []
    return tags


@pytest.mark.parametrize("name", SAME)
def test_title_and_artist_are_read_from(name: str) -> None:
    assert read_tags(SAME[name]() + cbr()) == NIGHT_FERRY


def test_all_fields_are_read_from_id3v2() -> None:
    texts = {
        "TIT2": "Night Ferry", "TPE1": "The Quiet Tide", "TPE2": "Various", "TALB": "First Light",
        "TCON": "(26)", "TYER": "2019", "TRCK": "3/12", "TPOS": "2/2",
    }  # fmt: skip

    tags = read_tags(id3_of(*frames_of(texts)) + cbr())

    assert tags == Tags("Night Ferry", "The Quiet Tide", "First Light", "Various", "Ambient", 2019, 3, 2)


def test_all_fields_are_read_from_an_ape_tag() -> None:
    items = {
        "Title": "Übergang".encode(), "ARTIST": b"Ada & the Looms\0and more", "album": b"Machines at Rest",
        "Album Artist": b"Ada", "Genre": b"Ambient", "Year": b"2019-04-01", "Track": b"2/9", "Disc": b"1",
        "Cover Art (Front)": b"cover.png\0" + bytes(100_000),
    }  # fmt: skip

    tags = read_tags(cbr() + material.ape(items))

    assert tags == Tags("Übergang", "Ada & the Looms", "Machines at Rest", "Ada", "Ambient", 2019, 2, 1)


def test_a_text_of_an_id3v1_tag_ends_at_its_first_nul() -> None:
    tag = b"".join((
        b"TAG", b"Night Ferry\0left over".ljust(30, b"\0"), b"The Quiet Tide".ljust(30),
        b"First Light".ljust(30, b"\0"), b"1999", b"comment".ljust(28, b"\0"), b"\0\x05", b"\x1a",
    ))  # fmt: skip

    tags = read_tags(cbr() + tag)

    assert tags == Tags("Night Ferry", "The Quiet Tide", "First Light", None, "Ambient", 1999, 5)


def test_a_field_missing_in_one_tag_comes_from_the_next() -> None:
    id3 = id3_of(id3_frame("TIT2", TITLE))
    ape = material.ape({"Title": b"Another title", "Artist": b"The Quiet Tide"})

    tags = read_tags(id3 + cbr() + ape + material.id3v1())

    assert tags == replace(NIGHT_FERRY, genre="Blues")


@pytest.mark.parametrize(
    ("text", "genre"),
    [
        ("Ambient", "Ambient"),
        ("26", "Ambient"),
        ("(26)", "Ambient"),
        ("(4)Eurodisco", "Eurodisco"),
        ("(51)(39)", genre_of(51)),
        ("(RX)", None),
        ("((Loud)", "(Loud)"),
        ("999", None),
        ("191", "Psybient"),
    ],
)
def test_a_genre_is_named(text: str, genre: str | None) -> None:
    assert read_tags(id3_of(*frames_of({"TCON": text})) + cbr()).genre == genre


@pytest.mark.parametrize(
    ("year", "track", "expected"),
    [
        ("2019-04-01T10:00", "07", (2019, 7)),
        ("0000", "0", (None, None)),
        ("19", "x", (None, None)),
        ("20190401", "12345", (None, None)),
        (" 2019 ", "3 of 9", (2019, 3)),
    ],
)
def test_an_invalid_year_or_number_is_left_out(
    year: str, track: str, expected: tuple[int | None, int | None]
) -> None:
    tags = read_tags(id3_of(*frames_of({"TDRC": year, "TRCK": track}, 4), version=4) + cbr())

    assert (tags.year, tags.track) == expected


@pytest.mark.parametrize(
    "tag",
    [
        id3_of(id3_frame("TIT2", b"")),
        id3_of(id3_frame("TIT2", b"\x01\xff")),
        id3_of(id3_frame("TIT2", b"\x09abc")),
        id3_of(struct.pack(">IHI", 0x7FFFFFFF, 0, 0), flags=0x40),
        id3_of(b"\0\0", flags=0x40),
        id3_of(b"", flags=0xC0, version=4),
        id3_of(id3_frame("TIT2", b"\0\0", version=4, flags=0x004F & ~0x08), version=4),
    ],
)
def test_an_invalid_tag_does_not_refuse_the_file(tag: bytes) -> None:
    assert read_tags(tag + cbr()).artist is None


@pytest.mark.parametrize("damage", [b"\xff" * 8, b"\0" * 8, struct.pack("<II", 2**31, 0)])
def test_an_ape_item_with_a_wrong_size_is_left_out(damage: bytes) -> None:
    tag = material.ape({"Title": b"Night Ferry"})

    assert read_tags(cbr() + tag[:32] + damage + tag[40:]) == Tags()


@pytest.mark.parametrize("title", ["\u3164", "\u200b", "\u202e", "\U000e0041"], ids=ascii)
def test_an_invisible_title_is_left_out(title: str) -> None:
    assert read_tags(id3_of(id3_frame("TIT2", utf16(title))) + cbr()).title is None


def test_a_title_keeps_the_joiners_of_its_script() -> None:
    assert (
        read_tags(id3_of(id3_frame("TIT2", utf16("\u0645\u06cc\u200c\u062e"))) + cbr()).title
        == "\u0645\u06cc\u200c\u062e"
    )
