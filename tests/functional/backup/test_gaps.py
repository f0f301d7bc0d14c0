"""What should be in a backup and is not is told, in the manifest too, and the exit status says so."""

import json
import shutil

import pytest

from autonomy_core.kernel.manager import Plugins
from tests.functional.backup.conftest import Place

pytestmark = pytest.mark.processes

HAS_GAPS = 3


def backed_up_with_gaps(place, directory, **options):
    """What is missing in a backup that can be restored, by what is said and by its manifest."""
    result = place.run("backup", directory, **options)
    assert result.exit_code == HAS_GAPS, result.output
    assert result.stdout == f"The backup in {directory} can be restored, but is not complete.\n"
    told = [line.removeprefix("✗ ") for line in result.stderr.splitlines() if line.startswith("✗ ")]
    assert told == json.loads((directory / "manifest.json").read_text())["gaps"]
    return told


@pytest.fixture
def moved_away(original, tmp_path):
    """Takes a file or a directory away until the end of the test."""
    taken = []

    def move(path):
        taken.append((path, tmp_path / f"away-{len(taken)}"))
        shutil.move(*taken[-1])

    yield move
    for path, away in taken:
        shutil.move(away, path)


def test_the_files_of_a_plugin_that_is_not_installed_at_the_moment_are_told_to_be_missing(original, tmp_path):
    without = Plugins.from_entry_points(["customer_auth", "stripe_payments"])
    (told,) = backed_up_with_gaps(original, tmp_path / "backup", plugins=without)
    assert told.startswith("media_mp3 has tables and is not installed")


def test_a_recording_that_the_database_refers_to_and_that_is_not_there_is_named(
    original, tmp_path, moved_away
):
    files = original.data / "media" / "files"
    recording = next(files.glob("harbour/*/*.mp3"))
    moved_away(recording)
    (told,) = backed_up_with_gaps(original, tmp_path / "backup")
    assert "files/media_mp3/recordings: 1 files that the database refers to are missing" in told
    assert told.endswith(str(recording.relative_to(files)))


def test_a_share_with_recordings_that_is_not_mounted_is_noticed(original, tmp_path, moved_away):
    moved_away(original.data / "media")
    (told,) = backed_up_with_gaps(original, tmp_path / "backup")
    assert "2 files that the database refers to are missing" in told


def test_organisations_in_service_whose_files_are_gone_are_named(original, tmp_path, moved_away):
    moved_away(original.tenants / "harbour.ini")
    (told,) = backed_up_with_gaps(original, tmp_path / "backup")
    assert told.startswith(
        "tenants: the files of 1 organisations in service are missing, the first is harbour"
    )


def test_a_plugin_whose_tables_are_still_to_be_migrated_keeps_no_backup_from_being_made(original, tmp_path):
    original.sql("ALTER TABLE media_mp3_tracks RENAME COLUMN storage_key TO key")
    try:
        (told,) = backed_up_with_gaps(original, tmp_path / "backup")
    finally:
        original.sql("ALTER TABLE media_mp3_tracks RENAME COLUMN key TO storage_key")
    assert "it is not known which files should be there" in told


def test_who_restores_a_backup_with_gaps_is_told_of_them(original, tmp_path, elsewhere, moved_away):
    moved_away(next((original.data / "media" / "files").glob("harbour/*/*.mp3")))
    told = backed_up_with_gaps(original, tmp_path / "backup")
    restored = elsewhere.succeed("restore", tmp_path / "backup", "--accept-other-secret")
    assert f"✗ {told[0]}\n" in restored.stderr


@pytest.fixture
def bare(tmp_path):
    """A migrated server of its own, without organisations."""
    place = Place(tmp_path / "bare").make()
    place.succeed("migrate")
    yield place
    place.server.remove()


def test_a_server_that_has_sold_nothing_yet_has_no_gaps(bare, tmp_path):
    bare.succeed("backup", tmp_path / "backup")
