"""As whom the embedded server runs, and directories that are its alone.

PostgreSQL refuses to run as root; there it runs as an unprivileged account that exists already.
"""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")


class EmbeddedServerError(RuntimeError):
    """The embedded server cannot do what was asked.

    Args:
        problem: what is wrong.
        remedy: what a person can do about it.
        log: the last lines of what the server said, if it said anything.
    """

    def __init__(self, problem: str, remedy: str, log: str = "") -> None:
        said = f"\nThe server's last words:\n{log}" if log else ""
        super().__init__(f"{problem}\n{remedy}{said}")


@dataclass(frozen=True)
class Account:
    """An unprivileged account that the server runs as, when we are root."""

    name: str
    uid: int
    gid: int

    def can_enter(self, directory: Path) -> bool:
        """Whether this account may enter the directory: tried, not computed."""
        command: list[str | Path] = ["/bin/sh", "-c", 'cd -- "$1"', "sh", directory]
        return run_as(self, command, cwd=Path("/")).returncode == 0


def account_of(entry: pwd.struct_passwd) -> Account:
    """The account of an entry of the password database."""
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def account_for_new_data() -> Account:
    """The first of the usual unprivileged accounts that this machine has.

    Raises:
        EmbeddedServerError: it has none of them.
    """
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in UNPRIVILEGED_ACCOUNTS:
        if name in known:
            return account_of(known[name])
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody' to run it as.",
        "Add an account 'postgres', or run this as an ordinary user.",
    )


def owner_of(directory: Path) -> Account | None:
    """The unprivileged owner of a directory; None if it does not exist or is root's."""
    try:
        uid = directory.lstat().st_uid
        return account_of(pwd.getpwuid(uid)) if uid != 0 else None
    except (OSError, KeyError):
        return None


def run_as(
    account: Account | None, command: Sequence[str | Path], *, cwd: Path, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command as the account, or as ourselves; what it says is in ``stdout``.

    A command that cannot be run at all ends like one that failed, with status 126.

    Args:
        timeout: in seconds.
    """
    identity: dict[str, Any] = (
        {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    )
    # PGDATA, PGHOST and their kind would point the tools at another server.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    try:
        return subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=environment | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            umask=0o077,
            timeout=timeout,
            check=False,
            **identity,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return subprocess.CompletedProcess(list(command), returncode=126, stdout=str(error))


def make_passable(directory: Path) -> None:
    """Make a directory and its parents where missing; root's new ones can be passed by all, whatever the umask.

    Raises:
        EmbeddedServerError: one of them cannot be made.
    """
    missing = [place for place in (directory, *directory.parents) if not place.exists()]
    for place in reversed(missing):
        try:
            place.mkdir(exist_ok=True)
            if os.geteuid() == 0:
                place.chmod(0o755)
        except OSError as error:
            raise _cannot_make(place, error) from None


def make_private(directory: Path, owner: Account | None, *, passable_by: Account | None = None) -> None:
    """Make a directory that is one account's alone, or check that it is that already.

    Args:
        directory: its parent exists, and may be writable by everybody.
        owner: whose it is; None for ourselves.
        passable_by: an account that may pass through it as well, to what it can name.

    Raises:
        EmbeddedServerError: it is a link, somebody else's, or open to others; or cannot be made.
    """
    try:
        directory.mkdir(mode=0o700)  # refuses whatever exists, links included
    except FileExistsError:
        if not _is_half_made(directory):
            _check_private(directory, owner)
            return
    except OSError as error:
        raise _cannot_make(directory, error) from None
    if passable_by is not None:
        os.chown(directory, -1, passable_by.gid)
        directory.chmod(0o710)
    if owner is not None:
        os.chown(directory, owner.uid, owner.gid)


def _is_half_made(directory: Path) -> bool:
    """Whether it is as `make_private` has it before handing it over: another process is there, or was killed there.

    The steps that follow come out alike however often and by however many they are done.
    """
    found = directory.lstat()
    ours = found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700
    return stat.S_ISDIR(found.st_mode) and ours and not any(directory.iterdir())


def _check_private(directory: Path, owner: Account | None) -> None:
    found = directory.lstat()
    ours = found.st_uid == (owner.uid if owner else os.geteuid())
    if not (stat.S_ISDIR(found.st_mode) and ours and not found.st_mode & 0o027):
        who = owner.name if owner else "the user who runs this"
        raise EmbeddedServerError(
            f"{directory} is not a directory of {who}'s alone (mode {found.st_mode & 0o7777:o}, owner "
            f"{found.st_uid}), so the embedded PostgreSQL is not started there.",
            "Run this as its owner, remove it, or choose another embedded.data_dir.",
        )


def _cannot_make(directory: Path, error: OSError) -> EmbeddedServerError:
    return EmbeddedServerError(
        f"The directory {directory} cannot be made: {error.strerror}.",
        "Choose another embedded.data_dir.",
    )


def give(tree: Path, owner: Account | None) -> None:
    """Hand a whole tree to the account; nothing to do when it is ours."""
    if owner is None:
        return
    for path in (tree, *tree.rglob("*")):
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
