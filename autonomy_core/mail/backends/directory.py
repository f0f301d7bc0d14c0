"""Writes mail as files into a directory, for development."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autonomy_core.kernel.mail import Letter, MailAccount, MailerUnavailable

SUFFIX = ".eml"


class DirectoryMailer:
    """``directory:mail`` writes into the directory ``mail`` of the data directory."""

    name = "directory"

    @contextmanager
    def connect(self, account: MailAccount) -> Iterator[_Directory]:
        """Create the directory.

        Raises:
            MailerUnavailable: it cannot be created.
        """
        directory = account.data / account.url.partition(":")[2]
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise MailerUnavailable(f"{directory} cannot be created: {error.strerror}") from error
        yield _Directory(directory)


class _Directory:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def deliver(self, letter: Letter) -> str:
        """Write the mail. The file is named by the mail's id, so a repeated mail is one file.

        Raises:
            MailerUnavailable: the file cannot be written.
        """
        path = self._directory / f"{letter.mail_id}{SUFFIX}"
        unfinished = path.with_suffix(f".{os.getpid()}.new")
        try:
            unfinished.touch(mode=0o600)
            unfinished.write_bytes(letter.as_bytes())
            unfinished.replace(path)
        except OSError as error:
            raise MailerUnavailable(f"{path} cannot be written: {error.strerror}") from error
        return f"written to {path.name}"
