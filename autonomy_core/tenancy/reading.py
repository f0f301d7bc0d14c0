"""Lists and reads the files of organisations, and says why a file cannot be read."""

from __future__ import annotations

import errno
import time
from pathlib import Path

from autonomy_core.tenancy.domain import Problem
from autonomy_core.tenancy.files import is_fresh, read_small_file, signature

UNFINISHED_NS = 1_000_000_000
"""For this long after its last change, a file without a final newline counts as incomplete."""

SUFFIX = ".ini"


def tenant_files(directory: Path) -> list[Path]:
    """Return the paths of the ini files in a directory, sorted by name, without hidden files of editors."""
    return sorted(path for path in directory.iterdir() if is_tenant_file(path.name))


def is_tenant_file(name: str) -> bool:
    """Whether a file of this name describes a tenant."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def unreadable_directory(directory: Path, error: OSError) -> Problem:
    """Return the problem of a directory that cannot be listed."""
    message = f"the directory of the tenants cannot be read: {error.strerror or error}"
    is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
    remedy = "make it, or set its path in the server's ini" if is_missing else remedy_of(error)
    return Problem(directory, 1, "unreadable_file", message, remedy)


def read_text(path: Path) -> str | Problem:
    """Return the text of a file, or the problem that prevents reading it."""
    try:
        content = read_small_file(path)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem(path, line, "not_utf8", "the file is not UTF-8 text", "save it in the encoding UTF-8")
    except OSError as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError) and not path.is_symlink():
            return Problem(
                path, 1, "unreadable_file", "there is no such file", "correct the path, or make the file"
            )
        message = f"the file cannot be read: {error.strerror or error}"
        return Problem(path, 1, "unreadable_file", message, remedy_of(error))


def remedy_of(error: OSError) -> str:
    """Return what to do about a file or directory that cannot be read."""
    match error:
        case PermissionError():
            return "let the server's user read it"
        case FileNotFoundError():
            return "it is a link that leads to nothing: correct or remove it"
        case OSError(errno=errno.ELOOP):
            return "it is a link that leads back to itself: correct or remove it"
        case OSError(errno=None):
            return "put a file in its place, as autonomy tenants new writes one"
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return "the server tries again; let its processes open more files"
    return "the server tries again; look into the log of the machine: its disk or file system has a fault"


def is_unfinished(path: Path, text: str, within_ns: int = UNFINISHED_NS) -> bool:
    """Whether an editor may still be writing a file.

    Args:
        path: the file.
        text: its content.
        within_ns: see `UNFINISHED_NS`.
    """
    return not text.endswith("\n") and is_fresh(signature(path), time.time_ns(), within_ns)
