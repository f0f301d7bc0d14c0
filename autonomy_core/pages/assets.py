"""Static files of the core and the plugins, and files of themes, with a hash of the content in their URL.

All files of a package share the hash. So a style sheet or a module names files beside it by relative URLs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote

from autonomy_core.kernel.pages import PageParts
from autonomy_core.tenancy.domain import Organisation
from autonomy_core.tenancy.themes import content_of

DIRECTORY: Final = "static"
CORE: Final = "pages"
"""The name of the core in the URLs of static files."""

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""By suffix. Other files of the directories are not served."""

OF_THEMES: Final = MEDIA_TYPES.keys() - {".ico", ".js"}
"""The suffixes of a theme's files that are served. A theme has no scripts."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file.

    Attributes:
        content: its bytes.
        media_type: its media type.
        is_present: whether the URL has the present hash; otherwise the answer must not be kept for long.
    """

    content: bytes = field(repr=False)
    media_type: str
    is_present: bool


class Assets:
    """The static files of an application, which are read once.

    Args:
        parts: what the core and the plugins have registered.
    """

    def __init__(self, parts: PageParts) -> None:
        self._files = {
            plugin or CORE: dict(_files_in(files(each.package).joinpath(DIRECTORY)))
            for plugin, each in parts.files
        }
        self._hashes = {package: _hash(found) for package, found in self._files.items()}

    def path(self, package: str, name: str) -> str:
        """Return the path of a file.

        Args:
            package: ``pages`` for the core, or the name of a plugin.
            name: the path of the file below ``static``.

        Raises:
            LookupError: there is no such file.
        """
        if name not in self._files.get(package, {}):
            raise LookupError(f"{package} has no static file {name!r}")
        return f"/static/{CORE}/{package}/{self._hashes[package]}/{quote(name)}"

    def find(self, package: str, hash_: str, name: str) -> Asset | None:
        """Return the file of a URL; None if there is none.

        A page of the version before or after this one, during an upgrade, gets the present file.
        """
        content = self._files.get(package, {}).get(name)
        if content is None:
            return None
        return Asset(content, MEDIA_TYPES[PurePosixPath(name).suffix], hash_ == self._hashes[package])

    def path_of_theme(self, organisation: Organisation, name: str) -> str:
        """Return the path of a file of a theme."""
        return f"/static/theme/{organisation.id}/{hash_of_theme(organisation)}/{quote(name)}"

    def find_in_theme(self, organisation: Organisation, hash_: str, name: str) -> Asset | None:
        """Return the file of a theme at a URL; None if there is none."""
        path = PurePosixPath(name)
        content = content_of(organisation.theme, name) if path.suffix in OF_THEMES else None
        if content is None or len(path.parts) > 1:
            return None
        return Asset(content, MEDIA_TYPES[path.suffix], hash_ == hash_of_theme(organisation))


@lru_cache(maxsize=256)
def hash_of_theme(organisation: Organisation) -> str:
    """Return the hash in the URLs of a theme's files."""
    return _hash({name: text.encode() for name, text in organisation.theme.items()})


def _files_in(directory: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    for each in directory.iterdir() if directory.is_dir() else ():
        if each.is_dir():
            yield from _files_in(each, f"{above}{each.name}/")
        elif PurePosixPath(each.name).suffix in MEDIA_TYPES:
            yield f"{above}{each.name}", each.read_bytes()


def _hash(contents: Mapping[str, bytes]) -> str:
    made = blake2b(digest_size=8)
    for name, content in sorted(contents.items()):
        made.update(f"{name}\n{len(content)}\n".encode())
        made.update(content)
    return made.hexdigest()
