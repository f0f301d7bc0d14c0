"""Missing parts of a backup are reported, in the manifest and by the exit status."""

import json
import shutil

import pytest

from autonomy_core.kernel.manager import Plugins

pytestmark = pytest.mark.processes

HAS_GAPS = 3


def backed_up_with_gaps(place, directory, **options):
    """The gaps of a new backup, from its manifest; its output names the ini file in the commands."""
    result = place.run("backup", directory, **options)
    assert result.exit_code == HAS_GAPS, result.output
    assert result.stdout == f"The backup in {directory} can be restored, but is not complete.\n"
    told = [line.removeprefix("✗ ") for line in result.stderr.splitlines() if line.startswith("✗ ")]
    gaps = json.loads((directory / "manifest.json").read_text())["gaps"]
    assert told == [gap.replace("run: autonomy ", f"run: autonomy --config {place.ini} ") for gap in gaps]
    return gaps


@pytest.fixture
def moved_away(original, tmp_path):
    """Move a file or a directory away until the end of the test."""
    taken = []

    def move(path):
        taken.append((path, tmp_path / f"away-{len(taken)}"))
        shutil.move(*taken[-1])

    yield move
    for path, away in taken:
        shutil.move(away, path)


def test_the_files_of_a_missing_plugin_are_reported(original, tmp_path):
    without = Plugins.from_entry_points(["customer_auth", "stripe_payments"])
    (told,) = backed_up_with_gaps(original, tmp_path / "backup", plugins=without)
    assert told.startswith("media_mp3 has tables and is not installed")


def test_a_missing_recording_is_named(original, tmp_path, moved_away):
    files = original.data / "media" / "files"
    recording = next(files.glob("harbour/*/*.mp3"))
    moved_away(recording)
    (told,) = backed_up_with_gaps(original, tmp_path / "backup")
    assert "files/media_mp3/recordings: 1 files that the database refers to are missing" in told
    assert told.endswith(str(recording.relative_to(files)))


def test_an_unmounted_directory_of_recordings_is_reported(original, tmp_path, moved_away):
    moved_away(original.data / "media")
    (told,) = backed_up_with_gaps(original, tmp_path / "backup")
    assert "2 files that the database refers to are missing" in told


def test_organisations_in_service_without_files_are_named(original, tmp_path, moved_away):
    moved_away(original.tenants / "harbour.ini")
    (told,) = backed_up_with_gaps(original, tmp_path / "backup")
    assert told.startswith(
        "tenants: the files of 1 organisations in service are missing, the first is harbour"
    )


def test_a_plugin_with_pending_migrations_is_a_gap_not_an_error(original, tmp_path):
    original.sql("ALTER TABLE media_mp3_tracks RENAME COLUMN storage_key TO key")
    try:
        recordings, audio = backed_up_with_gaps(original, tmp_path / "backup")
    finally:
        original.sql("ALTER TABLE media_mp3_tracks RENAME COLUMN key TO storage_key")
    assert "it is not known which files should be there" in recordings
    assert "it is not known which files should be there" in audio


def test_restore_reports_the_gaps_of_the_backup(original, tmp_path, elsewhere, moved_away):
    moved_away(next((original.data / "media" / "files").glob("harbour/*/*.mp3")))
    told = backed_up_with_gaps(original, tmp_path / "backup")
    restored = elsewhere.succeed("restore", tmp_path / "backup", "--accept-other-secret")
    assert f"✗ {told[0]}\n" in restored.stderr


def test_a_new_server_has_no_gaps(elsewhere, tmp_path):
    elsewhere.succeed("migrate")
    elsewhere.succeed("backup", tmp_path / "backup")
