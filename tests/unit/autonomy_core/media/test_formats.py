"""Each format of the core keeps what the contract of formats asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from autonomy_core.media.encoding import TrackTags, encode
from autonomy_core.media.ffmpeg import FfmpegFailed, FfmpegLimitReached, FfmpegLimits
from autonomy_core.media.formats import FORMATS, usual_rate
from autonomy_core.plugin_api.media import MediaFormat, Recording
from autonomy_core.testing.format_contract import MediaFormatContract, write_master

STEREO = Recording(44100, 2, 16)


class TestFormats(MediaFormatContract):
    @pytest.fixture(params=FORMATS, ids=[each.name for each in FORMATS])
    def media_format(self, request: pytest.FixtureRequest) -> MediaFormat:
        found: MediaFormat = request.param
        return found


@pytest.mark.parametrize(
    ("rate", "usual"),
    [(8000, 48000), (11025, 44100), (22050, 44100), (32000, 32000), (88200, 44100), (192000, 48000)],
)
def test_lossy_formats_have_a_rate_that_divides_evenly(rate: int, usual: int) -> None:
    assert usual_rate(rate) == usual


@pytest.mark.processes
def test_a_master_that_is_none_is_an_error_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "master").write_bytes(b"RIFF" + bytes(400))

    with pytest.raises(FfmpegFailed, match="Invalid data"):
        encode(FORMATS[0], tmp_path / "master", STEREO, tmp_path / "made", demuxer="wav", tags=TrackTags("x"))


@pytest.mark.processes
def test_a_master_cannot_refer_to_another_file(tmp_path: Path) -> None:
    write_master(tmp_path / "other", STEREO)
    (tmp_path / "master").write_text("ffconcat version 1.0\nfile other\n")

    with pytest.raises(FfmpegFailed):
        encode(FORMATS[0], tmp_path / "master", STEREO, tmp_path / "made", demuxer="wav", tags=TrackTags("x"))


@pytest.mark.processes
def test_a_file_larger_than_its_limit_is_not_made(tmp_path: Path) -> None:
    write_master(tmp_path / "master", STEREO)

    with pytest.raises(FfmpegLimitReached, match="file size"):
        limits = FfmpegLimits(file_bytes=10_000)
        encode(
            FORMATS[-1],
            tmp_path / "master",
            STEREO,
            tmp_path / "made",
            demuxer="wav",
            tags=TrackTags("x"),
            limits=limits,
        )
