"""Directories of files outside the database, which backups include. `autonomy_core.files` stores files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from autonomy_core.callables import require_plain

if TYPE_CHECKING:
    from autonomy_core.settings import Settings

__all__ = ["StoredFiles"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """A directory of files that the plugin's rows refer to.

    Attributes:
        name: a name that is unique within the plugin. A backup has the files in ``files/<plugin>/<name>``.
        directory: returns the path of the directory, which need not exist, from the server's settings.
        referred_to: an SQL query for the paths, relative to the directory, that the rows of all organisations
            refer to. A backup reports those that are missing. It may have a second column: the size of the
            file in bytes, which ``autonomy files check`` compares.
    """

    name: str
    directory: Callable[[Settings], Path]
    referred_to: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"files {self.name!r}: the name has to consist of letters, digits, '-', '_' and '.', "
                "and begin with a letter or a digit"
            )
        require_plain(f"files {self.name!r}: directory", self.directory, 1)
