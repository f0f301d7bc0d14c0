"""Tags that ffmpeg has no place for are in the files as other programs write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autonomy_core.media.encoding import ReplayGain, TrackTags, encode
from autonomy_core.media.ffmpeg import FfmpegFailed
from autonomy_core.media.formats import FORMATS, LossyFormat
from autonomy_core.media.id3_comment import correct_comment
from autonomy_core.media.mp4_items import named_items, place_for, put_items
from autonomy_core.plugin_api.media import MediaFormat, Recording
from autonomy_core.testing.format_contract import SAMPLES, write_master

STEREO = Recording(44100, 2, 16, SAMPLES)
BY_NAME = {each.name: each for each in FORMATS}


def made(media_format: MediaFormat, directory: Path, **tags: object) -> bytes:
    write_master(directory / "master", STEREO)
    known = TrackTags(title="Night Ferry", **tags)  # type: ignore[arg-type]
    encode(media_format, directory / "master", STEREO, directory / "made", demuxer="wav", tags=known)
    return (directory / "made").read_bytes()


@pytest.mark.processes
def test_an_m4a_has_the_items_that_players_read(tmp_path: Path) -> None:
    gain = ReplayGain(-7.5, 0.9)
    content = made(BY_NAME["aac"], tmp_path, isrc="ATS422400001", gain=gain)

    item = (
        b"\0\0\0\x50----"
        b"\0\0\0\x1cmean\0\0\0\0com.apple.iTunes"
        b"\0\0\0\x10name\0\0\0\0ISRC"
        b"\0\0\0\x1cdata\0\0\0\1\0\0\0\0ATS422400001"
    )
    assert item in content
    assert b"REPLAYGAIN_TRACK_GAIN" in content
    assert b"\xa9lyr" not in content, "nothing is left of what kept the place"


@pytest.mark.processes
def test_an_m4a_without_such_tags_has_no_place_for_them(tmp_path: Path) -> None:
    content = made(BY_NAME["aac"], tmp_path)

    assert b"----" not in content
    assert b"\xa9lyr" not in content


def test_a_file_without_the_place_is_no_format(tmp_path: Path) -> None:
    items = named_items({"ISRC": "ATS422400001"})
    assert len(place_for(items)) == len(items) - 24
    (tmp_path / "file").write_bytes(bytes(100))

    with pytest.raises(FfmpegFailed, match="kept no place"):
        put_items(tmp_path / "file", items)


@pytest.mark.processes
@pytest.mark.parametrize("version", ["3", "4"])
@pytest.mark.parametrize(
    ("comment", "written"),
    [
        (
            "https://shop.example/",
            {"3": b"\0XXX\0https://shop.example/", "4": b"\3XXX\0https://shop.example/"},
        ),
        (
            "https://müsik.example/",
            {
                "3": b"\1XXX\xff\xfe\0\0\xff\xfe" + "https://müsik.example/".encode("utf-16-le"),
                "4": b"\3XXX\0" + "https://müsik.example/".encode(),
            },
        ),
    ],
    ids=["ASCII", "Unicode"],
)
def test_the_comment_of_an_mp3_is_one_for_players(
    comment: str, written: dict[str, bytes], version: str, tmp_path: Path
) -> None:
    container = ("mp3", "-id3v2_version", version)
    mp3 = LossyFormat("mp3", "MP3", "audio/mpeg", ".mp3", "libmp3lame", "id3", ("-q:a", "0"), container)

    content = made(mp3, tmp_path, comment=comment, isrc="ATS422400001", album="First Light")

    frame = content[content.index(b"COMM") :]
    assert frame[10:].startswith(written[version])
    assert b"TXXX" not in content[:2000]
    assert b"TSRC" in content
    assert b"TALB" in content


def test_a_file_without_a_tag_stays_as_it_is(tmp_path: Path) -> None:
    for content in (b"", b"\xff\xfb" + bytes(60), b"ID3\3\0\0\0\0\0\n" + bytes(10)):
        (tmp_path / "file").write_bytes(content)
        correct_comment(tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == content
