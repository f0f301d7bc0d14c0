"""The pg_dump that is used has the server's version, or the next newer one."""

from __future__ import annotations

from pathlib import Path

import pytest

from autonomy_core.backup import programs
from autonomy_core.backup.domain import BackupError
from autonomy_core.backup.programs import Programs

pytestmark = pytest.mark.processes


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[int, Path]:
    """Directories with programs of some versions; no other programs are found."""
    monkeypatch.setattr(programs, "_usual_places", lambda: iter(()))
    places = {}
    for version in (14, 16, 18):
        places[version] = tmp_path / str(version)
        places[version].mkdir()
        program = places[version] / "pg_dump"
        program.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}.3 (Debian {version}.3-1)'\n")
        program.chmod(0o755)
    return places


@pytest.mark.parametrize(("server", "chosen"), [(14, 14), (15, 16), (16, 16), (18, 18)])
def test_pg_dump_of_the_nearest_version_not_older_is_used(
    installed: dict[int, Path], server: int, chosen: int
) -> None:
    programs = Programs.to_dump(server, list(installed.values()))
    assert (programs.directory, programs.version) == (installed[chosen], chosen)


def test_an_older_pg_dump_is_refused(installed: dict[int, Path]) -> None:
    with pytest.raises(
        BackupError, match=r"is PostgreSQL 19, and .* there is 14, 16, 18: .* of version 19 or newer"
    ):
        Programs.to_dump(19, list(installed.values()))


def test_missing_programs_are_reported_with_what_to_install(
    installed: dict[int, Path], tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match="there is none: install those of version 16 or newer"):
        Programs.to_dump(16, [tmp_path])


@pytest.mark.parametrize(
    ("dump", "server", "chosen"), [(14, 14, 14), (14, 18, 14), (15, 16, 16), (15, 18, 16), (18, 19, 18)]
)
def test_pg_restore_of_the_nearest_suitable_version_is_used(
    installed: dict[int, Path], dump: int, server: int, chosen: int
) -> None:
    assert Programs.to_restore(dump, server, list(installed.values())).version == chosen


@pytest.mark.parametrize(
    ("dump", "server", "wanted"),
    [(15, 15, "of version 15,"), (17, 17, "of version 17,"), (19, 20, "of version 19 to 20,")],
)
def test_a_pg_restore_too_old_or_too_new_is_refused(
    installed: dict[int, Path], dump: int, server: int, wanted: str
) -> None:
    with pytest.raises(BackupError, match=wanted):
        Programs.to_restore(dump, server, list(installed.values()))


def test_a_server_older_than_the_dump_is_refused(installed: dict[int, Path]) -> None:
    with pytest.raises(
        BackupError, match=r"made for PostgreSQL 18 or newer, and the database is on PostgreSQL 16"
    ):
        Programs.to_restore(18, 16, list(installed.values()))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://owner:hidden@host/db?sslmode=require",
        "postgresql://owner@host/db?sslmode=require&password=hidden",
        "postgresql://owner:other@host/db?sslmode=require&password=hidden",
    ],
)
def test_the_list_of_processes_shows_no_password(tmp_path: Path, url: str) -> None:
    program = tmp_path / "pg_restore"
    program.write_text('#!/bin/sh\necho "$@" "$PGPASSWORD" >&2\nexit 1\n')
    program.chmod(0o755)
    with pytest.raises(BackupError) as told:
        Programs(tmp_path, 18).restore(url, tmp_path / "dump")
    assert str(told.value).count("hidden") == 1
    assert str(told.value).endswith(" hidden")
    assert "--dbname=postgresql://owner@host/db?sslmode=require " in str(told.value)


@pytest.mark.parametrize(
    "name", ["sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"]
)
def test_a_secret_on_the_command_line_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BackupError, match=f"has {name}") as told:
        Programs(tmp_path, 18).restore(f"postgresql://owner@host/db?{name}=hidden", tmp_path / "dump")
    assert "hidden" not in str(told.value)
