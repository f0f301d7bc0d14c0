"""A set of files of one plugin: where they are, how they are named, and which rows refer to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from autonomy_core.callables import require_plain
from autonomy_core.files.places import Place, storage_at
from autonomy_core.files.storage import Storage, is_suffix
from autonomy_core.kernel.files import StoredFiles
from autonomy_core.settings import Settings
from autonomy_core.tenancy.stores import StoreSettings

_PLUGIN: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class FileArea(StoredFiles):
    """Files that a plugin receives, stores, serves, and removes when no row refers to them.

    Return it from ``register_files`` as well, so that a backup contains the files. Uploads arrive in
    ``incoming``, beside ``directory``, which is in no backup: give the area a ``directory`` inside one of the
    plugin's own, for example ``settings.data / "pdf_booklet" / "files"``.

    Attributes:
        plugin: the plugin's name. The log events about the files and the locks on them begin with it.
        suffix: of the names of the files: a dot and 1 to 10 lower-case letters or digits, as in ``.pdf``.
        make_storage: makes the storage of ``directory``, wherever the server keeps its other files; None for
            the store that the ini files name.
    """

    plugin: str = field(kw_only=True)
    suffix: str = field(kw_only=True)
    make_storage: Callable[[Path], Storage] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        StoredFiles.__post_init__(self)  # super() does not work in a dataclass with slots
        if not _PLUGIN.fullmatch(self.plugin):
            raise ValueError(f"files {self.name!r}: plugin={self.plugin!r}; write the plugin's name")
        if not is_suffix(self.suffix):
            raise ValueError(
                f"files {self.name!r}: suffix={self.suffix!r}; write a dot and 1 to 10 lower-case letters or "
                "digits, for example '.pdf'"
            )
        if self.make_storage is not None:
            require_plain(f"files {self.name!r}: make_storage", self.make_storage, 1)

    def event(self, name: str) -> str:
        """The name of a log event: ``pdf_booklet.file_missing``."""
        return f"{self.plugin}.{name}"

    def storage(self, settings: Settings, own: StoreSettings | None = None) -> Storage:
        """The storage, by the settings.

        Args:
            settings: the server's.
            own: the store of an organisation that has one. It is also read from the server's.
        """
        if self.make_storage is not None:
            return _made(self.make_storage, self.directory(settings))
        return storage_at(self.places(settings, own))

    def places(self, settings: Settings, own: StoreSettings | None = None) -> tuple[Place, ...]:
        """Where the files may be. New ones are written to the first place.

        Args:
            settings: the server's.
            own: the store of an organisation that has one.
        """
        stores = (own, settings.files.store, settings.files.previous)
        directory = self.directory(settings)
        return tuple(
            Place(store, self.plugin, self.name, directory, settings.files.timeout)
            for store in stores
            if store is not None
        )

    def incoming(self, settings: Settings) -> Path:
        """The directory of uploads, beside that of the stored files. It is created if it does not exist."""
        path = self.directory(settings).parent / "incoming"
        path.mkdir(parents=True, exist_ok=True)
        return path


@lru_cache(maxsize=64)
def _made(make: Callable[[Path], Storage], directory: Path) -> Storage:
    return make(directory)
