"""What a file has to be to come with a product. Pure.

Every finding has a stable code. `FINDINGS` explains each one, and docs/extras.md is checked against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from media_mp3.domain import Explanation

LONGEST_TITLE: Final = 200
MOST_EXTRAS: Final = 50
"""Of a product, without those that were removed."""
MOST_EVER: Final = 500
"""Of a product, with those that were removed, which earlier buyers keep."""

HEAD_BYTES: Final = 16
TAIL_BYTES: Final = 66_000
"""A ZIP ends with at most 65,557 bytes of directory end and comment (APPNOTE, section 4.3.16)."""


@dataclass(frozen=True, slots=True)
class ExtraFormat:
    """A format that extras may have.

    Attributes:
        name: how the API names it: ``pdf``.
        extension: of a saved file, with its dot.
        begins: the first bytes of each file.
        ends: what is in the last `TAIL_BYTES` of each whole file; empty for a format that declares its size.
    """

    name: str
    media_type: str
    extension: str
    begins: bytes
    ends: bytes


FORMATS: Final[Mapping[str, ExtraFormat]] = {
    each.name: each
    for each in (
        ExtraFormat("pdf", "application/pdf", ".pdf", b"%PDF-", b"%%EOF"),
        ExtraFormat("zip", "application/zip", ".zip", b"PK\x03\x04", b"PK\x05\x06"),
        ExtraFormat("jpeg", "image/jpeg", ".jpg", b"\xff\xd8\xff", b"\xff\xd9"),
        ExtraFormat("png", "image/png", ".png", b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
        ExtraFormat("webp", "image/webp", ".webp", b"RIFF", b""),
    )
}
"""By name. None of them runs in a browser, and all of them are sent as attachments nevertheless."""

FINDINGS: Final[Mapping[str, Explanation]] = {
    "empty_file": Explanation("The file has no bytes.", "Choose the file again, and upload it."),
    "foreign_format": Explanation(
        "The content of the file is not a PDF, ZIP, JPEG, PNG or WebP, whatever its name says.",
        "Put files of other kinds into a ZIP, and upload that.",
    ),
    "truncated": Explanation(
        "The file ends before its content does.",
        "Copy or download the file again from where it comes from, and upload it.",
    ),
    "unreadable": Explanation(
        "The directory of the ZIP cannot be read, so buyers could not unpack it.",
        "Make the ZIP again, without encryption of its file names, and upload it.",
    ),
    "inspection_limit": Explanation(
        "The server needed more memory or time for the file than it may use.",
        "Put fewer files into the ZIP: make one for each part.",
    ),
}
"""By code, with the meaning and a remedy for the person who uploads."""


def format_of(head: bytes) -> ExtraFormat | None:
    """The format of a file by its first `HEAD_BYTES`; None if it has none of `FORMATS`."""
    found = next((each for each in FORMATS.values() if head.startswith(each.begins)), None)
    if found is not None and found.name == "webp" and head[8:12] != b"WEBP":
        return None
    return found


def is_whole(found: ExtraFormat, head: bytes, tail: bytes, size: int) -> bool:
    """Whether a file of a format has its end.

    Args:
        head: its first `HEAD_BYTES`.
        tail: its last `TAIL_BYTES`.
        size: of the file, in bytes.
    """
    if not found.ends:
        return int.from_bytes(head[4:8], "little") + 8 <= size
    return found.ends in tail


def describe(code: str) -> dict[str, Any]:
    """A finding as the API answers it."""
    known = FINDINGS[code]
    return {"code": code, "message": known.meaning, "detail": {}, "remedy": known.remedy}
