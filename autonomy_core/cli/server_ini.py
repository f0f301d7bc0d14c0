"""The server's ini file: as PasteDeploy reads it, and with line numbers for its problems."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import plaster
import plaster_pastedeploy

from autonomy_core.cli.failures import Failure

HIGHEST_PORT = 65535
BOM = b"\xef\xbb\xbf"


def loader_of(path: Path) -> plaster_pastedeploy.Loader:
    """Return PasteDeploy's loader of an ini file.

    It is named here, because `plaster.get_loader` would read the metadata of every installed distribution.
    """
    return plaster_pastedeploy.Loader(plaster.parse_uri(str(path.absolute())))


def read_ini(path: Path) -> dict[str, Any]:
    """Return the keys of ``[app:main]`` as PasteDeploy reads them.

    Raises:
        Failure: the file is missing or cannot be read.
    """
    if not path.exists():
        raise Failure(
            f"There is no file {path}. Name the server's ini file with --config FILE or in $AUTONOMY_CONFIG, "
            "or go to the directory of development.ini.",
            exit_code=2,
        )
    with _explained_errors(path):
        return dict(loader_of(path).get_wsgi_app_settings())


def read_listen(path: Path) -> tuple[str, int]:
    """Return the address of ``[server:main]``: the first of waitress' ``listen``, or ``host`` and ``port``.

    Returns:
        Address and port. The defaults are 127.0.0.1 and 6543.

    Raises:
        Failure: the section cannot be read, or its port is invalid.
    """
    if not path.exists():
        return "127.0.0.1", 6543  # another check reports the missing file
    with _explained_errors(path):
        section = dict(loader_of(path).get_settings("server:main"))
    address = (section.get("listen") or "").split()[:1]
    host, _, port = address[0].rpartition(":") if address else (section.get("host"), "", section.get("port"))
    host, port = (host or "127.0.0.1").strip("[]"), port or "6543"
    if not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise Failure(f"{path}: [server:main]: {port!r} is not a port. Correct it, or name one with --port.")
    return ("0.0.0.0" if host == "*" else host), int(port)  # noqa: S104 - the file says so


def line_of(path: Path, key: str, section: str = "app:main") -> int:
    """Return the number of a key's line in a section.

    Return the section's line if the key is missing, and 1 if the section is missing.
    """
    section_line = 1
    is_inside = False
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1):
        if line.startswith("["):
            is_inside = line.strip() == f"[{section}]"
            section_line = number if is_inside else section_line
        elif is_inside and re.match(rf"{re.escape(key)}\s*[=:]", line):
            return number
    return section_line


@contextmanager
def _explained_errors(path: Path) -> Iterator[None]:
    """Report errors in the file without quoting its text, because the line may contain a password."""
    try:
        if path.read_bytes().startswith(BOM):
            raise Failure(
                f"{path}:1: the file begins with a byte order mark. Save it as UTF-8 without one.", 2
            )
        yield
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Failure(
            f"{path}:{line}: the file is not UTF-8 text. Save it in the encoding UTF-8.", 2
        ) from None
    except configparser.Error as error:
        raise Failure(_explained(path, error), 2) from None
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror or error}.", 2) from None
    except (LookupError, ValueError, ImportError) as error:
        raise Failure(f"{path} cannot be used: {error}", 2) from None


def _explained(path: Path, error: configparser.Error) -> str:
    match error:
        case configparser.InterpolationError():
            where = f"{path}:{line_of(path, error.option, error.section)}"
            return f"{where}: {error.option}: a % in a value is written %%, unless it begins %(here)s."
        case configparser.DuplicateOptionError():
            return (
                f"{path}:{error.lineno}: {error.option!r} is given twice in [{error.section}]. "
                "Keep one of the two."
            )
        case configparser.DuplicateSectionError():
            return f"{path}:{error.lineno}: there are two sections [{error.section}]. Merge them."
        case configparser.MissingSectionHeaderError():
            return f"{path}:{error.lineno}: this is before any section. Put it below [app:main]."
        case configparser.ParsingError():
            line = error.errors[0][0] if error.errors else 1
            return f"{path}:{line}: this is neither a section nor a key with a value. Write key = value."
    return f"{path} cannot be read: {error}"
