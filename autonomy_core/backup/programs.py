"""``pg_dump`` and ``pg_restore`` in a version that is compatible with a server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import URL, make_url

from autonomy_core.backup.domain import BackupError
from autonomy_core.db.embedded_home import programs_of_wheel
from autonomy_core.db.outages import SECRETS, without_secrets

INSTALLED = Path("/usr/lib/postgresql")  # Debian's, one directory for each version


@dataclass(frozen=True, slots=True)
class Programs:
    """The client programs in one directory.

    Attributes:
        version: their major version.
    """

    directory: Path
    version: int

    @classmethod
    def to_dump(cls, server: int, places: Sequence[Path]) -> Programs:
        """Find programs of the server's version, or of the next newer version.

        Args:
            server: the major version of PostgreSQL.
            places: directories to search in addition to the usual ones.

        Raises:
            BackupError: no program is found, or only older versions, which refuse a newer server.
        """
        return cls._first(
            lambda version: version >= server,
            places,
            f"The server is PostgreSQL {server}",
            f"of version {server} or newer",
        )

    @classmethod
    def to_restore(cls, dump: int, server: int, places: Sequence[Path]) -> Programs:
        """Find programs that can read a dump and are not newer than the target server.

        Args:
            dump: the major version of the pg_dump that wrote the dump. An older pg_restore cannot read it.
            server: the major version of PostgreSQL. It does not have every setting that a newer pg_restore
                uses.
            places: directories to search in addition to the usual ones.

        Raises:
            BackupError: no program is found, or the server is older than the dump.
        """
        if server < dump:
            raise BackupError(
                f"The backup was made for PostgreSQL {dump} or newer, and the database is on PostgreSQL "
                f"{server}: restore it on a newer one."
            )
        return cls._first(
            lambda version: dump <= version <= server,
            places,
            f"The backup is by pg_dump {dump}, the server is PostgreSQL {server}",
            f"of version {dump}" if dump == server else f"of version {dump} to {server}",
        )

    @classmethod
    def _first(
        cls, is_good: Callable[[int], bool], places: Sequence[Path], situation: str, wanted: str
    ) -> Programs:
        found = {
            version: place for place in reversed([*places, *_usual_places()]) if (version := _major(place))
        }
        good = [version for version in sorted(found) if is_good(version)]
        if not good:
            has = ", ".join(map(str, sorted(found))) or "none"
            raise BackupError(
                f"{situation}, and of PostgreSQL's client programs there is {has}: install those {wanted}, "
                "or name their directory in embedded.bin_dir."
            )
        return cls(found[good[0]], good[0])

    def dump(self, url: str, snapshot: str, target: Path) -> None:
        """Dump the data of a snapshot, in PostgreSQL's custom format.

        Raises:
            BackupError: pg_dump failed; the message contains its output.
        """
        options = ["--format=custom", f"--snapshot={snapshot}", f"--file={target}"]
        self._run("pg_dump", url, options)

    def restore(self, url: str, dump: Path) -> None:
        """Restore a dump in a single transaction.

        The connecting role becomes the owner of the tables. The migrations grant the other rights.

        Raises:
            BackupError: pg_restore failed; the message contains its output.
        """
        options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(dump)]
        self._run("pg_restore", url, options)

    def read_rows(self, dump: Path) -> Iterator[bytes]:
        """Yield the data of a dump as lines of SQL.

        Raises:
            BackupError: the dump cannot be read completely.
        """
        command: list[str | Path] = [self.directory / "pg_restore", "--data-only", "--file=-", dump]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            output: IO[bytes] | None = process.stdout
            assert output is not None  # noqa: S101 - for the type checker: it is a pipe
            yield from output
            _, errors = process.communicate()
        if process.returncode != 0:
            raise BackupError(f"{dump} cannot be read: {_last_line(errors)}")

    def _run(self, program: str, url: str, options: Sequence[str]) -> None:
        database, password = _without_password(make_url(url).set(drivername="postgresql"))
        # Pass the password in the environment, because command lines are visible to all users.
        environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
        database = f"--dbname={database}"
        command: list[str | Path] = [self.directory / program, "--no-password", database, *options]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if done.returncode != 0:
            raise BackupError(f"{program} failed: {_last_line(done.stderr)}")


def _without_password(url: URL) -> tuple[str, str | None]:
    """Return a URL for libpq without the password, and the password. A URL parameter may contain it too.

    Raises:
        BackupError: the URL has a secret that libpq accepts only in the URL.
    """
    for name in SECRETS:
        if name in url.query:
            raise BackupError(
                f"The database's URL has {name}, which the list of processes would show to every user "
                "of the machine: log in with a password, or with a key without a passphrase that only the "
                "server's user may read."
            )
    # libpq prefers the parameter.
    password = url.query.get("password", url.password)
    return without_secrets(url).render_as_string(), None if password is None else str(password)


def _usual_places() -> Iterator[Path]:
    # The versioned directories come first: Debian's programs on the PATH choose their version by cluster.
    yield from (path.parent for path in INSTALLED.glob("*/bin/pg_dump"))
    on_path = shutil.which("pg_dump")
    if on_path is not None:
        yield Path(on_path).parent
    of_wheel = programs_of_wheel()
    if of_wheel is not None:
        yield of_wheel


def _major(directory: Path) -> int | None:
    try:
        output = subprocess.run(
            [directory / "pg_dump", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\b(\d+)(?:\.\d+|devel|beta|rc)", output)
    return int(found.group(1)) if found else None


def _last_line(output: bytes) -> str:
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    return " ".join(lines[:3]) or "no output"
