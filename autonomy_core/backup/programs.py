"""``pg_dump`` and ``pg_restore``, of the version that fits a server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import URL, make_url

from autonomy_core.backup.domain import BackupError
from autonomy_core.db.embedded_home import programs_of_wheel

INSTALLED = Path("/usr/lib/postgresql")  # Debian's, one directory for each version


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs in one directory."""

    directory: Path

    @classmethod
    def fitting(cls, server_version: int, places: Sequence[Path]) -> Programs:
        """Those of the server's major version, or else of the next newer one.

        Args:
            server_version: as PostgreSQL numbers it: 140011 is 14.11.
            places: directories to look in besides the usual ones.

        Raises:
            BackupError: there are none, or only older ones, which refuse a newer server.
        """
        major = server_version // 10_000
        found = {
            version: place for place in reversed([*places, *_usual_places()]) if (version := _major(place))
        }
        fitting = [version for version in sorted(found) if version >= major]
        if not fitting:
            has = ", ".join(map(str, sorted(found))) or "none"
            raise BackupError(
                f"The server is PostgreSQL {major}, and of pg_dump there is {has}: install PostgreSQL's client programs "
                f"of version {major} or newer, or name their directory in embedded.bin_dir."
            )
        return cls(found[fitting[0]])

    def dump(self, url: str, snapshot: str, target: Path) -> None:
        """Dump what a snapshot shows, in PostgreSQL's own compressed format.

        Raises:
            BackupError: with what pg_dump says.
        """
        options = ["--format=custom", f"--snapshot={snapshot}", f"--file={target}"]
        self._run("pg_dump", url, options)

    def restore(self, url: str, dump: Path) -> None:
        """Restore a dump, all of it or nothing. Owner is who connects; rights are given by the migrations.

        Raises:
            BackupError: with what pg_restore says.
        """
        options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(dump)]
        self._run("pg_restore", url, options)

    def read_rows(self, dump: Path) -> Iterator[bytes]:
        """The data in a dump, as lines of SQL.

        Raises:
            BackupError: it cannot be read to its end.
        """
        command: list[str | Path] = [self.directory / "pg_restore", "--data-only", "--file=-", dump]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            output: IO[bytes] | None = process.stdout
            assert output is not None  # noqa: S101 - for the type checker: it is a pipe
            yield from output
            _, told = process.communicate()
        if process.returncode != 0:
            raise BackupError(f"{dump} cannot be read: {_last_line(told)}")

    def _run(self, program: str, url: str, options: Sequence[str]) -> None:
        target = make_url(url).set(drivername="postgresql")
        # The password is not for the list of processes.
        environment = {**os.environ, **({"PGPASSWORD": str(target.password)} if target.password else {})}
        database = f"--dbname={_without_password(target)}"
        command: list[str | Path] = [self.directory / program, "--no-password", database, *options]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if done.returncode != 0:
            raise BackupError(f"{program} failed: {_last_line(done.stderr)}")


def _without_password(url: URL) -> str:
    return url._replace(password=None).render_as_string()


def _usual_places() -> Iterator[Path]:
    on_path = shutil.which("pg_dump")
    if on_path is not None:
        yield Path(on_path).parent
    yield from (path.parent for path in INSTALLED.glob("*/bin/pg_dump"))
    of_wheel = programs_of_wheel()
    if of_wheel is not None:
        yield of_wheel


def _major(directory: Path) -> int | None:
    try:
        told = subprocess.run(
            [directory / "pg_dump", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\b(\d+)(?:\.\d+|devel|beta|rc)", told)
    return int(found.group(1)) if found else None


def _last_line(told: bytes) -> str:
    lines = [line for line in told.decode(errors="replace").splitlines() if line.strip()]
    return " ".join(lines[:3]) or "it says nothing"
