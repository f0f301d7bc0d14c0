"""The Content-Disposition header (RFC 6266), with names of any characters (RFC 8187). Pure."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

_UNSAFE_IN_FILES = '/\\:*?"<>|'
_LONGEST_NAME = 150


def attachment(name: str, extension: str, *, unnamed: str = "file") -> str:
    """A header that makes the browser save the file.

    Args:
        name: of the saved file; characters with a meaning for file systems or headers are replaced.
        extension: with its dot.
        unnamed: the name if nothing is left of ``name``.
    """
    safe = _safe(name) or unnamed
    header = f'attachment; filename="{_ascii(safe) or unnamed}{extension}"'
    return header if safe.isascii() else f"{header}; filename*=UTF-8''{quote(safe + extension, safe='')}"


def _safe(name: str) -> str:
    visible = "".join(
        "_" if character in _UNSAFE_IN_FILES or not character.isprintable() else character
        for character in name
    )
    # A leading dot would hide the file, a trailing one confuses Windows.
    return visible[:_LONGEST_NAME].strip(" .")


def _ascii(name: str) -> str:
    """The name for old clients: letters without their accents. No ``%``, which some clients would decode."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return _safe(plain).replace("%", "_")
