"""``autonomy media inspect`` reports what an upload would report."""

from __future__ import annotations

import json

from click.testing import CliRunner

from media_mp3.commands import media
from tests.functional.media_mp3.shop import MUSIC
from tests.unit.media_mp3 import material


def inspect(tmp_path, content, *options):
    path = tmp_path / "track.mp3"
    path.write_bytes(content)
    return CliRunner().invoke(media, ["inspect", str(path), *options])


def test_a_playable_file_is_accepted_with_its_facts(tmp_path):
    result = inspect(tmp_path, MUSIC)

    assert (result.exit_code, result.output.splitlines()[0]) == (0, "accepted")
    assert "sample_rate: 44100" in result.output
    assert f"title: {material.PIECE.title}" in result.output


def test_a_refused_file_is_reported_with_findings_and_remedies(tmp_path):
    result = inspect(tmp_path, material.cbr() + material.cbr(48000)[:-10])

    assert (result.exit_code, result.output.splitlines()[0]) == (1, "refused")
    for line in ("last_frame_short", "mixed_sample_rates", "  rates: 44100, 48000"):
        assert line in result.output.splitlines()
    assert result.output.count("What to do:") == 2


def test_the_command_prints_json_on_request(tmp_path):
    document = json.loads(inspect(tmp_path, material.layer2(), "--json").output)

    assert (document["accepted"], document["findings"][0]["code"]) == (False, "layer2")
