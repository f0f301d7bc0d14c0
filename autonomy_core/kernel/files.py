"""Files outside the database, for plugins: what a backup takes along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autonomy_core.settings import Settings

__all__ = ["StoredFiles"]


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """A directory of files to which the plugin's rows refer.

    Attributes:
        name: a word of its own among the plugin's; the files are in ``files/<plugin>/<name>`` of a backup.
        directory: tells where they are, of the server's settings; it need not exist.
        referred_to: an SQL query of the files that the rows of all organisations refer to, by their paths below the
            directory. A backup says which of them are missing.
    """

    name: str
    directory: Callable[[Settings], Path]
    referred_to: str | None = None
