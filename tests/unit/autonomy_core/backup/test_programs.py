"""Which pg_dump is used: that of the server's version, or the next newer one."""

from __future__ import annotations

from pathlib import Path

import pytest

from autonomy_core.backup import programs
from autonomy_core.backup.domain import BackupError
from autonomy_core.backup.programs import Programs


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[int, Path]:
    """Directories with programs of some versions, and none besides."""
    monkeypatch.setattr(programs, "_usual_places", lambda: iter(()))
    places = {}
    for version in (14, 16, 18):
        places[version] = tmp_path / str(version)
        places[version].mkdir()
        program = places[version] / "pg_dump"
        program.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}.3 (Debian {version}.3-1)'\n")
        program.chmod(0o755)
    return places


@pytest.mark.parametrize(("server", "chosen"), [(140_011, 14), (150_001, 16), (160_000, 16), (180_004, 18)])
def test_the_nearest_that_is_not_older_is_chosen(
    installed: dict[int, Path], server: int, chosen: int
) -> None:
    assert Programs.fitting(server, list(installed.values())).directory == installed[chosen]


def test_older_ones_are_refused_because_they_refuse_the_server(installed: dict[int, Path]) -> None:
    with pytest.raises(BackupError, match="is PostgreSQL 19, and of pg_dump there is 14, 16, 18"):
        Programs.fitting(190_000, list(installed.values()))


def test_where_there_are_none_it_is_said_what_to_install(installed: dict[int, Path], tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="there is none: install PostgreSQL's client programs"):
        Programs.fitting(160_000, [tmp_path])
