"""The account that runs the embedded server, and its private directories.

PostgreSQL refuses to run as root. For root, an existing unprivileged account runs it.
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
    """The embedded server cannot be started, stopped or used.

    Args:
        problem: the problem, as a sentence.
        remedy: what the operator can do about it.
        log: the last lines of the server's log, if there are any.
    """

    def __init__(self, problem: str, remedy: str, log: str = "") -> None:
        ending = f"\nThe server's last words:\n{log}" if log else ""
        super().__init__(f"{problem}\n{remedy}{ending}")


@dataclass(frozen=True)
class Account:
    """An unprivileged account that runs the server when the current user is root."""

    name: str
    uid: int
    gid: int

    def can_enter(self, directory: Path) -> bool:
        """Whether this account can enter the directory. Trying it also covers ACLs and mount options."""
        command: list[str | Path] = ["/bin/sh", "-c", 'cd -- "$1"', "sh", directory]
        return run_as(self, command, cwd=Path("/")).returncode == 0


def account_of(entry: pwd.struct_passwd) -> Account:
    """The account of an entry in the password database."""
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def account_for_new_data() -> Account:
    """The first of the usual unprivileged accounts that exists.

    Raises:
        EmbeddedServerError: none of them exists.
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
    """The unprivileged owner of a directory; None if the directory is missing or root owns it."""
    try:
        uid = directory.lstat().st_uid
        return account_of(pwd.getpwuid(uid)) if uid != 0 else None
    except (OSError, KeyError):
        return None


def run_as(
    account: Account | None, command: Sequence[str | Path], *, cwd: Path, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command as the account. Its output, including errors, is in ``stdout``.

    A command that cannot be started gives the exit status 126.

    Args:
        account: the account; None for the current user.
        command: the program and its arguments.
        cwd: the working directory.
        timeout: in seconds.
    """
    identity: dict[str, Any] = (
        {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    )
    # PGDATA, PGHOST and similar variables would direct the tools to another server.
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
    """Create a directory and its missing parents. Those that root creates get mode 755, whatever the umask.

    Raises:
        EmbeddedServerError: one of them cannot be created.
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
    """Create a directory that only one account can enter, or check that an existing one is private.

    Args:
        directory: the directory. Its parent exists and may be writable by all users.
        owner: the account that owns it; None for the current user.
        passable_by: an account that may also pass through it, to paths whose names it has.

    Raises:
        EmbeddedServerError: it is a link, has another owner or is open to others; or it cannot be created.
    """
    try:
        directory.mkdir(mode=0o700)  # fails for anything that exists, including links
    except FileExistsError:
        if not _is_unfinished(directory):
            _check_private(directory, owner)
            return
    except OSError as error:
        raise _cannot_make(directory, error) from None
    if passable_by is not None:
        os.chown(directory, -1, passable_by.gid)
        directory.chmod(0o710)
    if owner is not None:
        os.chown(directory, owner.uid, owner.gid)


def _is_unfinished(directory: Path) -> bool:
    """Whether `make_private` created the directory but has not changed its owner yet.

    Another process may be doing that now, or may have been killed. Repeating the remaining steps is harmless.
    """
    found = directory.lstat()
    ours = found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700
    return stat.S_ISDIR(found.st_mode) and ours and not any(directory.iterdir())


def _check_private(directory: Path, owner: Account | None) -> None:
    found = directory.lstat()
    ours = found.st_uid == (owner.uid if owner else os.geteuid())
    if not (stat.S_ISDIR(found.st_mode) and ours and not found.st_mode & 0o027):
        expected = owner.name if owner else "the user who runs this"
        raise EmbeddedServerError(
            f"{directory} is not a directory of {expected}'s alone (mode {found.st_mode & 0o7777:o}, owner "
            f"{found.st_uid}), so the embedded PostgreSQL is not started there.",
            "Run this as its owner, remove it, or choose another embedded.data_dir.",
        )


def _cannot_make(directory: Path, error: OSError) -> EmbeddedServerError:
    return EmbeddedServerError(
        f"The directory {directory} cannot be made: {error.strerror}.",
        "Choose another embedded.data_dir.",
    )


def give(tree: Path, owner: Account | None) -> None:
    """Give a directory tree to the account; nothing to do for the current user."""
    if owner is None:
        return
    for path in (tree, *tree.rglob("*")):
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
