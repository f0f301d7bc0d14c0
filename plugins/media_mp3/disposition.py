"""The Content-Disposition header (RFC 6266), with names of any characters (RFC 8187). Pure."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

_UNSAFE_IN_FILES = '/\\:*?"<>|'
_LONGEST_NAME = 150


def attachment(name: str, extension: str) -> str:
    """A header that has the browser save the file.

    Args:
        name: what to call it; characters that file systems or headers give a meaning to are replaced.
        extension: with its dot.
    """
    safe = _safe(name)
    header = f'attachment; filename="{_ascii(safe)}{extension}"'
    return header if safe.isascii() else f"{header}; filename*=UTF-8''{quote(safe + extension, safe='')}"


def _safe(name: str) -> str:
    visible = "".join(
        "_" if character in _UNSAFE_IN_FILES or not character.isprintable() else character
        for character in name
    )
    # A leading dot would hide the file, a trailing one confuses Windows.
    return visible[:_LONGEST_NAME].strip(" .") or "track"


def _ascii(name: str) -> str:
    """What old clients get: letters without their accents. No ``%``, which some of them would decode."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return _safe(plain).replace("%", "_")
