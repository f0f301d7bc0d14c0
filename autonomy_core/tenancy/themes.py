"""The theme of an organisation: the files of the directory ``<id>/theme`` beside its ini file.

::

    theme/theme.css                      the values of the design system's custom properties
    theme/logo.svg                       or logo.png, logo.webp; and further pictures and fonts for theme.css
    theme/templates/storefront/shop.html replaces the template `storefront/shop.html`

It belongs to the version of the organisation, as the texts of mails do: see `texts`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from autonomy_core.tenancy.domain import Problem
from autonomy_core.tenancy.files import Signature, read_small_file, signature
from autonomy_core.tenancy.reading import UNFINISHED_NS, is_unfinished, read_text, remedy_of
from autonomy_core.tenancy.texts import TextCheck, Texts

DIRECTORY = "theme"
TEMPLATES = "templates"

TEXT_SUFFIXES = frozenset({".css", ".html", ".svg"})
BINARY_SUFFIXES = frozenset({".jpg", ".png", ".webp", ".woff2"})

MAX_FILES = 200
"""The maximum number of files, because each check of the directory looks at all of them."""

MAX_BYTES = 512 * 1024
"""The maximum size of all files together: they are in the memory of each process, and in the record."""


def content_of(files: Mapping[str, str], name: str) -> bytes | None:
    """Return the content of a file of a theme; None if there is none.

    Args:
        files: as in `Organisation.theme`.
        name: the path below the directory of the theme.
    """
    text = files.get(name)
    if text is None:
        return None
    return b64decode(text) if PurePosixPath(name).suffix in BINARY_SUFFIXES else text.encode()


def read_theme(ini: Path, check: TextCheck, unfinished_ns: int = UNFINISHED_NS) -> Texts:
    """Read and check the theme that belongs to an ini file.

    Args:
        ini: the ini file.
        check: finds the problems of a file that is text. It takes the path below the directory of the theme.
        unfinished_ns: see `reading.UNFINISHED_NS`.

    Returns:
        The contents by path below the directory; those of pictures and fonts are in base64.
    """
    root = ini.parent / ini.stem / DIRECTORY
    if not root.parent.is_dir():
        return Texts()
    # Before the directories and the files are read, so that a concurrent change is detected later.
    seen: list[tuple[Path, Signature | None]] = [(root, signature(root))]
    try:
        paths = list(_files_in(root, seen))
    except OSError as error:
        message = f"the directory {root} cannot be read: {error.strerror or error}"
        return Texts({}, (Problem(ini, 1, "unreadable_file", message, remedy_of(error)),), tuple(seen))
    if len(paths) > MAX_FILES:
        message = f"the directory {root} has more than {MAX_FILES} files"
        problem = Problem(ini, 1, "invalid_theme", message, "remove those that are not needed")
        return Texts({}, (problem,), tuple(seen))
    seen += [(path, signature(path)) for path in paths]
    return _texts(root, paths, check, tuple(seen), unfinished_ns)


def _texts(
    root: Path,
    paths: list[Path],
    check: TextCheck,
    seen: tuple[tuple[Path, Signature | None], ...],
    unfinished_ns: int,
) -> Texts:
    contents: dict[str, str] = {}
    problems: list[Problem] = []
    unfinished = False
    inside = root.resolve()
    for path in paths:
        read = _read(path, inside)
        if isinstance(read, Problem):
            problems.append(read)
            continue
        name = path.relative_to(root).as_posix()
        contents[name] = read
        if path.suffix in TEXT_SUFFIXES:
            unfinished |= is_unfinished(path, read, unfinished_ns)
            problems += check(path, read)
    if sum(map(len, contents.values())) > MAX_BYTES:
        message = f"the files of the theme have more than {MAX_BYTES // 1024} KiB"
        problems.append(Problem(root / "theme.css", 1, "invalid_theme", message, "make pictures smaller"))
    return Texts(contents, tuple(problems), seen, unfinished)


def _read(path: Path, inside: Path) -> str | Problem:
    # Files of a theme are public, and its author may not be the operator of the server.
    if not path.resolve().is_relative_to(inside):
        message = "it is a link that leads out of the directory of the theme"
        return Problem(path, 1, "invalid_theme", message, "put a copy of the file in its place")
    if path.suffix in TEXT_SUFFIXES:
        return read_text(path)
    try:
        return b64encode(read_small_file(path)).decode()
    except OSError as error:
        message = f"the file cannot be read: {error.strerror or error}"
        return Problem(path, 1, "unreadable_file", message, remedy_of(error))


def _files_in(root: Path, seen: list[tuple[Path, Signature | None]]) -> Iterator[Path]:
    """The files of a theme, without those of editors. The directories are added to what was seen."""
    for directory in (root, root / TEMPLATES, *_directories(root / TEMPLATES)):
        if directory != root:
            seen.append((directory, signature(directory)))
        for path in sorted(directory.iterdir()) if directory.is_dir() else ():
            if not path.name.startswith(".") and path.suffix in TEXT_SUFFIXES | BINARY_SUFFIXES:
                yield path


def _directories(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.is_dir()) if directory.is_dir() else []
